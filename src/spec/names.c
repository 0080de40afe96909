/* SPDX-License-Identifier: Apache-2.0 */
/* The names of constants that config.json uses, and their numbers: see names.h. */
#include "spec/names.h"

#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "spec/spec.h"

/* These two are newer than the headers of Debian 12. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#define MPOL_WEIGHTED_INTERLEAVE_NR 6
/* The spec lists SCHED_ISO; the kernel has reserved its number and never implemented it. */
#define SCHED_ISO_NR 4

#define CAP_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

#define END             \
	{               \
		NULL, 0 \
	}

const struct spec_name spec_ns_names[] = {
	{ "cgroup", SPEC_NS_CGROUP },
	{ "ipc", SPEC_NS_IPC },
	{ "mount", SPEC_NS_MOUNT },
	{ "network", SPEC_NS_NETWORK },
	{ "pid", SPEC_NS_PID },
	{ "time", SPEC_NS_TIME },
	{ "user", SPEC_NS_USER },
	{ "uts", SPEC_NS_UTS },
	END,
};

const struct spec_name spec_rlimit_names[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
	END,
};

const struct spec_name spec_sched_policies[] = {
	{ "SCHED_OTHER", SCHED_NORMAL },
	{ "SCHED_FIFO", SCHED_FIFO },
	{ "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },
	{ "SCHED_ISO", SCHED_ISO_NR },
	{ "SCHED_IDLE", SCHED_IDLE },
	{ "SCHED_DEADLINE", SCHED_DEADLINE },
	END,
};

const struct spec_name spec_sched_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	END,
};

const struct spec_name spec_ioprio_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	END,
};

/* The spec has the four plain words only; engines write the recursive ones as well, and runc takes both. */
const struct spec_name spec_propagations[] = {
	{ "private", MS_PRIVATE },
	{ "shared", MS_SHARED },
	{ "slave", MS_SLAVE },
	{ "unbindable", MS_UNBINDABLE },
	{ "rprivate", MS_PRIVATE | MS_REC },
	{ "rshared", MS_SHARED | MS_REC },
	{ "rslave", MS_SLAVE | MS_REC },
	{ "runbindable", MS_UNBINDABLE | MS_REC },
	{ "", 0 },
	END,
};

const struct spec_name spec_device_types[] = {
	{ "c", 'c' },
	{ "b", 'b' },
	{ "p", 'p' },
	{ "u", 'c' }, /* "unbuffered", mknod(1)'s other word for a character device */
	END,
};

const struct spec_name spec_device_rule_types[] = {
	{ "a", 'a' },
	{ "c", 'c' },
	{ "b", 'b' },
	{ "", 'a' },
	END,
};

