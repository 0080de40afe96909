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

# bats test_tags=kvm
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

@test "--preserve-fds: pipes, a file, /dev/null and a connected socket, each as what it is" {
	sh_bundle 'dd bs=1 count=2 <&3 2>/dev/null; echo; cat <&3; echo out >&4; cat <&5; readlink /proc/self/fd/6; [ -e /proc/$$/fd/7 ] || echo none; seq 20000 >&4'
	echo "from a file" >"$SRC/file"
	printf 'abcdef\n' >"$SRC/in"
	mkfifo "$SRC/pipe"
	cat "$SRC/pipe" >"$SRC/out" 3>&- &
	HOST_PIDS+=($!)
	run -0 --separate-stderr bash -c '"$@" 3< <(cat "$0/in") 4>"$0/pipe" 5<"$0/file" 6<>/dev/null 7</dev/null' "$SRC" \
		"${RT_CMD[@]}" run --preserve-fds 4 --bundle "$BUNDLE" "$ID"
	eq "$stderr" ""
	eq "${lines[0]} ${lines[1]} ${lines[2]} ${lines[3]} ${lines[4]}" "ab cdef from a file /dev/null none"
	wait_for 10 file_has "$SRC/out" '^20000$'
	eq "$(wc -l <"$SRC/out")" 20001
	sh_bundle 'peer kind 3; peer talk 3 pong'
	ID+=x
	run -0 python3 "$BATS_TEST_DIRNAME/../sockets/host.py" pair "${RT_CMD[@]}" run --preserve-fds 1 --bundle "$BUNDLE" "$ID"
	has "$output" "unix stream"
	has "$output" ping
	has "$output" pong
}

@test "--preserve-fds: what cannot be passed is an error that names it, and nothing is made" {
	new_bundle
	refused() {
		run bash -c "\"\$@\" 3$1" "$SRC" "${RT_CMD[@]}" run --preserve-fds "${2:-1}" --bundle "$BUNDLE" "$ID"
		[ "$status" -ne 0 ]
		has "$output" "${3:-descriptor 3 is $4}"
		[ -z "$(ls -A "$ROOT" 2>/dev/null)" ]
	}
	socket_refused() {
		run python3 -c 'import os, socket, sys; s = eval(sys.argv[1]); os.dup2(s.fileno(), 3); os.execv(sys.argv[2], sys.argv[2:])' \
			"$1" "${RT_CMD[@]}" run --preserve-fds 1 --bundle "$BUNDLE" "$ID"
		[ "$status" -ne 0 ]
		has "$output" "descriptor 3 is $2"
	}
	refused '<"$0"' 1 "" "a directory, which cannot be passed into a virtual machine"
	refused '<>"$0/file"' 1 "" "a file that is open for reading and writing"
	refused '</dev/zero' 1 "" "a character device"
	refused '<&-' 1 "unable to stat preserved-fd 0 (of 1): stat /proc/self/fd/3: no such file or directory"
	socket_refused 'socket.socket(socket.AF_INET, socket.SOCK_DGRAM)' "a socket that is neither connected nor listens"
	socket_refused 'socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)' "a socket of another family"
	refused '</dev/null' x '"x" is not a number of descriptors'
	refused '</dev/null' -1 '"-1" is not a number of descriptors'
}

@test "LISTEN_FDS: listening sockets accept on the host and talk in the guest, under the names that they have there" {
	local script=$BATS_TEST_DIRNAME/../sockets/host.py port=$((20000 + RANDOM % 20000))
	sh_bundle 'env | grep ^LISTEN_ | sort; peer kind 3; peer kind 4; peer accept 3 2; peer accept 4 1'
	python3 "$script" activate "$SRC/l.sock" "127.0.0.1:$port" -- "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID" >"$SRC/out" 2>&1 3>&- &
	HOST_PIDS+=($!)
	wait_for "$WAIT_S" file_has "$SRC/out" inet
	eq "$(head -n 4 "$SRC/out" | tr '\n' ' ')" "LISTEN_FDS=2 LISTEN_PID=1 unix stream listening inet stream listening 127.0.0.1:$port "
	run -0 python3 "$script" ask "$SRC/l.sock" one
	eq "$output" "got one"
	run -0 python3 "$script" ask "$SRC/l.sock" two
	eq "$output" "got two"
	run -0 python3 "$script" ask "127.0.0.1:$port" three
	eq "$output" "got three"
	wait "${HOST_PIDS[-1]}"
}

