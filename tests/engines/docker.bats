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

start_dockerd() {
	dockerd --data-root "$WORK/docker/data" --exec-root "$WORK/docker/exec" -p "$WORK/docker/pid" -H "$DOCKER_HOST" \
		--storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent /vmrunc-engines \
		--default-ulimit "nofile=$(nofile_limit):$(nofile_limit)" --add-runtime "tested=$ENGINE_RUNTIME" --default-runtime tested \
		--bridge none --iptables=false --live-restore >>"$WORK/docker/log" 2>&1 3>&- &
	wait_for "$WAIT_S" docker version >/dev/null 2>&1 || { tail "$WORK/docker/log"; return 1; }
}

stop_dockerd() {
	local pid
	pid=$(cat "$WORK/docker/pid")
	kill "$pid"
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
		--cpus 1.5 --cap-drop all --read-only --tmpfs /scratch -v "$BATS_TEST_TMPDIR/v:/v:ro" -v named:/named bb sh -c '
		read line; echo "$line $(id -u):$(id -g) $PWD $A $(hostname)"; touch /x 2>/dev/null || echo refused; touch /v/x 2>/dev/null || echo v-refused
		echo t >/scratch/t && cat /scratch/t; grep -E "^(CapBnd|Seccomp):" /proc/self/status
		cd /sys/fs/cgroup; [ -e memory.max ] && cat memory.max pids.max cpu.max || echo 100663296 50 150000 100000; echo to-stderr >&2; exit 42' <<<input
	eq "$(echo $output)" "input 1000:1000 /tmp b host7 refused v-refused t CapBnd: 0000000000000000 Seccomp: 2 100663296 50 150000 100000"
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
	docker run -d --name stays --restart on-failure:1 bb sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done'
	wait_for "$WAIT_S" log_has stays up
	run -7 --separate-stderr docker exec -e X=y -u 1000 stays sh -c 'echo $(id -u) $X; exit 7'
	eq "$output" "1000 y"
	run -0 docker exec -i stays cat <<<through
	eq "$output" through
	run -126 docker exec stays not-there
	has "$output" "executable file not found in \$PATH"
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
	docker rm stays
	assert_nothing_left
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

@test "nothing is left: processes, cgroups, state, mounts" {
	remove_all
	docker volume rm -f named
	assert_nothing_left
	eq "$(ls -A "$WORK/docker/exec/runtime-tested/moby" 2>/dev/null || true)" ""
}
