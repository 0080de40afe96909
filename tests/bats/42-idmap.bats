#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Id-mapped bind mounts: mounts[].uidMappings, idmap, ridmap. The same ids come out as under runc.

load helpers
setup_file() {
	common_setup_file
	command -v python3 >/dev/null
}
setup() {
	common_setup
	SRC=
	find_source
	echo of-root >"$SRC/root"
	echo of-user >"$SRC/user"
	echo of-nobody-here >"$SRC/other"
	chown 1000:1001 "$SRC/user"
	chown 70000:70000 "$SRC/other"
	chmod 1777 "$SRC"
}
teardown() {
	if [ -n "${LOOP:-}" ]; then
		umount "$LOOP"
	fi
	common_teardown
}

# can_map DIR: whether this kernel can map the ids of DIR's file system, asked without vmrunc.
can_map() {
	python3 - "$1" <<-'P'
	import ctypes, os, sys
	libc = ctypes.CDLL(None, use_errno=True)
	(up, made), (down, _) = os.pipe(), os.pipe()
	pid = os.fork()
	if pid == 0:
	    os.close(_)
	    os.write(made, b"0" if libc.unshare(0x10000000) == 0 else b"1")  # CLONE_NEWUSER
	    os.read(down, 1)  # until the parent ends
	    os._exit(0)
	if os.read(up, 1) != b"0":
	    sys.exit(1)
	for name in "uid_map", "gid_map":
	    with open(f"/proc/{pid}/{name}", "w") as f:
	        f.write("0 100000 65536\n")
	ns = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
	tree = libc.syscall(428, -100, sys.argv[1].encode(), 1)  # open_tree, OPEN_TREE_CLONE
	attr = (ctypes.c_uint64 * 4)(0x100000, 0, 0, ns)  # MOUNT_ATTR_IDMAP
	r = libc.syscall(442, tree, b"", 0x1000, attr, 32)  # mount_setattr, AT_EMPTY_PATH
	sys.exit(0 if tree >= 0 and r == 0 else 1)
	P
}

# $SRC: a directory whose ids can be mapped: here, or on an ext4 of our own.
find_source() {
	SRC=$BATS_TEST_TMPDIR/src
	mkdir "$SRC"
	can_map "$SRC" >/dev/null 2>&1 && return
	local kernel=/var/cache/vmrunc/stock-kernel/current
	modprobe -d "$kernel" loop 2>/dev/null || true # in the KVM test machine, whose kernel this is
	modprobe -d "$kernel" ext4 2>/dev/null || true
	command -v mkfs.ext4 >/dev/null || cannot "no mkfs.ext4 (e2fsprogs)"
	truncate -s 16M "$BATS_TEST_TMPDIR/image"
	mkfs.ext4 -q "$BATS_TEST_TMPDIR/image"
	mount -o loop "$BATS_TEST_TMPDIR/image" "$SRC" || cannot "no loop device or ext4, and ids of $(stat -f -c %T "$SRC") cannot be mapped"
	LOOP=$SRC
	# What is mounted by now is no left-over of the test. shellcheck cannot see that common_teardown reads it.
	# shellcheck disable=SC2034
	mounts_to MOUNTS_BEFORE
	can_map "$SRC" >/dev/null 2>&1 || cannot "this kernel cannot map ids even of ext4"
}

MAPPED='{destination:"/data",type:"bind",source:$src,options:["rbind"],uidMappings:[{containerID:0,hostID:100000,size:65536}],gidMappings:[{containerID:0,hostID:100000,size:65536}]}'
USERNS='.linux.namespaces += [{type:"user"}] | .linux.uidMappings = [{containerID:0,hostID:100000,size:65536}] | .linux.gidMappings = .linux.uidMappings'

# The root file system belongs to the container's root. Other runtimes walk to it as that one.
own_rootfs() {
	[ -z "${RUNTIME:-}" ] || chmod a+x "$BATS_RUN_TMPDIR" "$BUNDLE"
	chown -hR 100000:100000 "$BUNDLE/rootfs"
}

# bats test_tags=kvm
@test "mappings of the mount, container without a user namespace: the ids of the host are seen shifted" {
	sh_bundle 'cd /data; stat -c "%n %u:%g" root user other' ".mounts += [$MAPPED]" --arg src "$SRC"
	run_c
	eq "$status" 0
	eq "$(echo $output)" "root 100000:100000 user 101000:101001 other 65534:65534"
	eq "$(stat -c %u:%g "$SRC/user")" 1000:1001
}

@test "mappings of the mount, container with the same user namespace: the ids of the host are seen as they are" {
	sh_bundle 'cd /data; stat -c "%n %u:%g" root user other; cat root' ".mounts += [$MAPPED] | $USERNS" --arg src "$SRC"
	own_rootfs
	run_c
	eq "$status" 0
	eq "$(echo $output)" "root 0:0 user 1000:1001 other 65534:65534 of-root"
}

@test "without a mapping, a container with a user namespace sees files of root as nobody's" {
	sh_bundle 'cd /data; stat -c "%n %u:%g" root' ".mounts += [{destination:\"/data\",source:\$src,options:[\"bind\"]}] | $USERNS" --arg src "$SRC"
	own_rootfs
	run_c
	eq "$status $output" "0 root 65534:65534"
}

