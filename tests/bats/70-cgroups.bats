#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits are enforced twice: exactly in the guest's cgroup, and in the cgroups of the monitor on the host (v1, hybrid, v2).

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	vmrunc_only
}
teardown() { common_teardown; }

is_v2() {
	[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]
}

# host_file V1_CONTROLLER V1_FILE V2_FILE: prints the file of the container's cgroup on the host, whichever version it has.
host_file() {
	if is_v2; then
		cat "/sys/fs/cgroup/${CG:-$ID}/$3"
	else
		cat "/sys/fs/cgroup/$1/${CG:-$ID}/$2"
	fi
}

v1_only() {
	! is_v2 || skip "cgroup v1 alone has this"
}

v2_only() {
	is_v2 || skip "cgroup v2 alone has this"
}

create() {
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" ||
		{ cat "$BATS_TEST_TMPDIR/err"; return 1; }
	PID=$(rt state "$ID" | jq .pid)
}

# res JQ: prints a filter that sets linux.resources to JQ, and the cgroup to one of the container's own name.
res() {
	echo '.linux.cgroupsPath = ("/" + $id) | .linux.resources = '"$1"
}

# Reads lines of /proc/PID/cgroup, and prints the paths of those whose hierarchy is mounted.
mounted_paths() {
	local controllers path
	while IFS=: read -r _ controllers path; do
		if [ -z "$controllers" ]; then
			grep -q ' - cgroup2 ' /proc/self/mountinfo || continue
		else
			grep ' - cgroup ' /proc/self/mountinfo | grep -qE "[ ,]${controllers%%,*}(,|\$)" || continue
		fi
		echo "$path"
	done
}

# Prints the mount point of each hierarchy.
hierarchies() {
	awk '/ - cgroup2? / { print $5 }' /proc/self/mountinfo | sort -u
}

# --- which cgroup ---

@test "an absolute path: the monitor is in that cgroup in every mounted hierarchy, name=systemd and unified too" {
	sh_bundle true '.linux.cgroupsPath = ("/vmt-" + $id + "/a/../b/leaf" | sub("a/../"; ""))' --arg id "$ID"
	create
	eq "$(mounted_paths <"/proc/$PID/cgroup" | sort -u)" "/vmt-$ID/b/leaf"
	# nothing but cgroups was made, so no directory on the tmpfs that holds the mount points
	eq "$(find /sys/fs/cgroup -type d -name "vmt-$ID" -exec stat -fc %T {} + | grep -v '^cgroup' | sort -u)" ""
	rt delete --force "$ID"
	# the parents that create made are gone too
	eq "$(find /sys/fs/cgroup -type d -name "vmt-$ID")" ""
}

@test "a relative path starts at the caller's own cgroup (v1), or at that one's parent (v2)" {
	sh_bundle true '.linux.cgroupsPath = ("rel/" + $id)' --arg id "$ID"
	local own want
	own=$(awk -F: '$2 == "pids" || $1 == 0 { print $3; exit }' /proc/self/cgroup)
	want=${own%/}/rel/$ID
	! is_v2 || want=$(dirname "$own")
	! is_v2 || want=${want%/}/rel/$ID
	create
	eq "$(awk -F: '$2 == "pids" || $1 == 0 { print $3; exit }' "/proc/$PID/cgroup")" "$want"
	rt delete --force "$ID"
	eq "$(find /sys/fs/cgroup -type d -path "*/rel/$ID")" ""
}

@test "without a path, and with an empty one, the cgroup is /ID" {
	sh_bundle true 'del(.linux.cgroupsPath)'
	create
	eq "$(mounted_paths <"/proc/$PID/cgroup" | sort -u)" "/$ID"
	rt delete --force "$ID"
	sh_bundle true '.linux.cgroupsPath = ""'
	create
	eq "$(mounted_paths <"/proc/$PID/cgroup" | sort -u)" "/$ID"
	rt delete --force "$ID"
}

@test "a path that is the root, or has a .., is an error" {
	sh_bundle true '.linux.cgroupsPath = "/"'
	run create
	eq "$status" 1
	has "$output" 'linux.cgroupsPath: "/" is the root of all cgroups'
	sh_bundle true '.linux.cgroupsPath = "/a/../../b"'
	run create
	eq "$status" 1
	has "$output" 'linux.cgroupsPath: "/a/../../b" has a ".."'
}

