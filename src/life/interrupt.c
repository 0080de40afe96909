/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that end a command in order: see interrupt.h. */
#include "life/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/sig.h"

int interrupt_open(struct err *err)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		(void)sigaddset(&set, ending[i]);
	fd = sig_open(SIG_BLOCK, &set);
	return fd < 0 ? err_sys(err, fd, "cannot receive signals") : fd;
}

int interrupt_take(int fd, struct err *err)
{
	struct signalfd_siginfo info;

	if (fd < 0 || read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	err->exit_status = exit_of_signal((int)info.ssi_signo);
	return err_set(err, EINTR, "interrupted by signal %d", (int)info.ssi_signo);
}
