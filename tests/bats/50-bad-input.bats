#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Wrong input of every kind is answered by a message that a stranger understands and a non-zero exit, and leaves nothing.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

# fails STATUS TEXT [RUN_OPTIONS...]: run_c must fail with this status ("any": neither 0 nor bash's 127), say TEXT, and
# leave no container. Each check returns by itself, since a caller's "||" switches errexit off.
fails() {
	if [ "$1" = any ]; then
		run_c "${@:3}"
		[ "$status" -ne 0 ] && [ "$status" -ne 127 ] || { echo "status $status: $stderr"; return 1; }
	else
		CODE=$1 run_c "${@:3}" || return 1
	fi
	has "$stderr" "$2" || return 1
	run rt state "$ID"
	[ "$status" -ne 0 ] || { echo "the container exists: $output"; return 1; }
}

@test "a bundle that is not there" {
	BUNDLE=/no/such/bundle
	fails any /no/such/bundle
}

@test "a bundle without config.json" {
	new_bundle
	rm "$BUNDLE/config.json"
	fails any config.json
}

@test "a config.json for whose content somebody would have to be waited" {
	vmrunc_only
	new_bundle
	rm "$BUNDLE/config.json"
	mkfifo "$BUNDLE/config.json"
	run timeout -k 5 60 "${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID"
	eq "$status" 1
	has "$output" "\"$BUNDLE/config.json\" is not a regular file"
	run rt state "$ID"
	has "$output" "does not exist"
}

@test "config.json that is not JSON: the line is named" {
	vmrunc_only
	new_bundle
	printf '{\n "ociVersion": "1.0.2",\n "process": {,}\n}\n' >"$BUNDLE/config.json"
	fails any "config.json:3"
}

@test "wrong types and values: the field is named by its path" {
	vmrunc_only
	local filter want
	while IFS='|' read -r filter want; do
		new_bundle "$filter"
		fails any "$want" || { echo "case: $filter"; return 1; }
	done <<-'T'
	.process.user.uid = "root"|process.user.uid
	.process.user.uid = -1|process.user.uid
	.process.args = []|process.args
	.process.args = [1]|process.args[0]
	.process.cwd = "relative"|process.cwd
	.process.env = "x"|process.env
	.process.rlimits[0].type = "RLIMIT_TEST"|RLIMIT_TEST
	.process.terminal = 1|process.terminal
	.root = null|root
	.mounts[0].destination = 5|mounts[0].destination
	.linux.namespaces[0].type = "banana"|linux.namespaces[0].type
	.linux.namespaces += [{"type":"pid"}]|linux.namespaces
	.ociVersion = "2.0.0"|ociVersion
	.ociVersion = "invalid"|ociVersion
	del(.ociVersion)|ociVersion
	.linux.seccomp = {defaultAction:"SCMP_ACT_BANANA"}|seccomp
	T
}

@test "a root file system that is missing or is not a directory" {
	vmrunc_only
	new_bundle
	rm -r "$BUNDLE/rootfs"
	fails any rootfs
	touch "$BUNDLE/rootfs"
	fails any rootfs
}

@test "a program that is missing (127) or not executable (126), in runc's words" {
	vmrunc_only
	new_bundle '.process.args = ["no-such-program"]'
	fails 127 'exec: "no-such-program": executable file not found in $PATH'
	new_bundle '.process.args = ["/bin/none"]'
	fails 127 'exec: "/bin/none": stat /bin/none: no such file or directory'
	new_bundle '.process.args = ["/etc/passwd"]'
	fails 126 'exec: "/etc/passwd": permission denied'
}

@test "what only the guest can refuse, or lacks: the field is named, in words" {
	vmrunc_only
	new_bundle '.mounts += [{destination:"/x",type:"nosuchfs",source:"none"}]'
	fails any 'mount "/x": type "nosuchfs": the guest'"'"'s kernel has no such file system'
	new_bundle '.linux.resources.memory.limit = 1'
	fails any 'the OOM killer ended the process while it was being set up: linux.resources.memory.limit is too low'
	new_bundle '.linux.resources.unified = {"memory.no_such":"1"}'
	RT_CMD+=(--log-level warning)
	run_c
	has "$stderr" 'linux.resources: the guest'"'"'s kernel has no "memory.no_such"'
}

@test "create of a missing program fails in create" {
	vmrunc_only
	new_bundle '.process.args = ["no-such-program"]'
	run -127 rt create --bundle "$BUNDLE" "$ID"
	has "$output" "executable file not found"
	run rt state "$ID"
	[ "$status" -ne 0 ]
}

@test "bad and duplicate ids" {
	sh_bundle 'sleep 1000'
	local id
	for id in "" ".." "a/b" "a b" "$(printf 'x%.0s' $(seq 2000))"; do
		run rt create --bundle "$BUNDLE" "$id"
		[ "$status" -ne 0 ] || { echo "accepted: '$id'"; return 1; }
	done
	rt create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run rt create --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has "$output" exist
	eq "$(status_of "$ID")" created
	rt delete --force "$ID"
}

