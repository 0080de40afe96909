/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the kernel in memory (kernel.h). A program is linked with --wrap for each, so that calls of NAME come to
 * __wrap_NAME, and __real_NAME is the libc's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/magic.h>

#include "base/base.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/kernel_object.h"

#define TICK_NS 1000000ul       /* what a wait for events takes */
#define DEVICE makedev(0, 0x6b) /* st_dev of all files */
#define PATH_ROOM 256
#define PAGE 4096ul

/* __real_NAME, and the head of __wrap_NAME. */
#define WRAPS(returns, name, ...)           \
	returns __real_##name(__VA_ARGS__); \
	returns __wrap_##name(__VA_ARGS__); \
	returns __wrap_##name(__VA_ARGS__)

static bool is_ours(int fd)
{
	return fd >= KERNEL_FIRST;
}

/* The file of @fd, which must be open: it is the caller who knows. */
static struct kernel_file *file_of(int fd)
{
	struct kernel_file *f = kernel_file_of(fd);

	require(f != NULL, "a descriptor that is not open");
	return f;
}

/* What a call returns for @r, a result or -errno. */
static ssize_t result(ssize_t r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

/* A call that transfers bytes: with @write to the file of @fd, else from it. */
static ssize_t transfer(int fd, bool write, struct kernel_io *io)
{
	struct kernel_file *f = file_of(fd);
	bool waits = !(f->flags & O_NONBLOCK || io->flags & MSG_DONTWAIT);
	ssize_t r = -EINVAL;

	for (size_t i = 0; i < io->iov_len; i++)
		io->total += io->iov[i].iov_len;
	io->max = SIZE_MAX;
	if (f->flags & O_PATH || (f->flags & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY))
		return result(-EBADF);
	if (kernel_fault(FAULT_INTR))
		return result(-EINTR);
	if (!waits && f->ops->poll && kernel_fault(FAULT_AGAIN))
		return result(-EAGAIN);
	if (f->ops->is_stream && io->total > 1 && kernel_fault(FAULT_SHORT))
		io->max = 1 + kernel_fault_number() % MIN(io->total - 1, (size_t)1 << (kernel_fault_number() % 13));
	if (write && f->ops->write)
		r = f->ops->write(f, io);
	else if (!write && f->ops->read)
		r = f->ops->read(f, io);
	require(r != -EAGAIN || !waits, "a call that would wait for ever");
	return result(r);
}

WRAPS(ssize_t, read, int fd, void *buf, size_t len)
{
	const struct iovec iov = { buf, len };

	return is_ours(fd) ? transfer(fd, false, &(struct kernel_io){ .iov = &iov, .iov_len = 1 })
			   : __real_read(fd, buf, len);
}

WRAPS(ssize_t, write, int fd, const void *buf, size_t len)
{
	const struct iovec iov = { (void *)(uintptr_t)buf, len };

	return is_ours(fd) ? transfer(fd, true, &(struct kernel_io){ .iov = &iov, .iov_len = 1 })
			   : __real_write(fd, buf, len);
}

WRAPS(ssize_t, readv, int fd, const struct iovec *iov, int n)
{
	return is_ours(fd) ? transfer(fd, false, &(struct kernel_io){ .iov = iov, .iov_len = (size_t)n })
			   : __real_readv(fd, iov, n);
}

WRAPS(ssize_t, writev, int fd, const struct iovec *iov, int n)
{
	return is_ours(fd) ? transfer(fd, true, &(struct kernel_io){ .iov = iov, .iov_len = (size_t)n })
			   : __real_writev(fd, iov, n);
}

/* The file of @fd if it is a socket; else errno is ENOTSOCK. */
static struct kernel_file *sock_of(int fd)
{
	struct kernel_file *f = file_of(fd);

	if (f->ops == &kernel_sock_ops)
		return f;
	errno = ENOTSOCK;
	return NULL;
}

WRAPS(ssize_t, recv, int fd, void *buf, size_t len, int flags)
{
	const struct iovec iov = { buf, len };

	if (!is_ours(fd))
		return __real_recv(fd, buf, len, flags);
	return sock_of(fd) ? transfer(fd, false, &(struct kernel_io){ .iov = &iov, .iov_len = 1, .flags = flags }) : -1;
}

WRAPS(ssize_t, send, int fd, const void *buf, size_t len, int flags)
{
	const struct iovec iov = { (void *)(uintptr_t)buf, len };

	if (!is_ours(fd))
		return __real_send(fd, buf, len, flags);
	return sock_of(fd) ? transfer(fd, true, &(struct kernel_io){ .iov = &iov, .iov_len = 1, .flags = flags }) : -1;
}

WRAPS(ssize_t, recvmsg, int fd, struct msghdr *msg, int flags)
{
	if (!is_ours(fd))
		return __real_recvmsg(fd, msg, flags);
	return sock_of(fd)
		       ? transfer(fd, false,
				 &(struct kernel_io){
					 .iov = msg->msg_iov, .iov_len = msg->msg_iovlen, .flags = flags, .msg = msg })
		       : -1;
}

WRAPS(ssize_t, sendmsg, int fd, const struct msghdr *msg, int flags)
{
	if (!is_ours(fd))
		return __real_sendmsg(fd, msg, flags);
	return sock_of(fd) ? transfer(fd, true,
				     &(struct kernel_io){ .iov = msg->msg_iov,
					     .iov_len = msg->msg_iovlen,
					     .flags = flags,
					     .msg = (struct msghdr *)(uintptr_t)msg })
			   : -1;
}

#ifdef __GLIBC__
/* What these calls are where the compiler knows how large a buffer is, or not. */
WRAPS(ssize_t, __read_chk, int fd, void *buf, size_t len, size_t room)
{
	require(len <= room, "a read beyond its buffer");
	return __wrap_read(fd, buf, len);
}

WRAPS(ssize_t, __recv_chk, int fd, void *buf, size_t len, size_t room, int flags)
{
	require(len <= room, "a recv beyond its buffer");
	return __wrap_recv(fd, buf, len, flags);
}
#endif

WRAPS(int, close, int fd)
{
	if (!is_ours(fd))
		return __real_close(fd);
	kernel_fd_close(fd);
	return 0;
}

WRAPS(int, dup, int fd)
{
	return is_ours(fd) ? (int)result(kernel_fd_new(file_of(fd), 0, false)) : __real_dup(fd);
}

/* fcntl(2) of @fd, a descriptor of ours. A result or -errno. */
static int control(int fd, int command, long arg)
{
	const int settable = O_NONBLOCK | O_APPEND;
	struct kernel_file *f = file_of(fd);

	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return kernel_fd_new(f, (int)arg, command == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return *kernel_cloexec_of(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		*kernel_cloexec_of(fd) = arg & FD_CLOEXEC;
		return 0;
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		f->flags = (f->flags & ~settable) | ((int)arg & settable);
		return 0;
	case F_SETPIPE_SZ:
	case F_GETPIPE_SZ:
		return kernel_pipe_size(f, command == F_SETPIPE_SZ ? (int)arg : 0);
	default:
		require(false, "a command of fcntl(2) that the kernel in memory does not know");
		return -EINVAL;
	}
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
	va_list ap;
	long arg;

	va_start(ap, command);
	arg = va_arg(ap, long); /* whatever is there, as the real one takes it */
	va_end(ap);
	return is_ours(fd) ? (int)result(control(fd, command, arg)) : __real_fcntl(fd, command, arg);
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	const struct kernel_file *f;
	va_list ap;
	void *arg;
	ssize_t n;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (!is_ours(fd))
		return __real_ioctl(fd, request, arg);
	f = file_of(fd);
	n = request == FIONREAD && f->ops->unread ? f->ops->unread(f) : -ENOTTY;
	if (n >= 0)
		*(int *)arg = (int)n;
	return n < 0 ? (int)result(n) : 0;
}

WRAPS(int, isatty, int fd)
{
	if (!is_ours(fd))
		return __real_isatty(fd);
	errno = ENOTTY;
	return 0;
}

/* --- waiting --- */

/* One look at @fds: how many have events. */
static int poll_once(struct pollfd *fds, nfds_t n)
{
	int ready = 0;

	for (nfds_t i = 0; i < n; i++) {
		const struct kernel_file *f;
		uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;

		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		f = file_of(fds[i].fd);
		if (f->ops->poll)
			events = f->ops->poll(f);
		fds[i].revents = (short)(events & ((uint32_t)fds[i].events | POLLERR | POLLHUP));
		ready += fds[i].revents != 0;
	}
	return ready;
}

WRAPS(int, poll, struct pollfd *fds, nfds_t n, int timeout)
{
	int ready;

	if (n == 0 || !is_ours(fds[0].fd))
		return __real_poll(fds, n, timeout);
	if (kernel_fault(FAULT_INTR))
		return (int)result(-EINTR);
	while ((ready = poll_once(fds, n)) == 0 && timeout != 0) {
		bool goes_on = kernel_time_goes_on();

		require(goes_on || timeout > 0, "a poll(2) that would wait for ever");
		if (!goes_on)
			break;
	}
	return ready;
}

#ifdef __GLIBC__
WRAPS(int, __poll_chk, struct pollfd *fds, nfds_t n, int timeout, size_t room)
{
	require(n <= room / sizeof(*fds), "a poll beyond its array");
	return __wrap_poll(fds, n, timeout);
}
#endif

WRAPS(int, epoll_create1, int flags)
{
	struct kernel_file *f;
	int fd;

	if (!kernel_is_on())
		return __real_epoll_create1(flags);
	fd = kernel_file_new(&kernel_epoll_ops, O_RDWR | flags, &f);
	if (fd >= 0)
		TAILQ_INIT(&f->u.epoll);
	return (int)result(fd);
}

WRAPS(int, epoll_ctl, int epoll, int op, int fd, struct epoll_event *event)
{
	struct kernel_file *f = kernel_file_of(fd);

	if (!is_ours(epoll))
		return __real_epoll_ctl(epoll, op, fd, event);
	/* a watch may be taken away after its descriptor was closed */
	require(f || op == EPOLL_CTL_DEL, "a descriptor that is not open is watched");
	return (int)result(f ? kernel_epoll_ctl(file_of(epoll), op, fd, f, event) : -EBADF);
}

WRAPS(int, epoll_wait, int epoll, struct epoll_event *events, int max, int timeout)
{
	int n;

	if (!is_ours(epoll))
		return __real_epoll_wait(epoll, events, max, timeout);
	if (kernel_fault(FAULT_INTR))
		return (int)result(-EINTR);
	kernel_now_ns += TICK_NS;
	while ((n = kernel_epoll_events(file_of(epoll), events, max)) == 0 && timeout != 0) {
		bool goes_on = kernel_time_goes_on();

		require(goes_on || timeout > 0, "an epoll_wait(2) that would wait for ever");
		if (!goes_on)
			break;
	}
	return n;
}

WRAPS(int, eventfd, unsigned int count, int flags)
{
	struct kernel_file *f;
	int fd;

	if (!kernel_is_on())
		return __real_eventfd(count, flags);
	fd = kernel_file_new(&kernel_event_ops, O_RDWR | flags, &f);
	if (fd >= 0)
		f->u.count = count;
	return (int)result(fd);
}

WRAPS(int, timerfd_create, int clock, int flags)
{
	struct kernel_file *f;

	return kernel_is_on() ? (int)result(kernel_file_new(&kernel_timer_ops, O_RDWR | flags, &f))
			      : __real_timerfd_create(clock, flags);
}

WRAPS(int, timerfd_settime, int fd, int flags, const struct itimerspec *to, struct itimerspec *old)
{
	uint64_t delay_ns;

	if (!is_ours(fd))
		return __real_timerfd_settime(fd, flags, to, old);
	require(flags == 0 && !old && to->it_interval.tv_sec == 0 && to->it_interval.tv_nsec == 0,
		"a timer that the kernel in memory does not know");
	delay_ns = (uint64_t)to->it_value.tv_sec * 1000000000u + (uint64_t)to->it_value.tv_nsec;
	file_of(fd)->u.due_ns = delay_ns ? kernel_now_ns + delay_ns : 0;
	return 0;
}

/* --- new descriptors --- */

WRAPS(int, pipe2, int fds[2], int flags)
{
	return kernel_is_on() ? (int)result(kernel_pipe(fds, flags)) : __real_pipe2(fds, flags);
}

WRAPS(int, memfd_create, const char *name, unsigned int flags)
{
	return kernel_is_on() ? (int)result(kernel_memfd(flags & MFD_CLOEXEC ? O_CLOEXEC : 0))
			      : __real_memfd_create(name, flags);
}

WRAPS(int, socket, int domain, int type, int protocol)
{
	return kernel_is_on() ? (int)result(kernel_socket(domain, type)) : __real_socket(domain, type, protocol);
}

WRAPS(int, socketpair, int domain, int type, int protocol, int fds[2])
{
	return kernel_is_on() ? (int)result(kernel_socketpair(domain, type, fds))
			      : __real_socketpair(domain, type, protocol, fds);
}

/* --- sockets --- */

WRAPS(int, bind, int fd, const struct sockaddr *addr, socklen_t len)
{
	if (!is_ours(fd))
		return __real_bind(fd, addr, len);
	return sock_of(fd) ? (int)result(kernel_bind(sock_of(fd), addr, len)) : -1;
}

WRAPS(int, listen, int fd, int backlog)
{
	if (!is_ours(fd))
		return __real_listen(fd, backlog);
	return sock_of(fd) ? (int)result(kernel_listen(sock_of(fd), backlog)) : -1;
}

/* What a call that may wait returns for @r: EAGAIN is for those only that do not wait. */
static int result_or_wait(const struct kernel_file *f, int r)
{
	require(r != -EAGAIN || f->flags & O_NONBLOCK, "a call that would wait for ever");
	return (int)result(r);
}

WRAPS(int, connect, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct kernel_file *f;

	if (!is_ours(fd))
		return __real_connect(fd, addr, len);
	f = sock_of(fd);
	return f ? result_or_wait(f, kernel_connect(f, addr, len)) : -1;
}

WRAPS(int, accept4, int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	struct kernel_file *f;

	if (!is_ours(fd))
		return __real_accept4(fd, addr, len, flags);
	f = sock_of(fd);
	return f ? result_or_wait(f, kernel_accept(f, addr, len, flags)) : -1;
}

WRAPS(int, getsockname, int fd, struct sockaddr *addr, socklen_t *len)
{
	if (!is_ours(fd))
		return __real_getsockname(fd, addr, len);
	return sock_of(fd) ? (int)result(kernel_name(sock_of(fd), false, addr, len)) : -1;
}

WRAPS(int, getpeername, int fd, struct sockaddr *addr, socklen_t *len)
{
	if (!is_ours(fd))
		return __real_getpeername(fd, addr, len);
	return sock_of(fd) ? (int)result(kernel_name(sock_of(fd), true, addr, len)) : -1;
}

WRAPS(int, getsockopt, int fd, int level, int name, void *value, socklen_t *len)
{
	if (!is_ours(fd))
		return __real_getsockopt(fd, level, name, value, len);
	return sock_of(fd) ? (int)result(kernel_get_option(sock_of(fd), level, name, value, len)) : -1;
}

WRAPS(int, setsockopt, int fd, int level, int name, const void *value, socklen_t len)
{
	if (!is_ours(fd))
		return __real_setsockopt(fd, level, name, value, len);
	return sock_of(fd) ? (int)result(kernel_set_option(sock_of(fd), level, name, value, len)) : -1;
}

WRAPS(int, shutdown, int fd, int how)
{
	if (!is_ours(fd))
		return __real_shutdown(fd, how);
	return sock_of(fd) ? (int)result(kernel_shutdown(sock_of(fd), how)) : -1;
}

/* --- memory --- */

/* What a guest gives back of its memory, which a test has mapped for good: it is zeros then, as with the real kernel. */
WRAPS(int, madvise, void *at, size_t len, int advice)
{
	if (!kernel_is_on() || advice != MADV_DONTNEED)
		return __real_madvise(at, len, advice);
	if ((uintptr_t)at % PAGE != 0)
		return (int)result(-EINVAL);
	memset(at, 0, (len + PAGE - 1) / PAGE * PAGE);
	return 0;
}

/* --- files --- */

/* Opens @path, which is one of this kernel's: a descriptor or -errno; -EXDEV: it is not. */
static int open_path(const char *path, int flags)
{
	struct kernel_file *f;
	int fd;

	if (!kernel_is_on())
		return -EXDEV;
	if (strcmp(path, "/dev/null") == 0)
		return kernel_file_new(&kernel_null_ops, flags, &f);
	if (strcmp(path, "/proc/self/fd") == 0)
		return kernel_file_new(&kernel_proc_ops, flags, &f);
	if (strncmp(path, KERNEL_DIR, strlen(KERNEL_DIR)) != 0)
		return -EXDEV;
	if (!(flags & O_DIRECTORY))
		return kernel_path_open(path, flags);
	fd = kernel_file_new(&kernel_dir_ops, flags, &f);
	if (fd >= 0)
		f->u.path = path;
	return fd;
}

/* openat(2) of @path in @dir, a directory of ours. A descriptor or -errno. */
static int open_in(const struct kernel_file *dir, const char *path, int flags)
{
	char whole[PATH_ROOM];
	struct kernel_file *f;

	if (dir->ops == &kernel_proc_ops) {
		f = kernel_link(path);
		return f ? kernel_reopen(f, flags) : -ENOENT;
	}
	if (dir->ops != &kernel_dir_ops)
		return -ENOTDIR;
	(void)snprintf(whole, sizeof(whole), "%s/%s", dir->u.path, path);
	return kernel_path_open(whole, flags);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	int fd = open_path(path, flags);
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t); /* whatever is there, as the real one takes it */
	va_end(ap);
	return fd == -EXDEV ? __real_open(path, flags, mode) : (int)result(fd);
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t); /* as above */
	va_end(ap);
	return is_ours(dir) ? (int)result(open_in(file_of(dir), path, flags)) : __real_openat(dir, path, flags, mode);
}

