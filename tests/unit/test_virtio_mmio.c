/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the virtio-mmio transport: registers, negotiation, status, reset; driven with rng and balloon. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_virtio_guest.h"
#include "vm/virtio/balloon.h"
#include "vm/virtio/rng.h"

#define ACK VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRV VIRTIO_CONFIG_S_DRIVER
#define FOK VIRTIO_CONFIG_S_FEATURES_OK
#define DOK VIRTIO_CONFIG_S_DRIVER_OK
#define NRS VIRTIO_CONFIG_S_NEEDS_RESET
#define V1 VIRTIO_BIT(VIRTIO_F_VERSION_1)

struct fixture {
	struct guest g;
	struct virtio_dev *dev; /* an rng: one queue of 8 */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_INIT;

	assert_non_null(f);
	guest_init(&f->g);
	assert_int_equal(virtio_rng_new(&f->g.mem, &f->dev, &err), 0);
	*state = f;
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

static void registers_say_what_it_is(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint32_t offset, want;
	} cases[] = {
		{ VIRTIO_MMIO_MAGIC_VALUE, 0x74726976 },
		{ VIRTIO_MMIO_VERSION, 2 },
		{ VIRTIO_MMIO_DEVICE_ID, VIRTIO_ID_RNG },
		{ VIRTIO_MMIO_QUEUE_NUM_MAX, 8 },
		{ VIRTIO_MMIO_QUEUE_READY, 0 },
		{ VIRTIO_MMIO_STATUS, 0 },
		{ VIRTIO_MMIO_INTERRUPT_STATUS, 0 },
		{ VIRTIO_MMIO_SHM_LEN_LOW, UINT32_MAX },
		{ VIRTIO_MMIO_SHM_LEN_HIGH, UINT32_MAX },
		/* write-only ones, gaps, and legacy's */
		{ VIRTIO_MMIO_QUEUE_NUM, 0 },
		{ VIRTIO_MMIO_QUEUE_NOTIFY, 0 },
		{ VIRTIO_MMIO_QUEUE_PFN, 0 },
		{ VIRTIO_MMIO_GUEST_PAGE_SIZE, 0 },
		{ VIRTIO_MMIO_QUEUE_DESC_LOW, 0 },
		{ 0x0c, 0x52434d56 },
		{ 0xc0, 0 },
		{ 0xf8, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (reg_get(f->dev, cases[i].offset) != cases[i].want)
			fail_msg("register 0x%x: wanted 0x%x, got 0x%x", cases[i].offset, cases[i].want,
				reg_get(f->dev, cases[i].offset));
}

static void registers_are_taken_whole_or_not(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint32_t offset;
		unsigned int len;
	} cases[] = { { 0, 1 }, { 0, 2 }, { 0, 8 }, { 1, 1 }, { 2, 2 }, { 1, 4 }, { 2, 4 }, { 0, 3 }, { 0xfe, 4 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(virtio_mmio_read(f->dev, cases[i].offset, cases[i].len), 0);
	virtio_mmio_write(f->dev, VIRTIO_MMIO_STATUS, 1, ACK);
	virtio_mmio_write(f->dev, VIRTIO_MMIO_STATUS, 2, ACK);
	virtio_mmio_write(f->dev, VIRTIO_MMIO_STATUS, 8, ACK);
	virtio_mmio_write(f->dev, VIRTIO_MMIO_STATUS + 1, 4, ACK);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0);
	/* any offset in and behind the window */
	for (uint32_t offset = 0; offset < 0x400; offset++)
		for (unsigned int len = 1; len <= 8; len *= 2) {
			(void)virtio_mmio_read(f->dev, offset, len); /* anything, but no harm */
			virtio_mmio_write(f->dev, offset, len, UINT64_MAX);
		}
}

static void status_goes_one_way(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *what;
		uint32_t writes[6]; /* 0 ends, after the first reset */
		uint32_t want;
	} cases[] = {
		{ "in order", { ACK, ACK | DRV }, ACK | DRV },
		{ "at once", { ACK | DRV }, ACK | DRV },
		{ "driver without acknowledge", { DRV }, 0 },
		{ "features without driver", { ACK, ACK | FOK }, ACK },
		{ "features together with driver", { ACK, ACK | DRV | FOK }, ACK },
		{ "ready without features", { ACK, ACK | DRV, ACK | DRV | DOK }, ACK | DRV },
		{ "all at once", { 0xf }, 0 },
		{ "a bit taken away", { ACK, ACK | DRV, ACK }, ACK | DRV },
		{ "a bit replaced", { ACK, DRV }, ACK },
		{ "no features accepted", { ACK, ACK | DRV, ACK | DRV | FOK }, ACK | DRV }, /* VERSION_1 is missing */
		{ "needs-reset is not the driver's", { ACK, ACK | NRS }, ACK },
		{ "unknown bits", { ACK, ACK | 0xffffff00 | 0x30 }, ACK },
		{ "failed", { ACK, ACK | 0x80 }, ACK | 0x80 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		reg_set(f->dev, VIRTIO_MMIO_STATUS, 0);
		for (size_t w = 0; w < ARRAY_LEN(cases[i].writes) && cases[i].writes[w]; w++)
			reg_set(f->dev, VIRTIO_MMIO_STATUS, cases[i].writes[w]);
		if (reg_get(f->dev, VIRTIO_MMIO_STATUS) != cases[i].want)
			fail_msg("%s: wanted 0x%x, got 0x%x", cases[i].what, cases[i].want,
				reg_get(f->dev, VIRTIO_MMIO_STATUS));
	}
}

static void features_are_negotiated_in_halves(void **state)
{
	struct fixture *f = *state;
	const uint64_t offered = V1 | VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX) | VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC);
	static const struct {
		uint64_t features;
		bool ok;
	} cases[] = {
		{ V1, true },
		{ V1 | VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX), true },
		{ 0, false },                                     /* legacy */
		{ VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX), false },   /* legacy */
		{ V1 | VIRTIO_BIT(0), false },                    /* not offered */
		{ V1 | VIRTIO_BIT(VIRTIO_F_RING_PACKED), false }, /* not offered */
		{ V1 | VIRTIO_BIT(63), false },
		{ UINT64_MAX, false },
	};

	reg_set(f->dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)offered);
	reg_set(f->dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_DEVICE_FEATURES), (uint32_t)(offered >> 32));
	for (uint32_t sel = 2; sel; sel <<= 1) {
		reg_set(f->dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, sel);
		assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_DEVICE_FEATURES), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(guest_negotiate(f->dev, cases[i].features), ACK | DRV | (cases[i].ok ? FOK : 0));
	/* bits that have no half to be in, and changes after the deal */
	assert_int_equal(guest_negotiate(f->dev, V1), ACK | DRV | FOK);
	reg_set(f->dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 7);
	reg_set(f->dev, VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	reg_set(f->dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	reg_set(f->dev, VIRTIO_MMIO_DRIVER_FEATURES, UINT32_MAX);
	assert_true(f->dev->s.driver_features == V1);
}

static void queues_are_set_up_in_their_time(void **state)
{
	struct fixture *f = *state;

	/* before FEATURES_OK */
	reg_set(f->dev, VIRTIO_MMIO_STATUS, ACK | DRV);
	guest_queue_setup(&f->g, f->dev, 0, 8);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), ACK | DRV);
	/* a queue that does not exist */
	guest_negotiate(f->dev, V1);
	reg_set(f->dev, VIRTIO_MMIO_QUEUE_SEL, 1);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
	guest_queue_setup(&f->g, f->dev, 1, 8);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_QUEUE_READY), 0);
	reg_set(f->dev, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
	reg_set(f->dev, VIRTIO_MMIO_QUEUE_NOTIFY, UINT32_MAX);
	/* in time; then its registers are fixed */
	guest_queue_setup(&f->g, f->dev, 0, 4);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_QUEUE_READY), 1);
	reg_set(f->dev, VIRTIO_MMIO_QUEUE_NUM, 8);
	reg_set(f->dev, VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
	assert_int_equal(f->dev->queues[0].vq.s.size, 4);
	assert_true(f->dev->queues[0].vq.s.desc_gpa == f->g.rings[0].desc_gpa);
	/* off and on again */
	reg_set(f->dev, VIRTIO_MMIO_QUEUE_READY, 0);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_QUEUE_READY), 0);
	guest_queue_setup(&f->g, f->dev, 0, 8);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_QUEUE_READY), 1);
}

