#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What `exec` promises: one more process in a container, its streams, its exit code, and what stands for it on the host.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() {
	[ ! -S "$BATS_TEST_TMPDIR/tmux" ] || tm kill-server # of a test that has failed
	common_teardown
}

# A container that sleeps.
running() {
	sh_bundle 'trap "exit 7" TERM; while :; do sleep 1000 & wait $!; done'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/run.out" 2>&1
}



# bats test_tags=kvm
@test "exec: streams, exit codes, signals, arguments, environment, user, directory" {
	running
	run -5 --separate-stderr rt exec "$ID" sh -c 'echo out; echo err >&2; exit 5'
	eq "$output" out
	eq "${stderr:-}" err
	run -143 rt exec "$ID" sh -c 'kill -TERM $$'
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	eq "$(rt exec "$ID" sha256sum <"$BATS_TEST_TMPDIR/in")" "$(sha256sum <"$BATS_TEST_TMPDIR/in")"
	eq "$(rt exec "$ID" head -c 5000000 /dev/zero | wc -c)" 5000000
	# options end at the ID, and what follows is the command's
	run -0 rt exec --cwd /tmp -e A=1 --env B=2 -e A=3 --user 1000:1001 -g 7 --additional-gids 8 "$ID" sh -c \
		'pwd; echo $A$B$HOME; id -u; id -g; id -G; echo "$@"' -- -x --tty
	eq "$output" "$(printf '/tmp\n32/home\n1000\n1001\n1001 7 8\n-x --tty')"
	# descriptors beside the standard streams
	if [ -z "${RUNTIME:-}" ]; then
		echo from-three >"$BATS_TEST_TMPDIR/three"
		run -0 bash -c '"$@" 3<'"$BATS_TEST_TMPDIR/three 4>$BATS_TEST_TMPDIR/four" - "${RT_CMD[@]}" exec --preserve-fds 2 "$ID" \
			sh -c 'read x <&3; echo "$x back" >&4'
		wait_for "$WAIT_S" test -s "$BATS_TEST_TMPDIR/four"
		eq "$(cat "$BATS_TEST_TMPDIR/four")" "from-three back"
	fi
	run -0 rt exec --pid-file "$BATS_TEST_TMPDIR/pid" "$ID" true
	[ "$(cat "$BATS_TEST_TMPDIR/pid")" -gt 1 ]
	run -255 rt exec --pid-file "$BATS_TEST_TMPDIR/no/pid" "$ID" sleep 1000
	# it is in the container: pid 1 is the container's, and so are mounts and names
	run -0 rt exec "$ID" sh -c 'tr "\0" " " </proc/1/cmdline; hostname; ls /proc | grep -c "^[0-9]*$"'
	has "$output" "trap"
	has "$output" vmrunc-test
	rt kill "$ID" TERM
}

# engine NAME ARGS...: rt exec --detach ARGS by an engine, in the background, until the process runs.
engine() {
	local at=$BATS_TEST_TMPDIR/$1
	shift
	python3 "$BATS_TEST_DIRNAME/engine.py" "$at.pid" "$at" "${RT_CMD[@]}" exec --detach --pid-file "$at.pid" "$@" &
	wait_for "$WAIT_S" either "$at.running" "$at"
}
either() { [ -e "$1" ] || [ -e "$2" ]; }

# ended NAME: waits until the engine has seen the process's end, and prints what it has found.
ended() {
	wait_for "$WAIT_S" test -e "$BATS_TEST_TMPDIR/$1"
	cat "$BATS_TEST_TMPDIR/$1"
}

# code_of PID: waits for a background job, in this shell, since bats' run would be another one: $code is its exit status.
code_of() {
	code=0
	wait "$1" || code=$?
}

# guest_process N: whether a process of the container is "sleep N".
guest_process() {
	rt exec "$ID" sh -c "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -q '[s]leep $1'"
}
no_guest_process() { ! guest_process "$1"; }

