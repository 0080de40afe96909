#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What `run` promises: the process, its streams, its exit code.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

# bats test_tags=kvm
@test "run: the exit code of the process comes back (0, 1, 42, 255)" {
	for code in 0 42 255; do
		sh_bundle "exit $code"
		run_c
		eq "$status" $code
	done
}

@test "run: a process ended by a signal gives 128 + n" {
	# a child shell so that the signal is not the pid namespace's init's own
	sh_bundle 'sh -c "kill -TERM \$\$"; exit $?'
	run_c
	eq "$status" 143
}

# bats test_tags=kvm
@test "run: stdout and stderr stay apart and whole" {
	sh_bundle 'echo to-out; echo to-err >&2'
	run_c
	eq "$status" 0
	eq "$output" to-out
	has "$stderr" to-err
	hasnt "$stderr" to-out
}

# bats test_tags=kvm
@test "run: stdin reaches the process up to its end, binary data too" {
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	sh_bundle 'sha256sum; echo end'
	output=$(rt run --bundle "$BUNDLE" "$ID" <"$BATS_TEST_TMPDIR/in")
	eq "$output" "$(sha256sum <"$BATS_TEST_TMPDIR/in"; echo end)"
	ID=$ID-pipe
	output=$(cat "$BATS_TEST_TMPDIR/in" | rt run --bundle "$BUNDLE" "$ID")
	eq "$output" "$(sha256sum <"$BATS_TEST_TMPDIR/in"; echo end)"
}

@test "run: standard streams that are closed are /dev/null, and never another file" {
	sh_bundle 'cat; echo out; echo err >&2; exit 3'
	run -3 --separate-stderr bash -c '"$@" <&-' - "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$output" out
	eq "$stderr" err
	run -3 --separate-stderr bash -c '"$@" </dev/null >&-' - "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$output" ""
	has "$stderr" err
	run -3 --separate-stderr bash -c '"$@" </dev/null 2>&-' - "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$output" out
	run -3 bash -c '"$@" <&- >&- 2>&-' - "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$output" ""
}

@test "run: a standard output that is full, and a standard input that is a directory, are told" {
	vmrunc_only
	sh_bundle 'cat; echo hello; exit 3'
	run -3 --separate-stderr bash -c '"$@" </dev/null >/dev/full' - "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	has "$stderr" "standard output cannot be written"
	has "$stderr" "No space left on device"
	run -3 --separate-stderr bash -c '"$@" </' - "${RT_CMD[@]}" --log-level warning run --bundle "$BUNDLE" "$ID"
	eq "$output" hello
	has "$stderr" "standard input cannot be read: Is a directory"
}

@test "run: argument vector, environment and working directory are the config's" {
	new_bundle '.process.args = ["sh", "-c", "pwd; echo \"$A|$B\"; for a; do echo \"<$a>\"; done", "sh", "a b", "", "ünï"]
		| .process.env += ["A=1 2", "B="] | .process.cwd = "/tmp"'
	run_c
	eq "$status" 0
	eq "$output" "$(printf '/tmp\n1 2|\n<a b>\n<>\n<ünï>')"
}

@test "run: another kernel than the host's, the hostname, pid 1" {
	vmrunc_only
	sh_bundle 'uname -r; hostname; echo $$; cat /proc/sys/kernel/random/boot_id'
	run_c
	eq "$status" 0
	eq "${lines[1]}" vmrunc-test
	eq "${lines[2]}" 1
	[ "${lines[3]}" != "$(cat /proc/sys/kernel/random/boot_id)" ]
}

@test "run: what the process writes is on the host at once, with owner and mode" {
	sh_bundle 'umask 027; echo hello >/tmp/f; mkdir /tmp/d; ln -s f /tmp/l; chown 1000:1000 /tmp/f' '.process.capabilities.bounding += ["CAP_CHOWN"] | .process.capabilities.effective += ["CAP_CHOWN"] | .process.capabilities.permitted += ["CAP_CHOWN"]'
	run_c
	eq "$status" 0
	eq "$(cat "$BUNDLE/rootfs/tmp/f")" hello
	eq "$(stat -c '%a %u:%g %F' "$BUNDLE/rootfs/tmp/f")" "640 1000:1000 regular file"
	eq "$(stat -c '%a %F' "$BUNDLE/rootfs/tmp/d")" "750 directory"
	eq "$(readlink "$BUNDLE/rootfs/tmp/l")" f
}

