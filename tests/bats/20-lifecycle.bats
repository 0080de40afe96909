#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# create, start, state, kill, delete, list.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

create() { rt create --bundle "$BUNDLE" "$@" "$ID" </dev/null >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr"; }

# bats test_tags=kvm
@test "create, start, stop, delete: the states of a container's life" {
	sh_bundle 'echo "process called"; exit 3'
	create --pid-file "$BATS_TEST_TMPDIR/pid"
	eq "$(status_of "$ID")" created
	local pid
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	eq "$(rt state "$ID" | jq -r '[.id, .bundle, .pid] | join(" ")')" "$ID $BUNDLE $pid"
	eq "$(cat "$BATS_TEST_TMPDIR/stdout")" ""
	run rt start "$ID"
	eq "$status" 0
	wait_status "$ID" stopped
	# everything is there as soon as stopped shows
	eq "$(cat "$BATS_TEST_TMPDIR/stdout")" "process called"
	run rt start "$ID"
	[ "$status" -ne 0 ]
	run rt kill "$ID" TERM
	[ "$status" -ne 0 ]
	rt delete "$ID"
	run rt state "$ID"
	[ "$status" -ne 0 ]
	has "$output" "does not exist"
}

@test "create: the monitor stands in the container's namespaces and root" {
	vmrunc_only
	sh_bundle 'sleep 1000'
	create
	local pid
	pid=$(rt state "$ID" | jq .pid)
	for ns in pid net ipc uts mnt; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] || { echo "shares $ns"; return 1; }
	done
	# seen through its mount namespace, / is the container's root and the host's tree is gone
	nsenter -t "$pid" -m /bin/busybox test -e /bin/busybox
	run nsenter -t "$pid" -m /bin/busybox test -e "$TOP"
	[ "$status" -ne 0 ]
	eq "$(awk '/NoNewPrivs/ {print $2}' "/proc/$pid/status")" 1
	eq "$(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")" 2
	rt delete --force "$ID"
}