@test "exec --detach: a process of its own stands for the guest's, with its code, its output and its signals" {
	vmrunc_only
	local pid
	running
	engine a "$ID" sh -c 'head -c 60000 /dev/zero | tr "\0" x; echo oops >&2; exit 9'
	eq "$(ended a | grep -v '^out')" "$(printf 'rc 0\nnewline no\nmine yes\nsession yes\ncode 9\nerr 5 yes oops\nleak none')"
	has "$(ended a)" "out 60000 yes"
	# one that ends before anybody looks
	engine b "$ID" true
	has "$(ended b)" "code 0"
	# it is in the container's cgroup, keeps nothing, may nothing, and is small
	engine c "$ID" sh -c 'trap "exit 11" USR1; while :; do sleep 0.2; done'
	pid=$(cat "$BATS_TEST_TMPDIR/c.pid")
	[ -z "${VMRUNC_CGROUPS:-}" ] || eq "$(cat "/proc/$pid/cgroup")" "$(cat "/proc/$(rt state "$ID" | jq .pid)/cgroup")"
	eq "$(readlink "/proc/$pid/cwd")" /
	eq "$(grep -E '^(CapEff|CapPrm|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr -d '\t' | sort | tr '\n' ' ')" \
		"CapEff:0000000000000000 CapPrm:0000000000000000 NoNewPrivs:1 Seccomp:2 "
	find "/proc/$pid/fd" -type l -printf "%l\n" | sort >"$BATS_TEST_TMPDIR/fds"
	eq "$(grep -c . "$BATS_TEST_TMPDIR/fds")" 5
	eq "$(grep -vc -e ^/dev/null -e '^anon_inode:\[signalfd\]' "$BATS_TEST_TMPDIR/fds")" 1 # the connection
	[ "$(awk '/^Private_(Dirty|Clean)/ && $1 ~ /Dirty/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")" -le 1024 ]
	kill -USR1 "$pid"
	has "$(ended c)" "code 11"
	# if it is killed, the guest's process is; and so it is with one in the foreground
	engine d "$ID" sleep 4321
	kill -KILL "$(cat "$BATS_TEST_TMPDIR/d.pid")"
	wait_for "$WAIT_S" no_guest_process 4321
	"${RT_CMD[@]}" exec "$ID" sleep 4322 & # not by a function, whose shell would stand between
	pid=$!
	wait_for "$WAIT_S" guest_process 4322
	kill -KILL "$pid"
	wait_for "$WAIT_S" no_guest_process 4322
	# and if the container ends, they do
	engine e "$ID" sleep 4323
	"${RT_CMD[@]}" exec "$ID" sleep 4324 &
	pid=$!
	wait_for "$WAIT_S" guest_process 4324
	rt delete --force "$ID"
	has "$(ended e)" "code 137"
	code_of "$pid"
	eq "$code" 137
}

@test "exec: every signal reaches the process, and every signal to the monitor's pid the init" {
	vmrunc_only
	local traps pid s wanted
	traps='for s in $(seq 1 64); do trap "echo got-$s >>/tmp/$F" $s 2>/dev/null; done; echo >/tmp/$F.ready; while :; do sleep 0.1; done'
	wanted=$(for s in $(seq 1 64); do case $s in 9 | 19 | 32 | 33) ;; *) echo "got-$s" ;; esac; done | sort)
	sh_bundle "F=init; $traps"
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	engine a -e F=exec "$ID" sh -c "$traps"
	pid=$(cat "$BATS_TEST_TMPDIR/a.pid")
	for s in init exec; do
		wait_for "$WAIT_S" test -e "$BUNDLE/rootfs/tmp/$s.ready"
	done
	for s in $wanted; do
		kill "-${s#got-}" "$pid"
		kill "-${s#got-}" "$(rt state "$ID" | jq .pid)"
		[ "$s" = got-18 ] || continue
		# a signal that stops, such as those that follow, takes a SIGCONT away that has not been taken yet (POSIX, 2.4.1)
		wait_for "$WAIT_S" file_has "$BUNDLE/rootfs/tmp/exec" "$s"
		wait_for "$WAIT_S" file_has "$BUNDLE/rootfs/tmp/init" "$s"
	done
	wait_for "$WAIT_S" all_seen "$BUNDLE/rootfs/tmp/exec" "$wanted"
	wait_for "$WAIT_S" all_seen "$BUNDLE/rootfs/tmp/init" "$wanted"
	# those that libc keeps for itself: nobody can trap them here, so they are deadly there, but not for a pid 1
	kill -33 "$pid"
	has "$(ended a)" "code 161"
	kill -32 "$(rt state "$ID" | jq .pid)"
	kill -33 "$(rt state "$ID" | jq .pid)"
	rt exec "$ID" true
}
all_seen() { [ "$(sort -u "$1" 2>/dev/null)" = "$2" ]; }

