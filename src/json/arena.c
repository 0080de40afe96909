/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once: see arena.h.
 *
 * An arena is a list of blocks, of which the newest one is filled from its start. An allocation that does not fit into
 * it opens a new block, of at least ARENA_BLOCK bytes. Blocks come from calloc(), so all memory is zeroed.
 */
#include "json/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A typical config.json takes two to four of these. */
#define ARENA_BLOCK 16384u

struct block {
	struct block *next;
	size_t used, size;
	alignas(max_align_t) char data[];
};

struct arena {
	struct block *newest;
};

int arena_new(struct arena **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->newest, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

/* Opens a new block with room for @size bytes. NULL without memory. */
static struct block *arena_grow(struct arena *a, size_t size)
{
	size_t room = MAX(size, (size_t)ARENA_BLOCK);
	struct block *b;

	if (room > SIZE_MAX - sizeof(*b))
		return NULL;
	b = calloc(1, sizeof(*b) + room);
	if (!b)
		return NULL;
	b->size = room;
	b->next = a->newest;
	a->newest = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct block *b = a->newest;
	void *p;

	if (size > SIZE_MAX - align)
		return NULL;
	size = (MAX(size, (size_t)1) + align - 1) / align * align;
	if (!b || b->size - b->used < size)
		b = arena_grow(a, size);
	if (!b)
		return NULL;
	p = b->data + b->used;
	b->used += size;
	return p;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return NULL;
	return arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = len < SIZE_MAX ? arena_alloc(a, len + 1) : NULL;

	if (p && len)
		memcpy(p, s, len);
	return p;
}
