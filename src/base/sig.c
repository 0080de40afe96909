/* SPDX-License-Identifier: Apache-2.0 */
/* Signals: see sig.h. */
#include "base/sig.h"

#include <errno.h>
#include <stddef.h>
#include <sys/signalfd.h>

void sig_reset(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	(void)sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &sa, NULL); /* refused for SIGKILL, SIGSTOP and libc's own */
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int sig_open(int how, const sigset_t *set)
{
	int fd;

	if (sigprocmask(how, set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}
