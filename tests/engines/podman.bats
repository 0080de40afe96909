#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Podman on vmrunc. Each container is a VM, so each test asks several things of one.

load helpers

setup_file() {
	export CONTAINERS_CONF=$WORK/containers.conf CONTAINERS_STORAGE_CONF=$WORK/storage.conf
	{
		containers_conf 'netns = "none"' "$(podman_dirs '')"
		podman_networks ''
	} >"$CONTAINERS_CONF"
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/containers"\nrunroot = "%s/containers-run"\n' "$WORK" "$WORK" \
		>"$CONTAINERS_STORAGE_CONF"
	podman import -q --change 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin' --change 'CMD ["/bin/sh"]' "$WORK/image.tar" localhost/bb:latest
}

teardown() {
	remove_all
}

# A container that ends at that moment makes it fail.
remove_all() {
	wait_for "$WAIT_S" podman rm -f -t 0 -a >/dev/null 2>&1
}

# prun OPTION... IMAGE COMMAND...: podman run --rm under bats' run, with stdout and stderr apart. CODE: the wanted status.
prun() {
	run "-${CODE:-0}" --separate-stderr podman run --rm "$@" </dev/null
}

state_is() {
	[ "$(podman inspect -f '{{.State.Status}}' "$1")" = "$2" ]
}

log_has() {
	podman logs "$1" 2>&1 | grep -q -- "$2"
}

@test "run: output, error output and input apart; user, directory, environment, hostname" {
	run --separate-stderr podman run --rm -i --user 1000:1000 --workdir /tmp --env A=b --hostname host7 localhost/bb \
		sh -c 'read line; echo "$line $(id -u):$(id -g) $PWD $A $(hostname) $HOME"; echo to-stderr >&2; exit 42' <<<input
	eq "$status" 42
	eq "$output" "input 1000:1000 /tmp b host7 /home"
	eq "$stderr" to-stderr
}

@test "run: a program that is missing is 127, one that cannot be executed 126" {
	CODE=127 prun localhost/bb /not/there
	has "$stderr" "no such file or directory"
	CODE=127 prun localhost/bb not-there
	has "$stderr" "executable file not found in \$PATH"
	CODE=126 prun localhost/bb /etc/passwd
	has "$stderr" "permission denied"
}

@test "run: limits, capabilities, privileges" {
	prun --memory 96m --cpus 1.5 --pids-limit 50 --ulimit nofile=99:100 --ulimit "nproc=$(nproc_limit)" --cap-drop all --cap-add chown --cap-add kill \
		--security-opt no-new-privileges --shm-size 5m --sysctl net.ipv4.ip_forward=1 --oom-score-adj 300 localhost/bb sh -c '
		cd /sys/fs/cgroup; [ -e memory.max ] && cat memory.max pids.max cpu.max || echo 100663296 50 150000 100000
		ulimit -n; ulimit -Hn; grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status
		dd if=/dev/zero of=/dev/shm/f bs=1M count=7 2>/dev/null; stat -c %s /dev/shm/f; cat /proc/sys/net/ipv4/ip_forward /proc/self/oom_score_adj'
	eq "$status" 0
	eq "$(echo $output)" "100663296 50 150000 100000 99 100 CapBnd: 0000000000000021 NoNewPrivs: 1 Seccomp: 2 5242880 1 300"
	eq "$stderr" ""
}

@test "run: volumes, files, tmpfs, a read-only root" {
	mkdir -p "$BATS_TEST_TMPDIR"/{dir,ro,owned}
	echo from-host >"$BATS_TEST_TMPDIR/ro/file"
	echo one >"$BATS_TEST_TMPDIR/one"
	prun --read-only --tmpfs /scratch:size=1m -v "$BATS_TEST_TMPDIR/dir:/dir:z" -v "$BATS_TEST_TMPDIR/ro:/ro:ro" \
		-v "$BATS_TEST_TMPDIR/one:/etc/one" -v named:/named -v "$BATS_TEST_TMPDIR/owned:/owned:U" --user 1000:1000 --group-add 0 localhost/bb sh -c '
		touch /x 2>/dev/null || echo root-refused; touch /ro/x 2>/dev/null || echo ro-refused; cat /ro/file /etc/one
		echo in-tmpfs >/scratch/f && cat /scratch/f; touch /owned/mine && stat -c %u:%g /owned/mine; grep -c " /named " /proc/self/mounts; cat /etc/hostname | wc -l'
	eq "$status" 0
	eq "$(echo $output)" "root-refused ro-refused from-host one in-tmpfs 1000:1000 1 0"
	eq "$(stat -c %u:%g "$BATS_TEST_TMPDIR/owned/mine")" 1000:1000
	# what one container leaves in a volume the host and the next container see
	prun -v "$BATS_TEST_TMPDIR/dir:/dir" -v named:/named localhost/bb sh -c 'echo left >/dir/f; chmod 640 /dir/f; chown 7:8 /dir/f; ln -s f /dir/l; echo kept >/named/f'
	eq "$status" 0
	eq "$(cat "$BATS_TEST_TMPDIR/dir/l") $(stat -c '%a %u:%g' "$BATS_TEST_TMPDIR/dir/f")" "left 640 7:8"
	eq "$(cat "$WORK/containers/volumes/named/_data/f")" kept
}

