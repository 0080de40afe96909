/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids: 64-bit numbers for inodes of any number of host file systems.
 *
 * An inode number is unique only on its device, and both numbers have 64 bits. A client's cache knows only 64 bits in
 * all, and a collision makes it show one file's data in another. So an id is one of two kinds:
 *
 *   0 ppppppppppppppp iiii...i   15 bits name a prefix: a device and the upper
 *                                16 bits of the inode number; 48 bits are the
 *                                rest of the inode number, as it is
 *   1 ssss...s                   63 bits, given one by one
 *
 * The first prefix is 0: inodes of the device that is seen first, that of the root file system, have the numbers that
 * the host gives them, and 32-bit programs without large-file support can stat(2) files where they can on the host. The
 * one number that would make an id of 0 gets a single one.
 *
 * Nearly every file system counts its inodes from below, so it uses one prefix. Overlayfs marks its layers in the
 * uppermost bits and uses a few. A file system whose inode numbers spread over 64 bits (some network and FUSE file
 * systems) uses the prefixes up, and its further inodes get numbers one by one.
 *
 * Invariants:
 *  1. An id names at most one (device, inode). Prefixes are never given back, and numbers given one by one never come
 *     again, even when their table is full and is emptied. An inode that is seen again after that has another id: the
 *     client sees two files, never the wrong one.
 *  2. The same (device, inode) has the same id, unless the table was emptied in between.
 *
 * The host uses the inode numbers of removed files again, and so their ids come again as well, as they would on the
 * host itself. fs_attr.generation and the version tell such inodes apart.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "fs/id.h"

#define INO_BITS 48
#define INO_LOW ((1ull << INO_BITS) - 1)
#define SINGLE_BIT (1ull << 63)
#define TABLE_MIN 64u

struct fs_id_slot {
	uint64_t dev, key;
	uint64_t value; /* 0: free */
};

static uint64_t hash(uint64_t dev, uint64_t key)
{
	uint64_t h = key * 0x9e3779b97f4a7c15ull ^ (dev + 1) * 0xc2b2ae3d27d4eb4full;

	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9ull;
	return h ^ h >> 32;
}

/* The slot of the key, or the free one where it belongs. There is always a free slot in the table. */
static struct fs_id_slot *table_slot(const struct fs_id_table *t, uint64_t dev, uint64_t key)
{
	uint64_t at = hash(dev, key) & (t->size - 1);

	while (t->slots[at].value != 0 && (t->slots[at].dev != dev || t->slots[at].key != key))
		at = (at + 1) & (t->size - 1);
	return &t->slots[at];
}

static uint64_t table_get(const struct fs_id_table *t, uint64_t dev, uint64_t key)
{
	return t->size == 0 ? 0 : table_slot(t, dev, key)->value;
}

static int table_grow(struct fs_id_table *t)
{
	struct fs_id_table bigger = { .size = t->size == 0 ? TABLE_MIN : 2 * t->size, .used = t->used };

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->size; i++)
		if (t->slots[i].value != 0)
			*table_slot(&bigger, t->slots[i].dev, t->slots[i].key) = t->slots[i];
	free(t->slots);
	*t = bigger;
	return 0;
}

/* Adds a key that is not there: 0 or -ENOMEM. */
static int table_put(struct fs_id_table *t, uint64_t dev, uint64_t key, uint64_t value)
{
	if (4 * (uint64_t)(t->used + 1) > 3 * (uint64_t)t->size) {
		int r = table_grow(t);

		if (r < 0)
			return r;
	}
	*table_slot(t, dev, key) = (struct fs_id_slot){ .dev = dev, .key = key, .value = value };
	t->used++;
	return 0;
}

static void table_done(struct fs_id_table *t)
{
	free(t->slots);
	*t = (struct fs_id_table){ 0 };
}

int fs_ids_init(struct fs_ids *ids)
{
	*ids = (struct fs_ids){ 0 };
	return -pthread_rwlock_init(&ids->lock, NULL);
}

void fs_ids_done(struct fs_ids *ids)
{
	table_done(&ids->prefixes);
	table_done(&ids->singles);
	pthread_rwlock_destroy(&ids->lock);
}

/* The id, or 0 if it is not known. LOCK: ids->lock is held, for reading at least. */
static uint64_t ids_find(const struct fs_ids *ids, uint64_t dev, uint64_t ino)
{
	uint64_t value = table_get(&ids->prefixes, dev, ino >> INO_BITS); /* one more than the prefix */

	if (value != 0 && ((value - 1) << INO_BITS | (ino & INO_LOW)) != 0)
		return (value - 1) << INO_BITS | (ino & INO_LOW);
	value = table_get(&ids->singles, dev, ino);
	return value != 0 ? SINGLE_BIT | value : 0;
}

/* Gives the inode an id: 0 or -ENOMEM. LOCK: ids->lock is held for writing. */
static int ids_add(struct fs_ids *ids, uint64_t dev, uint64_t ino)
{
	bool none = table_get(&ids->prefixes, dev, ino >> INO_BITS) == 0;
	int r;

	if (none && ids->prefixes.used < FS_ID_PREFIXES_MAX) {
		r = table_put(&ids->prefixes, dev, ino >> INO_BITS, ids->prefixes.used + 1);
		if (r < 0 || ids_find(ids, dev, ino) != 0)
			return r;
	}
	if (ids->singles.used == FS_ID_SINGLES_MAX)
		table_done(&ids->singles);
	return table_put(&ids->singles, dev, ino, ++ids->next_single);
}

int fs_ids_get(struct fs_ids *ids, uint64_t dev, uint64_t ino, uint64_t *ret_id)
{
	uint64_t id;
	int r = 0;

	pthread_rwlock_rdlock(&ids->lock);
	id = ids_find(ids, dev, ino);
	pthread_rwlock_unlock(&ids->lock);
	if (id == 0) {
		pthread_rwlock_wrlock(&ids->lock);
		id = ids_find(ids, dev, ino); /* another thread may have been quicker */
		if (id == 0) {
			r = ids_add(ids, dev, ino);
			id = ids_find(ids, dev, ino);
		}
		pthread_rwlock_unlock(&ids->lock);
	}
	if (r < 0)
		return r;
	*ret_id = id;
	return 0;
}

uint64_t fs_ids_fresh(struct fs_ids *ids)
{
	uint64_t value;

	pthread_rwlock_wrlock(&ids->lock);
	value = ++ids->next_single;
	pthread_rwlock_unlock(&ids->lock);
	return SINGLE_BIT | value;
}