@test "exec: what cannot be is told in runc's words, and leaves nothing" {
	sh_bundle 'sleep 1000'
	run -255 rt exec "$ID" true
	has "$output" "does not exist"
	rt create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run -0 rt exec "$ID" sh -c 'echo in a created one' # runc allows it
	eq "$output" "in a created one"
	rt start "$ID"
	run -255 rt exec "$ID"
	has "$output" "process args cannot be empty"
	run -255 rt exec "$ID" nosuch
	has "$output" 'exec: "nosuch": executable file not found in $PATH'
	run -255 rt exec "$ID" /no/such
	has "$output" 'no such file or directory'
	run -255 rt exec "$ID" /etc/passwd
	has "$output" 'permission denied'
	run -255 rt exec --cwd /none "$ID" true
	has "$output" '/none'
	run -255 rt exec --user x "$ID" true
	has "$output" '--user'
	run -255 rt exec -t --detach "$ID" true
	has "$output" "cannot allocate tty if"
	run -255 rt exec --console-socket "$BATS_TEST_TMPDIR/none" "$ID" true
	has "$output" "cannot use console socket if"
	vmrunc_only
	run -0 --separate-stderr rt --log-level warning exec --cap CAP_NONE --cap CAP_KILL "$ID" echo went
	eq "$output" went
	has "${stderr:-}" '"CAP_NONE" is an unknown capability, ignored'
	run -255 bash -c '"$@" 3</tmp' - "${RT_CMD[@]}" exec --preserve-fds 1 "$ID" true
	has "$output" "descriptor 3 is a directory"
	run -255 rt exec --preserve-fds x "$ID" true
	has "$output" "preserve-fds"
	run -255 rt exec --cgroup none "$ID" true
	has "$output" 'cgroup "none"'
	# detached: no pid-file, nobody who stands for anything, no process in the guest
	run -255 rt exec --detach --pid-file "$BATS_TEST_TMPDIR/pid" "$ID" nosuch
	has "$output" 'executable file not found in $PATH'
	[ ! -e "$BATS_TEST_TMPDIR/pid" ]
	run -255 rt exec --detach --pid-file "$BATS_TEST_TMPDIR/no/pid" "$ID" sleep 4325
	has "$output" "--pid-file"
	wait_for "$WAIT_S" no_guest_process 4325
	run -255 rt exec -t --detach --console-socket "$BATS_TEST_TMPDIR/none" "$ID" true
	has "$output" "--console-socket"
	python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$BATS_TEST_TMPDIR/refuses"
	run -255 rt exec -t --detach --console-socket "$BATS_TEST_TMPDIR/refuses" "$ID" true
	has "$output" "Connection refused"
	# one that is closed while the master is on its way: an error, or a process that its terminal's end ends
	python3 -c 'import socket,sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1); s.accept()[0].close()' "$BATS_TEST_TMPDIR/closes" &
	wait_for "$WAIT_S" test -S "$BATS_TEST_TMPDIR/closes"
	run rt exec -t --detach --console-socket "$BATS_TEST_TMPDIR/closes" "$ID" sleep 4329
	[ "$status" = 0 ] || { eq "$status" 255; has "$output" "--console-socket"; }
	wait_for "$WAIT_S" no_guest_process 4329
	wait_for "$WAIT_S" nobody_stands
	# a paused one, and one in which it is to wait until that is resumed
	rt pause "$ID"
	run -255 rt exec "$ID" true
	has "$output" "cannot exec in a paused container (use --ignore-paused to override)"
	"${RT_CMD[@]}" exec --ignore-paused "$ID" sh -c 'exit 21' &
	local pid=$!
	sleep 0.2 # it would have ended by now; if not, it has not been tried yet, which is no failure either
	kill -0 "$pid"
	rt resume "$ID"
	code_of "$pid"
	eq "$code" 21
	rt kill "$ID" KILL
	wait_status "$ID" stopped
	run -255 rt exec "$ID" true
	has "$output" "cannot exec in a stopped container"
}

