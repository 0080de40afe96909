/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the bus: registration, overlaps, dispatch of hostile accesses. */
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

#include "vm/machine/bus.h"

#define BASE 0xd0000000ull

struct device {
	unsigned int reads, writes, len;
	uint64_t offset, value;
};

static uint64_t device_read(void *arg, uint64_t offset, unsigned int len)
{
	struct device *d = arg;

	d->reads++;
	d->offset = offset;
	d->len = len;
	return 0x1122334455667788ull;
}

static void device_write(void *arg, uint64_t offset, unsigned int len, uint64_t value)
{
	struct device *d = arg;

	d->writes++;
	d->offset = offset;
	d->len = len;
	d->value = value;
}

static const struct bus_ops device_ops = { device_read, device_write };

static void regions_that_cannot_be(void **state)
{
	static const struct {
		uint64_t gpa, size;
		int want;
	} cases[] = {
		{ BASE + 0x1000, 0, -EINVAL },
		{ 0, 0x1000, -EINVAL }, /* RAM */
		{ 0xc0000000ull - 1, 2, -EINVAL },
		{ 0xffffffffull, 2, -EINVAL },
		{ 0x100000000ull, 1, -EINVAL },
		{ BASE, UINT64_MAX, -EINVAL },
		{ UINT64_MAX, 2, -EINVAL },
		{ BASE, 0x200, -EEXIST },            /* the same */
		{ BASE + 0x1ff, 1, -EEXIST },        /* its end */
		{ BASE + 0x1ff, 0x1000, -EEXIST },   /* over its end */
		{ BASE - 1, 2, -EEXIST },            /* over its start */
		{ BASE - 0x1000, 0x10000, -EEXIST }, /* around it */
		{ BASE + 0x10, 4, -EEXIST },         /* inside */
		{ BASE + 0x200, 1, 0 },              /* right behind */
		{ BASE - 1, 1, 0 },                  /* right before */
		{ 0xc0000000ull, 1, 0 },
		{ 0xffffffffull, 1, 0 },
	};
	struct err err = ERR_INIT;
	struct device d = { 0 };
	struct bus bus;

	(void)state;
	bus_init(&bus);
	assert_int_equal(bus_add_mmio(&bus, BASE, 0x200, &device_ops, &d, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = bus_add_mmio(&bus, cases[i].gpa, cases[i].size, &device_ops, &d, &err);

		if (r != cases[i].want)
			fail_msg("case %zu: wanted %d, got %d", i, cases[i].want, r);
	}
	assert_int_equal(bus_add_pio(&bus, 0xffff, 2, &device_ops, &d, &err), -EINVAL);
	assert_int_equal(bus_add_pio(&bus, 0x3f8, 0, &device_ops, &d, &err), -EINVAL);
	assert_int_equal(bus_add_pio(&bus, 0xffff, 1, &device_ops, &d, &err), 0);
	assert_int_equal(bus_add_pio(&bus, 0, 0xffff, &device_ops, &d, &err), 0);
	assert_int_equal(bus_add_pio(&bus, 0x80, 1, &device_ops, &d, &err), -EEXIST);
}

static void no_more_regions_than_there_is_room_for(void **state)
{
	struct err err = ERR_INIT;
	struct device d = { 0 };
	struct bus bus;
	uint32_t bytes = 0;

	(void)state;
	bus_init(&bus);
	/* backwards, so that each goes to the front */
	for (unsigned int i = BUS_REGIONS_MAX; i > 0; i--)
		assert_int_equal(bus_add_mmio(&bus, BASE + i * 0x1000ull, 0x200, &device_ops, &d, &err), 0);
	assert_int_equal(bus_add_mmio(&bus, BASE, 0x200, &device_ops, &d, &err), -ENOSPC);
	bus_freeze(&bus);
	for (unsigned int i = 1; i <= BUS_REGIONS_MAX; i++) {
		d.offset = UINT64_MAX;
		bus_mmio(&bus, BASE + i * 0x1000ull + 0x1fc, &bytes, 4, false);
		assert_int_equal(d.offset, 0x1fc);
		assert_int_equal(d.reads, i);
	}
}

static void accesses_reach_their_device_or_nothing(void **state)
{
	static const struct {
		uint64_t gpa;
		unsigned int len;
		int hit;
	} cases[] = {
		{ BASE, 4, 1 },
		{ BASE, 1, 1 },
		{ BASE, 8, 1 },
		{ BASE + 0x1f8, 8, 1 },
		{ BASE + 0x1fc, 8, 0 }, /* sticks out */
		{ BASE + 0x1ff, 2, 0 },
		{ BASE + 0x200, 1, 0 },
		{ BASE - 1, 2, 0 },
		{ BASE - 1, 1, 0 },
		{ 0, 8, 0 },
		{ UINT64_MAX, 8, 0 },
		{ UINT64_MAX - 7, 8, 0 },
	};
	struct err err = ERR_INIT;
	struct bus bus;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const uint8_t ones[8] = { 255, 255, 255, 255, 255, 255, 255, 255 };
		static const uint8_t value[8] = { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };
		unsigned int len = cases[i].len;
		struct device d = { 0 };
		uint8_t data[8] = { 0 };

		bus_init(&bus);
		assert_int_equal(bus_add_mmio(&bus, BASE, 0x200, &device_ops, &d, &err), 0);
		bus_freeze(&bus);
		bus_mmio(&bus, cases[i].gpa, data, len, false);
		assert_int_equal(d.reads, cases[i].hit);
		assert_memory_equal(data, cases[i].hit ? value : ones, len);
		memcpy(data, value, sizeof(data));
		bus_mmio(&bus, cases[i].gpa, data, len, true);
		assert_int_equal(d.writes, cases[i].hit);
		if (!cases[i].hit)
			continue;
		assert_int_equal(d.offset, cases[i].gpa - BASE);
		assert_int_equal(d.len, len);
		assert_true(d.value ==
			    (len == 8 ? 0x1122334455667788ull : 0x1122334455667788ull & ((1ull << len * 8) - 1)));
	}
}

static void a_region_may_lack_a_direction(void **state)
{
	static const struct bus_ops none = { NULL, NULL };
	struct err err = ERR_INIT;
	uint8_t byte = 7;
	struct bus bus;

	(void)state;
	bus_init(&bus);
	assert_int_equal(bus_add_pio(&bus, 0x70, 2, &none, NULL, &err), 0);
	bus_freeze(&bus);
	bus_pio(&bus, 0x71, &byte, 1, true);
	bus_pio(&bus, 0x71, &byte, 1, false);
	assert_int_equal(byte, 0xff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_that_cannot_be),
		cmocka_unit_test(no_more_regions_than_there_is_room_for),
		cmocka_unit_test(accesses_reach_their_device_or_nothing),
		cmocka_unit_test(a_region_may_lack_a_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
