/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other half of virtio for the tests: a driver's rings in a piece of RAM,
 * and its register accesses. Everything may also be done wrong.
 */
#ifndef TEST_VIRTIO_GUEST_H
#define TEST_VIRTIO_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_ring.h>

#include "vm/machine/mem.h"
#include "vm/virtio/device.h"
#include "vm/virtio/mmio.h"

#define GUEST_RAM (4 * MIB)
#define GUEST_RINGS 8

struct guest_ring {
	uint16_t size;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next_desc;           /* descriptors are handed out round robin */
	uint16_t avail_idx, used_idx; /* ours; used_idx: next to be taken */
};

struct guest {
	struct mem mem;
	uint64_t brk; /* first free byte of RAM */
	struct guest_ring rings[GUEST_RINGS];
	struct virtio_dev *dev;
};

void guest_init(struct guest *g);
void guest_done(struct guest *g);

uint64_t guest_alloc(struct guest *g, uint64_t len, uint64_t align); /* gpa of zeroed bytes */
void *guest_at(struct guest *g, uint64_t gpa, uint64_t len);

/* Lays ring @i out anew with @size entries. */
struct guest_ring *guest_ring(struct guest *g, unsigned int i, uint16_t size);

void ring_desc(struct guest_ring *r, uint16_t i, uint64_t gpa, uint32_t len, uint16_t flags, uint16_t next);
void ring_avail(struct guest_ring *r, uint16_t head); /* makes a chain available */
uint16_t *ring_used_event(struct guest_ring *r);
uint16_t *ring_avail_event(struct guest_ring *r);

/* The next used element, if the device has returned one. */
bool ring_take(struct guest_ring *r, uint32_t *ret_id, uint32_t *ret_len);

/* Registers: whole, 4 bytes. */
uint32_t reg_get(struct virtio_dev *dev, uint32_t offset);
void reg_set(struct virtio_dev *dev, uint32_t offset, uint32_t value);

/* Reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK: the status read back. */
uint32_t guest_negotiate(struct virtio_dev *dev, uint64_t features);
void guest_queue_setup(struct guest *g, struct virtio_dev *dev, unsigned int queue, uint16_t size);

/* The whole way to DRIVER_OK with every queue at its largest size, features masked by what is offered. */
void guest_up(struct guest *g, struct virtio_dev *dev, uint64_t features);

/* A chain of one or two buffers, made available (no kick): its head. */
uint16_t guest_put(
	struct guest *g, unsigned int queue, uint64_t out_gpa, uint32_t out_len, uint64_t in_gpa, uint32_t in_len);
void guest_kick(struct guest *g, unsigned int queue);

/* Serves every pending kick of a device that was not started, until none is left. */
void guest_serve(struct virtio_dev *dev);

/* For devices on a thread: waits until the ring returns a chain; fails the test after 10 s. */
uint32_t guest_wait(struct guest *g, unsigned int queue, uint32_t *ret_len);

/* How often the device has raised its interrupt since the last call. The device gets a bare eventfd by guest_up(). */
uint64_t guest_irqs(struct virtio_dev *dev);

#endif
