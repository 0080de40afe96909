/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The byte ranges that one owner has locked of one file: what the host's kernel keeps for it, counted here.
 */
#ifndef FS_RANGES_H
#define FS_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "fs/fs.h"

struct fs_range {
	uint64_t start, last; /* UINT64_MAX: to the end of every file */
	short type;           /* F_RDLCK or F_WRLCK */
};

/* In order, without overlap; all zeros is the empty list. */
struct fs_ranges {
	struct fs_range *list;
	unsigned int len;
};

/*
 * What becomes of @r when @lock is granted (or released, with F_UNLCK), as fcntl(2) has it: 0, and a new list in
 * *@ret_new; -ENOLCK: it would have more than FS_LOCKS_FILE_MAX ranges; -ENOMEM. @r stays as it is.
 */
must_check int fs_ranges_apply(const struct fs_ranges *r, const struct fs_lock *lock, struct fs_ranges *ret_new);

/* True if @lock cannot be granted while another owner has @r. */
bool fs_ranges_conflict(const struct fs_ranges *r, const struct fs_lock *lock);

/* Frees the list, and empties it. */
void fs_ranges_done(struct fs_ranges *r);

#endif
