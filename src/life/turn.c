/* SPDX-License-Identifier: Apache-2.0 */
/* A turn is a byte of a file that its holder has locked: see turn.h. */
#include "life/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "app/progress.h"
#include "base/clock.h"
#include "base/fd.h"
#include "host/cache.h"

#define TURN_FILE ".turns"
#define TURN_PAUSE_MS 50

static int open_turns(const char *dir)
{
	struct cache cache;
	struct err ignored = ERR_INIT;
	int fd = -1;

	if (cache_open(&cache, dir, &ignored) == 0)
		fd = openat(cache.dirfd, TURN_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	cache_done(&cache);
	return fd;
}

/* Locks the first byte of @n that nobody has locked: 0, -EAGAIN if all are, or another -errno. */
static int try_turns(int fd, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct flock byte = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)i, .l_len = 1 };

		if (fcntl(fd, F_OFD_SETLK, &byte) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
	}
	return -EAGAIN;
}

int turn_take(const char *dir, size_t n, int cancel_fd)
{
	autoclose int fd = open_turns(dir);
	int64_t begin = clock_now_ms();
	struct pollfd p = { .fd = cancel_fd, .events = POLLIN };
	bool said = false;
	int r;

	if (fd < 0)
		return -1;
	while ((r = try_turns(fd, n)) == -EAGAIN && clock_now_ms() - begin < TURN_WAIT_MS) {
		if (!said)
			progress_say("waiting for other virtual machines to boot");
		said = true;
		if (poll(&p, 1, TURN_PAUSE_MS) > 0)
			return -EINTR;
	}
	return r == 0 ? steal_fd(&fd) : -1;
}

int turn_boot_ms(int64_t spent_ms)
{
	int64_t left = TURN_CREATE_MS - spent_ms;

	if (left > TURN_BOOT_MAX_MS)
		left = TURN_BOOT_MAX_MS;
	return left < TURN_BOOT_MIN_MS ? TURN_BOOT_MIN_MS : (int)left;
}
