#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --systemd-cgroup: the container's cgroup is a transient unit of systemd. This needs a host with systemd as PID 1:
# contrib/test runs it in the KVM test machine, with cgroup v2 and with v1 (tests/kvmhost/run --init systemd).

load ../bats/helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	[ -d /run/systemd/system ] || cannot "systemd is not this host's init"
	RT_CMD+=(--systemd-cgroup)
	V2=
	[ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ] || V2=1
}
teardown() {
	common_teardown
	# no unit with the container's ID in its name is left
	eq "$(systemctl list-units --all --no-legend --plain "*$ID*")" ""
}

# Creates the container, and sets PID to its monitor's.
create() {
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" ||
		{ cat "$BATS_TEST_TMPDIR/err"; return 1; }
	PID=$(rt state "$ID" | jq .pid)
}

prop() { # PROPERTY UNIT
	systemctl show --property "$1" --value "$2"
}

# cg V1_CONTROLLER V1_FILE V2_FILE: prints the file of the monitor's own cgroup, whichever version it has.
cg() {
	if [ -n "$V2" ]; then
		cat "/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$PID/cgroup")/$3"
	else
		cat "/sys/fs/cgroup/$1$(awk -F: -v c="$1" '("," $2 ",") ~ ("," c ",") { print $3 }' "/proc/$PID/cgroup")/$2"
	fi
}

@test "without a cgroupsPath: a delegated scope in system.slice, with the monitor in it in every hierarchy; delete leaves no unit" {
	sh_bundle 'echo alive'
	create
	local unit=vmrunc-$ID.scope path
	eq "$(prop ActiveState "$unit")" active
	eq "$(prop Slice "$unit")" system.slice
	eq "$(prop Delegate "$unit")" yes
	eq "$(prop DefaultDependencies "$unit")" no
	eq "$(prop Transient "$unit")" yes
	eq "$(prop Description "$unit")" "vmrunc container $ID"
	eq "$(prop TasksAccounting "$unit") $(prop MemoryAccounting "$unit") $(prop CPUAccounting "$unit")" "yes yes yes"
	while IFS=: read -r _ _ path; do
		eq "$path" "/system.slice/$unit"
	done < <(mounted <"/proc/$PID/cgroup")
	rt start "$ID"
	wait_status "$ID" stopped
	rt delete "$ID"
	eq "$(cat "$BATS_TEST_TMPDIR/out")" alive
	eq "$(systemctl is-active "$unit")" inactive
	eq "$(prop LoadState "$unit")" not-found
}

# Reads lines of /proc/PID/cgroup, and prints those whose hierarchy is mounted.
mounted() {
	local n controllers path
	while IFS=: read -r n controllers path; do
		if [ -z "$controllers" ]; then
			grep -q ' - cgroup2 ' /proc/self/mountinfo || continue
		else
			grep ' - cgroup ' /proc/self/mountinfo | grep -qE "[ ,]${controllers%%,*}(,|\$)" || continue
		fi
		echo "$n:$controllers:$path"
	done
}

