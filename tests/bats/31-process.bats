#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every property of config.json's `process`, and what of `linux` is about the process: as the process sees it.

load helpers
setup_file() { common_setup_file; }
setup() { common_setup; }
teardown() { common_teardown; }

# Nothing but the shell: policy, real-time priority and nice value of the process itself (proc(5), stat).
SCHEDULING='read line </proc/self/stat; set -- $line; echo ${41} ${40} ${19}'

# scheduled JSON WANTED
scheduled() {
	sh_bundle "$SCHEDULING" '.process.scheduler = $s' --argjson s "$1"
	run_c
	eq "$status $output" "0 $2"
}

@test "scheduler: SCHED_OTHER and SCHED_BATCH with a nice value, SCHED_IDLE" {
	vmrunc_only
	scheduled '{"policy":"SCHED_OTHER","nice":7}' "0 0 7"
	scheduled '{"policy":"SCHED_BATCH","nice":-5}' "3 0 -5"
	scheduled '{"policy":"SCHED_IDLE"}' "5 0 0"
}

@test "scheduler: SCHED_FIFO and SCHED_RR with a priority" {
	vmrunc_only
	scheduled '{"policy":"SCHED_FIFO","priority":10}' "1 10 0"
	scheduled '{"policy":"SCHED_RR","priority":99,"flags":["SCHED_FLAG_RESET_ON_FORK"]}' "2 99 0"
}

@test "scheduler: SCHED_DEADLINE with runtime, deadline and period, and a flag" {
	vmrunc_only
	scheduled '{"policy":"SCHED_DEADLINE","runtime":10000000,"deadline":30000000,"period":50000000,"flags":["SCHED_FLAG_RESET_ON_FORK","SCHED_FLAG_RECLAIM"]}' "6 0 0"
}

@test "scheduler: parameters of another policy, and an unknown policy: clear errors" {
	vmrunc_only
	local s
	for s in '{"policy":"SCHED_OTHER","priority":1}' '{"policy":"SCHED_FIFO"}' '{"policy":"SCHED_RR","priority":1,"runtime":5}' '{"policy":"SCHED_ISO"}' '{"policy":"SCHED_X"}' '{"policy":"SCHED_FIFO","priority":1,"flags":["NO_FLAG"]}' '{"policy":"SCHED_OTHER","nice":20}'; do
		new_bundle '.process.scheduler = $s' --argjson s "$s"
		run_c
		[ "$status" -ne 0 ] || { echo "accepted: $s"; return 1; }
		has "$stderr" process.scheduler
	done
	# one that only the kernel can refuse
	new_bundle '.process.scheduler = {"policy":"SCHED_DEADLINE","runtime":30000000,"deadline":10000000,"period":10000000}'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" process.scheduler
}

@test "ioPriority: class and level" {
	vmrunc_only
	local class
	for class in RT:realtime BE:best-effort; do
		sh_bundle 'ionice' ".process.ioPriority = {class: \"IOPRIO_CLASS_${class%%:*}\", priority: 3}"
		run_c
		eq "$status $output" "0 ${class#*:}: prio 3"
	done
	sh_bundle 'ionice' '.process.ioPriority = {class: "IOPRIO_CLASS_IDLE", priority: 0}'
	run_c
	has "$output" idle
}

@test "execCPUAffinity does not touch the container's first process; a malformed list is an error" {
	vmrunc_only
	sh_bundle 'grep Cpus_allowed_list /proc/self/status; grep Cpus_allowed_list /proc/1/status' '.process.execCPUAffinity = {initial: "0", final: "0"} | .linux.resources.cpu.cpus = "0"'
	run_c
	eq "$status" 0
	new_bundle '.process.execCPUAffinity = {initial: "0-x"}'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" process.execCPUAffinity.initial
}

