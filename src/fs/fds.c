/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: how many the services hold, and their names in /proc/self/fd. See fds.h.
 *
 * RLIMIT_NOFILE bounds the whole process, which may have several services (the kvm engine's monitor has two). So all of
 * them count into one number.
 */
#include "fs/fds.h"

#include <errno.h>
#include <string.h>

static atomic_uint fds_held;

struct fs *fs_of(const struct fs_node *node)
{
	return node->export != NULL ? node->export->fs : node->synth->fs;
}

int fs_fd_take(struct fs *fs)
{
	if (atomic_fetch_add_explicit(&fds_held, 1, memory_order_relaxed) < fs->fds_max)
		return 0;
	fs_fd_give(fs);
	return -ENFILE;
}

void fs_fd_give(struct fs *fs)
{
	(void)fs;
	atomic_fetch_sub_explicit(&fds_held, 1, memory_order_relaxed);
}

int fs_fd_take_locked(struct fs_export *export)
{
	int r = fs_fd_take(export->fs);

	if (r < 0)
		return r;
	pthread_mutex_lock(&export->lock);
	if (!atomic_load(&export->dead))
		return 0;
	pthread_mutex_unlock(&export->lock);
	fs_fd_give(export->fs);
	return -ESTALE;
}

struct fs_fd_name fs_fd_name(int fd)
{
	struct fs_fd_name name;
	char *p = name.text + sizeof(name.text);
	unsigned int n = (unsigned int)fd;

	*--p = '\0';
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	memmove(name.text, p, (size_t)(name.text + sizeof(name.text) - p));
	return name;
}

bool fs_fds_short(const struct fs *fs)
{
	return atomic_load_explicit(&fds_held, memory_order_relaxed) > fs->fds_max - fs->fds_max / 4;
}

bool fs_fds_scarce(const struct fs *fs)
{
	return atomic_load_explicit(&fds_held, memory_order_relaxed) > fs->fds_max - fs->fds_max / 8;
}