static void impossible_queues_break_the_device(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *what;
		uint32_t offset, value;
	} cases[] = {
		{ "no size", VIRTIO_MMIO_QUEUE_NUM, 0 },
		{ "size over the maximum", VIRTIO_MMIO_QUEUE_NUM, 16 },
		{ "size not a power of two", VIRTIO_MMIO_QUEUE_NUM, 6 },
		{ "size that wraps to a good one", VIRTIO_MMIO_QUEUE_NUM, 0x10008 },
		{ "ring outside RAM", VIRTIO_MMIO_QUEUE_USED_HIGH, 1 },
		{ "unaligned ring", VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1001 },
		{ "in the MMIO hole", VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0xd0000000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t status;

		guest_negotiate(f->dev, V1);
		guest_queue_setup(&f->g, f->dev, 0, 8);
		reg_set(f->dev, VIRTIO_MMIO_QUEUE_READY, 0);
		reg_set(f->dev, VIRTIO_MMIO_QUEUE_NUM, 8);
		reg_set(f->dev, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x1000);
		reg_set(f->dev, VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0x2000);
		reg_set(f->dev, VIRTIO_MMIO_QUEUE_USED_LOW, 0x3000);
		reg_set(f->dev, cases[i].offset, cases[i].value);
		reg_set(f->dev, VIRTIO_MMIO_QUEUE_READY, 1);
		status = reg_get(f->dev, VIRTIO_MMIO_STATUS);
		if (reg_get(f->dev, VIRTIO_MMIO_QUEUE_READY) != 0 || status != (ACK | DRV | FOK | NRS))
			fail_msg("%s: status 0x%x", cases[i].what, status);
		/* DRIVER_OK changes nothing: nobody serves it */
		reg_set(f->dev, VIRTIO_MMIO_STATUS, 0xf);
		assert_false(virtio_live(f->dev));
		guest_serve(f->dev);
	}
	guest_up(&f->g, f->dev, UINT64_MAX); /* a reset heals */
	assert_true(virtio_live(f->dev));
}

