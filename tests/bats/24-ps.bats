#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ps: pids on the host for engines, the guest's processes for people.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

@test "ps: the table has ps's columns, json the host's pids; of paused and stopped containers, too" {
	local pid n
	sh_bundle 'sleep 1111 & sleep 2222 & sleep 3333; true'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	pid=$(rt state "$ID" | jq .pid)
	four_processes() { [ "$(rt ps "$ID" | grep -c sleep)" -ge 4 ]; }
	wait_for "$WAIT_S" four_processes # the shell, whose script has the word, and three of them

	eq "$(rt ps --format json "$ID" | jq -c .)" "[$pid]"
	# whoever describes that pid by the host's ps(1), as Docker does, sees what the container was to run
	[ -n "${RUNTIME:-}" ] || eq "$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's/ *$//')" "vmrunc: $ID: sh -c sleep 1111 & sleep 2222 & sleep 3333; true"
	run rt ps "$ID"
	eq "$status" 0
	[[ "${lines[0]}" =~ ^UID\ +PID\ +PPID\ +C\ +STIME\ +TTY\ +TIME\ +CMD$ ]]
	[[ "$output" =~ root\ +[0-9]+\ +[0-9]+\ +[0-9]+\ [0-9:A-Z]+\ \?\ +00:00:[0-9]{2}\ sleep\ 1111 ]]
	has "$output" "sleep 3333"
	run rt ps "$ID" -e -x
	eq "$status" 0
	[[ "${lines[0]}" =~ ^\ +PID\ +TTY\ +STAT\ +TIME\ +COMMAND$ ]]
	run rt ps "$ID" aux
	[[ "${lines[0]}" =~ ^USER\ +PID\ %CPU\ %MEM\ +VSZ\ +RSS\ TTY\ +STAT\ START\ +TIME\ COMMAND$ ]]
	run rt ps "$ID" -o pid,ppid,rss,comm --no-headers
	eq "${#lines[@]}" 4
	eq "$(awk '$3 < 16' <<<"$output")" "" # KiB: what little a process has in memory is counted
	# the shell is the parent of the others
	n=$(rt ps "$ID" -o pid= -o args= | awk '/sh -c/ {print $1}')
	eq "$(rt ps "$ID" -o ppid= -o args= | awk -v n="$n" '$1 == n' | wc -l)" 3

	if [ -z "${RUNTIME:-}" ]; then
		run rt ps "$ID" -o nonsense
		[ "$status" -ne 0 ]
		has "$output" nonsense
		run rt ps "$ID" --ppid 1
		[ "$status" -ne 0 ]
		has "$output" "--ppid"
	fi
	rt pause "$ID"
	eq "$(rt ps --format json "$ID" | jq -c .)" "[$pid]"
	if [ -z "${RUNTIME:-}" ]; then
		run rt ps "$ID"
		[ "$status" -ne 0 ]
		has "$output" "paused"
	fi
	rt resume "$ID"
	rt kill "$ID" KILL
	wait_status "$ID" stopped
	run rt ps "$ID"
	eq "$status" 0
	[[ "${lines[0]}" =~ ^UID\ +PID ]]
	eq "$(rt ps --format json "$ID" | jq -c '. // []')" "[]"
}

@test "ps: what a process calls itself cannot command the terminal" {
	vmrunc_only
	new_bundle '.process.args = ["sh", "-c", "sleep 1000; : x\u001b[31my\nz"]'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	two_processes() { [ "$(rt ps "$ID" -o args= | wc -l)" = 2 ]; }
	wait_for "$WAIT_S" two_processes # the shell and its sleep
	run rt ps "$ID" -o args=
	eq "${#lines[@]}" 2
	hasnt "$output" "$(printf '\033')"
	has "$output" "x [31my z"
}
