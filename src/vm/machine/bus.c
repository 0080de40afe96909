/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's address spaces outside RAM: regions are added, and accesses find their region. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vm/machine/bus.h"
#include "vm/machine/layout.h"

#define PIO_SPACE_END 0x10000ull

void bus_init(struct bus *bus)
{
	*bus = (struct bus){ .frozen = false };
}

void bus_freeze(struct bus *bus)
{
	bus->frozen = true;
}

/* Inserts a region at its place in the order of addresses; @what names the space in messages. */
static int bus_space_add(struct bus_space *s, uint64_t start, uint64_t size, const struct bus_ops *ops, void *arg,
	const char *what, struct err *err)
{
	uint64_t end = start + size;
	unsigned int at = 0;

	if (s->regions_len == BUS_REGIONS_MAX)
		return err_set(err, ENOSPC, "more than %d %s regions", BUS_REGIONS_MAX, what);
	while (at < s->regions_len && s->regions[at].start < start)
		at++;
	if ((at > 0 && s->regions[at - 1].end > start) || (at < s->regions_len && s->regions[at].start < end))
		return err_set(err, EEXIST, "%s region 0x%" PRIx64 " overlaps another", what, start);
	memmove(&s->regions[at + 1], &s->regions[at], (s->regions_len - at) * sizeof(s->regions[0]));
	s->regions[at] = (struct bus_region){ start, end, ops, arg };
	s->regions_len++;
	return 0;
}

int bus_add_mmio(struct bus *bus, uint64_t gpa, uint64_t size, const struct bus_ops *ops, void *arg, struct err *err)
{
	assert(!bus->frozen);
	if (size == 0 || gpa < LAYOUT_HOLE_START || gpa >= LAYOUT_HOLE_END || size > LAYOUT_HOLE_END - gpa)
		return err_set(err, EINVAL, "MMIO region 0x%" PRIx64 " is not in the hole", gpa);
	return bus_space_add(&bus->mmio, gpa, size, ops, arg, "MMIO", err);
}

int bus_add_pio(struct bus *bus, uint16_t port, uint16_t size, const struct bus_ops *ops, void *arg, struct err *err)
{
	assert(!bus->frozen);
	if (size == 0 || size > PIO_SPACE_END - port)
		return err_set(err, EINVAL, "port region 0x%x has no or too many ports", port);
	return bus_space_add(&bus->pio, port, size, ops, arg, "port", err);
}

/* The region that takes all @len bytes at @at, or NULL: a search by halves. */
static const struct bus_region *bus_space_find(const struct bus_space *s, uint64_t at, unsigned int len)
{
	unsigned int low = 0, high = s->regions_len;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		const struct bus_region *r = &s->regions[mid];

		if (at < r->start)
			high = mid;
		else if (at >= r->end)
			low = mid + 1;
		else
			return len <= r->end - at ? r : NULL; /* GUEST: the access may go beyond the end */
	}
	return NULL;
}

/* Carries out one access in one of the two spaces. */
static void bus_access(const struct bus_space *s, uint64_t at, void *data, unsigned int len, bool is_write)
{
	const struct bus_region *r = bus_space_find(s, at, len);
	uint64_t value = 0;

	/* Host and guest are both little-endian, so the low bytes of the value are the data. */
	if (is_write) {
		memcpy(&value, data, len);
		if (r && r->ops->write)
			r->ops->write(r->arg, at - r->start, len, value);
		return;
	}
	value = r && r->ops->read ? r->ops->read(r->arg, at - r->start, len) : UINT64_MAX;
	memcpy(data, &value, len);
}

void bus_mmio(const struct bus *bus, uint64_t gpa, void *data, unsigned int len, bool is_write)
{
	assert(len <= sizeof(uint64_t));
	bus_access(&bus->mmio, gpa, data, len, is_write);
}

void bus_pio(const struct bus *bus, uint16_t port, void *data, unsigned int len, bool is_write)
{
	assert(len <= sizeof(uint32_t));
	bus_access(&bus->pio, port, data, len, is_write);
}
