/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's address spaces outside RAM: memory-mapped and port registers.
 *
 * Regions are added while the machine is built and never after bus_freeze();
 * lookups then need no lock. Callbacks run on vCPU threads, several at once if
 * the guest wants it so: a device guards its own state.
 */
#ifndef VM_MACHINE_BUS_H
#define VM_MACHINE_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

/*
 * @offset: from the start of the region; [offset, offset + len) is inside it.
 * @len: 1, 2, 4 or 8 (ports: at most 4); values are little-endian in their
 * lowest @len bytes. GUEST: any offset, width and value comes.
 */
struct bus_ops {
	uint64_t (*read)(void *arg, uint64_t offset, unsigned int len);
	void (*write)(void *arg, uint64_t offset, unsigned int len, uint64_t value);
};

struct bus_region {
	uint64_t start, end; /* end: first address behind it */
	const struct bus_ops *ops;
	void *arg;
};

#define BUS_REGIONS_MAX 40 /* IOAPIC pins bound the devices; the rest are legacy ports */

struct bus_space {
	struct bus_region regions[BUS_REGIONS_MAX]; /* sorted by start, disjoint */
	unsigned int regions_len;
};

struct bus {
	struct bus_space mmio, pio;
	bool frozen;
};

void bus_init(struct bus *bus);
void bus_freeze(struct bus *bus);

/* -EINVAL: empty, wraps, or in RAM's part of the map; -EEXIST: overlap; -ENOSPC. @ops, @arg outlive the bus. */
must_check int bus_add_mmio(
	struct bus *bus, uint64_t gpa, uint64_t size, const struct bus_ops *ops, void *arg, struct err *err);
must_check int bus_add_pio(
	struct bus *bus, uint16_t port, uint16_t size, const struct bus_ops *ops, void *arg, struct err *err);

/*
 * One access of a vCPU, at most 8 bytes at @data (in guest order). Where no
 * region takes the whole access reads give all ones and writes vanish.
 */
void bus_mmio(const struct bus *bus, uint64_t gpa, void *data, unsigned int len, bool is_write);
void bus_pio(const struct bus *bus, uint16_t port, void *data, unsigned int len, bool is_write);

#endif
