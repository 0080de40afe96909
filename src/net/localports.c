/* SPDX-License-Identifier: Apache-2.0 */
/* The ports that a namespace's sockets choose from: see localports.h. */
#include "net/localports.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/fd.h"

#define RANGE_FILE "/proc/sys/net/ipv4/ip_local_port_range" /* of the namespace that its opener is in */
#define RANGE_BYTES 64
#define KERNELS_OWN "32768 60999"

/* The range as two numbers; false if the file says something else. */
static bool parse(const char *text, unsigned int ret[2])
{
	return sscanf(text, "%u %u", &ret[0], &ret[1]) == 2; /* NOLINT(cert-err34-c): the kernel's own numbers */
}

/* Makes the caller's range @to if it is @from. 0 or -errno. */
static int change(const char *from, const char *to)
{
	autofree char *now = NULL;
	unsigned int is[2], expected[2];
	int r = fd_read_file(AT_FDCWD, RANGE_FILE, RANGE_BYTES, &now, NULL);

	if (r < 0)
		return r;
	if (!parse(now, is) || !parse(from, expected) || is[0] != expected[0] || is[1] != expected[1])
		return 0;
	return fd_write_existing(AT_FDCWD, RANGE_FILE, to);
}

/* The same in namespace @ns_fd (-1: the caller's), by a child, since there may be no way back from there. 0 or -errno. */
static int change_in(int ns_fd, const char *from, const char *to)
{
	int status = 0, r;
	pid_t pid;

	if (ns_fd < 0)
		return change(from, to);
	(void)fflush(NULL); /* nothing may be written twice */
	pid = fork();
	if (pid == 0)
		_exit(setns(ns_fd, CLONE_NEWNET) < 0 ? errno : -change(from, to));
	if (pid < 0 || exit_wait(pid, &status) < 0)
		return -errno;
	r = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
	return r == -EPERM || r == -EACCES ? 0 : r;
}

int localports_narrow(int ns_fd)
{
	return change_in(ns_fd, KERNELS_OWN, LOCALPORTS_SHARED);
}

int localports_restore(int ns_fd)
{
	return change_in(ns_fd, LOCALPORTS_SHARED, KERNELS_OWN);
}
