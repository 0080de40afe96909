/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of decoded messages: see proto_arena.h. */
#include "channel/proto_arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

struct proto_block {
	struct proto_block *next;
	alignas(max_align_t) char data[];
};

void *proto_arena_get(struct proto_arena *a, size_t n, size_t size)
{
	struct proto_block *b;
	size_t len;

	if (__builtin_mul_overflow(n, size, &len) || len > SIZE_MAX - sizeof(*b))
		return NULL;
	b = calloc(1, sizeof(*b) + len);
	if (!b)
		return NULL;
	b->next = a->blocks;
	a->blocks = b;
	return b->data;
}

void proto_arena_done(struct proto_arena *a)
{
	while (a->blocks) {
		struct proto_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
}