#ifdef __GLIBC__
/* What these are without O_CREAT where sources are fortified. */
WRAPS(int, __open_2, const char *path, int flags)
{
	return __wrap_open(path, flags, 0);
}

WRAPS(int, __openat_2, int dir, const char *path, int flags)
{
	return __wrap_openat(dir, path, flags, 0);
}
#endif

WRAPS(int, unlinkat, int dir, const char *path, int flags)
{
	char whole[PATH_ROOM];

	if (!is_ours(dir))
		return __real_unlinkat(dir, path, flags);
	require(file_of(dir)->ops == &kernel_dir_ops, "a directory");
	(void)snprintf(whole, sizeof(whole), "%s/%s", file_of(dir)->u.path, path);
	return (int)result(kernel_path_unlink(whole));
}

WRAPS(int, fchdir, int fd)
{
	if (!is_ours(fd))
		return __real_fchdir(fd);
	if (file_of(fd)->ops != &kernel_proc_ops)
		return (int)result(-ENOTDIR);
	kernel_chdir(true);
	return 0;
}

static void stat_of(const struct kernel_file *f, struct stat *st)
{
	*st = (struct stat){ .st_dev = DEVICE,
		.st_ino = f->ino,
		.st_mode = f->ops->mode,
		.st_nlink = 1,
		.st_size = (off_t)kernel_size(f),
		.st_rdev = f->ops == &kernel_null_ops ? makedev(1, 3) : 0 };
}

