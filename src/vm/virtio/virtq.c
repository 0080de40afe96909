/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split virtqueues, the device's half: see virtq.h.
 *
 * The rings lie in memory that vCPUs write while we read it. So every load is one atomic access of the right width, and
 * every decision is made on the copy. Indices are 16-bit counters that wrap; differences are taken modulo 2^16, so that
 * wrapping needs no case of its own.
 *
 * The order of accesses (x86 needs fences only where a store is followed by a load):
 *   take   load avail->idx (acquire), then ring entries and descriptors
 *   give   store the used element, store used->idx (release), full fence, load used_event;
 *          without the fence guest and device could each miss what the other has just written
 *   sleep  store avail_event, full fence, load avail->idx, for the same reason
 */
#include "vm/virtio/virtq.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Guest memory is read and written through these, each of which is exactly one access. */
#define ring_get(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define ring_put(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

/* How many bytes the parts of a queue have, the word for the event index included (virtio 1.2 §2.7). */
#define DESC_BYTES(size) (16ull * (size))
#define AVAIL_BYTES(size) (6ull + 2ull * (size))
#define USED_BYTES(size) (6ull + 8ull * (size))

void virtq_init(struct virtq *vq, const struct mem *mem, uint16_t size_max)
{
	assert(size_max && size_max <= VIRTQ_SIZE_MAX && !(size_max & (size_max - 1)));
	memset(vq, 0, sizeof(*vq));
	vq->mem = mem;
	vq->size_max = size_max;
	vq->s.size = size_max;
	pthread_mutex_init(&vq->lock, NULL);
	pthread_cond_init(&vq->idle, NULL);
}

void virtq_done(struct virtq *vq)
{
	if (!vq->mem)
		return;
	assert(vq->in_flight == 0);
	pthread_cond_destroy(&vq->idle);
	pthread_mutex_destroy(&vq->lock);
	vq->mem = NULL;
}

static bool ranges_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len; /* the sums do not overflow, because both lie in RAM */
}

int virtq_start(struct virtq *vq, bool event_idx)
{
	struct virtq_state *s = &vq->s;
	const uint16_t n = s->size;
	void *desc, *avail, *used;

	/* GUEST: the size and the places come from the driver's register writes */
	if (n == 0 || n > vq->size_max || (n & (n - 1)))
		return -EINVAL;
	if (s->desc_gpa % 16 || s->avail_gpa % 2 || s->used_gpa % 4)
		return -EINVAL;
	desc = mem_at(vq->mem, s->desc_gpa, DESC_BYTES(n));
	avail = mem_at(vq->mem, s->avail_gpa, AVAIL_BYTES(n));
	used = mem_at(vq->mem, s->used_gpa, USED_BYTES(n));
	if (!desc || !avail || !used)
		return -EINVAL;
	if (ranges_overlap(s->desc_gpa, DESC_BYTES(n), s->avail_gpa, AVAIL_BYTES(n)) ||
		ranges_overlap(s->desc_gpa, DESC_BYTES(n), s->used_gpa, USED_BYTES(n)) ||
		ranges_overlap(s->avail_gpa, AVAIL_BYTES(n), s->used_gpa, USED_BYTES(n)))
		return -EINVAL;

	pthread_mutex_lock(&vq->lock);
	vq->desc = desc;
	vq->avail = avail;
	vq->used = used;
	vq->avail_event = (uint16_t *)((uint8_t *)used + USED_BYTES(n) - 2);
	vq->avail_seen = 0;
	s->next_avail = s->next_used = s->signalled = 0;
	s->event_idx = event_idx;
	s->broken = false;
	s->ready = true;
	pthread_mutex_unlock(&vq->lock);
	return 0;
}

void virtq_stop(struct virtq *vq)
{
	pthread_mutex_lock(&vq->lock);
	vq->s.ready = false;
	while (vq->in_flight)
		pthread_cond_wait(&vq->idle, &vq->lock);
	vq->desc = NULL;
	vq->avail = NULL;
	vq->used = NULL;
	vq->avail_event = NULL;
	vq->avail_seen = 0;
	vq->s = (struct virtq_state){ .size = vq->size_max };
	pthread_mutex_unlock(&vq->lock);
}

static int virtq_break(struct virtq *vq)
{
	vq->s.broken = true;
	return -EINVAL;
}

