/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owned file descriptors and whole reads and writes.
 *
 * Every fd has one owner and is CLOEXEC. -1 means "none".
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/base.h"

void fd_close(int fd); /* closes @fd if it is >= 0; errno is kept */

static inline void fd_closep(int *fd)
{
	fd_close(*fd);
}

static inline void mem_freep(void *p)
{
	free(*(void **)p);
}

/* Declare a local with these and it is closed or freed at the end of its block. */
#define autoclose __attribute__((cleanup(fd_closep)))
#define autofree __attribute__((cleanup(mem_freep)))

/* Hands an owned fd or pointer on: the local keeps nothing. */
static inline int steal_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

static inline void *steal_mem(void *pp)
{
	void *r = *(void **)pp;

	*(void **)pp = NULL;
	return r;
}
#define steal_ptr(p) ((__typeof__(p))steal_mem(&(p)))

/* Reads until @len bytes or the end: the bytes read, or -errno. Restarts on EINTR; @fd is blocking. */
must_check ssize_t fd_read_full(int fd, void *buf, size_t len);

/* Writes all of @len bytes to a blocking @fd: 0 or -errno. */
must_check int fd_write_full(int fd, const void *buf, size_t len);

/*
 * Reads a whole file into a fresh buffer with a NUL behind the data.
 * @path is relative to @dirfd (openat(2)). A file larger than @max is -EFBIG.
 * The caller frees *@ret_data; @ret_len may be NULL.
 */
must_check int fd_read_file(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len);

/*
 * Replaces the file @path below @dirfd atomically: temporary file beside it,
 * fsync, rename. On failure (a full disk too) the old file is untouched and no
 * temporary is left. 0 or -errno.
 */
must_check int fd_write_file_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode);

/* Writes @text to an existing file (sysfs, procfs, cgroupfs) with one write(2): 0 or -errno. */
must_check int fd_write_existing(int dirfd, const char *path, const char *text);

/* Sets (@on) or clears O_NONBLOCK of @fd's open file description. 0 or -errno. */
must_check int fd_set_nonblock(int fd, bool on);

/*
 * Closes every descriptor above 2 that is not among the @n in @keep, where
 * negative ones are ignored; @keep is sorted by it. 0 or -errno.
 */
must_check int fd_close_others(int *keep, size_t n);

/*
 * Sends @len bytes (>= 1) and @nfds descriptors (<= FD_PASS_MAX) over a unix
 * socket: 0 or -errno. The descriptors stay the caller's.
 */
#define FD_PASS_MAX 16
must_check int fd_send(int sock, const void *data, size_t len, const int *fds, size_t nfds);

/*
 * Receives one message of at most @len bytes and at most @max_fds descriptors
 * (CLOEXEC, then the caller's). Returns the bytes (0: end) or -errno; surplus
 * descriptors are closed. -EMSGSIZE if data or control was cut.
 */
must_check ssize_t fd_recv(int sock, void *data, size_t len, int *fds, size_t max_fds, size_t *ret_nfds);

#endif
