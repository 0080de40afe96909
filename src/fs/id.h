/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One 64-bit number for each (device, inode) of the host: see id.c. Any thread may call these.
 */
#ifndef FS_ID_H
#define FS_ID_H

#include <pthread.h>
#include <stdint.h>

#include "base/base.h"

/* How many prefixes fit above 48 bits of inode number, when the top bit marks the numbers that are given one by one. */
#define FS_ID_PREFIXES_MAX 0x7fffu
/* So many numbers given one by one are remembered. One more, and all are forgotten at once and never used again. */
#define FS_ID_SINGLES_MAX (1u << 19)

struct fs_id_slot;

struct fs_id_table {
	struct fs_id_slot *slots;
	uint32_t size; /* a power of two, or 0 */
	uint32_t used;
};

struct fs_ids {
	pthread_rwlock_t lock;
	/* LOCK: lock */
	struct fs_id_table pieces;   /* (device, upper 4 of an inode's 32 bits) -> 1 to 16 */
	struct fs_id_table prefixes; /* (device, upper 16 bits of inode) -> 1.. */
	struct fs_id_table singles;  /* (device, inode) -> 1.. */
	uint64_t next_single;
	uint64_t first_dev;    /* if there is a piece */
	uint32_t pieces_taken; /* a bit for each */
};

/* Makes an empty table: 0 or -errno. */
must_check int fs_ids_init(struct fs_ids *ids);

/* Frees what the table holds. */
void fs_ids_done(struct fs_ids *ids);

/* The id of inode @ino on device @dev, which is never 0. 0, or -ENOMEM if it cannot be remembered. */
must_check int fs_ids_get(struct fs_ids *ids, uint64_t dev, uint64_t ino, uint64_t *ret_id);

/* An id that no inode has and that is given only once. */
uint64_t fs_ids_fresh(struct fs_ids *ids);

#endif
