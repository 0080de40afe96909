/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/spec: the rules for what a config means, a line for each that is kept and each that is broken. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "base/buf.h"
#include "spec/spec.h"

/* These make a whole config of its interesting part, which then stands in line 3. */
#define CONFIG(x) "{\"ociVersion\":\"1.2.0\",\n\"root\":{\"path\":\"rootfs\"},\n" x "}"
#define PROCESS(x) CONFIG("\"process\":{\"cwd\":\"/\",\"args\":[\"a\"]," x "}")
#define MOUNT(x) CONFIG("\"mounts\":[{" x "}]")
#define LINUX(x) CONFIG("\"linux\":{" x "}")
#define RESOURCES(x) LINUX("\"resources\":{" x "}")
#define SECCOMP(x) LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"," x "}")
#define MAP1 "[{\"containerID\":0,\"hostID\":1000,\"size\":1}]"
#define USER_NS "\"namespaces\":[{\"type\":\"user\"}]"

#define VERSION(v) "{\"ociVersion\":\"" v "\",\"root\":{\"path\":\"r\"}}"

static const struct {
	const char *json, *want; /* the message without "c.json:" in front */
} bad[] = {
	{ VERSION("invalid"), "1: ociVersion: \"invalid\" is not a version like \"1.2.0\"" },
	{ VERSION(""), "1: ociVersion: \"\" is not a version like \"1.2.0\"" },
	{ VERSION("1.2"), "1: ociVersion: \"1.2\" is not a version like \"1.2.0\"" },
	{ VERSION(" 1.2.0"), "1: ociVersion: \" 1.2.0\" is not a version like \"1.2.0\"" },
	{ VERSION("1.2.0.1"), "1: ociVersion: \"1.2.0.1\" is not a version like \"1.2.0\"" },
	{ VERSION("1.-2.0"), "1: ociVersion: \"1.-2.0\" is not a version like \"1.2.0\"" },
	{ VERSION("2.0.0"), "1: ociVersion: version 2.0.0 is not supported, 1.x is" },
	{ VERSION("0.6.0"), "1: ociVersion: version 0.6.0 is not supported, 1.x is" },
	{ VERSION("11.0.0"), "1: ociVersion: version 11.0.0 is not supported, 1.x is" },

	{ CONFIG("\"process\":{\"cwd\":\"/\"}"), "3: process.args: names no program" },
	{ CONFIG("\"process\":{\"cwd\":\"/\",\n\"args\":[]}"), "4: process.args: names no program" },
	{ CONFIG("\"process\":{\"args\":[\"a\"]}"), "3: process.cwd: missing" },
	{ CONFIG("\"process\":{\"args\":[\"a\"],\n\"cwd\":\"\"}"), "4: process.cwd: empty, not an absolute path" },
	{ CONFIG("\"process\":{\"args\":[\"a\"],\"cwd\":\"tmp\"}"), "3: process.cwd: not an absolute path: \"tmp\"" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_TEST\",\"soft\":1,\"hard\":1}]"),
		"3: process.rlimits[0].type: \"RLIMIT_TEST\" is not one of RLIMIT_AS, " },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1},\n{\"type\":\"RLIMIT_AS\",\"soft\":1,"
		  "\"hard\":2}]"),
		"4: process.rlimits[1].type: RLIMIT_AS is given twice" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":2,\"hard\":1}]"),
		"3: process.rlimits[0].soft: RLIMIT_AS: 2 is above the hard limit 1" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":2}]"), "3: process.rlimits[0].hard: missing" },
	{ PROCESS("\"user\":{\"uid\":-1}"), "3: process.user.uid: -1 is out of range (0 to 4294967294)" },
	{ PROCESS("\"user\":{\"umask\":512}"), "3: process.user.umask: 512 is out of range (0 to 511)" },
	{ PROCESS("\"user\":{\"uid\":4294967295}"),
		"3: process.user.uid: 4294967295 is out of range (0 to 4294967294)" },
	{ PROCESS("\"user\":{\"gid\":4294967295}"),
		"3: process.user.gid: 4294967295 is out of range (0 to 4294967294)" },
	{ PROCESS("\"user\":{\"additionalGids\":[4294967295]}"),
		"3: process.user.additionalGids[0]: 4294967295 is out of range (0 to 4294967294)" },
	{ PROCESS("\"user\":{\"additionalGids\":[1,\n\"2\"]}"), "4: process.user.additionalGids[1]: not a number" },
	{ PROCESS("\"oomScoreAdj\":1001"), "3: process.oomScoreAdj: 1001 is out of range (-1000 to 1000)" },
	{ PROCESS("\"consoleSize\":{\"height\":1,\"width\":65536}"),
		"3: process.consoleSize.width: 65536 is out of range (0 to 65535)" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_ISO\"}"), "3: process.scheduler.policy: Linux has no SCHED_ISO" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"priority\":1}"),
		"3: process.scheduler.priority: only for SCHED_FIFO and SCHED_RR" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_RR\"}"),
		"3: process.scheduler.priority: must be 1 to 99 with this policy" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"runtime\":1}"),
		"3: process.scheduler: runtime, deadline and period are only for SCHED_DEADLINE" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"nice\":-21}"),
		"3: process.scheduler.nice: -21 is out of range (-20 to 19)" },
	{ PROCESS("\"ioPriority\":{\"class\":\"IOPRIO_CLASS_RT\",\"priority\":8}"),
		"3: process.ioPriority.priority: 8 is out of range (0 to 7)" },
	{ PROCESS("\"execCPUAffinity\":{\"initial\":\"0-\"}"),
		"3: process.execCPUAffinity.initial: \"0-\" is not a list like \"0-3,7\"" },
	{ PROCESS("\"execCPUAffinity\":{\"final\":\"8192\"}"),
		"3: process.execCPUAffinity.final: \"8192\" has a number above 8191" },

	{ MOUNT("\"type\":\"tmpfs\""), "3: mounts[0].destination: missing" },
	{ MOUNT("\"type\":\"tmpfs\",\"destination\":\"\""), "3: mounts[0].destination: empty" },
	{ MOUNT("\"destination\":\"/\",\"type\":\"tmpfs\""),
		"3: mounts[0].destination: \"/\" is the root itself: what is to be there is root.path" },
	{ MOUNT("\"destination\":\"//.././\",\"type\":\"bind\",\"source\":\"/s\""),
		"3: mounts[0].destination: \"//.././\" is the root itself: what is to be there is root.path" },
	{ MOUNT("\"destination\":\".\",\"type\":\"bind\",\"source\":\"/s\""),
		"3: mounts[0].destination: \"/.\" is the root itself: what is to be there is root.path" },
	{ MOUNT("\"destination\":\"/a\",\"options\":[\"rbind\"]"), "3: mounts[0].source: missing for a bind mount" },
	{ MOUNT("\"destination\":\"/a\",\"type\":\"bind\",\n\"source\":\"\""),
		"4: mounts[0].source: missing for a bind mount" },
	{ MOUNT("\"destination\":\"/a\",\"source\":\"x\""),
		"3: mounts[0].type: missing, and the mount is no bind mount" },
	{ MOUNT("\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/s\",\"uidMappings\":" MAP1),
		"3: mounts[0]: uidMappings and gidMappings come together or not at all" },
	{ CONFIG("\"mounts\":[{\"destination\":\"/a\",\"type\":\"devpts\",\n\"options\":[\"mode=620\",\"gid=5\"]}],"
		 "\"linux\":{" USER_NS ",\"uidMappings\":" MAP1 ",\"gidMappings\":" MAP1 "}"),
		"4: mounts[0].options: \"gid=5\" is not in linux.gidMappings" },
	{ CONFIG("\"mounts\":[{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"gid=0\",\"uid=1\"]}],"
		 "\"linux\":{" USER_NS ",\"uidMappings\":" MAP1 ",\"gidMappings\":" MAP1 "}"),
		"3: mounts[0].options: \"uid=1\" is not in linux.uidMappings" },
	{ MOUNT("\"destination\":\"/a\",\"type\":\"overlay\",\n\"options\":[\"upperdir=/u\"]"),
		"4: mounts[0].options: an overlay needs lowerdir=DIRECTORIES" },
	{ MOUNT("\"destination\":\"/a\",\"type\":\"tmpfs\",\"uidMappings\":" MAP1 ",\"gidMappings\":" MAP1),
		"3: mounts[0]: only bind mounts can have id mappings" },
	{ MOUNT("\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/s\",\n\"options\":[\"idmap\"]"),
		"4: mounts[0].options: idmap without mappings needs a user namespace" },
	{ MOUNT("\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/s\",\"options\":[\"idmap=uids=0-1-1\"]"),
		"3: mounts[0].options: \"idmap=uids=0-1-1\": mappings belong into uidMappings and gidMappings" },
	{ MOUNT("\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/"
		"s\",\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":0}],"
		"\"gidMappings\":" MAP1),
		"3: mounts[0].uidMappings[0]: size is 0" },

	{ CONFIG("\"hooks\":{\"poststop\":[{\"path\":\"/a\"},\n{\"path\":\"bin/x\"}]}"),
		"4: hooks.poststop[1].path: not an absolute path: \"bin/x\"" },
	{ CONFIG("\"hooks\":{\"prestart\":[{\"path\":\"/a\",\"timeout\":0}]}"),
		"3: hooks.prestart[0].timeout: 0 is out of range (1 to 2147483647)" },
	{ CONFIG("\"hooks\":{\"createRuntime\":[{\"path\":\"\"}]}"),
		"3: hooks.createRuntime[0].path: empty, not an absolute path" },
	{ CONFIG("\"hooks\":{\"startContainer\":[{}]}"), "3: hooks.startContainer[0].path: missing" },

	{ CONFIG("\"annotations\":{\"\":\"x\"}"), "3: annotations: has an empty name in it" },
	{ CONFIG("\"annotations\":{\"a.b\":1}"), "3: annotations.a.b: not a string" },
	{ CONFIG("\"hostname\":\"1234567890123456789012345678901234567890123456789012345678901234x\""),
		"3: hostname: longer than 64 bytes" },

	{ LINUX("\"namespaces\":[{\"type\":\"pid\"},\n{\"type\":\"pid\",\"path\":\"/x\"}]"),
		"4: linux.namespaces[1].type: \"pid\" is listed twice" },
	{ LINUX("\"namespaces\":[{\"type\":\"net\"}]"), "3: linux.namespaces[0].type: \"net\" is not one of cgroup, "
							"ipc, mount, network, pid, time, user, uts" },
	{ LINUX("\"namespaces\":[{\"path\":\"/x\"}]"), "3: linux.namespaces[0].type: missing" },
	{ LINUX("\"namespaces\":[{\"type\":\"ipc\",\"path\":\"ns/ipc\"}]"),
		"3: linux.namespaces[0].path: not an absolute path: \"ns/ipc\"" },
	{ LINUX("\"uidMappings\":" MAP1), "3: linux.uidMappings: needs a user namespace in linux.namespaces" },
	{ LINUX("\"gidMappings\":" MAP1), "3: linux.gidMappings: needs a user namespace in linux.namespaces" },
	{ LINUX(USER_NS), "3: linux.uidMappings: missing for the new user namespace" },
	{ LINUX(USER_NS ",\"uidMappings\":" MAP1), "3: linux.gidMappings: missing for the new user namespace" },
	{ LINUX(USER_NS ",\"gidMappings\":" MAP1
			",\"uidMappings\":[{\"containerID\":1,\"hostID\":4294967295,\"size\":2}]"),
		"3: linux.uidMappings[0]: 2 ids from 1 and 4294967295 go beyond the largest id" },
	{ LINUX(USER_NS ",\"gidMappings\":" MAP1 ",\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":10},"
			"{\"containerID\":9,\"hostID\":100,\"size\":1}]"),
		"3: linux.uidMappings: two mappings overlap" },
	{ LINUX(USER_NS ",\"uidMappings\":" MAP1 ",\"gidMappings\":[{\"containerID\":0,\"hostID\":5,\"size\":10},"
			"{\"containerID\":100,\"hostID\":14,\"size\":1}]"),
		"3: linux.gidMappings: two mappings overlap" },
	{ LINUX("\"timeOffsets\":{\"boottime\":{\"secs\":1}}"),
		"3: linux.timeOffsets: needs a new time namespace in linux.namespaces" },
	{ LINUX("\"timeOffsets\":{\"boottime\":{\"nanosecs\":1000000000}}"),
		"3: linux.timeOffsets.boottime.nanosecs: 1000000000 is out of range (0 to 999999999)" },

	{ LINUX("\"devices\":[{\"type\":\"c\",\"path\":\"dev/x\",\"major\":1,\"minor\":1}]"),
		"3: linux.devices[0].path: not an absolute path: \"dev/x\"" },
	{ LINUX("\"devices\":[{\"type\":\"p\",\"path\":\"/p\"},\n{\"type\":\"b\",\"path\":\"/x\",\"major\":1}]"),
		"4: linux.devices[1]: a device of type b needs major and minor" },
	{ LINUX("\"devices\":[{\"type\":\"u\",\"path\":\"/x\"}]"),
		"3: linux.devices[0]: a device of type c needs major and minor" },
	{ LINUX("\"devices\":[{\"type\":\"s\",\"path\":\"/x\"}]"),
		"3: linux.devices[0].type: \"s\" is not one of c, b, p, u" },
	{ LINUX("\"devices\":[{\"type\":\"c\",\"path\":\"/x\",\"major\":4096,\"minor\":0}]"),
		"3: linux.devices[0].major: 4096 is out of range (0 to 4095)" },
	{ LINUX("\"netDevices\":{\"eth0\":{}}"), "3: linux.netDevices: needs a network namespace in linux.namespaces" },
	{ LINUX("\"namespaces\":[{\"type\":\"network\"}],\"netDevices\":{\"a/b\":{}}"),
		"3: linux.netDevices.a/b: \"a/b\" is no name of a network interface" },
	{ LINUX("\"namespaces\":[{\"type\":\"network\"}],\"netDevices\":{\"eth0\":{\n\"name\":\"1234567890123456\"}}"),
		"4: linux.netDevices.eth0.name: \"1234567890123456\" is no name of a network interface" },

	{ RESOURCES("\"devices\":[{\"access\":\"rwm\"}]"), "3: linux.resources.devices[0].allow: missing" },
	{ RESOURCES("\"devices\":[{\"allow\":true,\"access\":\"x\"}]"),
		"3: linux.resources.devices[0].access: \"x\" has none of r, w and m" },
	{ RESOURCES("\"devices\":[{\"allow\":true,\"major\":-2}]"),
		"3: linux.resources.devices[0].major: -2 is out of range (-1 to 4095)" },
	{ RESOURCES("\"memory\":{\"limit\":-2}"),
		"3: linux.resources.memory.limit: -2 is out of range (-1 to 9223372036854775807)" },
	{ RESOURCES("\"memory\":{\"limit\":100,\n\"swap\":99}"),
		"4: linux.resources.memory.swap: 99 is below the limit 100: it is the limit of memory and swap "
		"together" },
	{ RESOURCES("\"memory\":{\"swappiness\":101}"),
		"3: linux.resources.memory.swappiness: 101 is out of range (0 to 100)" },
	{ RESOURCES("\"cpu\":{\"quota\":10,\"burst\":11}"), "3: linux.resources.cpu.burst: 11 is above the quota 10" },
	{ RESOURCES("\"cpu\":{\"shares\":1}"), "3: linux.resources.cpu.shares: 1 is out of range (2 to 262144)" },
	{ RESOURCES("\"cpu\":{\"shares\":262145}"),
		"3: linux.resources.cpu.shares: 262145 is out of range (2 to 262144)" },
	{ RESOURCES("\"cpu\":{\"quota\":999}"),
		"3: linux.resources.cpu.quota: 999 is out of range (1000 to 9223372036854775807)" },
	{ RESOURCES("\"cpu\":{\"quota\":1000,\n\"period\":999}"),
		"4: linux.resources.cpu.period: 999 is out of range (1000 to 1000000)" },
	{ RESOURCES("\"cpu\":{\"period\":1000001}"),
		"3: linux.resources.cpu.period: 1000001 is out of range (1000 to 1000000)" },
	{ RESOURCES("\"cpu\":{\"cpus\":\"3-1\"}"),
		"3: linux.resources.cpu.cpus: \"3-1\" is not a list like \"0-3,7\"" },
	{ RESOURCES("\"cpu\":{\"mems\":\"a\"}"), "3: linux.resources.cpu.mems: \"a\" is not a list like \"0-3,7\"" },
	{ RESOURCES("\"cpu\":{\"idle\":2}"), "3: linux.resources.cpu.idle: 2 is out of range (0 to 1)" },
	{ RESOURCES("\"blockIO\":{\"weight\":65536}"),
		"3: linux.resources.blockIO.weight: 65536 is out of range (0 to 65535)" },
	{ RESOURCES("\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0}]}"),
		"3: linux.resources.blockIO.weightDevice[0]: neither weight nor leafWeight" },
	{ RESOURCES("\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0}]}"),
		"3: linux.resources.blockIO.throttleReadBpsDevice[0].rate: missing" },
	{ RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"3MB\",\"limit\":1}]"),
		"3: linux.resources.hugepageLimits[0].pageSize: \"3MB\" is no page size like \"2MB\"" },
	{ RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"2M\",\"limit\":1}]"),
		"3: linux.resources.hugepageLimits[0].pageSize: \"2M\" is no page size like \"2MB\"" },
	{ RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"02MB\",\"limit\":1}]"),
		"3: linux.resources.hugepageLimits[0].pageSize: \"02MB\" is no page size like \"2MB\"" },
	{ RESOURCES("\"network\":{\"priorities\":[{\"name\":\"\",\"priority\":1}]}"),
		"3: linux.resources.network.priorities[0].name: \"\" is no name of a network interface" },
	{ RESOURCES("\"rdma\":{\"mlx5_1\":{}}"), "3: linux.resources.rdma.mlx5_1: neither hcaHandles nor hcaObjects" },
	{ RESOURCES("\"rdma\":[]"), "3: linux.resources.rdma: not an object" },
	{ RESOURCES("\"unified\":{\"../x\":\"1\"}"), "3: linux.resources.unified: \"../x\" is no file name" },
	{ RESOURCES("\"unified\":{\"cgroup.freeze\":\"1\"}"),
		"3: linux.resources.unified: \"cgroup.freeze\" is no limit" },
	{ RESOURCES("\"unified\":{\"cpu.max\":\"1000 0\"}"),
		"3: linux.resources.unified: cpu.max \"1000 0\": the period is out of range (1000 to 1000000)" },
	{ RESOURCES("\"unified\":{\"cpu.max\":\"max 999\"}"),
		"3: linux.resources.unified: cpu.max \"max 999\": the period is out of range (1000 to 1000000)" },
	{ RESOURCES("\"unified\":{\"cpu.max\":\"1000 1000001\"}"),
		"3: linux.resources.unified: cpu.max \"1000 1000001\": the period is out of range (1000 to 1000000)" },
	{ RESOURCES("\"unified\":{\"cpu.max\":\"0\"}"),
		"3: linux.resources.unified: cpu.max \"0\": the quota is below 1000" },
	{ RESOURCES("\"unified\":{\"..\":\"1\"}"), "3: linux.resources.unified: \"..\" is no file name" },

	{ LINUX("\"seccomp\":{}"), "3: linux.seccomp.defaultAction: missing" },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}"),
		"3: linux.seccomp.defaultAction: cannot be SCMP_ACT_NOTIFY" },
	{ SECCOMP("\"defaultErrnoRet\":1"), "3: linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW returns no errno" },
	{ SECCOMP("\"syscalls\":[{\"names\":[],\"action\":\"SCMP_ACT_LOG\"}]"),
		"3: linux.seccomp.syscalls[0].names: empty" },
	{ SECCOMP("\"syscalls\":[{\"names\":[\"x\"],\"action\":\"SCMP_ACT_TRAP\",\"errnoRet\":1}]"),
		"3: linux.seccomp.syscalls[0].errnoRet: SCMP_ACT_TRAP returns no errno" },
	{ SECCOMP("\"syscalls\":[{\"names\":[\"x\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":4096}]"),
		"3: linux.seccomp.syscalls[0].errnoRet: 4096 is out of range (0 to 4095)" },
	{ SECCOMP("\"syscalls\":[{\"names\":[\"x\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":6,\"value\":0,"
		  "\"op\":\"SCMP_CMP_EQ\"}]}]"),
		"3: linux.seccomp.syscalls[0].args[0].index: 6 is out of range (0 to 5)" },
	{ SECCOMP("\"syscalls\":[{\"names\":[\"x\"],\"action\":\"SCMP_ACT_NOTIFY\"}]"),
		"3: linux.seccomp.listenerPath: missing for SCMP_ACT_NOTIFY" },
	{ SECCOMP("\"listenerMetadata\":\"x\""), "3: linux.seccomp.listenerMetadata: needs listenerPath" },
	{ SECCOMP("\"architectures\":[\"x86\"]"),
		"3: linux.seccomp.architectures[0]: \"x86\" is not one of SCMP_ARCH_AARCH64, " },

	{ LINUX("\"sysctl\":{\"../../etc/x\":\"1\"}"), "3: linux.sysctl: \"../../etc/x\" is no name of a sysctl" },
	{ LINUX("\"sysctl\":{\"/kernel/x\":\"1\"}"), "3: linux.sysctl: \"/kernel/x\" is no name of a sysctl" },
	{ LINUX("\"sysctl\":{\"net..x\":\"1\"}"), "3: linux.sysctl: \"net..x\" is no name of a sysctl" },
	{ LINUX("\"sysctl\":{\"kernel.x\":1}"), "3: linux.sysctl.kernel.x: not a string" },
	{ LINUX("\"maskedPaths\":[\"/a\",\n\"b\"]"), "4: linux.maskedPaths[1]: not an absolute path: \"b\"" },
	{ LINUX("\"readonlyPaths\":[\"proc\"]"), "3: linux.readonlyPaths[0]: not an absolute path: \"proc\"" },
	{ LINUX("\"rootfsPropagation\":\"public\""),
		"3: linux.rootfsPropagation: \"public\" is not one of private, shared, " },
	{ LINUX("\"intelRdt\":{\"memBwSchema\":\"L3:0\"}"),
		"3: linux.intelRdt.memBwSchema: not one line that begins with \"MB:\"" },
	{ LINUX("\"intelRdt\":{\"l3CacheSchema\":\"L3:0\\nMB:1\"}"),
		"3: linux.intelRdt.l3CacheSchema: has more than one line" },
	{ LINUX("\"intelRdt\":{\"schemata\":[\"a\\n\"]}"), "3: linux.intelRdt.schemata[0]: has more than one line" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\"}"), "3: linux.memoryPolicy.nodes: this mode needs nodes" },
	{ LINUX("\"memoryPolicy\":{}"), "3: linux.memoryPolicy.mode: missing (invalid memory policy mode)" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"x\"]}"),
		"3: linux.memoryPolicy.flags[0]: \"x\" is not one of MPOL_F_NUMA_BALANCING, MPOL_F_RELATIVE_NODES, "
		"MPOL_F_STATIC_NODES (invalid memory policy flag)" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0-9876543210\"}"),
		"3: linux.memoryPolicy.nodes: \"0-9876543210\" has a number above 8191 (invalid memory policy nodes)" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_LOCAL\",\"nodes\":\"0\"}"),
		"3: linux.memoryPolicy.nodes: mode requires 0 nodes but got 1" },
	{ LINUX("\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"X\"]}"),
		"3: linux.personality.flags: Linux has none that the spec names" },

	{ CONFIG("\"vm\":{\"kernel\":{}}"), "3: vm.kernel.path: missing" },
	{ CONFIG("\"vm\":{\"kernel\":{\"path\":\"vmlinux\"}}"),
		"3: vm.kernel.path: not an absolute path: \"vmlinux\"" },
	{ CONFIG("\"vm\":{\"hypervisor\":{\"path\":\"qemu\"}}"),
		"3: vm.hypervisor.path: not an absolute path: \"qemu\"" },
	{ CONFIG("\"vm\":{\"kernel\":{\"path\":\"/k\",\n\"initrd\":\"i\"}}"),
		"4: vm.kernel.initrd: not an absolute path: \"i\"" },
	{ CONFIG("\"vm\":{\"image\":{\"path\":\"/i\",\"format\":\"iso\"}}"),
		"3: vm.image.format: \"iso\" is not one of raw, qcow2, vdi, vmdk, vhd" },
	{ CONFIG("\"vm\":{\"hwConfig\":{\"vcpus\":0}}"), "3: vm.hwConfig.vcpus: 0 is out of range (1 to 4294967295)" },
	{ CONFIG("\"windows\":7"), "3: windows: not an object" },
};