@test "commands on an unknown id, without an id, with unknown options" {
	local c
	for c in state start "kill" delete; do
		run rt $c no-such-container
		[ "$status" -ne 0 ] || { echo "$c accepted"; return 1; }
		has "$output" "does not exist"
		run rt $c
		[ "$status" -ne 0 ]
		run rt $c --no-such-option x
		[ "$status" -ne 0 ]
	done
	run rt no-such-command
	[ "$status" -ne 0 ]
	run rt delete --force no-such-container
	eq "$status" 0
}

@test "kill with a signal that does not exist" {
	sh_bundle 'sleep 1000'
	rt create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run rt kill "$ID" NOSUCH
	[ "$status" -ne 0 ]
	has "$output" NOSUCH
	eq "$(status_of "$ID")" created
	rt delete --force "$ID"
}

@test "--log: one JSON object with level, msg and time; stderr says the same" {
	new_bundle '.process.args = ["no-such-program"]'
	run -127 rt --log "$BATS_TEST_TMPDIR/log" --log-format json create --bundle "$BUNDLE" "$ID"
	has "$output" "executable file not found"
	eq "$(jq -s 'map(select(.level == "error")) | length' "$BATS_TEST_TMPDIR/log")" 1
	has "$(jq -r 'select(.level == "error").msg' "$BATS_TEST_TMPDIR/log")" "executable file not found"
	jq -e '.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T")' "$BATS_TEST_TMPDIR/log"
}

@test "a kernel that is not there, or is no kernel" {
	vmrunc_only
	new_bundle
	run --separate-stderr rt run --kernel /no/such/kernel --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has "$stderr" /no/such/kernel
	head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/noise"
	run --separate-stderr rt run --kernel "$BATS_TEST_TMPDIR/noise" --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has "$stderr" "$BATS_TEST_TMPDIR/noise"
	: >"$BATS_TEST_TMPDIR/empty"
	run --separate-stderr rt run --kernel "$BATS_TEST_TMPDIR/empty" --bundle "$BUNDLE" "$ID"
	[ "$status" -ne 0 ]
	has "$stderr" "$BATS_TEST_TMPDIR/empty"
}

# with_kernel_tree: makes $TREE/boot/vmlinuz-$RELEASE with a module directory that has only the virtio transports, and a
# bundle.
with_kernel_tree() {
	local stock modules
	vmrunc_only
	stock=$("$TOP/contrib/get-kernel" --print-path)
	[ -d "$stock/boot" ] || cannot "no stock kernel: run contrib/get-kernel"
	RELEASE=$(basename "$(readlink -f "$stock")")
	TREE=$BATS_TEST_TMPDIR/tree
	modules=$TREE/lib/modules/$RELEASE
	mkdir -p "$TREE/boot" "$modules"
	cp "$stock/boot/vmlinuz-$RELEASE" "$TREE/boot"
	(cd "$stock/lib/modules/$RELEASE" && cp -a --parents kernel/drivers/virtio modules.builtin modules.order modules.builtin.modinfo "$modules")
	depmod -b "$TREE" "$RELEASE"
	new_bundle
}

# without_override COMMAND...: runs it without the capabilities by which root ignores the permissions of files.
without_override() {
	setpriv --bounding-set -dac_override,-dac_read_search "$@"
}

@test "a kernel without 9p: the missing options are named" {
	with_kernel_tree
	fails 1 "it lacks CONFIG_VIRTIO_CONSOLE (the channel to the agent), CONFIG_NET_9P_VIRTIO (9P over virtio), CONFIG_9P_FS (the host's files)" \
		--kernel "$TREE/boot/vmlinuz-$RELEASE"
	run -1 "$VMRUNC" --kernel "$TREE/boot/vmlinuz-$RELEASE" check
	has "$output" CONFIG_9P_FS
	has "$output" "install a guest kernel: linux-image-amd64 (Debian; not linux-image-cloud-amd64"
	has "${lines[-1]}" "cannot run"
}

@test "a module directory that cannot be read, or was never indexed: it is named" {
	local modules
	with_kernel_tree
	modules=$TREE/lib/modules/$RELEASE
	rm "$modules/modules.dep.bin"
	fails 1 "module directory \"$modules\" has no modules.dep.bin: run \"depmod" --kernel "$TREE/boot/vmlinuz-$RELEASE"
	chmod 0 "$modules"
	run -1 --separate-stderr without_override "${RT_CMD[@]}" --kernel "$TREE/boot/vmlinuz-$RELEASE" run --bundle "$BUNDLE" "$ID"
	has "$stderr" "cannot read the module directory \"$modules\": Permission denied"
	run without_override "$VMRUNC" --kernel "$TREE/boot/vmlinuz-$RELEASE" check
	has "$output" "cannot read the module directory \"$modules\": Permission denied"
	chmod 755 "$modules"
}

