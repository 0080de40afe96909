/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory: the one place where a guest-physical address becomes a pointer.
 *
 * RAM is one private anonymous mapping, split below the MMIO hole; the map is
 * made before the first KVM_RUN and frozen. Every translation has a length.
 * GUEST: what lies behind the pointers changes under the reader at any time:
 * copy out once, then check the copy.
 */
#ifndef VM_MACHINE_MEM_H
#define VM_MACHINE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

/* x86 address map: RAM from 0 to the hole, rest of RAM above 4 GiB, MMIO in the hole. */
#define MEM_HOLE_START 0xc0000000ull
#define MEM_HOLE_END 0x100000000ull

struct mem_region {
	uint64_t gpa;  /* page-aligned */
	uint64_t size; /* bytes, page-aligned */
	uint8_t *hva;
};

#define MEM_REGIONS_MAX 2

struct mem {
	uint8_t *base; /* the whole mapping */
	uint64_t size;
	struct mem_region regions[MEM_REGIONS_MAX];
	unsigned int regions_len;
};

/* Maps @size bytes (multiple of 2 MiB) of lazily touched private RAM. */
must_check int mem_init(struct mem *mem, uint64_t size, struct err *err);
void mem_done(struct mem *mem);

/* The host address of [gpa, gpa + len), or NULL unless all of it is in one region. @len 0 is NULL. */
void *mem_at(const struct mem *mem, uint64_t gpa, uint64_t len);

#endif
