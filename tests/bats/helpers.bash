# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What all bats files of vmrunc share: the runtime under test, bundles, waiting, and the check that nothing is left.
#
# Environment:
#   VMRUNC         the vmrunc to test (default: build/vmrunc of this tree)
#   VMRUNC_ENGINE  kvm, qemu or auto (default: auto)
#   VMRUNC_KERNEL  a guest kernel (default: what vmrunc finds)
#   RUNTIME        the path of another runtime: the tests that are not only vmrunc's run with it, which tests the tests
#   VMRUNC_MUST_WORK=1  a test that cannot run here fails instead of being skipped

bats_require_minimum_version 1.5.0

# shellcheck source=compare.bash
source "${BASH_SOURCE[0]%/*}/compare.bash"

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
VMRUNC=${VMRUNC:-$TOP/build/vmrunc}
RT=${RUNTIME:-$VMRUNC}
WAIT_S=${WAIT_S:-60} # how many seconds an event may take on an emulated machine

# Sets RT_CMD, the command line of the runtime under test with its root and engine. Tests call rt, or use RT_CMD where a
# function cannot stand, as behind timeout(1).
rt_set() {
	RT_CMD=("$RT" --root "$ROOT")
	[ -n "${RUNTIME:-}" ] || RT_CMD+=(--engine "${VMRUNC_ENGINE:-auto}" ${VMRUNC_KERNEL:+--kernel "$VMRUNC_KERNEL"})
}

rt() {
	"${RT_CMD[@]}" "$@"
}

# Skips a test of something that only vmrunc has, if another runtime is tested.
vmrunc_only() {
	[ -z "${RUNTIME:-}" ] || skip "only vmrunc has this"
}

# own_kernel: whether the guest kernel that vmrunc takes is its own (make guest-kernel); KERNEL is its path.
own_kernel() {
	KERNEL=${VMRUNC_KERNEL:-$("$VMRUNC" check --format json | jq -r .kernel.path)}
	strings -n 8 "$KERNEL" | grep -q 'Linux version .*-vmrunc '
}

# cannot REASON: skips a test for which the machine lacks something, or lets it fail if VMRUNC_MUST_WORK is set.
cannot() {
	if [ "${VMRUNC_MUST_WORK:-0}" = 1 ]; then
		echo "cannot run here, but VMRUNC_MUST_WORK is set: $1"
		return 1
	fi
	skip "$1"
}

# Makes a root file system of busybox, once for a bats file. It is copied for each bundle: hard links would share inodes
# between bundles.
common_setup_file() {
	export ROOTFS_TEMPLATE=$BATS_FILE_TMPDIR/rootfs
	mkdir -p "$ROOTFS_TEMPLATE"/{bin,dev,etc,proc,root,sys,tmp,run,home}
	cp /bin/busybox "$ROOTFS_TEMPLATE/bin/busybox"
	chroot "$ROOTFS_TEMPLATE" /bin/busybox --install -s /bin
	chmod 1777 "$ROOTFS_TEMPLATE/tmp"
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n' >"$ROOTFS_TEMPLATE/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$ROOTFS_TEMPLATE/etc/group"
}

common_setup() {
	ROOT=$BATS_TEST_TMPDIR/state
	rt_set
	ID=t$$-$BATS_TEST_NUMBER-$RANDOM
	mounts_to MOUNTS_BEFORE
}

common_teardown() {
	local id
	# shellcheck disable=SC2045 # an ID has no white space
	for id in $(ls -A "$ROOT" 2>/dev/null); do
		[ -n "${BATS_TEST_COMPLETED:-}" ] || tell_container "$id"
		rt delete --force "$id" >/dev/null 2>&1 || true
	done
	if [ -z "${RUNTIME:-}" ]; then
		assert_nothing_left
	fi
}

