/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids: 64-bit numbers for inodes of any number of host file systems.
 *
 * An inode number is unique only on its device, and both numbers have 64 bits. A client's cache knows only 64 bits in
 * all, and a collision makes it show one file's data in another. So an id is one of three kinds:
 *
 *   0 (31 times) 0 ssss i...i    4 bits name a piece: a device and the upper 4 bits of
 *                                an inode number of 32 bits, whose other 28 bits follow
 *   0 ppppppppppppppp i....i     15 bits, not all 0, name a prefix: a device and the upper
 *                                16 bits of the inode number; 48 bits are the
 *                                rest of the inode number, as it is
 *   1 ssss...s                   63 bits, given one by one
 *
 * The first kind is for 32-bit programs without large-file support, whose stat(2) and readdir(3) fail with EOVERFLOW where a
 * number has more than 32 bits. The device that is seen first, which is that of the root file system, has the pieces
 * with its own numbers, so that its inodes have the numbers that the host gives them. Other devices get pieces from the
 * other end, which are enough for 15 file systems of 2^28 inodes. When there are no more pieces, prefixes
 * follow. The one number that would make an id of 0 gets one of the third kind.
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

#define PIECE_BITS 28
#define PIECE_LOW ((1ull << PIECE_BITS) - 1)
#define PIECES 16u
#define PIECES_ALL ((1u << PIECES) - 1)
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
	table_done(&ids->pieces);
	table_done(&ids->prefixes);
	table_done(&ids->singles);
	pthread_rwlock_destroy(&ids->lock);
}

static uint64_t ids_find_single(const struct fs_ids *ids, uint64_t dev, uint64_t ino)
{
	uint64_t value = table_get(&ids->singles, dev, ino);

	return value != 0 ? SINGLE_BIT | value : 0;
}

/* The id, or 0 if it is not known. LOCK: ids->lock is held, for reading at least. */
static uint64_t ids_find(const struct fs_ids *ids, uint64_t dev, uint64_t ino)
{
	uint64_t value;

	if (ino <= UINT32_MAX) {
		value = table_get(&ids->pieces, dev, ino >> PIECE_BITS); /* one more than the piece */
		if (value != 0 && ((value - 1) << PIECE_BITS | (ino & PIECE_LOW)) != 0)
			return (value - 1) << PIECE_BITS | (ino & PIECE_LOW);
		if (value != 0)
			return ids_find_single(ids, dev, ino);
		/* It will have a piece as long as there are any, whatever prefix other inodes have. */
		if (ids->pieces_taken != PIECES_ALL)
			return 0;
	}
	value = table_get(&ids->prefixes, dev, ino >> INO_BITS);
	return value != 0 ? value << INO_BITS | (ino & INO_LOW) : ids_find_single(ids, dev, ino);
}

/*
 * Gives the device a piece for inodes like this one, unless it has it or none is free: 0 or -ENOMEM. LOCK: ids->lock is
 * held for writing.
 */
static int ids_add_piece(struct fs_ids *ids, uint64_t dev, uint64_t ino)
{
	uint32_t piece = (uint32_t)(ino >> PIECE_BITS);
	int r;

	if (ids->pieces_taken == PIECES_ALL || table_get(&ids->pieces, dev, ino >> PIECE_BITS) != 0)
		return 0;
	if (ids->pieces_taken == 0)
		ids->first_dev = dev;
	if (dev != ids->first_dev || (ids->pieces_taken & 1u << piece))
		for (piece = PIECES - 1; ids->pieces_taken & 1u << piece; piece--)
			;
	r = table_put(&ids->pieces, dev, ino >> PIECE_BITS, piece + 1);
	if (r == 0)
		ids->pieces_taken |= 1u << piece;
	return r;
}

/* Gives the inode, which has none, an id: 0 or -ENOMEM. LOCK: ids->lock is held for writing. */
static int ids_add(struct fs_ids *ids, uint64_t dev, uint64_t ino)
{
	bool piece = false;
	int r;

	if (ino <= UINT32_MAX) {
		r = ids_add_piece(ids, dev, ino);
		if (r < 0 || ids_find(ids, dev, ino) != 0)
			return r;
		piece = table_get(&ids->pieces, dev, ino >> PIECE_BITS) != 0; /* it would be 0 with it */
	}
	if (!piece && ids->prefixes.used < FS_ID_PREFIXES_MAX)
		return table_put(&ids->prefixes, dev, ino >> INO_BITS, ids->prefixes.used + 1);
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
