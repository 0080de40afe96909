/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process is when it executes its program: see identity.h.
 *
 * The order follows from who may do what: limits, scheduling and the bounding
 * set need privileges, so they come before the ids change. Loading a seccomp
 * filter needs CAP_SYS_ADMIN or no_new_privs. With no_new_privs it is loaded last
 * of all. Without, it is loaded before the capabilities are dropped, and has to
 * allow what comes after it, as with runc.
 */
#include "launch/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cpulist.h"
#include "base/fd.h"

#define IOPRIO_WHO_PROCESS 1
#define NR_OPEN "/proc/sys/fs/nr_open" /* the VM's: the joiner has not entered the container yet */
#define CAP_LIMIT 64                   /* capabilities that a mask can hold */
#define LONG_BITS (8 * sizeof(long))

struct sched_attr_v1 { /* sched_setattr(2), as of Linux 5.3 */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

/* The name of limit @resource, as config.json has it. */
static const char *limit_name(uint32_t resource)
{
	static const char *const names[RLIM_NLIMITS] = {
		[RLIMIT_AS] = "RLIMIT_AS",
		[RLIMIT_CORE] = "RLIMIT_CORE",
		[RLIMIT_CPU] = "RLIMIT_CPU",
		[RLIMIT_DATA] = "RLIMIT_DATA",
		[RLIMIT_FSIZE] = "RLIMIT_FSIZE",
		[RLIMIT_LOCKS] = "RLIMIT_LOCKS",
		[RLIMIT_MEMLOCK] = "RLIMIT_MEMLOCK",
		[RLIMIT_MSGQUEUE] = "RLIMIT_MSGQUEUE",
		[RLIMIT_NICE] = "RLIMIT_NICE",
		[RLIMIT_NOFILE] = "RLIMIT_NOFILE",
		[RLIMIT_NPROC] = "RLIMIT_NPROC",
		[RLIMIT_RSS] = "RLIMIT_RSS",
		[RLIMIT_RTPRIO] = "RLIMIT_RTPRIO",
		[RLIMIT_RTTIME] = "RLIMIT_RTTIME",
		[RLIMIT_SIGPENDING] = "RLIMIT_SIGPENDING",
		[RLIMIT_STACK] = "RLIMIT_STACK",
	};

	return resource < RLIM_NLIMITS && names[resource] ? names[resource] : "a limit without a name";
}

/* Raises fs.nr_open of the VM to @wanted, if it is lower: no RLIMIT_NOFILE can be above it. 0 or -errno. */
static int raise_nr_open(uint64_t wanted)
{
	autofree char *now = NULL;
	char text[24];
	int r = fd_read_file(AT_FDCWD, NR_OPEN, sizeof(text), &now, NULL);

	if (r < 0 || strtoull(now, NULL, 10) >= wanted)
		return r;
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)wanted); /* fits */
	return fd_write_existing(AT_FDCWD, NR_OPEN, text);
}

/* Raises hard limits that are too low; root of a user namespace may only lower them. */
static int raise_limits(const struct guest_process *p, struct err *err)
{
	for (uint32_t i = 0; i < p->rlimits.len; i++) {
		const struct guest_rlimit *l = &p->rlimits.at[i];
		struct rlimit now;

		if (getrlimit((int)l->resource, &now) < 0)
			return err_sys(err, errno, "process.rlimits: %s", limit_name(l->resource));
		if (now.rlim_max >= l->hard)
			continue;
		if (l->resource == RLIMIT_NOFILE) {
			int r = raise_nr_open(l->hard);

			if (r < 0)
				return err_sys(err, r,
					"process.rlimits: RLIMIT_NOFILE: the guest's kernel has no %llu files",
					(unsigned long long)l->hard);
		}
		now.rlim_max = l->hard;
		if (setrlimit((int)l->resource, &now) < 0)
			return err_sys(err, errno, "process.rlimits: %s cannot be raised to %llu",
				limit_name(l->resource), (unsigned long long)l->hard);
	}
	return 0;
}

int identity_prepare(const struct guest_process *p, struct err *err)
{
	char text[16];
	int r;

	/* it is set in any case: the agent's own, -1000, must not be inherited */
	(void)snprintf(text, sizeof(text), "%d", p->has_oom_score_adj ? p->oom_score_adj : 0);
	r = fd_write_existing(AT_FDCWD, "/proc/self/oom_score_adj", text);
	return r < 0 ? err_sys(err, r, "process.oomScoreAdj: cannot set %s", text) : raise_limits(p, err);
}

int identity_hide(struct err *err)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, errno, "cannot hide the process from the container");
	return 0;
}

/* --- scheduling --- */