static void kicks_before_driver_ok_do_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t buf = guest_alloc(&f->g, 64, 64);
	uint32_t id, len;

	guest_negotiate(f->dev, V1);
	f->g.dev = f->dev;
	guest_queue_setup(&f->g, f->dev, 0, 8);
	guest_put(&f->g, 0, 0, 0, buf, 64);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_false(ring_take(&f->g.rings[0], &id, &len));
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	reg_set(f->dev, VIRTIO_MMIO_STATUS, 0xf); /* it is served without another kick */
	guest_serve(f->dev);
	assert_true(ring_take(&f->g.rings[0], &id, &len));
	assert_int_equal(len, 64);
}

static void interrupts_come_once_until_acknowledged(void **state)
{
	struct fixture *f = *state;
	uint64_t buf = guest_alloc(&f->g, 64, 64);

	guest_up(&f->g, f->dev, V1);
	for (int i = 0; i < 3; i++) {
		guest_put(&f->g, 0, 0, 0, buf, 64);
		guest_kick(&f->g, 0);
		guest_serve(f->dev);
	}
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	reg_set(f->dev, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG); /* another bit */
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_VRING);
	assert_int_equal(guest_irqs(f->dev), 1);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(guest_irqs(f->dev), 0);
	guest_put(&f->g, 0, 0, 0, buf, 64);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_int_equal(guest_irqs(f->dev), 1);
}

static void broken_ring_needs_reset(void **state)
{
	struct fixture *f = *state;
	uint64_t buf = guest_alloc(&f->g, 64, 64);
	uint32_t id, len;

	guest_up(&f->g, f->dev, UINT64_MAX);
	(void)guest_irqs(f->dev);
	ring_desc(&f->g.rings[0], 0, GUEST_RAM, 64, VRING_DESC_F_WRITE, 0);
	ring_avail(&f->g.rings[0], 0);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf | NRS);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(guest_irqs(f->dev), 1);
	/* deaf until reset */
	ring_desc(&f->g.rings[0], 0, buf, 64, VRING_DESC_F_WRITE, 0);
	ring_avail(&f->g.rings[0], 0);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_false(ring_take(&f->g.rings[0], &id, &len));
	reg_set(f->dev, VIRTIO_MMIO_STATUS, 0xf); /* which this is not */
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf | NRS);
	guest_up(&f->g, f->dev, UINT64_MAX);
	guest_put(&f->g, 0, 0, 0, buf, 64);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_true(ring_take(&f->g.rings[0], &id, &len));
}

