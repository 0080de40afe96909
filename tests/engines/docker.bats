#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Docker on vmrunc. dockerd starts a containerd of its own.

load helpers

setup_file() {
	mkdir "$WORK/docker"
	export DOCKER_HOST=unix://$WORK/docker/sock DOCKER_CONFIG=$WORK/docker/config DOCKER_BUILDKIT=0
	start_dockerd
	docker import --change 'ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin' --change 'CMD ["/bin/sh"]' "$WORK/image.tar" bb:latest >/dev/null
}

teardown_file() {
	stop_dockerd
}

teardown() {
	remove_all
}

# BuildKit, which is a part of dockerd, calls no other runtime than the "runc" of its PATH.
start_dockerd() {
	mkdir -p "$WORK/docker/bin"
	ln -sf "$ENGINE_RUNTIME" "$WORK/docker/bin/runc"
	PATH=$WORK/docker/bin:$PATH dockerd --data-root "$WORK/docker/data" --exec-root "$WORK/docker/exec" -p "$WORK/docker/pid" -H "$DOCKER_HOST" \
		--storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent /vmrunc-engines \
		--default-ulimit "nofile=$(nofile_limit):$(nofile_limit)" --add-runtime "tested=$ENGINE_RUNTIME" --default-runtime tested \
		--bridge none --iptables=false --live-restore >>"$WORK/docker/log" 2>&1 3>&- &
	wait_for "$WAIT_S" docker version >/dev/null 2>&1 || { tail "$WORK/docker/log"; return 1; }
}

# stop_dockerd [SIGNAL]
stop_dockerd() {
	local pid
	pid=$(cat "$WORK/docker/pid")
	kill "-${1:-TERM}" "$pid"
	wait_for 60 gone "$pid"
}

remove_all() {
	local ids
	ids=$(docker ps -aq)
	# shellcheck disable=SC2086 # they are words
	[ -z "$ids" ] || docker rm -f $ids >/dev/null
}

# drun OPTION... IMAGE COMMAND...: docker run --rm under bats' run, with stdout and stderr apart. CODE: the wanted status.
drun() {
	run "-${CODE:-0}" --separate-stderr docker run --rm "$@" </dev/null
}

inspect() {
	docker inspect -f "$2" "$1"
}

state_is() {
	[ "$(inspect "$1" '{{.State.Status}}')" = "$2" ]
}

log_has() {
	docker logs "$1" 2>&1 | grep -q -- "$2"
}

@test "run: input, output, exit code, user, limits, volumes, a read-only root" {
	mkdir "$BATS_TEST_TMPDIR/v"
	run -42 --separate-stderr docker run --rm -i --user 1000:1000 -w /tmp -e A=b --hostname host7 --memory 96m --pids-limit 50 \
		--cpus 1.5 --cap-drop all --read-only --ulimit nofile=99:100 --device /dev/zero:/dev/other --security-opt no-new-privileges --tmpfs /scratch -v "$BATS_TEST_TMPDIR/v:/v:ro" -v named:/named bb sh -c '
		read line; echo "$line $(id -u):$(id -g) $PWD $A $(hostname)"; touch /x 2>/dev/null || echo refused; touch /v/x 2>/dev/null || echo v-refused
		echo t >/scratch/t && cat /scratch/t; grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status
		ulimit -n; ulimit -Hn; head -c 3 /dev/other | wc -c
		cd /sys/fs/cgroup; [ -e memory.max ] && cat memory.max pids.max cpu.max || echo 100663296 50 150000 100000; echo to-stderr >&2; exit 42' <<<input
	eq "$(echo $output)" "input 1000:1000 /tmp b host7 refused v-refused t CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 99 100 3 100663296 50 150000 100000"
	eq "$stderr" to-stderr
	CODE=127 drun bb not-there
	has "$stderr" "executable file not found in \$PATH"
	CODE=126 drun bb /etc/passwd
	has "$stderr" "permission denied"
}