@test "rlimits: each of the sixteen" {
	vmrunc_only
	sh_bundle 'cat /proc/self/limits' '.process.rlimits = [
		{type:"RLIMIT_CPU",soft:600,hard:1200},{type:"RLIMIT_FSIZE",soft:1000001,hard:1000002},
		{type:"RLIMIT_DATA",soft:1000000003,hard:1000000004},{type:"RLIMIT_STACK",soft:8000000,hard:9000000},
		{type:"RLIMIT_CORE",soft:5,hard:6},{type:"RLIMIT_RSS",soft:1000007,hard:1000008},
		{type:"RLIMIT_NPROC",soft:509,hard:510},{type:"RLIMIT_NOFILE",soft:511,hard:512},
		{type:"RLIMIT_MEMLOCK",soft:65537,hard:65538},{type:"RLIMIT_AS",soft:4000000001,hard:4000000002},
		{type:"RLIMIT_LOCKS",soft:15,hard:16},{type:"RLIMIT_SIGPENDING",soft:17,hard:18},
		{type:"RLIMIT_MSGQUEUE",soft:819200,hard:819201},{type:"RLIMIT_NICE",soft:19,hard:20},
		{type:"RLIMIT_RTPRIO",soft:21,hard:22},{type:"RLIMIT_RTTIME",soft:200023,hard:200024}]'
	run_c
	eq "$status" 0
	wanted="cpu time 600 1200
file size 1000001 1000002
data size 1000000003 1000000004
stack size 8000000 9000000
core file size 5 6
resident set 1000007 1000008
processes 509 510
open files 511 512
locked memory 65537 65538
address space 4000000001 4000000002
file locks 15 16
pending signals 17 18
msgqueue size 819200 819201
nice priority 19 20
realtime priority 21 22
realtime timeout 200023 200024"
	eq "$(sed -nE 's/^Max ([a-z ]*[a-z]) +([0-9]+) +([0-9]+).*/\1 \2 \3/p' <<<"$output")" "$wanted"
}

@test "rlimits: unlimited, a soft limit above the hard one, twice the same, an unknown one" {
	sh_bundle 'ulimit -c; ulimit -Hc' '.process.rlimits = [{type:"RLIMIT_CORE",soft:18446744073709551615,hard:18446744073709551615}]'
	# jq rounds: the number has to be written as it is
	sed -i 's/18446744073709552000/18446744073709551615/g' "$BUNDLE/config.json"
	run_c
	eq "$status $(echo $output)" "0 unlimited unlimited"
	vmrunc_only
	new_bundle '.process.rlimits = [{type:"RLIMIT_CORE",soft:2,hard:1}]'
	run_c
	has "$stderr" "process.rlimits[0].soft"
	new_bundle '.process.rlimits = [{type:"RLIMIT_CORE",soft:1,hard:1},{type:"RLIMIT_CORE",soft:1,hard:1}]'
	run_c
	has "$stderr" "given twice"
	new_bundle '.process.rlimits = [{type:"RLIMIT_BANANA",soft:1,hard:1}]'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" RLIMIT_BANANA
}

@test "capabilities: an unknown one is a warning" {
	vmrunc_only
	RT_CMD+=(--log-level warning)
	sh_bundle 'grep CapBnd /proc/self/status' '.process.capabilities = {bounding: ["CAP_BANANA", "CAP_KILL"]}'
	run_c
	eq "$status" 0
	has "$output" 0000000000000020
	has "$stderr" CAP_BANANA
}

@test "capabilities: an ambient one that is not inheritable is left out, with a warning" {
	vmrunc_only
	RT_CMD+=(--log-level warning)
	sh_bundle 'grep -E "CapPrm|CapAmb" /proc/self/status' '.process.capabilities = {bounding: ["CAP_KILL","CAP_CHOWN"], permitted: ["CAP_KILL","CAP_CHOWN"], effective: [], inheritable: ["CAP_CHOWN"], ambient: ["CAP_KILL","CAP_CHOWN"]} | .process.user = {uid: 5, gid: 5}'
	run_c
	eq "$status" 0
	eq "$(grep -c 0000000000000001 <<<"$output")" 2
	has "$stderr" process.capabilities.ambient
}

