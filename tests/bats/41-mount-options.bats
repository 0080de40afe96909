#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every option of mounts[].options, every kind of bind source, and destinations that lie in one another.

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	SRC=$BATS_TEST_TMPDIR/src
	mkdir "$SRC"
}
teardown() { common_teardown; }

# What /proc/self/mountinfo says of each mount below /m: name, the mount's options, those of the file system.
SHOW='while read -r id parent dev root at opts rest; do case $at in /m/*) echo "${at#/m/} $opts ${rest##* - }";; esac; done </proc/self/mountinfo'

# A tmpfs at /m/NAME with OPTIONS (comma-separated) for each "NAME OPTIONS" line on stdin.
with_tmpfs() {
	sh_bundle "$SHOW" '.mounts += ($list | split("\n") | map(select(. != "") | split(" ") | {destination: "/m/\(.[0])", type: "tmpfs", source: .[0], options: (.[1] | split(","))}))' --arg list "$(cat)"
}

# shows NAME WORD...: the line of mount NAME has each word as an option; !WORD: has it not.
shows() {
	local line word
	line=$(grep "^$1 " <<<"$output") || { echo "no mount $1 in: $output"; return 1; }
	for word in "${@:2}"; do
		case $word in
		!*) ! grep -qE "[ ,]${word#!}([ ,]|\$)" <<<"$line" || { echo "$word: $line"; return 1; } ;;
		*) grep -qE "[ ,]$word([ ,]|\$)" <<<"$line" || { echo "no $word: $line"; return 1; } ;;
		esac
	done
}

@test "options of a mount: each word and its opposite, and the last of them counts" {
	with_tmpfs <<-'L'
	ro ro
	rw ro,rw
	nosuid nosuid
	suid nosuid,suid
	nodev nodev
	dev nodev,dev
	noexec noexec
	exec noexec,exec
	noatime noatime
	atime noatime,atime
	nodiratime nodiratime
	diratime nodiratime,diratime
	relatime relatime
	strictatime strictatime
	defaults defaults
	L
	run_c
	eq "$status" 0
	shows ro ro
	shows rw rw
	shows nosuid nosuid
	shows suid !nosuid
	shows nodev nodev
	shows dev !nodev
	shows noexec noexec
	shows exec !noexec
	shows noatime noatime !relatime
	shows atime !noatime
	shows nodiratime nodiratime
	shows diratime !nodiratime
	shows relatime relatime
	shows strictatime !relatime !noatime
	shows defaults rw
}

@test "options that older runtimes lack: nosymfollow, the recursive ones and their opposites" {
	vmrunc_only
	with_tmpfs <<-'L'
	nosymfollow nosymfollow
	symfollow nosymfollow,symfollow
	rro rro
	rrw rro,rrw
	rnosuid rnosuid
	rsuid rnosuid,rsuid
	rnodev rnodev
	rdev rnodev,rdev
	rnoexec rnoexec
	rexec rnoexec,rexec
	rnoatime rnoatime
	ratime rnoatime,ratime
	rnodiratime rnodiratime
	rdiratime rnodiratime,rdiratime
	rrelatime rrelatime
	rstrictatime rstrictatime
	rnosymfollow rnosymfollow
	rsymfollow rnosymfollow,rsymfollow
	rnorelatime rstrictatime,rnorelatime
	rnostrictatime rstrictatime,rnostrictatime
	L
	run_c
	eq "$status" 0
	shows nosymfollow nosymfollow
	shows symfollow !nosymfollow
	shows rro ro
	shows rrw rw
	shows rnosuid nosuid
	shows rsuid !nosuid
	shows rnodev nodev
	shows rdev !nodev
	shows rnoexec noexec
	shows rexec !noexec
	shows rnoatime noatime
	shows ratime !noatime
	shows rnodiratime nodiratime
	shows rdiratime !nodiratime
	shows rrelatime relatime
	shows rstrictatime !relatime !noatime
	shows rnosymfollow nosymfollow
	shows rsymfollow !nosymfollow
	shows rnostrictatime relatime
}