# Whether no process stands for a detached exec.
nobody_stands() { [ "$(pgrep -cf "vmrunc: $ID: exec")" = 0 ]; }

@test "exec --process: what process.json says and leaves out, and one that is broken" {
	local p=$BATS_TEST_TMPDIR/process.json bad
	running
	jq '.process' "$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/base.json"
	# capabilities and limits of the config where the file has none
	jq -n '{args: ["sh", "-c", "ulimit -n; grep CapBnd /proc/self/status; echo $A; pwd; id -u; umask; exit 3"],
		env: ["PATH=/bin", "A=b"], cwd: "/tmp", user: {uid: 5, gid: 6}}' >"$p"
	run -3 rt exec --process "$p" "$ID"
	eq "$output" "$(printf '1024\nCapBnd:\t0000000020000420\nb\n/tmp\n5\n0022')"
	jq -n '{args: ["sh", "-c", "ulimit -n; grep -E \"Cap(Bnd|Eff|Amb)|NoNew\" /proc/self/status; cat /proc/self/oom_score_adj"],
		env: ["PATH=/bin"], cwd: "/", user: {uid: 0, gid: 0}, noNewPrivileges: false, oomScoreAdj: 77,
		rlimits: [{type: "RLIMIT_NOFILE", soft: 99, hard: 100}],
		capabilities: {bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"]}}' >"$p"
	run -0 rt exec -p "$p" "$ID"
	eq "$output" "$(printf '99\nCapEff:\t0000000000000020\nCapBnd:\t0000000000000020\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\n77')"
	run -0 rt exec --cap CAP_CHOWN --no-new-privs "$ID" grep -E 'CapBnd|CapEff|NoNew' /proc/self/status
	eq "$output" "$(printf 'CapEff:\t0000000020000421\nCapBnd:\t0000000020000421\nNoNewPrivs:\t1')"
	run -0 rt exec --no-new-privs=false "$ID" grep NoNew /proc/self/status
	eq "$output" "$(printf 'NoNewPrivs:\t0')"
	vmrunc_only
	run -0 rt exec -p <(jq '.args = ["grep", "Cpus_allowed_list", "/proc/self/status"] | .execCPUAffinity = {initial: "0"}' "$BATS_TEST_TMPDIR/base.json") "$ID"
	has "$output" "0"
	for bad in '.args = []' 'del(.cwd)' '.cwd = "rel"' '.user.uid = -1' '.user.uid = "x"' '.env = ["=x"]' '.env = "A=1"' \
		'.rlimits = [{type: "RLIMIT_X", soft: 1, hard: 1}]' '.rlimits[0].soft = 4096' '.oomScoreAdj = 5000' \
		'.execCPUAffinity = {initial: "x"}' '.terminal = "yes"' '.consoleSize = {height: -1, width: 1}' \
		'.scheduler = {policy: "SCHED_NONE"}' '.ioPriority = {class: "x", priority: 1}'; do
		jq "$bad" "$BATS_TEST_TMPDIR/base.json" >"$p"
		run -255 rt exec --process "$p" "$ID"
		has "$output" "$p"
		has "$output" "process."
	done
	for bad in '' '[' '[]' '"x"' '{"args": ["true"], "cwd": "/"'; do
		printf '%s' "$bad" >"$p"
		run -255 rt exec --process "$p" "$ID"
		has "$output" "$p"
	done
	run -255 rt exec --process "$BATS_TEST_TMPDIR/none" "$ID"
	has "$output" "No such file or directory"
}

