#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runc's options in all their forms, and the signals that reach a run in the foreground.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

@test "runc's global and run's own options are taken, as --opt value and --opt=value" {
	sh_bundle 'echo out; exit 5'
	run -5 --separate-stderr rt --debug --log "$BATS_TEST_TMPDIR/log" --log-format=json --rootless auto \
		run --no-pivot --no-new-keyring --no-subreaper --preserve-fds 0 --bundle="$BUNDLE" --pid-file "$BATS_TEST_TMPDIR/pid" "$ID"
	eq "$output" out
	[[ $(cat "$BATS_TEST_TMPDIR/pid") =~ ^[0-9]+$ ]]
	[ ! -s "$BATS_TEST_TMPDIR/log" ] || jq -es 'all(.level and .msg and .time)' "$BATS_TEST_TMPDIR/log"
	cd "$BUNDLE" # the default of --bundle
	run -5 --separate-stderr rt run "$ID"
	eq "$output" out
}

@test "global options may stand behind the command, flags may have a value, -d and -b are letters" {
	vmrunc_only
	sh_bundle 'sleep 1000'
	"$RT" run -d -b "$BUNDLE" --root="$ROOT" "${RT_CMD[@]:3}" --debug=false "$ID" </dev/null >/dev/null 2>&1
	eq "$("$RT" state "$ID" --root "$ROOT" | jq -r .status)" running
	"$RT" delete --force=true "$ID" --root "$ROOT"
}

@test "run --keep: stopped, and there until delete" {
	sh_bundle 'exit 6'
	run -6 rt run --keep --bundle "$BUNDLE" "$ID"
	eq "$(status_of "$ID")" stopped
	run rt run --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ] && [ "$status" -ne 6 ]
	has "$output" exist
	rt delete "$ID"
}

@test "run --detach: returns when the process runs, and its streams stay connected" {
	sh_bundle 'echo started; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo over; exit 3'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
	eq "$(status_of "$ID")" running
	touch "$BUNDLE/rootfs/tmp/go"
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/out")" "$(printf 'started\nover')"
	rt delete "$ID"
}

@test "kill: signals by number and by every form of the name; --all reaches all processes" {
	sh_bundle 'sh -c "trap \"echo child\" USR1; while :; do sleep 0.05; done" & trap "echo init" USR1; trap "exit 4" TERM; echo ready; while :; do sleep 0.05; done'
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/out" ready
	local n=0 signal
	for signal in 10 USR1 SIGUSR1 sigusr1 usr1; do
		rt kill "$ID" $signal
		n=$((n + 1))
		wait_for "$WAIT_S" has_lines "$BATS_TEST_TMPDIR/out" init $n
	done
	hasnt "$(cat "$BATS_TEST_TMPDIR/out")" child
	rt kill --all "$ID" USR1
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/out" child
	rt kill -a "$ID" KILL
	wait_status "$ID" stopped
	rt delete "$ID"
}
has_lines() { [ "$(grep -c -- "$2" "$1")" -ge "$3" ]; }

@test "run: a signal to the runtime is the container's, whose exit code comes back" {
	sh_bundle 'trap "echo got-term; exit 12" TERM; echo ready; while :; do sleep 0.05; done'
	"${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 &
	local pid=$! status=0
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/out" ready
	kill -TERM $pid
	wait $pid || status=$?
	eq $status 12
	file_has "$BATS_TEST_TMPDIR/out" got-term
	run rt state "$ID"
	[ "$status" -ne 0 ]
}

