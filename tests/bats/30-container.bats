#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the process finds: identity, limits, namespaces, devices, seccomp.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

@test "user: uid, gid, additional groups, umask" {
	sh_bundle 'id -u; id -g; grep Groups: /proc/self/status | tr -s "\t " " "; umask; touch /tmp/f; stat -c "%u:%g %a" /tmp/f' \
		'.process.user = {"uid": 1000, "gid": 1001, "additionalGids": [5, 2000], "umask": 18}'
	run_c
	eq "$status" 0
	eq "${lines[0]} ${lines[1]}" "1000 1001"
	has "${lines[2]}" "5 2000"
	eq "${lines[3]}" 0022
	eq "${lines[4]}" "1000:1001 644"
}

@test "capabilities: the five sets are exactly the config's" {
	sh_bundle 'grep Cap /proc/self/status | tr -s "\t" " "' \
		'.process.capabilities = {bounding: ["CAP_CHOWN","CAP_KILL","CAP_SYSLOG"], effective: ["CAP_CHOWN","CAP_KILL"], permitted: ["CAP_CHOWN","CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"]} | .process.user = {"uid": 1000, "gid": 1000}'
	run_c
	eq "$status" 0
	# a non-root execve leaves the ambient set; the bounding set stays as given
	eq "$(echo "$output" | tr -d '\n')" "CapInh: 0000000000000020CapPrm: 0000000000000020CapEff: 0000000000000020CapBnd: 0000000400000021CapAmb: 0000000000000020"
}

@test "capabilities: root without any cannot chown" {
	sh_bundle 'chown 1:1 /tmp || echo refused; grep CapEff /proc/self/status' 'del(.process.capabilities)'
	run_c
	eq "${lines[0]}" refused
	has "$output" 0000000000000000
}

@test "rlimits and no_new_privs" {
	sh_bundle 'ulimit -n; ulimit -Hn; ulimit -c; grep NoNewPrivs /proc/self/status | tr -s "\t" " "' \
		'.process.rlimits = [{"type":"RLIMIT_NOFILE","soft":500,"hard":600},{"type":"RLIMIT_CORE","soft":0,"hard":0}]'
	run_c
	eq "$(echo $output)" "500 600 0 NoNewPrivs: 1"
}

@test "rlimits above the host's hard limit and the kernel's fs.nr_open hold in the guest; others are the caller's" {
	vmrunc_only
	sh_bundle 'ulimit -n; ulimit -u; ulimit -s; ulimit -Hs' '.process.rlimits = [{"type":"RLIMIT_NOFILE","soft":2097152,"hard":2097152}]'
	ulimit -Su 4321
	ulimit -Ss 4096
	run_c
	eq "$status $(echo $output)" "0 2097152 4321 4096 $(ulimit -Hs)"
}

@test "seccomp: errno, and the default action" {
	sh_bundle 'mkdir /tmp/x || echo mkdir-refused; touch /tmp/y && echo touch-ok; grep Seccomp: /proc/self/status | tr -s "\t" " "' \
		'.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"], syscalls: [{names: ["mkdir","mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 13}]}'
	run_c
	eq "$status" 0
	eq "$output" "$(printf 'mkdir-refused\ntouch-ok\nSeccomp: 2')"
	has "$stderr" "Permission denied"
}

@test "seccomp: an allow list from before faccessat2 still finds the program" {
	sh_bundle 'echo found' \
		'.process.noNewPrivileges = false | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["faccessat2"], action: "SCMP_ACT_ERRNO", errnoRet: 1}]}'
	run_c
	eq "$status $output" "0 found"
}

@test "namespaces: pid, ipc, uts, mount and cgroup are the container's own" {
	sh_bundle 'echo $$; hostname; hostname other 2>/dev/null; ls /proc | grep -c "^[0-9]"; cat /proc/1/comm' '.linux.namespaces += [{"type":"cgroup"}]'
	run_c
	eq "${lines[0]}" 1
	eq "${lines[1]}" vmrunc-test
	[ "${lines[2]}" -le 5 ]
}

@test "hostname and domainname" {
	sh_bundle 'cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname' '.hostname = "h1" | .domainname = "d1.example"'
	[ -z "${RUNTIME:-}" ] || sh_bundle 'echo h1; echo d1.example' # older runtimes have no domainname
	run_c
	eq "$(echo $output)" "h1 d1.example"
}