@test "a cgroup that was there is joined, and delete leaves it; delete also leaves parents that somebody else uses" {
	local dir
	for dir in $(hierarchies); do
		mkdir "$dir/$ID" "$dir/$ID/there"
		if [ -e "$dir/$ID/cpuset.cpus" ] && [ -e "$dir/$ID/cpuset.cpu_exclusive" ]; then
			for f in cpuset.cpus cpuset.mems; do
				cat "$dir/$f" >"$dir/$ID/$f"
				cat "$dir/$f" >"$dir/$ID/there/$f"
			done
		fi
	done
	sh_bundle true '.linux.cgroupsPath = ("/" + $id + "/there")' --arg id "$ID"
	create
	eq "$(mounted_paths <"/proc/$PID/cgroup" | sort -u)" "/$ID/there"
	rt delete --force "$ID"
	for dir in $(hierarchies); do
		[ -d "$dir/$ID/there" ]
		rmdir "$dir/$ID/there"
	done
	sh_bundle true '.linux.cgroupsPath = ("/" + $id + "/new/leaf")' --arg id "$ID"
	create
	mkdir "$(hierarchies | head -1)/$ID/new/other"
	rt delete --force "$ID"
	rmdir "$(hierarchies | head -1)/$ID/new/other"
	for dir in $(hierarchies); do
		[ -d "$dir/$ID" ]
		[ ! -d "$dir/$ID/new/leaf" ]
		[ ! -d "$dir/$ID/new" ] || rmdir "$dir/$ID/new"
		rmdir "$dir/$ID"
	done
}

# bats test_tags=kvm
@test "after kill -9, delete removes all cgroups below the container's, with the processes in them" {
	sh_bundle true '.linux.cgroupsPath = ("/" + $id)' --arg id "$ID"
	create
	local dir sleeper
	if is_v2; then dir=/sys/fs/cgroup/$ID; else dir=/sys/fs/cgroup/pids/$ID; fi
	kill -9 "$PID"
	wait_status "$ID" stopped
	mkdir "$dir/below"
	sleep 1000 &
	sleeper=$!
	echo $sleeper >"$dir/below/cgroup.procs"
	rt delete "$ID"
	! kill -0 $sleeper 2>/dev/null || { wait $sleeper || true; }
	[ ! -e "$dir" ]
}

@test "the same cgroup twice is refused, so that no container's end is another's: one ID in two --root directories" {
	sh_bundle 'sleep 1000' 'del(.linux.cgroupsPath)'
	create
	run rt --root "$ROOT-2" create --bundle "$BUNDLE" "$ID"
	eq "$status" 1
	has "$output" "container's cgroup is not empty: "
	eq "$(status_of "$ID")" created
	rt --root "$ROOT-2" delete --force "$ID"
	eq "$(status_of "$ID")" created
}

# bats test_tags=kvm
@test "a frozen cgroup, or one below it, is refused at once; a container that somebody froze can be deleted" {
	local dir
	if is_v2; then dir=/sys/fs/cgroup/$ID; else dir=/sys/fs/cgroup/freezer/$ID; fi
	freeze() { if is_v2; then echo "$1" >"$dir/cgroup.freeze"; elif [ "$1" = 1 ]; then echo FROZEN >"$dir/freezer.state"; else echo THAWED >"$dir/freezer.state"; fi; }
	mkdir "$dir"
	freeze 1
	sh_bundle 'sleep 1000' '.linux.cgroupsPath = ("/" + $id + "/below")' --arg id "$ID"
	run timeout 20 "${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID"
	eq "$status" 1
	has "$output" "container's cgroup unexpectedly frozen"
	freeze 0
	rmdir "$dir"
	sh_bundle 'sleep 1000' '.linux.cgroupsPath = ("/" + $id)' --arg id "$ID"
	create
	freeze 1
	timeout "$WAIT_S" "${RT_CMD[@]}" delete --force "$ID"
}

@test "cpuset: parents that are there and empty are filled (v1)" {
	v1_only
	local dir
	for dir in $(hierarchies); do
		[ ! -e "$dir/cpuset.cpus" ] || break
	done
	[ -e "$dir/cpuset.cpus" ] || skip "no cpuset hierarchy"
	mkdir "$dir/$ID" "$dir/$ID/a"
	sh_bundle true '.linux.cgroupsPath = ("/" + $id + "/a/leaf")' --arg id "$ID"
	create
	eq "$(cat "$dir/$ID/cpuset.cpus" "$dir/$ID/a/cpuset.mems" "$dir/$ID/a/leaf/cpuset.cpus")" \
		"$(cat "$dir/cpuset.cpus" "$dir/cpuset.mems" "$dir/cpuset.cpus")"
	rt delete --force "$ID"
	rmdir "$dir/$ID/a" "$dir/$ID"
	for dir in $(hierarchies); do
		[ ! -d "$dir/$ID" ]
	done
}

# --- limits ---

