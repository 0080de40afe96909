/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: how much of it the guest makes the services hold, counted. See memory.h, and fs_memory_bound().
 *
 * A guest holds a fid and a node for each name in its dentry cache, so what the host holds for it grows with the guest's
 * memory, and not with the host's. The container's cgroup, in which the process is, has an overhead beside the guest's
 * memory and no more. So what malloc(3) gives for nodes, names, open files and fids is counted, of all services together,
 * and bounded. Before the bound is met, the guest is asked to give up the names that none of its processes uses; an
 * honest one does, since its kernel can find them again, and comes no nearer to the bound.
 *
 * The counter is one for the process, as that of descriptors is (fds.c).
 */
#include "fs/memory.h"

#include <errno.h>

/* What a pointer in a hash table with one to two buckets an element takes, and half as much again while it grows. */
#define SLOT_COST (3 * sizeof(void *))
/* The least memory that is of use: some 7,000 nodes and 780 descriptors. */
#define LEAST (UINT64_C(4) << 20)
/* Once the guest has been asked, so many more pieces are taken before it is asked again. */
#define ASK_PAUSE 1024u

static atomic_uint_least64_t held;
static uint64_t bound = UINT64_MAX;
static fs_memory_fn *press;
static void *press_arg;
static atomic_uint unasked; /* pieces that were taken above the mark since the guest was asked */

/* What malloc(3) takes for @size bytes: its header, and the grain and the least size of glibc's chunks. */
static size_t chunk(size_t size)
{
	return MAX((size + sizeof(size_t) + 15) & ~(size_t)15, (size_t)32);
}

size_t fs_memory_of(size_t size)
{
	return chunk(size) + SLOT_COST;
}

size_t fs_memory_of_node(size_t name_len)
{
	return chunk(sizeof(struct fs_node)) + (name_len != 0 ? fs_memory_of(name_len + 1) : 0);
}

size_t fs_memory_of_file(void)
{
	return chunk(sizeof(struct fs_file));
}

void fs_memory_bound(uint64_t bytes, fs_memory_fn *ask, void *arg)
{
	bound = bytes == 0 ? UINT64_MAX : MAX(bytes, LEAST) / 2;
	press = ask;
	press_arg = arg;
	atomic_store(&unasked, ASK_PAUSE);
}

uint64_t fs_memory_held(void)
{
	return atomic_load_explicit(&held, memory_order_relaxed);
}

unsigned int fs_memory_fds(void)
{
	uint64_t room = bound / FS_FD_COST;

	return room < FS_FDS_MAX ? (unsigned int)room : FS_FDS_MAX;
}

int fs_memory_take(size_t bytes)
{
	uint64_t now = atomic_fetch_add_explicit(&held, bytes, memory_order_relaxed) + bytes;

	if (now > bound - bound / 4 && press != NULL && atomic_fetch_add(&unasked, 1) >= ASK_PAUSE) {
		atomic_store(&unasked, 0);
		press(press_arg);
	}
	if (now <= bound)
		return 0;
	fs_memory_give(bytes);
	return -ENOMEM;
}

void fs_memory_give(size_t bytes)
{
	atomic_fetch_sub_explicit(&held, bytes, memory_order_relaxed);
}
