/* SPDX-License-Identifier: Apache-2.0 */
/* What a small process gives up: see confine.h. */
#include "host/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#if defined(__x86_64__)
#define AUDIT_ARCH_OWN AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_OWN AUDIT_ARCH_AARCH64
#else
#define AUDIT_ARCH_OWN 0
#endif
_Static_assert(AUDIT_ARCH_OWN != 0, "the filter of system calls below is for another architecture");

#define LOAD(field) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field)))
#define SKIP_UNLESS(value) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, 1))
#define RETURN(what) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (what)))

/* Loads the filter. The lower half of an argument is compared, which is all of it for what is asked here. */
static int allow(const int *calls, size_t n, unsigned long ioctl)
{
	struct sock_filter insns[2 * CONFINE_CALLS_MAX + 10];
	struct sock_fprog program = { .filter = insns };
	size_t len = 0;

	if (n > CONFINE_CALLS_MAX)
		return -E2BIG;
	insns[len++] = LOAD(arch);
	insns[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_OWN, 1, 0);
	insns[len++] = RETURN(SECCOMP_RET_KILL_PROCESS);
	insns[len++] = LOAD(nr);
	for (size_t i = 0; i < n; i++) {
		insns[len++] = SKIP_UNLESS(calls[i]);
		insns[len++] = RETURN(SECCOMP_RET_ALLOW);
	}
	if (ioctl) {
		insns[len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 1, 0);
		insns[len++] = RETURN(SECCOMP_RET_KILL_PROCESS);
		insns[len++] = LOAD(args[1]);
		insns[len++] = SKIP_UNLESS(ioctl);
		insns[len++] = RETURN(SECCOMP_RET_ALLOW);
	}
	insns[len++] = RETURN(SECCOMP_RET_KILL_PROCESS);
	program.len = (unsigned short)len;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int confine_leave(int *keep, size_t n)
{
	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || setsid() < 0 || chdir("/") < 0)
		return -errno;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (dup2(null, fd) < 0)
			return -errno;
	}
	return fd_close_others(keep, n);
}

int confine_self_with(uint32_t cap_mask, const int *calls, size_t n, unsigned long ioctl)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct kept[2] = { { .effective = cap_mask, .permitted = cap_mask }, { 0 } };
	const struct rlimit no_core = { 0, 0 };

	/* EINVAL: there are no more; EPERM: without CAP_SETPCAP the set stays, of which nothing can be had any more either */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
		;
	if (errno != EINVAL && errno != EPERM)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0 ||
		syscall(SYS_capset, &head, kept) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return allow(calls, n, ioctl);
}

int confine_self(const int *calls, size_t n, unsigned long ioctl)
{
	return confine_self_with(0, calls, n, ioctl);
}