@test "options of the file system: sync, dirsync, lazytime, mand, acl, iversion, silent and their opposites" {
	with_tmpfs <<-'L'
	sync sync
	async sync,async
	dirsync dirsync
	lazytime lazytime
	nolazytime lazytime,nolazytime
	mand mand
	nomand mand,nomand
	acl acl
	noacl noacl
	iversion iversion
	noiversion noiversion
	silent silent
	loud silent,loud
	L
	run_c
	eq "$status" 0
	shows sync sync
	shows async !sync
	shows dirsync dirsync
	shows lazytime lazytime
	shows nolazytime !lazytime
	shows mand rw
	shows iversion rw
}

@test "options of tmpfs: size, mode, uid, gid, nr_inodes" {
	sh_bundle "$SHOW; stat -c '%a %u:%g' /m/t; df -k /m/t | tail -1 | tr -s ' ' | cut -d' ' -f2" '.mounts += [{destination: "/m/t", type: "tmpfs", source: "tmpfs", options: ["size=2m", "mode=1751", "uid=7", "gid=8", "nr_inodes=77"]}]'
	run_c
	eq "$status" 0
	shows t size=2048k nr_inodes=77 mode=1751 uid=7 gid=8
	eq "${lines[1]} ${lines[2]}" "1751 7:8 2048"
}

@test "a tmpfs over a directory has its mode, and with tmpcopyup all that is in it, with owners, modes, links" {
	vmrunc_only
	sh_bundle 'stat -c "%a %u:%g" /full; cd /full; find . | sort; stat -c "%n %a %u:%g %F" file dir; readlink link; cat file; grep " /full " /proc/self/mountinfo | grep -c tmpfs; echo more >new; stat -c %a /empty' \
		'.mounts += [{destination: "/full", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "size=1m"]}, {destination: "/empty", type: "tmpfs", source: "tmpfs"}] | .process.capabilities[] += ["CAP_DAC_OVERRIDE"]'
	mkdir -p "$BUNDLE/rootfs/full/dir" "$BUNDLE/rootfs/empty"
	echo content >"$BUNDLE/rootfs/full/file"
	chown 5:6 "$BUNDLE/rootfs/full/file"
	chmod 0640 "$BUNDLE/rootfs/full/file"
	chown 7:8 "$BUNDLE/rootfs/full"
	chmod 2775 "$BUNDLE/rootfs/full"
	ln -s file "$BUNDLE/rootfs/full/link"
	chmod 0711 "$BUNDLE/rootfs/empty"
	run_c
	eq "$status" 0
	eq "$(echo $output)" "2775 7:8 . ./dir ./file ./link file 640 5:6 regular file dir 755 0:0 directory file content 1 711"
	[ ! -e "$BUNDLE/rootfs/full/new" ]
}

@test "propagation: each word, alone and recursive, and one after the other" {
	sh_bundle 'while read -r id parent dev root at opts rest; do case $at in /m/*) echo "${at#/m/} ${rest%% - *}";; esac; done </proc/self/mountinfo' \
		'.mounts += (["shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate", "runbindable"] | map({destination: "/m/\(.)", type: "bind", source: $src, options: ["rbind", .]})) + [{destination: "/m/both", type: "bind", source: $src, options: ["rbind", "shared", "private"]}]' --arg src "$SRC"
	run_c
	eq "$status" 0
	grep -q '^shared shared:' <<<"$output"
	grep -q '^rshared shared:' <<<"$output"
	grep -q '^unbindable unbindable' <<<"$output"
	grep -q '^runbindable unbindable' <<<"$output"
	local kind
	for kind in slave private rslave rprivate both; do
		! grep "^$kind " <<<"$output" | grep -q shared: || { echo "$output"; return 1; }
	done
}

@test "options of a file system on a bind mount mean nothing: warned of, not dropped in silence" {
	vmrunc_only
	RT_CMD+=(--log-level warning)
	sh_bundle 'stat -c %a /data' '.mounts += [{destination: "/data", type: "bind", source: $src, options: ["bind", "mode=0700", "size=1k"]}]' --arg src "$SRC"
	run_c
	eq "$status $output" "0 755"
	has "$stderr" 'mounts[6].options: "mode=0700,size=1k"'
}

