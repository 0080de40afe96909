/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of virtio-9p with the real server behind it: messages through the ring, many at once, resets. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/tags.h"
#include "test_virtio_guest.h"
#include "tests/p9/client.h"
#include "vm/virtio/p9dev.h"

#define ROOT 1u
#define FILE_FID 2u
#define MSG 4096u /* room for a message or a reply; slot i of the fixture's buffers has two */

struct fixture {
	struct guest g;
	struct p9c c; /* for its server and directory */
	struct virtio_dev *dev;
	struct loop *loop; /* never run: the device has threads */
	uint64_t bufs;
	uint8_t reply[MSG];
	struct wire r;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_INIT;

	assert_non_null(f);
	guest_init(&f->g);
	p9c_start(&f->c, 0);
	if (virtio_p9dev_new(&f->g.mem, f->c.server, TAG_PRIVATE, &f->dev, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(loop_new(&f->loop), 0);
	if (virtio_start(f->dev, f->loop, &err) < 0)
		fail_msg("%s", err.msg);
	f->bufs = guest_alloc(&f->g, 2 * 128 * MSG, 4096);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_free(f->dev);
	loop_free(f->loop);
	p9c_stop(&f->c);
	guest_done(&f->g);
	free(f);
	return 0;
}

static uint64_t out_gpa(const struct fixture *f, unsigned int slot)
{
	return f->bufs + 2ull * slot * MSG;
}

/* Puts the message into the buffers of slot @slot and makes it available. Returns its head. */
static uint16_t put_message(struct fixture *f, unsigned int slot, struct buf *b)
{
	assert_int_equal(buf_error(b), 0);
	assert_true(b->len <= MSG);
	memcpy(guest_at(&f->g, out_gpa(f, slot), MSG), b->data, b->len);
	memset(guest_at(&f->g, out_gpa(f, slot) + MSG, MSG), 0xee, MSG);
	return guest_put(&f->g, 0, out_gpa(f, slot), (uint32_t)b->len, out_gpa(f, slot) + MSG, MSG);
}

/* Reads the reply in slot @slot. 0, or -errno if it is an Rlerror. */
static int reply_of(struct fixture *f, unsigned int slot, uint32_t len, uint8_t type, uint16_t tag)
{
	uint8_t got;

	assert_in_range(len, P9_HEADER, MSG);
	memcpy(f->reply, guest_at(&f->g, out_gpa(f, slot) + MSG, MSG), len);
	wire_init(&f->r, f->reply, len);
	assert_int_equal(wire_get_u32(&f->r), len);
	got = wire_get_u8(&f->r);
	assert_int_equal(wire_get_u16(&f->r), tag);
	if (got == P9_RLERROR)
		return -(int)wire_get_u32(&f->r);
	assert_int_equal(got, type + 1);
	return 0;
}

static int call(struct fixture *f, uint8_t type, struct buf *b, uint16_t tag)
{
	uint32_t len;

	put_message(f, 0, b);
	guest_kick(&f->g, 0);
	(void)guest_wait(&f->g, 0, &len); /* the only one that is out */
	return reply_of(f, 0, len, type, tag);
}

#define CALL(f, type, tag, ...)                                \
	({                                                     \
		autobuf message = BUF_INIT;                    \
		p9c_message(&message, type, tag, __VA_ARGS__); \
		call(f, type, &message, tag);                  \
	})

/* Negotiates, attaches the export as ROOT, and opens its "file" as FILE_FID. */
static void bring_up(struct fixture *f)
{
	int fd = openat(f->c.dir_fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, "contents", 8), 0);
	fd_close(fd);
	guest_up(&f->g, f->dev, UINT64_MAX);
	assert_int_equal(CALL(f, P9_TVERSION, UINT16_MAX, "ds", (uint32_t)65536, "9P2000.L"), 0);
	assert_int_equal(CALL(f, P9_TATTACH, 1, "ddssd", ROOT, P9_NOFID, "root", "", 0u), 0);
	assert_int_equal(CALL(f, P9_TWALK, 2, "ddwsss", ROOT, FILE_FID, 3, "top", "export", "file"), 0);
	assert_int_equal(CALL(f, P9_TLOPEN, 3, "dd", FILE_FID, (uint32_t)O_RDWR), 0);
}

static void tag_is_in_the_configuration(void **state)
{
	struct fixture *f = *state;
	char tag[8] = "";

	assert_true(f->dev->features & 1);
	assert_int_equal(virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG, 2), 7);
	for (uint32_t i = 0; i < 7; i++)
		tag[i] = (char)virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG + 2 + i, 1);
	assert_string_equal(tag, TAG_PRIVATE);
}