@test "run -it: a terminal of the caller's size" {
	run -0 python3 "$CONSOLE" pty 33 77 '' docker run --rm -it bb sh -c "$TTY_SIZE; tty"
	has "$output" "33 77"
}

@test "a container that stays: logs, exec, stop, start, restart policy, daemon's restart" {
	local pid
	docker run -d --name stays --restart on-failure:1 bb sh -c 'sleep 1234 & trap "exit 0" TERM; trap "echo got-usr1" USR1; echo up; while :; do sleep 0.1; done'
	wait_for "$WAIT_S" log_has stays up
	docker kill -s USR1 stays
	wait_for "$WAIT_S" log_has stays got-usr1
	run -7 --separate-stderr docker exec -e X=y -u 1000 stays sh -c 'echo $(id -u) $X; exit 7'
	eq "$output" "1000 y"
	run -0 docker exec -i stays cat <<<through
	eq "$output" through
	run -126 docker exec stays not-there
	has "$output" "executable file not found in \$PATH"
	run -0 python3 "$CONSOLE" pty 22 66 '' docker exec -it stays sh -c "$TTY_SIZE"
	has "$output" "22 66"
	docker exec -d stays sh -c 'echo detached >/tmp/d'
	wait_for "$WAIT_S" docker exec stays grep -q detached /tmp/d
	# top: the container's processes, that of an exec once
	docker exec -d -u 1000 stays sleep 4321
	wait_for "$WAIT_S" top_has stays 'sleep 4321$'
	eq "$(grep -c 'sleep 4321' "$BATS_TEST_TMPDIR/top")" 1
	eq "$(grep -cE '^[0-9]+ +0 +sleep 1234$' "$BATS_TEST_TMPDIR/top")" 1
	eq "$(sed -n 's/^\([0-9]*\) .*sh -c sleep 1234.*/\1/p' "$BATS_TEST_TMPDIR/top")" "$(inspect stays '{{.State.Pid}}')"
	has "$(docker top stays)" "sleep 1234" # of ps -ef
	if [ -z "${RUNTIME:-}" ]; then # nobody stays behind who was there only to be listed
		wait_for "$WAIT_S" gone "$(awk '/ sleep 1234$/ { print $1 }' "$BATS_TEST_TMPDIR/top")"
	fi
	# a daemon that restarts finds its container running
	pid=$(inspect stays '{{.State.Pid}}')
	stop_dockerd
	[ -d "/proc/$pid" ]
	start_dockerd
	eq "$(inspect stays '{{.State.Status}} {{.State.Pid}}')" "running $pid"
	# a monitor that dies is a failure, after which the policy starts the container again
	kill -KILL "$pid"
	wait_for "$WAIT_S" restarted stays
	wait_for "$WAIT_S" state_is stays running
	docker stop -t 60 stays
	eq "$(inspect stays '{{.State.Status}} {{.State.ExitCode}}')" "exited 0"
	docker start stays
	docker update --restart no stays
	docker kill stays
	eq "$(docker wait stays)" 137
	docker rm stays
	assert_nothing_left
}

# top_has NAME REGEX: docker top, which is left in a file, with numbers for users and without blanks at the lines' ends.
top_has() {
	docker top "$1" -o pid,uid,args | sed 's/ *$//' >"$BATS_TEST_TMPDIR/top"
	grep -qE "$2" "$BATS_TEST_TMPDIR/top"
}

restarted() {
	[ "$(inspect "$1" '{{.RestartCount}}')" = 1 ]
}