@test "an option that the file system does not have is an error that names it" {
	vmrunc_only
	new_bundle '.mounts += [{destination: "/data", type: "tmpfs", source: "x", options: ["banana=1"]}]'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" banana
	new_bundle '.mounts += [{destination: "/data", type: "nosuchfs", source: "x"}]'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" nosuchfs
}

@test "remount: a later entry changes the options of what is mounted there" {
	sh_bundle "$SHOW; touch /m/t/x 2>&1; grep -c ' /m/t ' /proc/self/mountinfo" '.mounts += [{destination: "/m/t", type: "tmpfs", source: "tmpfs", options: ["size=1m", "nosuid"]}, {destination: "/m/t", type: "tmpfs", source: "tmpfs", options: ["remount", "ro", "size=2m"]}]'
	run_c
	shows t size=2048k ro !nosuid
	eq "${lines[-1]}" 1
	has "$output" "Read-only file system"
}

# --- binds ---

# Makes $SRC/{file,dir,fifo,sock,null,link}: what a bind source can be.
make_sources() {
	echo content >"$SRC/file"
	mkdir "$SRC/dir"
	mkfifo "$SRC/fifo"
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$SRC/sock"
	mknod "$SRC/null" c 1 3
	ln -s file "$SRC/link"
}

@test "bind sources: file, directory, FIFO, socket, device node, symlink, each as what it is" {
	make_sources
	sh_bundle 'for f in file dir fifo sock null link; do stat -c "%n %F" /b/$f; done; cat /b/file /b/link' \
		'.mounts += (["file", "dir", "fifo", "sock", "null", "link"] | map({destination: "/b/\(.)", type: "bind", source: "\($src)/\(.)", options: ["bind"]}))' --arg src "$SRC"
	run_c
	eq "$status" 0
	has "$output" "/b/file regular file"
	has "$output" "/b/dir directory"
	has "$output" "/b/fifo fifo"
	has "$output" "/b/sock socket"
	has "$output" "/b/null character special file"
	has "$output" "/b/link regular file"
	eq "$(grep -c content <<<"$output")" 2
}

@test "bind sources: a FIFO is the guest's own pipe; nobody opens it on the host" {
	vmrunc_only
	make_sources
	sh_bundle 'cat /b/fifo & echo through >/b/fifo; wait' '.mounts += [{destination: "/b/fifo", type: "bind", source: "\($src)/fifo", options: ["bind"]}]' --arg src "$SRC"
	# a reader on the host, who would see a writer on the host
	timeout "$WAIT_S" cat "$SRC/fifo" >"$BATS_TEST_TMPDIR/seen" 3>&- &
	local reader=$!
	run_c
	eq "$status $output" "0 through"
	kill -0 $reader # still waits: no writer came
	kill $reader
}

@test "bind: mountinfo's root ends as the source does, for directories and files" {
	mkdir "$SRC/data.d"
	echo x >"$SRC/data.d/file.conf"
	sh_bundle 'while read -r id parent dev root at rest; do case $at in /m/*) echo "$at ${root##*/}";; esac; done </proc/self/mountinfo' \
		'.mounts += [{destination: "/m/one", source: "\($src)/data.d", options: ["rbind"]}, {destination: "/m/two", source: "\($src)/data.d/file.conf", options: ["bind"]}, {destination: "/m/three", source: "\($src)/data.d/", options: ["bind"]}]' --arg src "$SRC"
	run_c
	eq "$status $(echo $output)" "0 /m/one data.d /m/two file.conf /m/three data.d"
}

