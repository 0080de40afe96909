/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's descriptors for a process: see fds.h. */
#include "guest/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void fds_done(struct fds *f)
{
	free(f->list.at);
	free(f->names);
	*f = (struct fds)FDS_NONE;
}

/* Refuses descriptor @fd, which is @what. */
static int refuse(int fd, const char *what, struct err *err)
{
	return err_set(err, ENOTSUP,
		"descriptor %d is %s, which cannot be passed into a virtual machine; pipes, files that are only read or only written, sockets that are connected, and stream sockets that listen can",
		fd, what);
}

/* A socket's option @name, an int; -1: it has none. */
static int option(int fd, int name)
{
	socklen_t len = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

/* Describes the socket @to->fd, whose names go to @names. 0, or -errno with an error. */
static int take_socket(struct guest_fd *to, struct sockaddr_storage names[2], struct err *err)
{
	socklen_t len = sizeof(names[0]), peer_len = sizeof(names[1]);
	int domain = option(to->fd, SO_DOMAIN), type = option(to->fd, SO_TYPE);

	if (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6)
		return refuse(to->fd, "a socket of another family than unix, IPv4 and IPv6", err);
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return refuse(to->fd, "a raw socket", err);
	if (getsockname(to->fd, (struct sockaddr *)&names[0], &len) < 0)
		return err_sys(err, errno, "descriptor %d", to->fd);
	to->addr = (struct guest_blob){ .len = len, .at = &names[0] };
	if (option(to->fd, SO_ACCEPTCONN) == 1) {
		if (type != SOCK_STREAM)
			return refuse(to->fd, "a listening socket that is no stream", err);
		if (domain == AF_UNIX && len <= sizeof(sa_family_t))
			return refuse(to->fd, "a listening socket without a name", err);
		to->kind = GUEST_FD_LISTENER;
		return 0;
	}
	if (getpeername(to->fd, (struct sockaddr *)&names[1], &peer_len) < 0)
		return refuse(to->fd, "a socket that is neither connected nor listens", err);
	to->peer = (struct guest_blob){ .len = peer_len, .at = &names[1] };
	to->kind = type == SOCK_STREAM ? GUEST_FD_CONN : type == SOCK_DGRAM ? GUEST_FD_DGRAM : GUEST_FD_PACKETS;
	return 0;
}

/* Describes the pipe, file or device @to->fd. 0, or -errno with an error. */
static int take_file(struct guest_fd *to, const struct stat *st, struct err *err)
{
	int flags = fcntl(to->fd, F_GETFL), access = flags & O_ACCMODE;

	if (flags < 0)
		return err_sys(err, errno, "descriptor %d", to->fd);
	if (flags & O_PATH)
		return refuse(to->fd, "a path (O_PATH)", err);
	if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3)) {
		to->kind = GUEST_FD_NULL;
		return 0;
	}
	if (S_ISDIR(st->st_mode))
		return refuse(to->fd, "a directory", err);
	if (S_ISBLK(st->st_mode))
		return refuse(to->fd, "a block device", err);
	if (S_ISCHR(st->st_mode))
		return refuse(to->fd, isatty(to->fd) ? "a terminal" : "a character device", err);
	if (!S_ISFIFO(st->st_mode) && !S_ISREG(st->st_mode))
		return refuse(to->fd, "an object of the kernel without a file, as of epoll, eventfd or a pidfd", err);
	if (access != O_RDONLY && access != O_WRONLY)
		return refuse(to->fd,
			S_ISFIFO(st->st_mode) ? "a pipe that is open for reading and writing"
					      : "a file that is open for reading and writing",
			err);
	to->kind = access == O_RDONLY ? GUEST_FD_IN : GUEST_FD_OUT;
	return 0;
}

int fds_take(const int *fds, size_t n, struct fds *f, struct err *err)
{
	struct sockaddr_storage(*names)[2];
	struct stat st;
	int r = 0;

	if (n > PROTO_FDS_MAX)
		return err_set(err, E2BIG, "%zu descriptors are more than can be passed into a virtual machine (%d)", n,
			PROTO_FDS_MAX);
	f->list.at = calloc(n + 1, sizeof(*f->list.at));
	f->names = names = calloc(n + 1, sizeof(*names));
	if (!f->list.at || !f->names)
		return err_sys(err, ENOMEM, "descriptors");
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct guest_fd *to = &f->list.at[i];

		to->fd = fds[i];
		if (fstat(fds[i], &st) < 0)
			return err_sys(err, errno, "descriptor %d", fds[i]);
		r = S_ISSOCK(st.st_mode) ? take_socket(to, names[i], err) : take_file(to, &st, err);
	}
	f->list.len = (uint32_t)n;
	return r;
}