@test "default devices and links in /dev" {
	sh_bundle 'cd /dev; for d in null zero full random urandom tty; do stat -c "%n %t:%T %a %F" $d; done; for l in fd stdin stdout stderr ptmx; do echo $l $(readlink $l); done; echo x >/dev/null && head -c 2 /dev/zero | wc -c; ls -d /dev/pts/ptmx /dev/shm /dev/mqueue'
	run_c
	eq "$status" 0
	has "$output" "null 1:3 666 character special file"
	has "$output" "zero 1:5 666"
	has "$output" "full 1:7 666"
	has "$output" "random 1:8 666"
	has "$output" "urandom 1:9 666"
	has "$output" "tty 5:0 666"
	has "$output" "fd /proc/self/fd"
	has "$output" "stdin /proc/self/fd/0"
	has "$output" "stderr /proc/self/fd/2"
	has "$output" "ptmx pts/ptmx"
	has "$output" /dev/pts/ptmx
}

@test "linux.devices: nodes with owner and mode, and a FIFO" {
	sh_bundle 'stat -c "%n %t:%T %a %u:%g %F" /dev/test1 /dev/dir/test2 /dev/test3' \
		'.linux.devices = [{path:"/dev/test1",type:"c",major:10,minor:666,fileMode:432,uid:0,gid:5},{path:"/dev/dir/test2",type:"b",major:8,minor:666,fileMode:25008,uid:1,gid:0},{path:"/dev/test3",type:"p"}]'
	[ -z "${RUNTIME:-}" ] || skip "needs mknod of any device on the host"
	run_c
	eq "$status" 0
	has "${lines[0]}" "/dev/test1 a:29a 660 0:5 character special file"
	has "${lines[1]}" "/dev/dir/test2 8:29a 660 1:0 block special file"
	has "${lines[2]}" fifo
}

# What a kernel can have without hardware the guest's kernel has, also a stock one with modules; the rest is said.
@test "linux.devices: /dev/fuse, /dev/net/tun and loop devices work, and what the VM lacks is a warning" {
	vmrunc_only
	RT_CMD+=(--log-level warning)
	mknod "$BATS_TEST_TMPDIR/kvm" c 10 232
	mknod "$BATS_TEST_TMPDIR/fuse" c 10 229
	sh_bundle 'cd /dev; for d in fuse net/tun loop-control bound/fuse; do (exec 3<>$d) && echo $d; done; (exec 3<kvm) 2>/dev/null || echo no-kvm; losetup -f
		mkdir /dev/shm/l /dev/shm/u /dev/shm/w; echo low >/dev/shm/l/f; mount -t overlay -o lowerdir=/dev/shm/l,upperdir=/dev/shm/u,workdir=/dev/shm/w overlay /tmp && cat /tmp/f' '
		.process.capabilities |= map_values(. + ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"])
		| .linux.devices = [{path:"/dev/fuse",type:"c",major:10,minor:229},{path:"/dev/net/tun",type:"c",major:10,minor:200},
			{path:"/dev/loop-control",type:"c",major:10,minor:237},{path:"/dev/kvm",type:"c",major:10,minor:232},
			{path:"/dev/sda",type:"b",major:8,minor:0}]
		| .mounts += (["fuse", "kvm"] | map({destination:"/dev/bound/\(.)",type:"bind",source:"\($src)/\(.)",options:["bind"]}))
		| .linux.resources.devices = [{allow:true,access:"rwm"}]' --arg src "$BATS_TEST_TMPDIR"
	run_c
	eq "$status $(echo $output)" "0 fuse net/tun loop-control bound/fuse no-kvm /dev/loop0 low"
	eq "$(grep -c linux.devices <<<"$stderr")" 1
	has "$stderr" 'linux.devices: the virtual machine does not have "/dev/kvm" (c 10:232), "/dev/sda" (b 8:0): the container gets the nodes'
	has "$stderr" 'mounts: the virtual machine does not have "/dev/bound/kvm" (c 10:232): the container gets the node'
	hasnt "$stderr" "/dev/fuse"
	hasnt "$stderr" "/dev/bound/fuse"
}

@test "masked and read-only paths" {
	sh_bundle 'cat /etc/secret | wc -c; ls -A /etc/secretdir | wc -l; echo x >/etc/ro 2>/dev/null || echo ro-refused; cat /etc/ro; echo 1 >/proc/sys/kernel/ctrl-alt-del 2>/dev/null || echo sys-refused
		case $(stat -c %t:%T /proc/kcore 2>/dev/null) in "" | 1:3) echo no-kcore ;; esac' \
		'.linux.maskedPaths = ["/etc/secret","/etc/secretdir","/not/there","/proc/kcore"] | .linux.readonlyPaths = ["/etc/ro","/proc/sys","/not/there"]'
	echo secret >"$BUNDLE/rootfs/etc/secret"
	mkdir "$BUNDLE/rootfs/etc/secretdir"
	touch "$BUNDLE/rootfs/etc/secretdir/file"
	echo text >"$BUNDLE/rootfs/etc/ro"
	run_c
	eq "$status" 0
	eq "$(echo $output)" "0 0 ro-refused text sys-refused no-kcore"
}