@test "slice:prefix:name: the slice is in its parents, and each limit is a property as well as in the files" {
	sh_bundle 'cd /sys/fs/cgroup; cat pids.max cpu.max memory.max' '.linux.cgroupsPath = ("vmt-a_b.slice:engine:" + $id) | .linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}]
		| .linux.resources = {pids:{limit:300}, memory:{limit:134217728,swap:134217728,reservation:67108864},
		  cpu:{shares:2048,quota:400000,period:200000,cpus:"0",mems:"0"}}' --arg id "$ID"
	create
	local unit=engine-$ID.scope
	eq "$(prop Slice "$unit")" vmt-a_b.slice
	eq "$(prop ControlGroup "$unit")" "/vmt.slice/vmt-a_b.slice/$unit"
	eq "$(prop TasksMax "$unit")" 300
	eq "$(prop CPUQuotaPerSecUSec "$unit")" 2s
	eq "$(prop CPUQuotaPeriodUSec "$unit")" 200ms
	if [ -n "$V2" ]; then
		eq "$(prop CPUWeight "$unit") $(prop MemoryLow "$unit") $(prop MemorySwapMax "$unit")" "79 67108864 0"
		eq "$(prop AllowedCPUs "$unit") $(prop AllowedMemoryNodes "$unit")" "0 0"
		eq "$(prop MemoryMax "$unit")" "$(cg - - memory.max)"
		eq "$(cg - - cpu.max)" "400000 200000"
		eq "$(cg - - cpu.weight) $(cg - - memory.low) $(cg - - memory.swap.max)" "79 67108864 0"
		[ "$(cg - - memory.max)" -gt 134217728 ]
	else
		eq "$(prop CPUShares "$unit")" 2048
		eq "$(prop MemoryLimit "$unit")" "$(cg memory memory.limit_in_bytes -)"
		eq "$(cg cpu cpu.shares -) $(cg cpu cpu.cfs_quota_us -) $(cg cpu cpu.cfs_period_us -)" "2048 400000 200000"
		eq "$(cg memory memory.soft_limit_in_bytes -)" 67108864
		[ "$(cg memory memory.limit_in_bytes -)" -gt 134217728 ]
	fi
	eq "$(cg pids pids.max pids.max)" 300
	eq "$(cg cpuset cpuset.cpus cpuset.cpus)" 0
	# systemd has been told the same limits, so it changes none when it looks at the unit again
	systemctl daemon-reload
	eq "$(cg pids pids.max pids.max)" 300
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "300 400000 200000 134217728"
	rt delete "$ID"
}

@test "limits that systemd has no property for are in the files: burst, hugetlb, and unified" {
	[ -n "$V2" ] || skip "cgroup v2 alone has unified"
	sh_bundle true '.linux.resources = {cpu:{quota:200000,period:100000,burst:10000},
		hugepageLimits:[{pageSize:"2MB",limit:4194304}], unified:{"memory.oom.group":"1","memory.high":"100M","cpu.weight":"50"}}'
	create
	local unit=vmrunc-$ID.scope
	eq "$(cg - - cpu.max.burst) $(cg - - hugetlb.2MB.max) $(cg - - memory.oom.group)" "10000 4194304 1"
	eq "$(prop CPUWeight "$unit") $(cg - - cpu.weight)" "50 50"
	eq "$(prop MemoryHigh "$unit")" "$(cg - - memory.high)"
	rt delete --force "$ID"
}

@test "devices on a v1 host: systemd's list and the file agree, also after systemd has looked at the unit again" {
	[ -z "$V2" ] || skip "the devices hierarchy is v1's"
	sh_bundle 'echo alive' '.linux.resources = {devices:[{allow:false,access:"rwm"},{allow:true,type:"c",major:10,minor:229,access:"rw"}]}'
	create
	local unit=vmrunc-$ID.scope
	eq "$(prop DevicePolicy "$unit")" strict
	has "$(prop DeviceAllow "$unit")" "/dev/char/10:229 rw"
	has "$(cg devices devices.list -)" "c 10:229 rw"
	hasnt "$(cg devices devices.list -)" "a *:* rwm"
	systemctl daemon-reload
	systemctl set-property --runtime "$unit" TasksMax=400
	has "$(cg devices devices.list -)" "c 10:229 rw"
	hasnt "$(cg devices devices.list -)" "a *:* rwm"
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(cat "$BATS_TEST_TMPDIR/out")" alive
	rt delete "$ID"
}

@test "annotations org.systemd.property.* become properties of the scope" {
	sh_bundle true '.annotations = {"org.systemd.property.TimeoutStopSec":"7", "org.systemd.property.CollectMode":"'"'inactive-or-failed'"'"}'
	create
	eq "$(prop TimeoutStopUSec "vmrunc-$ID.scope") $(prop CollectMode "vmrunc-$ID.scope")" "7s inactive-or-failed"
	rt delete --force "$ID"
	sh_bundle true '.annotations = {"org.systemd.property.TimeoutStopSec":"soon"}'
	run create
	eq "$status" 1
	has "$output" 'annotation "org.systemd.property.TimeoutStopSec": "soon" is not a value of a systemd property'
}

