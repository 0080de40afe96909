/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once: for the nodes of a tree, which live and die together.
 */
#ifndef JSON_ARENA_H
#define JSON_ARENA_H

#include <stddef.h>

#include "base/base.h"

struct arena;

/* A new, empty arena. 0 or -ENOMEM. */
must_check int arena_new(struct arena **ret);

/* Frees all that was allocated from @a. @a may be NULL. */
void arena_free(struct arena *a);

static inline void arena_freep(struct arena **a)
{
	arena_free(*a);
}
#define autoarena __attribute__((cleanup(arena_freep)))

/* @size zeroed bytes, aligned for any type; NULL without memory. Size 0 gives a pointer of its own, too. */
void *arena_alloc(struct arena *a, size_t size);

/* An array of @n times @size zeroed bytes; NULL without memory, and if the product overflows. */
void *arena_array(struct arena *a, size_t n, size_t size);

/* A copy of the @len bytes at @s, with a NUL behind them; NULL without memory. */
char *arena_strndup(struct arena *a, const char *s, size_t len);

#endif
