/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/fs/id.c: each inode has one number of its own, and a small one where it can have it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/base.h"
#include "fs/id.h"

static void ids_are_unique_over_devices(void **state)
{
	static const uint64_t inos[] = { 0, 1, 2, (1ull << 28) + 5, (1ull << 48) - 1, 1ull << 48, (1ull << 48) + 1,
		1ull << 63, UINT64_MAX, 0x0001000000000002ull, 0xffff000000000001ull };
	uint64_t ids[ARRAY_LEN(inos) * 3];
	struct fs_ids table;
	size_t n = 0;

	(void)state;
	assert_int_equal(fs_ids_init(&table), 0);
	for (uint64_t dev = 1; dev <= 3; dev++)
		for (size_t i = 0; i < ARRAY_LEN(inos); i++) {
			assert_int_equal(fs_ids_get(&table, dev << 32, inos[i], &ids[n]), 0);
			n++;
		}
	/* the first device keeps the host's numbers, others have as small ones, which 32-bit programs need; no id is 0 */
	assert_int_not_equal(ids[0], 0);
	for (size_t i = 1; i <= 3; i++) {
		assert_int_equal(ids[i], inos[i]);
		assert_in_range(ids[ARRAY_LEN(inos) + i], 1, UINT32_MAX - 2);
		assert_in_range(ids[2 * ARRAY_LEN(inos) + i], 1, UINT32_MAX - 2);
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	n = 0;
	for (uint64_t dev = 1; dev <= 3; dev++)
		for (size_t i = 0; i < ARRAY_LEN(inos); i++) {
			uint64_t again;

			assert_int_equal(fs_ids_get(&table, dev << 32, inos[i], &again), 0);
			assert_int_equal(again, ids[n++]);
		}
	assert_true(fs_ids_fresh(&table) != fs_ids_fresh(&table));
	fs_ids_done(&table);
}

/* A device keeps its ids when there are no pieces of 32 bits any more, whatever else of it comes to light. */
static void small_ids_are_given_as_long_as_there_are_any(void **state)
{
	uint64_t first[32], id;
	struct fs_ids table;

	(void)state;
	assert_int_equal(fs_ids_init(&table), 0);
	for (uint64_t dev = 0; dev < ARRAY_LEN(first); dev++) {
		assert_int_equal(
			fs_ids_get(&table, dev, 1ull << 40, &id), 0); /* a prefix, which is for this kind alone */
		assert_true(id > UINT32_MAX);
		assert_int_equal(fs_ids_get(&table, dev, 77, &first[dev]), 0);
		assert_int_equal(first[dev] <= UINT32_MAX, dev < 16);
	}
	for (uint64_t dev = 0; dev < ARRAY_LEN(first); dev++) {
		assert_int_equal(fs_ids_get(&table, dev, 77, &id), 0);
		assert_int_equal(id, first[dev]);
		for (uint64_t other = 0; other < dev; other++)
			assert_int_not_equal(id, first[other]);
	}
	/* the first device has more files than its piece has room for: there is none left with its number */
	assert_int_equal(fs_ids_get(&table, 0, 3ull << 28, &id), 0);
	assert_true(id > UINT32_MAX);
	fs_ids_done(&table);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A file system with inode numbers all over 64 bits uses up the prefixes, and then the table of single numbers. */
static void ids_never_collide_when_tables_are_full(void **state)
{
	size_t n = FS_ID_PREFIXES_MAX + FS_ID_SINGLES_MAX + 50000, again_differs = 0;
	uint64_t *ids = malloc(n * sizeof(*ids));
	struct fs_ids table;

	(void)state;
	assert_non_null(ids);
	assert_int_equal(fs_ids_init(&table), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fs_ids_get(&table, 1 + i / 60000, (i * 0x9e3779b97f4a7c15ull), &ids[i]), 0);
	for (size_t i = 0; i < n; i += 1000) {
		uint64_t again;

		assert_int_equal(fs_ids_get(&table, 1 + i / 60000, (i * 0x9e3779b97f4a7c15ull), &again), 0);
		again_differs += again != ids[i];
	}
	/* The table was emptied once, so some inodes have new ids, but none has another's. */
	assert_true(again_differs > 0);
	qsort(ids, n, sizeof(*ids), compare_u64);
	for (size_t i = 1; i < n; i++)
		assert_true(ids[i] != ids[i - 1]);
	fs_ids_done(&table);
	free(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_unique_over_devices),
		cmocka_unit_test(small_ids_are_given_as_long_as_there_are_any),
		cmocka_unit_test(ids_never_collide_when_tables_are_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