@test "datagram sockets: a bind source, and NOTIFY_SOCKET in a directory that is one" {
	mkdir "$SRC/notify"
	host log datagrams "$SRC/log"
	host notify datagrams "$SRC/notify/notify.sock"
	sh_bundle 'peer send /dev/log first "second one" "$(head -c 100000 /dev/zero | tr "\0" y)"
		peer send "$NOTIFY_SOCKET" READY=1; peer connect stream /dev/log x' \
		'.process.env += ["NOTIFY_SOCKET=/run/notify/notify.sock"]
		| .mounts += [{destination:"/dev/log",source:($src+"/log"),options:["bind"]}, {destination:"/run/notify",source:($src+"/notify"),options:["bind","ro","nosuid","noexec","nodev"]}]' --arg src "$SRC"
	run_c
	eq "$stderr" ""
	eq "$output" "connect: Protocol wrong type for socket"
	wait_for 10 file_has "$SRC.notify" READY=1
	eq "$(sed -n 2,3p "$SRC.log")" $'first\nsecond one'
	eq "$(sed -n 4p "$SRC.log" | tr -d '\n' | wc -c)" 100000
}

@test "sockets in a directory: by name, also after a new start of the server; dead ones are the container's" {
	local dead=$SRC/dead.sock
	host one serve stream "$SRC/db.sock"
	python3 -c 'import os, socket, sys; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind("dead.sock")' "$SRC"
	sh_bundle 'peer connect stream /v/db.sock one; rm /v/dead.sock && echo removed; echo >/v/again; read x
		peer connect stream /v/db.sock two; echo >/v/none; read x; peer connect stream /v/db.sock three || :' \
		'.mounts += [{destination:"/v",source:$src,options:["rbind"]}]' --arg src "$SRC"
	mkfifo "$BATS_TEST_TMPDIR/go"
	rt run --bundle "$BUNDLE" "$ID" <"$BATS_TEST_TMPDIR/go" >"$SRC.out" 2>&1 3>&- &
	HOST_PIDS+=($!)
	exec 7>"$BATS_TEST_TMPDIR/go"
	wait_for "$WAIT_S" test -e "$SRC/again"
	[ ! -e "$dead" ]
	kill "${HOST_PIDS[0]}"
	rm "$SRC/db.sock"
	host two serve stream "$SRC/db.sock"
	echo go >&7
	wait_for "$WAIT_S" test -e "$SRC/none"
	kill "${HOST_PIDS[2]}"
	rm "$SRC/db.sock"
	ln -s /etc/passwd "$SRC/db.sock"
	echo go >&7
	exec 7>&-
	wait "${HOST_PIDS[1]}"
	# what is a link by now is not followed: the connection ends, with what was written to it unread or not yet there
	eq "$(grep -vxF -e 'read: Connection reset by peer' -e 'write: Broken pipe' -e 'shutdown: Transport endpoint is not connected' "$SRC.out")" $'host got 3: one\nremoved\nhost got 3: two'
}

@test "NOTIFY_SOCKET: start waits until the container is ready, and tells that on with the pid that stands for it" {
	host sd datagrams "$SRC/sd"
	sh_bundle 'peer send "$NOTIFY_SOCKET" STATUS=x "$(printf "FDSTORE=1\nREADY=1\nX=y")"; [ $# = 1 ] || exec sleep 1000'
	NOTIFY_SOCKET=$SRC/sd rt create --bundle "$BUNDLE" --pid-file "$SRC/pid" "$ID" 3>&-
	NOTIFY_SOCKET=$SRC/sd rt start "$ID"
	eq "$(grep -v '^$' "$SRC.sd" | tr '\n' ' ')" "ready READY=1 MAINPID=$(cat "$SRC/pid") BARRIER=1 "
	rt delete --force "$ID"
	jq '.process.args += ["sh", "once"] | .root.readonly = true' "$BUNDLE/config.json" >"$BUNDLE/c" && mv "$BUNDLE/c" "$BUNDLE/config.json"
	NOTIFY_SOCKET=$SRC/sd run_c
	eq "$status $stderr" "0 "
	eq "$(grep -c ^READY=1 "$SRC.sd") $(grep -c ^MAINPID "$SRC.sd")" "2 1"
}

@test "NOTIFY_SOCKET: a signal ends a run --detach that waits for READY; the container goes on, as with runc" {
	local code
	host sd datagrams "$SRC/sd"
	sh_bundle 'echo >/v/up; exec sleep 1000' '.mounts += [{destination:"/v",source:$src,options:["rbind"]}]' --arg src "$SRC"
	NOTIFY_SOCKET=$SRC/sd "${RT_CMD[@]}" run --detach --bundle "$BUNDLE" "$ID" </dev/null >"$SRC.out" 2>&1 3>&- &
	HOST_PIDS+=($!)
	wait_for "$WAIT_S" test -e "$SRC/up"
	kill -TERM "${HOST_PIDS[-1]}"
	code=0
	wait "${HOST_PIDS[-1]}" || code=$?
	eq "$code" 143
	grep "interrupted by signal 15" "$SRC.out"
	[ "$(status_of "$ID")" = running ]
}
