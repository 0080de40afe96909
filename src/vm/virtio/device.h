/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all virtio devices have in common: state, queues, lock, interrupt, kicks.
 *
 * A device type is a const struct virtio_ops; a device embeds struct virtio_dev
 * as its first member. The transport (mmio.h) turns the driver's register
 * accesses, on vCPU threads, into calls of these operations.
 *
 *   x_new ── virtio_attach (mmio.h) ── virtio_start ─────────── virtio_stop ── virtio_free
 *   before the jail      irq, kicks      threads, watches run      and all is quiet
 *
 * Threads. A device's queues are served by the loop it was started on, or by
 * threads of its own (ops->threaded). Whoever serves a queue or works on the
 * device's state holds dev->lock; the registers do so too. Only the interrupt
 * status, the kick eventfds and the giving side of a queue (virtq.h) need no
 * lock. Watches belong to the loop's thread, so activate and reset, which run
 * on vCPU threads, touch none: the transport kicks every queue after them, and the loop
 * finds the new state.
 *
 * Invariants:
 *  1. No chain is taken and no interrupt raised before DRIVER_OK, nor after a rule was broken.
 *  2. When the driver's reset returns, no thread writes to the guest's old buffers any more.
 *  3. One turn of ops->kick does bounded work; what is left makes the queue's kick pending again.
 */
#ifndef VM_VIRTIO_DEVICE_H
#define VM_VIRTIO_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#include "base/err.h"
#include "base/loop.h"
#include "vm/machine/irq.h"
#include "vm/virtio/virtq.h"
#include "vm/vm.h"

struct virtio_dev;

#define VIRTIO_BIT(n) (1ull << (n))

/* What every device offers beside its own features. */
#define VIRTIO_FEATURES_COMMON \
	(VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC) | VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX))

enum virtio_more { VIRTIO_DONE = 0, VIRTIO_MORE = 1 }; /* of a turn: waits for a kick; budget used up */

/* All but kick and free may be NULL. Under dev->lock unless said otherwise. */
struct virtio_ops {
	const char *name;
	uint32_t id;   /* VIRTIO_ID_* */
	bool threaded; /* the device waits for kicks itself; virtio_start() makes no watches */

	/* What the device's own code calls once it is started (vm.h), beside virtio_syscalls. */
	struct vm_calls calls;

	/* May the driver have @features (a subset of what is offered)? Feature bits that need others. */
	bool (*features_ok)(const struct virtio_dev *dev, uint64_t features);
	/* GUEST: @len bytes at @offset of the configuration space were written; inside config_len. */
	void (*config_write)(struct virtio_dev *dev, unsigned int offset, const void *data, unsigned int len);
	void (*activate)(struct virtio_dev *dev); /* DRIVER_OK, on a vCPU thread */
	/* Serves queue @queue: enum virtio_more, or -errno: the guest broke a rule, the device stops. */
	int (*kick)(struct virtio_dev *dev, unsigned int queue);
	/* Asks chains that are out to come back soon: the queues are about to be drained. */
	void (*quiesce)(struct virtio_dev *dev);
	void (*reset)(struct virtio_dev *dev); /* back to the state after x_new; queues are stopped */
	/* Watches on the loop and threads of the device's own, made and ended; without the lock. */
	int (*start)(struct virtio_dev *dev, struct loop *loop, struct err *err);
	void (*stop)(struct virtio_dev *dev);
	void (*free)(struct virtio_dev *dev); /* frees what x_new made; the queues are gone already */
};

/* What a snapshot of the transport has to keep (with each queue's virtq_state). */
struct virtio_state {
	uint64_t driver_features;
	uint32_t status;
	uint32_t device_features_sel, driver_features_sel, queue_sel;
	uint32_t config_generation;
	_Atomic uint32_t isr; /* VIRTIO_MMIO_INT_*; not under the lock */
};

struct virtio_queue {
	struct virtq vq;
	struct virtio_dev *dev;
	unsigned int index;
	int kick_fd; /* eventfd, owned: the driver's QueueNotify, or our own "more to do" */
	struct watch *watch;
};

struct virtio_dev {
	const struct virtio_ops *ops;
	const struct mem *mem;
	struct irq irq;       /* owned */
	pthread_mutex_t lock; /* LOCK: s but isr, config, the taking side of queues, the device's own state */
	struct virtio_state s;
	uint64_t features; /* offered; fixed after x_new */
	uint8_t *config;   /* the device's configuration space, its own memory */
	unsigned int config_len;
	struct virtio_queue *queues; /* owned */
	unsigned int queues_len;
	bool started;
};

/*
 * Sets the common part up: @sizes holds each queue's largest size. 0 or -errno
 * with a message; after an error virtio_done() is safe.
 */
must_check int virtio_init(struct virtio_dev *dev, const struct virtio_ops *ops, const struct mem *mem,
	const uint16_t *sizes, unsigned int queues_len, struct err *err);
void virtio_done(struct virtio_dev *dev);

/* Starts serving kicks on @loop (or the device's threads). On the loop's thread or before it runs. */
must_check int virtio_start(struct virtio_dev *dev, struct loop *loop, struct err *err);

/*
 * Ends serving: threads joined, watches freed, chains that were out come home.
 * On the loop's thread, after the vCPUs have ended. May be called twice.
 */
void virtio_stop(struct virtio_dev *dev);

/* Stops, then frees the device. Accepts NULL. */
void virtio_free(struct virtio_dev *dev);

/* Is the driver ready and has it kept the rules? The lock is held. */
static inline bool virtio_live(const struct virtio_dev *dev)
{
	return (dev->s.status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET)) == VIRTIO_CONFIG_S_DRIVER_OK;
}

static inline bool virtio_has(const struct virtio_dev *dev, unsigned int feature)
{
	return dev->s.driver_features & VIRTIO_BIT(feature);
}

static inline struct virtq *virtio_vq(struct virtio_dev *dev, unsigned int queue)
{
	return &dev->queues[queue].vq;
}

/* One turn of serving @q, under the lock: what a kick leads to. On the thread that serves the queue. */
void virtio_queue_turn(struct virtio_queue *q);

/* Makes a kick of @q pending. Any thread, no lock needed. */
void virtio_queue_poke(struct virtio_queue *q);

/* Interrupts the guest if it wants to know of what was pushed to @queue. Any thread. */
void virtio_signal(struct virtio_dev *dev, unsigned int queue);

/* Pushes one chain and signals. Any thread. */
void virtio_give(struct virtio_dev *dev, unsigned int queue, uint16_t head, uint32_t written);

/* The configuration space has changed: next generation, and an interrupt if the driver runs. Lock held. */
void virtio_config_changed(struct virtio_dev *dev);

/* The guest broke a rule: NEEDS_RESET, and nothing is served until the driver resets. Lock held. */
void virtio_break(struct virtio_dev *dev);

/* Back to the state of a fresh device: drains, stops the queues. Lock held. */
void virtio_reset(struct virtio_dev *dev);

/* The system calls that any device makes once it is started, beside those of its ops; NULL at the end. */
extern const char *const virtio_syscalls[];

#endif
