#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The container's tmpfs, which are in the guest, where engines look for them: in the mount namespace of its pid (podman cp).

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

# in_ns SCRIPT: runs a shell of the container's root there.
in_ns() {
	nsenter -m -t "$pid" /bin/sh -euc "$1"
}

tmpfs() {
	in_ns "test -e /t/$1"
}

@test "files of a tmpfs, from both sides" {
	local pid
	vmrunc_only
	[ -c /dev/fuse ] || cannot "there is no /dev/fuse"
	sh_bundle 'echo inside >/t/a; mkdir /t/d; ln -s a /t/link; : >/t/ready; until [ -e /t/go ]; do sleep 0.1; done
		cat /t/b; readlink /t/l2; stat -c "%n %a %u:%g" /t/d/* | sort; ls /t/many | wc -l; ls /dev/shm
		umount /t && cat /t/under' '.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"])
		| .mounts += [{destination:"/t",type:"tmpfs",source:"tmpfs",options:["mode=1777","size=16m"]},
			{destination:"/ro",type:"tmpfs",source:"tmpfs",options:["ro"]},
			{destination:"/with",type:"tmpfs",source:"tmpfs"},
			{destination:"/with/in",type:"bind",source:$src,options:["rbind"]}]' --arg src "$BATS_TEST_TMPDIR"
	mkdir "$BUNDLE/rootfs/t"
	echo below >"$BUNDLE/rootfs/t/under"
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1
	pid=$(rt state "$ID" | jq .pid)
	# the mounts are there before the program is
	eq "$(in_ns 'ls -A /t; stat -c %a /t')" 1777
	rt start "$ID"
	wait_for "$WAIT_S" tmpfs ready
	eq "$(in_ns 'cd /t; cat a link; readlink link; ls -A | tr "\n" " "')" "inside
inside
a
a d link ready "
	in_ns 'cd /t; umask 022; echo from the host >b; ln -s /etc l2; echo x >d/x; chown 5:6 d/x; chmod 4750 d/x; mkdir d/sub; mv d/sub d/moved
		mkdir many; i=0; while [ $i -lt 1000 ]; do : >many/$i; i=$((i + 1)); done; echo shared >/dev/shm/s'
	eq "$(in_ns 'ls /t/many | wc -l; rm /t/many/1?; ls /t/many | wc -l')" "1000
990"
	# bytes are the same, there and back
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/big"
	nsenter -m -t "$pid" /bin/sh -c 'cat >/t/big' <"$BATS_TEST_TMPDIR/big"
	nsenter -m -t "$pid" /bin/sh -c 'cat /t/big' | cmp - "$BATS_TEST_TMPDIR/big"
	eq "$(rt exec "$ID" sha256sum /t/big | cut -d' ' -f1)" "$(sha256sum <"$BATS_TEST_TMPDIR/big" | cut -d' ' -f1)"
	# a file system as others: errors, room, and what may not be
	run -1 in_ns 'LC_ALL=C mkdir /t/d'
	has "$output" "File exists"
	run -1 nsenter -m -t "$pid" /bin/sh -c 'LC_ALL=C cat >/t/full' < <(head -c 30M /dev/zero)
	has "$output" "No space left on device"
	run -1 in_ns 'rm /t/full; echo x 2>&1 >/ro/x'
	has "$output" "Read-only file system"
	has "$(cat "/proc/$pid/mountinfo")" " /t rw,nosuid,nodev,noexec"
	# where another mount lies in a tmpfs, the host has that alone
	eq "$(in_ns 'ls -A /with')" in
	in_ns ': >/t/go'
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/out")" "from the host
/etc
/t/d/moved 755 0:0
/t/d/x 4750 5:6
990
s
below"
}

# gone PID: a child has ended.
gone() {
	! kill -0 "$1" 2>/dev/null
}

@test "whoever reads a tmpfs of a paused container can be killed, and is free when the container is deleted" {
	local pid reader
	vmrunc_only
	[ -c /dev/fuse ] || cannot "there is no /dev/fuse"
	sh_bundle 'echo x >/t/a; exec sleep 1000' '.mounts += [{destination:"/t",type:"tmpfs",source:"tmpfs"}]'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	pid=$(rt state "$ID" | jq .pid)
	wait_for "$WAIT_S" tmpfs a
	rt pause "$ID"
	nsenter -m -t "$pid" /bin/cat /t/a &
	reader=$!
	kill -KILL $reader
	wait_for "$WAIT_S" gone $reader
	# the next one finds it as it was
	rt resume "$ID"
	eq "$(in_ns 'cat /t/a')" x
	rt pause "$ID"
	nsenter -m -t "$pid" /bin/cat /t/a >/dev/null 2>&1 &
	reader=$!
	rt delete --force "$ID"
	wait_for "$WAIT_S" gone $reader
}

@test "without FUSE a tmpfs is an empty directory there, and the container runs" {
	local pid
	vmrunc_only
	sh_bundle 'echo x >/t/a; exec sleep 1000' '.mounts += [{destination:"/t",type:"tmpfs",source:"tmpfs"}]'
	unshare -m sh -c 'mount --bind /dev/null /dev/fuse && exec "$@"' sh "${RT_CMD[@]}" run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	pid=$(rt state "$ID" | jq .pid)
	eq "$(in_ns 'ls -A /t')" ""
	run -1 in_ns 'echo x 2>&1 >/t/b'
	has "$output" "Read-only file system"
}