/* Binds the caller to the CPUs of @list, which the host has checked; "" means that nothing is asked for. */
static int set_affinity(const char *list, struct err *err)
{
	struct cpulist cpus;

	if (!*list)
		return 0;
	if (cpulist_parse(list, &cpus) < 0)
		return err_set(err, EINVAL, "process.execCPUAffinity: \"%s\" is not a list of CPUs", list);
	if (syscall(SYS_sched_setaffinity, 0, sizeof(cpus.bits), cpus.bits) < 0)
		return err_sys(err, errno, "process.execCPUAffinity: \"%s\"", list);
	return 0;
}

/* linux.memoryPolicy: where the memory that the process allocates from here on comes from; execve(2) keeps it. */
static int set_memory_policy(const struct guest_process *p, struct err *err)
{
	unsigned long mask[PROTO_NODES_MAX / LONG_BITS] = { 0 };
	const struct guest_ids *nodes = &p->memory_nodes;

	if (!p->has_memory_policy)
		return 0;
	for (uint32_t i = 0; i < nodes->len; i++) {
		if (nodes->at[i] >= PROTO_NODES_MAX)
			return err_set(err, EINVAL, "linux.memoryPolicy: the VM has no memory node %u", nodes->at[i]);
		mask[nodes->at[i] / LONG_BITS] |= 1ul << (nodes->at[i] % LONG_BITS);
	}
	/* the kernel looks at one bit less than the number that it is given */
	if (syscall(SYS_set_mempolicy, (int)p->memory_policy, nodes->len ? mask : NULL,
		    nodes->len ? PROTO_NODES_MAX + 1ul : 0ul) == 0)
		return 0;
	if (errno == ENOSYS && p->memory_policy == MPOL_DEFAULT)
		return 0; /* a kernel with one node has no other policy */
	if (errno == ENOSYS)
		return err_set(err, ENOSYS, "linux.memoryPolicy: the guest's kernel has no memory nodes (CONFIG_NUMA)");
	if (errno == EINVAL)
		return err_set(err, EINVAL,
			"linux.memoryPolicy: the guest's kernel refuses it: it names a node that the VM does not have, or a mode or flag that the kernel does not have");
	return err_sys(err, errno, "linux.memoryPolicy");
}

int identity_schedule(const struct guest_process *p, pid_t pid, struct err *err)
{
	const struct guest_scheduler *s = &p->scheduler;
	struct sched_attr_v1 attr = { .size = sizeof(attr),
		.policy = s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = s->priority,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period };

	if (p->has_scheduler && syscall(SYS_sched_setattr, pid, &attr, 0) < 0)
		return err_sys(err, errno, "process.scheduler");
	if (p->has_ioprio && syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, (int)p->ioprio) < 0)
		return err_sys(err, errno, "process.ioPriority");
	return 0;
}

static int set_limits(const struct guest_process *p, struct err *err)
{
	for (uint32_t i = 0; i < p->rlimits.len; i++) {
		const struct guest_rlimit *l = &p->rlimits.at[i];
		struct rlimit lim = { .rlim_cur = l->soft, .rlim_max = l->hard };

		if (setrlimit((int)l->resource, &lim) < 0)
			return err_sys(err, errno, "process.rlimits: %s cannot be set to %llu:%llu",
				limit_name(l->resource), (unsigned long long)l->soft, (unsigned long long)l->hard);
	}
	return 0;
}

/* --- capabilities --- */

/* The capabilities that this kernel knows, as a mask. */
static uint64_t known_caps(void)
{
	uint64_t mask = 0;

	for (unsigned long c = 0; c < CAP_LIMIT; c++) {
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) < 0)
			break;
		mask |= 1ull << c;
	}
	return mask;
}

static int drop_bounding(uint64_t keep, uint64_t known, struct err *err)
{
	for (unsigned long c = 0; c < CAP_LIMIT; c++) {
		if (!(known >> c & 1) || (keep >> c & 1))
			continue;
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
			return err_sys(err, errno, "process.capabilities.bounding: cannot drop capability %lu", c);
	}
	return 0;
}

/* Sets the effective, permitted, inheritable and ambient sets; the bounding set is drop_bounding()'s. */
static int set_caps(const struct guest_process *p, uint64_t known, struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)((p->caps[GUEST_CAP_EFFECTIVE] & known) >> (32 * i));
		data[i].permitted = (uint32_t)((p->caps[GUEST_CAP_PERMITTED] & known) >> (32 * i));
		data[i].inheritable = (uint32_t)((p->caps[GUEST_CAP_INHERITABLE] & known) >> (32 * i));
	}
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(err, errno, "process.capabilities: cannot set them");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, errno, "process.capabilities.ambient: cannot clear it");
	for (unsigned long c = 0; c < CAP_LIMIT; c++) {
		if (!(p->caps[GUEST_CAP_AMBIENT] & known & 1ull << c))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c, 0, 0) < 0)
			return err_sys(err, errno, "process.capabilities.ambient: cannot raise capability %lu", c);
	}
	return 0;
}

/* --- ids --- */

