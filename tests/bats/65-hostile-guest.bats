#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A guest that has turned on its host: PID 1 of the virtual machine says on the agent's channel whatever it likes
# (tests/hostile/agent.c). Never a hang, never more memory or disk than bounded, never a leftover.

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	vmrunc_only
	HOSTILE=$(dirname "$VMRUNC")/tests/hostile/agent
	[ -x "$HOSTILE" ] || cannot "no $HOSTILE: run make"
}
teardown() { common_teardown; }

LOG_MAX=1100000 # bytes of guest.log: see docs/limits.md
RSS_MAX_KIB=$((24 * 1024)) # of a monitor that holds no guest memory, whatever a guest sends

# hostile_bundle MODE [FILTER]: a bundle whose virtual machine runs the hostile agent; jq's FILTER changes its config.
hostile_bundle() {
	local tree=$BATS_TEST_TMPDIR/initrd
	mkdir -p "$tree"
	cp "$HOSTILE" "$tree/hostile"
	(cd "$tree" && find . | cpio --quiet -o -H newc) >"$BATS_TEST_TMPDIR/initrd.cpio"
	# the field must be there, and the kernel is the one that vmrunc would take anyhow
	new_bundle '.vm = {kernel: {path: $kernel, initrd: $initrd, parameters: ["rdinit=/hostile", "hostile=" + $mode]}}'"${2:+ | $2}" \
		--arg initrd "$BATS_TEST_TMPDIR/initrd.cpio" --arg mode "$1" \
		--arg kernel "${VMRUNC_KERNEL:-$("$VMRUNC" check --format json | jq -r .kernel.path)}"
}

# breaks MODE: the guest breaks the protocol while the container is made; run says so.
breaks() {
	hostile_bundle "$1"
	run_c
	eq "$status" 1
	has "$stderr" "the guest broke the channel's protocol"
	run rt state "$ID"
	[ "$status" -ne 0 ]
}

# create_and_start MODE: with a standard output that nobody reads.
create_and_start() {
	hostile_bundle "$1"
	mkfifo "$BATS_TEST_TMPDIR/out"
	exec 9<>"$BATS_TEST_TMPDIR/out" # a reader's end that stays, and is not read
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 9>&- 2>"$BATS_TEST_TMPDIR/err" || { cat "$BATS_TEST_TMPDIR/err"; return 1; }
	rt start "$ID" 9>&-
}

# The monitor's own memory: with the kvm engine the guest's is in it too, and says nothing.
rss_is_bounded() {
	local rss
	[ "$(jq -r .engine "$ROOT/$ID/state.json")" = qemu ] || return 0
	rss=$(awk '/^RssAnon/ {print $2}' "/proc/$1/status")
	[ "$rss" -le $RSS_MAX_KIB ] || { echo "the monitor has $rss KiB"; return 1; }
}

# bats test_tags=kvm
@test "random bytes on the channel" {
	breaks garbage
}

@test "a message that is announced far too long" {
	breaks huge
}

@test "an answer to no request, and the end of a process that does not exist" {
	breaks answer
	ID=$ID-b
	breaks exit
}

@test "a flood of log messages instead of an agent: bounded, and create can be interrupted" {
	hostile_bundle logs
	"${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 &
	local create=$! monitor
	wait_for "$WAIT_S" file_has "$ROOT/$ID/guest.log" "agent: error: .*spam"
	monitor=$(jq .pid "$ROOT/$ID/state.json")
	for _ in 1 2 3 4 5; do
		eq "$(timeout 10 "${RT_CMD[@]}" state "$ID" | jq -r .status)" creating
		rss_is_bounded "$monitor"
	done
	[ "$(stat -c %s "$ROOT/$ID/guest.log")" -le $LOG_MAX ]
	# nothing that a terminal obeys
	LC_ALL=C run grep -c $'[\001-\010\013-\037\177-\237]' "$ROOT/$ID/guest.log"
	eq "$output" 0
	kill -TERM $create
	wait $create && return 1
	run rt state "$ID"
	[ "$status" -ne 0 ]
}

@test "an agent that says nothing: create can be interrupted" {
	hostile_bundle silent
	"${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 &
	local create=$!
	wait_for "$WAIT_S" file_has "$ROOT/$ID/guest.log" "the agent answers"
	kill -INT $create
	wait $create && return 1
	run rt state "$ID"
	[ "$status" -ne 0 ]
}

