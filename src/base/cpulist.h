/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of CPUs or memory nodes as cpuset.cpus has them: "0-3,7".
 */
#ifndef SPEC_CPULIST_H
#define SPEC_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* The kernel's largest NR_CPUS. */
#define CPULIST_BITS 8192

struct cpulist {
	uint64_t bits[CPULIST_BITS / 64];
};

/*
 * Parses @text: numbers and ranges between commas, blanks around them allowed,
 * "" is the empty list. 0, -EINVAL, or -ERANGE for a number >= CPULIST_BITS.
 */
must_check int cpulist_parse(const char *text, struct cpulist *ret);

size_t cpulist_count(const struct cpulist *l);

static inline bool cpulist_has(const struct cpulist *l, unsigned n)
{
	return n < CPULIST_BITS && (l->bits[n / 64] >> (n % 64) & 1);
}

#endif
