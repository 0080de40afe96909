/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of guest memory: the translation and its limits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "vm/machine/layout.h"
#include "vm/machine/mem.h"

#define LOW_SIZE (64 * MIB)

static void sizes_that_are_no_memory(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 4096, 2 * MIB - 1, 3 * MIB + 1, UINT64_MAX, UINT64_MAX & ~(2 * MIB - 1),
		1ull << 63 };
	struct err err = ERR_INIT;
	struct mem mem;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(mem_init(&mem, sizes[i], &err), -EINVAL);
		assert_null(mem.base);
		mem_done(&mem);
	}
}

static void one_region_below_the_hole(void **state)
{
	static const struct {
		uint64_t gpa, len;
		int ok;
	} cases[] = {
		{ 0, 1, 1 },
		{ 0, LOW_SIZE, 1 },
		{ 0, LOW_SIZE + 1, 0 },
		{ 0, 0, 0 },
		{ 4096, 0, 0 },
		{ LOW_SIZE, 0, 0 },
		{ LOW_SIZE - 1, 1, 1 },
		{ LOW_SIZE - 1, 2, 0 },
		{ LOW_SIZE, 1, 0 },
		{ 1, LOW_SIZE, 0 },
		{ 1, UINT64_MAX, 0 },
		{ 0, UINT64_MAX, 0 },
		{ UINT64_MAX, 1, 0 },
		{ UINT64_MAX, 2, 0 },
		{ UINT64_MAX - 4095, 8192, 0 },
		{ UINT64_MAX - 1, UINT64_MAX, 0 },
		{ LAYOUT_HOLE_START, 1, 0 },
		{ LAYOUT_HOLE_END, 1, 0 },
		{ 1ull << 63, 1ull << 63, 0 },
	};
	struct err err = ERR_INIT;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, LOW_SIZE, &err), 0);
	assert_int_equal(mem.regions_len, 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t *at = mem_at(&mem, cases[i].gpa, cases[i].len);

		if (!at != !cases[i].ok)
			fail_msg("case %zu: 0x%llx + 0x%llx: wanted %d, got %p", i, (unsigned long long)cases[i].gpa,
				(unsigned long long)cases[i].len, cases[i].ok, (void *)at);
		if (at)
			assert_ptr_equal(at, mem.base + cases[i].gpa);
	}
	mem_done(&mem);
	assert_null(mem_at(&mem, 0, 1));
}

static void two_regions_around_the_hole(void **state)
{
	const uint64_t high = GIB, size = LAYOUT_HOLE_START + high;
	struct err err = ERR_INIT;
	struct mem mem;
	uint8_t *last_low, *first_high;

	(void)state;
	assert_int_equal(mem_init(&mem, size, &err), 0);
	assert_int_equal(mem.regions_len, 2);
	last_low = mem_at(&mem, LAYOUT_HOLE_START - 1, 1);
	first_high = mem_at(&mem, LAYOUT_HOLE_END, 1);
	assert_non_null(last_low);
	assert_ptr_equal(first_high, last_low + 1);
	/* neighbours on the host, but not for the guest */
	assert_null(mem_at(&mem, LAYOUT_HOLE_START - 1, 2));
	assert_null(mem_at(&mem, LAYOUT_HOLE_START, 1));
	assert_null(mem_at(&mem, LAYOUT_HOLE_START - 4096, LAYOUT_HOLE_END - LAYOUT_HOLE_START + 8192));
	assert_null(mem_at(&mem, LAYOUT_HOLE_END - 1, 1));
	assert_null(mem_at(&mem, LAYOUT_HOLE_END - 1, 2));
	assert_non_null(mem_at(&mem, LAYOUT_HOLE_END, high));
	assert_null(mem_at(&mem, LAYOUT_HOLE_END, high + 1));
	assert_non_null(mem_at(&mem, LAYOUT_HOLE_END + high - 1, 1));
	assert_null(mem_at(&mem, LAYOUT_HOLE_END + high, 1));
	*last_low = 1; /* both ends can be touched */
	*first_high = 2;
	mem_done(&mem);
}

static void memory_up_to_the_hole_is_one_region(void **state)
{
	struct err err = ERR_INIT;
	struct mem mem;

	(void)state;
	assert_int_equal(mem_init(&mem, LAYOUT_HOLE_START, &err), 0);
	assert_int_equal(mem.regions_len, 1);
	assert_non_null(mem_at(&mem, 0, LAYOUT_HOLE_START));
	assert_null(mem_at(&mem, LAYOUT_HOLE_END, 1));
	assert_int_equal((uintptr_t)mem.base % (2 * MIB), 0);
	mem_done(&mem);
	mem_done(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_that_are_no_memory),
		cmocka_unit_test(one_region_below_the_hole),
		cmocka_unit_test(two_regions_around_the_hole),
		cmocka_unit_test(memory_up_to_the_hole_is_one_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