@test "capabilities: all that the guest's kernel has, for root of the container" {
	vmrunc_only
	sh_bundle 'cat /proc/sys/kernel/cap_last_cap; grep -E "Cap(Inh|Prm|Eff|Bnd|Amb)" /proc/self/status' '
		($features[0].linux.capabilities) as $all | .process.capabilities = {bounding: $all, permitted: $all, effective: $all, inheritable: $all, ambient: $all}' \
		--slurpfile features <("$VMRUNC" features)
	run_c
	eq "$status" 0
	local mask
	mask=$(printf '%016x' $(((1 << (lines[0] + 1)) - 1)))
	eq "$(grep -c "$mask" <<<"$output")" 5
}

@test "user: HOME is that of the container's passwd, also where the config has an empty one; without an entry it is /" {
	sh_bundle 'echo $HOME' '.process.user = {uid: 1000, gid: 1000} | .process.env += ["HOME="]'
	run_c
	eq "$status $output" "0 /home"
	sh_bundle 'echo $HOME' '.process.user = {uid: 4242, gid: 1000}'
	run_c
	eq "$status $output" "0 /"
	sh_bundle 'echo $HOME' '.process.user = {uid: 1000, gid: 1000} | .process.env += ["HOME=/given"]'
	run_c
	eq "$status $output" "0 /given"
}

@test "user: a passwd that is no file, or nonsense, is not fatal" {
	vmrunc_only
	sh_bundle 'echo $HOME' '.process.user = {uid: 1000, gid: 1000}'
	rm "$BUNDLE/rootfs/etc/passwd"
	mkfifo "$BUNDLE/rootfs/etc/passwd"
	run_c
	eq "$status $output" "0 /"
	rm "$BUNDLE/rootfs/etc/passwd"
	printf 'x\n:::::\nuser:x:1000\nuser:x:1000x:1:u:/wrong:/bin/sh\nuser:x:1000:1:u:/right:/bin/sh' >"$BUNDLE/rootfs/etc/passwd"
	run_c
	eq "$status $output" "0 /right"
}

@test "env: in order, values with = and spaces; of one name given twice the last counts" {
	sh_bundle 'env; echo "A is $A"' '.process.env += ["A=1", "B=x y=z", "A=2", "C="]'
	run_c
	eq "$status" 0
	has "$output" "B=x y=z"
	has "$output" "A is 2"
	vmrunc_only
	eq "$(grep -c '^A=' <<<"$output")" 1
	grep -qx 'C=' <<<"$output"
}

@test "env: an entry without a name is an error, in create" {
	vmrunc_only
	new_bundle '.process.env += ["=value"]'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" 'process.env[2]: "=value" has no name'
}

@test "cwd: through symlinks, inside the root" {
	sh_bundle 'pwd -P; ls' '.process.cwd = "/link/../link/below"'
	mkdir -p "$BUNDLE/rootfs/real/below"
	touch "$BUNDLE/rootfs/real/below/file"
	ln -s /real "$BUNDLE/rootfs/link"
	run_c
	eq "$status $(echo $output)" "0 /real/below file"
}

@test "cwd: closed to the user but not to root is entered; closed to both, or a file, is a clear error" {
	sh_bundle 'pwd; ls 2>/dev/null || echo closed' '.process.cwd = "/closed" | .process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}'
	mkdir -m 0700 "$BUNDLE/rootfs/closed"
	run_c
	eq "$status $(echo $output)" "0 /closed closed"
	new_bundle '.process.cwd = "/closed" | .linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65534}] | .linux.gidMappings = .linux.uidMappings'
	# of the host's root, whom the container's is not; where 65534 is mapped, docs/9p.md has a limit of the kvm engine
	mkdir -m 0700 "$BUNDLE/rootfs/closed"
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" 'chdir to cwd ("/closed") set in config.json failed: '
	has "$stderr" "ermission denied"
	new_bundle '.process.cwd = "/etc/passwd"'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" /etc/passwd
}

@test "cwd: by way of a descriptor of the runtime it cannot lead out of the root" {
	local fd
	for fd in 3 4 5; do
		new_bundle ".process.args = [\"pwd\"] | .process.cwd = \"/proc/self/fd/$fd\""
		run_c
		[ "$status" -ne 0 ] || { echo "descriptor $fd: $output"; return 1; }
	done
}

