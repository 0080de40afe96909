/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of CPUs or of memory nodes, as the kernel writes and reads them in cpuset.cpus and cpuset.mems: "0-3,7".
 */
#ifndef BASE_CPULIST_H
#define BASE_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* The largest NR_CPUS that the kernel can be built with. */
#define CPULIST_BITS 8192

struct cpulist {
	uint64_t bits[CPULIST_BITS /
		      64]; /* number n is bit n % 64 of word n / 64: on 64 bits the kernel's own cpumask */
};

/*
 * Parses @text: numbers and ranges between commas, with blanks around them where one likes; "" is the empty list. 0,
 * -EINVAL, or -ERANGE for a number >= CPULIST_BITS.
 */
must_check int cpulist_parse(const char *text, struct cpulist *ret);

/* How many numbers are in the list. */
size_t cpulist_count(const struct cpulist *l);

/* True if @n is in the list. */
static inline bool cpulist_has(const struct cpulist *l, unsigned n)
{
	return n < CPULIST_BITS && (l->bits[n / 64] >> (n % 64) & 1);
}

#endif