# heap_kib PID: the memory that its allocator holds, less what is not touched.
heap_kib() {
	awk '/^[0-9a-f]+-/ { heap = /\[heap\]/ } heap && $1 == "Rss:" { n += $2 } END { print n + 0 }' "/proc/$1/smaps"
}

# EXEC_MANY=300 EXEC_ROW=1000: a longer run of the same.
has_fds() { [ "$(ls "/proc/$1/fd" | wc -l)" -eq "$2" ]; }

@test "exec: many at once and one after the other; slow and vanished readers; the monitor does not grow" {
	vmrunc_only
	local i pid fds heap n=${EXEC_MANY:-60}
	running
	pid=$(rt state "$ID" | jq .pid)
	# the server of files keeps a descriptor of each name that the guest knows
	for i in sh cat echo yes true; do rt exec "$ID" "$i" </dev/null | head -n 1; done
	fds=$(ls "/proc/$pid/fd" | wc -l)
	for i in $(seq 1 "$n"); do
		"${RT_CMD[@]}" exec "$ID" sh -c "read x; echo \$x; exit $((i % 100))" <<<"word $i" >"$BATS_TEST_TMPDIR/o.$i" 2>&1 &
		echo $! >"$BATS_TEST_TMPDIR/p.$i"
	done
	for i in $(seq 1 "$n"); do
		code_of "$(cat "$BATS_TEST_TMPDIR/p.$i")"
		eq "$code" $((i % 100))
		eq "$(cat "$BATS_TEST_TMPDIR/o.$i")" "word $i"
	done
	# nobody reads this one, and it delays no other
	mkfifo "$BATS_TEST_TMPDIR/slow"
	"${RT_CMD[@]}" exec "$ID" cat /dev/zero >"$BATS_TEST_TMPDIR/slow" &
	i=$!
	exec 7<"$BATS_TEST_TMPDIR/slow"
	eq "$(rt exec "$ID" echo past)" past
	exec 7<&-
	code_of "$i"
	eq "$code" 141 # SIGPIPE, as on the host
	eq "$(rt exec "$ID" yes | head -n 1)" y
	run -0 --separate-stderr bash -c '"$@" </dev/null >/dev/full; true' - "${RT_CMD[@]}" exec "$ID" echo lost
	has "${stderr:-}" "standard output cannot be written"
	heap=$(heap_kib "$pid")
	for i in $(seq 1 "${EXEC_ROW:-10}"); do rt exec "$ID" true; done
	wait_for "$WAIT_S" has_fds "$pid" "$fds" # what lost its reader ends a moment later
	[ "$(heap_kib "$pid")" -le $((heap + 256)) ]
	# what the caller leaks is not the monitor's
	eq "$(find "/proc/$pid/fd" -lname "$BATS_TEST_TMPDIR/slow")" ""
	engine a "$ID" sleep 4326
	kill -KILL "$pid"
	has "$(ended a)" "code 137"
	run -255 rt exec "$ID" true
	has "$output" "cannot exec in a stopped container"
}

# bats test_tags=kvm
@test "exec: the agent killed in the middle of execs: each ends as killed, the container is stopped, delete cleans up" {
	vmrunc_only
	local pid
	# without a pid namespace the agent is pid 1 for a process, and its code can be overwritten
	sh_bundle 'sleep 1000' '.linux.namespaces |= map(select(.type != "pid"))
		| .process.capabilities |= map_values(. + ["CAP_SYS_PTRACE","CAP_DAC_OVERRIDE","CAP_SYS_ADMIN"])'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	engine a "$ID" sleep 4327
	eq "$(pgrep -cf "^vmrunc: $ID: exec: sleep 4327")" 1 # who lists the host's processes sees what runs
	"${RT_CMD[@]}" exec "$ID" sh -c 'echo begun; sleep 4328' >"$BATS_TEST_TMPDIR/fg" 2>&1 &
	pid=$!
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/fg" begun
	run -137 rt exec "$ID" sh -c 'a=$(sed -n "/r-xp/{s/-.*//p;q}" /proc/1/maps)
		dd if=/dev/zero of=/proc/1/mem bs=4096 count=16 conv=notrunc seek=$((0x$a / 4096)) 2>/dev/null; sleep 1000'
	rt kill "$ID" 0 2>/dev/null || true # wakes an agent that sleeps in a system call
	wait_status "$ID" stopped
	has "$(ended a)" "code 137"
	code_of "$pid"
	eq "$code" 137
	eq "$(cat "$BATS_TEST_TMPDIR/fg")" begun
	run -255 rt exec "$ID" true
	has "$output" "cannot exec in a stopped container"
	eq "$(pgrep -cf "vmrunc: $ID: exec")" 0
	has "$(cat "$ROOT/$ID/guest.log")" panic
	rt delete "$ID"
}

