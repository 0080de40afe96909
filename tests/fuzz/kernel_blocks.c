/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large pieces of memory during an input (kernel.h). A sanitizer maps each anew, and unmaps it: some ten microseconds,
 * several times an input. These come from blocks that stay, the one that was freed longest ago first; what is not a piece's
 * own is poisoned, and so is a piece that has been freed.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/base.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/kernel_object.h"

#if defined(__SANITIZE_ADDRESS__) || defined(FUZZING)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define LARGE (100u * 1024) /* from this size on AddressSanitizer would, with what it adds, map it */
#define BLOCK (512u * 1024)
#define BETWEEN 4096u /* two pieces, at least */
#define BLOCKS 32u

static struct {
	uint8_t *at;          /* NULL: there are none yet */
	size_t sizes[BLOCKS]; /* 0: free */
	unsigned int used, last;
} blocks;

unsigned int kernel_blocks_used(void)
{
	return blocks.used;
}

/* Whether @p is a piece; *@ret_block is which. */
static bool is_block(const void *p, unsigned int *ret_block)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)blocks.at;

	*ret_block = (unsigned int)(offset / BLOCK);
	return blocks.at && offset < (uintptr_t)BLOCK * BLOCKS;
}

/* A piece of @size bytes, whatever they are; NULL: the allocator is to give it. */
static void *block_take(size_t size)
{
	unsigned int i = blocks.last;

	if (size < LARGE || size > BLOCK - BETWEEN || !kernel_is_on() || blocks.used == BLOCKS)
		return NULL;
	if (!blocks.at) {
		blocks.at =
			mmap(NULL, (size_t)BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		require(blocks.at != MAP_FAILED, "memory");
		ASAN_POISON_MEMORY_REGION(blocks.at, (size_t)BLOCK * BLOCKS);
	}
	do
		i = (i + 1) % BLOCKS;
	while (blocks.sizes[i]);
	blocks.last = i;
	blocks.used++;
	blocks.sizes[i] = size;
	ASAN_UNPOISON_MEMORY_REGION(blocks.at + (size_t)i * BLOCK, size);
	return blocks.at + (size_t)i * BLOCK;
}

static void block_give(unsigned int i)
{
	require(blocks.sizes[i] > 0, "memory that is freed twice");
	ASAN_POISON_MEMORY_REGION(blocks.at + (size_t)i * BLOCK, blocks.sizes[i]);
	blocks.sizes[i] = 0;
	blocks.used--;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __real_free(void *p);
void __wrap_free(void *p);

void *__wrap_malloc(size_t size)
{
	void *p = size < LARGE ? NULL : block_take(size);

	return p ? p : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = size == 0 || n < LARGE / size || n > BLOCK / size ? NULL : block_take(n * size);

	return p ? memset(p, 0, n * size) : __real_calloc(n, size);
}

void __wrap_free(void *p)
{
	unsigned int block;

	if (is_block(p, &block))
		block_give(block);
	else
		__real_free(p);
}

void *__wrap_realloc(void *p, size_t size)
{
	unsigned int block;
	bool was = is_block(p, &block);
	void *to;

	if (!was && size < LARGE)
		return __real_realloc(p, size);
	to = __wrap_malloc(size);
	if (to && p) {
		memcpy(to, p, MIN(size, was ? blocks.sizes[block] : malloc_usable_size(p)));
		__wrap_free(p);
	}
	return to;
}
