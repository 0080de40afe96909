#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# containerd on vmrunc, by its shim io.containerd.runc.v2 and ctr.

load helpers

setup_file() {
	containerd_new "$WORK/containerd"
}

teardown_file() {
	stop_containerd TERM
}

start_containerd() {
	containerd_begin "$WORK/containerd"
}

# stop_containerd SIGNAL
stop_containerd() {
	local pid
	pid=$(cat "$WORK/containerd/pid")
	kill "-$1" "$pid"
	wait_for 30 gone "$pid"
}

teardown() {
	local id
	for id in $(c task list -q); do
		c task kill -s KILL "$id" >/dev/null 2>&1 || true
		wait_for "$WAIT_S" task_is "$id" STOPPED || true
		c task delete -f "$id" >/dev/null 2>&1 || true
	done
	for id in $(c container list -q); do c container delete "$id" >/dev/null 2>&1 || true; done
}

c() {
	ctr -a "$WORK/containerd/sock" -n vmrunc-engines "$@"
}

# crun_rm ID COMMAND...: ctr run --rm under bats' run, with stdout and stderr apart. OPTIONS: more options of ctr run.
crun_rm() {
	# shellcheck disable=SC2086 # they are words
	run "-${CODE:-0}" --separate-stderr ctr -a "$WORK/containerd/sock" -n vmrunc-engines run --rm ${OPTIONS:-} \
		--runc-binary "$ENGINE_RUNTIME" localhost/bb:latest "$@" </dev/null
}

# detached ID COMMAND...: a container that stays.
detached() {
	c run -d --runc-binary "$ENGINE_RUNTIME" --log-uri "file://$BATS_TEST_TMPDIR/$1.log" localhost/bb:latest "$@"
}

task_is() {
	[ "$(c task list | awk -v id="$1" '$1 == id { print $3 }')" = "$2" ]
}

@test "run: output, exit code, environment, a read-only root, a mount, a limit" {
	mkdir "$BATS_TEST_TMPDIR/v"
	OPTIONS="--env A=b --read-only --memory-limit 100000000 --mount type=bind,src=$BATS_TEST_TMPDIR/v,dst=/v,options=rbind:rw" \
		CODE=42 crun_rm c1 sh -c 'echo "$A $(id -u) $$"; touch /x 2>/dev/null || echo refused; echo left >/v/f; [ -e /sys/fs/cgroup/memory.max ] && cat /sys/fs/cgroup/memory.max || echo 99999744; echo to-stderr >&2; exit 42'
	eq "$(echo $output)" "b 0 1 refused 99999744"
	eq "$stderr" to-stderr
	eq "$(cat "$BATS_TEST_TMPDIR/v/f")" left
	CODE=1 crun_rm c2 not-there
	has "$stderr" "executable file not found in \$PATH"
	assert_nothing_left
}

@test "a task that stays: exec, ps, signals, metrics, delete" {
	local pids
	detached stays sh -c 'sleep 1234 & trap "echo got-usr1" USR1; trap "exit 3" TERM; echo up; while :; do sleep 0.1; done'
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stays.log" up
	wait_for "$WAIT_S" task_is stays RUNNING
	run -5 --separate-stderr ctr -a "$WORK/containerd/sock" -n vmrunc-engines task exec --exec-id e1 stays sh -c 'echo in-exec $(id -u); exit 5' </dev/null
	eq "$output" "in-exec 0"
	c task kill -s USR1 stays
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stays.log" got-usr1
	has "$(c task metrics stays)" memory
	eq "$(c task ps stays | awk 'NR == 2 { print $1 }')" "$(c task list | awk '$1 == "stays" { print $2 }')"
	# each process of the container is one of the host's, that of exec once
	c task exec -d --exec-id e2 stays sleep 4321
	c task ps stays >"$BATS_TEST_TMPDIR/ps"
	pids=$(awk 'NR > 1 { print $1 }' "$BATS_TEST_TMPDIR/ps" | paste -sd,)
	ps -o pid=,args= -q "$pids" | sed 's/ *$//' >"$BATS_TEST_TMPDIR/args"
	eq "$(grep -cE '^ *[0-9]+ sleep 1234$' "$BATS_TEST_TMPDIR/args")" 1
	eq "$(grep -c 'sleep 4321' "$BATS_TEST_TMPDIR/args")" 1
	has "$(grep "^$(awk '/sleep 4321/ { print $1 }' "$BATS_TEST_TMPDIR/args") " "$BATS_TEST_TMPDIR/ps")" e2
	c task pause stays
	task_is stays PAUSED
	c task resume stays
	task_is stays RUNNING
	c task kill -s TERM stays
	wait_for "$WAIT_S" task_is stays STOPPED
	c task delete stays
	c container delete stays
	assert_nothing_left
}

