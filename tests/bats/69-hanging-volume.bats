#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A volume whose file system hangs (hangfs.py beside this file): the rest of the container goes on, and it can be ended.

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	vmrunc_only
	[ -c /dev/fuse ] || cannot "no /dev/fuse"
	HUNG=$BATS_TEST_TMPDIR/hung
	OTHER=$BATS_TEST_TMPDIR/other
	CONTROL=$BATS_TEST_TMPDIR/control
	mkdir "$HUNG" "$OTHER" "$CONTROL"
	mount -t fusectl none "$CONTROL"
	python3 "$BATS_TEST_DIRNAME/hangfs.py" "$HUNG" >"$BATS_TEST_TMPDIR/daemon" 2>&1 &
	DAEMON=$!
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/daemon" mounted || { cat "$BATS_TEST_TMPDIR/daemon"; return 1; }
	mounts_to MOUNTS_BEFORE
}
teardown() {
	kill -KILL "$DAEMON" || true
	wait "$DAEMON" || true
	common_teardown
	umount -l "$HUNG" "$CONTROL" || true
}

# start_hanging: a running container with a process that reads the volume, and the read is under way on the host.
start_hanging() {
	# shellcheck disable=SC2016 # jq's
	sh_bundle 'cat /hung/file; cat /hung/hang & sleep 10000' '.mounts += [
		{destination: "/hung", type: "bind", source: $hung, options: ["rbind", "rw"]},
		{destination: "/other", type: "bind", source: $other, options: ["rbind", "rw"]}]' --arg hung "$HUNG" --arg other "$OTHER"
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
}

# goes_on: the root file system and the other volume of the container answer.
goes_on() {
	run rt exec "$ID" sh -c 'echo one >/made; cat /made; echo two >/other/made; cat /other/made'
	eq "$output" $'one\ntwo'
	eq "$(cat "$OTHER/made")" two
	is_status "$ID" running
}

# waits: a request of the volume's waits for its daemon.
waits() {
	[ "$(cat "$CONTROL/${CONNECTION#0:}/waiting")" -gt 0 ]
}

# bats test_tags=kvm
@test "a daemon that answers nothing more: the rest goes on, kill and delete work at once" {
	CONNECTION=$(mountpoint -d "$HUNG")
	start_hanging
	kill -STOP "$DAEMON"
	rt start "$ID"
	wait_for "$WAIT_S" waits
	goes_on
	rt kill "$ID" KILL
	wait_status "$ID" stopped
	rt delete "$ID"
}

@test "a daemon that has read a request and never answers it: the rest goes on, kill ends the machine, delete --force waits for the daemon" {
	local deleter
	start_hanging
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/daemon" hanging
	file_has "$BATS_TEST_TMPDIR/out" fine
	goes_on
	rt kill "$ID" KILL
	wait_for "$WAIT_S" file_has "$ROOT/$ID/guest.log" "its virtual machine is ended"
	# the host's process cannot end while the request is with the daemon, no more than one of another runtime could; but the
	# container has stopped, and commands say so without asking where nobody answers
	wait_status "$ID" stopped
	run -255 rt exec "$ID" true
	has "$output" "cannot exec in a stopped container"
	run rt kill "$ID" TERM
	[ "$status" -ne 0 ]
	has "$output" "container not running"
	eq "$(rt ps --format json "$ID")" "[]"
	rt delete --force "$ID" &
	deleter=$!
	kill -0 "$deleter"
	kill "$DAEMON"
	wait "$deleter"
	assert_nothing_left
}