WRAPS(int, fstat, int fd, struct stat *st)
{
	if (!is_ours(fd))
		return __real_fstat(fd, st);
	stat_of(file_of(fd), st);
	return 0;
}

WRAPS(int, fstatat, int dir, const char *path, struct stat *st, int flags)
{
	const struct kernel_file *f;

	if (!is_ours(dir))
		return __real_fstatat(dir, path, st, flags);
	f = file_of(dir)->ops == &kernel_proc_ops ? kernel_link(path) : NULL;
	if (!f)
		return (int)result(-ENOENT);
	stat_of(f, st);
	return 0;
}

WRAPS(int, fstatfs, int fd, struct statfs *fs)
{
	if (!is_ours(fd))
		return __real_fstatfs(fd, fs);
	*fs = (struct statfs){ .f_type = file_of(fd)->ops == &kernel_proc_ops ? PROC_SUPER_MAGIC : TMPFS_MAGIC };
	return 0;
}

WRAPS(int, ftruncate, int fd, off_t size)
{
	return is_ours(fd) ? (int)result(kernel_truncate(file_of(fd), (size_t)size)) : __real_ftruncate(fd, size);
}

WRAPS(off_t, lseek, int fd, off_t at, int whence)
{
	return is_ours(fd) ? result(kernel_seek(file_of(fd), at, whence)) : __real_lseek(fd, at, whence);
}