@test "annotations of an image count only where the settings name them, and never above the config's limits" {
	vmrunc_only
	sh_bundle 'grep -c ^processor /proc/cpuinfo; grep MemTotal /proc/meminfo | tr -dc 0-9; echo; grep -c no_such_word /proc/cmdline' \
		'.annotations = {"org.vmrunc.memory": "900", "org.vmrunc.vcpus": "2", "org.vmrunc.engine": "xen",
			"org.vmrunc.kernel": "/etc/shadow", "org.vmrunc.kernel.parameters": "no_such_word"}'
	run --separate-stderr rt --log-level warning run --bundle "$BUNDLE" "$ID"
	eq "${lines[0]} ${lines[2]}" "1 0"
	[ "${lines[1]}" -lt 600000 ]
	local name
	for name in memory vcpus engine kernel kernel.parameters; do
		has "$stderr" "annotation \"org.vmrunc.$name\": ignored: \"annotations\" in the host's vmrunc.json"
	done

	echo '{"annotations": ["memory", "kernel.parameters"]}' >"$BATS_TEST_TMPDIR/settings.json"
	RT_CMD+=(--config "$BATS_TEST_TMPDIR/settings.json")
	run --separate-stderr rt --log-level warning run --bundle "$BUNDLE" "$ID"
	eq "${lines[0]} ${lines[2]}" "1 1"
	[ "${lines[1]}" -gt 600000 ]
	hasnt "$stderr" org.vmrunc.memory
	jq '.linux.resources.memory.limit = 33554432' "$BUNDLE/config.json" >"$BUNDLE/new" && mv "$BUNDLE/new" "$BUNDLE/config.json"
	run --separate-stderr rt --log-level warning run --bundle "$BUNDLE" "$ID"
	[ "${lines[1]}" -lt 140000 ]
	has "$stderr" 'annotation "org.vmrunc.memory": only 128 MiB'
}

@test "memory.limit above the host's memory: the VM has what there is, the guest's cgroup the exact limit; 1.5 CPUs are two" {
	vmrunc_only
	local limit
	for limit in 1099511627776 9223372036854771712; do
		sh_bundle 'cat /sys/fs/cgroup/memory.max; grep -c ^processor /proc/cpuinfo' '.linux.namespaces += [{type:"cgroup"}]
			| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}]
			| .linux.resources = {memory: {limit: $l}, cpu: {quota: 150000, period: 100000}}' --argjson l $limit
		run_c
		eq "$status ${lines[1]}" "0 $(($(nproc) > 1 ? 2 : 1))"
		[ "${lines[0]}" = $limit ] || [ $limit = 9223372036854771712 ]
	done
}

@test "a process that is killed because the VM's memory is used up: run says so, and what to do; root.path is tidied in state" {
	vmrunc_only
	sh_bundle 'dd if=/dev/zero of=/dev/shm/fill bs=1M & wait $!; tail /dev/zero; exit 3' '.root.path = "./rootfs/."
		| .mounts |= map(if .destination == "/dev/shm" then .options = ["mode=1777","size=100%"] else . end)'
	echo '{"memory": 128}' >"$BATS_TEST_TMPDIR/settings.json"
	run --separate-stderr rt --config "$BATS_TEST_TMPDIR/settings.json" run --keep --bundle "$BUNDLE" "$ID"
	has "$stderr" "virtual machine ran out of its 128 MiB of memory"
	has "$stderr" linux.resources.memory.limit
	eq "$(rt state "$ID" | jq -r .rootfs)" "$BUNDLE/rootfs"
	rt delete "$ID"
}

# stderr_of ARGS...: runs the container with these options; $err is what was written to stderr, $status the exit code.
stderr_of() {
	status=0
	"${RT_CMD[@]}" "$@" --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || status=$?
	err=$(cat "$BATS_TEST_TMPDIR/err")
}

@test "warnings: in the log, on a terminal, or where they are asked for; never in the container's stderr" {
	vmrunc_only
	local log=$BATS_TEST_TMPDIR/log status err
	sh_bundle 'echo its own >&2' '.unknownField = 1'
	stderr_of --log "$log" --log-format json run
	eq "$status $err" "0 its own"
	jq -es 'all(.level == "warning") and any(.msg | contains("unknownField"))' "$log"
	stderr_of run
	eq "$status $err" "0 its own"
	stderr_of --log-level warning run
	has "$err" "warning: config.json:"
	has "$err" "its own"
	run script -qec "$(printf '%q ' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID")" /dev/null </dev/null
	has "$output" unknownField

	rm "$log"
	stderr_of --log "$log" create
	eq "$status" 0
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/err")" "its own"
	has "$(cat "$log")" unknownField
	rt delete "$ID"
}

