#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# process.terminal: a console socket, a foreground terminal, sizes, signals from the keyboard.

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	CONSOLE=$BATS_TEST_DIRNAME/console.py
}
teardown() { common_teardown; }

# bats test_tags=kvm
@test "terminal with a console socket: the master arrives, input and output pass, it is a tty of the right size" {
	sh_bundle 'tty; test -t 0 && test -t 1 && test -t 2 && echo is-a-tty; echo ready; read line; echo "got $line"; stty size; exit 6' '.process.terminal = true'
	python3 "$CONSOLE" socket "$BATS_TEST_TMPDIR/s" 40 100 'typed\r' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	local pid=$!
	wait_for "$WAIT_S" test -S "$BATS_TEST_TMPDIR/s"
	rt create --console-socket "$BATS_TEST_TMPDIR/s" --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	rt start "$ID"
	wait_status "$ID" stopped
	wait $pid
	rt delete "$ID"
	has "$(cat "$BATS_TEST_TMPDIR/out")" /dev/
	file_has "$BATS_TEST_TMPDIR/out" is-a-tty
	file_has "$BATS_TEST_TMPDIR/out" "got typed"
	file_has "$BATS_TEST_TMPDIR/out" "40 100"
}

@test "terminal in the foreground: exit code, echo, the size of the caller's terminal" {
	sh_bundle 'echo ready; read line; echo "got $line"; stty size; exit 6' '.process.terminal = true'
	run python3 "$CONSOLE" pty 33 77 'typed\r' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 6
	has "$output" "got typed"
	has "$output" "33 77"
}

@test "terminal in the foreground: into a pipe or a file, a line ends as it was written" {
	sh_bundle 'printf "one\\ntwo\\n"; exit 6' '.process.terminal = true'
	run -6 bash -c '"$@" </dev/null | od -An -c; exit ${PIPESTATUS[0]}' - "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$(tr -d ' ' <<<"$output")" 'one\ntwo\n'
}

# bats test_tags=kvm
@test "terminal in the foreground: Ctrl-C is the container's" {
	sh_bundle 'trap "echo interrupted; exit 8" INT; echo ready; while :; do sleep 0.05; done' '.process.terminal = true'
	run python3 "$CONSOLE" pty 24 80 '\x03' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 8
	has "$output" interrupted
}

@test "terminal in the foreground: Ctrl-Z and Ctrl-\\ are the container's too, and do not stop or end the runtime" {
	sh_bundle 'trap "echo suspended; exit 9" TSTP; echo ready; while :; do sleep 0.05; done' '.process.terminal = true'
	run python3 "$CONSOLE" pty 24 80 '\x1a' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 9
	has "$output" suspended
	sh_bundle 'trap "echo quit; exit 10" QUIT; echo ready; while :; do sleep 0.05; done' '.process.terminal = true'
	run python3 "$CONSOLE" pty 24 80 '\x1c' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 10
	has "$output" quit
}

@test "terminal in the foreground: a new size of the caller's terminal reaches the container" {
	sh_bundle 'trap "stty size | grep \"44 133\" && exit 11" WINCH; stty size; echo ready; while :; do sleep 0.05; done' '.process.terminal = true'
	CONSOLE_RESIZE=44x133 run python3 "$CONSOLE" pty 24 80 '' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 11
	has "$output" "44 133"
}

@test "consoleSize from the config" {
	vmrunc_only
	sh_bundle 'echo ready; stty size' '.process.terminal = true | .process.consoleSize = {height: 50, width: 120}'
	python3 "$CONSOLE" socket "$BATS_TEST_TMPDIR/s" 50 120 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	local pid=$!
	wait_for "$WAIT_S" test -S "$BATS_TEST_TMPDIR/s"
	rt run --detach --console-socket "$BATS_TEST_TMPDIR/s" --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	wait $pid
	file_has "$BATS_TEST_TMPDIR/out" "50 120"
}

@test "terminal without a console socket in create, and a socket without terminal: clear errors" {
	sh_bundle true '.process.terminal = true'
	run rt create --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has "$output" "console"
	sh_bundle true
	run rt create --console-socket "$BATS_TEST_TMPDIR/none" --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has "$output" "console"
}
