/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the split virtqueue: what a guest may put into its rings, right and wrong. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/iov.h"
#include "test_virtio_guest.h"
#include "vm/virtio/virtq.h"

#define N VRING_DESC_F_NEXT
#define W VRING_DESC_F_WRITE
#define I VRING_DESC_F_INDIRECT

struct fixture {
	struct guest g;
	struct virtq vq;
	struct guest_ring *r;
	struct iovec iov[VIRTQ_SIZE_MAX];
};

static void fixture_up(struct fixture *f, uint16_t size, bool event_idx)
{
	guest_init(&f->g);
	f->r = guest_ring(&f->g, 0, size);
	virtq_init(&f->vq, &f->g.mem, VIRTQ_SIZE_MAX);
	f->vq.s.size = size;
	f->vq.s.desc_gpa = f->r->desc_gpa;
	f->vq.s.avail_gpa = f->r->avail_gpa;
	f->vq.s.used_gpa = f->r->used_gpa;
	assert_int_equal(virtq_start(&f->vq, event_idx), 0);
}

static void fixture_down(struct fixture *f)
{
	virtq_stop(&f->vq);
	virtq_done(&f->vq);
	guest_done(&f->g);
}

/* ---- starting ---- */

struct start_case {
	const char *what;
	uint16_t size;
	uint64_t desc, avail, used;
	int want;
};

/* size 8: desc 128 bytes, avail 22, used 70 */
static const struct start_case start_cases[] = {
	{ "good", 8, 0x1000, 0x2000, 0x3000, 0 },
	{ "good, packed together", 8, 0x1000, 0x1080, 0x1098, 0 },
	{ "good, at the end of RAM", 8, GUEST_RAM - 128, 0x2000, 0x3000, 0 },
	{ "the largest size", 256, 0x1000, 0x4000, 0x6000, 0 },
	{ "one entry", 1, 0x1000, 0x2000, 0x3000, 0 },
	{ "no entries", 0, 0x1000, 0x2000, 0x3000, -EINVAL },
	{ "not a power of two", 24, 0x1000, 0x2000, 0x3000, -EINVAL },
	{ "over the maximum", 512, 0x1000, 0x4000, 0x6000, -EINVAL },
	{ "far over the maximum", 0x8000, 0x1000, 0x4000, 0x6000, -EINVAL },
	{ "unaligned descriptors", 8, 0x1008, 0x2000, 0x3000, -EINVAL },
	{ "unaligned available ring", 8, 0x1000, 0x2001, 0x3000, -EINVAL },
	{ "unaligned used ring", 8, 0x1000, 0x2000, 0x3002, -EINVAL },
	{ "descriptors outside RAM", 8, GUEST_RAM, 0x2000, 0x3000, -EINVAL },
	{ "descriptors half outside RAM", 8, GUEST_RAM - 112, 0x2000, 0x3000, -EINVAL },
	{ "available ring's event word outside RAM", 8, 0x1000, GUEST_RAM - 20, 0x3000, -EINVAL },
	{ "used ring's event word outside RAM", 8, 0x1000, 0x2000, GUEST_RAM - 68, -EINVAL },
	{ "address wraps", 8, UINT64_MAX - 15, 0x2000, 0x3000, -EINVAL },
	{ "descriptors over available ring", 8, 0x1000, 0x1070, 0x3000, -EINVAL },
	{ "descriptors over used ring", 8, 0x1000, 0x2000, 0x107c, -EINVAL },
	{ "used over available ring", 8, 0x1000, 0x2044, 0x2000, -EINVAL },
	{ "all in one place", 8, 0x1000, 0x1000, 0x1000, -EINVAL },
	{ "in the MMIO hole", 8, 0xd0000000, 0x2000, 0x3000, -EINVAL },
};