# bats test_tags=kvm
@test "pids, cpu and memory: limits on the host and in the guest; the monitor is a member; delete removes the cgroups" {
	sh_bundle 'cd /sys/fs/cgroup; cat pids.max cpu.weight cpu.max memory.max memory.swap.max' \
		'.linux.cgroupsPath = ("/" + $id) | .linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}]
		| .linux.resources = {pids:{limit:1000},cpu:{shares:2048,quota:50000,period:100000},memory:{limit:134217728,swap:134217728}}' --arg id "$ID"
	create
	grep -q "/$ID\$" "/proc/$PID/cgroup"
	eq "$(host_file pids pids.max pids.max)" 1000
	if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
		eq "$(host_file - - cpu.max)" "50000 100000"
	else
		eq "$(host_file cpu cpu.shares -)" 2048
		eq "$(host_file cpu cpu.cfs_quota_us -)" 50000
	fi
	# the host's limit is for the VM: the container's limit and the overhead
	[ "$(host_file memory memory.limit_in_bytes memory.max)" -gt 134217728 ]
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "1000 79 50000 100000 134217728 0"
	rt delete "$ID"
	eq "$(find /sys/fs/cgroup -type d -name "$ID" 2>/dev/null)" ""
}

# bats test_tags=kvm
@test "memory: a process beyond the limit is killed in the guest, the container lives on" {
	sh_bundle 'dd if=/dev/zero of=/dev/shm/x bs=1M count=200 2>/dev/null; echo "dd: $?"; echo alive' \
		'.linux.resources = {memory:{limit:50331648,swap:50331648}} | .mounts |= map(if .destination == "/dev/shm" then .options = ["size=300m"] else . end)'
	run_c
	eq "$status" 0
	has "$output" "dd: 137"
	has "$output" alive
}

@test "pids: the guest enforces the limit" {
	sh_bundle 'i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done; echo all-made' '.linux.resources = {pids:{limit:10}}'
	run_c
	hasnt "$output" all-made
	has "$stderr" "fork"
}

# bats test_tags=kvm
@test "devices: the guest's filter follows the rules, deny-all first" {
	sh_bundle 'cat /dev/null && echo null-ok; head -c 1 /dev/kmsg >/dev/null 2>&1 && echo kmsg-ok || echo kmsg-refused; head -c 1 /dev/hwrng >/dev/null 2>&1 && echo hwrng-ok || echo hwrng-refused' \
		'.linux.devices = [{path:"/dev/kmsg",type:"c",major:1,minor:11},{path:"/dev/hwrng",type:"c",major:10,minor:183}]
		| .process.capabilities |= map_values(. + ["CAP_SYSLOG","CAP_SYS_ADMIN"])
		| .linux.resources = {devices:[{allow:false,access:"rwm"},{allow:true,type:"c",major:1,minor:11,access:"rw"}]}'
	run_c
	eq "$status $(echo $output)" "0 null-ok kmsg-ok hwrng-refused"
}

@test "devices: the list of a v1 host has the rules in their order" {
	v1_only
	sh_bundle true '.linux.cgroupsPath = ("/" + $id) | .linux.resources = {devices:[{allow:false,access:"rwm"},
		{allow:true,type:"c",major:10,minor:229,access:"rwm"},{allow:true,type:"b",major:8,minor:20,access:"rw"}]}' --arg id "$ID"
	create
	eq "$(host_file devices devices.list - | head -2)" "$(printf 'c 10:229 rwm\nb 8:20 rw')"
	rt start "$ID"
	wait_status "$ID" stopped
	rt delete "$ID"
}

@test "blockIO: a throttle is set in the host's cgroup" {
	local dev
	dev=$(stat -c %d "$BATS_TEST_TMPDIR")
	[ $((dev >> 8)) -gt 0 ] && [ -e "/sys/dev/block/$((dev >> 8)):$((dev & 255))" ] || skip "no disk below the test's directory"
	sh_bundle true '.linux.cgroupsPath = ("/" + $id) | .linux.resources = {blockIO:{weight:0,throttleReadBpsDevice:[{major:$maj,minor:$min,rate:10485760}]}}' \
		--arg id "$ID" --argjson maj $((dev >> 8)) --argjson min $((dev & 255))
	create
	has "$(host_file blkio blkio.throttle.read_bps_device io.max)" 10485760
	rt delete --force "$ID"
}