@test "args: looked up in PATH in order; what cannot be executed is passed over" {
	new_bundle '.process.args = ["tool", "a b", ""] | .process.env = ["PATH=/none:/first:/second"]'
	mkdir "$BUNDLE/rootfs/first" "$BUNDLE/rootfs/second"
	echo 'not executable' >"$BUNDLE/rootfs/first/tool"
	printf '#!/bin/sh\necho "$0:$1:$2:$#"\n' >"$BUNDLE/rootfs/second/tool"
	chmod 755 "$BUNDLE/rootfs/second/tool"
	run_c
	eq "$status $output" "0 /second/tool:a b::2"
}

@test "args: a path with a slash starts at cwd; no PATH, an empty name, a directory: runc's words" {
	new_bundle '.process.args = ["./tool"] | .process.cwd = "/dir"'
	mkdir "$BUNDLE/rootfs/dir"
	printf '#!/bin/sh\nexit 9\n' >"$BUNDLE/rootfs/dir/tool"
	chmod 755 "$BUNDLE/rootfs/dir/tool"
	run_c
	eq "$status" 9
	new_bundle '.process.args = ["true"] | .process.env = []'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" 'exec: "true": executable file not found in $PATH'
	new_bundle '.process.args = [""]'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" 'executable file not found in $PATH'
	new_bundle '.process.args = ["/etc"]'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" 'exec: "/etc": is a directory'
}

@test "args: a file that is no program fails in start" {
	new_bundle '.process.args = ["/nonsense"]'
	echo 'this is no program' >"$BUNDLE/rootfs/nonsense"
	chmod 755 "$BUNDLE/rootfs/nonsense"
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "xec format error"
}

@test "apparmorProfile, selinuxLabel and mountLabel: warnings, since the guest's kernel has neither" {
	vmrunc_only
	RT_CMD+=(--log-level warning)
	sh_bundle 'echo runs' '.process.apparmorProfile = "docker-default" | .process.selinuxLabel = "system_u:system_r:container_t:s0" | .linux.mountLabel = "system_u:object_r:container_file_t:s0"'
	run_c
	eq "$status $output" "0 runs"
	has "$stderr" process.apparmorProfile
	has "$stderr" process.selinuxLabel
	has "$stderr" linux.mountLabel
}

@test "personality: LINUX32 is a 32-bit machine to uname; a flag is an error, for the spec has none" {
	vmrunc_only
	sh_bundle 'uname -m' '.linux.personality = {domain: "LINUX32"}'
	run_c
	eq "$status $output" "0 i686"
	sh_bundle 'uname -m' '.linux.personality = {domain: "LINUX"}'
	run_c
	eq "$status $output" "0 $(uname -m)"
	new_bundle '.linux.personality = {domain: "LINUX", flags: ["ADDR_NO_RANDOMIZE"]}'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" linux.personality.flags
}

# memory_policy JSON: runs the process with it on the stock kernel, which knows memory nodes.
memory_policy() {
	sh_bundle 'head -n 1 /proc/self/numa_maps | cut -d" " -f2' '.linux.memoryPolicy = $p' --argjson p "$1"
	run --separate-stderr rt --kernel "$kernel" run --bundle "$BUNDLE" "$ID"
}

@test "memoryPolicy: mode, flags and nodes, as the process's pages show; a node that the VM lacks is an error" {
	vmrunc_only
	local kernel
	kernel=$(find "${VMRUNC_CACHE:-/var/cache/vmrunc}/stock-kernel/current/boot/" -name 'vmlinuz-*' 2>/dev/null | sort -V | tail -n 1)
	[ -n "$kernel" ] || { cannot "no stock kernel: contrib/get-kernel"; return; }
	memory_policy '{"mode":"MPOL_BIND","nodes":"0"}'
	eq "$status $output" "0 bind:0"
	memory_policy '{"mode":"MPOL_INTERLEAVE","nodes":"0","flags":["MPOL_F_STATIC_NODES"]}'
	eq "$status $output" "0 interleave=static:0"
	memory_policy '{"mode":"MPOL_BIND","nodes":"0-1,5"}'
	eq "$status $output" "0 bind:0" # the kernel takes those that there are
	memory_policy '{"mode":"MPOL_BIND","nodes":"7"}'
	[ "$status" -ne 0 ]
	has "$stderr" "linux.memoryPolicy: the guest's kernel refuses it: it names a node that the VM does not have"
	memory_policy '{"mode":"MPOL_BIND"}'
	[ "$status" -ne 0 ]
	has "$stderr" "linux.memoryPolicy.nodes: this mode needs nodes"
}