static void rings_are_checked_at_start(void **state)
{
	struct guest g;

	(void)state;
	guest_init(&g);
	for (size_t i = 0; i < ARRAY_LEN(start_cases); i++) {
		const struct start_case *c = &start_cases[i];
		struct virtq vq;
		int r;

		virtq_init(&vq, &g.mem, VIRTQ_SIZE_MAX);
		vq.s.size = c->size;
		vq.s.desc_gpa = c->desc;
		vq.s.avail_gpa = c->avail;
		vq.s.used_gpa = c->used;
		r = virtq_start(&vq, true);
		if (r != c->want)
			fail_msg("%s: wanted %d, got %d", c->what, c->want, r);
		assert_int_equal(vq.s.ready, c->want == 0);
		virtq_stop(&vq);
		virtq_done(&vq);
	}
	guest_done(&g);
}

/* ---- chains ---- */

#define BUF 0x100000ull /* buffers are here, away from the rings */
#define TABLE 0x200000ull
#define RING_DESC 0x1000ull /* where guest_ring() lays the first ring's descriptors out */

struct chain_case {
	const char *what;
	struct vring_desc desc[8];  /* the ring has 8 entries; the chain starts at 0 */
	struct vring_desc table[9]; /* at TABLE */
	int want;                   /* of virtq_pop */
	unsigned int out_len, in_len;
	uint64_t out_bytes, in_bytes;
};