static void each_broken_rule_has_its_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;
		struct spec *s = NULL;
		int rc = spec_parse("c.json", bad[i].json, strlen(bad[i].json), &s, NULL, &err);

		if (rc != -EINVAL || strncmp(err.msg, "c.json:", 7) != 0 ||
			strncmp(err.msg + 7, bad[i].want, strlen(bad[i].want)) != 0)
			fail_msg("%s\nwanted c.json:%s\n   got %s (%d)", bad[i].json, bad[i].want, err.msg, rc);
		assert_null(s);
		assert_int_equal(err.errnum, EINVAL);
	}
}

static const char *const good[] = {
	VERSION("1.0.0"),
	VERSION("1.0.2-dev"),
	VERSION("1.3.0+x"),
	VERSION("1.99.0-rc.1+build"),
	CONFIG("\"linux\":{}"),
	LINUX("\"namespaces\":[]"),
	LINUX("\"namespaces\":null"),
	LINUX("\"namespaces\":[{\"type\":\"pid\",\"path\":\"\"}]"),
	LINUX("\"timeOffsets\":{}"),
	LINUX("\"rootfsPropagation\":\"\""),
	LINUX("\"rootfsPropagation\":\"rslave\""),
	LINUX("\"intelRdt\":{}"),
	LINUX("\"devices\":[{\"type\":\"p\",\"path\":\"/pipe\"}]"),
	PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":18446744073709551615,\"hard\":18446744073709551615}]"),
	PROCESS("\"env\":[]"),
	PROCESS("\"scheduler\":null"),
	PROCESS("\"consoleSize\":{\"height\":0,\"width\":0}"),
	PROCESS("\"user\":{\"uid\":4294967294,\"gid\":0}"),
	MOUNT("\"destination\":\"/\",\"options\":[\"remount\",\"nosuid\"]"),
	MOUNT("\"destination\":\"/...\",\"type\":\"tmpfs\""),
	MOUNT("\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"relative\""),
	MOUNT("\"destination\":\"/a\",\"source\":\"/s\",\"options\":[\"bind\",\"rslave\",\"size=1k\",\"mode=700\"]"),
	MOUNT("\"destination\":\"/a\",\"options\":[\"remount\",\"ro\"]"),
	MOUNT("\"destination\":\"/a\",\"type\":\"devpts\",\"options\":[\"gid=5\"]"),
	/* the mappings are those of the namespace at the path */
	CONFIG("\"mounts\":[{\"destination\":\"/a\",\"type\":\"devpts\",\"options\":[\"gid=5\"]}],"
	       "\"linux\":{\"namespaces\":[{\"type\":\"user\",\"path\":\"/n\"}],\"uidMappings\":" MAP1
	       ",\"gidMappings\":" MAP1 "}"),
	MOUNT("\"destination\":\"/a\",\"type\":\"overlay\",\"options\":[\"ro\",\"lowerdir=/a:/b\"]"),
	MOUNT("\"destination\":\"/a\",\"type\":\"bind\",\"source\":\"/s\",\"uidMappings\":[],\"gidMappings\":[]"),
	RESOURCES("\"memory\":{\"limit\":-1,\"swap\":-1}"),
	RESOURCES("\"memory\":{\"limit\":100,\"swap\":0}"),
	RESOURCES("\"cpu\":{\"cpus\":\"\",\"mems\":\"0-1, 3\",\"quota\":-1,\"burst\":5}"),
	RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0},{\"pageSize\":\"1GB\",\"limit\":1},{"
		  "\"pageSize\":\"64KB\",\"limit\":1}]"),
	RESOURCES("\"unified\":{\"cpu.max\":\"1000 1000000\"}"),
	RESOURCES("\"unified\":{\"cpu.max\":\"max\"}"),
	RESOURCES("\"unified\":{\"memory.high\":\"1000\",\"cgroup.max.depth\":\"2\"}"),
	RESOURCES("\"cpu\":{\"shares\":2,\"quota\":1000,\"period\":1000000}"),
	RESOURCES("\"cpu\":{\"shares\":0,\"quota\":-1,\"period\":0}"),
	RESOURCES("\"rdma\":{\"a\":{\"hcaObjects\":0}}"),
	LINUX("\"sysctl\":{\"net.ipv4.conf.eth0/1.forwarding\":\"1\",\"kernel.shm_rmid_forced\":\"\"}"),
	SECCOMP("\"architectures\":[],\"flags\":[],\"listenerPath\":\"\",\"syscalls\":[]"),
	SECCOMP("\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65535}]"),
	CONFIG("\"vm\":{\"kernel\":{\"path\":\"/boot/vmlinux\",\"parameters\":[\"a=b\"]},\"hypervisor\":{\"path\":\"/"
	       "usr/bin/q\",\"parameters\":[]}}"),
	CONFIG("\"vm\":{\"hwConfig\":{\"vcpus\":2,\"memory\":268435456}}"),
	CONFIG("\"annotations\":{\"a\":\"\"},\"hooks\":{\"prestart\":[]}"),
};

