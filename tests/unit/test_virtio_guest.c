/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's half of virtio for the tests. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "test_virtio_guest.h"

#define WAIT_MS 10000

void guest_init(struct guest *g)
{
	struct err err = ERR_INIT;

	memset(g, 0, sizeof(*g));
	assert_int_equal(mem_init(&g->mem, GUEST_RAM, &err), 0);
	g->brk = 0x1000;
}

void guest_done(struct guest *g)
{
	mem_done(&g->mem);
}

uint64_t guest_alloc(struct guest *g, uint64_t len, uint64_t align)
{
	uint64_t gpa = (g->brk + align - 1) & ~(align - 1);

	g->brk = gpa + len;
	assert_true(g->brk <= GUEST_RAM);
	memset(guest_at(g, gpa, len), 0, len);
	return gpa;
}

void *guest_at(struct guest *g, uint64_t gpa, uint64_t len)
{
	void *p = mem_at(&g->mem, gpa, len);

	assert_non_null(p);
	return p;
}

struct guest_ring *guest_ring(struct guest *g, unsigned int i, uint16_t size)
{
	struct guest_ring *r = &g->rings[i];
	uint64_t desc_len = 16ull * size, avail_len = 6 + 2ull * size, used_len = 6 + 8ull * size;

	memset(r, 0, sizeof(*r));
	r->size = size;
	r->desc_gpa = guest_alloc(g, desc_len, 16);
	r->avail_gpa = guest_alloc(g, avail_len, 2);
	r->used_gpa = guest_alloc(g, used_len, 4);
	r->desc = guest_at(g, r->desc_gpa, desc_len);
	r->avail = guest_at(g, r->avail_gpa, avail_len);
	r->used = guest_at(g, r->used_gpa, used_len);
	return r;
}

void ring_desc(struct guest_ring *r, uint16_t i, uint64_t gpa, uint32_t len, uint16_t flags, uint16_t next)
{
	r->desc[i] = (struct vring_desc){ .addr = gpa, .len = len, .flags = flags, .next = next };
}

void ring_avail(struct guest_ring *r, uint16_t head)
{
	__atomic_store_n(&r->avail->ring[r->avail_idx % r->size], head, __ATOMIC_RELAXED);
	r->avail_idx++;
	__atomic_store_n(&r->avail->idx, r->avail_idx, __ATOMIC_SEQ_CST);
}

uint16_t *ring_used_event(struct guest_ring *r)
{
	return (uint16_t *)((uint8_t *)r->avail + 4 + 2 * r->size);
}

uint16_t *ring_avail_event(struct guest_ring *r)
{
	return (uint16_t *)((uint8_t *)r->used + 4 + 8 * r->size);
}

bool ring_take(struct guest_ring *r, uint32_t *ret_id, uint32_t *ret_len)
{
	struct vring_used_elem *e;

	if (__atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE) == r->used_idx)
		return false;
	e = &r->used->ring[r->used_idx++ % r->size];
	*ret_id = e->id;
	*ret_len = e->len;
	return true;
}

uint32_t reg_get(struct virtio_dev *dev, uint32_t offset)
{
	return (uint32_t)virtio_mmio_read(dev, offset, 4);
}

void reg_set(struct virtio_dev *dev, uint32_t offset, uint32_t value)
{
	virtio_mmio_write(dev, offset, 4, value);
}

uint32_t guest_negotiate(struct virtio_dev *dev, uint64_t features)
{
	reg_set(dev, VIRTIO_MMIO_STATUS, 0);
	reg_set(dev, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	reg_set(dev, VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	for (uint32_t sel = 0; sel < 2; sel++) {
		reg_set(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, sel);
		reg_set(dev, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * sel)));
	}
	reg_set(dev, VIRTIO_MMIO_STATUS,
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK);
	return reg_get(dev, VIRTIO_MMIO_STATUS);
}

void guest_queue_setup(struct guest *g, struct virtio_dev *dev, unsigned int queue, uint16_t size)
{
	struct guest_ring *r = guest_ring(g, queue, size);

	reg_set(dev, VIRTIO_MMIO_QUEUE_SEL, queue);
	reg_set(dev, VIRTIO_MMIO_QUEUE_NUM, size);
	reg_set(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)r->desc_gpa);
	reg_set(dev, VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(r->desc_gpa >> 32));
	reg_set(dev, VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)r->avail_gpa);
	reg_set(dev, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(r->avail_gpa >> 32));
	reg_set(dev, VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)r->used_gpa);
	reg_set(dev, VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(r->used_gpa >> 32));
	reg_set(dev, VIRTIO_MMIO_QUEUE_READY, 1);
}