@test "warnings of a call that fails: before the error on stderr; the log has the error alone" {
	vmrunc_only
	local log=$BATS_TEST_TMPDIR/log status err
	new_bundle '.unknownField = 1 | .process.cwd = "relative"'
	stderr_of --log "$log" --log-format json create
	eq "$status" 1
	has "$err" unknownField
	has "$(tail -1 <<<"$err")" process.cwd
	jq -es 'length == 1 and .[0].level == "error"' "$log"
	stderr_of run
	has "$err" unknownField
	has "$(tail -1 <<<"$err")" process.cwd
}

@test "run: the third Ctrl-C kills a container that obeys none, and the second says so" {
	vmrunc_only
	sh_bundle 'trap "echo ignored" INT; echo ready; while :; do sleep 0.05; done'
	"${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	local pid=$! status=0
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/out" ready
	kill -INT $pid
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/out" ignored
	kill -INT $pid
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/err" "once more kills it"
	kill -INT $pid
	wait $pid || status=$?
	eq $status 137
}

# runc_options COMMAND...: the options of runc's help, a line each: --NAME, and " -LETTER" behind it.
runc_options() {
	runc "$@" --help | sed -n '/OPTIONS:/,$s/^   \(--[a-z0-9-]*\).*/&/p' | sed 's/^   \(--[a-z0-9-]*\)[^,]*, \(-[a-z]\).*/\1 \2/; s/^   \(--[a-z0-9-]*\) .*/\1/; s/^ *//'
}

@test "help: every command and option of runc's is there, or docs/command-line.md says why not" {
	vmrunc_only
	command -v runc >/dev/null || cannot "runc is not installed"
	local verb verbs option options letter ours n=0 docs=$TOP/docs/command-line.md
	verbs=$(runc --help | sed -n '/^COMMANDS:/,/^$/s/^   \([a-z]*\) .*/\1/p' | grep -v '^help$')
	[ "$(wc -w <<<"$verbs")" -ge 17 ]
	for verb in '' $verbs; do
		# shellcheck disable=SC2086 # no word for the global options
		if ! ours=$("$VMRUNC" $verb --help 2>&1); then
			has "$ours" "$verb"
			grep -q "^|.*\`$verb\`" "$docs" || { echo "no word of $verb in $docs"; return 1; }
			continue
		fi
		# shellcheck disable=SC2086
		options=$(runc_options $verb)
		while read -r option letter; do
			[ -n "$option" ] || continue
			n=$((n + 1))
			grep -qE -- "^ *(-., )?$option( |\$)" <<<"$ours" || grep -q "^|.*\`${option}[\` ]" "$docs" ||
				{ echo "runc $verb has $option"; return 1; }
			[ -z "$letter" ] || grep -qE -- "^ *$letter, $option( |\$)" <<<"$ours" || { echo "runc $verb $option has $letter"; return 1; }
		done <<<"$options"
	done
	[ $n -ge 30 ]
}

@test "help: the headings of runc's; an unknown topic and a command that cannot be there fail; list names a missing root" {
	vmrunc_only
	run -0 rt --help
	eq "${lines[0]}" NAME:
	has "$output" "USAGE:"
	has "$output" "COMMANDS:"
	local first=$output
	run -0 rt help
	eq "$output" "$first"
	for command in "kill --help" "kill -h" "help kill" "h kill"; do
		# shellcheck disable=SC2086 # words
		run -0 rt $command
		eq "${lines[0]} ${lines[1]}" "NAME:    vmrunc kill - send a signal (default TERM) to the container's process"
	done
	run -1 rt help no-such-verb
	has "$output" "No help topic for 'no-such-verb'"
	run -1 rt no-such-verb --help
	has "$output" "No help topic for 'no-such-verb'"
	for command in "checkpoint --help" "restore $ID"; do
		# shellcheck disable=SC2086 # words
		run -1 rt $command
		has "$output" "is not supported"
	done
	run -1 "$VMRUNC" --root "$BATS_TEST_TMPDIR/none" list
	has "$output" "$BATS_TEST_TMPDIR/none"
}