static void file_is_read_and_written(void **state)
{
	struct fixture *f = *state;
	char text[16] = "";
	int fd;

	bring_up(f);
	assert_int_equal(CALL(f, P9_TREAD, 4, "dqd", FILE_FID, (uint64_t)3, 100u), 0);
	assert_int_equal(wire_get_u32(&f->r), 5);
	assert_memory_equal(wire_get_bytes(&f->r, 5), "tents", 5);
	assert_int_equal(CALL(f, P9_TWRITE, 5, "dqdD", FILE_FID, (uint64_t)4, 3u, "ENT", (size_t)3), 0);
	fd = openat(f->c.dir_fd, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_read_full(fd, text, sizeof(text)), 8);
	assert_string_equal(text, "contENTs");
	fd_close(fd);
	assert_int_equal(CALL(f, P9_TLOPEN, 6, "dd", 77u, 0u), -EBADF);
}

static void reply_may_lie_in_pieces(void **state)
{
	struct fixture *f = *state;
	autobuf b = BUF_INIT;
	struct guest_ring *r;
	uint8_t *p, joined[19];
	uint32_t len;

	bring_up(f);
	p9c_message(&b, P9_TREAD, 9, "dqd", FILE_FID, (uint64_t)0, 100u);
	p = guest_at(&f->g, f->bufs, MSG);
	memcpy(p, b.data, 5); /* the message in two, the reply in 3, 8 and 40 bytes; indirect */
	memcpy(p + 1000, b.data + 5, b.len - 5);
	memcpy(guest_at(&f->g, f->bufs + 8192, 80),
		(struct vring_desc[]){ { f->bufs, 5, VRING_DESC_F_NEXT, 1 },
			{ f->bufs + 1000, (uint32_t)b.len - 5, VRING_DESC_F_NEXT, 2 },
			{ f->bufs + 2000, 3, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 3 },
			{ f->bufs + 2100, 8, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 4 },
			{ f->bufs + 2200, 40, VRING_DESC_F_WRITE, 0 } },
		80);
	r = &f->g.rings[0];
	ring_desc(r, 100, f->bufs + 8192, 80, VRING_DESC_F_INDIRECT, 0);
	ring_avail(r, 100);
	guest_kick(&f->g, 0);
	assert_int_equal(guest_wait(&f->g, 0, &len), 100);
	assert_int_equal(len, 19);
	memcpy(joined, p + 2000, 3);
	memcpy(joined + 3, p + 2100, 8);
	memcpy(joined + 11, p + 2200, 8);
	assert_memory_equal(joined + 11, "contents", 8);
	assert_int_equal(joined[0], 19);
	assert_int_equal(joined[4], P9_TREAD + 1);
}

static void unanswerable_chains_come_home(void **state)
{
	struct fixture *f = *state;
	autobuf b = BUF_INIT;
	uint32_t len;

	guest_up(&f->g, f->dev, UINT64_MAX);
	/* no room for an answer */
	p9c_message(&b, P9_TVERSION, UINT16_MAX, "ds", (uint32_t)65536, "9P2000.L");
	memcpy(guest_at(&f->g, f->bufs, MSG), b.data, b.len);
	guest_put(&f->g, 0, f->bufs, (uint32_t)b.len, 0, 0);
	guest_kick(&f->g, 0);
	(void)guest_wait(&f->g, 0, &len); /* the only one */
	assert_int_equal(len, 0);
	/* no message; half a header */
	guest_put(&f->g, 0, 0, 0, f->bufs, MSG);
	guest_kick(&f->g, 0);
	(void)guest_wait(&f->g, 0, &len); /* the only one */
	guest_put(&f->g, 0, f->bufs, 3, f->bufs + MSG, MSG);
	guest_kick(&f->g, 0);
	(void)guest_wait(&f->g, 0, &len); /* the only one */
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf);
	bring_up(f);
}