@test "what a container has written: diff, commit, cp, export; build" {
	docker run --name writes bb sh -c 'echo new >/etc/new; rm -r /home; mkdir -m 700 /d; chown 5:6 /d'
	eq "$(docker diff writes | grep -v -x 'C /etc' | sort | tr '\n' ' ')" "A /d A /etc/new D /home "
	docker commit writes committed >/dev/null
	mkdir "$BATS_TEST_TMPDIR/context"
	printf 'FROM committed\nRUN cat /etc/new && stat -c "%%a %%u:%%g" /d >/built\nCMD cat /built\n' >"$BATS_TEST_TMPDIR/context/Dockerfile"
	run -0 docker build --network none -t built "$BATS_TEST_TMPDIR/context"
	has "$output" new
	drun built
	eq "$output" "700 5:6"
	echo copied >"$BATS_TEST_TMPDIR/f"
	docker cp "$BATS_TEST_TMPDIR/f" writes:/etc/copied
	docker cp writes:/etc/copied "$BATS_TEST_TMPDIR/back"
	eq "$(cat "$BATS_TEST_TMPDIR/back")" copied
	eq "$(docker export writes | tar -xO etc/new)" new
}

healthy_is() {
	[ "$(inspect "$1" '{{.State.Health.Status}}')" = "$2" ]
}

# bats test_tags=long
@test "of a container that runs: health, stats, top, pause, update, cp, restart; OOMKilled" {
	local stats
	docker run -d --name shows --memory 96m --memory-swap 96m --health-cmd 'test -e /healthy' --health-interval 1s --health-retries 1 bb \
		sh -c 'trap "exit 4" TERM; echo up; while :; do sleep 0.1; done'
	wait_for "$WAIT_S" log_has shows up
	wait_for "$WAIT_S" healthy_is shows unhealthy
	docker exec shows touch /healthy
	wait_for "$WAIT_S" healthy_is shows healthy
	stats=$(docker stats --no-stream --format '{{.MemUsage}}' shows)
	[[ $stats =~ ^[1-9][0-9.]*[KkM]iB\ /\ [1-9][0-9.]*MiB$ ]] || { echo "$stats"; return 1; }
	[ "$(docker top shows | wc -l)" -ge 2 ]
	has "$(docker top shows)" "sh -c "
	docker pause shows
	state_is shows paused
	docker unpause shows
	docker update --memory 128m --memory-swap 128m shows >/dev/null
	eq "$(docker exec shows sh -c "$MEMORY_LIMIT")" 134217728
	echo copied >"$BATS_TEST_TMPDIR/f"
	docker cp "$BATS_TEST_TMPDIR/f" shows:/etc/copied
	eq "$(docker exec shows cat /etc/copied)" copied
	docker restart -t 60 shows >/dev/null
	eq "$(docker exec shows cat /etc/copied)" copied
	docker stop -t 60 shows >/dev/null
	eq "$(inspect shows '{{.State.ExitCode}} {{.State.OOMKilled}}')" "4 false"
	run -137 docker run --name oom --memory 64m --memory-swap 64m bb sh -c 'tail /dev/zero; exit $?'
	eq "$(inspect oom '{{.State.OOMKilled}}')" true
}

one_at_once() {
	docker run --rm --name "at-once-$1" bb sh -c "echo $1; exit $1"
}

# bats test_tags=long
@test "twenty containers at once" {
	many_at_once 20 one_at_once
	assert_nothing_left
}