void guest_up(struct guest *g, struct virtio_dev *dev, uint64_t features)
{
	uint64_t offered = 0;

	g->dev = dev;
	if (dev->irq.fd < 0)
		dev->irq.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(dev->irq.fd >= 0);
	for (uint32_t sel = 0; sel < 2; sel++) {
		reg_set(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, sel);
		offered |= (uint64_t)reg_get(dev, VIRTIO_MMIO_DEVICE_FEATURES) << (32 * sel);
	}
	assert_int_equal(guest_negotiate(dev, offered & features),
		VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK);
	for (unsigned int q = 0; q < dev->queues_len; q++) {
		reg_set(dev, VIRTIO_MMIO_QUEUE_SEL, q);
		assert_int_equal(reg_get(dev, VIRTIO_MMIO_QUEUE_READY), 0);
		guest_queue_setup(g, dev, q, (uint16_t)reg_get(dev, VIRTIO_MMIO_QUEUE_NUM_MAX));
		assert_int_equal(reg_get(dev, VIRTIO_MMIO_QUEUE_READY), 1);
	}
	reg_set(dev, VIRTIO_MMIO_STATUS, 0xf);
	assert_int_equal(reg_get(dev, VIRTIO_MMIO_STATUS), 0xf);
}

uint16_t guest_put(
	struct guest *g, unsigned int queue, uint64_t out_gpa, uint32_t out_len, uint64_t in_gpa, uint32_t in_len)
{
	struct guest_ring *r = &g->rings[queue];
	uint16_t head = r->next_desc, second = (uint16_t)((head + 1) % r->size);

	assert_true(out_len || in_len);
	if (out_len && in_len) {
		ring_desc(r, head, out_gpa, out_len, VRING_DESC_F_NEXT, second);
		ring_desc(r, second, in_gpa, in_len, VRING_DESC_F_WRITE, 0);
		r->next_desc = (uint16_t)((head + 2) % r->size);
	} else {
		ring_desc(r, head, out_len ? out_gpa : in_gpa, out_len ? out_len : in_len,
			out_len ? 0 : VRING_DESC_F_WRITE, 0);
		r->next_desc = second;
	}
	ring_avail(r, head);
	return head;
}

void guest_kick(struct guest *g, unsigned int queue)
{
	reg_set(g->dev, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

void guest_serve(struct virtio_dev *dev)
{
	for (bool more = true; more;) {
		more = false;
		for (unsigned int i = 0; i < dev->queues_len; i++) {
			struct pollfd pfd = { .fd = dev->queues[i].kick_fd, .events = POLLIN };
			uint64_t kicks;

			if (poll(&pfd, 1, 0) != 1)
				continue;
			assert_int_equal(read(pfd.fd, &kicks, sizeof(kicks)), sizeof(kicks));
			virtio_queue_turn(&dev->queues[i]);
			more = true;
		}
	}
}

uint64_t guest_irqs(struct virtio_dev *dev)
{
	uint64_t n = 0;

	/* as a processor takes an interrupt before its handler acknowledges it: one that comes between is not lost */
	if (read(dev->irq.fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		n = 0;
	reg_set(dev, VIRTIO_MMIO_INTERRUPT_ACK, reg_get(dev, VIRTIO_MMIO_INTERRUPT_STATUS));
	return n;
}

uint32_t guest_wait(struct guest *g, unsigned int queue, uint32_t *ret_len)
{
	struct guest_ring *r = &g->rings[queue];
	uint32_t id = 0;

	while (!ring_take(r, &id, ret_len)) {
		struct pollfd pfd = { .fd = g->dev->irq.fd, .events = POLLIN };

		/* with event indices: an interrupt for the next one, please; then look again */
		__atomic_store_n(ring_used_event(r), r->used_idx, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (ring_take(r, &id, ret_len))
			break;
		assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
		(void)guest_irqs(g->dev);
	}
	return id;
}