@test "blockIO: a weight that the kernel has no file for is an error that names it; a rate of 0 is no limit" {
	local dev
	dev=$(lsblk -ndo MAJ:MIN -e 7,11 2>/dev/null | head -1 | tr -d ' ')
	if [ -n "$dev" ]; then
		sh_bundle true "$(res '{blockIO:{throttleReadBpsDevice:[{major:$maj,minor:$min,rate:0}]}}')" --arg id "$ID" \
			--argjson maj "${dev%:*}" --argjson min "${dev#*:}"
		create
		rt delete --force "$ID"
	fi
	[ -z "$(find /sys/fs/cgroup/ -maxdepth 3 -name blkio.leaf_weight)" ] || skip "this kernel has the file"
	sh_bundle true "$(res '{blockIO:{leafWeight:500}}')" --arg id "$ID"
	run create
	eq "$status" 1
	has "$output" 'linux.resources.blockIO.leafWeight: cgroup: there is no "blkio.leaf_weight"'
}

@test "every limit of memory: a v1 host has it in its files, and the guest in those of cgroup v2" {
	sh_bundle 'cd /sys/fs/cgroup; cat memory.max memory.swap.max memory.low' '.linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}] | '"$(res '{memory:{limit:134217728,swap:201326592,
		reservation:67108864,swappiness:30,disableOOMKiller:true,kernelTCP:33554432}}')" --arg id "$ID"
	create
	if is_v2; then
		eq "$(host_file - - memory.low)" 67108864
		eq "$(host_file - - memory.swap.max)" 67108864
	else
		eq "$(host_file memory memory.soft_limit_in_bytes)" 67108864
		eq "$(host_file memory memory.swappiness)" 30
		has "$(host_file memory memory.oom_control)" "oom_kill_disable 1"
		eq "$(host_file memory memory.kmem.tcp.limit_in_bytes)" 33554432
		# the VM's need is added to the limit of memory and swap together as well
		eq "$(($(host_file memory memory.memsw.limit_in_bytes) - $(host_file memory memory.limit_in_bytes)))" 67108864
	fi
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "134217728 67108864 67108864"
	rt delete "$ID"
}

@test "-1 means no limit, on the host and in the guest" {
	sh_bundle 'cd /sys/fs/cgroup; cat memory.max memory.swap.max pids.max cpu.max' '.linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}] | '"$(res '{memory:{limit:-1,swap:-1},
		pids:{limit:-1},cpu:{quota:-1}}')" --arg id "$ID"
	create
	eq "$(host_file pids pids.max pids.max)" max
	if is_v2; then
		eq "$(host_file - - memory.max) $(host_file - - cpu.max)" "max max 100000"
	else
		eq "$(host_file memory memory.limit_in_bytes)" "$(cat /sys/fs/cgroup/memory/memory.limit_in_bytes)"
		eq "$(host_file cpu cpu.cfs_quota_us)" -1
	fi
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "max max max max 100000"
	rt delete "$ID"
}

@test "zeros change nothing" {
	sh_bundle true "$(res '{memory:{limit:0,swap:0,reservation:0},pids:{},blockIO:{weight:0,leafWeight:0},
		cpu:{shares:0,quota:0,period:0,realtimeRuntime:0,realtimePeriod:0,cpus:"",mems:""},network:{classID:0}}')" --arg id "$ID"
	create
	eq "$(host_file pids pids.max pids.max)" max
	if is_v2; then
		eq "$(host_file - - memory.max) $(host_file - - cpu.max) $(host_file - - cpu.weight)" "max max 100000 100"
	else
		eq "$(host_file cpu cpu.shares) $(host_file cpu cpu.cfs_quota_us)" "1024 -1"
	fi
	rt delete --force "$ID"
}

@test "cpu: burst, and a period without a quota; real time where the host has it, else a warning; the cpuset" {
	RT_CMD+=(--log-level warning)
	sh_bundle 'cd /sys/fs/cgroup; cat cpu.max cpu.max.burst' '.linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}] | '"$(res '{cpu:{quota:100000,period:50000,burst:10000,
		realtimePeriod:1000000,realtimeRuntime:1000,cpus:"0",mems:"0"}}')" --arg id "$ID"
	create
	eq "$(host_file cpu cpu.cfs_burst_us cpu.max.burst)" 10000
	eq "$(host_file cpuset cpuset.cpus cpuset.cpus) $(host_file cpuset cpuset.mems cpuset.mems)" "0 0"
	if [ -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ]; then
		eq "$(host_file cpu cpu.rt_runtime_us) $(host_file cpu cpu.rt_period_us)" "1000 1000000"
	else
		has "$(cat "$BATS_TEST_TMPDIR/err")" 'linux.resources.cpu.realtimeRuntime: not set on the host, whose cgroups have no "cpu.rt_runtime_us"'
	fi
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "100000 50000 10000"
	rt delete "$ID"

	sh_bundle true "$(res '{cpu:{period:50000}}')" --arg id "$ID"
	create
	if is_v2; then eq "$(host_file - - cpu.max)" "max 50000"; else eq "$(host_file cpu cpu.cfs_period_us)" 50000; fi
	rt delete --force "$ID"
}