# tell_container ID: prints the end of the guest's log and where each thread of the monitor waits, for a test that failed.
tell_container() {
	local pid task
	[ -f "$ROOT/$1/guest.log" ] || return 0
	echo "guest.log of $1:"
	tail -n 15 "$ROOT/$1/guest.log"
	pid=$(jq .pid "$ROOT/$1/state.json" 2>/dev/null) || return 0
	for task in /proc/"$pid"/task/*; do
		[ ! -d "$task" ] || echo "thread $(cat "$task/comm"): $(cat "$task/wchan")"
	done
}

# mounts_to ARRAY: this mount namespace's mounts, a line of mountinfo each, without the network namespaces that whoever else
# works on this machine binds meanwhile (ip-netns(8)).
mounts_to() {
	local -n to=$1
	local i
	mapfile -t to </proc/self/mountinfo
	for i in "${!to[@]}"; do
		[[ ${to[i]} != *" /run/netns"* ]] || unset "to[i]"
	done
}

# Checks that no process, mount, cgroup or state is left after all containers of a test have been deleted.
assert_nothing_left() {
	local left mounts p
	# what needs no other program comes first: in the KVM test machine each costs as much as all the rest
	left=$(shopt -s nullglob dotglob; echo "$ROOT"/*)
	[ -z "$left" ] || { echo "left in the state directory: $left"; return 1; }
	for p in $(pgrep -f "$BATS_TEST_TMPDIR|vmrunc: $ID" 2>/dev/null); do
		[[ $(readlink "/proc/$p/exe" 2>/dev/null) =~ vmrunc|qemu || $(tr '\0' ' ' <"/proc/$p/cmdline") == *"vmrunc: $ID"* ]] || continue
		echo "process left: $p $(tr '\0' ' ' <"/proc/$p/cmdline")"
		return 1
	done
	mounts_to mounts
	if [ "${mounts[*]}" != "${MOUNTS_BEFORE[*]}" ]; then
		left=$(diff <(printf '%s\n' "${MOUNTS_BEFORE[@]}" | sort) <(printf '%s\n' "${mounts[@]}" | sort) | grep '^>' || true)
		[ -z "$left" ] || { echo "mounts left: $left"; return 1; }
	fi
	left=$(find /sys/fs/cgroup -type d -path "*$ID*" 2>/dev/null)
	[ -z "$left" ] || { echo "cgroups left: $left"; return 1; }
}

base_config() {
	cat <<-'J'
	{
	  "ociVersion": "1.0.2",
	  "process": {
	    "terminal": false,
	    "user": {"uid": 0, "gid": 0},
	    "args": ["true"],
	    "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
	    "cwd": "/",
	    "capabilities": {
	      "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
	      "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
	      "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
	    },
	    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
	    "noNewPrivileges": true
	  },
	  "root": {"path": "rootfs", "readonly": false},
	  "hostname": "vmrunc-test",
	  "mounts": [
	    {"destination": "/proc", "type": "proc", "source": "proc"},
	    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
	    {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
	    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
	    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
	    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}
	  ],
	  "linux": {
	    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]
	  }
	}
	J
}

# new_bundle [JQ_FILTER [JQ_ARGS...]]: makes $BUNDLE with a root file system, and a config.json that is the base_config
# after the filter.
new_bundle() {
	local filter=${1:-.}
	[ $# -eq 0 ] || shift
	BUNDLE=$(mktemp -d "$BATS_TEST_TMPDIR/bundle.XXXXXX")
	cp -a "$ROOTFS_TEMPLATE" "$BUNDLE/rootfs"
	base_config | jq "$@" "$filter" >"$BUNDLE/config.json"
}

# sh_bundle SCRIPT [JQ_FILTER [JQ_ARGS...]]: makes a bundle whose process is sh -c SCRIPT.
sh_bundle() {
	local script=$1 filter=${2:-.}
	shift
	[ $# -eq 0 ] || shift
	new_bundle ".process.args = [\"sh\", \"-c\", \$script] | $filter" --arg script "$script" "$@"
}

# kmsg_bundle SCRIPT: makes a bundle whose process may write to its kernel's log without a limit.
kmsg_bundle() {
	sh_bundle "$1" '.linux.devices = [{path:"/dev/kmsg",type:"c",major:1,minor:11}]
		| .linux.resources.devices = [{allow:true,type:"c",major:1,minor:11,access:"rw"}]
		| .linux.sysctl = {"kernel.printk_devkmsg":"on\n"}'
}

# run_c [RUN_OPTIONS...]: runs $BUNDLE in the foreground under bats' run, with stdout and stderr apart. Fails if $CODE is
# set and the exit status is another one.
run_c() {
	run ${CODE:+"-$CODE"} --separate-stderr rt run --bundle "$BUNDLE" "$@" "$ID"
}

status_of() {
	rt state "$1" 2>/dev/null | jq -r .status
}

is_status() {
	[ "$(status_of "$1")" = "$2" ]
}

wait_status() {
	wait_for "$WAIT_S" is_status "$1" "$2" || { rt state "$1"; return 1; }
}
