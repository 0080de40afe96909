/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit statuses in the way of shells: one number for an end by exit(2) and for one by a signal.
 */
#ifndef BASE_EXIT_H
#define BASE_EXIT_H

#include <sys/wait.h>

/* The exit status that stands for an end by signal @signo: 128 + @signo, as in POSIX shells. */
static inline int exit_of_signal(int signo)
{
	return 128 + signo;
}

/* The exit status for @status, which wait(2) gave for a process that has ended. */
static inline int exit_of_wait(int status)
{
	return WIFSIGNALED(status) ? exit_of_signal(WTERMSIG(status)) : WEXITSTATUS(status);
}

#endif
