/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors that the caller passes on to a process: see given.h. */
#include "cli/given.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* Reads the number @text, of at least 0: -1 if it is none. */
static long read_number(const char *text)
{
	char *end;
	long n = text ? strtol(text, &end, 10) : -1;

	return text && *text && *end == '\0' && n >= 0 && n <= INT_MAX ? n : -1;
}

/* How many descriptors a service manager has passed to this very process. */
static long count_listening(void)
{
	long n = read_number(getenv("LISTEN_FDS"));

	return n > 0 && read_number(getenv("LISTEN_PID")) == getpid() ? n : 0;
}

/*
 * Whether @fd is one of the caller's. What this program has opened itself by now is closed when a program is executed,
 * which the caller's, inherited by just that, cannot be marked for.
 */
static bool is_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

int given_read(const char *preserve, bool listen, struct given_fds *ret, struct err *err)
{
	long preserved = preserve ? read_number(preserve) : 0;
	long listening = listen ? count_listening() : 0;

	if (preserved < 0)
		return err_set(err, EINVAL, "--preserve-fds: \"%s\" is not a number of descriptors (0 to %d)", preserve,
			INT_MAX);
	for (long i = 0; i < listening; i++) {
		if (!is_inherited((int)i + GIVEN_FDS_FIRST))
			return err_set(err, EBADF, "LISTEN_FDS: descriptor %ld is not open", i + GIVEN_FDS_FIRST);
	}
	for (long i = 0; i < preserved; i++) {
		if (!is_inherited((int)(listening + i) + GIVEN_FDS_FIRST))
			return err_set(err, EBADF,
				"unable to stat preserved-fd %ld (of %ld): stat /proc/self/fd/%ld: no such file or directory",
				i, preserved, listening + i + GIVEN_FDS_FIRST);
	}
	*ret = (struct given_fds){ .listening = (size_t)listening, .n = (size_t)(listening + preserved) };
	return 0;
}
