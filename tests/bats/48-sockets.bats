#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sockets and descriptors of the host that a container has: as bind sources, by --preserve-fds, LISTEN_FDS, NOTIFY_SOCKET.
load helpers

setup_file() {
	common_setup_file
	command -v python3 >/dev/null || cannot "needs python3"
	export PEER=${VMRUNC_PEER:-$TOP/build/tests/sockets/peer}
	[ -x "$PEER" ] || cannot "$PEER is not built"
	cp "$PEER" "$ROOTFS_TEMPLATE/bin/peer"
}

setup() {
	vmrunc_only
	common_setup
	RT_CMD+=(--log-level warning)
	SRC=$BATS_TEST_TMPDIR/src
	mkdir "$SRC"
	HOST_PIDS=()
}

teardown() {
	local p
	for p in "${HOST_PIDS[@]}"; do
		kill "$p" 2>/dev/null || true
	done
	common_teardown
}

# host NAME ARGS...: runs the host's end in the background, with its output in $SRC.NAME, until it is ready.
host() {
	local name=$1
	shift
	python3 "$BATS_TEST_DIRNAME/../sockets/host.py" "$@" >"$SRC.$name" 2>&1 3>&- &
	HOST_PIDS+=($!)
	wait_for 20 file_has "$SRC.$name" ready
}

@test "a stream socket as a bind source: connections cross, both directions and their ends" {
	host s serve stream "$SRC/s.sock"
	chmod 0600 "$SRC/s.sock"
	sh_bundle 'stat -c "%F %a %u" /run/s.sock; head -c 300000 /dev/zero | tr "\0" x >/tmp/long
		peer connect stream /run/s.sock hello; peer connect stream /run/s.sock "$(head -c 100000 /tmp/long)" | cut -c 1-25
		peer connect stream /run/s.sock again 200; awk "\$5 == \"/run/s.sock\" { print \$4 }" /proc/self/mountinfo' \
		'.mounts += [{destination:"/run/s.sock",source:($src+"/s.sock"),options:["bind"]}]' --arg src "$SRC"
	run_c
	eq "$stderr" ""
	eq "$status" 0
	eq "${lines[0]}" "socket 600 0"
	eq "${lines[1]}" "host got 5: hello"
	eq "${lines[2]}" "host got 100000: xxxxxxxx"
	eq "${lines[3]}" "host got 5: again"
	has "${lines[4]}" "/s.sock"
	eq "$(grep -c "^end" "$SRC.s")" 202
}
