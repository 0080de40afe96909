/* SPDX-License-Identifier: Apache-2.0 */
/* A user namespace by way of a process that stands in it: see userns.h. */
#include "host/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/fd.h"

#define PATH_LEN 64 /* "/proc/", a pid and a file's name fit */

/* The process: tells whether it could enter (0 or an errno), and waits for the end of the socket. */
static _Noreturn void stand(int join_fd, int fresh, int sock)
{
	int failed = (join_fd >= 0 ? setns(join_fd, CLONE_NEWUSER) : unshare(CLONE_NEWUSER)) < 0 ? errno : 0;
	char end;

	if (!failed && fresh && unshare(fresh) < 0)
		failed = errno;
	if (write(sock, &failed, sizeof(failed)) == (ssize_t)sizeof(failed))
		(void)!read(sock, &end, 1); /* whatever it says, this is over */
	_exit(0);
}

int userns_hold(int join_fd, int fresh, struct userns *ret)
{
	struct userns u = { .sock = -1 };
	int socks[2], failed = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		return -errno;
	u.sock = socks[0];
	(void)fflush(NULL); /* nothing may be written twice */
	u.pid = fork();
	if (u.pid == 0) {
		fd_close(socks[0]);
		stand(join_fd, fresh, socks[1]);
	}
	if (u.pid < 0)
		failed = errno;
	fd_close(socks[1]);
	if (u.pid > 0 && fd_read_full(u.sock, &failed, sizeof(failed)) != (ssize_t)sizeof(failed))
		failed = ECHILD; /* it was killed */
	if (failed)
		userns_done(&u);
	else
		*ret = u;
	return -failed;
}

void userns_done(struct userns *u)
{
	fd_close(u->sock);
	if (u->pid > 0)
		(void)exit_wait(u->pid, NULL);
}

static void path_of(const struct userns *u, const char *file, char path[PATH_LEN])
{
	(void)snprintf(path, PATH_LEN, "/proc/%ld/%s", (long)u->pid, file); /* fits */
}

int userns_write_map(const struct userns *u, const char *file, const char *text)
{
	char path[PATH_LEN];

	path_of(u, file, path);
	return fd_write_existing(AT_FDCWD, path, text);
}

int userns_read_map(const struct userns *u, const char *file, size_t max, char **ret_text)
{
	char path[PATH_LEN];

	if (u)
		path_of(u, file, path);
	else
		(void)snprintf(path, sizeof(path), "/proc/self/%s", file); /* fits */
	return fd_read_file(AT_FDCWD, path, max, ret_text, NULL);
}

int userns_open(const struct userns *u, const char *type)
{
	char path[PATH_LEN];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/ns/%s", (long)u->pid, type); /* fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