static void reset_forgets_everything(void **state)
{
	struct fixture *f = *state;
	struct virtq_state fresh = { .size = 8 };
	uint64_t buf = guest_alloc(&f->g, 64, 64);
	uint32_t id, len;

	guest_up(&f->g, f->dev, UINT64_MAX);
	guest_put(&f->g, 0, 0, 0, buf, 64);
	guest_kick(&f->g, 0); /* still pending when the reset comes */
	reg_set(f->dev, VIRTIO_MMIO_QUEUE_SEL, 5);
	reg_set(f->dev, VIRTIO_MMIO_STATUS, 0);
	guest_serve(f->dev);
	assert_false(ring_take(&f->g.rings[0], &id, &len));
	assert_int_equal(f->dev->s.status, 0);
	assert_true(f->dev->s.driver_features == 0);
	assert_int_equal(f->dev->s.queue_sel, 0);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_QUEUE_READY), 0);
	assert_memory_equal(&f->dev->queues[0].vq.s, &fresh, sizeof(fresh));
}

static void queue_turned_off_while_it_runs_is_left_alone(void **state)
{
	struct fixture *f = *state;
	uint64_t buf = guest_alloc(&f->g, 64, 64);
	uint32_t id, len;

	guest_up(&f->g, f->dev, UINT64_MAX);
	reg_set(f->dev, VIRTIO_MMIO_QUEUE_SEL, 0);
	reg_set(f->dev, VIRTIO_MMIO_QUEUE_READY, 0);
	guest_put(&f->g, 0, 0, 0, buf, 64);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_false(ring_take(&f->g.rings[0], &id, &len));
	guest_queue_setup(&f->g, f->dev, 0, 8);
	guest_put(&f->g, 0, 0, 0, buf, 64);
	guest_kick(&f->g, 0);
	guest_serve(f->dev);
	assert_true(ring_take(&f->g.rings[0], &id, &len));
}

static void config_space_has_ends(void **state)
{
	struct fixture *f = *state; /* for its memory; the rng has no configuration */
	struct virtio_dev *balloon;
	struct err err = ERR_INIT;
	uint32_t generation;

	assert_int_equal(virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG, 4), 0);
	assert_int_equal(virtio_balloon_new(&f->g.mem, &balloon, &err), 0);
	guest_up(&f->g, balloon, UINT64_MAX);
	generation = reg_get(balloon, VIRTIO_MMIO_CONFIG_GENERATION);
	virtio_balloon_set_target(balloon, 0x11223344);
	assert_int_not_equal(reg_get(balloon, VIRTIO_MMIO_CONFIG_GENERATION), generation);
	assert_int_equal(reg_get(balloon, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	generation = reg_get(balloon, VIRTIO_MMIO_CONFIG_GENERATION);
	virtio_balloon_set_target(balloon, 0x11223344); /* no change */
	assert_int_equal(reg_get(balloon, VIRTIO_MMIO_CONFIG_GENERATION), generation);

	assert_int_equal(virtio_mmio_read(balloon, 0x100, 4), 0x11223344);
	assert_int_equal(virtio_mmio_read(balloon, 0x100, 1), 0x44);
	assert_int_equal(virtio_mmio_read(balloon, 0x102, 2), 0x1122);
	assert_int_equal(virtio_mmio_read(balloon, 0x101, 2), 0x2233); /* unaligned is allowed here */
	assert_int_equal(virtio_mmio_read(balloon, 0x107, 4), 0);      /* over the end */
	assert_int_equal(virtio_mmio_read(balloon, 0x108, 8), 0);
	assert_int_equal(virtio_mmio_read(balloon, UINT64_MAX, 4), 0);

	virtio_mmio_write(balloon, 0x104, 4, 77);
	assert_int_equal(virtio_balloon_actual(balloon), 77);
	virtio_mmio_write(balloon, 0x104, 2, 1);  /* not whole */
	virtio_mmio_write(balloon, 0x106, 4, 1);  /* over the end */
	virtio_mmio_write(balloon, 0x100, 4, 99); /* not the driver's */
	virtio_mmio_write(balloon, 0x100, 8, 99);
	virtio_mmio_write(balloon, 0x108, 4, 1);
	virtio_mmio_write(balloon, UINT64_MAX - 3, 4, 1);
	assert_int_equal(virtio_balloon_actual(balloon), 77);
	assert_int_equal(virtio_mmio_read(balloon, 0x100, 4), 0x11223344);
	virtio_free(balloon);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(registers_say_what_it_is),
		test(registers_are_taken_whole_or_not),
		test(status_goes_one_way),
		test(features_are_negotiated_in_halves),
		test(queues_are_set_up_in_their_time),
		test(impossible_queues_break_the_device),
		test(kicks_before_driver_ok_do_nothing),
		test(interrupts_come_once_until_acknowledged),
		test(broken_ring_needs_reset),
		test(reset_forgets_everything),
		test(queue_turned_off_while_it_runs_is_left_alone),
		test(config_space_has_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