# --- terminals ---

# in_tmux COMMAND...: runs it in a window of 100 x 30 of a tmux of this test's own.
in_tmux() {
	printf '%q ' "$@" >"$BATS_TEST_TMPDIR/cmd"
	# the shell stays, so that the terminal's modes can be asked for when the command has ended
	tm new-session -d -x 100 -y 30 "sh -i" ';' set-option -g status off 3>&- # its server stays, and bats waits for who has 3
	tm send-keys "stty -a >$BATS_TEST_TMPDIR/before; sh $BATS_TEST_TMPDIR/cmd; echo \"code=\$?\"; stty -a >$BATS_TEST_TMPDIR/after" Enter
}
tm() { tmux -f /dev/null -S "$BATS_TEST_TMPDIR/tmux" "$@"; }
screen_has() { tm capture-pane -p | grep -q -- "$1"; }
modes() { sed '1d' "$BATS_TEST_TMPDIR/$1"; } # the first line has the size

# bats test_tags=kvm
@test "exec -t in a terminal: an editor, a new size, Ctrl-C, Ctrl-Z, job control; its modes are restored, also by SIGTERM and a dead monitor" {
	vmrunc_only
	command -v tmux >/dev/null || { cannot "no tmux"; return; }
	local pid
	running
	in_tmux "${RT_CMD[@]}" exec -t "$ID" sh
	wait_for "$WAIT_S" screen_has '/ #'
	tm send-keys 'stty size; tty' Enter
	wait_for "$WAIT_S" screen_has '30 100'
	wait_for "$WAIT_S" screen_has '/dev/pts/'
	# vi of busybox: text goes in, is seen where it belongs, and is in the file
	tm send-keys 'vi /tmp/text' Enter
	wait_for "$WAIT_S" screen_has '^~'
	tm send-keys 'ifirst line' Enter 'second line' Escape
	wait_for "$WAIT_S" screen_has '^second line'
	tm resize-window -x 80 -y 24
	tm send-keys ':wq' Enter
	wait_for "$WAIT_S" test -s "$BUNDLE/rootfs/tmp/text"
	eq "$(cat "$BUNDLE/rootfs/tmp/text")" "$(printf 'first line\nsecond line')"
	tm send-keys 'clear; stty size' Enter
	wait_for "$WAIT_S" screen_has '24 80'
	# the keys of job control are the guest's
	tm send-keys 'sleep 1000' Enter
	wait_for "$WAIT_S" guest_process 1000
	tm send-keys C-z
	wait_for "$WAIT_S" screen_has Stopped
	tm send-keys 'fg' Enter
	wait_for "$WAIT_S" interrupted
	wait_for "$WAIT_S" settled
	tm send-keys 'exit 7' Enter
	wait_for "$WAIT_S" screen_has code=7
	wait_for "$WAIT_S" test -s "$BATS_TEST_TMPDIR/after"
	eq "$(modes after)" "$(modes before)"
	# stopped from outside, the terminal is as it was, and raw again afterwards
	once_more 1
	kill -TSTP "$pid"
	wait_for "$WAIT_S" cooked "$pid"
	kill -CONT "$pid"
	wait_for "$WAIT_S" raw "$pid"
	# a signal is the process's, whose end is ours
	tm send-keys 'trap "exit 5" TERM; echo set-$((1 + 1))' Enter
	wait_for "$WAIT_S" screen_has set-2
	kill -TERM "$pid"
	tm send-keys Enter
	wait_for "$WAIT_S" screen_has code=5
	wait_for "$WAIT_S" test -s "$BATS_TEST_TMPDIR/after"
	eq "$(modes after)" "$(modes before)"
	# and the monitor's death is no other end
	once_more 2
	kill -KILL "$(rt state "$ID" | jq .pid)"
	wait_for "$WAIT_S" screen_has code=137
	wait_for "$WAIT_S" test -s "$BATS_TEST_TMPDIR/after"
	eq "$(modes after)" "$(modes before)"
	tm kill-server
}
# interrupted: presses Ctrl-C, which may come before the shell has put its job in front, and asks the shell for a word.
interrupted() {
	tm send-keys C-c
	tm send-keys 'echo after-$((40 + 2))' Enter
	screen_has after-42
}
# settled: asks the shell for a word until it says it: it has taken each Ctrl-C from before then, which would take a line away that is typed meanwhile.
settled() {
	tm send-keys 'echo settled-$((1 + 1))' Enter
	screen_has settled-2
}
# once_more N: the exec again, in the same terminal; pid is its process when its shell has said a word. Of the prompt nothing
# can be told: the screen may still show the one of the exec before.
once_more() {
	rm "$BATS_TEST_TMPDIR/after"
	tm send-keys "clear; sh $BATS_TEST_TMPDIR/cmd; echo \"code=\$?\"; stty -a >$BATS_TEST_TMPDIR/after" Enter
	wait_for "$WAIT_S" taken_over
	tm send-keys "echo again-\$((40 + $1))" Enter
	wait_for "$WAIT_S" screen_has "again-4$1"
}
# taken_over: an exec has the terminal; pid is its process.
taken_over() {
	pid=$(pgrep -f "exec -t $ID sh" | tail -n 1)
	[ -n "$pid" ] && raw "$pid"
}
cooked() { stty -a <"$(readlink "/proc/$1/fd/0")" | grep -q ' icanon'; }
raw() { stty -a <"$(readlink "/proc/$1/fd/0")" | grep -q -e -icanon; }