@test "idmap without mappings takes those of the container's user namespace" {
	sh_bundle 'cd /data; stat -c "%n %u:%g" root user' ".mounts += [{destination:\"/data\",source:\$src,options:[\"bind\",\"idmap\"]}] | $USERNS" --arg src "$SRC"
	own_rootfs
	run_c
	eq "$status" 0
	eq "$(echo $output)" "root 0:0 user 1000:1001"
}

# bats test_tags=kvm
@test "what the container makes belongs to the unmapped ids on the host" {
	# QEMU's server makes files as the host's root, whom such a mount does not know, before it gives them away
	[ "${VMRUNC_ENGINE:-auto}" != qemu ] || skip "QEMU's own 9P server cannot"
	sh_bundle 'cd /data; umask 022; echo x >made; mkdir dir; ln -s x link; chown 7:8 made; stat -c "%n %u:%g" made dir' ".mounts += [$MAPPED] | $USERNS | .process.capabilities.bounding += [\"CAP_CHOWN\"] | .process.capabilities.effective += [\"CAP_CHOWN\"] | .process.capabilities.permitted += [\"CAP_CHOWN\"]" --arg src "$SRC"
	own_rootfs
	run_c
	eq "$status" 0
	eq "$(echo $output)" "made 7:8 dir 0:0"
	eq "$(stat -c '%u:%g' "$SRC/made" "$SRC/dir" "$SRC/link" | tr '\n' ' ')" "7:8 0:0 0:0 "
}

@test "idmap maps the mount alone, ridmap what is mounted below it too" {
	sh_bundle 'stat -c "%u" /data/root /data/sub/file' ".mounts += [$MAPPED]" --arg src "$SRC"
	mkdir "$SRC/sub" "$SRC/other-tree"
	echo x >"$SRC/other-tree/file"
	local word
	for word in idmap ridmap; do
		jq --arg w $word '.mounts[-1].options = ["rbind", $w]' "$BUNDLE/config.json" >"$BUNDLE/new"
		mv "$BUNDLE/new" "$BUNDLE/config.json"
		unshare -m --propagation private sh -c 'mount --bind "$1/other-tree" "$1/sub" && shift && exec "$@"' _ "$SRC" \
			"${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID" </dev/null >>"$BATS_TEST_TMPDIR/out"
	done
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "100000 0 100000 100000"
}

@test "a file system whose ids cannot be mapped: the error names the mount" {
	new_bundle ".mounts += [$MAPPED] | .mounts[-1].source = \"/proc/sys\"" --arg src "$SRC"
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "mounts[6]: idmap"
	has "$stderr" /proc/sys
}

@test "mappings of one kind alone, or idmap without a user namespace: clear errors" {
	new_bundle ".mounts += [$MAPPED] | del(.mounts[-1].gidMappings)" --arg src "$SRC"
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "mounts[6]: uidMappings and gidMappings come together"
	new_bundle '.mounts += [{destination:"/data",source:$src,options:["bind","idmap"]}]' --arg src "$SRC"
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "mounts[6].options: idmap without mappings needs a user namespace"
}

# secrets: makes a directory of files that a user namespace at 100000 may not touch, and prints its path.
secrets() {
	local dir=$BATS_TEST_TMPDIR/secrets
	mkdir -p "$dir/open"
	echo secret >"$dir/secret"
	chmod 600 "$dir/secret"
	echo plain >"$dir/plain"
	echo group >"$dir/of-group"
	chown 0:100500 "$dir/of-group"
	chmod 640 "$dir/of-group"
	echo mine >"$dir/open/mine"
	chown 101000:100000 "$dir/open/mine"
	chmod 600 "$dir/open/mine"
	chmod 1777 "$dir/open"
	echo "$dir"
}

@test "user: files of owners that are not mapped are strangers' to its root, with all capabilities" {
	sh_bundle 'cd /data
		cat plain; cat secret; cat of-group; echo x >plain; echo x >new; chmod 666 secret; chown 0:0 plain; rm plain; mknod open/n c 1 1
		stat -c "%n %u:%g" secret of-group open/mine; cat open/mine
		cd open; echo x >made; chown 70000:0 made; chown 1000:1000 made; chmod 4755 made; stat -c "%n %u:%g %a" made' '
		.linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings |
		.process.user.additionalGids = [500] |
		.process.capabilities = (["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETUID", "CAP_SETGID"] | {bounding: ., effective: ., permitted: .}) |
		.mounts += [{destination: "/data", type: "bind", source: $src, options: ["rbind", "rw"]}]' --arg src "$(secrets)"
	own_rootfs
	run_c
	eq "$status" 0
	eq "$output" "plain
group
secret 65534:65534
of-group 65534:500
open/mine 1000:0
mine
made 1000:1000 4755"
	eq "$(sed 's/.*sh: //; s/^line [0-9]*: //' <<<"$stderr")" "cat: can't open 'secret': Permission denied
can't create plain: Permission denied
can't create new: Permission denied
chmod: secret: Operation not permitted
chown: plain: Operation not permitted
rm: can't remove 'plain': Permission denied
mknod: open/n: Operation not permitted
chown: made: Invalid argument"
	(
		cd "$BATS_TEST_TMPDIR/secrets"
		eq "$(stat -c '%n %u:%g %a' secret plain of-group; cat secret plain of-group)" "secret 0:0 600
plain 0:0 644
of-group 0:100500 640
secret
plain
group"
	)
	eq "$(stat -c '%u:%g %a' "$BATS_TEST_TMPDIR/secrets/open/made")" "101000:101000 4755"
}