# bats test_tags=kvm
@test "run: FIFOs, sockets and device nodes are made on the host, and FIFOs work in the guest" {
	# QEMU's own 9P server cannot make special files (it answers ENXIO since its fix of CVE-2023-2861)
	[ "${VMRUNC_ENGINE:-}" != qemu ] || skip "QEMU's 9P server makes no special files"
	sh_bundle 'mkfifo /tmp/p; echo through >/tmp/p & cat /tmp/p; mknod /tmp/n c 1 3' '.process.capabilities |= map_values(. + ["CAP_MKNOD"])'
	run_c
	eq "$status $output" "0 through"
	eq "$(stat -c '%F' "$BUNDLE/rootfs/tmp/p")" fifo
	eq "$(stat -c '%F %t:%T' "$BUNDLE/rootfs/tmp/n")" "character special file 1:3"
}

@test "run: 32 MiB of output through a slow reader arrive whole, and state and kill answer meanwhile" {
	# a fixed pattern, so that the sum is known without a second copy
	sh_bundle 'yes 0123456789abcdef | head -c 33554432; exec sleep 1000'
	mkfifo "$BATS_TEST_TMPDIR/out"
	rt run --bundle "$BUNDLE" "$ID" >"$BATS_TEST_TMPDIR/out" &
	local pid=$! status=0
	exec 7<"$BATS_TEST_TMPDIR/out"
	head -c 100000 <&7 >"$BATS_TEST_TMPDIR/head" # then nothing is read for a while: the pipe and the windows fill
	wait_status "$ID" running
	rt state "$ID"
	cat <&7 >"$BATS_TEST_TMPDIR/tail" &
	local cat=$!
	wait_for 300 test_size "$BATS_TEST_TMPDIR" 33554432
	rt kill "$ID" KILL
	exec 7<&-
	wait $cat
	wait $pid || status=$?
	eq "$status" 137
	eq "$(cat "$BATS_TEST_TMPDIR/head" "$BATS_TEST_TMPDIR/tail" | sha256sum)" "$(yes 0123456789abcdef | head -c 33554432 | sha256sum)"
}
test_size() { [ $(($(stat -c %s "$1/head") + $(stat -c %s "$1/tail" 2>/dev/null || echo 0))) -ge "$2" ]; }

@test "run: stdout is complete when the process ends at once after a large write" {
	sh_bundle 'head -c 20000000 /dev/zero'
	eq "$(rt run --bundle "$BUNDLE" "$ID" | wc -c)" 20000000
}

@test "run: a child that outlives the init does not hold the container" {
	sh_bundle 'sleep 1000 & echo started; exit 5'
	run_c
	eq "$status" 5
	eq "$output" started
}

@test "run --pid-file: the monitor's pid without a newline" {
	sh_bundle 'sleep 1000'
	rt run --detach --pid-file "$BATS_TEST_TMPDIR/pid" --bundle "$BUNDLE" "$ID" >/dev/null 2>&1 </dev/null
	eq "$(wc -l <"$BATS_TEST_TMPDIR/pid")" 0
	eq "$(cat "$BATS_TEST_TMPDIR/pid")" "$(rt state "$ID" | jq .pid)"
	kill -0 "$(cat "$BATS_TEST_TMPDIR/pid")"
	rt delete --force "$ID"
	run rt state "$ID"
	[ "$status" -ne 0 ]
}

# The newest stock kernel that contrib/get-kernel has fetched.
stock_kernel() {
	local cache=${VMRUNC_CACHE:-/var/cache/vmrunc}
	find "$cache/stock-kernel/current/boot/" -name 'vmlinuz-*' 2>/dev/null | sort -V | tail -n 1
}

@test "run: on Debian's stock kernel, with its modules from the initramfs" {
	vmrunc_only
	local kernel
	kernel=$(stock_kernel)
	[ -n "$kernel" ] || { cannot "no stock kernel: contrib/get-kernel"; return; }
	sh_bundle 'uname -r; grep -c 9p /proc/filesystems; exit 3'
	VMRUNC_KERNEL=$kernel rt_set
	run_c
	eq "$status" 3
	eq "${lines[0]}" "${kernel##*vmlinuz-}"
}