@test "bind in a bind, over a tmpfs, and twice at one destination: all in the config's order" {
	mkdir -p "$SRC/a/inner" "$SRC/b" "$SRC/c"
	echo a >"$SRC/a/name"
	echo b >"$SRC/b/name"
	echo c >"$SRC/c/name"
	sh_bundle 'cat /a/name /a/inner/name /t/sub/name /twice/name; ls /t; awk "\$5 == \"/twice\"" /proc/self/mountinfo | wc -l; ls /a/inner' \
		'.mounts += [
			{destination: "/a", source: "\($src)/a", options: ["bind"]}, {destination: "/a/inner", source: "\($src)/b", options: ["bind"]},
			{destination: "/t", type: "tmpfs", source: "tmpfs"}, {destination: "/t/sub", source: "\($src)/c", options: ["bind"]},
			{destination: "/twice", source: "\($src)/a", options: ["bind"]}, {destination: "/twice", source: "\($src)/c", options: ["bind"]}]' --arg src "$SRC"
	run_c
	eq "$status $(echo $output)" "0 a b c c sub 2 name"
}

@test "rbind takes along what is mounted below the source, bind does not" {
	mkdir -p "$SRC/top/sub" "$SRC/other"
	echo below >"$SRC/other/file"
	sh_bundle 'ls /r/sub; ls /b/sub | wc -l' '.mounts += [{destination: "/r", source: "\($src)/top", options: ["rbind"]}, {destination: "/b", source: "\($src)/top", options: ["bind"]}]' --arg src "$SRC"
	run --separate-stderr unshare -m --propagation private sh -c 'mount --bind "$1/other" "$1/top/sub" && shift && exec "$@"' _ "$SRC" "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status $(echo $output)" "0 file 0"
}

@test "a bind whose source is in the root file system has what the mounts before it have put there" {
	mkdir -p "$SRC/a/inner" "$SRC/b"
	echo a >"$SRC/a/file"
	echo b >"$SRC/b/file"
	sh_bundle 'cat /all/file /all/inner/file; ls /one/inner /one/file; cat /file; touch /all/x; touch /ro/x 2>/dev/null || echo refused'
	mkdir "$BUNDLE/rootfs/a"
	echo covered >"$BUNDLE/rootfs/a/file"
	jq '.mounts += [{destination: "/a", source: "\($src)/a", options: ["bind"]}, {destination: "\($rootfs)/a/inner", source: "\($src)/b", options: ["bind"]},
			{destination: "/all", source: "\($rootfs)/a", options: ["rbind"]}, {destination: "/one", source: "\($rootfs)/a", options: ["bind"]},
			{destination: "/ro", source: "\($rootfs)/a/inner", options: ["bind", "ro"]}, {destination: "/file", source: "\($rootfs)/a/inner/file", options: ["bind"]}]' \
		--arg src "$SRC" --arg rootfs "$BUNDLE/rootfs" "$BUNDLE/config.json" >"$BUNDLE/new"
	mv "$BUNDLE/new" "$BUNDLE/config.json"
	run_c
	eq "$status $(echo $output)" "0 a b /one/file /one/inner: b refused"
	[ -e "$SRC/a/x" ]
}

# in_host_mount FLAGS CMD...: runs CMD where $SRC is a tmpfs of the host, mounted with the flags: a program and a socket.
in_host_mount() {
	unshare -m --propagation private python3 - "$SRC" "$@" <<-'END'
		import os, socket, subprocess, sys
		src, flags, command = sys.argv[1], sys.argv[2], sys.argv[3:]
		subprocess.run(["mount", "-t", "tmpfs", "tmpfs", src], check=True)
		with open(src + "/run", "w") as f:
		    f.write("#!/bin/sh\necho ran\n")
		os.chmod(src + "/run", 0o755)
		server = socket.socket(socket.AF_UNIX)
		server.bind(src + "/sock")
		server.listen()
		subprocess.run(["mount", "-o", "remount,bind," + flags, src], check=True)
		sys.exit(subprocess.run(command, stdin=subprocess.DEVNULL).returncode)
	END
}

