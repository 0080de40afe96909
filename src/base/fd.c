/* SPDX-License-Identifier: Apache-2.0 */
/* Owned file descriptors: see fd.h. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* First guess at the size of a file that does not tell its own (procfs). */
#define READ_CHUNK 4096

void fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd); /* nothing can be done about a failing close of something already used */
	errno = saved;
}

ssize_t fd_read_full(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int fd_write_full(int fd, const void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

/* Reads the open file @fd, of which fstat(2) has said @st, to its end: fd_read_file(). */
static int read_all(int fd, const struct stat *st, size_t max, char **ret_data, size_t *ret_len)
{
	autofree char *data = NULL;
	size_t cap = READ_CHUNK, len = 0;

	/* st_size is only a hint: sysfs says 4096 of every file */
	if (S_ISREG(st->st_mode) && st->st_size > 0)
		cap = (size_t)MIN((unsigned long long)st->st_size, max) + 1;
	for (;;) {
		char *grown = realloc(data, cap + 1);
		ssize_t n;

		if (!grown)
			return -ENOMEM;
		data = grown;
		n = fd_read_full(fd, data + len, cap - len);
		if (n < 0)
			return (int)n;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
		if (len < cap)
			break;
		cap *= 2;
	}
	data[len] = '\0';
	*ret_data = steal_ptr(data);
	if (ret_len)
		*ret_len = len;
	return 0;
}

int fd_read_file(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len)
{
	autoclose int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return read_all(fd, &st, max, ret_data, ret_len);
}

int fd_read_regular(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len)
{
	autoclose int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENXIO) /* a socket, or a device without a driver */
		return -FD_NOT_REGULAR;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? read_all(fd, &st, max, ret_data, ret_len) : -FD_NOT_REGULAR;
}

int fd_write_file_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode)
{
	autofree char *tmp = NULL;
	autoclose int fd = -1;
	int r;

	if (asprintf(&tmp, "%s.%ld.tmp", path, (long)getpid()) < 0) {
		tmp = NULL;
		return -ENOMEM;
	}
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -errno;
	r = fd_write_full(fd, data, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, tmp, dirfd, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dirfd, tmp, 0); /* the first error is the one to report */
	return r;
}

int fd_write_existing(int dirfd, const char *path, const char *text)
{
	autoclose int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

int fd_open_pid(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* CLOEXEC by itself */

	if (fd >= 0)
		return fd;
	/* EINVAL is said of a pid without a process, which is what is left while one is being reaped */
	return errno == EINVAL && pid > 0 ? -ESRCH : -errno;
}

/* close_range(2), for which musl has no function. 0 or -errno. */
static int close_range_raw(unsigned int first, unsigned int last)
{
	return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

int fd_close_others(int *keep, size_t n)
{
	unsigned int from = STDERR_FILENO + 1;
	int r = 0;

	qsort(keep, n, sizeof(*keep), compare_ints);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (keep[i] < (int)from)
			continue;
		if (keep[i] > (int)from)
			r = close_range_raw(from, (unsigned int)keep[i] - 1);
		from = (unsigned int)keep[i] + 1;
	}
	return r < 0 ? r : close_range_raw(from, ~0u);
}

int fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

union pass_control {
	char buf[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	struct cmsghdr align;
};

int fd_send(int sock, const void *data, size_t len, const int *fds, size_t nfds)
{
	union pass_control control;
	struct iovec iov = { .iov_base = (void *)(size_t)data, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (nfds > FD_PASS_MAX || len == 0)
		return -EINVAL;
	if (nfds > 0) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * nfds);
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < len)
		return fd_write_full(sock, (const char *)data + n, len - (size_t)n);
	return 0;
}

/* Moves the first @max_fds descriptors of @msg to @fds and closes the others. Returns how many are in @fds. */
static size_t pass_collect(struct msghdr *msg, int *fds, size_t max_fds)
{
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (count < max_fds)
				fds[count++] = fd;
			else
				fd_close(fd);
		}
	}
	return count;
}

ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t max_fds, size_t *ret_nfds)
{
	union pass_control control;
	struct iovec iov = { .iov_base = data, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf)
	};
	size_t count;
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	count = pass_collect(&msg, fds, max_fds);
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (count > 0)
			fd_close(fds[--count]);
		return -EMSGSIZE;
	}
	if (ret_nfds)
		*ret_nfds = count;
	return n;
}