/* Sets @err for a failure to become @id, the user or group of process.user.@field. Returns -errno. */
static int cannot_become(const char *field, uint32_t id, struct err *err)
{
	if (errno == EINVAL)
		return err_set(
			err, EINVAL, "process.user.%s: %u is not mapped in the container's user namespace", field, id);
	return err_sys(err, errno, "process.user.%s: cannot become %u", field, id);
}

/* Sets the supplementary groups. */
static int set_groups(const struct guest_process *p, struct err *err)
{
	autofree gid_t *groups = calloc(p->groups.len + 1u, sizeof(gid_t));

	if (!groups)
		return err_set(err, ENOMEM, "process.user.additionalGids: no memory");
	for (uint32_t i = 0; i < p->groups.len; i++)
		groups[i] = p->groups.at[i];
	/*
	 * By system call, so that no limit of a libc counts (NGROUPS_MAX is 32 in musl). EPERM:
	 * the user namespace denies setgroups(2), which does not matter if there are no groups.
	 */
	if (syscall(SYS_setgroups, (size_t)p->groups.len, groups) < 0 && (errno != EPERM || p->groups.len > 0))
		return err_sys(err, errno, "process.user.additionalGids: cannot set them%s",
			errno == EINVAL ? " (one is not mapped in the container's user namespace)" : "");
	return 0;
}

/* Becomes the user; the capabilities are kept, so that set_caps() can set them. */
static int set_ids(const struct guest_process *p, struct err *err)
{
	int r;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "cannot keep capabilities over a change of user");
	r = set_groups(p, err);
	if (r < 0)
		return r;
	if (syscall(SYS_setresgid, p->gid, p->gid, p->gid) < 0)
		return cannot_become("gid", p->gid, err);
	if (syscall(SYS_setresuid, p->uid, p->uid, p->uid) < 0)
		return cannot_become("uid", p->uid, err);
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return err_sys(err, errno, "cannot reset keepcaps");
	return identity_hide(err);
}

/* --- seccomp --- */

/* Loads the seccomp filter of @p, if it has one. */
static int load_seccomp(const struct guest_process *p, struct err *err)
{
	struct sock_fprog prog = { .len = (unsigned short)(p->seccomp.len / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(uintptr_t)p->seccomp.at };

	if (p->seccomp.len == 0)
		return 0;
	if (p->seccomp.len % sizeof(struct sock_filter) ||
		p->seccomp.len / sizeof(struct sock_filter) > BPF_MAXINSNS * 8)
		return err_set(err, EINVAL, "linux.seccomp: a program of %zu bytes", p->seccomp.len);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->seccomp_flags, &prog) < 0)
		return err_sys(err, errno, "linux.seccomp: cannot load the filter");
	return 0;
}

/* --- all of it --- */

/*
 * Changes into the working directory. It is called as root, and if that may not
 * enter (-EAGAIN) once more as the user (@last_try): the directory may be closed
 * to either, as a home with mode 0700 and a network file system that trusts no
 * root are.
 */
static int enter_cwd(const char *cwd, bool last_try, struct err *err)
{
	char now[PATH_MAX];

	if (!*cwd)
		return 0;
	if (chdir(cwd) == 0) {
		/* a path through /proc/self/fd can lead out of the root; getcwd(2) then gives no absolute path */
		if (syscall(SYS_getcwd, now, sizeof(now)) < 0 || now[0] != '/')
			return err_set(err, EXDEV,
				"chdir to cwd (\"%s\") set in config.json failed: it is outside of the container's root",
				cwd);
		return 0;
	}
	if (!last_try && (errno == EACCES || errno == EPERM))
		return -EAGAIN;
	return err_sys(err, errno, "chdir to cwd (\"%s\") set in config.json failed", cwd);
}

int identity_set(const struct guest_process *p, struct err *err)
{
	uint64_t known = known_caps();
	int r = set_affinity(*p->cpus_final ? p->cpus_final : p->cpus_initial, err);
	int in_cwd;

	if (r == 0)
		r = set_memory_policy(p, err);
	if (r == 0)
		r = set_limits(p, err);
	in_cwd = r == 0 ? enter_cwd(p->cwd, false, err) : r;
	if (in_cwd < 0 && in_cwd != -EAGAIN)
		return in_cwd;
	if (r == 0 && p->has_personality && personality((unsigned long)p->personality) < 0)
		r = err_sys(err, errno, "linux.personality");
	if (r == 0)
		r = drop_bounding(p->caps[GUEST_CAP_BOUNDING], known, err);
	if (r == 0 && !p->no_new_privs)
		r = load_seccomp(p, err);
	if (r == 0)
		r = set_ids(p, err);
	if (r == 0)
		r = set_caps(p, known, err);
	if (r == 0 && in_cwd < 0)
		r = enter_cwd(p->cwd, true, err);
	if (r < 0)
		return r;
	(void)umask((mode_t)p->umask);
	if (p->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "process.noNewPrivileges");
	return 0;
}

int identity_set_last(const struct guest_process *p, struct err *err)
{
	return p->no_new_privs ? load_seccomp(p, err) : 0;
}
