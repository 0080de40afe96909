#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# pause and resume: what the host sees, what the guest sees, and signals meanwhile.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

detach() { rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr"; }

# The state of the container's freezer: 0 or 1; "none" on a host without.
frozen() {
	local pid file
	pid=$(jq .pid "$ROOT/$ID/state.json")
	file=/sys/fs/cgroup/freezer/$(sed -n 's/^[0-9]*:freezer:.//p' "/proc/$pid/cgroup")/freezer.state
	if [ -f "$file" ]; then
		sed 's/THAWED/0/;s/FROZEN/1/' "$file"
	elif [ -f "/sys/fs/cgroup/$(sed -n 's/^0::.//p' "/proc/$pid/cgroup")/cgroup.freeze" ]; then
		# cgroup.events never says frozen where KVM has a kernel thread in there (before Linux 6.13)
		cat "/sys/fs/cgroup/$(sed -n 's/^0::.//p' "/proc/$pid/cgroup")/cgroup.freeze"
	else
		echo none
	fi
}

# Ticks of processor time that the monitor, and QEMU below it, have used so far.
ticks() {
	local pid p
	pid=$(jq .pid "$ROOT/$ID/state.json")
	for p in "$pid" $(pgrep -P "$pid" || true); do
		sed 's/.*) //' "/proc/$p/stat"
	done | awk '{n += $12 + $13} END {print n}'
}

ticks_of_guest() { grep -c . "$BUNDLE/rootfs/tmp/ticks"; }
has_ticks() { [ "$(ticks_of_guest)" -ge "$1" ]; }

# bats test_tags=kvm
@test "pause: no processor time, the freezer and state show it; after resume no burst of timers, and the time is right" {
	local before after now guest n
	sh_bundle 'trap "echo usr1 >>/tmp/signals" USR1; while :; do date +%s >>/tmp/ticks; sleep 1; done'
	detach
	wait_for "$WAIT_S" has_ticks 2
	run rt resume "$ID"
	[ "$status" -ne 0 ]
	has "$output" "not paused"

	rt pause "$ID"
	eq "$(status_of "$ID")" paused
	eq "$(rt list --format json | jq -r '.[0].status')" paused
	eq "$(frozen)" 1
	before=$(ticks)
	n=$(ticks_of_guest)
	run rt pause "$ID"
	[ "$status" -ne 0 ]
	has "$output" "not running"
	run rt delete "$ID"
	[ "$status" -ne 0 ]
	has "$output" "not stopped"
	run rt start "$ID"
	[ "$status" -ne 0 ]
	# a signal waits, and the caller does not
	rt kill "$ID" USR1
	kill -USR1 "$(jq .pid "$ROOT/$ID/state.json")"
	sleep 6
	eq "$(ticks)" "$before"
	eq "$(ticks_of_guest)" "$n"
	[ ! -e "$BUNDLE/rootfs/tmp/signals" ]

	rt resume "$ID"
	now=$(date +%s)
	eq "$(status_of "$ID")" running
	eq "$(frozen)" 0
	after=$(ticks_of_guest)
	wait_for "$WAIT_S" has_ticks $((after + 2))
	guest=$(sed -n "$((after + 2))p" "$BUNDLE/rootfs/tmp/ticks")
	[ "$guest" -ge "$now" ] || { echo "the guest says $guest after $now"; return 1; }
	# a timer that made up for the time of the pause would tick many times in one second
	[ "$(uniq -c "$BUNDLE/rootfs/tmp/ticks" | awk '$1 > m {m = $1} END {print m}')" -le 2 ] || { cat "$BUNDLE/rootfs/tmp/ticks"; return 1; }
	[ "$guest" -le "$(date +%s)" ] || { echo "the guest says $guest at $(date +%s)"; return 1; }
	wait_for "$WAIT_S" file_has "$BUNDLE/rootfs/tmp/signals" usr1
}

@test "kill: KILL ends a paused container, and delete --force removes one; one that was created only can be paused, too" {
	sh_bundle 'sleep 1000'
	detach
	rt pause "$ID"
	rt kill "$ID" KILL
	wait_status "$ID" stopped
	run rt resume "$ID"
	[ "$status" -ne 0 ]
	run rt pause "$ID"
	[ "$status" -ne 0 ]
	has "$output" "not running"
	rt delete "$ID"

	sh_bundle 'echo started >/tmp/started'
	rt create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null
	rt pause "$ID"
	eq "$(status_of "$ID")" paused
	rt resume "$ID"
	eq "$(status_of "$ID")" created
	rt start "$ID"
	wait_status "$ID" stopped
	eq "$(cat "$BUNDLE/rootfs/tmp/started")" started
	rt delete "$ID"

	sh_bundle 'sleep 1000'
	detach
	rt pause "$ID"
	rt delete --force "$ID"
	run rt pause "$ID"
	[ "$status" -ne 0 ]
	has "$output" "does not exist"
}

@test "a pause or resume that was killed half-way leaves a container that can be resumed; so does a dead monitor none" {
	vmrunc_only
	sh_bundle 'sleep 1000'
	detach
	local pid
	pid=$(jq .pid "$ROOT/$ID/state.json")
	rt pause "$ID"
	# as after a resume that got no further than the freezer
	if [ "$(frozen)" = 1 ]; then
		thaw "$pid"
		eq "$(status_of "$ID")" paused
		# the monitor runs and its VM stands: a signal is taken at once, KILL included
		rt kill "$ID" USR2
		rt resume "$ID"
		eq "$(status_of "$ID")" running
		# somebody froze the cgroup without a word to the monitor
		freeze "$pid"
		eq "$(status_of "$ID")" paused
		rt resume "$ID"
		eq "$(status_of "$ID")" running
		rt pause "$ID"
		thaw "$pid"
		rt kill "$ID" KILL
		wait_status "$ID" stopped
		rt delete "$ID"
		detach
		pid=$(jq .pid "$ROOT/$ID/state.json")
	else
		rt resume "$ID"
	fi
	kill -KILL "$pid"
	wait_status "$ID" stopped
	for verb in pause resume; do
		run rt "$verb" "$ID"
		[ "$status" -ne 0 ]
	done
}

set_freezer() {
	local dir
	dir=/sys/fs/cgroup/freezer/$(sed -n 's/^[0-9]*:freezer:.//p' "/proc/$1/cgroup")
	if [ -f "$dir/freezer.state" ]; then
		echo "$2" >"$dir/freezer.state"
	else
		echo "$3" >"/sys/fs/cgroup/$(sed -n 's/^0::.//p' "/proc/$1/cgroup")/cgroup.freeze"
	fi
}
freeze() { set_freezer "$1" FROZEN 1; }
thaw() { set_freezer "$1" THAWED 0; }

# PARALLEL=50: as many containers at once.
@test "--cgroup-manager disabled: the monitor alone pauses; containers are created, exec'd, paused and deleted in parallel" {
	vmrunc_only
	local i
	sh_bundle 'trap "exit 0" USR1; while :; do date +%s >>/tmp/ticks; sleep 1; done'
	RT_CMD+=(--cgroup-manager disabled)
	detach
	wait_for "$WAIT_S" has_ticks 1
	rt pause "$ID"
	eq "$(status_of "$ID")" paused
	i=$(ticks_of_guest)
	rt kill "$ID" USR1
	sleep 3
	eq "$(ticks_of_guest)" "$i"
	eq "$(status_of "$ID")" paused
	rt resume "$ID"
	wait_status "$ID" stopped
	rt delete "$ID"
	rt_set

	sh_bundle 'sleep 1000'
	for i in $(seq "${PARALLEL:-4}"); do
		(rt create --bundle "$BUNDLE" "$ID-$i" </dev/null >"$BATS_TEST_TMPDIR/out-$i" 2>&1 && rt start "$ID-$i" &&
			[ "$(rt exec "$ID-$i" sh -c "echo exec-$i")" = "exec-$i" ] && rt pause "$ID-$i" &&
			[ "$(status_of "$ID-$i")" = paused ] && touch "$BATS_TEST_TMPDIR/done-$i"
		rt delete --force "$ID-$i") >>"$BATS_TEST_TMPDIR/out-$i" 2>&1 &
	done
	wait
	for i in $(seq "${PARALLEL:-4}"); do
		[ -e "$BATS_TEST_TMPDIR/done-$i" ] || { echo "container $i was not paused: $(cat "$BATS_TEST_TMPDIR/out-$i")"; return 1; }
	done
	eq "$(rt list -q)" ""
	# two commands at once on one container: one of them wins, and the container is whole
	detach
	rt pause "$ID" >/dev/null 2>&1 &
	rt pause "$ID" >/dev/null 2>&1 &
	rt resume "$ID" >/dev/null 2>&1 || true
	wait
	eq "$(status_of "$ID" | sed s/running/paused/)" paused
	rt delete --force "$ID"
}
