#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A guest that has turned on its host's files: it mounts the shares itself, so that nothing of config.json holds but what
# the host makes hold (tests/hostile/files.c).

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	vmrunc_only
	HOSTILE=$(dirname "$VMRUNC")/tests/hostile/agent
	[ -x "$HOSTILE" ] || cannot "no $HOSTILE: run make"
	VOLUME=$BATS_TEST_TMPDIR/volume
	victims "$VOLUME"
}
teardown() { common_teardown; }

# victims DIR: files of root that nobody else may write, one of them set-uid.
victims() {
	mkdir -p "$1"
	echo kept >"$1/victim"
	echo kept >"$1/root-setuid"
	chmod 0600 "$1/victim"
	chmod 04755 "$1/root-setuid"
}

# picture DIR: all that is in it, with owner, mode, contents and attributes.
picture() {
	(cd "$1" && find . -printf '%p %y %m %U:%G %s\n' | sort && find . -type f -exec sha256sum {} + | sort)
	getfattr -R -h -d -m - --absolute-names "$1" 2>/dev/null || true
}

# hostile_bundle FILTER [ARG...]: a config whose guest is the hostile agent, with the user 1000 and no capabilities.
hostile_bundle() {
	local filter=$1 tree=$BATS_TEST_TMPDIR/initrd
	shift
	mkdir -p "$tree"
	cp "$HOSTILE" "$tree/hostile"
	(cd "$tree" && find . | cpio --quiet -o -H newc) >"$BATS_TEST_TMPDIR/initrd.cpio"
	# the field must be there, and the kernel is the one that vmrunc would take anyhow
	new_bundle '.vm = {kernel: {path: $kernel, initrd: $initrd, parameters: ["rdinit=/hostile", "hostile=files"]}}
		| .process.user = {uid: 1000, gid: 1000} | .process.capabilities = {} | '"$filter" \
		--arg initrd "$BATS_TEST_TMPDIR/initrd.cpio" --arg volume "$VOLUME" \
		--arg kernel "${VMRUNC_KERNEL:-$("$VMRUNC" check --format json | jq -r .kernel.path)}" "$@"
}

# attack [COMMAND]: lets the guest do what it can; COMMAND runs while it is there. LOG has what it says.
attack() {
	LOG=$BATS_TEST_TMPDIR/log
	"${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/err" &
	local create=$!
	wait_for "$WAIT_S" file_has "$ROOT/$ID/guest.log" "hostile: files: done" ||
		{ cat "$BATS_TEST_TMPDIR/err" "$ROOT/$ID/guest.log"; return 1; }
	tr -d '\r' <"$ROOT/$ID/guest.log" | grep -o 'hostile: .*' >"$LOG"
	"${@:-true}"
	cp "$ROOT/$ID/state.json" "$BATS_TEST_TMPDIR/state.json"
	kill -TERM $create
	wait $create && return 1
	cat "$LOG"
}

# got NAME: what the guest got of the export NAME, a line each.
got() {
	sed -n "s/^hostile: $1: \(.*\): got\$/\1/p" "$LOG"
}

# only_reads: none of the monitor's descriptors, and with the qemu engine none of QEMU's mounts, leads to the root or the
# volume by a mount that could be written.
only_reads() {
	local monitor
	monitor=$(jq .pid "$ROOT/$ID/state.json")
	python3 - "$monitor" "$BUNDLE/rootfs" "$VOLUME" <<-'P'
	import os, sys
	pids = [sys.argv[1]] + open(f"/proc/{sys.argv[1]}/task/{sys.argv[1]}/children").read().split()
	inside = {(s.st_dev, s.st_ino) for s in map(os.stat, sys.argv[2:])}
	seen = 0
	for pid in pids:
	    for fd in os.listdir(f"/proc/{pid}/fd"):
	        path = f"/proc/{pid}/fd/{fd}"
	        try:
	            st, fs = os.stat(path), os.statvfs(path)
	        except OSError:
	            continue
	        if (st.st_dev, st.st_ino) in inside:
	            seen += 1
	            if not fs.f_flag & os.ST_RDONLY:
	                sys.exit(f"descriptor {fd} of process {pid} can write to {os.readlink(path)}")
	    for path in ("", "/private/*/rootfs", "/shared/*/*/*"):
	        import glob
	        for at in glob.glob(f"/proc/{pid}/root{path}"):
	            st = os.stat(at)
	            if (st.st_dev, st.st_ino) in inside:
	                seen += 1
	                if not os.statvfs(at).f_flag & os.ST_RDONLY:
	                    sys.exit(f"process {pid} can write to {at}")
	sys.exit(0 if seen >= 3 else f"only {seen} ways to the files were found")
	P
}