@test "exec --tty: into a pipe without CR, by a console socket, a size from the engine and from the file, a hang-up" {
	vmrunc_only
	local pid console=$BATS_TEST_DIRNAME/console.py s=$BATS_TEST_TMPDIR/s
	running
	run -4 bash -c '"$@" </dev/null | od -c | head -n 1; exit ${PIPESTATUS[0]}' - "${RT_CMD[@]}" exec -t "$ID" sh -c 'echo line; exit 4'
	has "$output" 'l   i   n   e  \n'
	# the engine sets the size when it has the master, before or after the process begins
	python3 "$console" socket "$s" 40 100 'typed\r' >"$BATS_TEST_TMPDIR/out" 2>&1 &
	pid=$!
	wait_for "$WAIT_S" test -S "$s"
	engine a --tty --console-socket "$s" "$ID" sh -c \
		'tty; until [ "$(stty size)" = "40 100" ]; do sleep 0.1; done; echo ready; read l; echo "got $l"; exit 6'
	has "$(ended a)" "code 6"
	wait "$pid"
	file_has "$BATS_TEST_TMPDIR/out" "got typed"
	file_has "$BATS_TEST_TMPDIR/out" /dev/pts
	# one that ends at once has sent its master, too, and all that it has said comes
	rm "$s"
	python3 "$console" socket "$s" 24 80 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	pid=$!
	wait_for "$WAIT_S" test -S "$s"
	engine b --tty --console-socket "$s" "$ID" echo bye
	has "$(ended b)" "code 0"
	wait "$pid"
	file_has "$BATS_TEST_TMPDIR/out" bye
	# the size of process.json, and a master that is closed: the process gets SIGHUP
	rm "$s"
	mkfifo "$BATS_TEST_TMPDIR/hold"
	jq '.process | .terminal = true | .consoleSize = {height: 50, width: 120}
		| .args = ["sh", "-c", "stty size >/tmp/size; trap \"exit 12\" HUP; while :; do sleep 0.1; done"]' \
		"$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/p.json"
	python3 -c 'import array, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1)
c = s.accept()[0]
c.recvmsg(100, 100)
sys.stdin.readline()' "$s" <"$BATS_TEST_TMPDIR/hold" &
	pid=$!
	exec 7>"$BATS_TEST_TMPDIR/hold"
	wait_for "$WAIT_S" test -S "$s"
	engine c --process "$BATS_TEST_TMPDIR/p.json" --console-socket "$s" "$ID" 7>&- # or it would keep the pipe
	wait_for "$WAIT_S" test -s "$BUNDLE/rootfs/tmp/size"
	eq "$(cat "$BUNDLE/rootfs/tmp/size")" "50 120"
	exec 7>&-
	wait "$pid"
	has "$(ended c)" "code 12"
	# the caller's own terminal hangs up: the process gets SIGHUP, and its end is the caller's
	run python3 -c 'import os, pty, sys, time
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
os.close(master)
print("code", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$BUNDLE/rootfs/tmp/up" "${RT_CMD[@]}" exec -t "$ID" \
		sh -c 'trap "exit 13" HUP; echo >/tmp/up; while :; do sleep 0.1; done'
	eq "$output" "code 13"
}

@test "exec: --pid-file has a pid that takes signals, --pidfd-socket a descriptor of it; create's is the monitor's" {
	vmrunc_only
	sh_bundle 'trap "exit 7" TERM; while :; do sleep 0.05; done'
	local dir=$BATS_TEST_TMPDIR receive='import array, os, signal, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)
_, a, _, _ = s.accept()[0].recvmsg(64, socket.CMSG_SPACE(4))
fd = array.array("i", a[0][2])[0]
pid = [l.split()[1] for l in open(f"/proc/self/fdinfo/{fd}") if l.startswith("Pid:")][0]
print(pid, flush=True)
sys.stdin.read()
signal.pidfd_send_signal(fd, signal.SIGTERM)'
	mkfifo "$dir/go"
	python3 -c "$receive" "$dir/sock" <"$dir/go" >"$dir/pidfd" &
	exec 7>"$dir/go"
	wait_for "$WAIT_S" test -S "$dir/sock"
	rt create --pidfd-socket "$dir/sock" --pid-file "$dir/pid" --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	rt start "$ID"
	eq "$(cat "$dir/pidfd")" "$(cat "$dir/pid")"
	run -0 rt exec --pid-file "$dir/exec" "$ID" echo there
	eq "$output" there
	[[ $(cat "$dir/exec") =~ ^[0-9]+$ ]]
	run -255 rt exec --pid-file "$dir/none/exec" "$ID" true
	has "$output" "--pid-file: cannot write"
	run -255 rt exec -d --pidfd-socket "$dir/none" "$ID" sleep 1000
	has "$output" "--pidfd-socket: cannot connect"
	exec 7>&-
	wait_status "$ID" stopped
	rt delete "$ID"
}

# As systemd does, which hands the controllers down from the cgroup that it has left; a process there would make that fail.
@test "exec: into the cgroup that the container's init has gone to" {
	vmrunc_only
	sh_bundle 'mkdir /sys/fs/cgroup/own && echo $$ >/sys/fs/cgroup/own/cgroup.procs && : >/tmp/up; while :; do sleep 0.1; done' \
		'.linux.namespaces += [{type: "cgroup"}] | .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup"}]'
	rt run --detach --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/run.out" 2>&1
	wait_for "$WAIT_S" rt exec "$ID" test -e /tmp/up
	run -0 rt exec "$ID" sh -c 'cat /proc/self/cgroup; echo +pids >/sys/fs/cgroup/cgroup.subtree_control && cat /sys/fs/cgroup/own/pids.max'
	eq "$(echo $output)" "0::/own max"
	run -0 rt exec "$ID" cat /proc/self/cgroup
	eq "$output" "0::/own"
}
