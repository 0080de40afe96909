/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory: the mapping, and the translation with a length. */
#include <errno.h>
#include <sys/mman.h>

#include "vm/machine/mem.h"

/* Both ends on this, so that the host can back guest RAM with huge pages. */
#define MEM_ALIGN (2 * MIB)

static void mem_add_region(struct mem *mem, uint64_t gpa, uint64_t offset, uint64_t size)
{
	struct mem_region *r = &mem->regions[mem->regions_len++];

	r->gpa = gpa;
	r->size = size;
	r->hva = mem->base + offset;
}

int mem_init(struct mem *mem, uint64_t size, struct err *err)
{
	uint64_t low = MIN(size, MEM_HOLE_START);
	uintptr_t start, aligned;
	void *map;

	*mem = (struct mem){ .base = NULL };
	if (size == 0 || size % MEM_ALIGN != 0 || size > INT64_MAX - MEM_ALIGN)
		return err_set(
			err, EINVAL, "guest memory of %llu bytes is not a multiple of 2 MiB", (unsigned long long)size);

	/* NORESERVE: a guest's size is a limit, not a claim on the host's memory. */
	map = mmap(NULL, size + MEM_ALIGN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return err_sys(err, errno, "map %llu MiB of guest memory", (unsigned long long)(size / MIB));
	start = (uintptr_t)map;
	aligned = (start + MEM_ALIGN - 1) & ~(uintptr_t)(MEM_ALIGN - 1);
	if (aligned > start)
		(void)munmap(map, aligned - start); /* trimming what was just mapped cannot fail */
	if (aligned < start + MEM_ALIGN)
		(void)munmap((void *)(aligned + size), start + MEM_ALIGN - aligned);

	mem->base = (uint8_t *)aligned;
	mem->size = size;
	/* The guest's secrets stay out of core dumps, and a fork for a hook copies no page tables. */
	(void)madvise(mem->base, size, MADV_DONTDUMP); /* advice: older kernels refuse */
	(void)madvise(mem->base, size, MADV_DONTFORK);

	mem_add_region(mem, 0, 0, low);
	if (size > low)
		mem_add_region(mem, MEM_HOLE_END, low, size - low);
	return 0;
}

void mem_done(struct mem *mem)
{
	if (mem->base)
		(void)munmap(mem->base, mem->size); /* our own mapping, whole */
	*mem = (struct mem){ .base = NULL };
}

void *mem_at(const struct mem *mem, uint64_t gpa, uint64_t len)
{
	if (len == 0)
		return NULL;
	for (unsigned int i = 0; i < mem->regions_len; i++) {
		const struct mem_region *r = &mem->regions[i];
		uint64_t offset = gpa - r->gpa; /* wraps to something large below the region */

		/* GUEST: without sums, so that nothing overflows */
		if (offset < r->size && len <= r->size - offset)
			return r->hva + offset;
	}
	return NULL;
}