const struct spec_name spec_seccomp_action_names[] = {
	{ "SCMP_ACT_ALLOW", SPEC_ACT_ALLOW },
	{ "SCMP_ACT_ERRNO", SPEC_ACT_ERRNO },
	{ "SCMP_ACT_KILL", SPEC_ACT_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SPEC_ACT_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD", SPEC_ACT_KILL_THREAD },
	{ "SCMP_ACT_LOG", SPEC_ACT_LOG },
	{ "SCMP_ACT_NOTIFY", SPEC_ACT_NOTIFY },
	{ "SCMP_ACT_TRACE", SPEC_ACT_TRACE },
	{ "SCMP_ACT_TRAP", SPEC_ACT_TRAP },
	END,
};

const struct spec_name spec_seccomp_op_names[] = {
	{ "SCMP_CMP_EQ", SPEC_CMP_EQ },
	{ "SCMP_CMP_GE", SPEC_CMP_GE },
	{ "SCMP_CMP_GT", SPEC_CMP_GT },
	{ "SCMP_CMP_LE", SPEC_CMP_LE },
	{ "SCMP_CMP_LT", SPEC_CMP_LT },
	{ "SCMP_CMP_MASKED_EQ", SPEC_CMP_MASKED_EQ },
	{ "SCMP_CMP_NE", SPEC_CMP_NE },
	END,
};

const struct spec_name spec_seccomp_arch_names[] = {
	{ "SCMP_ARCH_AARCH64", SPEC_ARCH_AARCH64 },
	{ "SCMP_ARCH_ARM", SPEC_ARCH_ARM },
	{ "SCMP_ARCH_LOONGARCH64", SPEC_ARCH_LOONGARCH64 },
	{ "SCMP_ARCH_M68K", SPEC_ARCH_M68K },
	{ "SCMP_ARCH_MIPS", SPEC_ARCH_MIPS },
	{ "SCMP_ARCH_MIPS64", SPEC_ARCH_MIPS64 },
	{ "SCMP_ARCH_MIPS64N32", SPEC_ARCH_MIPS64N32 },
	{ "SCMP_ARCH_MIPSEL", SPEC_ARCH_MIPSEL },
	{ "SCMP_ARCH_MIPSEL64", SPEC_ARCH_MIPSEL64 },
	{ "SCMP_ARCH_MIPSEL64N32", SPEC_ARCH_MIPSEL64N32 },
	{ "SCMP_ARCH_PARISC", SPEC_ARCH_PARISC },
	{ "SCMP_ARCH_PARISC64", SPEC_ARCH_PARISC64 },
	{ "SCMP_ARCH_PPC", SPEC_ARCH_PPC },
	{ "SCMP_ARCH_PPC64", SPEC_ARCH_PPC64 },
	{ "SCMP_ARCH_PPC64LE", SPEC_ARCH_PPC64LE },
	{ "SCMP_ARCH_RISCV64", SPEC_ARCH_RISCV64 },
	{ "SCMP_ARCH_S390", SPEC_ARCH_S390 },
	{ "SCMP_ARCH_S390X", SPEC_ARCH_S390X },
	{ "SCMP_ARCH_SH", SPEC_ARCH_SH },
	{ "SCMP_ARCH_SHEB", SPEC_ARCH_SHEB },
	{ "SCMP_ARCH_X32", SPEC_ARCH_X32 },
	{ "SCMP_ARCH_X86", SPEC_ARCH_X86 },
	{ "SCMP_ARCH_X86_64", SPEC_ARCH_X86_64 },
	END,
};

const struct spec_name spec_seccomp_flag_names[] = {
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
	END,
};

const struct spec_name spec_mpol_modes[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT },
	{ "MPOL_BIND", MPOL_BIND },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
	{ "MPOL_WEIGHTED_INTERLEAVE", MPOL_WEIGHTED_INTERLEAVE_NR },
	{ "MPOL_PREFERRED", MPOL_PREFERRED },
	{ "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY },
	{ "MPOL_LOCAL", MPOL_LOCAL },
	END,
};

const struct spec_name spec_mpol_flags[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
	END,
};

const struct spec_name spec_personality_domains[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
	END,
};

const struct spec_name spec_image_formats[] = {
	{ "raw", SPEC_IMAGE_RAW },
	{ "qcow2", SPEC_IMAGE_QCOW2 },
	{ "vdi", SPEC_IMAGE_VDI },
	{ "vmdk", SPEC_IMAGE_VMDK },
	{ "vhd", SPEC_IMAGE_VHD },
	END,
};

bool spec_name_find(const struct spec_name *names, const char *text, uint32_t *ret)
{
	for (; names->name; names++) {
		if (strcmp(names->name, text) == 0) {
			*ret = names->value;
			return true;
		}
	}
	return false;
}

const char *spec_name_of(const struct spec_name *names, uint32_t value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

int spec_cap_number(const char *name)
{
	cap_value_t value;

	/* cap_from_name() would also take numbers and any case. */
	if (strncmp(name, "CAP_", 4) != 0 || name[strspn(name, CAP_CHARS)])
		return -1;
	if (cap_from_name(name, &value) < 0 || value < 0 || value > 63)
		return -1;
	return value;
}
