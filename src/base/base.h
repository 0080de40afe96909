/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes and small macros that every file of vmrunc and of its agent may use. Anything with a body has a file of
 * its own.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stddef.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define unused __attribute__((unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define KIB 1024ull
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)

/* The object of which *member* is a member named @field. */
#define container_of(member, type, field) ((type *)(void *)((char *)(member)-offsetof(type, field)))

#endif
