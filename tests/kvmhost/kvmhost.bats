#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The KVM test machine keeps its promises (README.md beside this file).

setup() {
	RUN=$BATS_TEST_DIRNAME/run
	cd "$BATS_TEST_TMPDIR" || return
}

@test "the command's exit code and its two streams come back, and /dev/kvm is there" {
	"$RUN" --timeout 120 -- sh -c 'test -c /dev/kvm || exit 1; printf out; printf err >&2; exit 42' >out 2>err || status=$?
	[ "$status" = 42 ]
	[ "$(cat out)" = out ]
	[ "$(cat err)" = err ]
}

@test "output is complete and binary-clean" {
	"$RUN" --timeout 120 -- sh -c 'head -c 20000000 /dev/urandom | tee /tmp/data; sha256sum </tmp/data >&2' >out 2>sum
	[ "$(stat -c %s out)" = 20000000 ]
	[ "$(sha256sum <out)" = "$(cat sum)" ]
}

@test "input, directory, environment and a writable directory" {
	mkdir results
	printf 'a\0b\n' >in
	VMRUNC_X="it's \$HOME" "$RUN" --timeout 120 --rw "$PWD/results" --env 'Y=a  b' --stdin -- \
		sh -c 'cat >results/in; pwd >results/pwd; echo "$VMRUNC_X|$Y|$1" >results/env; echo lost >lost' sh '* "?"' <in
	cmp in results/in
	[ "$(cat results/pwd)" = "$PWD" ]
	[ "$(cat results/env)" = "it's \$HOME|a  b|* \"?\"" ]
	[ ! -e lost ]
}

@test "cgroup v2 has every controller enabled" {
	"$RUN" --timeout 120 -- cat /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/cgroup.subtree_control >out
	[ "$(sed -n 1p out)" = "$(sed -n 2p out)" ]
	grep -qw memory out
	grep -qw pids out
}

@test "a process left behind does not keep the machine" {
	"$RUN" --timeout 60 -- sh -c 'sleep 1000 & echo done' >out
	[ "$(cat out)" = "done" ]
}

@test "a panic is an error of the machine, with its message" {
	"$RUN" --timeout 120 -- sh -c 'echo c >/proc/sysrq-trigger; sleep 100' >out 2>err || status=$?
	[ "$status" = 125 ]
	grep -q 'ended before the command' err
	grep -q 'sysrq triggered crash' err
}

@test "a machine whose processor stands still is ended with 125" {
	KVMHOST_STALL_S=5 "$RUN" -- sh -c 'echo started; sleep 1000' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	local machine=$! status=0
	until grep -q started "$BATS_TEST_TMPDIR/out"; do
		kill -0 $machine
		sleep 0.2
	done
	kill -STOP "$(pgrep -P $machine qemu)"
	wait $machine || status=$?
	[ $status -eq 125 ]
	grep "has not run for 5 s" "$BATS_TEST_TMPDIR/err"
}

@test "--timeout ends it with 124" {
	"$RUN" --timeout 12 -- sleep 1000 2>err || status=$?
	[ "$status" = 124 ]
	grep -q 'no end within 12 s' err
}

@test "--init systemd: systemd is process 1 of a root of its own, and the job a unit of it, in our directory" {
	touch here
	"$RUN" --timeout 300 --init systemd -- sh -c 'cat /proc/1/comm; cat /proc/self/cgroup; ls; test -d /run/systemd/system; echo err >&2; exit 42' >out 2>err || status=$?
	[ "$status" = 42 ]
	[ "$(head -1 out)" = systemd ]
	grep -q '/system.slice/kvmhost.service$' out
	grep -qx here out
	[ "$(cat err)" = err ]
}