@test "more output than was granted: the container ends, with the reason in its log" {
	create_and_start window
	wait_status "$ID" stopped
	file_has "$ROOT/$ID/guest.log" "the guest broke the channel's protocol"
	rt delete "$ID"
}

@test "a process that ends twice" {
	create_and_start twice
	wait_status "$ID" stopped
	file_has "$ROOT/$ID/guest.log" "the guest broke the channel's protocol"
	rt delete "$ID"
}

# bats test_tags=kvm
@test "a running guest that floods the channel and does not listen: commands answer, KILL ends it" {
	create_and_start deaf
	local monitor
	monitor=$(rt state "$ID" | jq .pid)
	wait_for "$WAIT_S" file_has "$ROOT/$ID/guest.log" "agent: error: .*spam"
	eq "$(timeout 10 "${RT_CMD[@]}" state "$ID" | jq -r .status)" running
	# who asks for its processes is told in time that it does not answer (podman top)
	run timeout "$WAIT_S" python3 "$BATS_TEST_DIRNAME/procview.py" "$monitor" list
	has "$output" "Input/output error"
	rss_is_bounded "$monitor"
	[ "$(stat -c %s "$ROOT/$ID/guest.log")" -le $LOG_MAX ]
	timeout 30 "${RT_CMD[@]}" kill "$ID" KILL
	wait_status "$ID" stopped
	timeout 30 "${RT_CMD[@]}" delete "$ID"
}

# starts_with_tmpfs: a guest that lies about its tmpfs is started; MONITOR is its pid.
starts_with_tmpfs() {
	[ -c /dev/fuse ] || cannot "there is no /dev/fuse"
	hostile_bundle lies '.mounts += [{destination:"/t",type:"tmpfs",source:"tmpfs"}]'
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
	rt start "$ID"
	MONITOR=$(rt state "$ID" | jq .pid)
}

# look_up NAME: what a reader on the host is told about that in the guest's tmpfs.
look_up() {
	timeout "$WAIT_S" python3 "$BATS_TEST_DIRNAME/liedto.py" "$MONITOR" /t "$1"
}

@test "a guest that lies about the files of its tmpfs, and then is silent: errors for who reads them, and nothing else" {
	local MONITOR i
	starts_with_tmpfs
	# each lie about each call at least once
	timeout "$WAIT_S" python3 "$BATS_TEST_DIRNAME/liedto.py" "$MONITOR" /t 60 >"$BATS_TEST_TMPDIR/calls"
	cat "$BATS_TEST_TMPDIR/calls"
	eq "$(wc -l <"$BATS_TEST_TMPDIR/calls") $(grep -cv ' 0 answers\| 0 errors' "$BATS_TEST_TMPDIR/calls")" "23 23"
	rss_is_bounded "$MONITOR"
	# more readers than may wait for a guest that answers none: commands answer all the same, and its end is theirs
	look_up silence >"$BATS_TEST_TMPDIR/reader.silence" 2>&1 &
	wait_for "$WAIT_S" file_has "$ROOT/$ID/guest.log" "hostile: silent"
	for i in $(seq 40); do
		look_up "f$i" >"$BATS_TEST_TMPDIR/reader.$i" 2>&1 &
	done
	eq "$(timeout 60 "${RT_CMD[@]}" state "$ID" | jq -r .status)" running
	rss_is_bounded "$MONITOR"
	timeout 60 "${RT_CMD[@]}" kill "$ID" KILL
	wait_status "$ID" stopped
	timeout 60 "${RT_CMD[@]}" delete "$ID"
	wait
	eq "$(cat "$BATS_TEST_TMPDIR"/reader.* | grep -c '^error: ')" 41
}

@test "a guest that leaves while somebody reads its tmpfs" {
	local MONITOR
	starts_with_tmpfs
	has "$(look_up end)" "error: "
	wait_status "$ID" stopped
	rt delete "$ID"
}

# dry KIND: how many of them the guest got.
dry() {
	tr -d '\r' <"$ROOT/$ID/guest.log" | sed -n "s/.*hostile: dry: $1: \([0-9]*\), then .*/\1/p"
}

