/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The versions of inodes.
 *
 * A client of Linux with a cache makes an inode for each version that it sees. Where others change files as well, a version
 * is a hash of what changes with the contents. In an exclusive export the guest's own changes must not count, or two names of
 * one file would be two files. There the version is 1, until the host has changed the file nevertheless (stale.c): then it counts
 * up, so that the client cannot find its old inode, with the old contents, while that is still in use.
 *
 * What the guest has left a file as when it had written it is remembered, too, so that the event of its own close is known
 * for that. All this is in a table of fixed size for each export, in which a newcomer takes the place of an older one,
 * unless that has another version than 1. What has lost its place is at worst read anew.
 */
#include "fs/version.h"

#include <stdlib.h>

#include "base/fd.h"
#include "fs/step.h"

#define SLOTS 512u /* a power of two */

struct version {
	uint64_t dev, ino;
	uint64_t size, modified, changed; /* as it was seen last; the times in nanoseconds */
	uint32_t version;
};

struct fs_versions {
	struct version slots[SLOTS];
};

static uint32_t slot_of(uint64_t dev, uint64_t ino)
{
	return (uint32_t)((ino ^ dev << 9) * 0x9e3779b97f4a7c15ull >> 40) & (SLOTS - 1);
}

/* The version that was counted up for an inode, or 1. */
static uint32_t version_counted(struct fs_export *export, uint64_t dev, uint64_t ino)
{
	uint32_t version = 1, i = slot_of(dev, ino);

	if (atomic_load(&export->versions) == NULL)
		return 1;
	pthread_mutex_lock(&export->lock);
	if (export->versions->slots[i].ino == ino && export->versions->slots[i].dev == dev)
		version = export->versions->slots[i].version;
	pthread_mutex_unlock(&export->lock);
	return version;
}

uint32_t fs_version_of(struct fs_export *export, const struct statx *st)
{
	uint64_t h;

	/* Without a time of birth, only the version tells this inode from the next one that gets its number. */
	if ((export->flags & FS_EXPORT_EXCLUSIVE) && (st->stx_mask & STATX_BTIME))
		return version_counted(export, fs_dev_of(st), st->stx_ino);
	h = (uint64_t)st->stx_mtime.tv_sec * 1000000007u + st->stx_mtime.tv_nsec;
	h = (h ^ st->stx_size) * 0x9e3779b97f4a7c15ull;
	h ^= ((uint64_t)st->stx_btime.tv_sec << 30 ^ st->stx_btime.tv_nsec) * 0xc2b2ae3d27d4eb4full;
	h ^= h >> 32;
	return (uint32_t)h != 0 ? (uint32_t)h : 1;
}

static uint64_t time_of(const struct statx_timestamp *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + t->tv_nsec;
}

/*
 * Takes down what @st says of an inode: true if that is not what is known of it. With @count it has another version
 * then. Without memory for the table, everything is new.
 */
static bool version_take_down(struct fs_export *export, const struct statx *st, bool count)
{
	struct version now = { .dev = fs_dev_of(st), .ino = st->stx_ino, .size = st->stx_size, .version = 1 };
	struct fs_versions *fresh = NULL;
	struct version *slot;
	bool known, same;

	now.modified = time_of(&st->stx_mtime);
	now.changed = time_of(&st->stx_ctime);
	if (atomic_load(&export->versions) == NULL) {
		fresh = calloc(1, sizeof(*fresh));
		if (fresh == NULL)
			return true;
	}
	pthread_mutex_lock(&export->lock);
	if (export->versions == NULL)
		atomic_store(&export->versions, steal_ptr(fresh));
	slot = &export->versions->slots[slot_of(now.dev, now.ino)];
	known = slot->ino == now.ino && slot->dev == now.dev;
	same = known && slot->size == now.size && slot->modified == now.modified && slot->changed == now.changed;
	if (known)
		now.version = slot->version;
	if (count && !same)
		now.version = now.version == UINT32_MAX ? 1 : now.version + 1;
	if (known || count || slot->version <= 1)
		*slot = now;
	pthread_mutex_unlock(&export->lock);
	free(fresh);
	return !same;
}

void fs_version_seen(struct fs_export *export, const struct statx *st)
{
	(void)version_take_down(export, st, false);
}

bool fs_version_changed(struct fs_export *export, const struct statx *st)
{
	return version_take_down(export, st, true);
}
