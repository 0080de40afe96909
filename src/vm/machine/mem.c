/* SPDX-License-Identifier: Apache-2.0 */
/* Guest memory: the mapping, and the translation with a length. */
#include <errno.h>
#include <sys/mman.h>

#include "vm/machine/layout.h"
#include "vm/machine/mem.h"
#include "vm/vm.h"

static void mem_add_region(struct mem *mem, uint64_t gpa, uint64_t offset, uint64_t size)
{
	struct mem_region *r = &mem->regions[mem->regions_len++];

	r->gpa = gpa;
	r->size = size;
	r->hva = mem->base + offset;
}

int mem_init(struct mem *mem, uint64_t size, struct err *err)
{
	uint64_t low = MIN(size, LAYOUT_HOLE_START);
	uintptr_t start, aligned;
	void *map;

	*mem = (struct mem){ .base = NULL };
	if (size == 0 || size % VM_MEM_GRAIN != 0 || size > INT64_MAX - VM_MEM_GRAIN)
		return err_set(
			err, EINVAL, "guest memory of %llu bytes is not a multiple of 2 MiB", (unsigned long long)size);

	/*
	 * The mapping starts at a multiple of the grain, so that the host can back all of it with huge pages. It is not
	 * reserved, because the size of a guest is a limit and no claim on the host's memory.
	 */
	map = mmap(
		NULL, size + VM_MEM_GRAIN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return err_sys(err, errno, "map %llu MiB of guest memory", (unsigned long long)(size / MIB));
	start = (uintptr_t)map;
	aligned = (start + VM_MEM_GRAIN - 1) & ~(uintptr_t)(VM_MEM_GRAIN - 1);
	if (aligned > start)
		(void)munmap(map, aligned - start); /* cannot fail: it was just mapped */
	if (aligned < start + VM_MEM_GRAIN)
		(void)munmap((void *)(aligned + size), start + VM_MEM_GRAIN - aligned);

	mem->base = (uint8_t *)aligned;
	mem->size = size;
	/* The guest's secrets stay out of core dumps, and a fork (for a hook) need not copy page tables. */
	(void)madvise(mem->base, size, MADV_DONTDUMP); /* only advice, which a kernel may refuse */
	(void)madvise(mem->base, size, MADV_DONTFORK);

	mem_add_region(mem, 0, 0, low);
	if (size > low)
		mem_add_region(mem, LAYOUT_HOLE_END, low, size - low);
	return 0;
}

void mem_done(struct mem *mem)
{
	if (mem->base)
		(void)munmap(mem->base, mem->size); /* cannot fail: our own mapping, whole */
	*mem = (struct mem){ .base = NULL };
}

void *mem_at(const struct mem *mem, uint64_t gpa, uint64_t len)
{
	if (len == 0)
		return NULL;
	for (unsigned int i = 0; i < mem->regions_len; i++) {
		const struct mem_region *r = &mem->regions[i];
		uint64_t offset = gpa - r->gpa; /* wraps to something large below the region */

		/* GUEST: @gpa and @len may be anything; without a sum of them nothing overflows */
		if (offset < r->size && len <= r->size - offset)
			return r->hva + offset;
	}
	return NULL;
}
