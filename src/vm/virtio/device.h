/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all virtio devices have in common: state, queues, lock, interrupt, kicks.
 *
 * A type of device is a const struct virtio_ops; a device embeds a struct virtio_dev as its first member. The transport
 * (mmio.h) turns the driver's register accesses, which come on vCPU threads, into calls of these operations.
 *
 *   virtio_x_new ── virtio_mmio_attach ── virtio_start ──────────── virtio_stop ── virtio_free
 *         (before the jail)              watches and threads run    all is quiet
 *
 * Threads. The queues of a device are served by the loop that it was started on, or by threads of its own (ops->threaded).
 * A thread that serves a queue or works on the device's state holds dev->lock, and so does a vCPU thread that accesses
 * registers; a device whose queues several threads serve has a lock for each of them beside it (ops->turn). Only the
 * interrupt status, the kick eventfds and the giving side of a queue (virtq.h) need no lock. Watches belong to the loop's
 * thread. So activate and reset, which run on vCPU threads, touch none: the transport kicks every queue after them, and
 * the loop finds the new state.
 *
 * Invariants:
 *  1. No chain is taken and no interrupt raised before DRIVER_OK, nor after the guest has broken a rule.
 *  2. When the driver's reset returns, no thread writes to the guest's old buffers any more.
 *  3. One turn of ops->kick does bounded work. If more is left, the turn ends with the queue's kick pending again.
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

/* How a turn ended: everything is done until the next kick; or its budget was used up and more is left. */
enum virtio_more { VIRTIO_DONE = 0, VIRTIO_MORE = 1 };

/*
 * What a type of device does. All but kick (or turn) and free may be NULL. They are called with dev->lock held unless it
 * says not.
 */
struct virtio_ops {
	const char *name;
	uint32_t id; /* VIRTIO_ID_* */
	bool threaded; /* the device waits for kicks itself, or ops->start has them watched; virtio_start() makes no watches */

	/*
	 * What the device's own code calls once it is started (vm.h), beside virtio_syscalls: on the loop, on a vCPU's
	 * thread (activate, reset, config_write, features_ok), and on threads of its own that serve files. (Those of the network
	 * have a list beside them: netthreads.h.)
	 */
	struct vm_calls calls, vcpu_calls, thread_calls;

	/* Whether @features, a subset of those offered, go together: some need others. */
	bool (*features_ok)(const struct virtio_dev *dev, uint64_t features);
	/* GUEST: the driver writes @len bytes at @offset of the configuration space, which lie within config_len. */
	void (*config_write)(struct virtio_dev *dev, unsigned int offset, const void *data, unsigned int len);
	/* The driver has set DRIVER_OK. On a vCPU thread. */
	void (*activate)(struct virtio_dev *dev);
	/* Serves queue @queue: enum virtio_more, or -errno if the guest has broken a rule, which breaks the device. */
	int (*kick)(struct virtio_dev *dev, unsigned int queue);
	/* Instead of kick: all that virtio_queue_turn() does, with locks of the device's own. Without the lock. */
	void (*turn)(struct virtio_dev *dev, unsigned int queue);
	/* Makes the chains that are out come back soon, because the queues are about to be drained. */
	void (*quiesce)(struct virtio_dev *dev);
	/* Goes back to the state after virtio_x_new(); the queues are stopped already. On a vCPU thread, or the loop's. */
	void (*reset)(struct virtio_dev *dev);
	/* Make and end the device's own watches and threads: start, 0 or -errno with a message, stop. Without the lock. */
	int (*start)(struct virtio_dev *dev, struct loop *loop, struct err *err);
	void (*stop)(struct virtio_dev *dev);
	/* Frees what virtio_x_new() has made; the queues are gone already. Without the lock. */
	void (*free)(struct virtio_dev *dev);
};

/* What a snapshot of the transport has to keep (with each queue's virtq_state). */
struct virtio_state {
	uint64_t driver_features;
	uint32_t status;
	uint32_t device_features_sel, driver_features_sel, queue_sel;
	uint32_t config_generation;
	_Atomic uint32_t isr; /* VIRTIO_MMIO_INT_*; needs no lock */
};

