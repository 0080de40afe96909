#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What runc and crun have in common and the differential test found other here (docs/differential.md).

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

# A user namespace whose root is the host's 100000, which owns the root file system.
userns_bundle() {
	sh_bundle "$1" '.linux.namespaces += [{"type":"user"}] | .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}]
		| .linux.gidMappings = .linux.uidMappings | '"${2:-.}"
	chown -R 100000:100000 "$BUNDLE/rootfs"
}

@test "env: of a name given twice the last value counts" {
	new_bundle '.process.args = ["env"] | .process.env = ["PATH=/bin", "D=1", "A=a", "D=2", "HOME=/h"]'
	run_c
	eq "$status" 0
	eq "$(echo $output)" "PATH=/bin A=a D=2 HOME=/h"
}

@test "env: an empty HOME is the user's home directory, and nothing changes its place" {
	new_bundle '.process.args = ["env"] | .process.env = ["HOME=", "PATH=/bin", "A=a"]'
	run_c
	eq "$status" 0
	eq "$(echo $output)" "HOME=/root PATH=/bin A=a"
}

@test "hostname: without one the container has the host's" {
	sh_bundle hostname 'del(.hostname)'
	run_c
	eq "$status" 0
	eq "$output" "$(hostname)"
}

@test "network: the loopback interface is the only one" {
	sh_bundle 'cut -s -d: -f1 /proc/net/dev'
	run_c
	eq "$status" 0
	eq "$(echo $output)" lo
}

@test "linux.rootfsPropagation: rshared makes every mount shared, shared the root alone" {
	local kind wanted
	for kind in rshared:shared shared:private; do
		sh_bundle "awk '\$5 == \"/dev\" { print \$7 ~ /^shared/ ? \"shared\" : \"private\" }' /proc/self/mountinfo" \
			'.linux.rootfsPropagation = $kind' --arg kind "${kind%:*}"
		wanted=${kind#*:}
		run_c
		eq "$status" 0
		eq "$output" "$wanted"
		ID+=x
	done
}

@test "tmpfs without a mode: that of the directory that it covers, and 01777 where there was none" {
	sh_bundle 'stat -c %a /covers /new/one' \
		'.mounts += [{"destination":"/covers","type":"tmpfs","source":"tmpfs"}, {"destination":"/new/one","type":"tmpfs","source":"tmpfs"}]'
	mkdir -m 0750 "$BUNDLE/rootfs/covers"
	run_c
	eq "$status" 0
	eq "$(echo $output)" "750 1777"
}

@test "/sys/fs/cgroup is a directory of sysfs: none is made in the root file system" {
	new_bundle '.mounts += [{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["ro"]}]'
	run_c
	eq "$status" 0
	eq "$(ls -A "$BUNDLE/rootfs/sys")" ""
}

@test "mount options: a recursive flag counts whatever the plain ones beside it say" {
	sh_bundle "awk '\$5 == \"/v\" { print \$6 }' /proc/self/mountinfo" \
		'.mounts += [{"destination":"/v","type":"bind","source":$source,"options":["bind","dev","rnodev"]}]' --arg source "$BATS_TEST_TMPDIR/v"
	mkdir "$BATS_TEST_TMPDIR/v"
	run_c
	eq "$status" 0
	has ",$output," ",nodev,"
}

@test "user namespace: its /sys has nothing of the VM mounted in it" {
	userns_bundle 'awk "\$5 ~ \"^/sys\" { print \$5 }" /proc/self/mountinfo'
	run_c
	eq "$status" 0
	eq "$output" /sys
}

@test "user namespace: the message queues are its root's, and time offsets can be had" {
	userns_bundle 'stat -c "%u %a" /dev/mqueue; cat /proc/self/timens_offsets' \
		'.linux.namespaces += [{"type":"time"}] | .linux.timeOffsets = {"boottime": {"secs": 5}}'
	run_c
	eq "$status" 0
	eq "${lines[0]}" "0 1777"
	eq "$(echo ${lines[2]})" "boottime 5 0"
}

@test "tmpfs with tmpcopyup and a mode has that mode, not the one of what it copies" {
	sh_bundle 'stat -c %a /covers; cat /covers/a' \
		'.mounts += [{"destination":"/covers","type":"tmpfs","source":"tmpfs","options":["mode=1770","tmpcopyup"]}]'
	mkdir -m 0755 "$BUNDLE/rootfs/covers"
	echo content >"$BUNDLE/rootfs/covers/a"
	run_c
	eq "$status" 0
	eq "$(echo $output)" "1770 content"
}

@test "user namespace: mount points that are made belong to its root" {
	userns_bundle 'stat -c "%u:%g" /new' '.mounts += [{"destination":"/new/one","type":"tmpfs","source":"tmpfs","options":["tmpcopyup"]}]'
	run_c
	eq "$status" 0
	eq "$output" 0:0
	eq "$(stat -c %u:%g "$BUNDLE/rootfs/new/one")" 100000:100000
}

@test "linux.resources.memory.swap: -1 is no limit" {
	sh_bundle 'cat /sys/fs/cgroup/memory.swap.max' '.linux.resources.memory = {"limit": 134217728, "swap": -1} | .linux.namespaces += [{"type":"cgroup"}]
		| .mounts += [{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup"}]'
	run_c
	eq "$status" 0
	eq "$output" max
}

@test "user namespace: real-time scheduling and I/O priority, which its root could not take" {
	userns_bundle 'cut -d" " -f40,41 /proc/self/stat; ionice' \
		'.process.scheduler = {"policy":"SCHED_FIFO","priority":10} | .process.ioPriority = {"class":"IOPRIO_CLASS_RT","priority":3}'
	run_c
	eq "$status" 0
	eq "${lines[0]}" "10 1"
	has "${lines[1]}" "prio 3"
}
