/* SPDX-License-Identifier: Apache-2.0 */
/* A second wall around files: see landlock.h. */
#include "jail/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/thread.h"

/* The version from which on files can be renamed and linked between directories. */
#define ABI_REFER 2
/* The one that knows of truncation, and its right, which Debian 12's headers do not have. */
#define ABI_TRUNCATE 3
#define ACCESS_TRUNCATE (1ull << 14)

/* What can be done with a file itself; all else is done to directories. */
#define ACCESS_FILE \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | ACCESS_TRUNCATE)

/* All that version @abi can forbid. */
static uint64_t all_access(long abi)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_REFER << 1) - 1;

	return abi >= ABI_TRUNCATE ? all | ACCESS_TRUNCATE : all;
}

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* A ruleset that forbids @access: a descriptor or -errno. */
static int make_ruleset(uint64_t access)
{
	const struct landlock_ruleset_attr attr = { .handled_access_fs = access };
	long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);

	return fd < 0 ? -errno : (int)fd;
}

int landlock_new(struct landlock *ret, struct err *err)
{
	long abi = landlock_abi();

	*ret = (struct landlock)LANDLOCK_NONE;
	if (abi < ABI_REFER)
		return 0;
	ret->files = make_ruleset(all_access(abi));
	/* It opens the caller's streams again, wherever they are (guest/stdio.c). */
	ret->loop = ret->files < 0 ? ret->files
				   : make_ruleset(all_access(abi) & ~(uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE |
										LANDLOCK_ACCESS_FS_WRITE_FILE));
	return ret->loop < 0 ? err_sys(err, ret->loop, "cannot make Landlock's rules") : 0;
}

int landlock_add(const struct landlock *l, int fd, struct err *err)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = fd };
	struct stat st;

	if (l->files < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return err_sys(err, errno, "Landlock");
	rule.allowed_access = all_access(landlock_abi());
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= ACCESS_FILE;
	/* EBADFD: of a file system without paths, where nothing can be opened by one */
	if (syscall(SYS_landlock_add_rule, l->files, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 && errno != EBADFD)
		return err_sys(err, errno, "cannot add to Landlock's rules");
	return 0;
}

void landlock_enforce(struct landlock *l)
{
	thread_rules_set(THREAD_FILES, steal_fd(&l->files));
	thread_rules_set(THREAD_LOOP, steal_fd(&l->loop));
}

void landlock_done(struct landlock *l)
{
	fd_close(l->files);
	fd_close(l->loop);
	*l = (struct landlock)LANDLOCK_NONE;
}
