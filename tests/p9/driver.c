/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's half of the file device: see driver.h. */
#include "tests/p9/driver.h"

#include <string.h>
#include <sys/mman.h>

#include "p9/proto.h"
#include "tests/fuzz/replay.h"

#define GUARD (64 * KIB)
#define RINGS 3 /* pages of them, from DRIVER_DESC on */

void driver_init(struct driver *d)
{
	uint8_t *map = mmap(NULL, DRIVER_RAM + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*d = (struct driver){ .dev = NULL };
	require(map != MAP_FAILED && mprotect(map + GUARD, DRIVER_RAM, PROT_READ | PROT_WRITE) == 0, "guest memory");
	d->mem.regions[0] = (struct mem_region){ 0, DRIVER_RAM, map + GUARD };
	d->mem.regions_len = 1;
	d->mem.size = DRIVER_RAM;
}

void driver_done(struct driver *d)
{
	munmap(d->mem.regions[0].hva - GUARD, DRIVER_RAM + 2 * GUARD);
}

static void set(struct driver *d, uint32_t offset, uint64_t value)
{
	virtio_mmio_write(d->dev, offset, 4, value);
}

void driver_reset(struct driver *d)
{
	set(d, VIRTIO_MMIO_STATUS, 0);
	require(d->dev->queues[0].vq.in_flight == 0, "chains are out behind a reset");
	d->made = d->taken = 0;
}

void driver_up(struct driver *d)
{
	driver_reset(d);
	memset(mem_at(&d->mem, DRIVER_DESC, RINGS * DRIVER_SLOT_BYTES), 0, RINGS * DRIVER_SLOT_BYTES);
	set(d, VIRTIO_MMIO_STATUS, 3);
	set(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	set(d, VIRTIO_MMIO_DRIVER_FEATURES, 1); /* VIRTIO_F_VERSION_1 */
	set(d, VIRTIO_MMIO_STATUS, 11);
	set(d, VIRTIO_MMIO_QUEUE_SEL, 0);
	set(d, VIRTIO_MMIO_QUEUE_NUM, DRIVER_QUEUE);
	set(d, VIRTIO_MMIO_QUEUE_DESC_LOW, DRIVER_DESC);
	set(d, VIRTIO_MMIO_QUEUE_AVAIL_LOW, DRIVER_AVAIL);
	set(d, VIRTIO_MMIO_QUEUE_USED_LOW, DRIVER_USED);
	set(d, VIRTIO_MMIO_QUEUE_READY, 1);
	set(d, VIRTIO_MMIO_STATUS, 15);
	require(virtio_live(d->dev), "a device that does not come up");
}

void driver_send(
	struct driver *d, unsigned int slot, uint8_t type, uint16_t tag, const void *body, size_t len, uint32_t room)
{
	uint32_t size = (uint32_t)(P9_HEADER + len);
	uint8_t *to = mem_at(&d->mem, DRIVER_MESSAGE(slot), size);
	struct vring_desc *desc = mem_at(&d->mem, DRIVER_DESC + 32ull * slot, 2 * sizeof(*desc));
	struct vring_avail *avail = mem_at(&d->mem, DRIVER_AVAIL, DRIVER_USED - DRIVER_AVAIL);

	require(size <= DRIVER_SLOT_BYTES, "a message with no room");
	memcpy(to, &size, 4);
	to[4] = type;
	memcpy(to + 5, &tag, 2);
	memcpy(to + P9_HEADER, body, len);
	desc[0] = (struct vring_desc){ DRIVER_MESSAGE(slot), size, VRING_DESC_F_NEXT, (uint16_t)(2 * slot + 1) };
	desc[1] = (struct vring_desc){ DRIVER_ANSWER(slot), room, VRING_DESC_F_WRITE, 0 };
	avail->ring[d->made % DRIVER_QUEUE] = (uint16_t)(2 * slot);
	__atomic_store_n(&avail->idx, ++d->made, __ATOMIC_RELEASE);
}

static struct vring_used *used_ring(struct driver *d)
{
	return mem_at(&d->mem, DRIVER_USED, DRIVER_SLOT_BYTES);
}

uint16_t driver_used(struct driver *d)
{
	return __atomic_load_n(&used_ring(d)->idx, __ATOMIC_ACQUIRE);
}

int driver_take(struct driver *d, uint32_t *ret_len)
{
	const struct vring_used_elem *elem;

	if (driver_used(d) == d->taken)
		return -1;
	elem = &used_ring(d)->ring[d->taken++ % DRIVER_QUEUE];
	*ret_len = elem->len;
	return (int)(elem->id / 2);
}