static void valid_configs_load(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err err = ERR_INIT;
		struct spec *s = NULL;

		if (spec_parse("c.json", good[i], strlen(good[i]), &s, NULL, &err) != 0)
			fail_msg("%s\n%s", good[i], err.msg);
		spec_free(s);
	}
}

static const struct {
	const char *json, *want;
} warned[] = {
	{ MOUNT("\"destination\":\"data\",\"type\":\"tmpfs\""),
		"c.json:3: mounts[0].destination: \"data\" is relative (deprecated), taken as /data" },
	{ CONFIG("\"hostname\":\"x\""),
		"c.json:3: hostname: no uts namespace is listed: set for the whole VM, not on the host" },
	{ CONFIG("\"domainname\":\"x\""),
		"c.json:3: domainname: no uts namespace is listed: set for the whole VM, not on the host" },
	{ PROCESS("\"env\":[\"A=1\",\n\"B\"]"), "c.json:4: process.env[1]: \"B\" has no '='" },
	{ PROCESS("\"capabilities\":{\"bounding\":[\"CAP_KILL\",\n\"CAP_TEST\"]}"),
		"c.json:4: process.capabilities.bounding[1]: \"CAP_TEST\" is an unknown capability, ignored" },
	{ PROCESS("\"capabilities\":{\"bounding\":[\"cap_kill\"]}"),
		"c.json:3: process.capabilities.bounding[0]: \"cap_kill\" is an unknown capability, ignored" },
	{ PROCESS("\"capabilities\":{\"ambient\":[\"CAP_KILL\"],\"permitted\":[\"CAP_KILL\"]}"),
		"c.json:3: process.capabilities.ambient: those not also permitted and inheritable cannot be ambient, "
		"ignored" },
	{ PROCESS("\"apparmorProfile\":\"x\""), "c.json:3: process.apparmorProfile: ignored: " },
	{ CONFIG("\"windows\":{\"a\":1}"), "c.json:3: windows: ignored: for another platform" },
	{ PROCESS("\"user\":{\"username\":\"ContainerUser\"}"),
		"c.json:3: process.user.username: ignored: for another platform" },
};

