/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of virtio-rng and virtio-balloon. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "test_virtio_guest.h"
#include "vm/virtio/balloon.h"
#include "vm/virtio/rng.h"

#define PAGE 4096ull
enum { INFLATE, DEFLATE, REPORT };

struct fixture {
	struct guest g;
	struct virtio_dev *dev;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	guest_init(&f->g);
	*state = f;
	return 0;
}

static int setup_rng(void **state)
{
	struct err err = ERR_INIT;
	struct fixture *f;

	(void)setup(state);
	f = *state;
	assert_int_equal(virtio_rng_new(&f->g.mem, &f->dev, &err), 0);
	guest_up(&f->g, f->dev, UINT64_MAX);
	return 0;
}

static int setup_balloon(void **state)
{
	struct err err = ERR_INIT;
	struct fixture *f;

	(void)setup(state);
	f = *state;
	assert_int_equal(virtio_balloon_new(&f->g.mem, &f->dev, &err), 0);
	guest_up(&f->g, f->dev, UINT64_MAX);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_free(f->dev);
	guest_done(&f->g);
	free(f);
	return 0;
}

/* ---- rng ---- */

static void rng_fills_buffers(void **state)
{
	struct fixture *f = *state;
	uint64_t gpa = guest_alloc(&f->g, 3 * PAGE, PAGE);
	uint8_t *bytes = guest_at(&f->g, gpa, 3 * PAGE);
	static const uint8_t zeros[16];
	uint32_t id, len;

	guest_put(&f->g, 0, 0, 0, gpa, 64);
	guest_put(&f->g, 0, 0, 0, gpa + 64, 64);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_true(ring_take(&f->g.rings[0], &id, &len));
	assert_int_equal(len, 64);
	assert_true(ring_take(&f->g.rings[0], &id, &len));
	assert_memory_not_equal(bytes, bytes + 64, 64);
	for (int i = 0; i < 128; i += 16) /* a chance of 2^-125 to fail */
		assert_memory_not_equal(bytes + i, zeros, 16);
	assert_memory_equal(bytes + 128, zeros, 16);
	/* a large buffer is returned short, and no byte behind its length is touched */
	guest_put(&f->g, 0, 0, 0, gpa + PAGE, 2 * PAGE);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_true(ring_take(&f->g.rings[0], &id, &len));
	assert_int_equal(len, 4096);
	assert_memory_equal(bytes + 2 * PAGE, zeros, 16);
	/* nothing to write into */
	guest_put(&f->g, 0, gpa, 64, 0, 0);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_true(ring_take(&f->g.rings[0], &id, &len));
	assert_int_equal(len, 0);
}

/* ---- balloon ---- */

static bool resident(struct fixture *f, uint64_t gpa)
{
	unsigned char vec = 0;

	assert_int_equal(mincore(guest_at(&f->g, gpa, PAGE), PAGE, &vec), 0);
	return vec & 1;
}

static void balloon_drops_reported_pages(void **state)
{
	struct fixture *f = *state;
	struct guest_ring *r = &f->g.rings[REPORT];
	uint64_t gpa = guest_alloc(&f->g, 8 * PAGE, PAGE);
	uint8_t *bytes = guest_at(&f->g, gpa, 8 * PAGE);
	uint32_t id, len;

	memset(bytes, 0xaa, 8 * PAGE);
	/* pages 0-1; from the middle of 3 to the middle of 5: only 4; part of 6: none */
	ring_desc(r, 0, gpa, 2 * PAGE, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1);
	ring_desc(r, 1, gpa + 3 * PAGE + 100, 2 * PAGE, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 2);
	ring_desc(r, 2, gpa + 6 * PAGE + 1, PAGE - 1, VRING_DESC_F_WRITE, 0);
	ring_avail(r, 0);
	guest_kick(&f->g, REPORT);
	guest_serve(f->dev);
	assert_true(ring_take(r, &id, &len));
	assert_int_equal(len, 0);
	for (unsigned int i = 0; i < 8; i++) {
		bool dropped = i == 0 || i == 1 || i == 4;

		if (resident(f, gpa + i * PAGE) == dropped)
			fail_msg("page %u: %s", i, dropped ? "is still there" : "is gone");
		assert_int_equal(bytes[i * PAGE + 200], dropped ? 0 : 0xaa);
	}
}

