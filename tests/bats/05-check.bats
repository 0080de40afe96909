#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vmrunc check: it says what this machine has and lacks, in words and in JSON.
# bats file_tags=kvm

load helpers
setup() {
	vmrunc_only
	EMPTY=$BATS_TEST_TMPDIR/empty
	mkdir -p "$EMPTY"
}

# check_json GLOBAL_OPTIONS...: prints what check says in JSON.
check_json() {
	"$VMRUNC" "$@" check --format json
}

@test "says the engine, the kernel and why, the cgroups, and the verdict" {
	run "$VMRUNC" ${VMRUNC_KERNEL:+--kernel "$VMRUNC_KERNEL"} check
	[ "$status" -eq 0 ] || { echo "status $status: $output"; cannot "no container can run here"; }
	for word in "KVM: " "QEMU: " "engine: " "guest kernel: " "9pnet_virtio" "host cgroups: " "containers can run here"; do
		[[ $output == *"$word"* ]] || { echo "no \"$word\" in: $output"; return 1; }
	done
}

@test "says the same in JSON" {
	run check_json ${VMRUNC_KERNEL:+--kernel "$VMRUNC_KERNEL"}
	jq -e '(.usable | type) == "boolean" and (.kvm.why | length) > 0 and (.engine.name | test("^(kvm|qemu|)$"))
		and (.cgroups | test("^(v1|v2|hybrid|none)$")) and (.kernel.drivers | type) == "object"
		and (.remedies | type) == "array"' <<<"$output"
	[ "$(jq .usable <<<"$output")" = "$([ "$status" -eq 0 ] && echo true || echo false)" ]
}

@test "a file that is no kernel is a problem with a remedy, and status 1" {
	run check_json --kernel /etc/passwd
	[ "$status" -eq 1 ] || { echo "status $status: $output"; return 1; }
	jq -e '.usable == false and (.kernel.problem | contains("/etc/passwd")) and (.remedies | length) > 0' <<<"$output"
}

@test "no QEMU where it is asked for: the packages are named, and status 1" {
	printf '{ "qemu": "%s/qemu", "engine": "qemu" }' "$EMPTY" >"$BATS_TEST_TMPDIR/vmrunc.json"
	run check_json --config "$BATS_TEST_TMPDIR/vmrunc.json"
	[ "$status" -eq 1 ] || { echo "status $status: $output"; return 1; }
	jq -e '.qemu.usable == false and .engine.name == "" and any(.remedies[]; contains("qemu-system-x86"))' <<<"$output"
}

@test "/dev/kvm that may not be opened: said, and QEMU takes its place" {
	[ -c /dev/kvm ] || cannot "no /dev/kvm"
	mknod -m 0 "$BATS_TEST_TMPDIR/kvm" c 10 232
	# without these capabilities the permissions of files hold for root as well; a cache of its own keeps the verdict from
	# the tests that follow
	run unshare -m bash -c 'mount --bind "$1" /dev/kvm; shift; export XDG_CACHE_HOME=$1; shift
		exec setpriv --bounding-set -dac_override,-dac_read_search "$@"' _ \
		"$BATS_TEST_TMPDIR/kvm" "$EMPTY" "$VMRUNC" ${VMRUNC_KERNEL:+--kernel "$VMRUNC_KERNEL"} check --format json
	jq -e '.kvm.usable == false and (.kvm.why | contains("/dev/kvm: Permission denied")) and .engine.name != "kvm"' <<<"$output"
}

@test "the KVM verdict is kept for this boot" {
	[ -c /dev/kvm ] || cannot "no /dev/kvm: nothing is probed"
	run check_json
	run check_json
	jq -e '.kvm.cached' <<<"$output"
}

@test "a format that does not exist is refused" {
	run "$VMRUNC" check --format yaml
	[ "$status" -ne 0 ]
	[[ $output == *yaml* ]]
}
