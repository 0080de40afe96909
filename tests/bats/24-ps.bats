#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ps: pids on the host for engines, the guest's processes for people.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() {
	common_teardown
	[ -z "${USER_DIR:-}" ] || rm -rf --one-file-system "$USER_DIR"
}

@test "ps: the table has ps's columns, json the host's pids; of paused and stopped containers, too" {
	local pid n
	sh_bundle 'sleep 1111 & sleep 2222 & sleep 3333; true'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	pid=$(rt state "$ID" | jq .pid)
	four_processes() { [ "$(rt ps "$ID" | grep -c sleep)" -ge 4 ]; }
	wait_for "$WAIT_S" four_processes # the shell, whose script has the word, and three of them

	eq "$(rt ps --format json "$ID" | jq -c '[length, .[0]]')" "[4,$pid]"
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
	eq "$(rt ps --format json "$ID" | jq -c '.[0]')" "$pid"
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

# on_host COLUMNS: the host's ps(1) of the pids that ps --format json gives; listed: these pids, one a line.
on_host() {
	rt ps --format json "$ID" | jq '.[]' >"$BATS_TEST_TMPDIR/pids"
	ps -o "$1" -q "$(paste -sd, "$BATS_TEST_TMPDIR/pids")"
}
listed() { cat "$BATS_TEST_TMPDIR/pids"; }
count_of() { grep -cx -- "$1" || true; }
none_lives() {
	local p
	for p in $1; do ! kill -0 "$p" 2>/dev/null || return 1; done
}

@test "ps --format json: somebody on the host stands for each process of the guest, for some seconds" {
	vmrunc_only
	local pid fg before shown n
	sh_bundle 'sleep 1111 & sh -c "sleep 2222; true" & wait' '.process.user = {uid: 1234, gid: 2345}'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	pid=$(rt state "$ID" | jq .pid)
	four_processes() { [ "$(rt ps "$ID" -o args= | grep -c '^s')" = 4 ]; }
	wait_for "$WAIT_S" four_processes
	shown=$(on_host pid=,ppid=,uid=,gid=,comm=,args=)
	eq "$(listed | head -n 1)" "$pid"
	eq "$(wc -l <<<"$shown")" 4
	eq "$(grep -Ec ' 1234 +2345 sleep +sleep 1111 *$' <<<"$shown")" 1
	# of two that are made at once one is the other's parent, as in the guest
	n=$(awk '$5 == "sh" && $3 == 1234 {print $1}' <<<"$shown")
	eq "$(awk -v n="$n" '$2 == n {print $6, $7}' <<<"$shown")" "sleep 2222"
	has "$(cat "/proc/$n/status")" "CapEff:	0000000000000000"
	eq "$(find "/proc/$n/fd" -lname /dev/null | wc -l)" 3
	# what stands is not made again
	before=$(listed)
	on_host pid= >/dev/null
	eq "$(listed)" "$before"

	# exec: what holds a detached one is its only one; one in the foreground has a stand-in
	rt exec --detach "$ID" sleep 3333
	"${RT_CMD[@]}" exec "$ID" sleep 4444 </dev/null >/dev/null 2>&1 3>&- &
	fg=$!
	fg_listed() { shown=$(on_host args= | sed 's/ *$//') && [ "$(count_of 'sleep 4444' <<<"$shown")" = 1 ]; }
	wait_for "$WAIT_S" fg_listed
	eq "$(wc -l <<<"$shown")" 6
	eq "$(grep -c 'sleep 3333' <<<"$shown")" 1
	eq "$(count_of "vmrunc: $ID: exec: sleep 3333" <<<"$shown")" 1
	# one whose process has ended goes with the next ps
	n=$(on_host pid=,args= | awk '$2 == "sleep" && $3 == 4444 {print $1}')
	kill -KILL $fg
	wait $fg || true
	fg_gone() { on_host args= >/dev/null; ! listed | grep -qx "$n"; }
	wait_for "$WAIT_S" fg_gone
	wait_for "$WAIT_S" none_lives "$n"

	# in a frozen container nobody is asked, and nobody stays behind
	rt pause "$ID"
	eq "$(rt ps --format json "$ID" | jq -c '[length, .[0]]')" "[2,$pid]"
	wait_for "$WAIT_S" none_lives "$(tail -n +2 <<<"$before")"
	rt resume "$ID"

	# there are bounds: the list is right, and says on stderr that more are there
	rt exec --user 0 "$ID" sh -c 'i=0; while [ $i -lt 600 ]; do sleep 5555 & i=$((i + 1)); done' >/dev/null
	rt ps --format json "$ID" >"$BATS_TEST_TMPDIR/json" 2>"$BATS_TEST_TMPDIR/err"
	eq "$(jq -c '[length, (unique | length), .[0]]' "$BATS_TEST_TMPDIR/json")" "[514,514,$pid]"
	has "$(cat "$BATS_TEST_TMPDIR/err")" "processes that are not listed"
	before=$(jq '.[]' "$BATS_TEST_TMPDIR/json")
	eq "$(rt state "$ID" | jq -r .status)" running
	# they go with the container
	rt kill "$ID" KILL
	wait_status "$ID" stopped
	wait_for "$WAIT_S" none_lives "$before"
	rt delete "$ID"
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

# proc_of PID WHAT...: what engines find below /proc in the mount namespace of the container's process (procview.py).
proc_of() {
	python3 "$BATS_TEST_DIRNAME/procview.py" "$@"
}

@test "ps: a process with thousands of groups is still its user's" {
	vmrunc_only
	sh_bundle 'exec sleep 1234' '.process.user = {uid: 4242, gid: 4243, additionalGids: [range(3000) + 100000]}'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	eq "$(rt ps "$ID" -o uid= | tr -d ' ')" 4242
}

@test "the /proc in the mount namespace of the container's pid has the container's processes" {
	local pid want same reader
	vmrunc_only
	[ -c /dev/fuse ] || cannot "there is no /dev/fuse"
	sh_bundle 'sleep 1111 & sleep 2222; sleep 3333; true'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	pid=$(rt state "$ID" | jq .pid)
	listed() { [ "$(proc_of "$pid" list | grep -c sleep)" = 3 ]; }
	wait_for "$WAIT_S" listed
	rt exec --detach --user 1000:1000 "$ID" sleep 4444
	# the numbers and the words are those that the container itself has
	want=$(rt exec "$ID" sh -c 'for p in /proc/[0-9]*; do [ "$p" = "/proc/$$" ] || echo "${p#/proc/} $(tr "\0" " " <"$p/cmdline")"; done' | grep -v " sh -c for" | sort -n)
	eq "$(proc_of "$pid" list | sort -n)" "$want"
	pid_of() { awk -v words="$1" 'index($0, words) {print $1; exit}' <<<"$want"; }
	# so is what stat and status say, of what does not change
	same='^(Name|State|Tgid|Pid|PPid|Uid|Gid|Groups|NSsid|Threads|Cap...|NoNewPrivs|Seccomp):'
	eq "$(proc_of "$pid" cat "$(pid_of "sleep 4444")/status" | grep -E "$same" | tr -s ' \t' ' ')" \
		"$(rt exec "$ID" cat "/proc/$(pid_of "sleep 4444")/status" | grep -E "$same" | tr -s ' \t' ' ')"
	eq "$(proc_of "$pid" cat "$(pid_of "sleep 1111")/stat" | cut -d' ' -f1-7,18-20,23)" \
		"$(rt exec "$ID" cut -d' ' -f1-7,18-20,23 "/proc/$(pid_of "sleep 1111")/stat")"
	# read-only, harmless, and nothing of the host's beside it
	has "$(cat "/proc/$pid/mountinfo")" " /proc ro,nosuid,nodev,noexec"
	has "$(cat "/proc/$pid/mountinfo")" " - fuse vmrunc "
	run proc_of "$pid" cat self/status
	[ "$status" -ne 0 ]
	run proc_of "$pid" write 1/comm
	has "$output" "Read-only file system"

	# a paused container's monitor is frozen: whoever reads waits until it goes on, or is killed
	rt pause "$ID"
	python3 "$BATS_TEST_DIRNAME/procview.py" "$pid" list 3>&- &
	reader=$!
	waits() { [[ $(cat "/proc/$reader/wchan") == request_wait* ]]; }
	wait_for "$WAIT_S" waits
	kill -KILL "$reader"
	wait "$reader" || true
	proc_of "$pid" list >"$BATS_TEST_TMPDIR/later" 3>&- &
	reader=$!
	rt resume "$ID"
	wait "$reader"
	eq "$(sort -n "$BATS_TEST_TMPDIR/later")" "$want"
	rt kill "$ID" KILL
	wait_status "$ID" stopped
}

@test "without FUSE the /proc in that mount namespace has the monitor, and the container runs" {
	local pid
	vmrunc_only
	new_bundle '.process.args = ["sleep", "1000"]'
	unshare -m sh -c 'mount --bind /dev/null /dev/fuse && exec "$@"' sh "${RT_CMD[@]}" run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	pid=$(rt state "$ID" | jq .pid)
	file_has "$ROOT/$ID/guest.log" "vmrunc: engines see none of the container's processes: cannot make a FUSE file system"
	has "$(proc_of "$pid" list)" "1 vmrunc: $ID: sleep 1000"
}

@test "a user who has nothing but his own id runs a container, where everybody may open /dev/fuse" {
	local user=4711
	vmrunc_only
	[ -c /dev/fuse ] || cannot "there is no /dev/fuse"
	USER_DIR=$(mktemp -d /var/tmp/vmrunc-user.XXXXXX)
	cp "$VMRUNC" "$USER_DIR/vmrunc"
	cp -a "$ROOTFS_TEMPLATE" "$USER_DIR/rootfs"
	(cd "$USER_DIR" && ./vmrunc spec --rootless)
	jq --argjson user "$user" '.process.terminal = false | .process.args = ["sh", "-c", "echo $(id -u) $(cat /proc/self/uid_map); touch /f; exit 7"] | .root.readonly = false
		| .linux.uidMappings = [{containerID: 0, hostID: $user, size: 1}] | .linux.gidMappings = .linux.uidMappings' "$USER_DIR/config.json" >"$USER_DIR/new"
	mv "$USER_DIR/new" "$USER_DIR/config.json"
	mknod -m 666 "$USER_DIR/fuse" c 10 229
	chown -R "$user:$user" "$USER_DIR"
	# the device as udev leaves it
	run -7 --separate-stderr timeout "$((2 * WAIT_S))" unshare -m sh -c 'mount --bind "$0/fuse" /dev/fuse && exec "$@"' "$USER_DIR" \
		env -i -C "$USER_DIR" PATH="$PATH" HOME="$USER_DIR" XDG_RUNTIME_DIR="$USER_DIR" setpriv --reuid "$user" --regid "$user" --clear-groups \
		./vmrunc --root "$USER_DIR/state" "${RT_CMD[@]:3}" run "$ID" </dev/null
	eq "$output" "0 0 $user 1"
	eq "$(stat -c %u "$USER_DIR/rootfs/f") $(ls -A "$USER_DIR/state")" "$user "
}