# bats test_tags=long
@test "dockerd is killed in the middle of run, exec, stop, pause and rm" {
	local verb pid
	vmrunc_only # runtime_processes knows no other's
	docker run --name cut bb sleep 1000 >/dev/null 2>&1 </dev/null 3>&- &
	pid=$!
	wait_for "$WAIT_S" something_runs
	stop_dockerd KILL
	wait $pid || true
	start_dockerd
	remove_all
	wait_for "$WAIT_S" nothing_runs
	# the shim has killed the runtime's create, and Docker knows of no task that it could delete: that is left to people
	for pid in $(pgrep -f 'containerd-shim-runc-v2 -namespace moby '); do kill -KILL "$pid"; done
	"$ENGINE_RUNTIME" --root "$WORK/docker/exec/runtime-tested/moby" list -q | while read -r id; do
		"$ENGINE_RUNTIME" --root "$WORK/docker/exec/runtime-tested/moby" delete --force "$id"
	done
	assert_nothing_left
	for verb in "exec cut sleep 1000" "stop -t 60 cut" "pause cut" "rm -f cut" "restart -t 60 cut"; do
		docker run -d --name cut bb sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
		wait_for "$WAIT_S" log_has cut up
		# shellcheck disable=SC2086 # they are words
		docker $verb >/dev/null 2>&1 </dev/null 3>&- &
		pid=$!
		stop_dockerd KILL
		wait $pid || true
		start_dockerd
		docker unpause cut >/dev/null 2>&1 || true
		wait_for "$WAIT_S" remove_all
		eq "$verb: $(docker ps -aq)" "$verb: "
		assert_nothing_left
	done
}

# bats test_tags=long
@test "build with BuildKit: RUN steps, a stage that is copied from" {
	local client=/usr/bin/docker # Debian's, which needs no buildx for it; another may come before it in PATH
	[ -x "$client" ] || client=docker
	mkdir "$BATS_TEST_TMPDIR/context"
	cat >"$BATS_TEST_TMPDIR/context/Dockerfile" <<-'D'
		FROM bb AS first
		RUN echo in-first >/made && chown 5:6 /made
		FROM bb
		COPY --from=first /made /copied
		RUN uname -r >/kernel; id -u; exit 0
		USER 77
		RUN id -u >/tmp/id
		CMD cat /copied /tmp/id /kernel; stat -c %u:%g /copied
	D
	run env DOCKER_BUILDKIT=1 "$client" build --progress plain --network none -t buildkit "$BATS_TEST_TMPDIR/context"
	[ "$status" = 0 ] || { echo "$output"; return 1; }
	drun buildkit
	eq "${lines[0]} ${lines[1]} ${lines[3]}" "in-first 77 5:6"
	# the step ran in a guest, as the container does
	eq "${lines[2]}" "$(docker run --rm bb uname -r)"
	assert_nothing_left
}

# bats test_tags=long
@test "compose: up, exec, logs, a health check that another service waits for, down" {
	command -v docker-compose >/dev/null || skip "docker-compose is not installed: contrib/install-packages engines-long"
	mkdir "$BATS_TEST_TMPDIR/project"
	cat >"$BATS_TEST_TMPDIR/project/docker-compose.yml" <<-'Y'
		services:
		  first:
		    image: bb
		    network_mode: none
		    command: sh -c 'trap "exit 0" TERM; echo first-up; touch /shared/ready; while :; do sleep 0.1; done'
		    volumes: ["shared:/shared"]
		    healthcheck: {test: ["CMD", "test", "-e", "/shared/ready"], interval: 1s, retries: 100}
		  second:
		    image: bb
		    network_mode: none
		    command: sh -c 'trap "exit 0" TERM; ls /shared; while :; do sleep 0.1; done'
		    volumes: ["shared:/shared:ro"]
		    depends_on: {first: {condition: service_healthy}}
		volumes:
		  shared:
	Y
	cd "$BATS_TEST_TMPDIR/project"
	docker-compose up -d
	eq "$(docker-compose exec -T first sh -c 'echo $((6 * 7))')" 42
	wait_for "$WAIT_S" eval 'docker-compose logs second | grep -q ready'
	has "$(docker-compose logs first)" first-up
	eq "$(docker-compose ps -q | wc -l)" 2
	docker-compose down -t 60 -v
	eq "$(docker ps -aq)" ""
	assert_nothing_left
}

@test "nothing is left: processes, cgroups, state, mounts" {
	remove_all
	docker volume rm -f named
	assert_nothing_left
	eq "$(ls -A "$WORK/docker/exec/runtime-tested/moby" 2>/dev/null || true)" ""
}