@test "memoryPolicy: with a guest kernel that knows no memory nodes, a clear error" {
	vmrunc_only
	sh_bundle '[ -e /proc/self/numa_maps ]'
	run_c
	[ "$status" -ne 0 ] || skip "this guest kernel has them"
	sh_bundle true '.linux.memoryPolicy = {mode: "MPOL_LOCAL"}'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" "linux.memoryPolicy: the guest's kernel has no memory nodes (CONFIG_NUMA)"
	sh_bundle 'echo the-only-one' '.linux.memoryPolicy = {mode: "MPOL_DEFAULT"}'
	run_c
	eq "$status $output" "0 the-only-one"
}

@test "consoleSize without a terminal means nothing" {
	sh_bundle 'test -t 0 || echo no-terminal' '.process.consoleSize = {height: 5, width: 5}'
	run_c
	eq "$status $output" "0 no-terminal"
}

@test "seccomp: every action" {
	vmrunc_only
	sh_bundle 'cd /tmp; touch f
		mkdir d; echo kill_process $?
		mkfifo p; echo kill_thread $?
		rmdir d; echo trap $?
		ln f g; echo trace $?
		ln -s f s; echo log $?
		rm f; echo errno $?
		chmod 600 f; echo allow $?' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL_PROCESS"},
		{names: ["mknod", "mknodat"], action: "SCMP_ACT_KILL_THREAD"},
		{names: ["rmdir"], action: "SCMP_ACT_TRAP"},
		{names: ["link", "linkat"], action: "SCMP_ACT_TRACE", errnoRet: 5},
		{names: ["symlink", "symlinkat"], action: "SCMP_ACT_LOG"},
		{names: ["unlink", "unlinkat"], action: "SCMP_ACT_ERRNO", errnoRet: 16},
		{names: ["chmod", "fchmodat"], action: "SCMP_ACT_ALLOW"}]}'
	run_c
	eq "$(echo $output)" "kill_process 159 kill_thread 159 trap 159 trace 1 log 0 errno 1 allow 0"
	has "$stderr" "Function not implemented" # traced by nobody
	has "$stderr" "resource busy"
}

@test "seccomp: arguments, by every operator" {
	vmrunc_only
	# the signal number is the second argument of kill(2); 0 sends nothing
	sh_bundle 'for s in 0 1 9 15 18 23 28 64; do trap : $s 2>/dev/null; kill -$s 999999 2>&1 | grep -q "No such process" && echo $s passed || echo $s refused; done' '
		def rule(op; v; v2): {names: ["kill"], action: "SCMP_ACT_ERRNO", errnoRet: 13, args: [{index: 1, op: op, value: v, valueTwo: v2}]};
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
			rule("SCMP_CMP_EQ"; 9; 0), rule("SCMP_CMP_GT"; 63; 0), rule("SCMP_CMP_MASKED_EQ"; 31; 15)]}'
	run_c
	eq "$(echo $output)" "0 passed 1 passed 9 refused 15 refused 18 passed 23 passed 28 passed 64 refused"
	sh_bundle 'for s in 0 1 9 15 18 23 28 64; do kill -$s 999999 2>&1 | grep -q "No such process" && echo $s passed || echo $s refused; done' '
		def rule(op; v; v2): {names: ["kill"], action: "SCMP_ACT_ALLOW", args: [{index: 1, op: op, value: v, valueTwo: v2}]};
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
			{names: ["kill"], action: "SCMP_ACT_ERRNO", errnoRet: 13, args: [{index: 1, op: "SCMP_CMP_GE", value: 15}, {index: 1, op: "SCMP_CMP_LE", value: 9}]}]}'
	run_c
	# conditions on one argument are each a rule of their own, as with runc
	eq "$(echo $output)" "0 refused 1 refused 9 refused 15 refused 18 refused 23 refused 28 refused 64 refused"
	sh_bundle 'for s in 0 1 9 15 64; do kill -$s 999999 2>&1 | grep -q "No such process" && echo $s passed || echo $s refused; done' '
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
			{names: ["kill"], action: "SCMP_ACT_ERRNO", errnoRet: 13, args: [{index: 1, op: "SCMP_CMP_LT", value: 9}, {index: 0, op: "SCMP_CMP_NE", value: 5}]}]}'
	run_c
	eq "$(echo $output)" "0 refused 1 refused 9 passed 15 passed 64 passed"
}