# no_engines COMMAND...: runs it in a mount namespace where there is neither KVM nor QEMU, with a cache of its own, so that
# the verdict on KVM is not kept.
no_engines() {
	touch "$BATS_TEST_TMPDIR/no-program"
	unshare -m bash -c 'mount -t tmpfs tmpfs /dev/shm; export XDG_CACHE_HOME=/dev/shm
		[ ! -e /dev/kvm ] || mount --bind /dev/null /dev/kvm || exit
		for q in $(which -a qemu-system-x86_64); do mount --bind "$1" "$(readlink -f "$q")" || exit; done
		shift; exec "$@"' _ "$BATS_TEST_TMPDIR/no-program" "$@"
}

@test "no KVM and no QEMU: the error says what to install, and so does check" {
	vmrunc_only
	new_bundle
	run -1 no_engines "$RT" --root "$ROOT" --engine auto run --bundle "$BUNDLE" "$ID"
	has "$output" qemu-system-x86
	has "$output" /dev/kvm
	run -1 no_engines "$RT" check
	has "$output" "KVM: not usable"
	has "$output" "engine: none"
	has "$output" "install QEMU (Debian: qemu-system-x86, Fedora: qemu-system-x86-core)"
	run -1 no_engines "$RT" check --format json
	jq -e '.usable == false and .kvm.usable == false and .qemu.usable == false and .engine.name == ""
		and any(.remedies[]; contains("qemu-system-x86"))' <<<"$output"
}

# on_small_disk SCRIPT: runs it under bats' run. $S is a directory on a file system of 256 KiB; "v" is vmrunc with its root
# there, "fill" fills the file system, and "left" lists what is in the root.
on_small_disk() {
	mkdir -p "$BATS_TEST_TMPDIR/small"
	run unshare -m bash -c 'set -u; mount -t tmpfs -o size=256k tmpfs "$1" || exit; S=$1 script=$2; shift 2
		v() { "${cmd[@]}" "$@"; }; cmd=("$@")
		fill() { cat /dev/zero >"$S/fill" 2>/dev/null; }
		left() { ls -A "$S/root"; }
		eval "$script"' _ "$BATS_TEST_TMPDIR/small" "$1" \
		"$RT" --root "$BATS_TEST_TMPDIR/small/root" --engine "${VMRUNC_ENGINE:-auto}" ${VMRUNC_KERNEL:+--kernel "$VMRUNC_KERNEL"}
}

@test "disk full under the state directory: a clear error, and nothing left" {
	vmrunc_only
	sh_bundle 'true'
	export BUNDLE ID
	# the disk is full from the start, or where the second, the third ... block is needed
	for free in 0 1 2 3 4; do
		on_small_disk 'fill; mkdir -p $S/root; truncate -s -$(('$free' * 4096)) $S/fill
			v run --bundle "$BUNDLE" "$ID"; echo "status $?"; left'
		has "$output" "status"
		if [[ $output == *"status 0"* ]]; then
			[ "$free" -gt 0 ]
		else
			has "$output" "No space left on device"
		fi
		eq "${lines[-1]%% *}" status
	done
}

@test "disk full while a container runs: it runs on, ends with its code, and is deleted" {
	vmrunc_only
	kmsg_bundle 'while [ ! -e /tmp/go ]; do sleep 0.05; done; echo out; for i in 1 2 3 4 5 6 7 8; do echo "<0>spam" >/dev/kmsg; done; exit 5'
	export BUNDLE ID WAIT_S
	on_small_disk 'v create --bundle "$BUNDLE" "$ID" >"$BUNDLE/out" 2>&1 </dev/null || exit
		fill; v start "$ID"; echo "start $?"; v state "$ID" | jq -r .status
		touch "$BUNDLE/rootfs/tmp/go"
		for ((end = SECONDS + WAIT_S; SECONDS < end;)); do [ "$(v state "$ID" | jq -r .status)" != stopped ] || break; sleep 0.05; done
		v state "$ID" | jq -r .status; v delete "$ID"; echo "delete $?"; left'
	eq "$output" "$(printf 'start 0\nrunning\nstopped\ndelete 0')"
	eq "$(cat "$BUNDLE/out")" out
}

@test "standard output that takes nothing" {
	for command in features list "spec --help" --version; do
		# shellcheck disable=SC2086 # words
		run -1 --separate-stderr bash -c '"$@" >/dev/full' - "$VMRUNC" $command
		has "$stderr" "cannot write to standard output"
	done
}

@test "state names the bundle's directory by its one absolute path" {
	sh_bundle 'sleep 1000'
	cd "$BUNDLE"
	rt create --bundle ./rootfs/.. "$ID" </dev/null >/dev/null 2>&1
	run -0 --separate-stderr rt state "$ID"
	eq "$(jq -r .bundle <<<"$output")" "$(realpath "$BUNDLE")"
	rt delete --force "$ID"
}
