#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits, twice: exactly in the guest's cgroup, and on the monitor's cgroup of the host (v1, hybrid or v2).

load helpers
setup_file() { common_setup_file; }
setup() {
	common_setup
	vmrunc_only
}
teardown() { common_teardown; }

# host_file V1_CONTROLLER V1_FILE V2_FILE: what the container's cgroup on the host says.
host_file() {
	if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
		cat "/sys/fs/cgroup/$ID/$3"
	else
		cat "/sys/fs/cgroup/$1/$ID/$2"
	fi
}

v1_only() {
	[ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ] || skip "cgroup v1 alone has this file"
}

create() {
	rt create --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
}

@test "pids, cpu and memory: on the host and in the guest; the monitor is a member; delete removes the cgroups" {
	sh_bundle 'cd /sys/fs/cgroup; cat pids.max cpu.weight cpu.max memory.max memory.swap.max' \
		'.linux.cgroupsPath = ("/" + $id) | .linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup"}]
		| .linux.resources = {pids:{limit:1000},cpu:{shares:2048,quota:50000,period:100000},memory:{limit:134217728,swap:134217728}}' --arg id "$ID"
	create
	local pid
	pid=$(rt state "$ID" | jq .pid)
	grep -q "/$ID\$" "/proc/$pid/cgroup"
	eq "$(host_file pids pids.max pids.max)" 1000
	if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
		eq "$(host_file - - cpu.max)" "50000 100000"
	else
		eq "$(host_file cpu cpu.shares -)" 2048
		eq "$(host_file cpu cpu.cfs_quota_us -)" 50000
	fi
	# the host's limit holds the VM too: the container's and the overhead
	[ "$(host_file memory memory.limit_in_bytes memory.max)" -gt 134217728 ]
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(echo $(cat "$BATS_TEST_TMPDIR/out"))" "1000 79 50000 100000 134217728 0"
	rt delete "$ID"
	eq "$(find /sys/fs/cgroup -type d -name "$ID" 2>/dev/null)" ""
}

@test "memory: a process beyond the limit is killed in the guest, the container lives on" {
	sh_bundle 'dd if=/dev/zero of=/dev/shm/x bs=1M count=200 2>/dev/null; echo "dd: $?"; echo alive' \
		'.linux.resources = {memory:{limit:50331648,swap:50331648}} | .mounts |= map(if .destination == "/dev/shm" then .options = ["size=300m"] else . end)'
	run_c
	eq "$status" 0
	has "$output" "dd: 137"
	has "$output" alive
}

@test "pids: the limit holds in the guest" {
	sh_bundle 'i=0; while [ $i -lt 30 ]; do sleep 5 & i=$((i+1)); done; echo all-made' '.linux.resources = {pids:{limit:10}}'
	run_c
	hasnt "$output" all-made
	has "$stderr" "fork"
}

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

@test "blockIO: a throttle is on the host's cgroup" {
	local dev
	dev=$(stat -c %d "$BATS_TEST_TMPDIR")
	[ $((dev >> 8)) -gt 0 ] && [ -e "/sys/dev/block/$((dev >> 8)):$((dev & 255))" ] || skip "no disk below the test's directory"
	sh_bundle true '.linux.cgroupsPath = ("/" + $id) | .linux.resources = {blockIO:{weight:0,throttleReadBpsDevice:[{major:$maj,minor:$min,rate:10485760}]}}' \
		--arg id "$ID" --argjson maj $((dev >> 8)) --argjson min $((dev & 255))
	create
	has "$(host_file blkio blkio.throttle.read_bps_device io.max)" 10485760
	rt delete --force "$ID"
}
