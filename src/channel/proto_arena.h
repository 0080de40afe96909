/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of the arrays that decoding a message makes. */
#ifndef CHANNEL_PROTO_ARENA_H
#define CHANNEL_PROTO_ARENA_H

#include <stddef.h>

/* Zeroed it is empty. */
struct proto_arena {
	struct proto_block *blocks;
};

/* Zeroed memory for @n items of @size bytes, freed with the arena; NULL if there is none. */
void *proto_arena_get(struct proto_arena *a, size_t n, size_t size);

/* Frees everything in the arena at once. */
void proto_arena_done(struct proto_arena *a);

#endif