@test "a shim that is killed takes its container along, and leaves nothing" {
	local pid
	detached orphan sleep 1000
	pid=$(c task list | awk '$1 == "orphan" { print $2 }')
	kill -KILL "$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")"
	wait_for "$WAIT_S" gone "$pid"
	wait_for "$WAIT_S" nothing_runs
	c task delete -f orphan >/dev/null 2>&1 || true
	c container delete orphan
	assert_nothing_left
}

one_at_once() {
	ctr -a "$WORK/containerd/sock" -n vmrunc-engines run --rm --runc-binary "$ENGINE_RUNTIME" localhost/bb:latest \
		"at-once-$1" sh -c "echo $1; exit $1"
}

@test "five containers at once" {
	many_at_once 5 one_at_once
	assert_nothing_left
}

# bats test_tags=long
@test "twenty containers at once" {
	many_at_once 20 one_at_once
	assert_nothing_left
}

# bats test_tags=long
@test "containerd is stopped, and killed, while a task runs, and finds it running" {
	local signal
	detached stays sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done'
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stays.log" up
	for signal in TERM KILL; do
		stop_containerd $signal
		start_containerd
		task_is stays RUNNING
		run -5 --separate-stderr ctr -a "$WORK/containerd/sock" -n vmrunc-engines task exec --exec-id "e$signal" stays sh -c 'echo in-exec; exit 5' </dev/null
		eq "$output" in-exec
	done
	c task kill -s TERM stays
	wait_for "$WAIT_S" task_is stays STOPPED
	c task delete stays || [ $? -eq 3 ] # the exit code of the task
	c container delete stays
	assert_nothing_left
}

# bats test_tags=long
@test "containerd is killed in the middle of run, exec, kill and delete" {
	local ctr="ctr -a $WORK/containerd/sock -n vmrunc-engines" verb pid
	vmrunc_only # runtime_processes knows no other's
	$ctr run --rm --runc-binary "$ENGINE_RUNTIME" localhost/bb:latest cut sleep 1000 >/dev/null 2>&1 </dev/null 3>&- &
	pid=$!
	wait_for "$WAIT_S" something_runs
	stop_containerd KILL
	wait $pid || true
	start_containerd
	teardown
	wait_for "$WAIT_S" nothing_runs
	# the shim has killed the runtime's create, containerd forgets both, and neither has the rest deleted: that is left to people
	for pid in $(pgrep -f 'containerd-shim-runc-v2 -namespace vmrunc-engines -id cut '); do kill -KILL "$pid"; done
	"$ENGINE_RUNTIME" --root /run/containerd/runc/vmrunc-engines delete --force cut
	assert_nothing_left
	for verb in "exec --exec-id e cut sleep 1000" "kill -s KILL cut" "pause cut" "delete -f cut"; do
		detached cut sleep 1000
		wait_for "$WAIT_S" task_is cut RUNNING
		# shellcheck disable=SC2086 # they are words
		$ctr task $verb >/dev/null 2>&1 </dev/null 3>&- &
		pid=$!
		stop_containerd KILL
		wait $pid || true
		start_containerd
		c task resume cut 2>/dev/null || true
		teardown
		eq "$verb: $(c container list -q)" "$verb: "
		assert_nothing_left
	done
}

# bats test_tags=long
@test "a container that runs out of memory: containerd says so" {
	$(command -v ctr) -a "$WORK/containerd/sock" events >"$BATS_TEST_TMPDIR/events" 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/pid"
	OPTIONS="--memory-limit 67108864" CODE=137 crun_rm hungry tail /dev/zero
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/events" /tasks/delete
	kill "$(cat "$BATS_TEST_TMPDIR/pid")"
	file_has "$BATS_TEST_TMPDIR/events" /tasks/oom || { cat "$BATS_TEST_TMPDIR/events"; return 1; }
}
