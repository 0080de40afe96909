#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# update: limits of a container that is there, in the guest and on the host.
# bats file_tags=kvm

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

# host FILE_V1 FILE_V2: a file of the container's cgroup on the host.
host() {
	local dir f
	while read -r dir; do
		for f in "$1" "$2"; do
			[ ! -f "$dir/$f" ] || { cat "$dir/$f"; return; }
		done
	done < <(jq -r '.cgroups[]' "$ROOT/$ID/state.json")
	echo none
}

# What the guest's cgroup has in a file, as its process sees it.
guest() { rt exec "$ID" cat "/sys/fs/cgroup/$1"; }
guest_is() { [ "$(guest "$1")" = "$2" ]; }

update_bundle() {
	sh_bundle 'sleep 1000' '.linux.resources = {memory:{limit:134217728},pids:{limit:200},cpu:{shares:1024,quota:50000,period:100000}}
		| .linux.namespaces += [{type:"cgroup"}]
		| .mounts += [{destination:"/sys/fs/cgroup",type:"cgroup",source:"cgroup",options:["ro"]}]'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/stderr"
}

@test "update: options and JSON change guest, host and the saved config; zeros change nothing; memory shrinks and grows" {
	vmrunc_only
	local before now
	update_bundle
	rt update "$ID" --pids-limit 300 --cpu-quota 70000 --cpu-share=512
	eq "$(guest pids.max)" 300
	eq "$(guest cpu.max)" "70000 100000"
	eq "$(guest memory.max)" 134217728
	eq "$(host pids.max pids.max)" 300
	case $(host cpu.cfs_quota_us cpu.max) in
	70000 | "70000 100000") ;;
	*) host cpu.cfs_quota_us cpu.max; return 1 ;;
	esac
	eq "$(jq -c '.linux.resources | [.pids.limit, .cpu.quota, .cpu.shares, .memory.limit]' "$ROOT/$ID/config.json")" "[300,70000,512,134217728]"

	# as Docker asks: everything else is 0; and as the CRI does, with devices
	rt update --resources - "$ID" <<-'J'
		{"devices":[{"allow":false,"access":"rwm"}],"memory":{"limit":0,"swap":0,"reservation":0},"cpu":{"shares":0,"quota":60000,"period":0,"cpus":"","mems":""},
		 "pids":{"limit":0},"blockIO":{"weight":0},"hugepageLimits":[],"unified":null}
	J
	eq "$(guest cpu.max)" "60000 100000"
	eq "$(guest pids.max)" 300
	eq "$(guest memory.max)" 134217728

	# less memory: the guest has the limit at once, and the host when the balloon has given it back
	before=$(host memory.limit_in_bytes memory.max)
	rt update "$ID" --memory 64M
	eq "$(guest memory.max)" 67108864
	now=$(host memory.limit_in_bytes memory.max)
	[ "$before" = none ] || [ "$now" -lt "$before" ] || { echo "the host's limit was $before and is $now"; return 1; }
	rt update "$ID" --memory 128M
	eq "$(guest memory.max)" 134217728
	eq "$(host memory.limit_in_bytes memory.max)" "$before"

	# what cannot be is refused, and changes nothing
	before=$(jq -S . "$ROOT/$ID/config.json")
	for json in '' '{' '[]' '7' 'null' '{"memory":{"limit":"64M"}}' '{"memory":{"limit":8589934592}}' '{"memory":{"swap":1048576}}' \
		'{"cpu":{"cpus":"x"}}' '{"cpu":{"quota":70000,"burst":80000}}' '{"unified":{"../x":"1"}}' '{"pids":7}' '{"cpu":{"period":5}}'; do
		run rt update --resources - "$ID" <<<"$json"
		[ "$status" -ne 0 ] || { echo "taken: $json"; return 1; }
		echo "$json: $output"
	done
	run rt update "$ID" --memory 8G
	[ "$status" -ne 0 ]
	has "$output" "virtual machine"
	run rt update "$ID" --memory 64x
	[ "$status" -ne 0 ]
	has "$output" "--memory"
	run rt update "$ID" --l3-cache-schema "L3:0=f"
	[ "$status" -ne 0 ]
	eq "$(jq -S . "$ROOT/$ID/config.json")" "$before"
	eq "$(guest cpu.max)" "60000 100000"
	# a paused one: the host has the limit at once, the guest when it goes on
	rt pause "$ID"
	rt update "$ID" --pids-limit 250
	eq "$(host pids.max pids.max)" 250
	eq "$(status_of "$ID")" paused
	rt resume "$ID"
	eq "$(guest pids.max)" 250
	rt pause "$ID"
	rt kill "$ID" KILL
	wait_status "$ID" stopped
	run rt update "$ID" --pids-limit 5
	[ "$status" -ne 0 ]
	has "$output" "not running"
}