static void balloon_report_cannot_leave_ram(void **state)
{
	struct fixture *f = *state;
	uint32_t id, len;

	guest_put(&f->g, REPORT, 0, 0, GUEST_RAM - PAGE, 2 * PAGE);
	guest_kick(&f->g, REPORT);
	guest_serve(f->dev);
	assert_false(ring_take(&f->g.rings[REPORT], &id, &len));
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf | VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void balloon_inflates(void **state)
{
	struct fixture *f = *state;
	uint64_t gpa = guest_alloc(&f->g, 16 * PAGE, PAGE), list = guest_alloc(&f->g, 256, 4);
	uint32_t first = (uint32_t)(gpa / PAGE), id, len;
	/* rising, falling, alone, twice; and what there is not */
	const uint32_t pfns[] = { first, first + 1, first + 2, first + 9, first + 8, first + 7, first + 12, first + 12,
		(uint32_t)(GUEST_RAM / PAGE), UINT32_MAX, UINT32_MAX - 1, 0xd0000, (uint32_t)(GUEST_RAM / PAGE) - 1,
		(uint32_t)(GUEST_RAM / PAGE) };
	static const bool gone[16] = { 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0 };

	memset(guest_at(&f->g, gpa, 16 * PAGE), 0xaa, 16 * PAGE);
	memset(guest_at(&f->g, GUEST_RAM - PAGE, PAGE), 0xaa, PAGE);
	memcpy(guest_at(&f->g, list, sizeof(pfns)), pfns, sizeof(pfns));
	guest_put(&f->g, INFLATE, list, sizeof(pfns), 0, 0);
	guest_kick(&f->g, INFLATE);
	guest_serve(f->dev);
	assert_true(ring_take(&f->g.rings[INFLATE], &id, &len));
	for (unsigned int i = 0; i < 16; i++)
		if (resident(f, gpa + i * PAGE) == gone[i])
			fail_msg("page %u: %s", i, gone[i] ? "is still there" : "is gone");
	assert_false(resident(f, GUEST_RAM - PAGE)); /* although its run went over the end */
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf);
	/* deflation only has to be answered */
	guest_put(&f->g, DEFLATE, list, sizeof(pfns), 0, 0);
	guest_kick(&f->g, DEFLATE);
	guest_serve(f->dev);
	assert_true(ring_take(&f->g.rings[DEFLATE], &id, &len));
}

static void balloon_refuses_endless_lists(void **state)
{
	struct fixture *f = *state;

	guest_put(&f->g, INFLATE, 0x1000, 4097, 0, 0);
	guest_kick(&f->g, INFLATE);
	guest_serve(f->dev);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf | VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void balloon_target_and_actual(void **state)
{
	struct fixture *f = *state;

	(void)guest_irqs(f->dev);
	virtio_balloon_set_target(f->dev, 512);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(guest_irqs(f->dev), 1);
	assert_int_equal(virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG, 4), 512);
	virtio_mmio_write(f->dev, VIRTIO_MMIO_CONFIG + 4, 4, 500);
	assert_int_equal(virtio_balloon_actual(f->dev), 500);
	reg_set(f->dev, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(virtio_balloon_actual(f->dev), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rng_fills_buffers, setup_rng, teardown),
		cmocka_unit_test_setup_teardown(balloon_drops_reported_pages, setup_balloon, teardown),
		cmocka_unit_test_setup_teardown(balloon_report_cannot_leave_ram, setup_balloon, teardown),
		cmocka_unit_test_setup_teardown(balloon_inflates, setup_balloon, teardown),
		cmocka_unit_test_setup_teardown(balloon_refuses_endless_lists, setup_balloon, teardown),
		cmocka_unit_test_setup_teardown(balloon_target_and_actual, setup_balloon, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
