/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A caller's standard streams for a pump: see stdio.h.
 *
 * O_NONBLOCK belongs to the open file description, which an inherited descriptor shares with the engine and its other
 * children. So a pipe or a terminal is opened anew through /proc/self/fd; if that is not possible, it is used as
 * PUMP_CAREFUL. A regular file keeps the shared description, since several writers of one log file rely on its offset
 * and its O_APPEND.
 */
#include "guest/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

#define PTS_MAJOR_FIRST 136 /* UNIX98 pty slaves: eight majors */
#define PTS_MAJOR_LAST 143

/* Whether epoll takes @fd; it refuses regular files, and devices such as /dev/null. */
static bool stdio_can_poll(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	autoclose int ep = epoll_create1(EPOLL_CLOEXEC);

	return ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* Whether opening the file of @st again gives the same thing: a FIFO and a pty slave do, /dev/ptmx does not. */
static bool stdio_can_reopen(const struct stat *st)
{
	unsigned int maj = major(st->st_rdev);

	return S_ISFIFO(st->st_mode) || (S_ISCHR(st->st_mode) && maj >= PTS_MAJOR_FIRST && maj <= PTS_MAJOR_LAST);
}

/*
 * Opens @fd, the file of @st, again, non-blocking. Returns a descriptor or -errno.
 *
 * GUEST: the monitor's root is the container's, and a guest that removes the mount point takes the jail's /proc away
 * with it. Then "/proc/self/fd" may lead to a device node that the guest has made. So nothing is opened unless it is
 * certain that it is @fd again.
 */
static int stdio_reopen(int proc_fd, int fd, const struct stat *st, bool for_writing)
{
	autoclose int dir = proc_fd >= 0 ? fcntl(proc_fd, F_DUPFD_CLOEXEC, 3)
					 : open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat there;
	char name[16];

	if (dir < 0 || fstatfs(dir, &fs) < 0)
		return -errno;
	(void)snprintf(name, sizeof(name), "%d", fd); /* fits an int */
	if (fs.f_type != PROC_SUPER_MAGIC || fstatat(dir, name, &there, 0) < 0 || there.st_dev != st->st_dev ||
		there.st_ino != st->st_ino)
		return -ESTALE;
	fd = openat(dir, name, (for_writing ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int stdio_open(int proc_fd, int fd, bool for_writing, int *ret_fd, enum pump_kind *ret_kind)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	int own;

	if (flags < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (stdio_can_reopen(&st)) {
		own = stdio_reopen(proc_fd, fd, &st, for_writing);
		if (own >= 0) {
			*ret_fd = own;
			*ret_kind = PUMP_NONBLOCK;
			return 0;
		}
	}
	own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (own < 0)
		return -errno;
	if (S_ISSOCK(st.st_mode))
		*ret_kind = PUMP_SOCKET;
	else if (!stdio_can_poll(own))
		*ret_kind = PUMP_FILE;
	else
		*ret_kind = flags & O_NONBLOCK ? PUMP_NONBLOCK : PUMP_CAREFUL;
	*ret_fd = own;
	return 0;
}
