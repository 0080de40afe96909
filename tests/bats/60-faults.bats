#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Faults while it runs: dying guests, dying monitors, interrupted commands, floods. Never a hang, never a leftover.

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	vmrunc_only
}
teardown() { common_teardown; }

# bats test_tags=kvm
@test "guest kernel panic at boot: an error with the guest's last words" {
	sh_bundle true '.vm = {kernel: {path: $k, parameters: ["rdinit=/no-such-init"]}}' --arg k "${VMRUNC_KERNEL:-}"
	[ -n "${VMRUNC_KERNEL:-}" ] || sh_bundle true '.annotations = {"org.vmrunc.kernel.parameters": "rdinit=/no-such-init"}'
	echo '{"annotations": ["kernel.parameters"]}' >"$BATS_TEST_TMPDIR/settings.json"
	RT_CMD+=(--config "$BATS_TEST_TMPDIR/settings.json")
	run_c
	eq "$status" 1 # as any error of create: no process has run
	has "$stderr" panic
	run rt state "$ID"
	[ "$status" -ne 0 ]
}

@test "guest kernel panic while the process runs: reported, stopped, delete cleans up" {
	sh_bundle 'echo before; dd if=/dev/zero of=/dev/shm/fill bs=1M' '.linux.sysctl = {"vm.panic_on_oom":"2"} | .mounts |= map(if .destination == "/dev/shm" then .options = ["mode=1777","size=100%"] else . end)'
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
	rt start "$ID"
	wait_status "$ID" stopped
	file_has "$BATS_TEST_TMPDIR/out" before
	has "$(cat "$ROOT/$ID/guest.log")" panic
	rt delete "$ID"
	# in the foreground: an error, and an exit status that is not what programs use themselves
	CODE=255 run_c
	has "$output" before
	has "$stderr" "the container's virtual machine has died"
	has "$stderr" "panic_on_oom"
}

@test "the agent killed from inside: the container ends, delete cleans up" {
	# without a pid namespace the agent is pid 1 for the process, and its code can be overwritten
	sh_bundle 'a=$(sed -n "/r-xp/{s/-.*//p;q}" /proc/1/maps); echo at $a; dd if=/dev/zero of=/proc/1/mem bs=4096 count=16 conv=notrunc seek=$((0x$a / 4096)); sleep 1000' \
		'.linux.namespaces |= map(select(.type != "pid")) | .process.capabilities |= map_values(. + ["CAP_SYS_PTRACE","CAP_DAC_OVERRIDE","CAP_SYS_ADMIN"])'
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
	rt start "$ID"
	rt kill "$ID" 0 2>/dev/null || true # wakes an agent that sleeps in a system call
	wait_status "$ID" stopped
	rt delete "$ID"
}

@test "kill -9 of the monitor at moments of create: never a hang, all is cleaned up" {
	sh_bundle 'sleep 1000'
	local ms
	for ms in 0.02 0.1 0.3 0.8 1.5; do
		"${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/err" &
		local pid=$!
		sleep $ms # the moment is the point of this test
		pkill -9 -f "vmrunc: $ID" || true
		wait $pid || true
		if rt state "$ID" >/dev/null 2>&1; then
			case $(status_of "$ID") in
			created | stopped) ;;
			*) echo "status: $(status_of "$ID")"; return 1 ;;
			esac
		fi
		rt delete --force "$ID"
		assert_nothing_left
	done
}

@test "run ends, and tells a hook's failure, although its caller ignores SIGCHLD" {
	sh_bundle 'exit 7'
	run -7 timeout "$WAIT_S" bash -c 'trap "" CHLD; exec "$@"' - "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	sh_bundle true '.hooks = {prestart: [{path: "/bin/false"}]}'
	run timeout "$WAIT_S" bash -c 'trap "" CHLD; exec "$@"' - "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 1
	has "$output" 'hooks.prestart[0]: "/bin/false" failed with exit status 1'
}

# bats test_tags=kvm
@test "Ctrl-C while create boots the guest, twice: gone, and nothing left" {
	sh_bundle 'sleep 1000'
	setsid "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 &
	local pid=$!
	wait_for "$WAIT_S" test -e "$ROOT/$ID"
	kill -INT $pid
	kill -INT $pid 2>/dev/null || true
	wait_for "$WAIT_S" gone $pid
	rt delete --force "$ID"
}
gone() { ! kill -0 "$1" 2>/dev/null; }

# bats test_tags=kvm
@test "the caller of create killed: no container remains half-made" {
	sh_bundle 'sleep 1000'
	# the runtime itself, not a shell around it
	"${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 &
	local pid=$!
	wait_for "$WAIT_S" test -e "$ROOT/$ID"
	kill -9 $pid
	wait $pid && return 1
	rt delete --force "$ID"
	assert_nothing_left
}

@test "a guest that floods its kernel log: the log stays bounded, commands answer" {
	local log=$ROOT/$ID/guest.log
	# three times what the log may have, in lines of some 800 bytes
	kmsg_bundle 'l=spam; for _ in 1 2 3 4 5 6 7; do l="$l $l"; done
		i=0; while [ $i -lt 240 ]; do echo "<0>$i $l end of $i" >/dev/kmsg || exit; i=$((i+1)); done; echo done; sleep 1000'
	echo '{ "guest-log": 64 }' >"$BATS_TEST_TMPDIR/settings.json"
	RT_CMD+=(--config "$BATS_TEST_TMPDIR/settings.json")
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$log" "spam spam"
	eq "$(timeout 10 "${RT_CMD[@]}" state "$ID" | jq -r .status)" running
	wait_for 300 file_has "$BATS_TEST_TMPDIR/out" "done"
	wait_for "$WAIT_S" file_has "$log" "end of 239"
	eq "$(status_of "$ID")" running
	[ "$(stat -c %s "$log")" -le 65536 ]
	# it was cut in between, or this would prove nothing
	run grep -c "end of 1$" "$log"
	eq "$output" 0
	rt delete --force "$ID"
}

@test "output to a reader that goes away does not stop the process" {
	sh_bundle 'trap "" PIPE; i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; echo end >/tmp/end; exit 4'
	run bash -c 'set -o pipefail; "$@" | head -1' _ "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	has "$output" "line 0"
	wait_for "$WAIT_S" test -e "$BUNDLE/rootfs/tmp/end"
}