@test "a bind has the flags that the mount of its source has on the host, unless it has words of its own" {
	local flags=ro,nosuid,nodev,noexec,nodiratime show
	show="$SHOW; for at in kept own rw; do echo \$at-file \$(/m/\$at/run 2>&1 | tail -c 7) \$(touch /m/\$at/\$at 2>&1 | tail -c 22); done"
	sh_bundle "$show" '.mounts += [{destination: "/m/kept", source: $src, options: ["rbind", "rprivate"]},
		{destination: "/m/own", source: $src, options: ["bind", "nosuid", "noatime"]}, {destination: "/m/rw", source: $src, options: ["bind", "rw"]}]' --arg src "$SRC"
	run --separate-stderr in_host_mount "$flags" "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 0
	shows kept ro nosuid nodev noexec nodiratime relatime
	shows own rw !ro nosuid !nodev !noexec noatime !nodiratime
	shows rw rw !nosuid !nodev !noexec nodiratime relatime # without a word, access times stay
	shows kept-file denied "Read-only file system"
	shows own-file ran
	shows rw-file ran

	# a user namespace locks what the source has, as far as nothing is said of it
	jq '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] | .linux.gidMappings = .linux.uidMappings |
		.mounts |= map(select(.destination != "/m/rw" and .destination != "/m/own")) + [{destination: "/m/own", source: $src, options: ["bind", "nosuid"]}]' --arg src "$SRC" "$BUNDLE/config.json" >"$BUNDLE/new"
	mv "$BUNDLE/new" "$BUNDLE/config.json"
	run --separate-stderr in_host_mount "$flags" "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 0
	shows kept ro nosuid nodev noexec nodiratime relatime
	shows own ro nosuid nodev noexec nodiratime relatime
	shows own-file denied "Read-only file system"
	shows kept/sock ro nodiratime # a relay of the socket has them as well
	for words in rw exec strictatime; do
		jq '.mounts[-1].options = ["bind", $words]' --arg words "$words" "$BUNDLE/config.json" >"$BUNDLE/new"
		mv "$BUNDLE/new" "$BUNDLE/config.json"
		run --separate-stderr in_host_mount "$flags" "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
		has "$stderr" "error mounting \"$SRC\""
		has "$stderr" "operation not permitted"
		[ "$status" -ne 0 ]
	done
}

@test "a mount point below /sys or another file system of the guest's leaves nothing in the root file system" {
	sh_bundle 'grep -c " /sys/fs/cgroup " /proc/self/mountinfo; grep -c " /dev/bound " /proc/self/mountinfo' \
		'.mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]}, {destination: "/dev/bound", source: $src, options: ["bind"]}]' --arg src "$SRC"
	run_c
	eq "$status $(echo $output)" "0 1 1"
	eq "$(find "$BUNDLE/rootfs/sys" "$BUNDLE/rootfs/dev" -mindepth 1)" ""
}

# bats test_tags=kvm
@test "a root that is mounted read-only on the host is read-only in the guest" {
	sh_bundle 'cat /etc/passwd | head -1; touch /x 2>/dev/null || echo refused; touch /tmp/y && echo tmp' '.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}, {destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup"}]'
	run --separate-stderr unshare -m --propagation private sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"' _ "$BUNDLE/rootfs" "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status $(echo $output)" "0 root:x:0:0:root:/root:/bin/sh refused tmp"
}

@test "cgroup mounts: v1-style and v2-style entries both show the container's cgroup v2" {
	vmrunc_only
	sh_bundle 'stat -f -c %t /sys/fs/cgroup; cat /sys/fs/cgroup/cgroup.procs | head -n 1; grep " /sys/fs/cgroup " /proc/self/mountinfo | grep -c "ro,"' '.linux.namespaces += [{type: "cgroup"}] | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["rprivate", "nosuid", "noexec", "nodev", "relatime", "ro"]}]'
	run_c
	eq "$status $(echo $output)" "0 63677270 1 1"
	sh_bundle 'stat -f -c %t /sys/fs/cgroup; mkdir /sys/fs/cgroup/sub && echo made' '.linux.namespaces += [{type: "cgroup"}] | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup2", source: "cgroup2", options: ["nosuid", "noexec", "nodev", "rw"]}] | .process.capabilities.bounding += ["CAP_SYS_ADMIN"]'
	run_c
	eq "$status $(echo $output)" "0 63677270 made"
}

