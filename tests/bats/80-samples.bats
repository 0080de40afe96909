#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Configurations as Podman, Docker, containerd and its CRI plugin really write them (tests/samples): each creates, runs
# its process and gives its exit code back. Replaced is only what names things of the machine that they come from:
# root file systems, bind sources, hooks, namespaces, and the place of the cgroup.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() {
	[ -z "${HOLDER:-}" ] || kill "$HOLDER" 2>/dev/null || true # the namespaces go with it
	common_teardown
}

# A process in namespaces of its own for configs that join some: $NSPID. It ends with the test, also if that is killed.
make_namespaces() {
	setpriv --pdeathsig KILL unshare --net --ipc --uts --pid --fork --kill-child sleep 10000 3>&- >/dev/null 2>&1 &
	HOLDER=$!
	wait_for "$WAIT_S" pgrep -P "$HOLDER" sleep >/dev/null
	NSPID=$(pgrep -P "$HOLDER" sleep)
}

# sample NAME: $BUNDLE of this sample.
sample() {
	local file=$BATS_TEST_DIRNAME/../samples/$1.config.json source destination i=0
	NSPID=
	if jq -e '[.linux.namespaces[].path // empty] | length > 0' "$file" >/dev/null; then
		make_namespaces
	fi
	new_bundle
	printf '#!/bin/sh\nexec sleep 1000\n' >"$BUNDLE/rootfs/catatonit"
	chmod 755 "$BUNDLE/rootfs/catatonit"
	jq --arg id "$ID" --arg sources "$BUNDLE/sources" --arg nspid "$NSPID" '
		.root.path = "rootfs"
		| .linux.cgroupsPath |= "/\($id)/" + ltrimstr("/")
		| .linux.namespaces |= map(if .path then .path = "/proc/\($nspid)/ns/\({network: "net"}[.type] // .type)" else . end)
		| if .hooks then .hooks[] |= map(.path = "/bin/cat" | .args = ["cat"]) else . end
		| .mounts |= [to_entries[] | if .value.type == "bind" then .value.source = "\($sources)/\(.key)" + "/" + (.value.source | split("/") | last) else . end | .value]
	' "$file" >"$BUNDLE/config.json"
	while IFS=$'\t' read -r source destination; do
		mkdir -p "$(dirname "$source")"
		case $destination in
		/etc/* | /run/.containerenv) echo "content of $destination" >"$source" ;;
		*) mkdir -p "$source" ;;
		esac
	done < <(jq -r '.mounts[] | select(.type == "bind") | [.source, .destination] | @tsv' "$BUNDLE/config.json")
	# if the container's root is another user on the host, the files belong to that user
	i=$(jq -r '.linux.uidMappings[0].hostID // empty' "$BUNDLE/config.json")
	[ -z "$i" ] || chown -hR "$i:$i" "$BUNDLE/rootfs" "$BUNDLE/sources"
}

# ends NAME STATUS [TEXT...]: the sample's process ends by itself, and its output has each TEXT.
ends() {
	local text wanted=$2
	sample "$1"
	run_c
	eq "$status" "$wanted"
	for text in "${@:3}"; do
		has "$output" "$text"
	done
}

# runs_on NAME SIGNAL STATUS: the sample's process runs until it gets the signal.
runs_on() {
	local pid status=0
	sample "$1"
	rt run --bundle "$BUNDLE" "$ID" </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	wait_status "$ID" running || { cat "$BATS_TEST_TMPDIR/err"; return 1; }
	[ -z "${4:-}" ] || wait_for "$WAIT_S" file_has "$BATS_TEST_TMPDIR/out" "$4"
	rt kill "$ID" "$2"
	wait $pid || status=$?
	eq "$status" "$3" || { cat "$BATS_TEST_TMPDIR/err"; return 1; }
}

@test "podman run" { ends podman-run 0 hi; }
# bats test_tags=kvm
@test "podman run with limits" { ends podman-run-limits 0 0::/; }
@test "podman run --read-only with volumes and a tmpfs" { ends podman-run-mounts-readonly 0 "on / type 9p (ro" "on /mnt type 9p (ro" "on /vol type 9p (rw"; }
@test "podman run --privileged: the devices of a whole machine" { ends podman-run-privileged 0 CapBnd; }
@test "podman run, made for the systemd cgroup manager" { ends podman-run-systemd-cgroup 0; }
@test "podman run --uidmap" {
	ends podman-run-userns 0
	eq "$(echo $output)" "0 100000 65536"
}
@test "podman run -t" {
	sample podman-run-tty
	run python3 "$BATS_TEST_DIRNAME/console.py" pty 33 77 '' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 0
	has "$output" "33 77"
}
@test "podman pod: infra container" { runs_on podman-pod-infra KILL 137; }
@test "podman pod: member" { runs_on podman-pod-member KILL 137; }
# bats test_tags=kvm
@test "podman pod: member that shares the pids" { ends podman-pod-member-sharedpid 0 PID; }

@test "docker run" { ends docker-run 0 "content of /etc/resolv.conf" HOSTNAME=; }
@test "docker run with limits, volumes and a tmpfs" { ends docker-run-limits-mounts 0 "uid=2 gid=2 groups=2,5" "on /scratch type tmpfs" "on /mnt type 9p (ro" 1024; }
@test "docker run --privileged" { ends docker-run-privileged 0 CapBnd "Seccomp:	0"; }
@test "docker run --network host" { ends docker-run-nethost 0 lo:; }
@test "docker run --network container:... --pid container:..." { ends docker-run-container-ns 0 PID; }

# bats test_tags=kvm
@test "ctr run" { runs_on ctr-run TERM 3 tick; }
@test "CRI: sandbox" { runs_on cri-sandbox KILL 137; }
@test "CRI: sandbox on the host's network, privileged" { runs_on cri-sandbox-hostnet-privileged KILL 137; }
@test "CRI: container" { runs_on cri-container KILL 137; }
@test "CRI: container in a sandbox on the host's network" { runs_on cri-container-hostnet KILL 137; }
@test "CRI: container that shares the pids" { runs_on cri-container-sharedpid KILL 137; }
@test "CRI: container with a terminal" {
	sample cri-container-tty
	CONSOLE_READY='# ' run python3 "$BATS_TEST_DIRNAME/console.py" pty 24 80 'exit 7\r' "${RT_CMD[@]}" run --bundle "$BUNDLE" "$ID"
	eq "$status" 7
}
