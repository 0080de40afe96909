#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# contrib/install-engine for real: its snippet is put where the engine reads it, and its own check runs a container.
# /etc and /var/lib are covered by tests/engines/run.

load helpers

INSTALL=$BATS_TEST_DIRNAME/../../contrib/install-engine

setup() {
	unset CONTAINERS_CONF CONTAINERS_STORAGE_CONF DOCKER_HOST
}

teardown() {
	local pid
	[ -e "$BATS_TEST_TMPDIR/pid" ] || return 0
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	kill "$pid"
	wait_for 60 gone "$pid"
}

# install_for ENGINE: under bats' run; it must have said that a container ran.
install_for() {
	run "$INSTALL" --program "$ENGINE_RUNTIME" "$1"
	[ "$status" = 0 ] || { echo "$output"; return 1; }
	has "$output" "a container ran on vmrunc"
}

@test "install-engine podman: podman --runtime vmrunc runs a container" {
	mkdir -p /etc/containers
	printf '[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=%s:%s"]\n' "$(nofile_limit)" "$(nofile_limit)" "$(nproc_limit)" "$(nproc_limit)" \
		>/etc/containers/containers.conf
	install_for podman
	eq "$(podman images -q)" ""
	eq "$(podman ps -aq)" ""
	"$INSTALL" --remove podman
	run podman --runtime vmrunc info
	[ "$status" -ne 0 ]
	assert_nothing_left
}

@test "install-engine containerd: without a daemon it says so; then its container runs" {
	run -1 "$INSTALL" --program "$ENGINE_RUNTIME" containerd
	has "$output" "no containerd answers"
	containerd >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	echo $! >"$BATS_TEST_TMPDIR/pid"
	wait_for "$WAIT_S" ctr version >/dev/null 2>&1
	install_for containerd
	eq "$(ctr container list -q)" ""
	"$INSTALL" --remove containerd
	assert_nothing_left
}

@test "install-engine docker: a daemon that does not know the runtime yet; then docker run --runtime vmrunc" {
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR
	run -1 "$INSTALL" --program "$ENGINE_RUNTIME" docker
	has "$output" "no Docker daemon answers"
	dockerd -p "$BATS_TEST_TMPDIR/pid" --storage-driver overlay2 --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent /vmrunc-engines \
		--default-ulimit "nofile=$(nofile_limit):$(nofile_limit)" --bridge none --iptables=false >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	wait_for "$WAIT_S" docker version >/dev/null 2>&1 || { tail "$BATS_TEST_TMPDIR/log"; return 1; }
	install_for docker
	eq "$(docker ps -aq)" ""
	eq "$(docker images -q)" ""
	"$INSTALL" --remove docker
	[ ! -e /etc/docker/daemon.json ]
	assert_nothing_left
}