# a_hierarchy: a directory on a cgroup file system of the host.
a_hierarchy() {
	local dir
	for dir in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/*/; do
		case $(stat -fc %T "$dir") in cgroup*) echo "${dir%/}" && return ;; esac
	done
	skip "this host has no cgroups"
}

@test "the host's cgroup hierarchies: in their place is the container's own, as writable" {
	local hierarchy
	vmrunc_only
	hierarchy=$(a_hierarchy)
	RT_CMD+=(--log-level warning)
	# as Podman has it for systemd on a host with cgroup v1
	sh_bundle 'stat -f -c %t /sys/fs/cgroup; mkdir /sys/fs/cgroup/sub && echo made; ls -d /sys/fs/cgroup/systemd 2>/dev/null || echo not-below' \
		'.linux.namespaces += [{type: "cgroup"}] | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "ro"]},
			{destination: "/sys/fs/cgroup/systemd", type: "bind", source: $src, options: ["bind", "nosuid", "nodev", "noexec"]}]' --arg src "$hierarchy"
	run_c
	eq "$status $(echo $output)" "0 63677270 made not-below"
	has "$stderr" "\"$hierarchy\" is a cgroup hierarchy of the host"
	sh_bundle 'stat -f -c %t /sys/fs/cgroup; mkdir /sys/fs/cgroup/sub 2>/dev/null || echo refused; head -n 1 /sys/fs/cgroup/cgroup.procs' \
		'.linux.namespaces += [{type: "cgroup"}] | .mounts += [{destination: "/sys/fs/cgroup", source: $src, options: ["rbind", "rro"]}]' --arg src "$hierarchy"
	run_c
	eq "$status $(echo $output)" "0 63677270 refused 1"
}

# --- masked and read-only paths ---

@test "masked and read-only paths: FIFOs, sockets, device nodes and links too" {
	sh_bundle '
		for f in fifo sock null file; do stat -c "%n %t:%T" /masked/$f; done
		cat /masked/fifo /masked/file | wc -c
		ls -A /masked/dir | wc -l
		touch /masked/dir/x 2>/dev/null || echo dir-refused
		stat -c "%n %F" /ro/fifo /ro/sock
		chmod 777 /ro/fifo 2>/dev/null || echo fifo-refused
		echo x 2>/dev/null >/ro/file || echo file-refused
		cat /target' \
		'.linux.maskedPaths = (["fifo", "sock", "null", "file", "dir"] | map("/masked/\(.)")) + ["/none/there", "/link-to-target"] | .linux.readonlyPaths = (["fifo", "sock", "null", "file", "dir"] | map("/ro/\(.)")) + ["/none/there"]'
	local where
	for where in masked ro; do
		mkdir "$BUNDLE/rootfs/$where"
		SRC=$BUNDLE/rootfs/$where
		make_sources
		touch "$SRC/dir/hidden"
	done
	ln -s /target "$BUNDLE/rootfs/link-to-target"
	echo secret >"$BUNDLE/rootfs/target"
	timeout "$WAIT_S" true # the FIFO must block nobody: the whole test is bounded by bats
	run_c
	eq "$status" 0
	eq "$(echo $output)" "/masked/fifo 1:3 /masked/sock 1:3 /masked/null 1:3 /masked/file 1:3 0 0 dir-refused /ro/fifo fifo /ro/sock socket fifo-refused file-refused"
}

@test "devices: what the root file system has stays, S_IFMT bits in fileMode are passed over, missing directories are made" {
	vmrunc_only
	sh_bundle 'cat /own/null; stat -c "%n %t:%T %a" /own/null /new/dir/zero; dd if=/new/dir/zero bs=3 count=1 2>/dev/null | wc -c' \
		'.linux.devices = [{path: "/own/null", type: "c", major: 1, minor: 3}, {path: "/new/dir/zero", type: "c", major: 1, minor: 5, fileMode: 8624, uid: 0, gid: 0}]'
	mkdir "$BUNDLE/rootfs/own"
	echo a-file >"$BUNDLE/rootfs/own/null"
	run_c
	eq "$status $(echo $output)" "0 a-file /own/null 0:0 644 /new/dir/zero 1:5 660 3"
}
