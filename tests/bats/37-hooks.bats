#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hooks: the six kinds, where each runs, what it is told, and what its failure does (runtime-spec config.md, runtime.md).

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	LOG=$BATS_TEST_TMPDIR/log
	export LOG
}
teardown() { common_teardown; }

create() { rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr"; }

# The runtime's own words, whichever command they came from.
said() { has "$(cat "$BATS_TEST_TMPDIR/stderr")" "$1"; }

# hook NAME SCRIPT [TIMEOUT]: one more hook of that kind for the config. In the guest the shell is busybox's.
hook() {
	jq --arg name "$1" --arg script "$2" --argjson timeout "${3:-null}" \
		'.hooks[$name] += [{path: "/bin/sh", args: ["sh", "-c", $script, "hook-name"], env: ["LOG=" + env.LOG, "PATH=/usr/bin:/bin"]} + (if $timeout then {timeout: $timeout} else {} end)]' \
		"$BUNDLE/config.json" >"$BUNDLE/config.new"
	mv "$BUNDLE/config.new" "$BUNDLE/config.json"
}

# log_dir: a directory of the host that the guest's hooks can write into as well, under the same path.
shared_log() {
	mkdir "$BATS_TEST_TMPDIR/logs"
	LOG=$BATS_TEST_TMPDIR/logs/log
}
bind_log='.mounts += [{destination: $dir, type: "bind", source: $dir, options: ["rbind"]}]'

@test "all six, two of each: one after the other in the order of the specification, and of the config" {
	vmrunc_only # runc 1.1 has poststart in create
	local kind
	shared_log
	sh_bundle "echo process >>$LOG" "$bind_log" --arg dir "$BATS_TEST_TMPDIR/logs"
	for kind in poststop startContainer createContainer poststart createRuntime prestart; do
		hook "$kind" "echo $kind-1 >>\$LOG"
		hook "$kind" "echo $kind-2 >>\$LOG"
	done
	create
	eq "$(tr '\n' ' ' <"$LOG")" "prestart-1 prestart-2 createRuntime-1 createRuntime-2 createContainer-1 createContainer-2 "
	rt start "$ID"
	wait_status "$ID" stopped
	# poststart and the process run side by side
	eq "$(sed -n '7,$p' "$LOG" | grep -v process | tr '\n' ' ')" "startContainer-1 startContainer-2 poststart-1 poststart-2 "
	eq "$(grep -n process "$LOG" | cut -d: -f1 | head -1 | awk '{print ($1 > 8)}')" 1
	rt delete "$ID"
	eq "$(tail -2 "$LOG" | tr '\n' ' ')" "poststop-1 poststop-2 "
}

@test "the state on stdin: status and pid as each sees them, the bundle, the annotations" {
	vmrunc_only # runc 1.1 gives its own ociVersion
	local pid kind
	shared_log
	sh_bundle 'sleep 1000' "$bind_log | .annotations = {\"a.key\": \"a \\\"value\\\"\"}" --arg dir "$BATS_TEST_TMPDIR/logs"
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		hook "$kind" "cat >\$LOG-$kind"
	done
	create
	pid=$(rt state "$ID" | jq .pid)
	rt start "$ID"
	rt kill "$ID" KILL
	wait_status "$ID" stopped
	rt delete "$ID"
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		eq "$(jq -r '[.id, .bundle, .annotations["a.key"], .ociVersion] | join(" ")' "$LOG-$kind")" "$ID $BUNDLE a \"value\" 1.0.2"
	done
	state() { jq -r '[.status, .pid] | join(" ")' "$LOG-$1"; }
	eq "$(state createRuntime)" "creating $pid"
	# in the container's pid namespace
	eq "$(state createContainer)" "creating 1"
	eq "$(state startContainer)" "created 1"
	eq "$(state poststart)" "running $pid"
	eq "$(jq -r .status "$LOG-poststop")" stopped
	eq "$(state prestart)" "created $pid"
}

@test "arguments and environment are the config's alone; the working directory is the bundle, the root, or the process's" {
	local kind
	vmrunc_only
	shared_log
	sh_bundle 'true' "$bind_log | .process.cwd = \"/home\"" --arg dir "$BATS_TEST_TMPDIR/logs"
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		hook "$kind" "{ echo \$0 \$(pwd); cat /proc/self/environ | tr '\\0' '\\n' | sort; ls /proc/self/fd | wc -l; } >\$LOG-$kind"
	done
	OF_THE_CALLER=1 run_c 7</dev/null
	eq "$status" 0
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		local dir=$BUNDLE
		[ $kind != createContainer ] || dir=$BUNDLE/rootfs
		[ $kind != startContainer ] || dir=/home
		eq "$(head -1 "$LOG-$kind")" "hook-name $dir"
		eq "$(sed 1d "$LOG-$kind" | grep -v '^PWD=\|^OLDPWD=\|^SHLVL=\|^_=' | sed '$d' | tr '\n' ' ')" "LOG=$LOG PATH=/usr/bin:/bin "
		# 0, 1, 2 and what ls itself has open
		eq "$(tail -1 "$LOG-$kind")" 4
	done
}

@test "without env a hook has the environment of the caller, in the guest that of the process; an empty env is none" {
	local kind
	shared_log
	sh_bundle 'true' "$bind_log | .process.env = [\"PATH=/bin\", \"OF_THE_PROCESS=1\"]" --arg dir "$BATS_TEST_TMPDIR/logs"
	for kind in createRuntime createContainer startContainer poststart poststop; do
		hook "$kind" "env >$LOG-$kind"
		hook "$kind" "env >$LOG-$kind-empty"
		jq --arg kind "$kind" 'del(.hooks[$kind][0].env) | .hooks[$kind][1].env = []' "$BUNDLE/config.json" >"$BUNDLE/new"
		mv "$BUNDLE/new" "$BUNDLE/config.json"
	done
	OF_THE_CALLER=1 run_c
	eq "$status" 0
	for kind in createRuntime createContainer poststart poststop; do
		has "$(cat "$LOG-$kind")" OF_THE_CALLER=1
		hasnt "$(cat "$LOG-$kind-empty")" OF_THE
	done
	has "$(cat "$LOG-startContainer")" OF_THE_PROCESS=1
	has "$(cat "$LOG-startContainer")" HOME=/root
	hasnt "$(cat "$LOG-startContainer" "$LOG-startContainer-empty")" OF_THE_CALLER
	hasnt "$(cat "$LOG-startContainer-empty")" OF_THE
}

@test "prestart and createRuntime run on the host with the mount tree built: rootfs and binds at their host paths" {
	vmrunc_only
	local kind
	new_bundle '.mounts += [{destination:"/data",type:"bind",source:$src,options:["rbind"]}]' --arg src "$BATS_TEST_TMPDIR/src"
	mkdir "$BATS_TEST_TMPDIR/src"
	echo given >"$BATS_TEST_TMPDIR/src/file"
	for kind in prestart createRuntime; do
		hook "$kind" "p=\$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); readlink /proc/self/ns/mnt; nsenter -t \$p -m /bin/cat $BUNDLE/rootfs/data/file; nsenter -t \$p -m /bin/test -e $TOP/README.md && echo before the pivot"
		# the same hook, with its output kept
		jq --arg k "$kind" '.hooks[$k][0].args[2] = "{ " + .hooks[$k][0].args[2] + "; } >$LOG-" + $k' "$BUNDLE/config.json" >"$BUNDLE/config.new"
		mv "$BUNDLE/config.new" "$BUNDLE/config.json"
	done
	run_c
	eq "$status" 0
	for kind in prestart createRuntime; do
		eq "$(cat "$LOG-$kind")" "$(readlink /proc/self/ns/mnt)
given
before the pivot"
	done
}

@test "createContainer: the program of the host, in the container's namespaces, before the pivot; what it writes into the root is there" {
	vmrunc_only
	new_bundle '.process.args = ["cat", "/from-hook"] | .mounts += [{destination:"/data",type:"bind",source:$src,options:["rbind"]}] | .linux.namespaces += [{type: "cgroup"}]' --arg src "$BATS_TEST_TMPDIR/src"
	mkdir "$BATS_TEST_TMPDIR/src"
	echo given >"$BATS_TEST_TMPDIR/src/file"
	hook createContainer "{ for n in cgroup ipc mnt net pid uts user; do readlink /proc/self/ns/\$n; done; cat data/file; test -e $TOP/README.md && echo host in sight; } >\$LOG; echo hello >from-hook"
	run_c
	eq "$status" 0
	eq "$output" hello
	local n line=0
	for n in cgroup ipc mnt net pid uts; do
		line=$((line + 1))
		[ "$(sed -n ${line}p "$LOG")" != "$(readlink /proc/self/ns/$n)" ] || { echo "shares $n"; return 1; }
	done
	eq "$(tail -n +8 "$LOG")" "given
host in sight"
}

@test "createContainer with a mount namespace by path: executed in it, with the host's program" {
	vmrunc_only
	unshare --mount sleep 1000 3>&- &
	local holder=$!
	wait_for "$WAIT_S" file_has "/proc/$holder/comm" '^sleep$'
	sh_bundle 'echo works' '(.linux.namespaces[] | select(.type == "mount")).path = $p' --arg p "/proc/$holder/ns/mnt"
	hook createContainer 'readlink /proc/self/ns/mnt >$LOG; pwd >>$LOG'
	run_c
	kill "$holder"
	eq "$status" 0
	eq "$output" works
	eq "$(cat "$LOG")" "$(readlink "/proc/$holder/ns/mnt" 2>/dev/null || head -1 "$LOG")
$BUNDLE/rootfs"
	[ "$(head -1 "$LOG")" != "$(readlink /proc/self/ns/mnt)" ]
}

@test "startContainer: the container's own program, in its kernel, namespaces and root, with its user, capabilities and filter" {
	vmrunc_only
	shared_log
	local seen='cat /proc/sys/kernel/random/boot_id; hostname; grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)" /proc/self/status; for n in cgroup ipc mnt net pid uts; do readlink /proc/self/ns/$n; done; ls -di /; pwd; mkdir /tmp/d || echo filtered'
	sh_bundle "{ $seen; } >$LOG-process; cat /tmp/from-hook" \
		"$bind_log | .process.user = {uid: 1000, gid: 1000, additionalGids: [5, 6]} | .linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", syscalls: [{names: [\"mkdir\", \"mkdirat\"], action: \"SCMP_ACT_ERRNO\"}]}" --arg dir "$BATS_TEST_TMPDIR/logs"
	chmod 1777 "$BATS_TEST_TMPDIR/logs"
	hook startContainer "{ $seen; } >\$LOG-hook; echo from the hook >/tmp/from-hook"
	run_c
	eq "$status" 0
	eq "$output" "from the hook"
	eq "$(cat "$LOG-hook")" "$(cat "$LOG-process")"
	[ "$(head -1 "$LOG-hook")" != "$(cat /proc/sys/kernel/random/boot_id)" ] # another kernel, though it may be of the same release
	file_has "$LOG-hook" '^filtered$'
}

@test "startContainer: the process that runs it shows nothing of the VM, nor does it to an exec; with and without a user namespace" {
	vmrunc_only
	local look='for f in /proc/1/fd/* /proc/1/cwd /proc/1/root /proc/1/exe /proc/1/environ; do readlink $f; ls $f/; done 2>/dev/null' more
	for more in . '.linux.namespaces += [{type: "user"}, {type: "time"}] | .linux.timeOffsets = {boottime: {secs: 864000}} | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'; do
		sh_bundle 'cut -d. -f1 /proc/uptime; cat /tmp/seen; echo end' "$more"
		if [ "$more" != . ]; then chown -R 100000:100000 "$BUNDLE/rootfs"; fi
		hook startContainer "$look >/tmp/seen; true"
		create
		eq "$(rt exec "$ID" sh -c "$look; echo looked")" looked
		rt start "$ID"
		wait_for "$WAIT_S" grep -qx end "$BATS_TEST_TMPDIR/stdout"
		eq "$(tail -n +2 "$BATS_TEST_TMPDIR/stdout")" end
		if [ "$more" != . ]; then [ "$(head -1 "$BATS_TEST_TMPDIR/stdout")" -ge 864000 ]; fi
		rt delete --force "$ID"
	done
}

@test "prestart, createRuntime, createContainer that fails: create says why, nothing is left, poststop runs, later hooks do not" {
	local kind
	for kind in prestart createRuntime createContainer; do
		rm -f "$LOG"
		sh_bundle 'echo must not run'
		hook "$kind" 'echo one >>$LOG; echo the reason >&2; exit 3'
		hook "$kind" 'echo two >>$LOG'
		hook startContainer 'echo start >&2'
		hook poststart 'echo poststart >>$LOG'
		hook poststop 'echo poststop >>$LOG'
		run ! create
		[ -n "${RUNTIME:-}" ] || said "hooks.${kind}[0]: \"/bin/sh\" failed with exit status 3: the reason"
		eq "$(tr '\n' ' ' <"$LOG")" "one poststop "
		run rt state "$ID"
		[ "$status" -ne 0 ]
	done
	# the ID is free again
	sh_bundle 'echo works'
	run_c
	eq "$output" works
}

@test "startContainer that fails: start says why, the process never runs, the container is stopped, delete runs poststop" {
	vmrunc_only # runc 1.1 does not tell start
	sh_bundle 'echo must not run'
	hook startContainer 'echo the reason >&2; exit 4'
	hook startContainer 'echo second >&2; exit 5'
	hook poststart 'echo poststart >>$LOG'
	hook poststop 'echo poststop >>$LOG'
	create
	run rt start "$ID"
	[ "$status" -ne 0 ]
	has "$output" "hooks.startContainer[0]: \"/bin/sh\" failed with exit status 4: the reason"
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/stdout")" ""
	rt delete "$ID"
	eq "$(cat "$LOG")" poststop
}

@test "startContainer that does not exist in the container, or is killed by a signal: an error that names it" {
	vmrunc_only
	sh_bundle 'true' '.hooks.startContainer = [{path: "/no/such/hook"}]'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "hooks.startContainer[0]: \"/no/such/hook\" failed with exit status 127: /no/such/hook: No such file or directory"
	sh_bundle 'true'
	hook startContainer 'kill -9 $$'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "hooks.startContainer[0]: \"/bin/sh\" was killed by signal 9"
}

@test "timeout: a hook that does not end is killed, and has failed; for each kind before the process" {
	local kind
	for kind in prestart createRuntime createContainer startContainer; do
		sh_bundle 'echo must not run'
		hook "$kind" 'exec sleep 1000' 1
		run_c
		[ "$status" -ne 0 ]
		eq "$output" ""
		[ -n "${RUNTIME:-}" ] || has "$stderr" "hooks.${kind}[0]: \"/bin/sh\" did not end within 1 s"
	done
}

@test "poststart that fails: an error, and the container is stopped; poststop that fails, or exceeds its timeout: a warning" {
	vmrunc_only
	sh_bundle 'sleep 1000'
	hook poststart "echo poststart >>\$LOG"
	hook poststart 'exec sleep 1000' 1
	hook poststart "echo not-reached >>\$LOG"
	hook poststop 'exit 6'
	hook poststop 'exec sleep 1000' 1
	hook poststop "echo poststop >>\$LOG"
	create
	run rt start "$ID"
	eq "$status" 1
	has "$output" "vmrunc: error running poststart hook #1: hooks.poststart[1]: \"/bin/sh\" did not end within 1 s"
	eq "$(cat "$LOG")" poststart
	eq "$(status_of "$ID")" stopped
	run rt --log-level warning delete "$ID"
	eq "$status" 0
	has "$output" "warning: error running poststop hook #0: hooks.poststop[0]"
	has "$output" "warning: error running poststop hook #1: hooks.poststop[1]"
	eq "$(tail -1 "$LOG")" poststop
}

@test "kill while a startContainer hook runs: start fails, the container is stopped" {
	vmrunc_only # runc 1.1 does not wait for the hook in start
	shared_log
	sh_bundle 'echo must not run' "$bind_log" --arg dir "$BATS_TEST_TMPDIR/logs"
	hook startContainer 'echo here >$LOG; exec sleep 1000'
	create
	rt start "$ID" >"$BATS_TEST_TMPDIR/start" 2>&1 3>&- &
	local starter=$!
	wait_for "$WAIT_S" file_has "$LOG" here
	rt kill "$ID" KILL
	local code=0
	wait "$starter" || code=$?
	eq "$code" 1
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/stdout")" ""
	rt delete "$ID"
}

@test "a hook that reads nothing of a large state, and one that leaves a process behind, do not hold the container" {
	vmrunc_only
	sh_bundle 'echo works' '.annotations = ([range(3000) | {key: ("a.key.of.some.length." + tostring), value: "a value of some length as well, so that a pipe cannot hold it all"}] | from_entries)'
	hook createRuntime 'exit 0'
	hook createContainer 'sleep 1000 & exit 0'
	hook startContainer 'sleep 1000 & exit 0'
	run_c
	eq "$status" 0
	eq "$output" works
}

@test "Ctrl-C while a hook of create runs: the hook is gone, nothing is left" {
	vmrunc_only
	local kind creator code mine=1000.$$$RANDOM
	for kind in prestart createContainer; do
		rm -f "$LOG"
		sh_bundle 'true'
		hook "$kind" "echo runs >\$LOG; exec sleep $mine"
		hook poststop 'echo poststop >>$LOG'
		"${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
		creator=$!
		wait_for "$WAIT_S" pgrep -x -f "sleep $mine"
		kill -TERM "$creator"
		code=0
		wait "$creator" || code=$?
		eq "$code" 143
		eq "$(tail -1 "$LOG")" poststop
		run rt state "$ID"
		[ "$status" -ne 0 ]
		run ! pgrep -x -f "sleep $mine"
	done
}

@test "Ctrl-C while a hook of start runs, in the guest or on the host: run ends, and nothing is left" {
	vmrunc_only
	local kind detach runner code
	shared_log
	for kind in startContainer poststart; do
		for detach in "" --detach; do
			rm -f "$LOG"
			sh_bundle 'sleep 1000' "$bind_log" --arg dir "$BATS_TEST_TMPDIR/logs"
			hook "$kind" "echo runs >\$LOG; exec sleep 1000"
			hook poststop 'echo poststop >>$LOG'
			"${RT_CMD[@]}" run $detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
			runner=$!
			wait_for "$WAIT_S" test -s "$LOG"
			kill -TERM "$runner"
			code=0
			wait "$runner" || code=$?
			eq "$code" 143
			eq "$(tail -1 "$LOG")" poststop
			run ! rt state "$ID"
		done
	done
}
