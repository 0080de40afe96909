# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the suites of the engines share. tests/engines/run has made: $WORK (a tmpfs), $WORK/image.tar (busybox),
# $ENGINE_RUNTIME (what the engine is to call).

bats_require_minimum_version 1.5.0

# shellcheck source=../bats/compare.bash
source "${BASH_SOURCE[0]%/*}/../bats/compare.bash"

WAIT_S=${WAIT_S:-120} # how many seconds an event may take on an emulated machine
CONSOLE=$BATS_TEST_DIRNAME/../bats/console.py

# A shell's words that print the size of the terminal, which engines set a moment after the program has started.
# shellcheck disable=SC2034 # the suites use it
TTY_SIZE='until size=$(stty size 2>/dev/null) && [ -n "$size" ]; do sleep 0.1; done; echo $size'

# Skips a test of what only vmrunc has, or has in another way, if another runtime is tested.
vmrunc_only() {
	[ -z "${RUNTIME:-}" ] || skip "only vmrunc has this"
}

# nofile_limit, nproc_limit: engines set limits that a machine without CAP_SYS_RESOURCE cannot set for other runtimes.
nofile_limit() { ulimit -Hn; }
nproc_limit() {
	local limit
	limit=$(ulimit -Hu)
	[ "$limit" != unlimited ] && [ "$limit" -le 65536 ] || limit=65536
	echo "$limit"
}

# runtime_processes: the processes of vmrunc and QEMU in this process namespace, a line each.
runtime_processes() {
	local p
	for p in /proc/[0-9]*; do
		case $(readlink "$p/exe" 2>/dev/null) in
		*/vmrunc | *qemu-system*) echo "${p#/proc/} $(tr '\0' ' ' <"$p/cmdline" 2>/dev/null)" ;;
		*) tr '\0' ' ' <"$p/cmdline" 2>/dev/null | grep '^vmrunc: ' || true ;;
		esac
	done
}

# container_cgroups: cgroups of containers, which have the 64 digits of an engine's ID, or a test's name, in their name. Those
# below a cgroup of tests/bats, which may run at the same time, are not the engines', BuildKit keeps the parent of its own, and
# what was there before the suites ($WORK/cgroups.before) is somebody else's.
container_cgroups() {
	find /sys/fs/cgroup -type d 2>/dev/null | grep -vE '/t[0-9]+-[0-9]+-[0-9]+/|/vmrunc-engines/buildkit$' | grep -E '[0-9a-f]{64}|/vmrunc-engines/' |
		grep -vxF -f "$WORK/cgroups.before" || true
}

no_cgroups() {
	[ -z "$(container_cgroups)" ]
}

gone() {
	[ ! -d "/proc/$1" ]
}

# make_docker_archive FILE NAME COMMAND...: the image as `docker save` writes it, which is what ctr imports.
make_docker_archive() {
	local file=$1 name=$2 dir sum
	shift 2
	dir=$(mktemp -d "$WORK/archive.XXXXXX")
	sum=$(sha256sum "$WORK/image.tar" | cut -d' ' -f1)
	mkdir "$dir/layer"
	cp "$WORK/image.tar" "$dir/layer/layer.tar"
	jq -n --arg sum "sha256:$sum" '{architecture: "amd64", os: "linux", rootfs: {type: "layers", diff_ids: [$sum]},
		config: {Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: $ARGS.positional}}' --args "$@" >"$dir/config.json"
	jq -n --arg name "$name" '[{Config: "config.json", RepoTags: [$name], Layers: ["layer/layer.tar"]}]' >"$dir/manifest.json"
	tar -C "$dir" -cf "$file" .
	rm -r "$dir"
}

# A program that prints the memory limit of the cgroup that it is in, of v2 (a guest) or v1 (another runtime here).
# shellcheck disable=SC2034 # the suites use it
MEMORY_LIMIT='cat "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/memory.max" 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes'

nothing_runs() {
	[ -z "$(runtime_processes)" ]
}

