/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once: for trees that live and die together.
 */
#ifndef JSON_ARENA_H
#define JSON_ARENA_H

#include <stddef.h>

#include "base/base.h"

struct arena;

must_check int arena_new(struct arena **ret); /* 0 or -ENOMEM */
void arena_free(struct arena *a);             /* accepts NULL; every pointer from @a is gone */

/* @size zeroed bytes, aligned for any type; NULL without memory. Size 0 gives a unique pointer. */
void *arena_alloc(struct arena *a, size_t size);

/* As arena_alloc(@n * @size); NULL also where the product overflows. */
void *arena_array(struct arena *a, size_t n, size_t size);

/* @len bytes of @s and a NUL; NULL without memory. */
char *arena_strndup(struct arena *a, const char *s, size_t len);

#endif