@test "run -t: a terminal of the caller's size" {
	run python3 "$CONSOLE" pty 33 77 '' podman run --rm -it localhost/bb sh -c "$TTY_SIZE; tty"
	eq "$status" 0
	has "$output" "33 77"
	has "$output" /dev/pts/0
}

@test "a container that stays: logs, inspect, exec, kill, wait, start again, rm" {
	podman run -d --name stays localhost/bb sh -c 'trap "echo got-usr1" USR1; trap "echo ends; exit 3" TERM; echo up; echo err >&2; n=0; while :; do sleep 0.1; done'
	wait_for "$WAIT_S" log_has stays up
	eq "$(podman inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.OCIRuntime}}' stays)" "running 0 tested"
	eq "$(podman logs stays 2>/dev/null)" up
	podman kill -s USR1 stays
	wait_for "$WAIT_S" log_has stays got-usr1
	run --separate-stderr podman exec --user 1000 -e X=y -w /tmp stays sh -c 'echo $(id -u) $X $PWD; exit 5'
	eq "$status $output" "5 1000 y /tmp"
	run podman exec -i stays cat <<<through
	eq "$status $output" "0 through"
	run -127 podman exec stays not-there
	has "$output" "executable file not found in \$PATH"
	run -126 podman exec stays /etc
	run python3 "$CONSOLE" pty 22 66 '' podman exec -it stays sh -c "$TTY_SIZE"
	eq "$status" 0
	has "$output" "22 66"
	podman exec -d stays sh -c 'echo detached >/tmp/d'
	wait_for "$WAIT_S" podman exec stays grep -q detached /tmp/d
	run podman rm stays
	[ "$status" -ne 0 ] # it runs
	podman stop -t 60 stays
	eq "$(podman wait stays) $(podman inspect -f '{{.State.Status}} {{.State.ExitCode}}' stays)" "3 exited 3"
	has "$(podman logs stays 2>&1)" ends
	podman start stays
	wait_for "$WAIT_S" state_is stays running
	podman kill stays
	eq "$(podman wait stays)" 137
	podman rm stays
	assert_nothing_left
}

@test "what a container has written: diff, commit, export, cp" {
	podman run --name writes localhost/bb sh -c 'echo new >/etc/new; echo more:x:9:9::/:/bin/sh >>/etc/passwd; rm -r /home; mkdir -m 700 /d; chown 5:6 /d; ln /etc/new /d/hard'
	eq "$(podman diff writes | grep -v -E '^C /(etc|run)$|^A /run' | sort | tr '\n' ' ')" "A /d A /d/hard A /etc/new C /etc/passwd D /home "
	podman commit -q writes localhost/committed
	prun localhost/committed sh -c 'cat /d/hard; stat -c "%a %u:%g" /d; tail -n 1 /etc/passwd; test -e /home || echo gone'
	eq "$status $(echo $output)" "0 new 700 5:6 more:x:9:9::/:/bin/sh gone"
	eq "$(podman export writes | tar -xO d/hard)" new
	echo copied >"$BATS_TEST_TMPDIR/f"
	podman cp "$BATS_TEST_TMPDIR/f" writes:/etc/copied
	podman cp writes:/etc/copied "$BATS_TEST_TMPDIR/back"
	eq "$(cat "$BATS_TEST_TMPDIR/back")" copied
}

@test "build: RUN steps, whose output has nothing but theirs" {
	mkdir "$BATS_TEST_TMPDIR/context"
	cat >"$BATS_TEST_TMPDIR/context/Containerfile" <<-'C'
		FROM localhost/bb
		COPY file /copied
		RUN cat /copied && echo step-one && echo built:x:77:77::/:/bin/sh >>/etc/passwd
		USER built
		WORKDIR /work
		RUN id -u >/tmp/id; exit 0
		CMD cat /tmp/id; pwd
	C
	echo in-context >"$BATS_TEST_TMPDIR/context/file"
	run podman build --network none --runtime "$ENGINE_RUNTIME" -t localhost/built "$BATS_TEST_TMPDIR/context"
	[ "$status" = 0 ] || { echo "$output"; return 1; }
	has "$output" "in-context"
	has "$output" "step-one"
	hasnt "$output" warning
	prun localhost/built
	eq "$status $(echo $output)" "0 77 /work"
}

