/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's half of virtio for the tests: rings in a piece of RAM, and register accesses. A test may also do everything
 * wrong with them.
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
#define GUEST_RINGS 9

struct guest_ring {
	uint16_t size;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next_desc;           /* the descriptor that guest_put() uses next; they are used in turn */
	uint16_t avail_idx, used_idx; /* the driver's own counts: chains made available, and taken back */
};

struct guest {
	struct mem mem;
	uint64_t brk; /* the first free byte of RAM */
	struct guest_ring rings[GUEST_RINGS];
	struct virtio_dev *dev;
};

/* Makes a guest with GUEST_RAM bytes of RAM; a failure ends the test, here as below. */
void guest_init(struct guest *g);

/* Frees it; not its device. */
void guest_done(struct guest *g);

/* Takes @len bytes of RAM, aligned to @align and zeroed, and returns their gpa. Nothing gives them back. */
uint64_t guest_alloc(struct guest *g, uint64_t len, uint64_t align);

/* The host's address of bytes that must lie in RAM. */
void *guest_at(struct guest *g, uint64_t gpa, uint64_t len);

/* Lays ring @i out anew with @size entries in fresh RAM, and returns it. */
struct guest_ring *guest_ring(struct guest *g, unsigned int i, uint16_t size);

/* Writes descriptor @i. */
void ring_desc(struct guest_ring *r, uint16_t i, uint64_t gpa, uint32_t len, uint16_t flags, uint16_t next);
/* Makes the chain that begins at @head available; no kick. */
void ring_avail(struct guest_ring *r, uint16_t head);

/* The word by which the driver says when it wants an interrupt. */
uint16_t *ring_used_event(struct guest_ring *r);

/* The word by which the device says when it wants a kick. */
uint16_t *ring_avail_event(struct guest_ring *r);

/* Takes the next used element. False: the device has returned none. */
bool ring_take(struct guest_ring *r, uint32_t *ret_id, uint32_t *ret_len);

/* Read and write a whole register of 4 bytes. */
uint32_t reg_get(struct virtio_dev *dev, uint32_t offset);
void reg_set(struct virtio_dev *dev, uint32_t offset, uint32_t value);

/* Resets the device and goes on to FEATURES_OK, accepting @features. Returns the status that it then reads. */
uint32_t guest_negotiate(struct virtio_dev *dev, uint64_t features);

/* Gives queue @queue a new ring of @size entries and makes it ready. */
void guest_queue_setup(struct guest *g, struct virtio_dev *dev, unsigned int queue, uint16_t size);

/* Brings the device up to DRIVER_OK, with each queue at its largest size, and those of @features that it offers. */
void guest_up(struct guest *g, struct virtio_dev *dev, uint64_t features);

/* Makes a chain of one or two buffers (a length of 0: none) available, without a kick. Returns its head. */
uint16_t guest_put(
	struct guest *g, unsigned int queue, uint64_t out_gpa, uint32_t out_len, uint64_t in_gpa, uint32_t in_len);

/* Kicks queue @queue with a write of QueueNotify. */
void guest_kick(struct guest *g, unsigned int queue);

/* Serves the kicks of a device that was not started until none is pending. */
void guest_serve(struct virtio_dev *dev);

/* For a device on a thread: waits until it returns a chain of @queue, and returns its head. After 10 s the test fails. */
uint32_t guest_wait(struct guest *g, unsigned int queue, uint32_t *ret_len);

/* How often the device has raised its interrupt since the last call. guest_up() gives it a bare eventfd for that. */
uint64_t guest_irqs(struct virtio_dev *dev);

#endif