/* Reads the available index anew. 0, or -EINVAL if it is further ahead than a ring can be. */
static int avail_refresh(struct virtq *vq)
{
	uint16_t idx = __atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE);

	/* GUEST: no more than `size` entries can wait */
	if ((uint16_t)(idx - vq->s.next_avail) > vq->s.size)
		return virtq_break(vq);
	vq->avail_seen = idx;
	return 0;
}

/* Where descriptors come from: the table of the queue, or one indirect table. */
struct desc_table {
	const struct vring_desc *at;
	unsigned int len;
	bool indirect;
};

static int desc_read(const struct desc_table *t, unsigned int i, struct vring_desc *ret)
{
	/* GUEST: @i is an index that the guest has written */
	if (i >= t->len)
		return -EINVAL;
	ret->addr = ring_get(&t->at[i].addr);
	ret->len = ring_get(&t->at[i].len);
	ret->flags = ring_get(&t->at[i].flags);
	ret->next = ring_get(&t->at[i].next);
	return 0;
}

/* The buffers of a chain that is being walked along. */
struct buffers {
	struct iovec *iov; /* the caller's */
	unsigned int max;
};

/* Appends the buffer of @d to the chain; a buffer that begins where the last one ends is made one with it. */
static int chain_add(struct virtq *vq, struct virtq_chain *c, const struct buffers *b, const struct vring_desc *d)
{
	bool writes = d->flags & VRING_DESC_F_WRITE;
	unsigned int n = c->out_len + c->in_len;
	struct iovec *last = (writes ? c->in_len : c->out_len) ? &b->iov[n - 1] : NULL;
	void *hva;

	/* GUEST: buffers that the device reads must come first (§2.7.4.2) */
	if (!writes && c->in_len)
		return -EINVAL;
	if (d->len == 0)
		return 0; /* an empty buffer is pointless but harmless; the caller has counted it */
	/* GUEST: all of the buffer must lie in RAM */
	hva = mem_at(vq->mem, d->addr, d->len);
	if (!hva)
		return -EINVAL;
	if (last && (uint8_t *)last->iov_base + last->iov_len == hva) {
		last->iov_len += d->len;
	} else {
		/* GUEST: a queue may be longer than its device has room for in a chain */
		if (n == b->max)
			return -EINVAL;
		b->iov[n] = (struct iovec){ .iov_base = hva, .iov_len = d->len };
		if (writes)
			c->in_len++;
		else
			c->out_len++;
	}
	if (writes)
		c->in_bytes += d->len;
	else
		c->out_bytes += d->len;
	return 0;
}

/* Goes on in the indirect table that @d names. There is one at most, named by a last descriptor, not nested (§2.7.5.3). */
static int indirect_enter(struct virtq *vq, const struct vring_desc *d, struct desc_table *t)
{
	/* GUEST: the table must be in RAM and whole; that it may overlap the queue's own table does no harm */
	if (t->indirect || (d->flags & VRING_DESC_F_NEXT))
		return -EINVAL;
	if (d->len == 0 || d->len % sizeof(*t->at) || d->addr % 16)
		return -EINVAL;
	t->at = mem_at(vq->mem, d->addr, d->len);
	t->len = d->len / sizeof(*t->at);
	t->indirect = true;
	return t->at ? 0 : -EINVAL;
}

/* Walks along the chain that begins at c->head, and fills in @c and @b. 0, or -EINVAL if the guest broke a rule. */
static int chain_walk(struct virtq *vq, struct virtq_chain *c, const struct buffers *b)
{
	struct desc_table t = { .at = vq->desc, .len = vq->s.size };
	struct vring_desc d;
	unsigned int i = c->head, walked = 0;

	for (;;) {
		/* GUEST: a chain that loops, or is longer than the queue, ends here */
		if (walked == vq->s.size || desc_read(&t, i, &d) < 0)
			return -EINVAL;
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (indirect_enter(vq, &d, &t) < 0)
				return -EINVAL;
			i = 0;
			continue; /* this happens at most once, so it needs no count */
		}
		walked++;
		if (chain_add(vq, c, b, &d) < 0)
			return -EINVAL;
		if (!(d.flags & VRING_DESC_F_NEXT))
			break;
		i = d.next;
	}
	c->out = b->iov;
	c->in = b->iov + c->out_len;
	return 0;
}

