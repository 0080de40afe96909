#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The mounts of the config.

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	SRC=$BATS_TEST_TMPDIR/src
	mkdir "$SRC"
	MOUNTED=()
}
teardown() {
	common_teardown
	[ ${#MOUNTED[@]} = 0 ] || umount "${MOUNTED[@]}"
}

@test "file systems: types, sources, order and options as given" {
	sh_bundle 'awk "{print \$5}" /proc/self/mountinfo | tr "\n" " "; grep " /dev/shm " /proc/mounts; grep " /data " /proc/mounts; grep -q " /sys sysfs" /proc/mounts && echo sysfs' \
		'.mounts += [{destination:"/data",type:"tmpfs",source:"scratch",options:["nosuid","noexec","size=1m","mode=1770"]}]'
	run_c
	eq "$status" 0
	has "${lines[0]}" "/ /proc /dev /dev/pts /dev/shm /dev/mqueue /sys"
	has "$output" "shm /dev/shm tmpfs rw,nosuid,nodev,noexec"
	has "$output" "scratch /data tmpfs rw,nosuid,noexec"
	has "$output" "size=1024k,mode=1770"
	has "$output" sysfs
}

# bats test_tags=kvm
@test "bind: a directory, read-write, both ways at once" {
	echo from-host >"$SRC/a"
	sh_bundle 'cat /data/a; echo from-guest >/data/b; touch /data/ready; while [ ! -e /data/late ]; do sleep 0.05; done; cat /data/late' '.mounts += [{destination:"/data",type:"bind",source:$src,options:["rbind","rw"]}]' --arg src "$SRC"
	rt run --bundle "$BUNDLE" "$ID" >"$BATS_TEST_TMPDIR/out" 2>&1 &
	local pid=$!
	wait_for "$WAIT_S" test -e "$SRC/ready"
	eq "$(cat "$SRC/b")" from-guest
	echo later >"$SRC/late.tmp"
	mv "$SRC/late.tmp" "$SRC/late"
	wait $pid
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "from-host later"
}

@test "overlay: of the host's directories, which stay as they are but for the upper one" {
	local dirs
	mkdir "$SRC"/{lower,upper,work}
	echo low >"$SRC/lower/a"
	echo low >"$SRC/lower/gone"
	dirs="lowerdir=$SRC/lower,upperdir=$SRC/upper,workdir=$SRC/work"
	sh_bundle 'cat /data/a; echo up >/data/a; rm /data/gone; echo new >/data/b; ls /data | tr "\n" " "; cat /data/a /data/b' \
		'.mounts += [{destination:"/data",type:"overlay",source:"overlay",options:([$dirs] + ["private"] | map(split(",")) | add)}]' \
		--arg dirs "$dirs"
	CODE=0 run_c
	eq "$(echo $output)" "low a b up new"
	eq "$(cat "$SRC/lower/a" "$SRC/lower/gone")" $'low\nlow'
	eq "$(cat "$SRC/upper/a" "$SRC/upper/b")" $'up\nnew'
	[ -c "$SRC/upper/gone" ] # a whiteout
	sh_bundle true '.mounts += [{destination:"/data",type:"overlay",source:"overlay",options:["lowerdir=/not/there"]}]'
	run_c
	[ "$status" != 0 ]
	[ -n "${RUNTIME:-}" ] || has "$stderr" "cannot mount the overlay on the host"
}

# bats test_tags=kvm
@test "bind: read-only, and a single file whose name and neighbours stay hidden" {
	echo one >"$SRC/one"
	echo two >"$SRC/two"
	sh_bundle 'cat /etc/one; echo x >/etc/one; echo y >/ro/new; ls /etc | tr "\n" " "; echo; grep " /etc/one " /proc/self/mountinfo | cut -d" " -f4' \
		'.mounts += [{destination:"/etc/one",type:"bind",source:($src+"/one"),options:["bind","ro"]},{destination:"/ro",source:$src,options:["rbind","ro"]}]' --arg src "$SRC"
	run_c
	eq "${lines[0]}" one
	has "$stderr" "Read-only file system"
	hasnt "${lines[1]}" two
	eq "$(basename "${lines[2]}")" one # mountinfo's root field ends as the source does
	eq "$(cat "$SRC/one")" one
	[ ! -e "$SRC/new" ]
}

@test "bind: a file that the host edits in place is seen changed" {
	echo before >"$SRC/hosts"
	sh_bundle 'cat /etc/hosts; echo go; read x; cat /etc/hosts' '.mounts += [{destination:"/etc/hosts",source:($src+"/hosts"),options:["bind"]}]' --arg src "$SRC"
	mkfifo "$BATS_TEST_TMPDIR/in"
	rt run --bundle "$BUNDLE" "$ID" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>&1 &
	local pid=$!
	exec 7>"$BATS_TEST_TMPDIR/in"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/out" go
	echo after-and-longer >"$SRC/hosts"
	echo >&7
	exec 7>&-
	wait $pid
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "before go after-and-longer"
}

@test "destinations are made when missing, and links in them never lead out" {
	echo x >"$SRC/f"
	new_bundle '.process.args = ["sh","-c","cat /a/b/c/f; cat /out/esc/f; cat /x/file"] | .mounts += [
		{destination:"/a/b/c",source:$src,options:["bind"]},
		{destination:"/link/esc",source:$src,options:["bind"]},
		{destination:"/x/file",source:($src+"/f"),options:["bind"]}]' --arg src "$SRC"
	mkdir "$BUNDLE/rootfs/out"
	ln -s ../../../../../out "$BUNDLE/rootfs/link" # inside the root this is /out
	run_c
	eq "$status $(echo $output)" "0 x x x"
	[ -d "$BUNDLE/rootfs/out/esc" ]
	[ ! -e /out ]
}

@test "an empty symlink chain or a loop in a destination is a clear error" {
	new_bundle '.mounts += [{destination:"/loop/x",source:$src,options:["bind"]}]' --arg src "$SRC"
	ln -s loop "$BUNDLE/rootfs/loop"
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" loop
}

@test "a bind source that cannot be opened: field, path and the reason in words, and nothing is left" {
	local path words
	: >"$SRC/file"
	ln -s loop "$SRC/loop"
	ln -s /no/such/target "$SRC/dangling"
	while read -r path words; do
		new_bundle '.mounts += [{destination:"/data",source:$src,options:["rbind"]}]' --arg src "$path"
		run_c
		[ "$status" -ne 0 ]
		[ "$RT" != "$VMRUNC" ] || has "$stderr" "mounts[6].source: \"$path\": "
		has "${stderr,,}" "$words"
		hasnt "$stderr" CAP_SYS_ADMIN
		run rt state "$ID"
		[ "$status" -ne 0 ]
	done <<-E
		/no/such/source no such file or directory
		$SRC/dangling no such file or directory
		$SRC/file/below not a directory
		$SRC/loop too many levels of symbolic links
	E
}

@test "mount points that are dangling links: what they name is made, inside the root, for binds and for tmpfs" {
	echo x >"$SRC/f"
	sh_bundle 'cat /etc/localtime /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf /tmp/far/f /up/f
			readlink /etc/localtime; stat -c "%a %F" /var/lib/scratch /data /data/below; echo y >/var/scratch/y' '.mounts += [
		{destination:"/run",type:"tmpfs",source:"tmpfs"},
		{destination:"/etc/localtime",source:($src+"/f"),options:["bind"]},
		{destination:"/etc/resolv.conf",source:($src+"/f"),options:["bind"]},
		{destination:"/far",source:$src,options:["bind"]},
		{destination:"/up/",source:$src,options:["bind"]},
		{destination:"/var/scratch",type:"tmpfs",source:"tmpfs"},
		{destination:"/data",type:"tmpfs",source:"tmpfs"},
		{destination:"/data/below",type:"tmpfs",source:"tmpfs",options:["mode=700"]}]' --arg src "$SRC"
	mkdir "$BUNDLE/rootfs/var"
	ln -s /usr/share/zoneinfo/Europe/Berlin "$BUNDLE/rootfs/etc/localtime"
	ln -s ../run/systemd/resolve/stub-resolv.conf "$BUNDLE/rootfs/etc/resolv.conf"
	ln -s "../../../../../../../../tmp/far" "$BUNDLE/rootfs/far" # leads out, if it is not held in the root
	ln -s "/no/../no/where" "$BUNDLE/rootfs/up"
	ln -s lib/scratch "$BUNDLE/rootfs/var/scratch"
	run_c
	eq "$status $(echo $output)" "0 x x x x x /usr/share/zoneinfo/Europe/Berlin 1777 directory 1777 directory 700 directory"
	[ -f "$BUNDLE/rootfs/usr/share/zoneinfo/Europe/Berlin" ]
	[ -d "$BUNDLE/rootfs/no/where" ] && [ -d "$BUNDLE/rootfs/tmp/far" ]
	[ ! -e /tmp/far ] && [ ! -e "$BUNDLE/rootfs/run/systemd" ]
	# the mount point that was made is a directory like any other
	eq "$(stat -c %a "$BUNDLE/rootfs/data" "$BUNDLE/rootfs/var/lib/scratch" | sort -u)" 755
}

@test "a directory over a file, a file over a directory, a tmpfs over a file: not a directory; /proc and /sys are no links" {
	local mount
	: >"$SRC/file"
	for mount in '{destination:"/etc/passwd",source:$src,options:["bind"]}' \
		'{destination:"/etc",source:($src+"/file"),options:["bind"]}' \
		'{destination:"/etc/passwd",type:"tmpfs",source:"tmpfs"}'; do
		new_bundle ".mounts += [$mount]" --arg src "$SRC"
		run_c
		[ "$status" -ne 0 ]
		has "${stderr,,}" "not a directory"
		has "$stderr" "$(jq -r '.mounts[6].destination' "$BUNDLE/config.json")"
	done
	for mount in proc sys; do
		new_bundle
		rmdir "$BUNDLE/rootfs/$mount"
		mkdir "$BUNDLE/rootfs/elsewhere"
		ln -s elsewhere "$BUNDLE/rootfs/$mount"
		run_c
		[ "$status" -ne 0 ]
		has "$stderr" "must be mounted on ordinary directory"
	done
}

@test "a bind source that is a socket without a listener, a FIFO, or has mounts below: create says what differs" {
	vmrunc_only
	RT_CMD+=(--log-level warning)
	new_bundle '.process.args = ["stat", "-c", "%F", "/s", "/f"] | .mounts += [{destination:"/s",source:($src+"/sock"),options:["bind"]},
		{destination:"/f",source:($src+"/fifo"),options:["bind"]}, {destination:"/d",source:($src+"/deep"),options:["rbind","ro"]},
		{destination:"/e",source:($src+"/deep"),options:["rbind","rro"]},{destination:"/g",source:($src+"/deep/below"),options:["rbind","ro"]}]' --arg src "$SRC"
	mkfifo "$SRC/fifo"
	mkdir -p "$SRC/deep/below"
	mount -t tmpfs tmpfs "$SRC/deep/below"
	python3 -c 'import os, socket, sys; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind("sock")' "$SRC"
	run_c
	umount "$SRC/deep/below"
	eq "$status" 0
	has "$output" socket
	has "$output" fifo
	eq "$(grep -o 'mounts.*"ro" counts for all that is mounted below "[^"]*"' <<<"$stderr")" "mounts[8].options: \"ro\" counts for all that is mounted below \"$SRC/deep\""
	has "$stderr" "mounts[6].source: \"$SRC/sock\" is a unix socket, and the container cannot connect to it: no process"
	has "$stderr" "mounts[7].source: \"$SRC/fifo\" is a FIFO"
}

@test "cgroup: /sys/fs/cgroup shows the container's own cgroup" {
	vmrunc_only
	sh_bundle 'stat -f -c %t /sys/fs/cgroup; cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs | head -1; cat /sys/fs/cgroup/pids.max' \
		'.linux.namespaces += [{"type":"cgroup"}] | .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup",options:["ro"]}] | .linux.resources.pids.limit = 77'
	run_c
	eq "$status" 0
	eq "${lines[0]}" 63677270
	eq "${lines[1]}" "0::/"
	eq "${lines[2]}" 1
	eq "${lines[3]}" 77
}

@test "tmpfs with tmpcopyup keeps what lay below" {
	vmrunc_only
	sh_bundle 'cat /etc/keep; echo new >/etc/new; ls /etc' '.mounts += [{destination:"/etc",type:"tmpfs",source:"tmpfs",options:["tmpcopyup"]}]'
	echo kept >"$BUNDLE/rootfs/etc/keep"
	run_c
	eq "$status" 0
	has "$output" kept
	[ ! -e "$BUNDLE/rootfs/etc/new" ]
}

# bats test_tags=kvm
@test "files: unlinked open files, append, rename over an open file, shared mmap" {
	vmrunc_only
	cat >"$SRC/job.sh" <<-'S'
	set -e
	cd "$1"
	exec 5<>f; echo hello >&5; rm f; echo again >&5
	# QEMU's 9P server keeps paths: it cannot open an unlinked file again
	if [ "$2" = qemu ]; then echo hello; echo again; else cat /proc/self/fd/5; fi
	for i in 1 2 3; do echo $i >>app; done; cat app
	echo old >o; exec 6<o; echo new >n; mv n o; cat <&6; cat o
	ln o hard; stat -c %h o
	mkdir -p d/e; mv d d2; ls d2
	truncate -s 100000 big; stat -c %s big
	S
	sh_bundle 'sh /src/job.sh /tmp '"${VMRUNC_ENGINE:-auto}"'; mkdir /src/w; sh /src/job.sh /src/w '"${VMRUNC_ENGINE:-auto}" '.mounts += [{destination:"/src",source:$src,options:["bind"]}]' --arg src "$SRC"
	run_c
	eq "$status" 0
	wanted="hello again 1 2 3 old new 2 e 100000"
	eq "$(echo $output)" "$wanted $wanted"
}

@test "a 32-bit program without large-file support: stat and readdir of the root and of volumes on several file systems" {
	local fs paths=(/etc/file /a /a/d /a/f /a/below /a/below/d /a/below/f /b /b/d /b/f /c /c/d /c/f)
	"${CC:-cc}" -m32 -ffreestanding -nostdlib -static -no-pie -fno-pic -fno-stack-protector -O1 -o "$BATS_TEST_TMPDIR/program" \
		"$TOP/tests/files/small_numbers.c" || cannot "no compiler for 32 bits"
	for fs in "$SRC/a" "$SRC/a/below" "$SRC/b" "$SRC/c"; do
		mkdir -p "$fs"
		mount -t tmpfs -o size=1m none "$fs"
		MOUNTED=("$fs" "${MOUNTED[@]}")
		mkdir -p "$fs/d"
		echo here >"$fs/f"
	done
	echo one >"$SRC/file" # as an engine's resolv.conf is: often the first of them, on a file system of its own
	# shellcheck disable=SC2034 # common_teardown compares
	mounts_to MOUNTS_BEFORE
	# what has a larger number on the host has one here as well
	if [ "$(stat -c %i "$BATS_TEST_TMPDIR")" -lt $((1 << 32)) ]; then
		paths+=(/ /bin /bin/busybox /program)
	fi
	new_bundle '.process.args = ["/program"] + $paths | .mounts += [{destination: "/etc/file", source: "file"},
		{destination: "/a", source: "a"}, {destination: "/b", source: "b"}, {destination: "/c", source: "c"}]
		| .mounts |= map(if .type then . else .type = "bind" | .source = $src + "/" + .source | .options = ["rbind", "rw"] end)' \
		--arg src "$SRC" --argjson paths "$(printf '%s\n' "${paths[@]}" | jq -R . | jq -s .)"
	cp "$BATS_TEST_TMPDIR/program" "$BUNDLE/rootfs/program"
	run_c
	eq "$output" "$(printf '%s 000 000\n' "${paths[@]}")"
	eq "$status" 0
}
