/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a program that was just executed undumpable: see undump.h. */
#include "vm/qemu/undump.h"
#include "base/exit.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define STACK_WORDS 1024 /* of the new stack: the pointers of arguments and environment, and the auxiliary vector */
#define VDSO_MAX 16384   /* bytes of the vDSO that are searched; it has one or two pages of code */

int undump_trace(pid_t child)
{
	return ptrace(PTRACE_SEIZE, child, NULL, (void *)(uintptr_t)PTRACE_O_TRACEEXEC) < 0 ? -errno : 0;
}

/* Waits for the next stop of @child: 1; 0: it has ended. -errno if it cannot be waited for. */
static int wait_stop(pid_t child, int *ret_status)
{
	if (exit_wait(child, ret_status) < 0)
		return -errno;
	return WIFSTOPPED(*ret_status) ? 1 : 0;
}

/* Lets @child go on until execve(2) has succeeded. Signals that stop it are its own. As wait_stop(). */
static int wait_exec(pid_t child, int *ret_status)
{
	int r;

	while ((r = wait_stop(child, ret_status)) == 1) {
		bool event = *ret_status >> 16 != 0;

		if (*ret_status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXEC << 8)))
			return 1;
		if (ptrace(PTRACE_CONT, child, NULL, (void *)(uintptr_t)(event ? 0 : WSTOPSIG(*ret_status))) < 0 &&
			errno != ESRCH)
			return -errno;
	}
	return r;
}

#ifdef __x86_64__
/* Reads up to @len bytes at @from of @child: how many, or -errno. */
static ssize_t peek(pid_t child, uint64_t from, void *to, size_t len)
{
	struct iovec local = { .iov_base = to, .iov_len = len };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)from, .iov_len = len };
	ssize_t n = process_vm_readv(child, &local, 1, &remote, 1, 0);

	return n < 0 ? -errno : n;
}

/* Finds the instruction `syscall` in the vDSO of a program whose stack is as execve(2) made it: 0 or -errno. */
static int find_syscall(pid_t child, uint64_t stack, uint64_t *ret_at)
{
	static const uint8_t insn[] = { 0x0f, 0x05 };
	uint64_t words[STACK_WORDS], vdso = 0;
	uint8_t code[VDSO_MAX];
	const uint8_t *found;
	ssize_t n = peek(child, stack, words, sizeof(words));
	size_t len = n < 0 ? 0 : (size_t)n / sizeof(words[0]), i;

	if (n < 0)
		return (int)n;
	/* argc, argv and its NULL, the environment and its NULL, pairs of the auxiliary vector */
	i = len && words[0] < len ? (size_t)words[0] + 2 : len;
	while (i < len && words[i])
		i++;
	for (i++; i + 1 < len && words[i] != AT_NULL && !vdso; i += 2)
		vdso = words[i] == AT_SYSINFO_EHDR ? words[i + 1] : 0;
	n = vdso ? peek(child, vdso, code, sizeof(code)) : -ENOENT;
	found = n < 0 ? NULL : memmem(code, (size_t)n, insn, sizeof(insn));
	if (!found)
		return n < 0 ? (int)n : -ENOENT;
	*ret_at = vdso + (uint64_t)(found - code);
	return 0;
}

/* Executes one instruction of @child. As wait_stop(). */
static int step(pid_t child, int *ret_status)
{
	return ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) < 0 ? -errno : wait_stop(child, ret_status);
}

/* Lets @child, which has just executed its program, make the system call. 1; 0: it has ended; or -errno. */
static int call_prctl(pid_t child, int *ret_status)
{
	struct user_regs_struct old, regs;
	uint64_t at;
	int r = step(child, ret_status); /* out of execve(2), whose result would overwrite a register */

	if (r <= 0)
		return r;
	if (ptrace(PTRACE_GETREGS, child, NULL, &old) < 0)
		return -errno;
	regs = old;
	r = find_syscall(child, old.rsp, &at);
	if (r < 0)
		return r;
	regs.rip = at;
	regs.rax = SYS_prctl;
	regs.rdi = PR_SET_DUMPABLE;
	regs.rsi = regs.rdx = regs.r10 = regs.r8 = 0;
	regs.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, child, NULL, &regs) < 0)
		return -errno;
	r = step(child, ret_status);
	if (r <= 0)
		return r;
	if (ptrace(PTRACE_GETREGS, child, NULL, &regs) < 0 || ptrace(PTRACE_SETREGS, child, NULL, &old) < 0)
		return -errno;
	return regs.rax == 0 ? 1 : (int)(int64_t)regs.rax;
}
#else
/* The registers of other machines are not known here: QEMU stays as execve(2) made it, and the caller says so. */
static int call_prctl(unused pid_t child, unused int *ret_status)
{
	return -EOPNOTSUPP;
}
#endif

int undump_executed(pid_t child, bool *ret_ended, int *ret_status)
{
	int r = wait_exec(child, ret_status);

	if (r == 1)
		r = call_prctl(child, ret_status);
	*ret_ended = r == 0;
	if (r != 0)
		(void)ptrace(PTRACE_DETACH, child, NULL, NULL); /* fails if it was killed meanwhile: the pidfd tells */
	return r < 0 ? r : 0;
}
