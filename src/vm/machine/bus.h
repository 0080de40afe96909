/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's address spaces outside RAM: memory-mapped registers and ports.
 *
 * Regions are added while the machine is built and never after bus_freeze(); so a lookup needs no lock. The callbacks of
 * a region run on vCPU threads, several at once if the guest wants it so: each device guards its own state.
 */
#ifndef VM_MACHINE_BUS_H
#define VM_MACHINE_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

/*
 * How a device answers accesses. @arg is the one given to bus_add_mmio() or bus_add_pio(). @offset counts from the start
 * of the region, and [offset, offset + len) lies inside it. @len is 1 to 8 (ports: to 4); values are little-endian in
 * their lowest @len bytes. GUEST: any offset, width and value may come.
 */
struct bus_ops {
	uint64_t (*read)(void *arg, uint64_t offset, unsigned int len);              /* NULL: reads all ones */
	void (*write)(void *arg, uint64_t offset, unsigned int len, uint64_t value); /* NULL: writes vanish */
};

struct bus_region {
	uint64_t start, end; /* end: the first address behind it */
	const struct bus_ops *ops;
	void *arg;
};

#define BUS_REGIONS_MAX 40 /* LAYOUT_VIRTIO_MAX device windows at most; and a handful of legacy ports */

struct bus_space {
	struct bus_region regions[BUS_REGIONS_MAX]; /* sorted by start, disjoint */
	unsigned int regions_len;
};

struct bus {
	struct bus_space mmio, pio;
	bool frozen;
};

/* Makes an empty bus, to which regions can be added. There is nothing to free. */
void bus_init(struct bus *bus);

/* Ends the adding of regions: to be called before the first vCPU runs. */
void bus_freeze(struct bus *bus);

/*
 * Adds the memory-mapped region [@gpa, @gpa + @size). @ops and @arg are borrowed and outlive the bus. 0, or with a
 * message: -EINVAL if it is empty or not wholly in the hole (layout.h), -EEXIST if it overlaps another, -ENOSPC.
 */
must_check int bus_add_mmio(
	struct bus *bus, uint64_t gpa, uint64_t size, const struct bus_ops *ops, void *arg, struct err *err);

/* Adds the ports [@port, @port + @size). As bus_add_mmio(), but -EINVAL if they are none or go beyond port 0xffff. */
must_check int bus_add_pio(
	struct bus *bus, uint16_t port, uint16_t size, const struct bus_ops *ops, void *arg, struct err *err);

/*
 * Carries out one access of a vCPU, of @len bytes (at most 8) at @data, in the guest's byte order. Where no region takes
 * the whole access, a read gives all ones and a write vanishes. On any thread.
 */
void bus_mmio(const struct bus *bus, uint64_t gpa, void *data, unsigned int len, bool is_write);

/* The same for ports, with at most 4 bytes. */
void bus_pio(const struct bus *bus, uint16_t port, void *data, unsigned int len, bool is_write);

#endif