static const struct chain_case chain_cases[] = {
	{ "one to read", { { BUF, 16, 0, 0 } }, { { 0 } }, 1, 1, 0, 16, 0 },
	{ "one to write", { { BUF, 16, W, 0 } }, { { 0 } }, 1, 0, 1, 0, 16 },
	{ "both", { { BUF, 16, N, 3 }, { 0 }, { 0 }, { BUF + 64, 32, W, 0 } }, { { 0 } }, 1, 1, 1, 16, 32 },
	{ "neighbours are joined", { { BUF, 16, N, 1 }, { BUF + 16, 16, N, 2 }, { BUF + 32, 16, W, 0 } }, { { 0 } }, 1,
		1, 1, 32, 16 },
	{ "gaps are not", { { BUF, 16, N, 1 }, { BUF + 17, 16, N, 2 }, { BUF, 1, 0, 0 } }, { { 0 } }, 1, 3, 0, 33, 0 },
	{ "empty buffers are passed over", { { BUF, 16, N, 1 }, { 0, 0, N, 2 }, { BUF + 32, 16, W, 0 } }, { { 0 } }, 1,
		1, 1, 16, 16 },
	{ "nothing but an empty buffer", { { 0, 0, 0, 0 } }, { { 0 } }, 1, 0, 0, 0, 0 },
	{ "as long as the queue",
		{ { BUF, 1, N, 1 }, { BUF, 1, N, 2 }, { BUF, 1, N, 3 }, { BUF, 1, N, 4 }, { BUF, 1, N, 5 },
			{ BUF, 1, N, 6 }, { BUF, 1, N, 7 }, { BUF, 1, 0, 0 } },
		{ { 0 } }, 1, 8, 0, 8, 0 },
	{ "to the last byte of RAM", { { GUEST_RAM - 8, 8, W, 0 } }, { { 0 } }, 1, 0, 1, 0, 8 },
	{ "a loop of one", { { BUF, 16, N, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "a loop of two", { { BUF, 16, N, 1 }, { BUF, 16, N, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "a loop of empty buffers", { { BUF, 0, N, 1 }, { BUF, 0, N, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "next behind the table", { { BUF, 16, N, 8 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "next far behind the table", { { BUF, 16, N, 0xffff } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "read after write", { { BUF, 16, N | W, 1 }, { BUF + 64, 16, 0, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "behind RAM", { { GUEST_RAM, 1, 0, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "over the end of RAM", { { GUEST_RAM - 8, 9, W, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "4 GiB long", { { BUF, 0xffffffff, W, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "wraps the address space", { { UINT64_MAX - 7, 16, 0, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "in the MMIO hole", { { 0xd0000000, 4, W, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "second one bad", { { BUF, 16, N, 1 }, { GUEST_RAM, 1, 0, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },

	{ "indirect", { { TABLE, 32, I, 0 } }, { { BUF, 16, N, 1 }, { BUF + 64, 8, W, 0 } }, 1, 1, 1, 16, 8 },
	{ "indirect behind direct", { { BUF, 4, N, 5 }, { 0 }, { 0 }, { 0 }, { 0 }, { TABLE, 16, I, 0 } },
		{ { BUF + 64, 8, W, 0 } }, 1, 1, 1, 4, 8 },
	{ "indirect, write flag means nothing", { { TABLE, 16, I | W, 0 } }, { { BUF, 8, 0, 0 } }, 1, 1, 0, 8, 0 },
	{ "indirect as long as the queue", { { TABLE, 128, I, 0 } },
		{ { BUF, 1, N, 1 }, { BUF, 1, N, 2 }, { BUF, 1, N, 3 }, { BUF, 1, N, 4 }, { BUF, 1, N, 5 },
			{ BUF, 1, N, 6 }, { BUF, 1, N, 7 }, { BUF, 1, 0, 0 } },
		1, 8, 0, 8, 0 },
	{ "indirect longer than the queue", { { TABLE, 144, I, 0 } },
		{ { BUF, 1, N, 1 }, { BUF, 1, N, 2 }, { BUF, 1, N, 3 }, { BUF, 1, N, 4 }, { BUF, 1, N, 5 },
			{ BUF, 1, N, 6 }, { BUF, 1, N, 7 }, { BUF, 1, N, 8 }, { BUF, 1, 0, 0 } },
		-EINVAL, 0, 0, 0, 0 },
	{ "direct and indirect longer than the queue", { { BUF, 1, N, 1 }, { TABLE, 128, I, 0 } },
		{ { BUF, 1, N, 1 }, { BUF, 1, N, 2 }, { BUF, 1, N, 3 }, { BUF, 1, N, 4 }, { BUF, 1, N, 5 },
			{ BUF, 1, N, 6 }, { BUF, 1, N, 7 }, { BUF, 1, 0, 0 } },
		-EINVAL, 0, 0, 0, 0 },
	{ "indirect with next", { { TABLE, 16, I | N, 1 }, { BUF, 1, 0, 0 } }, { { BUF, 8, 0, 0 } }, -EINVAL, 0, 0, 0,
		0 },
	{ "indirect in indirect", { { TABLE, 16, I, 0 } }, { { TABLE, 16, I, 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "indirect table that is the ring's own", { { RING_DESC, 128, I, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "indirect table that is the ring's own, behind direct", { { BUF, 4, N, 1 }, { RING_DESC, 128, I, 0 } },
		{ { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "indirect loop", { { TABLE, 16, I, 0 } }, { { BUF, 8, N, 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "indirect next behind the table", { { TABLE, 16, I, 0 } }, { { BUF, 8, N, 1 }, { BUF, 8, 0, 0 } }, -EINVAL, 0,
		0, 0, 0 },
	{ "empty indirect table", { { TABLE, 0, I, 0 } }, { { BUF, 8, 0, 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "cut indirect table", { { TABLE, 24, I, 0 } }, { { BUF, 8, 0, 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "unaligned indirect table", { { TABLE + 8, 16, I, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "indirect table outside RAM", { { GUEST_RAM, 16, I, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "indirect table over the end of RAM", { { GUEST_RAM - 16, 32, I, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "huge indirect table", { { TABLE, 0xfffffff0, I, 0 } }, { { 0 } }, -EINVAL, 0, 0, 0, 0 },
	{ "indirect, read after write across", { { BUF, 4, N | W, 1 }, { TABLE, 16, I, 0 } }, { { BUF, 8, 0, 0 } },
		-EINVAL, 0, 0, 0, 0 },
};

static void chain_case_run(const struct chain_case *c)
{
	struct virtq_chain chain = { .head = 99 };
	struct fixture f;
	int r;

	fixture_up(&f, 8, false);
	assert_int_equal(f.r->desc_gpa, RING_DESC);
	memcpy(f.r->desc, c->desc, sizeof(c->desc));
	memcpy(guest_at(&f.g, TABLE, sizeof(c->table)), c->table, sizeof(c->table));
	ring_avail(f.r, 0);
	r = virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov));
	if (r != c->want)
		fail_msg("%s: wanted %d, got %d", c->what, c->want, r);
	if (r == 1) {
		if (chain.out_len != c->out_len || chain.in_len != c->in_len || chain.out_bytes != c->out_bytes ||
			chain.in_bytes != c->in_bytes)
			fail_msg("%s: wanted %u/%u buffers of %u/%u bytes, got %u/%u of %u/%u", c->what, c->out_len,
				c->in_len, (unsigned int)c->out_bytes, (unsigned int)c->in_bytes, chain.out_len,
				chain.in_len, (unsigned int)chain.out_bytes, (unsigned int)chain.in_bytes);
		virtq_push(&f.vq, chain.head, 0);
	} else {
		assert_true(f.vq.s.broken);
		assert_int_equal(chain.head, 99); /* nothing was handed out */
		assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), -EINVAL); /* and it stays so */
	}
	fixture_down(&f);
}

static void chains_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(chain_cases); i++)
		chain_case_run(&chain_cases[i]);
}

static void buffers_point_where_the_guest_said(void **state)
{
	struct virtq_chain chain;
	struct fixture f;
	char got[16];

	(void)state;
	fixture_up(&f, 8, false);
	memcpy(guest_at(&f.g, BUF, 6), "abcdef", 6);
	ring_desc(f.r, 5, BUF, 2, N, 2);
	ring_desc(f.r, 2, BUF + 3, 3, N, 7);
	ring_desc(f.r, 7, BUF + 64, 4, N | W, 1);
	ring_desc(f.r, 1, BUF + 128, 4, W, 0);
	ring_avail(f.r, 5);
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
	assert_int_equal(chain.head, 5);
	assert_int_equal(iov_read(chain.out, chain.out_len, 0, got, sizeof(got)), 5);
	assert_memory_equal(got, "abdef", 5);
	assert_int_equal(iov_read(chain.out, chain.out_len, 1, got, 2), 2);
	assert_memory_equal(got, "bd", 2);
	assert_int_equal(iov_read(chain.out, chain.out_len, 5, got, 2), 0);
	assert_int_equal(iov_write(chain.in, chain.in_len, 2, "123456789", 9), 6);
	assert_memory_equal(guest_at(&f.g, BUF + 64, 4),
		"\0\0"
		"12",
		4);
	assert_memory_equal(guest_at(&f.g, BUF + 128, 4), "3456", 4);
	chain.out_len = iov_skip(&chain.out, chain.out_len, 3);
	assert_int_equal(chain.out_len, 1);
	assert_int_equal(chain.out->iov_len, 2);
	assert_memory_equal(chain.out->iov_base, "ef", 2);
	assert_int_equal(iov_skip(&chain.out, chain.out_len, 2), 0);
	virtq_push(&f.vq, chain.head, 7);
	assert_int_equal(f.r->used->idx, 1);
	assert_int_equal(f.r->used->ring[0].id, 5);
	assert_int_equal(f.r->used->ring[0].len, 7);
	fixture_down(&f);
}

/* The queue has eight entries, the device room for three buffers in a chain: what lies behind them stays as it is. */
static void more_buffers_than_room_break_the_queue(void **state)
{
	static const struct iovec untouched = { .iov_base = (void *)1, .iov_len = 2 };

	(void)state;
	for (uint16_t buffers = 3; buffers <= 8; buffers++) {
		struct virtq_chain chain;
		struct fixture f;

		fixture_up(&f, 8, false);
		for (uint16_t i = 0; i < buffers; i++)
			ring_desc(f.r, i, BUF + 2ull * i, 1, i + 1 < buffers ? N : 0, (uint16_t)(i + 1));
		ring_avail(f.r, 0);
		f.iov[3] = untouched;
		assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, 3), buffers == 3 ? 1 : -EINVAL);
		assert_memory_equal(&f.iov[3], &untouched, sizeof(untouched));
		if (buffers == 3)
			virtq_push(&f.vq, chain.head, 0);
		fixture_down(&f);
	}
}

/* ---- indices ---- */

static void available_index_may_not_jump(void **state)
{
	static const struct {
		uint16_t idx;
		int want;
	} cases[] = { { 0, 0 }, { 1, 1 }, { 8, 1 }, { 9, -EINVAL }, { 0x8000, -EINVAL }, { 0xffff, -EINVAL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct virtq_chain chain;
		struct fixture f;

		fixture_up(&f, 8, false);
		ring_desc(f.r, 0, BUF, 1, 0, 0);
		f.r->avail->idx = cases[i].idx;
		assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), cases[i].want);
		if (cases[i].want == 1)
			virtq_push(&f.vq, chain.head, 0);
		fixture_down(&f);
	}
}

static void head_must_be_in_the_table(void **state)
{
	struct virtq_chain chain;
	struct fixture f;

	(void)state;
	fixture_up(&f, 8, false);
	ring_avail(f.r, 8);
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), -EINVAL);
	fixture_down(&f);
}

static void indices_wrap(void **state)
{
	struct virtq_chain chain;
	struct fixture f;
	uint32_t id, len;

	(void)state;
	fixture_up(&f, 4, true);
	for (uint16_t i = 0; i < 4; i++)
		ring_desc(f.r, i, BUF + i, 1, 0, 0);
	for (unsigned int n = 0; n < 3 * 65536 + 5; n++) {
		*ring_used_event(f.r) = f.r->used_idx; /* an interrupt for each, please */
		ring_avail(f.r, (uint16_t)(n % 4));
		assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
		assert_int_equal(chain.head, n % 4);
		virtq_push(&f.vq, chain.head, n);
		assert_true(virtq_should_signal(&f.vq));
		assert_true(ring_take(f.r, &id, &len));
		assert_int_equal(id, n % 4);
		assert_int_equal(len, n);
		assert_false(virtq_kicks_on(&f.vq));
		assert_int_equal(*ring_avail_event(f.r), (uint16_t)(n + 1));
	}
	fixture_down(&f);
}

static void repeated_heads_do_not_exceed_the_queue(void **state)
{
	struct virtq_chain chain;
	struct fixture f;

	(void)state;
	fixture_up(&f, 4, false);
	ring_desc(f.r, 0, BUF, 1, 0, 0);
	for (int i = 0; i < 4; i++) {
		ring_avail(f.r, 0);
		assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
	}
	ring_avail(f.r, 0);
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), -EINVAL);
	for (int i = 0; i < 4; i++)
		virtq_push(&f.vq, 0, 0);
	fixture_down(&f);
}

static void unpop_gives_the_chain_again(void **state)
{
	struct virtq_chain chain;
	struct fixture f;

	(void)state;
	fixture_up(&f, 4, false);
	ring_desc(f.r, 2, BUF, 5, 0, 0);
	ring_avail(f.r, 2);
	assert_int_equal(virtq_waiting(&f.vq), 1);
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
	assert_int_equal(virtq_waiting(&f.vq), 0);
	virtq_unpop(&f.vq);
	assert_int_equal(virtq_waiting(&f.vq), 1);
	ring_desc(f.r, 2, GUEST_RAM, 5, 0, 0); /* and checks it anew */
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), -EINVAL);
	assert_int_equal(f.vq.in_flight, 0);
	fixture_down(&f);
}

/* ---- notifications ---- */

static void flags_suppress_notifications(void **state)
{
	struct virtq_chain chain;
	struct fixture f;

	(void)state;
	fixture_up(&f, 4, false);
	ring_desc(f.r, 0, BUF, 1, 0, 0);
	virtq_kicks_off(&f.vq);
	assert_int_equal(f.r->used->flags, VRING_USED_F_NO_NOTIFY);
	assert_false(virtq_kicks_on(&f.vq));
	assert_int_equal(f.r->used->flags, 0);
	ring_avail(f.r, 0);
	assert_true(virtq_kicks_on(&f.vq));       /* it came between the last look and this */
	assert_false(virtq_should_signal(&f.vq)); /* nothing was pushed */
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
	virtq_push(&f.vq, 0, 0);
	assert_true(virtq_should_signal(&f.vq));
	assert_false(virtq_should_signal(&f.vq)); /* once */
	f.r->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	ring_avail(f.r, 0);
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
	virtq_push(&f.vq, 0, 0);
	assert_false(virtq_should_signal(&f.vq));
	fixture_down(&f);
}

static void event_indices_suppress_notifications(void **state)
{
	struct virtq_chain chain;
	struct fixture f;

	(void)state;
	fixture_up(&f, 8, true);
	ring_desc(f.r, 0, BUF, 1, 0, 0);
	f.r->avail->flags = VRING_AVAIL_F_NO_INTERRUPT; /* means nothing here */
	*ring_used_event(f.r) = 2;                      /* wake me at the third */
	for (int i = 0; i < 5; i++) {
		ring_avail(f.r, 0);
		assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
		virtq_push(&f.vq, 0, 0);
		assert_int_equal(virtq_should_signal(&f.vq), i == 2);
	}
	*ring_used_event(f.r) = 6; /* a batch that passes it */
	for (int i = 0; i < 3; i++) {
		ring_avail(f.r, 0);
		assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
		virtq_push(&f.vq, 0, 0);
	}
	assert_true(virtq_should_signal(&f.vq));
	virtq_kicks_off(&f.vq);
	assert_int_equal(*ring_avail_event(f.r), 0); /* far behind: no kicks */
	assert_false(virtq_kicks_on(&f.vq));
	assert_int_equal(*ring_avail_event(f.r), 8);
	assert_int_equal(f.r->used->flags, 0);
	fixture_down(&f);
}

/* The index moves on when kicks are asked for, and back again before the device looks: it does not look for ever. */
static void an_index_that_was_seen_counts(void **state)
{
	struct virtq_chain chain;
	struct fixture f;

	(void)state;
	fixture_up(&f, 8, true);
	ring_desc(f.r, 0, BUF, 1, 0, 0);
	ring_avail(f.r, 0);
	assert_true(virtq_kicks_on(&f.vq));
	f.r->avail->idx--;
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
	assert_true(virtq_kicks_on(&f.vq)); /* an index that is behind what was taken breaks a rule */
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), -EINVAL);
	assert_false(virtq_kicks_on(&f.vq));
	virtq_push(&f.vq, 0, 0);
	fixture_down(&f);
}

/* ---- threads ---- */

struct flipper {
	struct vring_desc *desc;
	atomic_bool stop;
};

static void *flip(void *arg)
{
	struct flipper *fl = arg;

	while (!atomic_load(&fl->stop)) {
		__atomic_store_n(&fl->desc->len, 0x40000000, __ATOMIC_RELAXED); /* much too long */
		__atomic_store_n(&fl->desc->len, 16, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void changing_descriptors_never_leave_ram(void **state)
{
	unsigned int good = 0, bad = 0;
	struct virtq_chain chain;
	struct flipper fl;
	struct fixture f;
	pthread_t thread;

	(void)state;
	fixture_up(&f, 4, false);
	ring_desc(f.r, 0, BUF, 16, W, 0);
	fl.desc = &f.r->desc[0];
	atomic_init(&fl.stop, false);
	assert_int_equal(pthread_create(&thread, NULL, flip, &fl), 0);
	for (int i = 0; i < 50000; i++) {
		ring_avail(f.r, 0);
		if (virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)) == 1) {
			assert_int_equal(chain.in_len, 1);
			assert_int_equal(chain.in->iov_len, 16);
			assert_int_equal(chain.in_bytes, 16);
			assert_ptr_equal(chain.in->iov_base, guest_at(&f.g, BUF, 16));
			virtq_push(&f.vq, 0, 0);
			good++;
		} else {
			f.vq.s.broken = false; /* go on all the same */
			f.vq.s.next_avail++;
			bad++;
		}
	}
	atomic_store(&fl.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(good + bad, 50000);
	fixture_down(&f);
}

struct pusher {
	struct fixture *f;
	atomic_int heads; /* chains that are out, bit per head */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int todo; /* chains to be pushed by anyone */
	bool end;
};

static void *push_some(void *arg)
{
	struct pusher *p = arg;

	for (;;) {
		pthread_mutex_lock(&p->lock);
		while (!p->todo && !p->end)
			pthread_cond_wait(&p->cond, &p->lock);
		if (!p->todo) {
			pthread_mutex_unlock(&p->lock);
			return NULL;
		}
		p->todo--;
		pthread_mutex_unlock(&p->lock);
		virtq_push(&p->f->vq, 1, 42);
	}
}

static void chains_come_home_from_many_threads(void **state)
{
	struct fixture f;
	struct pusher p = { .f = &f, .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };
	struct virtq_chain chain;
	pthread_t threads[3];
	uint32_t id, len;

	(void)state;
	fixture_up(&f, 64, false);
	ring_desc(f.r, 1, BUF, 1, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, push_some, &p), 0);
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 64; i++)
			ring_avail(f.r, 1);
		for (int i = 0; i < 64; i++) {
			assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
			pthread_mutex_lock(&p.lock);
			p.todo++;
			pthread_cond_signal(&p.cond);
			pthread_mutex_unlock(&p.lock);
		}
		pthread_mutex_lock(&f.vq.lock);
		while (f.vq.in_flight)
			pthread_cond_wait(&f.vq.idle, &f.vq.lock);
		pthread_mutex_unlock(&f.vq.lock);
		for (int i = 0; i < 64; i++) {
			assert_true(ring_take(f.r, &id, &len));
			assert_int_equal(id, 1);
			assert_int_equal(len, 42);
		}
		assert_false(ring_take(f.r, &id, &len));
	}
	pthread_mutex_lock(&p.lock);
	p.end = true;
	pthread_cond_broadcast(&p.cond);
	pthread_mutex_unlock(&p.lock);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	fixture_down(&f);
}

static void *stop_queue(void *arg)
{
	virtq_stop(arg);
	return NULL;
}

static void stop_waits_and_late_pushes_reach_no_ring(void **state)
{
	struct virtq_chain chain;
	struct fixture f;
	pthread_t thread;
	uint32_t id, len;

	(void)state;
	fixture_up(&f, 4, false);
	ring_desc(f.r, 0, BUF, 1, 0, 0);
	ring_avail(f.r, 0);
	ring_avail(f.r, 0);
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 1);
	assert_int_equal(pthread_create(&thread, NULL, stop_queue, &f.vq), 0);
	for (bool ready = true; ready; sched_yield()) {
		pthread_mutex_lock(&f.vq.lock);
		ready = f.vq.s.ready;
		assert_int_equal(f.vq.in_flight, 2);
		pthread_mutex_unlock(&f.vq.lock);
	}
	virtq_push(&f.vq, 0, 1);
	assert_false(virtq_should_signal(&f.vq));
	virtq_push(&f.vq, 0, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(ring_take(f.r, &id, &len));
	assert_int_equal(virtq_pop(&f.vq, &chain, f.iov, ARRAY_LEN(f.iov)), 0); /* stopped: nothing waits */
	assert_int_equal(virtq_waiting(&f.vq), 0);
	assert_false(virtq_kicks_on(&f.vq));
	fixture_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_are_checked_at_start),
		cmocka_unit_test(chains_are_checked),
		cmocka_unit_test(buffers_point_where_the_guest_said),
		cmocka_unit_test(more_buffers_than_room_break_the_queue),
		cmocka_unit_test(available_index_may_not_jump),
		cmocka_unit_test(head_must_be_in_the_table),
		cmocka_unit_test(indices_wrap),
		cmocka_unit_test(repeated_heads_do_not_exceed_the_queue),
		cmocka_unit_test(unpop_gives_the_chain_again),
		cmocka_unit_test(flags_suppress_notifications),
		cmocka_unit_test(event_indices_suppress_notifications),
		cmocka_unit_test(an_index_that_was_seen_counts),
		cmocka_unit_test(changing_descriptors_never_leave_ram),
		cmocka_unit_test(chains_come_home_from_many_threads),
		cmocka_unit_test(stop_waits_and_late_pushes_reach_no_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
