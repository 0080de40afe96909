/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a process: the wait for it, and its exit status in the way of shells, one number for an end by exit(2) and for
 * one by a signal.
 */
#ifndef BASE_EXIT_H
#define BASE_EXIT_H

#include <errno.h>
#include <sys/wait.h>

/* Waits for a change of the child @pid as waitpid(2) does, whatever signals come meanwhile. @ret_status may be NULL. */
static inline pid_t exit_wait(pid_t pid, int *ret_status)
{
	pid_t r;

	do
		r = waitpid(pid, ret_status, 0);
	while (r < 0 && errno == EINTR);
	return r;
}

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
