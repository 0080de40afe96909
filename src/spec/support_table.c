/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The support table: each field of runtime-spec 1.3, and what becomes of it.
 *
 * Edit it when the guest, the life cycle or the host's side learns something, and run `make spec-support` afterwards.
 * See support.h for the paths. The notes stand in docs/spec-support.md, and in warnings and errors behind "ignored: "
 * and "not supported: ".
 */
#include "spec/support_table.h"

/* Reasons that several rows share. */
#define NO_RDT "resctrl belongs to the host's CPU and cannot be reached from the VM"
#define NO_LISTENER "notifications cannot leave the VM yet"
#define NO_IMAGE "the guest's root file system is vmrunc's initramfs"
#define NO_PASSTHROUGH "host hardware is not passed into the VM"
#define OTHER_PLATFORM "for another platform"

const struct support_row support_table[] = {
	{ "ociVersion", SUPPORT_DONE, "any 1.x is accepted" },

	{ "root.path", SUPPORT_DONE, NULL },
	{ "root.readonly", SUPPORT_DONE, NULL },

	{ "process.terminal", SUPPORT_DONE, NULL },
	{ "process.consoleSize", SUPPORT_DONE, NULL },
	{ "process.user.uid", SUPPORT_DONE, NULL },
	{ "process.user.gid", SUPPORT_DONE, NULL },
	{ "process.user.umask", SUPPORT_DONE, NULL },
	{ "process.user.additionalGids", SUPPORT_DONE, NULL },
	{ "process.user.username", SUPPORT_IGNORED, OTHER_PLATFORM },
	{ "process.args", SUPPORT_DONE, NULL },
	{ "process.commandLine", SUPPORT_IGNORED, OTHER_PLATFORM },
	{ "process.env", SUPPORT_DONE, NULL },
	{ "process.cwd", SUPPORT_DONE, NULL },
	{ "process.capabilities.bounding", SUPPORT_DONE, "an unknown name is a warning" },
	{ "process.capabilities.effective", SUPPORT_DONE, NULL },
	{ "process.capabilities.inheritable", SUPPORT_DONE, NULL },
	{ "process.capabilities.permitted", SUPPORT_DONE, NULL },
	{ "process.capabilities.ambient", SUPPORT_DONE, NULL },
	{ "process.rlimits", SUPPORT_DONE,
		"set in the guest, so the caller needs no privilege for them; those that are not given are the "
		"caller's own" },
	{ "process.noNewPrivileges", SUPPORT_DONE, NULL },
	{ "process.oomScoreAdj", SUPPORT_DONE, "for the guest's OOM killer" },
	{ "process.apparmorProfile", SUPPORT_IGNORED, "the guest's kernel has no AppArmor profiles" },
	{ "process.selinuxLabel", SUPPORT_IGNORED, "the guest's kernel has no SELinux policy" },
	{ "process.scheduler", SUPPORT_DONE, NULL },
	{ "process.ioPriority", SUPPORT_DONE, NULL },
	{ "process.execCPUAffinity", SUPPORT_DONE, NULL },

	{ "hostname", SUPPORT_DONE,
		"if there is none, the guest gets the name of the UTS namespace that is joined, or of the one that "
		"vmrunc runs in" },
	{ "domainname", SUPPORT_DONE, NULL },

	{ "mounts[].destination", SUPPORT_DONE, NULL },
	{ "mounts[].type", SUPPORT_DONE,
		"bind (through 9P), tmpfs, proc, sysfs, devpts, mqueue, cgroup (as cgroup2), and what else the guest's "
		"kernel has" },
	{ "mounts[].source", SUPPORT_DONE, NULL },
	{ "mounts[].options", SUPPORT_DONE,
		"mand, acl, iversion and silent change nothing, because the guest's file systems have them always or "
		"never; "
		"a bind has the flags of the mount that its source is in, or those of its options, as with runc; in "
		"the guest "
		"it is one file system with all that is mounted below its source, so its flags are those of the "
		"whole" },
	{ "mounts[].uidMappings", SUPPORT_DONE,
		"on the host, whose kernel must be able to map IDs on mounts of the file system" },
	{ "mounts[].gidMappings", SUPPORT_DONE, NULL },

	{ "hooks.prestart", SUPPORT_DONE, "on the host" },
	{ "hooks.createRuntime", SUPPORT_DONE, "on the host" },
	{ "hooks.createContainer", SUPPORT_DONE,
		"on the host, in all of the monitor's namespaces except its user namespace; the guest does not see "
		"what the "
		"hook mounts" },
	{ "hooks.startContainer", SUPPORT_DONE, "in the guest, as the container's process" },
	{ "hooks.poststart", SUPPORT_DONE, "on the host; a failure is an error, and stops the container" },
	{ "hooks.poststop", SUPPORT_DONE, "on the host; a failure is a warning" },

	{ "annotations", SUPPORT_DONE,
		"`org.vmrunc.*` are settings where the host allows it (vmrunc.json(5)); the others are kept for "
		"`state`" },

	{ "linux.namespaces[].type", SUPPORT_DONE,
		"in the guest; on the host the VM's monitor has namespaces of its own" },
	{ "linux.namespaces[].type=cgroup", SUPPORT_DONE, NULL },
	{ "linux.namespaces[].type=ipc", SUPPORT_DONE,
		"in the guest; one of the host's or of others cannot be common to two kernels, which create says in a "
		"warning" },
	{ "linux.namespaces[].type=mount", SUPPORT_DONE,
		"the guest's is always new; if none is listed, or one by path, the monitor mounts nothing on the "
		"host" },
	{ "linux.namespaces[].type=network", SUPPORT_DONE,
		"the VM has a network stack of its own with the interfaces that the namespace has at start; with the "
		"host's or another process's there is lo alone; with a user namespace, the container has a network "
		"namespace inside the VM" },
	{ "linux.namespaces[].type=pid", SUPPORT_DONE, "the same as ipc" },
	{ "linux.namespaces[].type=time", SUPPORT_DONE,
		"one by path is joined on the host; the guest's is new, and does not have the offsets of that one" },
	{ "linux.namespaces[].type=user", SUPPORT_DONE,
		"in the guest; one by path is made anew there with its mappings, whatever linux.uidMappings says. On "
		"the "
		"host the monitor has a user namespace of its own with the same mappings" },
	{ "linux.namespaces[].type=uts", SUPPORT_DONE,
		"with the host's or another's the container has its name as it is at create, which says so in a "
		"warning" },
	{ "linux.namespaces[].path", SUPPORT_DONE,
		"the monitor joins it on the host; in the guest the container has one of its own" },
	{ "linux.uidMappings", SUPPORT_DONE, NULL },
	{ "linux.gidMappings", SUPPORT_DONE, NULL },
	{ "linux.timeOffsets", SUPPORT_DONE, NULL },
	{ "linux.devices", SUPPORT_DONE, "made in the guest, where only those that the VM has work" },
	{ "linux.netDevices", SUPPORT_DONE,
		"moved into the container's network namespace, and led into the VM as all that is there" },
	{ "linux.cgroupsPath", SUPPORT_DONE, "on the host, for the monitor; with --systemd-cgroup it names a unit" },
	{ "linux.rootfsPropagation", SUPPORT_DONE, "nothing propagates into a VM or out of it" },
	{ "linux.sysctl", SUPPORT_DONE, "any of them: the kernel is the container's own" },
	{ "linux.maskedPaths", SUPPORT_DONE, NULL },
	{ "linux.readonlyPaths", SUPPORT_DONE, NULL },
	{ "linux.mountLabel", SUPPORT_IGNORED, "the guest's kernel has no SELinux policy" },
	{ "linux.personality", SUPPORT_DONE, NULL },
	{ "linux.memoryPolicy", SUPPORT_DONE,
		"the nodes are those of the VM, which has one; the guest's kernel must have CONFIG_NUMA" },
	{ "linux.intelRdt.closID", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.l3CacheSchema", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.memBwSchema", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.schemata", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.enableMonitoring", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.enableCMT", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.enableMBM", SUPPORT_REFUSED, NO_RDT },

	{ "linux.resources.devices", SUPPORT_DONE,
		"as an eBPF program in the guest; without rules only the default devices can be opened, as with runc; "
		"on a v1 "
		"host the rules are in its list as well, together with the devices that the monitor opens" },
	{ "linux.resources.memory.limit", SUPPORT_DONE,
		"as given in the guest; on the host with the VM's own memory added" },
	{ "linux.resources.memory.reservation", SUPPORT_DONE, "as memory.low; on a v1 host as the soft limit" },
	{ "linux.resources.memory.swap", SUPPORT_DONE,
		"as given in the guest; on a v1 host with the VM's own memory added" },
	{ "linux.resources.memory.kernel", SUPPORT_IGNORED, "cgroup v2 counts kernel memory as memory" },
	{ "linux.resources.memory.kernelTCP", SUPPORT_DONE,
		"on a v1 host; cgroup v2, and so the guest, counts it as memory" },
	{ "linux.resources.memory.swappiness", SUPPORT_DONE,
		"on a v1 host; cgroup v2, and so the guest, does not have it" },
	{ "linux.resources.memory.disableOOMKiller", SUPPORT_DONE,
		"on a v1 host; cgroup v2, and so the guest, cannot do it" },
	{ "linux.resources.memory.useHierarchy", SUPPORT_DONE, "cgroup v2 always does it" },
	{ "linux.resources.memory.checkBeforeUpdate", SUPPORT_IGNORED,
		"update sets the limit whatever is in use, as the kernel does" },
	{ "linux.resources.cpu.shares", SUPPORT_DONE, "as cpu.weight" },
	{ "linux.resources.cpu.quota", SUPPORT_DONE, NULL },
	{ "linux.resources.cpu.period", SUPPORT_DONE, NULL },
	{ "linux.resources.cpu.burst", SUPPORT_DONE, NULL },
	{ "linux.resources.cpu.idle", SUPPORT_DONE, NULL },
	{ "linux.resources.cpu.realtimeRuntime", SUPPORT_DONE,
		"on a v1 host whose kernel has it; cgroup v2, and so the guest, does not have it" },
	{ "linux.resources.cpu.realtimePeriod", SUPPORT_DONE,
		"on a v1 host whose kernel has it; cgroup v2, and so the guest, does not have it" },
	{ "linux.resources.cpu.cpus", SUPPORT_DONE,
		"on the host; the VM has as many vCPUs as there are CPUs in the list" },
	{ "linux.resources.cpu.mems", SUPPORT_DONE, "on the host" },
	{ "linux.resources.pids", SUPPORT_DONE,
		"in the guest; on the host the limit is never below the number of threads that the VM needs" },
	{ "linux.resources.blockIO", SUPPORT_DONE, "on the host's cgroup: the disks are the host's" },
	{ "linux.resources.hugepageLimits", SUPPORT_DONE, "in the guest, and on a host that counts them" },
	{ "linux.resources.network", SUPPORT_DONE, "on the host's cgroup, if it has net_cls and net_prio (v1)" },
	{ "linux.resources.rdma", SUPPORT_DONE, "on the host's cgroup: the devices are the host's" },
	{ "linux.resources.unified", SUPPORT_DONE,
		"in the guest, and on a v2 host with the VM's own memory added; cpuset, io, misc and rdma only on a v2 "
		"host" },

	{ "linux.seccomp.defaultAction", SUPPORT_DONE, NULL },
	{ "linux.seccomp.defaultErrnoRet", SUPPORT_DONE, NULL },
	{ "linux.seccomp.architectures", SUPPORT_DONE, NULL },
	{ "linux.seccomp.flags", SUPPORT_DONE, NULL },
	{ "linux.seccomp.flags[]=SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SUPPORT_IGNORED, "it is about a listener" },
	{ "linux.seccomp.listenerPath", SUPPORT_REFUSED, NO_LISTENER },
	{ "linux.seccomp.listenerMetadata", SUPPORT_REFUSED, NO_LISTENER },
	{ "linux.seccomp.syscalls[].names", SUPPORT_DONE, "names that libseccomp does not know are skipped" },
	{ "linux.seccomp.syscalls[].action", SUPPORT_DONE, NULL },
	{ "linux.seccomp.syscalls[].action=SCMP_ACT_NOTIFY", SUPPORT_REFUSED, NO_LISTENER },
	{ "linux.seccomp.syscalls[].errnoRet", SUPPORT_DONE, NULL },
	{ "linux.seccomp.syscalls[].args", SUPPORT_DONE, NULL },

	{ "vm.hypervisor.path", SUPPORT_DONE, "the qemu engine's program" },
	{ "vm.hypervisor.parameters", SUPPORT_IGNORED, "the hypervisor's arguments are vmrunc's own" },
	{ "vm.kernel.path", SUPPORT_DONE, NULL },
	{ "vm.kernel.parameters", SUPPORT_DONE, "appended to vmrunc's own" },
	{ "vm.kernel.initrd", SUPPORT_DONE, "unpacked before vmrunc's own" },
	{ "vm.image", SUPPORT_REFUSED, NO_IMAGE },
	{ "vm.hwConfig.vcpus", SUPPORT_DONE, NULL },
	{ "vm.hwConfig.memory", SUPPORT_DONE, NULL },
	{ "vm.hwConfig.deviceTree", SUPPORT_REFUSED, NO_PASSTHROUGH },
	{ "vm.hwConfig.dtdevs", SUPPORT_REFUSED, NO_PASSTHROUGH },
	{ "vm.hwConfig.iomems", SUPPORT_REFUSED, NO_PASSTHROUGH },
	{ "vm.hwConfig.irqs", SUPPORT_REFUSED, NO_PASSTHROUGH },

	{ "windows", SUPPORT_IGNORED, OTHER_PLATFORM },
	{ "solaris", SUPPORT_IGNORED, OTHER_PLATFORM },
	{ "zos", SUPPORT_IGNORED, OTHER_PLATFORM },
	{ "freebsd", SUPPORT_IGNORED, OTHER_PLATFORM },
	{ NULL, SUPPORT_DONE, NULL },
};
