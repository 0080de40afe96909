/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory: the one place where a guest-physical address becomes a pointer.
 *
 * RAM is one private anonymous mapping, which the guest sees in two parts, below and above the hole of layout.h. The map
 * is made before the first vCPU runs and frozen from then on. Every translation takes a length.
 * GUEST: the bytes behind a pointer may change at any time under their reader, who copies them once and checks the copy.
 */
#ifndef VM_MACHINE_MEM_H
#define VM_MACHINE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

struct mem_region {
	uint64_t gpa;  /* page-aligned */
	uint64_t size; /* bytes, page-aligned */
	uint8_t *hva;
};

#define MEM_REGIONS_MAX 2

struct mem {
	uint8_t *base; /* the whole mapping, owned */
	uint64_t size; /* bytes */
	struct mem_region regions[MEM_REGIONS_MAX];
	unsigned int regions_len;
};

/* Maps @size bytes (a multiple of VM_MEM_GRAIN) of zeroed RAM that takes host memory only where it is touched. 0 or -errno. */
must_check int mem_init(struct mem *mem, uint64_t size, struct err *err);

/* Unmaps it. Accepts a zeroed struct mem. */
void mem_done(struct mem *mem);

/* The host address of [@gpa, @gpa + @len); NULL if @len is 0 or not all of it lies in one region. Any thread. */
void *mem_at(const struct mem *mem, uint64_t gpa, uint64_t len);

#endif