@test "root.readonly: / refuses writes, tmpfs on it does not" {
	sh_bundle 'touch /x 2>/dev/null || echo refused; touch /tmp/y && echo tmp-ok' '.root.readonly = true | .mounts += [{destination:"/tmp",type:"tmpfs",source:"tmpfs"}]'
	run_c
	eq "$status $(echo $output)" "0 refused tmp-ok"
	[ ! -e "$BUNDLE/rootfs/x" ]
}

@test "root.readonly: mount points, nodes and links of /dev and the working directory are made in it nevertheless" {
	sh_bundle 'pwd; readlink /dev/ptmx; readlink /dev/stdin; echo lost >/dev/null; head -c 1 /dev/zero | wc -c; cat /etc/one; stat -c %t:%T /own/null' '.root.readonly = true
		| .linux.devices = [{path:"/own/null",type:"c",major:1,minor:3}] | .process.cwd = "/a/b" | .mounts |= map(select(.destination | startswith("/dev") | not))
		| .mounts += [{destination:"/dev/pts",type:"devpts",source:"devpts"}, {destination:"/etc/one",type:"bind",source:$one,options:["bind","ro"]}]' \
		--arg one "$BATS_TEST_TMPDIR/one"
	echo one >"$BATS_TEST_TMPDIR/one"
	run_c
	eq "$status $(echo $output)" "0 /a/b pts/ptmx /proc/self/fd/0 1 one 1:3"
}

@test "linux.rootfsPropagation: shared, slave, private, unbindable" {
	local kind
	for kind in shared:shared: slave: private: unbindable:unbindable; do
		sh_bundle "awk '\$5 == \"/\"' /proc/self/mountinfo" ".linux.rootfsPropagation = \"${kind%%:*}\""
		run_c
		eq "$status" 0
		case $kind in
		shared*) has "$output" "shared:" ;;
		unbindable*) has "$output" "unbindable" ;;
		*) hasnt "$output" "shared:" ;;
		esac
	done
}

@test "sysctl and oomScoreAdj" {
	sh_bundle 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/self/oom_score_adj' '.linux.sysctl = {"net.ipv4.ip_forward":"1","kernel.shmmax":"1234567"} | .process.oomScoreAdj = 500'
	run_c
	eq "$status $(echo $output)" "0 1 1234567 500"
}

@test "cwd that is missing is made; HOME comes from passwd" {
	sh_bundle 'pwd; echo $HOME' '.process.cwd = "/new/dir" | .process.user = {"uid":1000,"gid":1000}'
	run_c
	eq "$status $(echo $output)" "0 /new/dir /home"
}

# runc appends "c *:* m" and "b *:* m" to the rules of the config, and crun does as well; so what they say about "m" is never heard.
@test "device rules that deny all deny opening, but not making: as runc has it" {
	# shellcheck disable=SC2016 # it is the container's
	sh_bundle 'cd /t; mknod c c 4 64 && mknod b b 8 0 && stat -c "%F %t:%T" c b; for f in c b; do (: <$f) 2>&1; done | grep -c "not permitted"' '
		.mounts += [{destination: "/t", type: "tmpfs", source: "tmpfs", options: ["rw"]}]
		| .process.capabilities |= map_values(. + ["CAP_MKNOD"])
		| .linux.resources.devices = [{allow: false, access: "rwm"}, {allow: false, type: "c", major: 4, minor: 64, access: "m"}]'
	run_c
	eq "$output" $'character special file 4:40\nblock special file 8:0\n2'
}
