#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# events and logs: figures of the guest's cgroup, the OOM killer, and the guest's console.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

@test "events: figures once and at intervals, an OOM in the guest, and the end; logs: the console, and --follow" {
	vmrunc_only
	local events follower
	sh_bundle 'i=0; while [ ! -e /go ]; do i=$((i + 1)); done; tail /dev/zero; sleep 1000' '.linux.resources = {memory:{limit:67108864},pids:{limit:50}}'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run rt events --stats "$ID"
	eq "$status" 0
	eq "${#lines[@]}" 1
	eq "$(jq -c '[.type, .id, .data.memory.usage.limit, .data.pids.limit, .data.pids.current, (.data.memory.usage.usage > 0),
		(.data.cpu.usage.total > 0), (.data.memory.raw.anon > 0), .data.blkio, .data.network_interfaces]' <<<"$output")" \
		"[\"stats\",\"$ID\",67108864,50,1,true,true,true,{},[]]"

	rt events --interval 200ms "$ID" >"$BATS_TEST_TMPDIR/events" &
	events=$!
	rt logs --follow "$ID" >"$BATS_TEST_TMPDIR/logs" &
	follower=$!
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/events" '"type":"stats"'
	touch "$BUNDLE/rootfs/go"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/events" "{\"type\":\"oom\",\"id\":\"$ID\"}"
	# a reader that goes away ends it
	(rt events --interval 100ms "$ID" || true) | head -n 1 | grep -q stats
	rt pause "$ID"
	run rt events --stats "$ID"
	[ "$status" -ne 0 ]
	has "$output" paused
	rt resume "$ID"
	rt kill "$ID" KILL
	wait_status "$ID" stopped
	wait "$events"
	wait "$follower"
	jq -es 'length > 1' "$BATS_TEST_TMPDIR/events" >/dev/null
	file_has "$BATS_TEST_TMPDIR/logs" "the agent answers"
	file_has "$BATS_TEST_TMPDIR/logs" "OOM killer struck"
	eq "$(rt logs "$ID")" "$(cat "$BATS_TEST_TMPDIR/logs")"
	for args in "--stats" "" ; do
		# shellcheck disable=SC2086 # none or one
		run rt events $args "$ID"
		[ "$status" -ne 0 ]
		has "$output" "not running"
	done
	for interval in 0 -1s x 5; do
		run rt events --interval "$interval" "$ID"
		[ "$status" -ne 0 ]
		has "$output" "interval"
	done
	run rt logs nothing
	[ "$status" -ne 0 ]
	has "$output" "does not exist"
}

# oom_kills DIR: how many processes the kernel has killed in the cgroup for want of memory.
oom_kills() { sed -n 's/^oom_kill //p' "$1"/memory.oom_control "$1"/memory.events 2>/dev/null; }

# watch_oom DIR FILE: writes to FILE when an engine on a v1 host would hear of it, by an eventfd of memory.oom_control.
watch_oom() {
	python3 - "$1" >"$2" <<-'P' &
		import os, sys
		directory = sys.argv[1]
		event, control = os.eventfd(0), os.open(directory + "/memory.oom_control", os.O_RDONLY)
		with open(directory + "/cgroup.event_control", "w") as f:
		    f.write("%d %d" % (event, control))
		print("watching", flush=True)
		os.eventfd_read(event)
		print("oom" if os.path.exists(directory) else "gone", flush=True)
	P
}

@test "a container that ends after an OOM in its guest: its cgroup on the host has one, which engines see; others have none" {
	vmrunc_only
	local dir watcher=
	sh_bundle 'read -r x; tail /dev/zero' '.linux.resources = {memory:{limit:67108864}}'
	mkfifo "$BATS_TEST_TMPDIR/in"
	exec 7<>"$BATS_TEST_TMPDIR/in" # so that it has a writer all the time
	rt run --detach --bundle "$BUNDLE" "$ID" <"$BATS_TEST_TMPDIR/in" >/dev/null 2>&1
	dir=$(jq -r '.cgroups[]' "$ROOT/$ID/state.json" | while read -r d; do [ ! -e "$d/memory.stat" ] || echo "$d"; done)
	[ -n "$dir" ] || cannot "the container's cgroup has no memory controller"
	if [ -e "$dir/cgroup.event_control" ]; then
		watch_oom "$dir" "$BATS_TEST_TMPDIR/watch"
		watcher=$!
		wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/watch" watching
	fi
	eq "$(oom_kills "$dir")" 0
	eq "$(rt ps --format json "$ID" | jq length)" 1
	echo >&7
	wait_status "$ID" stopped
	[ "$(oom_kills "$dir")" -ge 1 ] || { cat "$dir"/memory.oom_control "$dir"/memory.events; return 1; }
	if [ -n "$watcher" ]; then
		wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/watch" oom
		wait "$watcher"
	fi
	rt delete "$ID"

	sh_bundle 'read -r x; exit 3' '.linux.resources = {memory:{limit:67108864}}'
	rt run --detach --bundle "$BUNDLE" "$ID" <"$BATS_TEST_TMPDIR/in" >/dev/null 2>&1
	echo >&7
	wait_status "$ID" stopped
	eq "$(oom_kills "$dir")" 0
	exec 7>&-
}
