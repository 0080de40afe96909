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
	{ "ociVersion", SUPPORT_DONE, "any 1.x" },

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
	{ "process.capabilities.bounding", SUPPORT_DONE, "unknown names are warnings" },
	{ "process.capabilities.effective", SUPPORT_DONE, NULL },
	{ "process.capabilities.inheritable", SUPPORT_DONE, NULL },
	{ "process.capabilities.permitted", SUPPORT_DONE, NULL },
	{ "process.capabilities.ambient", SUPPORT_DONE, NULL },
	{ "process.rlimits", SUPPORT_DONE, "set in the guest: the caller needs no privilege for them" },
	{ "process.noNewPrivileges", SUPPORT_DONE, NULL },
	{ "process.oomScoreAdj", SUPPORT_DONE, "for the guest's OOM killer" },
	{ "process.apparmorProfile", SUPPORT_IGNORED, "the guest's kernel has no AppArmor profiles" },
	{ "process.selinuxLabel", SUPPORT_IGNORED, "the guest's kernel has no SELinux policy" },
	{ "process.scheduler", SUPPORT_DONE, NULL },
	{ "process.ioPriority", SUPPORT_DONE, NULL },
	{ "process.execCPUAffinity", SUPPORT_IGNORED, "it is for exec, which is not there yet" },

	{ "hostname", SUPPORT_DONE, "without one: that of the UTS namespace where vmrunc runs, or which is joined" },
	{ "domainname", SUPPORT_DONE, NULL },

	{ "mounts[].destination", SUPPORT_DONE, NULL },
	{ "mounts[].type", SUPPORT_DONE,
		"bind (by 9p), tmpfs, proc, sysfs, devpts, mqueue, cgroup (as cgroup2), and what the guest's kernel "
		"has" },
	{ "mounts[].source", SUPPORT_DONE, NULL },
	{ "mounts[].options", SUPPORT_DONE,
		"mand, acl, iversion and silent change nothing: the guest's file systems have them always or never; a "
		"bind is one "
		"file system in the guest, with all that is mounted below its source, so its flags are those of the "
		"whole" },
	{ "mounts[].uidMappings", SUPPORT_DONE,
		"on the host; its kernel must have idmapped mounts for the file system" },
	{ "mounts[].gidMappings", SUPPORT_DONE, NULL },

	{ "hooks.prestart", SUPPORT_DONE, "on the host" },
	{ "hooks.createRuntime", SUPPORT_DONE, "on the host" },
	{ "hooks.createContainer", SUPPORT_DONE,
		"on the host, in the monitor's namespaces but its user namespace; what it mounts is not seen in the "
		"guest" },
	{ "hooks.startContainer", SUPPORT_DONE, "in the guest, as the container's process" },
	{ "hooks.poststart", SUPPORT_DONE, "on the host; a failure is a warning" },
	{ "hooks.poststop", SUPPORT_DONE, "on the host; a failure is a warning" },

	{ "annotations", SUPPORT_DONE, "`org.vmrunc.*` are settings; the others are kept for `state`" },

	{ "linux.namespaces[].type", SUPPORT_DONE, "in the guest; the VM's monitor has its own on the host" },
	{ "linux.namespaces[].type=cgroup", SUPPORT_DONE, NULL },
	{ "linux.namespaces[].type=ipc", SUPPORT_DONE, NULL },
	{ "linux.namespaces[].type=mount", SUPPORT_DONE,
		"always new in the guest; where none is listed, or by path, the monitor mounts nothing on the host" },
	{ "linux.namespaces[].type=network", SUPPORT_DONE,
		"the VM's own network stack, with lo alone so far; with a user namespace, a network namespace in the "
		"VM" },
	{ "linux.namespaces[].type=pid", SUPPORT_DONE, NULL },
	{ "linux.namespaces[].type=time", SUPPORT_DONE,
		"one by path is joined on the host; the guest's is new, without its offsets" },
	{ "linux.namespaces[].type=user", SUPPORT_DONE,
		"in the guest, one by path with its mappings, and with a network namespace of its own where the config "
		"lists one; the monitor has one of its own with all ids" },
	{ "linux.namespaces[].type=uts", SUPPORT_DONE, NULL },
	{ "linux.namespaces[].path", SUPPORT_DONE,
		"joined by the monitor, on the host; in the guest the container has its own" },
	{ "linux.uidMappings", SUPPORT_DONE, NULL },
	{ "linux.gidMappings", SUPPORT_DONE, NULL },
	{ "linux.timeOffsets", SUPPORT_DONE, NULL },
	{ "linux.devices", SUPPORT_DONE, "made in the guest; only those that the VM has work" },
	{ "linux.netDevices", SUPPORT_REFUSED, "host interfaces are not moved into the VM" },
	{ "linux.cgroupsPath", SUPPORT_DONE, "on the host, for the monitor; with --systemd-cgroup the name of a unit" },
	{ "linux.rootfsPropagation", SUPPORT_DONE, "nothing propagates into a VM or out of it" },
	{ "linux.sysctl", SUPPORT_DONE, "any: the kernel is the container's own" },
	{ "linux.maskedPaths", SUPPORT_DONE, NULL },
	{ "linux.readonlyPaths", SUPPORT_DONE, NULL },
	{ "linux.mountLabel", SUPPORT_IGNORED, "the guest's kernel has no SELinux policy" },
	{ "linux.personality", SUPPORT_DONE, NULL },
	{ "linux.memoryPolicy", SUPPORT_DONE,
		"of the VM, which has one memory node; needs a guest kernel with CONFIG_NUMA" },
	{ "linux.intelRdt.closID", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.l3CacheSchema", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.memBwSchema", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.schemata", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.enableMonitoring", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.enableCMT", SUPPORT_REFUSED, NO_RDT },
	{ "linux.intelRdt.enableMBM", SUPPORT_REFUSED, NO_RDT },

	{ "linux.resources.devices", SUPPORT_DONE,
		"as eBPF in the guest; without rules the default devices alone can be opened, as with runc; "
		"on a v1 host in its list too, with what the monitor opens" },
	{ "linux.resources.memory.limit", SUPPORT_DONE,
		"exactly in the guest; on the host with the VM's own memory on top" },
	{ "linux.resources.memory.reservation", SUPPORT_DONE, "as memory.low; on a v1 host as the soft limit" },
	{ "linux.resources.memory.swap", SUPPORT_DONE,
		"exactly in the guest; on a v1 host with the VM's own memory on top" },
	{ "linux.resources.memory.kernel", SUPPORT_IGNORED, "cgroup v2 counts it as memory" },
	{ "linux.resources.memory.kernelTCP", SUPPORT_DONE,
		"on a v1 host; cgroup v2, the guest's too, counts it as memory" },
	{ "linux.resources.memory.swappiness", SUPPORT_DONE, "on a v1 host; cgroup v2, the guest's too, has none" },
	{ "linux.resources.memory.disableOOMKiller", SUPPORT_DONE, "on a v1 host; cgroup v2, the guest's too, cannot" },
	{ "linux.resources.memory.useHierarchy", SUPPORT_DONE, "always so with cgroup v2" },
	{ "linux.resources.memory.checkBeforeUpdate", SUPPORT_IGNORED, "limits are not updated yet" },
	{ "linux.resources.cpu.shares", SUPPORT_DONE, "as cpu.weight" },
	{ "linux.resources.cpu.quota", SUPPORT_DONE, NULL },
	{ "linux.resources.cpu.period", SUPPORT_DONE, NULL },
	{ "linux.resources.cpu.burst", SUPPORT_DONE, NULL },
	{ "linux.resources.cpu.idle", SUPPORT_DONE, NULL },
	{ "linux.resources.cpu.realtimeRuntime", SUPPORT_DONE,
		"on a v1 host whose kernel has it; cgroup v2, the guest's too, has none" },
	{ "linux.resources.cpu.realtimePeriod", SUPPORT_DONE,
		"on a v1 host whose kernel has it; cgroup v2, the guest's too, has none" },
	{ "linux.resources.cpu.cpus", SUPPORT_DONE, "on the host; the VM has as many vCPUs" },
	{ "linux.resources.cpu.mems", SUPPORT_DONE, "on the host" },
	{ "linux.resources.pids", SUPPORT_DONE, "in the guest; on the host at least what the VM's threads need" },
	{ "linux.resources.blockIO", SUPPORT_DONE, "on the host's cgroup: the disks are the host's" },
	{ "linux.resources.hugepageLimits", SUPPORT_DONE, "in the guest; on the host, where it counts them" },
	{ "linux.resources.network", SUPPORT_DONE, "on the host's cgroup, where it has net_cls and net_prio (v1)" },
	{ "linux.resources.rdma", SUPPORT_DONE, "on the host's cgroup: the devices are the host's" },
	{ "linux.resources.unified", SUPPORT_DONE,
		"in the guest and on a v2 host, with the VM's own memory on top; cpuset, io, misc and rdma on a v2 "
		"host alone" },

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
	{ "vm.kernel.parameters", SUPPORT_DONE, "put behind vmrunc's own" },
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
