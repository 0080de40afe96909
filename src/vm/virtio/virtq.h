/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues, the device's half (virtio 1.2 §2.7).
 *
 * A queue turns what the guest has put into its rings into descriptor chains:
 * two bounded arrays of host buffers, those that the device reads (out) and
 * those that it writes (in), each checked to lie in guest RAM.
 *
 * Two sides, which may run on different threads:
 *   taking   virtq_pop, _unpop, _kicks_off, _kicks_on: one thread at a time, the
 *            owner says which (in a device: whoever holds the device's lock)
 *   giving   virtq_push, virtq_should_signal: any thread, under the queue's lock
 *
 * Invariants:
 *  1. No field of a ring is read twice for one decision; what is checked is a copy.
 *  2. A chain has at most `size` descriptors, indirect ones counted: every walk ends.
 *  3. At most `size` chains are out at a time (popped and not pushed back), however
 *     often the guest repeats a head: so a pool of size_max requests never runs dry.
 *  4. A queue that broke a rule is broken: pop says -EINVAL until the next start.
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

#define VIRTQ_SIZE_MAX 256 /* the largest ring that a device of ours offers: bounds every chain */

/* What a snapshot of a queue has to keep. The driver's writes end here until the queue starts. */
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
	struct vring_desc *desc; /* hva; what is behind changes at any time */
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t *avail_event; /* the word behind the used ring */

	pthread_mutex_t lock; /* LOCK: s.next_used, s.signalled, s.ready, used ring, in_flight */
	pthread_cond_t idle;  /* in_flight became 0 */
	unsigned int in_flight;
};

struct virtq_chain {
	uint16_t head;
	struct iovec *out; /* the driver's data, in order; neighbours merged */
	struct iovec *in;  /* room for the device's answer; follows out in the same array */
	unsigned int out_len, in_len;
	uint64_t out_bytes, in_bytes;
};

/* @size_max: a power of two <= VIRTQ_SIZE_MAX. @mem is borrowed and outlives the queue. */
void virtq_init(struct virtq *vq, const struct mem *mem, uint16_t size_max);
void virtq_done(struct virtq *vq);

/*
 * Takes the rings that vq->s describes into use, from index 0: 0, or -EINVAL if
 * size, alignment or place is wrong (virtio 1.2 §2.7: desc 16, avail 2, used 4
 * bytes aligned; inside RAM; not over each other).
 */
must_check int virtq_start(struct virtq *vq, bool event_idx);

/*
 * Ends the queue's use: waits until every chain that is out has been pushed
 * (what is pushed meanwhile reaches no ring), then forgets all state. The caller
 * keeps others from popping and has asked for the chains' early end.
 */
void virtq_stop(struct virtq *vq);

/*
 * Takes the next chain. @iov: room for vq->size_max buffers, which *ret_chain
 * points into. 1: a chain; 0: none waits; -EINVAL: the guest broke the rules.
 */
must_check int virtq_pop(struct virtq *vq, struct virtq_chain *ret_chain, struct iovec *iov);

/* Undoes the latest virtq_pop(): the chain will be popped, and checked, again. */
void virtq_unpop(struct virtq *vq);

/* Gives a chain back with @written bytes of answer. Any thread. */
void virtq_push(struct virtq *vq, uint16_t head, uint32_t written);

/* Gives @n chains back (id: head, len: bytes written), which the guest sees all at once. Any thread. */
void virtq_push_many(struct virtq *vq, const struct vring_used_elem *elems, unsigned int n);

/* True if the guest wants an interrupt for what was pushed since the last call. Any thread. */
must_check bool virtq_should_signal(struct virtq *vq);

/* Asks the guest for no kicks while its chains are being taken. */
void virtq_kicks_off(struct virtq *vq);

/*
 * Asks for kicks again. True: chains came since virtq_pop() last looked, for
 * which no kick may follow. (Chains that were unpopped are not among them.)
 */
must_check bool virtq_kicks_on(struct virtq *vq);

/* How many chains wait, at most. 0 when broken or stopped. */
unsigned int virtq_waiting(struct virtq *vq);

#endif