struct virtio_queue {
	struct virtq vq;
	struct virtio_dev *dev;
	unsigned int index;
	int kick_fd; /* eventfd, owned: readable when the driver has written QueueNotify, or more is left to do */
	struct watch *watch; /* of kick_fd; NULL: not started, or ops->threaded */
};

struct virtio_dev {
	const struct virtio_ops *ops;
	const struct mem *mem;
	struct irq irq;       /* owned */
	pthread_mutex_t lock; /* LOCK: s (but for isr), config, the taking side of queues, the device's own state */
	struct virtio_state s;
	uint64_t features; /* offered; fixed by virtio_x_new() */
	uint8_t *config;   /* the configuration space; memory of the device */
	unsigned int config_len;
	struct virtio_queue *queues; /* owned */
	unsigned int queues_len;
	bool started;
};

/*
 * Sets up the common part of a zeroed device with @queues_len queues, of at most @sizes[i] entries each. @ops and @mem
 * are borrowed. 0 or -errno with a message; virtio_done() frees what is there, also after an error.
 */
must_check int virtio_init(struct virtio_dev *dev, const struct virtio_ops *ops, const struct mem *mem,
	const uint16_t *sizes, unsigned int queues_len, struct err *err);

/* Frees the common part of a device that is stopped, but not the device. May be called twice. */
void virtio_done(struct virtio_dev *dev);

/* Starts to serve kicks on @loop, or on the device's own threads. 0 or -errno with a message. On the loop's thread. */
must_check int virtio_start(struct virtio_dev *dev, struct loop *loop, struct err *err);

/*
 * Stops serving: joins the threads, frees the watches, waits for the chains that are out. On the loop's thread, after the
 * vCPUs have ended. May be called twice.
 */
void virtio_stop(struct virtio_dev *dev);

/* Stops the device and frees all of it. Accepts NULL. On the loop's thread. */
void virtio_free(struct virtio_dev *dev);

/* Whether the driver is ready and has kept the rules so far. The lock is held. */
static inline bool virtio_live(const struct virtio_dev *dev)
{
	return (dev->s.status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET)) == VIRTIO_CONFIG_S_DRIVER_OK;
}

/* Whether the driver has accepted feature bit @feature. The lock is held. */
static inline bool virtio_has(const struct virtio_dev *dev, unsigned int feature)
{
	return dev->s.driver_features & VIRTIO_BIT(feature);
}

/* The virtqueue of queue @queue, which must be one that the device has. */
static inline struct virtq *virtio_vq(struct virtio_dev *dev, unsigned int queue)
{
	return &dev->queues[queue].vq;
}

/* Has @loop wait for kicks of @q, for turns on its thread, until virtio_stop(): 0 or -errno. */
must_check int virtio_queue_watch(struct virtio_queue *q, struct loop *loop);

/* Serves @q for one turn, which is what a kick leads to; takes the lock. On the thread that serves the queue. */
void virtio_queue_turn(struct virtio_queue *q);

/* Makes a kick of @q pending. Any thread; needs no lock. */
void virtio_queue_poke(struct virtio_queue *q);

/* Interrupts the guest if it wants to know of the chains that were pushed to @queue. Any thread; needs no lock. */
void virtio_signal(struct virtio_dev *dev, unsigned int queue);

/* Gives one chain back with @written bytes of answer, then as virtio_signal(). Any thread; needs no lock. */
void virtio_give(struct virtio_dev *dev, unsigned int queue, uint16_t head, uint32_t written);

/* Says that the configuration space has changed: counts its generation, interrupts a driver that runs. The lock is held. */
void virtio_config_changed(struct virtio_dev *dev);

/* Breaks the device because the guest broke a rule: NEEDS_RESET, nothing is served until a reset. The lock is held. */
void virtio_break(struct virtio_dev *dev);

/* Drains and stops the queues and goes back to the state of a fresh device. The lock is held. */
void virtio_reset(struct virtio_dev *dev);

/*
 * The system calls that any device makes once it is started, beside those of its ops; NULL at the end. Those of any thread,
 * and those of the loop.
 */
extern const char *const virtio_syscalls[], *const virtio_loop_syscalls[];

#endif