static void each_dubious_thing_has_its_warning(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(warned); i++) {
		struct warnings w = WARNINGS_INIT;
		struct err err = ERR_INIT;
		struct spec *s = NULL;

		if (spec_parse("c.json", warned[i].json, strlen(warned[i].json), &s, &w, &err) != 0)
			fail_msg("%s\n%s", warned[i].json, err.msg);
		if (w.n != 1 || strncmp(w.v[0], warned[i].want, strlen(warned[i].want)) != 0)
			fail_msg("%s\nwanted %s\n   got %zu: %s", warned[i].json, warned[i].want, w.n,
				w.n ? w.v[0] : "");
		spec_free(s);
		warnings_done(&w);
	}
}

static const struct {
	const char *json, *want;
} refused[] = {
	{ LINUX("\"intelRdt\":{\n\"closID\":\"x\"}"), "c.json:4: linux.intelRdt.closID: not supported: " },
	{ SECCOMP("\"listenerPath\":\"/x\""), "c.json:3: linux.seccomp.listenerPath: not supported: " },
	{ SECCOMP("\"listenerPath\":\"/x\",\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_NOTIFY\"}]"),
		"c.json:3: linux.seccomp.listenerPath: not supported: " },
	{ CONFIG("\"vm\":{\"image\":{\"path\":\"/i\",\"format\":\"raw\"}}"), "c.json:3: vm.image: not supported: " },
};

