/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile guest that takes what its host has a number of: open files and locked ranges.
 *
 * What it got is one line on the console a kind, "hostile: dry: KIND: N, then WHY"; "hostile: dry: done" is the last one.
 * All that it got stays taken.
 */
#include "dry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tags.h"

/* More than the bounds on the host, as the test sets them. */
#define FILES_TRIED 4000
#define LOCKS_TRIED 10000

static void tell(const char *kind, unsigned int got, int errnum)
{
	(void)printf("hostile: dry: %s: %u, then %s\n", kind, got, strerror(errnum));
}

/* Makes the first directory that is in the working directory the working directory. */
static int enter_first(void)
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	int r = -1;

	while (dir && r < 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			r = chdir(entry->d_name);
	}
	if (dir)
		(void)closedir(dir);
	return r;
}

/* Makes the container's root file system, which the private share has at CID/rootfs (jail/binds.h), the working directory. */
static int enter_root(void)
{
	const struct rlimit limit = { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };

	(void)mkdir("/private", 0700);
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		mount(TAG_PRIVATE, "/private", "9p", 0, "trans=virtio,version=9p2000.L,access=client") < 0 ||
		chdir("/private") < 0 || enter_first() < 0)
		return -1;
	return enter_first();
}

/* Opens new files until one is refused, and removes their names, so that none can be put to rest. */
static void take_files(void)
{
	static int taken[FILES_TRIED];
	unsigned int n;
	char name[16];

	for (n = 0; n < FILES_TRIED; n++) {
		(void)snprintf(name, sizeof(name), "dry%u", n);
		taken[n] = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (taken[n] < 0 || unlink(name) < 0)
			break;
	}
	tell("files", n, errno);
}

/* Locks single bytes of @fd, none beside another, until one is refused: how many it has. */
static unsigned int lock_bytes(int fd, unsigned int max)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	unsigned int n;

	for (n = 0; n < max; n++) {
		lock.l_start = 2 * n;
		if (fcntl(fd, F_SETLK, &lock) < 0)
			break;
	}
	return n;
}

/* Locks bytes of a file until one is refused, and then of others. */
static void take_locks(void)
{
	unsigned int all = 0, one = 0;
	char name[16];

	for (unsigned int i = 0; all < LOCKS_TRIED; i++) {
		unsigned int got;
		int fd;

		(void)snprintf(name, sizeof(name), "locks%u", i);
		fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			break;
		got = lock_bytes(fd, LOCKS_TRIED - all);
		if (i == 0) {
			one = got;
			tell("locks of a file", one, errno);
		}
		all += got;
		if (got < one)
			break;
	}
	tell("locks", all, errno);
}

void dry_attack(void)
{
	if (enter_root() < 0) {
		tell("root", 0, errno);
	} else {
		take_locks();
		take_files();
	}
	(void)printf("hostile: dry: done\n");
	(void)fflush(stdout);
}
