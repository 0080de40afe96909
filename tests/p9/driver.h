/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's half of the file device, for tests that do not keep to rules: some memory between guard pages, one ring,
 * and slots, each with a page for a message and one for its answer.
 */
#ifndef TESTS_P9_DRIVER_H
#define TESTS_P9_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "vm/virtio/mmio.h"

#define DRIVER_RAM (512 * KIB)
#define DRIVER_QUEUE 64u
#define DRIVER_SLOTS (DRIVER_QUEUE / 2) /* each has a descriptor for its message and one for the answer */
#define DRIVER_SLOT_BYTES 4096u
#define DRIVER_DESC 0x1000u
#define DRIVER_AVAIL 0x2000u
#define DRIVER_USED 0x3000u
#define DRIVER_MESSAGE(slot) (0x10000u + 2 * DRIVER_SLOT_BYTES * (slot))
#define DRIVER_ANSWER(slot) (DRIVER_MESSAGE(slot) + DRIVER_SLOT_BYTES)

struct driver {
	struct mem mem;
	struct virtio_dev *dev; /* the test's own, made with @mem */
	uint16_t made, taken;   /* chains made available, and taken back, since the device came up */
};

/* Makes the memory; without a device yet. A failure here and below ends the process. */
void driver_init(struct driver *d);

/* Unmaps it, when the device is freed. */
void driver_done(struct driver *d);

/* Resets the device, with whatever is out. No chain may be out when that returns. */
void driver_reset(struct driver *d);

/* Resets the device and brings it up with an empty ring. */
void driver_up(struct driver *d);

/*
 * Makes a message of @type with @tag in slot @slot available, without a kick; its answer may have @room bytes. @len bytes
 * of @body, which have room in the slot.
 */
void driver_send(
	struct driver *d, unsigned int slot, uint8_t type, uint16_t tag, const void *body, size_t len, uint32_t room);

/* How many chains have come back since the device came up; read once. */
uint16_t driver_used(struct driver *d);

/* Takes the next chain back: its slot with *@ret_len, the bytes of its answer; or -1 if none has come. */
int driver_take(struct driver *d, uint32_t *ret_len);

#endif
