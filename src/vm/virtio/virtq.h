/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues, the device's half (virtio 1.2 §2.7).
 *
 * A queue turns what the guest has put into its rings into descriptor chains. A chain is two bounded arrays of host
 * buffers, those that the device reads (out) and those that it writes (in); each buffer is known to lie in guest RAM.
 *
 * A queue has two sides, which may run on different threads:
 *   taking   virtq_pop, _unpop, _kicks_off, _kicks_on, _waiting: one thread at a time, for which the queue's owner cares
 *            (in a device, it is the thread that holds the device's lock)
 *   giving   virtq_push, virtq_push_many, virtq_should_signal: any thread, under the queue's own lock
 *
 * Invariants:
 *  1. No field of a ring is read twice for one decision: it is copied, and the copy is checked and used.
 *  2. A chain has at most `size` descriptors, indirect ones counted, so every walk along one ends.
 *  3. At most `size` chains are out at a time (popped and not pushed back), however often the guest repeats a head.
 *     So a pool of size_max requests never runs dry.
 *  4. Once the guest has broken a rule the queue is broken: virtq_pop() returns -EINVAL until the next virtq_start().
 */
#ifndef VM_VIRTIO_VIRTQ_H
#define VM_VIRTIO_VIRTQ_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <linux/virtio_ring.h>

#include "base/base.h"
#include "vm/machine/mem.h"

#define VIRTQ_SIZE_MAX 256 /* no device of ours offers a larger ring; so it bounds every chain */

/* What a snapshot of a queue has to keep. Until the queue starts, the driver's register writes go here. */
struct virtq_state {
	uint64_t desc_gpa, avail_gpa, used_gpa;
	uint16_t size;       /* as the driver chose: a power of two, <= size_max */
	uint16_t next_avail; /* the next entry of the available ring to take */
	uint16_t next_used;  /* the next entry of the used ring to fill */
	uint16_t signalled;  /* next_used when the guest was last considered for an interrupt */
	bool ready;
	bool event_idx; /* VIRTIO_RING_F_EVENT_IDX was negotiated */
	bool broken;
};

struct virtq {
	const struct mem *mem;
	uint16_t size_max;
	struct virtq_state s;
	uint16_t avail_seen;     /* the guest's available index as last read and checked */
	struct vring_desc *desc; /* hva, as the two below; the guest may change the contents at any time */
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t *avail_event; /* hva of the word that follows the used ring */

	pthread_mutex_t lock;   /* LOCK: s.next_used, s.signalled, s.ready, used ring, in_flight */
	pthread_cond_t idle;    /* signalled when in_flight becomes 0 */
	unsigned int in_flight; /* chains that are out */
};

struct virtq_chain {
	uint16_t head;
	struct iovec *out; /* the driver's data, in order; buffers that adjoin are one */
	struct iovec *in;  /* room for the device's answer; follows out in the same array */
	unsigned int out_len, in_len;
	uint64_t out_bytes, in_bytes;
};

/* Makes a stopped queue of at most @size_max entries, a power of two <= VIRTQ_SIZE_MAX. @mem is borrowed and outlives it. */
void virtq_init(struct virtq *vq, const struct mem *mem, uint16_t size_max);

/* Frees a queue of which no chain is out. Accepts a zeroed one. */
void virtq_done(struct virtq *vq);

/*
 * Takes the rings that vq->s describes into use, from index 0. 0, or -EINVAL if their size, alignment or place is wrong
 * (virtio 1.2 §2.7): desc must be 16-byte, avail 2-byte, used 4-byte aligned, and all in RAM without overlapping.
 */
must_check int virtq_start(struct virtq *vq, bool event_idx);

/*
 * Ends the use of the rings: waits until every chain that is out has been pushed (those reach no ring any more), then
 * forgets all state. The caller keeps others from popping, and has asked for an early end of the chains.
 */
void virtq_stop(struct virtq *vq);

/*
 * Takes the next chain. *@ret_chain points into @iov, which has room for @iov_max buffers: for a driver that keeps the rules, vq->size_max
 * are enough. 1: there is a chain; 0: none waits; -EINVAL: the guest has broken a rule, or its chain has more buffers.
 */
must_check int virtq_pop(struct virtq *vq, struct virtq_chain *ret_chain, struct iovec *iov, unsigned int iov_max);

/* Undoes the latest virtq_pop(): the next one takes, and checks, the same chain again. */
void virtq_unpop(struct virtq *vq);

/* Gives a chain back with @written bytes of answer. Any thread. */
void virtq_push(struct virtq *vq, uint16_t head, uint32_t written);

/* Gives @n chains back, of which the guest sees all or none. In @elems id is the head, len the bytes written. Any thread. */
void virtq_push_many(struct virtq *vq, const struct vring_used_elem *elems, unsigned int n);

/* True if the guest wants an interrupt for what was pushed since the last call. Any thread. */
must_check bool virtq_should_signal(struct virtq *vq);

/* Asks the guest for no kicks while its chains are being taken. */
void virtq_kicks_off(struct virtq *vq);

/*
 * Asks for kicks again. True: chains have come since virtq_pop() last looked, perhaps without a kick, so the caller pops
 * again, which gives one, or -EINVAL if the guest has broken a rule. (Chains that were unpopped do not count.)
 */
must_check bool virtq_kicks_on(struct virtq *vq);

/* How many chains wait at most; 0 if the queue is broken or stopped. */
unsigned int virtq_waiting(struct virtq *vq);

#endif