int virtq_pop(struct virtq *vq, struct virtq_chain *ret_chain, struct iovec *iov, unsigned int iov_max)
{
	const struct buffers buffers = { .iov = iov, .max = iov_max };
	struct virtq_state *s = &vq->s;
	struct virtq_chain c = { .head = 0 };
	bool room;

	if (!s->ready)
		return 0;
	if (s->broken)
		return -EINVAL;
	if (s->next_avail == vq->avail_seen) {
		if (avail_refresh(vq) < 0)
			return -EINVAL;
		if (s->next_avail == vq->avail_seen)
			return 0;
	}
	c.head = ring_get(&vq->avail->ring[s->next_avail & (s->size - 1)]);
	if (chain_walk(vq, &c, &buffers) < 0)
		return virtq_break(vq);

	pthread_mutex_lock(&vq->lock);
	/* GUEST: the same head may be made available again and again while it is out */
	room = vq->in_flight < s->size;
	if (room)
		vq->in_flight++;
	pthread_mutex_unlock(&vq->lock);
	if (!room)
		return virtq_break(vq);
	s->next_avail++;
	*ret_chain = c;
	return 1;
}

/* Says that @n chains fewer are out. The lock is held. */
static void in_flight_drop(struct virtq *vq, unsigned int n)
{
	assert(vq->in_flight >= n);
	vq->in_flight -= n;
	if (vq->in_flight == 0)
		pthread_cond_broadcast(&vq->idle);
}

void virtq_unpop(struct virtq *vq)
{
	vq->s.next_avail--;
	pthread_mutex_lock(&vq->lock);
	in_flight_drop(vq, 1);
	pthread_mutex_unlock(&vq->lock);
}

void virtq_push_many(struct virtq *vq, const struct vring_used_elem *elems, unsigned int n)
{
	struct virtq_state *s = &vq->s;

	pthread_mutex_lock(&vq->lock);
	for (unsigned int i = 0; s->ready && i < n; i++) {
		struct vring_used_elem *e = &vq->used->ring[s->next_used & (s->size - 1)];

		ring_put(&e->id, elems[i].id);
		ring_put(&e->len, elems[i].len);
		s->next_used++;
	}
	if (s->ready)
		__atomic_store_n(&vq->used->idx, s->next_used, __ATOMIC_RELEASE);
	in_flight_drop(vq, n);
	pthread_mutex_unlock(&vq->lock);
}

void virtq_push(struct virtq *vq, uint16_t head, uint32_t written)
{
	const struct vring_used_elem e = { .id = head, .len = written };

	virtq_push_many(vq, &e, 1);
}

bool virtq_should_signal(struct virtq *vq)
{
	struct virtq_state *s = &vq->s;
	bool yes = false;

	pthread_mutex_lock(&vq->lock);
	if (s->ready && s->signalled != s->next_used) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (s->event_idx)
			yes = vring_need_event(ring_get(&vq->avail->ring[s->size]), s->next_used, s->signalled);
		else
			yes = !(ring_get(&vq->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
		s->signalled = s->next_used;
	}
	pthread_mutex_unlock(&vq->lock);
	return yes;
}

void virtq_kicks_off(struct virtq *vq)
{
	/* With event indices nothing needs to be written: no kick comes until avail_event is moved. */
	if (vq->s.ready && !vq->s.event_idx)
		ring_put(&vq->used->flags, (uint16_t)VRING_USED_F_NO_NOTIFY);
}

bool virtq_kicks_on(struct virtq *vq)
{
	struct virtq_state *s = &vq->s;
	uint16_t seen = vq->avail_seen;

	if (!s->ready || s->broken)
		return false;
	if (s->event_idx)
		ring_put(vq->avail_event, seen);
	else
		ring_put(&vq->used->flags, (uint16_t)0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* GUEST: what is seen here stays seen. A guest that took it back would have the caller look again and again. */
	return avail_refresh(vq) < 0 || vq->avail_seen != seen;
}

unsigned int virtq_waiting(struct virtq *vq)
{
	if (!vq->s.ready || vq->s.broken || avail_refresh(vq) < 0)
		return 0;
	return (uint16_t)(vq->avail_seen - vq->s.next_avail);
}
