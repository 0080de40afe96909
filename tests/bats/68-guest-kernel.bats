#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the patches of vmrunc's own guest kernel mend in Linux's client of 9P (contrib/guest-kernel/patches). The stock
# kernel has none of it: see docs/limits.md.

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	vmrunc_only
	PROBE=$(dirname "$VMRUNC")/tests/files/probe
	[ -x "$PROBE" ] || cannot "no $PROBE: run make"
	FULL=
}
teardown() {
	common_teardown
	[ -z "$FULL" ] || umount "$FULL"
}

# need_own_kernel: skips what the kernel that vmrunc takes does not have.
need_own_kernel() {
	own_kernel || skip "not vmrunc's own kernel: $KERNEL"
}

@test "own kernel: times, requests, link counts, blocks and full disks of the root file system" {
	need_own_kernel
	new_bundle '.process.args = ["sh", "-c", "cd /tmp && mkdir t && cd t && /probe; cd /full && /probe full"]'
	cp "$PROBE" "$BUNDLE/rootfs/probe"
	# a mount below the root is part of it
	FULL=$BUNDLE/rootfs/full
	mkdir "$FULL"
	mount -t tmpfs -o size=4m none "$FULL"
	# shellcheck disable=SC2034 # common_teardown compares
	mounts_to MOUNTS_BEFORE
	run_c
	echo "$output"
	[ "$(grep -c '^ok ' <<<"$output")" = 13 ]
	hasnt "$output" "not ok"
	eq "$status" 0
}

@test "own kernel, volume: a signal ends the wait for a lock, flock is the host's, pipes and sockets have two names" {
	local vol=$BATS_TEST_TMPDIR/vol holder
	need_own_kernel
	[ "${VMRUNC_ENGINE:-auto}" != qemu ] || skip "QEMU's own 9P server grants every lock"
	mkdir "$vol"
	touch "$vol/file" "$vol/flocked" "$vol/mine" "$vol/held"
	# shellcheck disable=SC2016 # jq's
	new_bundle '.process.args = ["/probe", "volume", "/data"]
		| .mounts += [{destination: "/data", type: "bind", source: $vol, options: ["rbind", "rw"]}]' --arg vol "$vol"
	cp "$PROBE" "$BUNDLE/rootfs/probe"
	python3 -c 'import fcntl, os, sys, time
os.chdir(sys.argv[1])
f, g, mine = open("file", "r+"), open("flocked", "r+"), open("mine", "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
fcntl.flock(g, fcntl.LOCK_EX)
print("locked", flush=True)
while os.path.exists("held") and not os.path.exists("locked"):
	time.sleep(0.05)
def granted(lock):
	try:
		lock(mine, fcntl.LOCK_SH | fcntl.LOCK_NB)
		return True
	except BlockingIOError:
		return False
with open("seeing", "w") as out:
	out.write(str(int(not granted(fcntl.flock) and granted(fcntl.lockf))))
os.rename("seeing", "seen")
while os.path.exists("held"):
	time.sleep(0.05)' "$vol" >"$BATS_TEST_TMPDIR/holder" &
	holder=$!
	wait_for "$WAIT_S" grep -q locked "$BATS_TEST_TMPDIR/holder"
	run_c
	rm -f "$vol/held"
	wait "$holder"
	echo "$output"
	[ "$(grep -c '^ok ' <<<"$output")" = 9 ]
	hasnt "$output" "not ok"
	eq "$status" 0
}