# bats test_tags=kvm
@test "create: the jail opens no device, writes no setting of the host, and holds no directory of the host" {
	vmrunc_only
	local pid p f
	new_bundle '.process.args = ["sleep", "1000"] | .mounts += [{destination:"/data",type:"bind",source:$src,options:["rbind"]}]' --arg src "$BATS_TEST_TMPDIR/src"
	mkdir "$BATS_TEST_TMPDIR/src"
	mknod "$BUNDLE/rootfs/device" c 1 3
	mknod "$BATS_TEST_TMPDIR/src/device" c 1 3
	rt create --bundle "$BUNDLE" "$ID" >/dev/null
	pid=$(rt state "$ID" | jq .pid)
	for p in $pid $(pgrep -P "$pid" || true); do
		eq "$(grep -c ' - proc [^ ]* rw' "/proc/$p/mountinfo" || true)" "$(awk '/ - proc / && $6 ~ /^ro/' "/proc/$p/mountinfo" | wc -l)"
		for f in "/proc/$p/root/device" "/proc/$p/root/data/device" "/proc/$p"/fd/*/device "/proc/$p"/root/*/"$ID"/*/device "/proc/$p"/root/*/"$ID"/*/*/device; do
			[ -e "$f" ] || continue
			run cat "$f"
			has "$output" "Permission denied"
			echo "refused: $f"
		done
		for f in "/proc/$p"/fd/*; do
			[ -d "$f" ] || continue
			# the way up ends at the root of an export, or of a /proc: not at the host's
			if [ "$f/../../../../../../../../../../../../../../../.." -ef / ]; then
				echo "a directory of the host: $f $(readlink "$f")"
				return 1
			fi
		done
	done
}

@test "delete: a created or running container is refused without --force, and unharmed" {
	vmrunc_only
	sh_bundle 'sleep 1000'
	create
	run rt delete "$ID"
	[ "$status" -ne 0 ]
	eq "$(status_of "$ID")" created
	rt start "$ID"
	run rt delete "$ID"
	[ "$status" -ne 0 ]
	eq "$(status_of "$ID")" running
	rt delete --force "$ID"
	run rt delete --force "$ID"
	eq "$status" 0
}

# bats test_tags=kvm
@test "kill: TERM, USR1, USR2 reach the process; KILL ends created and running ones" {
	sh_bundle 'trap "echo got-usr1" USR1; trap "echo got-usr2" USR2; trap "echo got-term; exit 7" TERM; echo ready; while :; do sleep 0.05; done'
	create
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stdout" ready
	rt kill "$ID" USR1
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stdout" got-usr1
	rt kill "$ID" SIGUSR2
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stdout" got-usr2
	rt kill "$ID"
	wait_status "$ID" stopped
	file_has "$BATS_TEST_TMPDIR/stdout" got-term
	rt delete "$ID"

	create
	rt kill "$ID" TERM # there is no handler yet: it ends, as with runc
	wait_status "$ID" stopped
	rt delete "$ID"
	create
	rt kill "$ID" 9
	wait_status "$ID" stopped
	rt delete "$ID"
	run rt kill "$ID" KILL
	[ "$status" -ne 0 ]
	has "$output" "does not exist"
}

@test "a signal sent to the monitor's pid is the container's" {
	vmrunc_only
	sh_bundle 'trap "echo got-term; exit 9" TERM; echo ready; while :; do sleep 0.05; done'
	create
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stdout" ready
	kill -TERM "$(rt state "$ID" | jq .pid)"
	wait_status "$ID" stopped
	file_has "$BATS_TEST_TMPDIR/stdout" got-term
}

@test "config.json may change after create without effect" {
	sh_bundle 'echo as-created'
	create
	echo '{"ociVersion":"1.0.0"}' >"$BUNDLE/config.json"
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/stdout")" as-created
	rt delete "$ID"
}

@test "list: table, json and quiet" {
	vmrunc_only
	sh_bundle 'sleep 1000'
	create
	eq "$(rt list | head -1 | tr -s ' ')" "ID PID STATUS BUNDLE CREATED OWNER"
	eq "$(rt list | sed -n 2p | awk '{print $1, $3, $4, $6}')" "$ID created $BUNDLE $(id -un)"
	# columns stand under their names
	local line
	line=$(rt list | sed -n 2p)
	for name in PID STATUS BUNDLE CREATED OWNER; do
		head=$(rt list | head -1)
		head=${head%%"$name"*}
		[ "${line:${#head}-1:1}" = " " ] && [ "${line:${#head}:1}" != " " ] || { rt list; return 1; }
	done
	eq "$(rt list -q)" "$ID"
	eq "$(rt list --format json | jq -r '.[0] | [.id, .status, .bundle] | join(" ")')" "$ID created $BUNDLE"
	run rt list
	has "${lines[0]}" STATUS
	has "${lines[1]}" created
	rt delete --force "$ID"
	eq "$(rt list -q)" ""
}

@test "two containers at a time do not disturb each other" {
	sh_bundle 'echo one; sleep 1000'
	local first=$ID
	create
	ID=$first-b
	sh_bundle 'echo two'
	run_c
	eq "$status" 0
	eq "$output" two
	ID=$first
	eq "$(status_of "$ID")" created
	rt delete --force "$ID"
}

@test "no command but create leaves a process that holds its stdout, and create's holds nothing else of the caller's" {
	local reader
	sh_bundle 'sleep 1000'
	mkfifo "$BATS_TEST_TMPDIR/leak"
	timeout "$WAIT_S" cat "$BATS_TEST_TMPDIR/leak" 3>&- &
	reader=$!
	create 7>"$BATS_TEST_TMPDIR/leak"
	wait "$reader" # it ends when nobody has the other end of the pipe
	# reading to the end of the pipes returns only when nobody holds them
	eq "$(timeout "$WAIT_S" "${RT_CMD[@]}" start "$ID" 2>&1 | cat)" ""
	timeout "$WAIT_S" "${RT_CMD[@]}" state "$ID" | cat | jq -e '.status == "running"'
	eq "$(timeout "$WAIT_S" "${RT_CMD[@]}" kill "$ID" KILL 2>&1 | cat)" ""
	wait_status "$ID" stopped
	eq "$(timeout "$WAIT_S" "${RT_CMD[@]}" delete "$ID" 2>&1 | cat)" ""
}

# bats test_tags=kvm
@test "kill -9 of the monitor, created or running: stopped, and delete cleans up" {
	sh_bundle 'echo ready; sleep 1000'
	create
	kill -9 "$(rt state "$ID" | jq .pid)"
	wait_status "$ID" stopped
	rt delete "$ID"
	create
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/stdout" ready
	kill -9 "$(rt state "$ID" | jq .pid)"
	wait_status "$ID" stopped
	rt delete "$ID"
}

@test "delete --force of a container whose state.json is lost ends its virtual machine" {
	vmrunc_only
	local pid
	sh_bundle 'sleep 1000' 'del(.linux.cgroupsPath)'
	create
	rt start "$ID"
	pid=$(rt state "$ID" | jq .pid)
	rm "$ROOT/$ID/state.json"
	run rt delete "$ID"
	[ "$status" -ne 0 ]
	kill -0 "$pid"
	run rt --log-level warning delete --force "$ID"
	eq "$status" 0
	has "$output" "is lost: its monitor is killed"
	[ ! -d "/proc/$pid" ] || grep -q 'State:.Z' "/proc/$pid/status"
	# teardown looks for what is left, cgroups too
}

@test "hooks: order, and the state that each gets on stdin" {
	new_bundle '.hooks = (["prestart", "createRuntime", "poststart", "poststop"] | map({key: ., value: [{path: "/bin/sh", args: ["sh", "-c", ("cat >>" + $log)]}]}) | from_entries)' \
		--arg log "$BATS_TEST_TMPDIR/states"
	run_c
	eq "$status" 0
	eq "$(jq -r .status "$BATS_TEST_TMPDIR/states" | head -3 | tr '\n' ' ')" "created creating running "
	eq "$(jq -s length "$BATS_TEST_TMPDIR/states")" 4
	eq "$(jq -r .id "$BATS_TEST_TMPDIR/states" | sort -u)" "$ID"
}