# caps_are HEX: those that the monitor has; with the qemu engine it has none, since QEMU serves the files.
caps_are() {
	[ "$(jq -r .engine "$ROOT/$ID/state.json")" = kvm ] || set -- 0
	local set status
	status=/proc/$(jq .pid "$ROOT/$ID/state.json")/status
	for set in CapPrm CapEff CapBnd; do
		eq "$set $(printf %x "0x$(awk "/^$set/ {print \$2}" "$status")")" "$set $1"
	done
	eq "$(awk '/^(CapInh|CapAmb)/ {print $2 + 0}' "$status" | xargs)" "0 0"
}

# CAP_DAC_OVERRIDE is 1: to read files of any owner
only_reads_with_least_caps() {
	caps_are 2
	only_reads
}

# bats test_tags=kvm
@test "root.readonly and ro volumes: nothing can be written, by the server and by the mounts" {
	hostile_bundle '.root.readonly = true | .process.cwd = "/points/cwd"
		| .mounts += [{destination: "/points/volume", type: "bind", source: $volume, options: ["rbind", "ro"]}]'
	victims "$BUNDLE/rootfs"
	# what runc makes in a read-only root: mount points and the working directory
	mkdir -p "$BUNDLE/rootfs/points/volume" "$BUNDLE/rootfs/points/cwd" "$BUNDLE/rootfs/"{proc,dev,sys}
	local root volume
	root=$(picture "$BUNDLE/rootfs")
	volume=$(picture "$VOLUME")
	attack only_reads_with_least_caps
	has "$(cat "$LOG")" "hostile: rootfs: create: refused: Read-only file system"
	has "$(cat "$LOG")" "hostile: volume: create: refused: Read-only file system"
	eq "$(got rootfs | grep -vx read)" ""
	eq "$(got volume | grep -vx read)" ""
	eq "$(picture "$BUNDLE/rootfs")" "$root"
	eq "$(picture "$VOLUME")" "$volume"
}

# no_caps: neither the monitor nor QEMU has, or can get, CAP_DAC_READ_SEARCH (2), CAP_MKNOD (27) or CAP_SETFCAP (31).
no_caps() {
	local p monitor set
	caps_are db # CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID
	monitor=$(jq .pid "$ROOT/$ID/state.json")
	for p in $monitor $(cat "/proc/$monitor/task/$monitor/children"); do
		for set in CapPrm CapBnd; do
			eq "$p $set $((0x$(awk "/^$set/ {print \$2}" "/proc/$p/status") & (1 << 2 | 1 << 27 | 1 << 31)))" "$p $set 0"
		done
	done
}