@test "what takes longer than a second says so at a terminal, and takes that away; never with --log, never into a file" {
	vmrunc_only
	local clear=$'\r\e[K' console=$BATS_TEST_DIRNAME/console.py status=0
	sh_bundle 'echo out' '.hooks = {createRuntime: [{path: "/bin/sleep", args: ["sleep", "4"]}]}'
	run python3 "$console" pty 24 60 '' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 0
	[[ $output =~ vmrunc:\ running\ the\ hooks\ of\ the\ config\ \.\.\.\ [0-9]+\ s ]]
	eq "$(tr -d '\r' <<<"${output##*"$clear"}")" out
	# a command that is ended meanwhile leaves no line either
	CONSOLE_READY='running the hooks' run python3 "$console" pty 24 60 '\x03' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 130
	hasnt "${output##*"$clear"}" "running the hooks"
	# a narrow terminal has a cut line
	run python3 "$console" pty 24 20 '' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	has "$output" "${clear}vmrunc: running the"
	hasnt "$output" "running the h"

	run python3 "$console" pty 24 60 '' "${RT_CMD[@]}" --log "$BATS_TEST_TMPDIR/log" run --bundle "$BUNDLE" "$ID"
	eq "$(tr -d '\r' <<<"$output")" out
	stderr_of run
	eq "$status $err" "0 "
	eq "$(cat "$BATS_TEST_TMPDIR/out")" out
}

# at_terminal NAME COMMAND...: runs the command at a terminal, in the background; what the terminal shows goes to a file.
at_terminal() {
	local name=$1
	shift
	{
		python3 "$BATS_TEST_DIRNAME/console.py" pty 24 80 '' "${RT_CMD[@]}" "$@" >"$BATS_TEST_TMPDIR/$name"
		echo $? >"$BATS_TEST_TMPDIR/$name.code"
	} 3>&- &
}
# gone NAME: waits for the end of such a command, which has taken its line away and then shown no more than $2.
gone() {
	wait_for "$WAIT_S" test -s "$BATS_TEST_TMPDIR/$1.code"
	eq "$(cat "$BATS_TEST_TMPDIR/$1.code")" 0
	eq "$(sed "s/.*\r\x1b\[K//" "$BATS_TEST_TMPDIR/$1" | tr -d '\r\n')" "$2"
}

@test "what waits for another command, or for the virtual machine, says so at a terminal; not where a process writes to it" {
	vmrunc_only
	local pid dir=$BATS_TEST_TMPDIR
	sh_bundle 'sleep 1000'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	pid=$(rt state "$ID" | jq .pid)
	flock "$ROOT/$ID/lock" sh -c "touch $dir/held; while [ ! -e $dir/go ]; do sleep 0.05; done" 3>&- &
	wait_for "$WAIT_S" test -e "$dir/held"
	at_terminal pause pause "$ID"
	wait_for "$WAIT_S" file_has "$dir/pause" "waiting for another vmrunc that works on this container ... 1 s"
	touch "$dir/go"
	gone pause ""
	eq "$(status_of "$ID")" paused
	rt resume "$ID"
	# a monitor that does not answer
	kill -STOP "$pid"
	at_terminal kill kill "$ID" 0
	at_terminal tty exec -t "$ID" echo typed
	at_terminal exec exec "$ID" echo typed
	for name in kill tty; do
		wait_for "$WAIT_S" file_has "$dir/$name" "waiting for the virtual machine ... 1 s"
	done
	kill -CONT "$pid"
	gone kill ""
	gone tty typed
	wait_for "$WAIT_S" test -s "$dir/exec.code"
	eq "$(tr -d '\r' <"$dir/exec")" typed
	rt delete --force "$ID"
}