@test "play kube: a pod of one container, each a VM" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-'Y'
		apiVersion: v1
		kind: Pod
		metadata: {name: kp}
		spec:
		  hostname: kubehost
		  containers:
		  - name: c
		    image: localhost/bb:latest
		    command: ["sh", "-c", "hostname; echo $GREETING; sleep 1000"]
		    env: [{name: GREETING, value: hello}]
		    resources: {limits: {memory: 128Mi}}
	Y
	podman import -q --change 'ENTRYPOINT ["/bin/sleep", "1000000"]' "$WORK/image.tar" \
		"localhost/podman-pause:$(podman version -f '{{.Version}}')-$(podman version -f '{{.Built}}')"
	podman play kube --network none "$BATS_TEST_TMPDIR/pod.yaml"
	wait_for "$WAIT_S" log_has kp-c hello
	has "$(podman logs kp-c)" kubehost
	eq "$(podman pod inspect -f '{{.State}}' kp)" Running
	podman play kube --down "$BATS_TEST_TMPDIR/pod.yaml"
	eq "$(podman ps -aq)" ""
}

@test "run: --init, --privileged, --device, a user namespace" {
	CODE=6 prun --init localhost/bb sh -c 'tr "\0" " " </proc/1/cmdline; sleep 0.1 & exit 6'
	has "$output" podman-init
	prun --privileged --device /dev/fuse localhost/bb sh -c 'grep CapBnd /proc/self/status; (exec 3<>/dev/fuse) && echo fuse; mount -t tmpfs t /tmp && echo mounted'
	eq "$status" 0
	has "$(echo $output)" "fuse mounted"
	prun --uidmap 0:100000:65536 localhost/bb sh -c 'cat /proc/self/uid_map; touch /etc/x && stat -c %u /etc/x'
	eq "$status $(echo $output)" "0 0 100000 65536 0"
}

@test "stop right after start: with --init, and of a program that does not handle TERM" {
	podman run -d --name init --init localhost/bb sleep 1000
	podman stop -t 60 init
	eq "$(podman inspect -f '{{.State.ExitCode}}' init)" 143
	podman run -d --name deaf localhost/bb sleep 1000
	podman stop -t 1 deaf
	eq "$(podman inspect -f '{{.State.ExitCode}}' deaf)" 137
}

# top_of CONTAINER DESCRIPTOR...: what `podman top` says, its heading apart, with one blank between columns.
top_of() {
	podman top "$@" | sed 1d | tr -s ' \t' ' ' | sed 's/ $//'
}

top_has() {
	[ "$(top_of "$1" args | grep -c "$2")" = "$3" ]
}

@test "top: the container's processes, with those of exec, by each descriptor; a user namespace" {
	local d
	podman run -d --name tops --user 1000:1000 --cap-drop all --cap-add chown localhost/bb sh -c 'sleep 1111 & sleep 2222; true'
	wait_for "$WAIT_S" top_has tops sleep 3
	podman exec -d --user 0 tops sleep 3333
	wait_for "$WAIT_S" top_has tops "sleep 3333" 1
	eq "$(podman top tops | head -n 1 | tr -s ' ')" "USER PID PPID %CPU ELAPSED TTY TIME COMMAND"
	eq "$(top_of tops ppid,user,group,args)" "$(printf '%s\n' "0 user user sh -c sleep 1111 & sleep 2222; true" "1 user user sleep 1111" "1 user user sleep 2222" "0 root root sleep 3333")"
	eq "$(top_of tops pid,pgid,comm | head -n 3 | tr '\n' ' ')" "1 1 sh 2 1 sleep 3 1 sleep "
	eq "$(top_of tops capbnd,capeff,capprm,seccomp,state,nice,tty,time,ruser,rgroup | head -n 1)" "CHOWN CHOWN CHOWN filter S 0 ? 0s user user"
	[[ $(top_of tops pcpu,etime,stime | head -n 1) =~ ^[0-9]+\.[0-9]{3}\ ([0-9]+m)?[0-9]+(\.[0-9]+)?m?s\ $(date -u +%Y-%m-) ]]
	eq "$(top_of tops rss,vsz | awk '$1 < 100 || $2 < $1')" ""
	d=args,capamb,capbnd,capeff,capinh,capprm,comm,etime,group,groups,hgroup,hgroups,hpid,huser,label,nice,pcpu,pgid,pid,ppid,rgroup,rss,ruser,seccomp,state,stime,time,tty,user,vsz
	eq "$(podman top tops "$d" | wc -l)" 5
	if [ -z "${RUNTIME:-}" ]; then # on the host the monitor stands for the first process, and nothing for the others
		eq "$(top_of tops hpid,huser | tr '\n' ' ')" "$(podman inspect -f '{{.State.Pid}}' tops) root ? ? ? ? ? ? "
	fi
	podman exec -d -t tops sleep 5555
	wait_for "$WAIT_S" top_has tops "sleep 5555" 1
	eq "$(top_of tops tty,user,args | tail -n 1)" "pts/0 user sleep 5555"
	podman run -d --name mapped --uidmap 0:100000:65536 --gidmap 0:200000:65536 --user 1000:1000 localhost/bb sleep 4444
	wait_for "$WAIT_S" top_has mapped "sleep 4444" 1
	eq "$(top_of mapped pid,user,group,args)" "1 user user sleep 4444"
	podman rm -f -t 0 tops mapped
}