# bats test_tags=kvm
@test "a running guest that takes files, locks, and every signal's answer: all have bounds, and commands still answer" {
	local monitor i kills=()
	(
		ulimit -n 2048 # a quarter of it is the monitor's own: docs/limits.md
		create_and_start dry
	)
	wait_for $((2 * WAIT_S)) file_has "$ROOT/$ID/guest.log" "hostile: dry: done" # thousands of locks and files
	grep "hostile: dry" "$ROOT/$ID/guest.log"
	monitor=$(rt state "$ID" | jq .pid)
	[ "$(dry files)" -ge 1000 ]
	if [ "$(jq -r .engine "$ROOT/$ID/state.json")" = kvm ]; then # QEMU's own server has other bounds, in a process of its own
		[ "$(dry files)" -le 1536 ]
		eq "$(dry "locks of a file")" 1024
		eq "$(dry locks)" 8192
	fi
	for i in $(seq 70); do # more than there are clients of the control socket
		"${RT_CMD[@]}" kill "$ID" TERM >/dev/null 2>&1 &
		kills+=($!)
	done
	eq "$(timeout 60 "${RT_CMD[@]}" state "$ID" | jq -r .status)" running
	[ "$(find "/proc/$monitor/fd" | wc -l)" -lt 2048 ]
	timeout 60 "${RT_CMD[@]}" kill "$ID" KILL
	wait_status "$ID" stopped
	for i in "${kills[@]}"; do # each ends, and none says that the signal was delivered
		if wait "$i"; then return 1; fi
	done
	timeout 60 "${RT_CMD[@]}" delete "$ID"
}

# unreadable PID: a process with the user and all the capabilities of a monitor cannot read the memory of that one.
unreadable() {
	local caps=-all,+chown,+dac_override,+dac_read_search,+fowner,+fsetid,+setuid,+setgid,+setfcap,+setpcap,+mknod
	# so it can the memory of one that is dumpable
	setpriv --bounding-set "$caps" --inh-caps -all sh -c 'sleep 2 & cat /proc/$!/environ' >/dev/null
	! setpriv --bounding-set "$caps" --inh-caps -all cat "/proc/$1/environ" >/dev/null 2>&1
}

# memory_has PID WORD: whether the word stands anywhere in the writable memory of a process.
memory_has() {
	python3 - "$1" "$2" <<-'P'
		import sys
		pid, word = sys.argv[1], sys.argv[2].encode()
		with open(f"/proc/{pid}/mem", "rb", 0) as mem:
		    for line in open(f"/proc/{pid}/maps"):
		        span, perms = line.split()[:2]
		        start, end = (int(x, 16) for x in span.split("-"))
		        if perms[:2] != "rw" or end - start > 1 << 26:
		            continue
		        mem.seek(start)
		        try:
		            data = mem.read(end - start)
		        except OSError:
		            continue
		        if word in data:
		            sys.exit(0)
		sys.exit(1)
	P
}

# bats test_tags=kvm
@test "monitor and QEMU keep their memory to themselves: undumpable, no core, nothing of the caller's environment" {
	local pid p
	sh_bundle 'sleep 1000' '.process.env += ["IN_CONFIG=of-the-config"]'
	OF_THE_CALLER="very-""secret-word" "${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	rt start "$ID"
	pid=$(rt state "$ID" | jq .pid)
	memory_has "$pid" "vmrunc" # the search finds what is there
	# /dev/kvm makes virtual machines: nobody needs it when this one is made; QEMU alone keeps it
	[ -z "$(find "/proc/$pid/fd" -lname /dev/kvm)" ]
	# vmrunc's own file can be changed by nobody through this process, whatever rights its user has on it
	run ! chmod "$(stat -Lc %a "/proc/$pid/exe")" "/proc/$pid/exe" # its own mode: a vmrunc that fails here stays as it is
	has "$output" "Read-only file system"
	for p in "$pid" $(pgrep -P "$pid"); do
		unreadable "$p"
		eq "$(awk '/^Max core file size/ {print $5 $6}' "/proc/$p/limits")" 00
		memory_has "$p" very-secret-word && return 1
	done
	# what engines do through it still works
	nsenter -t "$pid" -m test -e /bin/busybox
	rt delete --force "$ID"
}