static void what_is_refused_says_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct err err = ERR_INIT;
		struct spec *s = NULL;

		assert_int_equal(
			spec_parse("c.json", refused[i].json, strlen(refused[i].json), &s, NULL, &err), -ENOTSUP);
		assert_int_equal(err.errnum, ENOTSUP);
		if (strncmp(err.msg, refused[i].want, strlen(refused[i].want)) != 0)
			fail_msg("wanted %s, got %s", refused[i].want, err.msg);
	}
}

static void the_normal_form(void **state)
{
	static const char json[] =
		"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"r\"},\"hostname\":\"\","
		"\"mounts\":[{\"destination\":\"a\",\"type\":\"\",\"source\":\"/s\",\"options\":[\"bind\"]}],"
		"\"linux\":{\"namespaces\":[{\"type\":\"pid\",\"path\":\"\"}],\"cgroupsPath\":\"\","
		"\"rootfsPropagation\":\"rshared\","
		"\"devices\":[{\"type\":\"u\",\"path\":\"/dev/x\",\"major\":1,\"minor\":5,\"fileMode\":8630}],"
		"\"resources\":{\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":-1,\"minor\":3,"
		"\"access\":\"wr\"}]}}}";
	struct spec *s = NULL;
	struct err err = ERR_INIT;
	const struct spec_device_rule *r;

	(void)state;
	assert_int_equal(spec_parse("c.json", json, strlen(json), &s, NULL, &err), 0);
	assert_string_equal(s->mounts.v[0].destination, "/a");
	assert_null(s->mounts.v[0].type);
	assert_null(s->hostname);
	assert_null(s->linux_->namespaces.v[0].path);
	assert_null(s->linux_->cgroups_path);
	assert_int_equal(s->linux_->rootfs_propagation, MS_SHARED | MS_REC);
	assert_int_equal(s->linux_->devices.v[0].type, 'c');
	assert_int_equal(s->linux_->devices.v[0].file_mode.v, 8630);
	assert_false(s->linux_->devices.v[0].uid.set);
	r = s->linux_->resources->devices.v;
	assert_int_equal(r[0].type, 'a');
	assert_false(r[0].major.set);
	assert_int_equal(r[0].access, SPEC_DEVICE_READ | SPEC_DEVICE_WRITE | SPEC_DEVICE_MKNOD);
	assert_false(r[1].major.set);
	assert_true(r[1].minor.set);
	assert_int_equal(r[1].minor.v, 3);
	assert_int_equal(r[1].access, SPEC_DEVICE_READ | SPEC_DEVICE_WRITE);
	assert_null(s->mounts.v[0].uid_mappings.v); /* absent */
	assert_non_null(s->mounts.v[0].options.v);
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_broken_rule_has_its_message),
		cmocka_unit_test(valid_configs_load),
		cmocka_unit_test(each_dubious_thing_has_its_warning),
		cmocka_unit_test(what_is_refused_says_so),
		cmocka_unit_test(the_normal_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