# guest_limit CONTAINER: the memory limit that its processes see.
guest_limit() {
	podman exec "$1" sh -c "$MEMORY_LIMIT"
}

# bats test_tags=long
@test "of a container that runs: stats, health, pause, update, restart, checkpoint, attach" {
	local stats
	podman run -d -i --name shows --memory 96m --health-cmd 'test -e /healthy' --health-interval disable localhost/bb \
		sh -c 'echo up; while read line; do echo "got $line"; done; exit 4'
	wait_for "$WAIT_S" log_has shows up
	has "$(podman top shows -o pid,args)" "1 sh -c echo up; while read line" # by ps(1) in the container
	stats=$(podman stats --no-stream --format json shows)
	[[ $(jq -r '.[0].mem_usage' <<<"$stats") =~ ^[1-9][0-9.]*[kM]B\ /\ [1-9][0-9.]*MB$ ]] || { echo "$stats"; return 1; }
	[ "$(jq -r '.[0].pids' <<<"$stats")" -ge 1 ]
	run -1 podman healthcheck run shows
	podman exec shows touch /healthy
	podman healthcheck run shows
	podman pause shows
	state_is shows paused
	run podman exec shows true
	[ "$status" -ne 0 ]
	podman unpause shows
	state_is shows running
	podman update --memory 128m shows
	eq "$(guest_limit shows)" 134217728
	run podman container checkpoint shows
	[ "$status" -ne 0 ]
	has "${output,,}" checkpoint
	state_is shows running
	podman restart -t 1 shows
	wait_for "$WAIT_S" state_is shows running
	eq "$(podman exec shows cat /healthy && echo kept)" kept
	podman attach shows <<<hello >"$BATS_TEST_TMPDIR/attached" # ends with its input, and so does the container's loop
	eq "$(podman wait shows)" 4
	file_has "$BATS_TEST_TMPDIR/attached" "got hello"
}

# bats test_tags=long
@test "run: --systemd=always; a container that runs out of memory" {
	CODE=137 prun --memory 64m localhost/bb tail /dev/zero
	prun --systemd=always localhost/bb sh -c 'echo $container; touch /run/x /tmp/x && echo writable
		cd /sys/fs/cgroup; [ ! -d systemd ] || cd systemd; mkdir sub && echo cgroup'
	eq "$status $(echo $output)" "0 podman writable cgroup"
	eq "$stderr" ""
}

# bats test_tags=long
@test "killed: Podman while a container is made, conmon of one that runs" {
	local pid conmon
	vmrunc_only # runtime_processes knows no other's
	podman run --rm --name cut localhost/bb sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
	pid=$!
	wait_for "$WAIT_S" something_runs
	kill -KILL "$pid"
	wait "$pid" || true
	remove_all
	assert_nothing_left
	podman run -d --name orphan localhost/bb sleep 1000
	conmon=$(cat "$(podman inspect -f '{{.ConmonPidFile}}' orphan)")
	kill -KILL "$conmon"
	wait_for "$WAIT_S" gone "$conmon"
	remove_all
	wait_for 30 nothing_runs
	# Podman has not heard of the end, and asks no runtime to delete: what is left goes with a delete by hand
	"$ENGINE_RUNTIME" list -q | while read -r id; do "$ENGINE_RUNTIME" delete "$id"; done
	assert_nothing_left
}