@test "a name that ends in .slice is a slice; one that is there already is joined and left" {
	sh_bundle true '.linux.cgroupsPath = ("ignored.slice:x:" + $s)' --arg s "vmt${ID//-/_}.slice"
	local unit=vmt${ID//-/_}.slice
	create
	eq "$(prop ActiveState "$unit")" active
	has "$(cat "/proc/$PID/cgroup")" "/$unit"
	rt delete --force "$ID"
	eq "$(systemctl is-active "$unit")" inactive

	systemctl start "$unit"
	create
	has "$(cat "/proc/$PID/cgroup")" "/$unit"
	rt delete --force "$ID"
	eq "$(systemctl is-active "$unit")" active
	systemctl stop "$unit"
}

@test "a scope of that name that is there already is an error, and is left alone" {
	sh_bundle true
	local unit=vmrunc-$ID.scope
	systemd-run --quiet --scope --unit "$unit" -- sleep 1000 &
	local sleeper=$!
	wait_for 30 systemctl is-active --quiet "$unit"
	run create
	eq "$status" 1
	has "$output" "there is a unit \"$unit\" already"
	eq "$(systemctl is-active "$unit")" active
	eq "$(rt list -q)" ""
	systemctl stop "$unit"
	wait "$sleeper" || true
	rt list -q
}

@test "a cgroupsPath of another form: an error with runc's words, and nothing is left" {
	sh_bundle true '.linux.cgroupsPath = "/a/path"'
	run create
	eq "$status" 1
	has "$output" 'expected to be of format "slice:prefix:name" for systemd cgroups, got "/a/path" instead'
	eq "$(ls -A "$ROOT")" ""
}

@test "a create that fails leaves no unit: a missing program, a limit that the kernel refuses" {
	new_bundle '.process.args = ["/no/such"]'
	run -127 rt create --bundle "$BUNDLE" "$ID"
	eq "$(prop LoadState "vmrunc-$ID.scope")" not-found
	sh_bundle true '.linux.resources = {cpu:{cpus:"999"}}'
	run create
	eq "$status" 1
	has "$output" cpu.cpus
	eq "$(prop LoadState "vmrunc-$ID.scope")" not-found
	eq "$(ls -A "$ROOT")" ""
}

@test "Ctrl-C during create leaves no unit and no state" {
	sh_bundle true
	# a shell starts commands in the background with SIGINT ignored
	env --default-signal=INT "${RT_CMD[@]}" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/err" &
	local creator=$!
	wait_for "$WAIT_S" systemctl is-active --quiet "vmrunc-$ID.scope"
	kill -INT "$creator"
	status=0
	wait "$creator" || status=$?
	eq "$status" 130
	eq "$(prop LoadState "vmrunc-$ID.scope")" not-found
	eq "$(ls -A "$ROOT")" ""
}

@test "kill -9 of the monitor, and systemctl stop: the container has stopped, delete leaves nothing" {
	sh_bundle 'trap "echo stopping; exit" TERM; echo ready; while :; do sleep 1; done'
	create
	kill -9 "$PID"
	wait_status "$ID" stopped
	rt delete "$ID"
	eq "$(prop LoadState "vmrunc-$ID.scope")" not-found

	create
	rt start "$ID"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/out" ready
	systemctl stop "vmrunc-$ID.scope"
	wait_status "$ID" stopped
	has "$(cat "$BATS_TEST_TMPDIR/out")" stopping
	rt delete "$ID"
	eq "$(prop LoadState "vmrunc-$ID.scope")" not-found
}

@test "run: in the foreground, the exit code comes back and the scope is gone; systemd's own socket serves where there is no bus" {
	sh_bundle 'exit 42'
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/no/such/bus
	run_c
	unset DBUS_SYSTEM_BUS_ADDRESS
	eq "$status" 42
	eq "$(prop LoadState "vmrunc-$ID.scope")" not-found
}

@test "check and features say that systemd can be had" {
	eq "$("$VMRUNC" features | jq .linux.cgroup.systemd)" true
	eq "$("$VMRUNC" check --format json | jq -r .systemdCgroup)" "usable"
}
