/* SPDX-License-Identifier: Apache-2.0 */
/* Locked byte ranges of an owner: see ranges.h. A list is never changed; each lock makes a new one. */
#include "fs/ranges.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static uint64_t last_of(const struct fs_lock *lock)
{
	return lock->length == 0 ? UINT64_MAX : lock->start + lock->length - 1;
}

/* Appends a range, or makes the last one longer if it is of the same type and ends right before. */
static void add(struct fs_ranges *r, uint64_t start, uint64_t last, short type)
{
	struct fs_range *end = r->len > 0 ? &r->list[r->len - 1] : NULL;

	if (end != NULL && end->type == type && end->last != UINT64_MAX && end->last + 1 == start)
		end->last = last;
	else
		r->list[r->len++] = (struct fs_range){ start, last, type };
}

int fs_ranges_apply(const struct fs_ranges *r, const struct fs_lock *lock, struct fs_ranges *ret_new)
{
	uint64_t start = lock->start, last = last_of(lock);
	bool pending = lock->type != F_UNLCK;
	struct fs_ranges new = { 0 };

	/* One range is cut in two at most, and the lock's own comes between. */
	new.list = calloc((size_t)r->len + 2, sizeof(*new.list));
	if (new.list == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < r->len; i++) {
		const struct fs_range *old = &r->list[i];

		if (old->start < start)
			add(&new, old->start, MIN(old->last, start - 1), old->type);
		if (pending && old->last >= start) {
			add(&new, start, last, lock->type);
			pending = false;
		}
		if (old->last > last)
			add(&new, MAX(old->start, last + 1), old->last, old->type);
	}
	if (pending)
		add(&new, start, last, lock->type);
	if (new.len > FS_LOCKS_FILE_MAX &&new.len > r->len) { /* GUEST: */
		fs_ranges_done(&new);
		return -ENOLCK;
	}
	*ret_new = new;
	return 0;
}

bool fs_ranges_conflict(const struct fs_ranges *r, const struct fs_lock *lock)
{
	uint64_t last = last_of(lock);

	for (unsigned int i = 0; i < r->len; i++)
		if (r->list[i].start <= last && r->list[i].last >= lock->start &&
			(lock->type == F_WRLCK || r->list[i].type == F_WRLCK))
			return true;
	return false;
}

void fs_ranges_done(struct fs_ranges *r)
{
	free(r->list);
	*r = (struct fs_ranges){ 0 };
}