one_at_once() {
	podman run --rm --name "at-once-$1" localhost/bb sh -c "echo $1; exit $1"
}

@test "five containers at once" {
	many_at_once 5 one_at_once
}

# bats test_tags=long
@test "twenty containers at once" {
	many_at_once 20 one_at_once
	assert_nothing_left
}

# bats test_tags=long
@test "killed: Podman in the middle of each verb, after which the container can be removed" {
	local verb
	vmrunc_only # runtime_processes knows no other's
	for verb in "exec cut sleep 1000" "exec -d cut sleep 1000" "kill -s USR1 cut" "stop -t 60 cut" "pause cut" "update --memory 128m cut" "restart -t 60 cut" "rm -f -t 60 cut" "commit --pause cut localhost/cut"; do
		podman run -d --name cut localhost/bb sh -c 'trap "exit 0" TERM; trap : USR1; echo up; while :; do sleep 0.1; done'
		wait_for "$WAIT_S" log_has cut up
		# shellcheck disable=SC2086 # they are words
		cut_off podman $verb
		[ "$verb" != "pause cut" ] || podman unpause cut 2>/dev/null || true
		remove_all
		eq "$verb: $(podman ps -aq)" "$verb: "
		assert_nothing_left
	done
}

# bats test_tags=long
@test "run: --sdnotify=container relays the message of the container's process" {
	vmrunc_only
	python3 "$BATS_TEST_DIRNAME/../sockets/host.py" datagrams "$BATS_TEST_TMPDIR/sock" >"$BATS_TEST_TMPDIR/said" 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/pid"
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/said" ready
	NOTIFY_SOCKET=$BATS_TEST_TMPDIR/sock podman run -d --name notifies --sdnotify=container -v "$BATS_TEST_DIRNAME/../../build/tests/sockets/peer:/peer:ro" \
		localhost/bb sh -c '/peer send "$NOTIFY_SOCKET" READY=1; exec sleep 1000'
	wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/said" READY=1
	kill "$(cat "$BATS_TEST_TMPDIR/pid")"
	file_has "$BATS_TEST_TMPDIR/said" MAINPID=
}

new_text() {
	[ "$(podman exec reads cat /etc/cached)" = "version two" ]
}

# bats test_tags=long
@test "cp: over a file that the container has read, and below a directory that it has listed" {
	podman run -d --name reads localhost/bb sh -c 'echo one >/etc/cached; mkdir /d; sync; exec sleep 1000'
	wait_for "$WAIT_S" podman exec reads test -d /d
	eq "$(podman exec reads sh -c 'cat /etc/cached; ls /d')" one
	echo "version two" >"$BATS_TEST_TMPDIR/cached"
	podman cp "$BATS_TEST_TMPDIR/cached" reads:/d/new
	podman cp "$BATS_TEST_TMPDIR/cached" reads:/etc/cached
	podman cp reads:/etc/cached "$BATS_TEST_TMPDIR/back"
	eq "$(cat "$BATS_TEST_TMPDIR/back")" "version two"
	[ "${VMRUNC_ENGINE:-qemu}" != qemu ] || [ -n "${RUNTIME:-}" ] || skip "QEMU's server of files tells the guest of nothing (README.md, Limits)"
	wait_for "$WAIT_S" new_text
	wait_for "$WAIT_S" podman exec reads grep -q two /d/new
}

@test "cp: into a tmpfs and out of it" {
	podman run -d --name tmp --tmpfs /t localhost/bb sh -c 'mkdir /t/d; echo inside >/t/d/a; exec sleep 1000'
	wait_for "$WAIT_S" podman exec tmp test -s /t/d/a
	mkdir "$BATS_TEST_TMPDIR/dir"
	echo copied >"$BATS_TEST_TMPDIR/dir/f"
	chmod 640 "$BATS_TEST_TMPDIR/dir/f"
	podman cp "$BATS_TEST_TMPDIR/dir/f" tmp:/t/
	podman cp "$BATS_TEST_TMPDIR/dir" tmp:/t/d/new
	podman cp tmp:/t/d "$BATS_TEST_TMPDIR/back"
	eq "$(cat "$BATS_TEST_TMPDIR/back/a" "$BATS_TEST_TMPDIR/back/new/f")" "inside
copied"
	eq "$(podman exec tmp sh -c 'cat /t/f /t/d/new/f; stat -c %a /t/f')" "copied
copied
640"
}

@test "nothing is left: processes, cgroups, state, mounts" {
	vmrunc_only # runc leaves a pod's cgroup in the hierarchy of systemd
	remove_all
	podman volume rm -f named
	assert_nothing_left
}
