#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# containerd on vmrunc, by its shim io.containerd.runc.v2 and ctr.

load helpers

setup_file() {
	local dir=$WORK/containerd
	mkdir "$dir"
	cat >"$dir/config.toml" <<-C
		version = 2
		root = "$dir/root"
		state = "$dir/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		  address = "$dir/sock"
	C
	containerd -c "$dir/config.toml" >"$dir/log" 2>&1 3>&- &
	echo $! >"$dir/pid"
	wait_for "$WAIT_S" ctr -a "$dir/sock" version >/dev/null 2>&1
	make_docker_archive "$dir/image.tar" localhost/bb:latest /bin/sh
	ctr -a "$dir/sock" -n vmrunc-engines image import "$dir/image.tar" >/dev/null
}

teardown_file() {
	local pid
	pid=$(cat "$WORK/containerd/pid")
	kill "$pid"
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
	detached stays sh -c 'trap "echo got-usr1" USR1; trap "exit 3" TERM; echo up; while :; do sleep 0.1; done'
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stays.log" up
	wait_for "$WAIT_S" task_is stays RUNNING
	run -5 --separate-stderr ctr -a "$WORK/containerd/sock" -n vmrunc-engines task exec --exec-id e1 stays sh -c 'echo in-exec $(id -u); exit 5' </dev/null
	eq "$output" "in-exec 0"
	c task kill -s USR1 stays
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stays.log" got-usr1
	has "$(c task metrics stays)" memory
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

@test "five containers at once" {
	local i pids=()
	for i in 1 2 3 4 5; do
		ctr -a "$WORK/containerd/sock" -n vmrunc-engines run --rm --runc-binary "$ENGINE_RUNTIME" localhost/bb:latest \
			"at-once-$i" sh -c "echo $i; exit $i" </dev/null >"$BATS_TEST_TMPDIR/out.$i" 2>&1 &
		pids+=($!)
	done
	for i in 1 2 3 4 5; do
		status=0
		wait "${pids[i - 1]}" || status=$?
		eq "$status $(cat "$BATS_TEST_TMPDIR/out.$i")" "$i $i"
	done
	assert_nothing_left
}