@test "cpu: a quota of 1 %: the VM boots and the program is started without it, then the host's cgroup has it" {
	new_bundle '.process.args = ["sleep", "1000"] | '"$(res '{cpu:{quota:1000,period:100000}}')" --arg id "$ID"
	create
	rt start "$ID"
	# a boot takes half a second of a processor at the least: 500 periods with 1 ms in each
	[ "$(host_file cpu cpu.stat cpu.stat | sed -n 's/^nr_periods //p')" -lt 300 ]
	eq "$(status_of "$ID")" running
	if is_v2; then eq "$(host_file - - cpu.max)" "1000 100000"; else eq "$(host_file cpu cpu.cfs_quota_us)" 1000; fi
	rt delete --force "$ID"
}

# bats test_tags=kvm
@test "cpu: idle, on the host and in the guest" {
	[ "${VMRUNC_KVMHOST:-0}" = 1 ] || skip "on a busy machine the guest of an idle cgroup would not run in time"
	sh_bundle 'cat /sys/fs/cgroup/cpu.idle' '.linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}] | '"$(res '{cpu:{idle:1,shares:512}}')" --arg id "$ID"
	create
	eq "$(host_file cpu cpu.idle cpu.idle)" 1
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/out")" 1
	rt delete "$ID"
}

# bats test_tags=kvm
@test "unified: a v2 host and the guest have it, and the host adds the VM's memory; devices and CPUs are the host's alone" {
	v2_only
	sh_bundle 'cd /sys/fs/cgroup; cat memory.max memory.high memory.min pids.max cpu.weight; cat cpuset.cpus' '.linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}] | '"$(res '{unified:{"memory.max":"256M","memory.high":"134217728",
		"memory.min":"16777216","pids.max":"500","cpu.weight":"42","cpuset.cpus":"0","memory.oom.group":"1"}}')" --arg id "$ID"
	create
	[ "$(host_file - - memory.max)" -gt 268435456 ]
	[ "$(host_file - - memory.high)" -gt 134217728 ]
	eq "$(host_file - - memory.min) $(host_file - - pids.max) $(host_file - - cpu.weight)" "16777216 500 42"
	eq "$(host_file - - cpuset.cpus) $(host_file - - memory.oom.group)" "0 1"
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "268435456 134217728 16777216 500 42"
	rt delete "$ID"

	sh_bundle true "$(res '{unified:{"io.no_such":"1"}}')" --arg id "$ID"
	run create
	eq "$status" 1
	has "$output" 'linux.resources.unified["io.no_such"]'
}

@test "unified: on a v1 host the guest alone has it, which is a warning; what only a host can enforce is an error" {
	v1_only
	RT_CMD+=(--log-level warning)
	sh_bundle 'cat /sys/fs/cgroup/memory.high' '.linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}] | '"$(res '{unified:{"memory.high":"134217728"}}')" --arg id "$ID"
	create
	has "$(cat "$BATS_TEST_TMPDIR/err")" 'linux.resources.unified["memory.high"]: in the guest only: this host has cgroup v1'
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/out")" 134217728
	rt delete "$ID"
	sh_bundle true "$(res '{unified:{"io.max":"8:0 rbps=1"}}')" --arg id "$ID"
	run create
	eq "$status" 1
	has "$output" 'linux.resources.unified["io.max"]: this host has cgroup v1, and the guest does not have its devices and CPUs'
}

@test "swap below memory, and swap without memory, are errors that name the field" {
	sh_bundle true "$(res '{memory:{limit:134217728,swap:67108864}}')" --arg id "$ID"
	run create
	eq "$status" 1
	has "$output" "linux.resources.memory.swap: 67108864 is below the limit 134217728"
	sh_bundle true "$(res '{memory:{swap:67108864}}')" --arg id "$ID"
	run create
	eq "$status" 1
	has "$output" "linux.resources.memory.swap: needs a memory.limit"
}

@test "--systemd-cgroup where systemd is not the init: an error says so, and nothing is left" {
	[ ! -d /run/systemd/system ] || skip "systemd is this host's init"
	sh_bundle true
	run rt --systemd-cgroup create --bundle "$BUNDLE" "$ID"
	eq "$status" 1
	has "$output" "--systemd-cgroup: "
	has "$output" "use the cgroupfs manager"
	eq "$(ls -A "$ROOT")" ""
}
