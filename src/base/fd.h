/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owned file descriptors, whole reads and writes, and descriptors over sockets.
 *
 * Every descriptor has one owner and is CLOEXEC. -1 means "none".
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/base.h"

/* Closes @fd if it is >= 0, and leaves errno as it is. */
void fd_close(int fd);

/* What autoclose does: closes *@fd. */
static inline void fd_closep(int *fd)
{
	fd_close(*fd);
}

/* What autofree does: frees what the pointer at @p points to. */
static inline void mem_freep(void *p)
{
	free(*(void **)p);
}

/* Declare a local with these and it is closed or freed at the end of its block. */
#define autoclose __attribute__((cleanup(fd_closep)))
#define autofree __attribute__((cleanup(mem_freep)))

/* Hands the descriptor in *@fd to another owner: returns it, and leaves -1. */
static inline int steal_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

/* What steal_ptr() does: returns the pointer at @pp, and leaves NULL. */
static inline void *steal_mem(void *pp)
{
	void *r = *(void **)pp;

	*(void **)pp = NULL;
	return r;
}

/* Hands the memory that the pointer variable @p owns to another owner: its value; @p is NULL then. */
#define steal_ptr(p) ((__typeof__(p))steal_mem(&(p)))

/* Reads from a blocking @fd until @len bytes or the end have come: the bytes read, or -errno. Restarts on EINTR. */
must_check ssize_t fd_read_full(int fd, void *buf, size_t len);

/* Writes all of the @len bytes to a blocking @fd. 0 or -errno; restarts on EINTR. */
must_check int fd_write_full(int fd, const void *buf, size_t len);

/*
 * Reads the file @path, relative to @dirfd as in openat(2), into fresh memory with a NUL behind the data. The caller
 * frees *@ret_data; @ret_len may be NULL. 0 or -errno; a file of more than @max bytes is -EFBIG.
 */
must_check int fd_read_file(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len);

/*
 * The same for a path where somebody else may have put something: whatever is there, it is not waited for. What is no regular
 * file is -FD_NOT_REGULAR.
 */
must_check int fd_read_regular(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len);

#define FD_NOT_REGULAR EBADFD /* which open(2), fstat(2) and read(2) return for no file */

/*
 * Replaces the file @path, relative to @dirfd, atomically: writes a temporary file beside it with mode @mode, calls
 * fsync(2) and renames it. After a failure, such as a full disk, the old file is untouched and no temporary is left. 0
 * or -errno.
 */
must_check int fd_write_file_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode);

/* Writes @text with one write(2) to a file that exists, such as one of sysfs, procfs or cgroupfs. 0 or -errno. */
must_check int fd_write_existing(int dirfd, const char *path, const char *text);

/*
 * A descriptor of the process @pid, as pidfd_open(2) makes it, or -errno (-ESRCH: it has gone). It is readable when the
 * process has ended.
 */
must_check int fd_open_pid(pid_t pid);

/* Sets (@on) or clears O_NONBLOCK of @fd's open file description. 0 or -errno. */
must_check int fd_set_nonblock(int fd, bool on);

/*
 * Closes every descriptor above 2 that is not among the @n in @keep, where negative ones are ignored; @keep is sorted
 * by it. 0 or -errno.
 */
must_check int fd_close_others(int *keep, size_t n);

#define FD_PASS_MAX 16 /* descriptors in one message; no message of ours has more than some */

/*
 * Sends @len bytes (at least 1) and @nfds descriptors (at most FD_PASS_MAX) over the unix socket @sock. The descriptors
 * stay the caller's. 0 or -errno.
 */
must_check int fd_send(int sock, const void *data, size_t len, const int *fds, size_t nfds);

/*
 * Receives from the unix socket @sock at most @len bytes, and at most @max_fds descriptors, which are CLOEXEC and then
 * the caller's; surplus ones are closed. Returns the bytes (0: the peer has closed it), or -errno: -EMSGSIZE if the
 * message was longer, or had more descriptors than FD_PASS_MAX.
 */
must_check ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t max_fds, size_t *ret_nfds);

#endif
