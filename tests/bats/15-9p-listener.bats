#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The 9P server through its debug listener, with a foreign client: diod's tools. No virtual machine.

load helpers

setup() {
	vmrunc_only
	NINEPD=${NINEPD:-$(dirname "$VMRUNC")/tools/vmrunc-9pd}
	[ -x "$NINEPD" ] || cannot "no tools/vmrunc-9pd beside $VMRUNC: make tools/vmrunc-9pd"
	command -v diodls >/dev/null || cannot "no diod tools: install diod"
	DIR=$BATS_TEST_TMPDIR/tree
	SOCK=$BATS_TEST_TMPDIR/sock
	mkdir -p "$DIR/sub"
	echo "hello, world" >"$DIR/hello"
	ln -s ../../../../etc/passwd "$DIR/out"
	coproc SERVER { exec "$NINEPD" "$SOCK" exp="$DIR" ro="$DIR:ro" 3>&-; }
	read -r -t 10 line <&"${SERVER[0]}"
	[ "$line" = listening ]
}

teardown() {
	[ -z "${SERVER_PID:-}" ] || kill "$SERVER_PID"
}

@test "diodls lists an export" {
	run -0 diodls -s "$SOCK" -a exp
	for name in hello sub out; do grep -qx "$name" <<<"$output"; done
	run -0 diodls -s "$SOCK" -a exp -l
	grep -Eq '^-rw-r--r--.* 13 .* hello$' <<<"$output"
	grep -Eq '^drwxr-xr-x.* sub$' <<<"$output"
}

@test "diodcat reads what is there, and not what a symlink points to" {
	head -c 5000000 /dev/urandom >"$DIR/big"
	diodcat -s "$SOCK" -a exp big >"$BATS_TEST_TMPDIR/copy"
	cmp "$BATS_TEST_TMPDIR/copy" "$DIR/big"
	run -0 diodcat -s "$SOCK" -a exp hello
	[ "$output" = "hello, world" ]
	run ! diodcat -s "$SOCK" -a exp out
	hasnt "$output" root:
	run ! diodcat -s "$SOCK" -a exp sub/../../../etc/passwd
	run ! diodcat -s "$SOCK" -a nothing hello
}

@test "several clients at once" {
	head -c 1000000 /dev/urandom >"$DIR/big"
	pids=()
	for i in 1 2 3 4 5 6; do
		diodcat -s "$SOCK" -a exp big >"$BATS_TEST_TMPDIR/copy$i" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	for i in 1 2 3 4 5 6; do cmp "$BATS_TEST_TMPDIR/copy$i" "$DIR/big"; done
}