@test "a process without capabilities: no device nodes, no set-id files of root; the host's /proc, /sys and a cgroup as volumes" {
	local cgroup=/sys/fs/cgroup/pids
	[ -d "$cgroup" ] || cgroup=/sys/fs/cgroup
	cgroup=$(mktemp -d "$cgroup/hostile-XXXXXX")
	chmod 0777 "$cgroup" "$cgroup/cgroup.procs" # under runc, everybody could make groups in it
	hostile_bundle '.mounts += [{destination: "/mnt", type: "bind", source: $volume, options: ["rbind", "rw"]},
		{destination: "/hostproc", type: "bind", source: "/proc", options: ["bind", "rw"]},
		{destination: "/hostsys", type: "bind", source: "/sys", options: ["bind", "rw"]},
		{destination: "/hostgroup", type: "bind", source: $cgroup, options: ["bind", "rw"]}]' --arg cgroup "$cgroup"
	attack no_caps
	rmdir "$cgroup"
	eq "$(got sys)" plain
	eq "$(got "${cgroup##*/}")" plain
	eq "$(find "$VOLUME" "$BUNDLE/rootfs" -type b)" ""
	eq "$(find "$VOLUME" "$BUNDLE/rootfs" -type c ! -name made-whiteout)" ""
	has "$(got volume)" create
	has "$(got proc)" "plain meminfo"
	eq "$(got proc | grep ^write)" ""
	# QEMU's own file server has no policy: what its capabilities leave it, it does
	[ "$(jq -r .engine "$BATS_TEST_TMPDIR/state.json")" = kvm ] || return 0
	has "$(got volume)" whiteout
	has "$(got volume)" mkfifo
	eq "$(find "$VOLUME" -perm /6000)" ""
	eq "$(got volume | grep -e set-id -e mknod | grep -v '^overwrite set-id$')" ""
	eq "$(got proc | grep ^read)" ""
}

# bats test_tags=kvm
@test "root without a user namespace and a host /proc as a volume: memory and secrets stay closed" {
	[ "${VMRUNC_ENGINE:-}" = kvm ] || skip "QEMU's own file server"
	hostile_bundle '.process.user = {uid: 0, gid: 0} | .mounts += [{destination: "/hostproc", type: "bind", source: "/proc", options: ["bind", "rw"]}]'
	attack
	eq "$(got proc | grep -e ^read -e mem\$ | grep -v "plain meminfo")" ""
	has "$(got proc)" "write sys/kernel/hostname"
	has "$(cat "$LOG")" "hostile: proc: write self/mem: refused: Permission denied"
}

# owners DIR: what the guest has made or changed there, with its owners, but for those whom the config gives it.
owners() {
	find "$1" -mindepth 1 ! -user 100000 -printf '%P %U:%G %m\n' | sort
}

@test "a user namespace: files of the host's root are not read, not changed, not made, and none is given to it" {
	local all='["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_SETUID", "CAP_SETGID", "CAP_SETFCAP"]'
	local closed=$BATS_TEST_TMPDIR/closed before
	victims "$closed"
	chmod 1777 "$VOLUME" # everybody may make files here, also under runc
	before=$(picture "$closed")
	hostile_bundle '.linux.namespaces += [{type: "user"}] | .process.user = {uid: 0, gid: 0}
		| .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings
		| .process.capabilities = ('"$all"' | {bounding: ., effective: ., permitted: .})
		| .mounts += [{destination: "/mnt", type: "bind", source: $volume, options: ["rbind", "rw"]},
			{destination: "/closed", type: "bind", source: $closed, options: ["rbind", "rw"]}]' --arg closed "$closed"
	chown -R 100000:100000 "$BUNDLE/rootfs"
	attack
	eq "$(got closed)" ""
	eq "$(picture "$closed")" "$before"
	eq "$(got volume | grep -e read -e overwrite -e unlink -e chown -e "give away" -e security -e trusted -e acl -e "user xattr" -e "open up" -e cut -e replace)" ""
	eq "$(cat "$VOLUME/victim" "$VOLUME/root-setuid")" "kept
kept"
	eq "$(owners "$VOLUME")" "root-setuid 0:0 4755
victim 0:0 600"
	has "$(cat "$LOG")" "hostile: closed: read: refused: Permission denied"
	has "$(cat "$LOG")" "hostile: closed: create: refused: Permission denied"
	# what its root may do under runc it does here: not with QEMU's server, which makes nothing for a guest's root
	[ "$(jq -r .engine "$BATS_TEST_TMPDIR/state.json")" = kvm ] || return 0
	has "$(got volume)" create
	has "$(got volume)" mkdir
}