something_runs() {
	! nothing_runs
}

# assert_nothing_left: no process, cgroup, state entry or mount is left of the containers that have been removed.
assert_nothing_left() {
	# a shim or conmon cleans up a moment after its engine has said that the container is gone
	wait_for 30 nothing_runs || { runtime_processes; return 1; }
	wait_for 30 no_cgroups || { container_cgroups; return 1; }
	eq "$(ls -A /run/vmrunc 2>/dev/null || true)" ""
	eq "$(grep -E '/(merged|rootfs) ' /proc/self/mountinfo || true)" ""
}

# containers_conf CONTAINERS ENGINE: Podman's containers.conf with the tested runtime; further lines of the tables
# [containers] and [engine]. What comes behind it belongs to [engine.runtimes].
containers_conf() {
	cat <<-C
		[containers]
		default_ulimits = ["nofile=$(nofile_limit):$(nofile_limit)", "nproc=$(nproc_limit):$(nproc_limit)"]
		$1
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		runtime = "tested"
		runtime_supports_json = ["tested", "vmrunc", "runc"]
		$2
		[engine.runtimes]
		tested = ["$ENGINE_RUNTIME"]
	C
}

# podman_dirs NAME: the lines of [engine] that put all that Podman keeps below NAME's directories of $WORK.
podman_dirs() {
	printf '%s = "%s"\n' tmp_dir "$WORK/$1libpod" static_dir "$WORK/$1containers/libpod" volume_path "$WORK/$1containers/volumes"
}

# podman_networks NAME: the table [network] of a Podman that keeps its networks below $WORK.
podman_networks() {
	printf '[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "%s"\n' "$WORK/$1networks"
}

# many_at_once N COMMAND...: runs the command N times at once, each with its number behind it. It has to say that number and to
# exit with it.
many_at_once() {
	local n=$1 i pids=() status
	shift
	for ((i = 1; i <= n; i++)); do
		"$@" "$i" >"$BATS_TEST_TMPDIR/out.$i" 2>&1 </dev/null 3>&- &
		pids+=($!)
	done
	for ((i = 1; i <= n; i++)); do
		status=0
		wait "${pids[i - 1]}" || status=$?
		eq "$status $(cat "$BATS_TEST_TMPDIR/out.$i")" "$i $i"
	done
}

# called_or_gone PID N: the process has started another one, or the runtime's are not N any more, or it has ended.
called_or_gone() {
	gone "$1" || [ -n "$(cat "/proc/$1/task/"*/children 2>/dev/null)" ] || [ "$(runtime_processes 2>/dev/null | wc -l)" != "$2" ]
}

# cut_off COMMAND...: kills the command as soon as it has called the runtime. One that is faster is done.
cut_off() {
	local n
	n=$(runtime_processes 2>/dev/null | wc -l)
	"$@" >/dev/null 2>&1 </dev/null 3>&- &
	wait_for "$WAIT_S" called_or_gone $! "$n"
	kill -KILL $! 2>/dev/null || true
	wait $! || true
}

# containerd_new DIR: makes DIR, and has a containerd without CRI work in it, with the image localhost/bb:latest.
containerd_new() {
	local dir=$1
	mkdir "$dir"
	cat >"$dir/config.toml" <<-C
		version = 2
		root = "$dir/root"
		state = "$dir/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
		[grpc]
		  address = "$dir/sock"
	C
	containerd_begin "$dir"
	make_docker_archive "$dir/image.tar" localhost/bb:latest /bin/sh
	ctr -a "$dir/sock" -n vmrunc-engines image import "$dir/image.tar" >/dev/null
}

# containerd_begin DIR: starts the containerd of DIR; DIR/sock is its socket, and DIR/pid has its pid.
containerd_begin() {
	containerd -c "$1/config.toml" >>"$1/log" 2>&1 3>&- &
	echo $! >"$1/pid"
	wait_for "$WAIT_S" ctr -a "$1/sock" version >/dev/null 2>&1
}