/* Puts @n reads into slots 0 to n - 1; read i starts at byte i % 8. */
static void put_reads(struct fixture *f, unsigned int n, uint8_t *slot_of_head)
{
	for (unsigned int i = 0; i < n; i++) {
		autobuf b = BUF_INIT;

		p9c_message(&b, P9_TREAD, (int)(100 + i), "dqd", FILE_FID, (uint64_t)(i % 8), 100u);
		slot_of_head[put_message(f, i, &b)] = (uint8_t)i;
	}
}

static void many_requests_at_once(void **state)
{
	struct fixture *f = *state;
	uint8_t slot_of_head[128];

	bring_up(f);
	for (int round = 0; round < 50; round++) {
		put_reads(f, 64, slot_of_head); /* two descriptors each: the whole ring */
		guest_kick(&f->g, 0);
		for (unsigned int i = 0; i < 64; i++) {
			uint32_t len, head = guest_wait(&f->g, 0, &len);
			unsigned int slot = slot_of_head[head];

			assert_int_equal(reply_of(f, slot, len, P9_TREAD, (uint16_t)(100 + slot)), 0);
			assert_int_equal(wire_get_u32(&f->r), 8 - slot % 8);
			assert_memory_equal(wire_get_bytes(&f->r, 8 - slot % 8), &"contents"[slot % 8], 8 - slot % 8);
		}
	}
}

static void reset_with_requests_under_way(void **state)
{
	struct fixture *f = *state;
	uint8_t slot_of_head[128];
	uint64_t brk = f->g.brk;
	uint8_t *all;

	for (int round = 0; round < 40; round++) {
		f->g.brk = brk;
		bring_up(f);
		put_reads(f, 64, slot_of_head);
		guest_kick(&f->g, 0);
		if (round % 2)
			reg_set(f->dev, VIRTIO_MMIO_STATUS, 0);
		else {
			reg_set(f->dev, VIRTIO_MMIO_QUEUE_SEL, 0);
			reg_set(f->dev, VIRTIO_MMIO_QUEUE_READY, 0);
		}
		/* from here on nobody writes to the guest's memory */
		all = guest_at(&f->g, f->bufs, 2 * 128 * MSG);
		memset(all, 0x55, 2 * 128 * MSG);
		memset(f->g.rings[0].used, 0x55, 6 + 8 * 128);
		for (int i = 0; i < 100; i++)
			sched_yield();
		for (size_t i = 0; i < 2 * 128 * MSG; i++)
			if (all[i] != 0x55)
				fail_msg("round %d: byte %zu was written after the reset", round, i);
		for (size_t i = 0; i < 6 + 8 * 128; i++)
			assert_int_equal(((uint8_t *)f->g.rings[0].used)[i], 0x55);
	}
	bring_up(f);
}

static void freed_with_requests_under_way(void **state)
{
	struct fixture *f = *state;
	uint8_t slot_of_head[128];

	bring_up(f);
	put_reads(f, 64, slot_of_head);
	guest_kick(&f->g, 0); /* and teardown */
}

static void repeated_heads_break_the_device(void **state)
{
	struct fixture *f = *state;
	struct guest_ring *r;
	autobuf b = BUF_INIT;
	struct pollfd pfd;

	bring_up(f);
	/* a flood of one request, again and again, without waiting: harmless, or too many at a time */
	r = &f->g.rings[0];
	p9c_message(&b, P9_TREAD, 7, "dqd", FILE_FID, (uint64_t)0, 8u);
	put_message(f, 0, &b);
	for (int i = 0; i < 20000; i++) {
		ring_avail(r, (uint16_t)(r->next_desc - 2));
		guest_kick(&f->g, 0);
	}
	if (reg_get(f->dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET) {
		pfd = (struct pollfd){ .fd = f->dev->irq.fd, .events = POLLIN };
		assert_int_equal(poll(&pfd, 1, 10000), 1);
	}
	reg_set(f->dev, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(f->dev->queues[0].vq.in_flight, 0);
	f->g.brk = f->bufs + 2 * 128 * MSG;
	bring_up(f);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(tag_is_in_the_configuration),
		test(file_is_read_and_written),
		test(reply_may_lie_in_pieces),
		test(unanswerable_chains_come_home),
		test(many_requests_at_once),
		test(reset_with_requests_under_way),
		test(freed_with_requests_under_way),
		test(repeated_heads_break_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