@test "seccomp: flags and architectures of other machines are taken" {
	vmrunc_only
	sh_bundle 'grep Seccomp: /proc/self/status' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"],
		architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_S390X"],
		syscalls: [{names: ["mkdir"], action: "SCMP_ACT_ERRNO"}]}'
	run_c
	eq "$status" 0
	has "$output" 2
}

@test "seccomp: what would need a listener is an error that names the field" {
	vmrunc_only
	new_bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/run/l.sock", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" linux.seccomp.listenerPath
	new_bundle '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" SCMP_ACT_NOTIFY
}

@test "intelRdt and netDevices of the host's own network: clear errors" {
	vmrunc_only
	new_bundle '.linux.intelRdt = {closID: "x", l3CacheSchema: "L3:0=f"}'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" linux.intelRdt
	new_bundle '.linux.netDevices = {eth0: {name: "e"}} | .linux.namespaces |= map(if .type == "network" then .path = "/proc/self/ns/net" else . end)'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" linux.netDevices
}

@test "sysctl: any name, with dots or slashes, of the whole kernel too; one that is not there is an error" {
	vmrunc_only
	sh_bundle 'cat /proc/sys/vm/overcommit_memory /proc/sys/kernel/pid_max /proc/sys/net/ipv4/ping_group_range' '.linux.sysctl = {"vm.overcommit_memory": "1", "kernel/pid_max": "30000", "net.ipv4.ping_group_range": "0 5"}'
	run_c
	eq "$status $(echo $output)" "0 1 30000 0 5"
	new_bundle '.linux.sysctl = {"kernel.no_such_thing": "1"}'
	run_c
	[ "$status" -ne 0 ]
	has "$stderr" 'linux.sysctl: the guest'"'"'s kernel has no "kernel.no_such_thing"'
}

@test "a program that is there, without the interpreter that runs it" {
	vmrunc_only
	new_bundle '.process.args = ["/bin/dos"]'
	printf '#!/bin/sh\r\necho hello\r\n' >"$BUNDLE/rootfs/bin/dos"
	chmod 755 "$BUNDLE/rootfs/bin/dos"
	CODE=127 run_c
	has "$stderr" 'its interpreter "/bin/sh\r" is missing: the file has DOS line ends'
}

# ask_time: has the container of $ID tell when a second of its clock begins, and fails unless that is when one of the host's
# does, give or take 300 ms: what a busy machine may need to pass a line on.
ask_time() {
	local guest now off
	echo >&"$ask"
	read -r -t "$WAIT_S" -u "$answer" guest
	now=$(date +%s%N)
	off=$((now / 1000000 - guest * 1000))
	[ "$off" -gt -30 ] && [ "$off" -lt 300 ] ||
		{ echo "the guest's second $guest begins $off ms late"; return 1; }
}

@test "the clock is the host's, from the first moment, and after the machine was stopped" {
	vmrunc_only
	sh_bundle 'while read -r _; do s=$(date +%s); n=$s; while [ $n = $s ]; do n=$(date +%s); done; echo $n; done'
	mkfifo "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	exec {ask}<>"$BATS_TEST_TMPDIR/in" {answer}<>"$BATS_TEST_TMPDIR/out"
	rt run --detach --bundle "$BUNDLE" "$ID" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	ask_time
	local pid machine
	pid=$(rt state "$ID" | jq .pid)
	machine="$pid $(cat "/proc/$pid/task/$pid/children")"
	# shellcheck disable=SC2086
	kill -STOP $machine
	sleep 3
	# shellcheck disable=SC2086
	kill -CONT $machine
	ask_time
}
