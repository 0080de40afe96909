/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: see sig.h. */
#include "base/sig.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bytes of the kernel's set of signals; libc's is larger. */
#define KERNEL_SIGSET 8

void sig_reset(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &sa, NULL); /* refused for SIGKILL, SIGSTOP and libc's own */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void sig_fill(sigset_t *set)
{
	memset(set, 0xff, sizeof(*set));
}

int sig_mask(int how, const sigset_t *set, sigset_t *ret_old)
{
	return syscall(SYS_rt_sigprocmask, how, set, ret_old, KERNEL_SIGSET) < 0 ? -errno : 0;
}

int sig_open(int how, const sigset_t *set)
{
	int fd, r = sig_mask(how, set, NULL);

	if (r < 0)
		return r;
	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

bool sig_is_meant(const struct signalfd_siginfo *info)
{
	switch (info->ssi_signo) {
	case SIGCHLD:
	case SIGPIPE:
	case SIGTTIN:
	case SIGTTOU:
	case SIGWINCH:
		/* kill(2), sigqueue(3) and tgkill(2) give a code <= 0; the kernel's SIGPIPE seems to be sent by its victim */
		return info->ssi_code <= 0 && info->ssi_pid != (uint32_t)getpid();
	default:
		return true;
	}
}
