/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of virtio-console: ports, control messages, the log, the channel's backpressure. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/virtio_console.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/tags.h"
#include "test_virtio_guest.h"
#include "vm/virtio/console.h"

enum { RX0, TX0, CTRL_RX, CTRL_TX, RX1, TX1 };
#define PORT TAG_PORT
#define MSG_ROOM 64

/* The loop runs on a thread of its own: the test is the guest and the channel's other end. */
struct fixture {
	struct guest g;
	struct virtio_dev *dev;
	struct loop *loop;
	pthread_t thread;
	int sock; /* the host's end */
	uint64_t bufs;
	pthread_mutex_t lock;
	char log[1 << 20];
	size_t log_len;
};

static void log_append(void *arg, const void *data, size_t len)
{
	struct fixture *f = arg;

	pthread_mutex_lock(&f->lock);
	assert_true(f->log_len + len <= sizeof(f->log));
	memcpy(f->log + f->log_len, data, len);
	f->log_len += len;
	pthread_mutex_unlock(&f->lock);
}

static void *run(void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(loop_run(f->loop), 0);
	return NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_INIT;
	int sv[2], small = 16384;

	assert_non_null(f);
	guest_init(&f->g);
	pthread_mutex_init(&f->lock, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(setsockopt(sv[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	f->sock = sv[0];
	assert_int_equal(virtio_console_new(&f->g.mem, sv[1], PORT, log_append, f, &f->dev, &err), 0);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(virtio_start(f->dev, f->loop, &err), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, run, f), 0);
	f->bufs = guest_alloc(&f->g, 1 << 20, 4096);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_stop(f->loop);
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	virtio_free(f->dev);
	loop_free(f->loop);
	fd_close(f->sock);
	guest_done(&f->g);
	free(f);
	return 0;
}

/* ---- the guest's moves ---- */

static void control_send(struct fixture *f, uint32_t id, uint16_t event, uint16_t value)
{
	struct virtio_console_control c = { .id = id, .event = event, .value = value };
	uint64_t gpa = guest_alloc(&f->g, sizeof(c), 8);
	uint32_t len;

	memcpy(guest_at(&f->g, gpa, sizeof(c)), &c, sizeof(c));
	guest_put(&f->g, CTRL_TX, gpa, sizeof(c), 0, 0);
	guest_kick(&f->g, CTRL_TX);
	(void)guest_wait(&f->g, CTRL_TX, &len); /* which buffer it was does not matter */
}

/* Offers a buffer for a control message. Returns its gpa. */
static uint64_t control_offer(struct fixture *f)
{
	uint64_t gpa = guest_alloc(&f->g, MSG_ROOM, 8);

	guest_put(&f->g, CTRL_RX, 0, 0, gpa, MSG_ROOM);
	guest_kick(&f->g, CTRL_RX);
	return gpa;
}

static void control_expect(struct fixture *f, uint32_t id, uint16_t event, uint16_t value, const char *name)
{
	struct virtio_console_control c;
	uint64_t gpa = control_offer(f);
	uint32_t len;

	(void)guest_wait(&f->g, CTRL_RX, &len); /* one is out at a time */
	memcpy(&c, guest_at(&f->g, gpa, sizeof(c)), sizeof(c));
	assert_int_equal(c.id, id);
	assert_int_equal(c.event, event);
	assert_int_equal(c.value, value);
	assert_int_equal(len, sizeof(c) + strlen(name));
	assert_memory_equal(guest_at(&f->g, gpa + sizeof(c), 32), name, strlen(name));
}

/* Exchanges the messages that Linux exchanges; the channel is then open on both sides. */
static void bring_up(struct fixture *f)
{
	guest_up(&f->g, f->dev, UINT64_MAX);
	control_send(f, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	control_expect(f, 0, VIRTIO_CONSOLE_PORT_ADD, 1, "");
	control_expect(f, 1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
	control_send(f, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	control_expect(f, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, "");
	control_expect(f, 0, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
	control_send(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	control_expect(f, 1, VIRTIO_CONSOLE_PORT_NAME, 1, PORT);
	control_expect(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
	control_send(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

static void ports_are_announced(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG + 4, 4), 2); /* max_nr_ports */
	bring_up(f);
}

static void hostile_control_messages_are_ignored(void **state)
{
	struct fixture *f = *state;
	static const struct virtio_console_control cases[] = {
		{ 2, VIRTIO_CONSOLE_PORT_READY, 1 },
		{ UINT32_MAX, VIRTIO_CONSOLE_PORT_READY, 1 },
		{ UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1 },
		{ 1, VIRTIO_CONSOLE_PORT_READY, 0 },
		{ 0, VIRTIO_CONSOLE_DEVICE_READY, 0 },
		{ 1, VIRTIO_CONSOLE_PORT_ADD, 1 }, /* the device's to say */
		{ 1, VIRTIO_CONSOLE_PORT_NAME, 1 },
		{ 1, VIRTIO_CONSOLE_CONSOLE_PORT, 1 },
		{ 1, 0xffff, 0xffff },
	};
	uint64_t gpa = guest_alloc(&f->g, 8, 8);
	uint32_t len;

	guest_up(&f->g, f->dev, UINT64_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		control_send(f, cases[i].id, cases[i].event, cases[i].value);
	guest_put(&f->g, CTRL_TX, gpa, 7, 0, 0); /* too short */
	guest_kick(&f->g, CTRL_TX);
	(void)guest_wait(&f->g, CTRL_TX, &len);  /* consumed */
	guest_put(&f->g, CTRL_TX, 0, 0, gpa, 8); /* nothing to read at all */
	guest_kick(&f->g, CTRL_TX);
	(void)guest_wait(&f->g, CTRL_TX, &len); /* consumed */
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf);
	bring_up(f); /* starts with a reset; all is as ever */
}

static void repeated_requests_are_answered_once(void **state)
{
	struct fixture *f = *state;

	guest_up(&f->g, f->dev, UINT64_MAX);
	for (int i = 0; i < 1000; i++)
		control_send(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	control_expect(f, 1, VIRTIO_CONSOLE_PORT_NAME, 1, PORT);
	control_expect(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
	control_send(f, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	control_expect(f, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, ""); /* nothing lies between */
}

static void too_small_control_buffer_breaks_the_device(void **state)
{
	struct fixture *f = *state;
	struct pollfd pfd;

	guest_up(&f->g, f->dev, UINT64_MAX);
	(void)guest_irqs(f->dev);
	guest_put(&f->g, CTRL_RX, 0, 0, f->bufs, 7);
	control_send(f, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	pfd = (struct pollfd){ .fd = f->dev->irq.fd, .events = POLLIN };
	while (!(reg_get(f->dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		assert_int_equal(poll(&pfd, 1, 10000), 1);
		(void)guest_irqs(f->dev);
	}
	bring_up(f);
}

static void console_output_is_logged(void **state)
{
	struct fixture *f = *state;
	uint32_t len;

	bring_up(f);
	memcpy(guest_at(&f->g, f->bufs, 5), "hello", 5);
	guest_put(&f->g, TX0, f->bufs, 5, 0, 0);
	guest_kick(&f->g, TX0);
	(void)guest_wait(&f->g, TX0, &len); /* consumed */
	assert_int_equal(len, 0);
	/* more than one turn takes: 3 x 300000 bytes */
	memset(guest_at(&f->g, f->bufs, 300000), 'x', 300000);
	for (int i = 0; i < 3; i++)
		guest_put(&f->g, TX0, f->bufs, 300000, 0, 0);
	guest_kick(&f->g, TX0);
	for (int i = 0; i < 3; i++)
		(void)guest_wait(&f->g, TX0, &len); /* consumed, in order */
	pthread_mutex_lock(&f->lock);
	assert_int_equal(f->log_len, 5 + 900000);
	assert_memory_equal(f->log, "hellox", 6);
	for (size_t i = 5; i < f->log_len; i++)
		assert_int_equal(f->log[i], 'x');
	pthread_mutex_unlock(&f->lock);
}

static void console_works_without_multiport(void **state)
{
	struct fixture *f = *state;
	uint32_t len;

	guest_up(&f->g, f->dev, VIRTIO_BIT(VIRTIO_F_VERSION_1));
	memcpy(guest_at(&f->g, f->bufs, 5), "plain", 5);
	guest_put(&f->g, TX0, f->bufs, 5, 0, 0);
	guest_kick(&f->g, TX0);
	(void)guest_wait(&f->g, TX0, &len); /* consumed */
	pthread_mutex_lock(&f->lock);
	assert_int_equal(f->log_len, 5);
	pthread_mutex_unlock(&f->lock);
}

/* ---- the channel ---- */

static void channel_carries_both_ways(void **state)
{
	struct fixture *f = *state;
	char got[64] = "";
	uint32_t len;

	bring_up(f);
	memcpy(guest_at(&f->g, f->bufs, 4), "ping", 4);
	guest_put(&f->g, TX1, f->bufs, 4, 0, 0);
	guest_kick(&f->g, TX1);
	assert_int_equal(fd_read_full(f->sock, got, 4), 4);
	assert_memory_equal(got, "ping", 4);
	(void)guest_wait(&f->g, TX1, &len); /* consumed */

	/* host first, buffers later; and buffers first */
	assert_int_equal(fd_write_full(f->sock, "pong", 4), 0);
	guest_put(&f->g, RX1, 0, 0, f->bufs + 4096, 4096);
	guest_kick(&f->g, RX1);
	(void)guest_wait(&f->g, RX1, &len); /* filled */
	assert_int_equal(len, 4);
	assert_memory_equal(guest_at(&f->g, f->bufs + 4096, 4), "pong", 4);
	guest_put(&f->g, RX1, 0, 0, f->bufs + 8192, 2);
	guest_put(&f->g, RX1, 0, 0, f->bufs + 8194, 4096);
	guest_kick(&f->g, RX1);
	assert_int_equal(fd_write_full(f->sock, "again", 5), 0);
	(void)guest_wait(&f->g, RX1, &len); /* the small one */
	assert_int_equal(len, 2);
	(void)guest_wait(&f->g, RX1, &len); /* the rest */
	assert_int_equal(len, 3);
	assert_memory_equal(guest_at(&f->g, f->bufs + 8192, 5), "again", 5);
}

static void channel_waits_for_the_guest_to_open(void **state)
{
	struct fixture *f = *state;
	uint32_t id, len;

	guest_up(&f->g, f->dev, UINT64_MAX);
	assert_int_equal(fd_write_full(f->sock, "early", 5), 0);
	guest_put(&f->g, RX1, 0, 0, f->bufs, 4096);
	guest_kick(&f->g, RX1);
	control_send(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0); /* when this is through, so is the kick before it */
	control_send(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_false(ring_take(&f->g.rings[RX1], &id, &len));
	control_send(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	(void)guest_wait(&f->g, RX1, &len); /* now */
	assert_int_equal(len, 5);
	assert_memory_equal(guest_at(&f->g, f->bufs, 5), "early", 5);
}

/* Reads @len bytes, which must be those of the pattern that starts with @first. */
static void read_pattern(int fd, size_t len, uint32_t first)
{
	uint32_t word;

	for (size_t i = 0; i < len; i += sizeof(word)) {
		assert_int_equal(fd_read_full(fd, &word, sizeof(word)), sizeof(word));
		assert_int_equal(word, first++);
	}
}

static void full_socket_holds_chains_and_loses_nothing(void **state)
{
	enum { CHAINS = 20, BYTES = 32768 };
	struct fixture *f = *state;
	unsigned int home = 0;
	uint32_t id, len;

	bring_up(f);
	for (uint32_t i = 0; i < CHAINS * BYTES / 4; i++)
		memcpy(guest_at(&f->g, f->bufs + 4 * i, 4), &i, 4);
	for (unsigned int i = 0; i < CHAINS; i++)
		guest_put(&f->g, TX1, f->bufs + i * BYTES, BYTES, 0, 0);
	guest_kick(&f->g, TX1);
	/* nobody reads: what does not fit stays with the guest, and the loop goes on serving others */
	control_send(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	while (ring_take(&f->g.rings[TX1], &id, &len))
		home++;
	assert_true(home < 3);
	guest_kick(&f->g, TX1); /* kicks do not help */
	control_send(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_false(ring_take(&f->g.rings[TX1], &id, &len));
	read_pattern(f->sock, (size_t)CHAINS * BYTES, 0);
	for (; home < CHAINS; home++)
		assert_int_equal(guest_wait(&f->g, TX1, &len), home);
}

static void more_than_a_turn_waits_for_the_socket(void **state)
{
	struct fixture *f = *state;
	size_t sent = 0;
	uint32_t id, len;
	char got;

	bring_up(f);
	/* fill the socket, then the whole ring with chains of a byte: two turns' work when it empties */
	while (guest_put(&f->g, TX1, f->bufs, 65536, 0, 0), guest_kick(&f->g, TX1),
		control_send(f, 1, VIRTIO_CONSOLE_PORT_READY, 1), ring_take(&f->g.rings[TX1], &id, &len))
		sent += 65536;
	sent += 65536; /* the last chain waits; part of it may be in the socket already */
	for (int i = 0; i < 63; i++, sent++)
		guest_put(&f->g, TX1, f->bufs, 1, 0, 0);
	guest_kick(&f->g, TX1);
	control_send(f, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	for (size_t i = 0; i < sent; i++) /* slowly: EPOLLOUT comes when there is much room */
		assert_int_equal(fd_read_full(f->sock, &got, 1), 1);
	for (int i = 0; i < 64; i++)
		(void)guest_wait(&f->g, TX1, &len); /* consumed */
}

static void flood_in_both_directions(void **state)
{
	enum { ROUNDS = 300, BYTES = 8192 };
	struct fixture *f = *state;
	uint32_t next_in = 0, next_out = 0, len, word;
	char block[BYTES];

	bring_up(f);
	for (int round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < BYTES / 4; i++, next_out++)
			memcpy(guest_at(&f->g, f->bufs + 4 * i, 4), &next_out, 4);
		guest_put(&f->g, RX1, 0, 0, f->bufs + 65536, BYTES);
		guest_kick(&f->g, RX1);
		guest_put(&f->g, TX1, f->bufs, BYTES, 0, 0);
		guest_kick(&f->g, TX1);
		assert_int_equal(fd_read_full(f->sock, block, BYTES), BYTES);
		assert_int_equal(fd_write_full(f->sock, block, BYTES), 0);
		(void)guest_wait(&f->g, TX1, &len); /* consumed */
		for (uint32_t got = 0; got < BYTES;) {
			(void)guest_wait(&f->g, RX1, &len); /* in pieces, perhaps */
			for (uint32_t i = 0; i + 4 <= len; i += 4, next_in++) {
				memcpy(&word, guest_at(&f->g, f->bufs + 65536 + i, 4), 4);
				assert_int_equal(word, next_in);
			}
			got += len;
			if (got < BYTES) {
				guest_put(&f->g, RX1, 0, 0, f->bufs + 65536, BYTES);
				guest_kick(&f->g, RX1);
			}
		}
	}
	assert_int_equal(next_in, next_out);
}

static void host_gone_is_told_and_output_dropped(void **state)
{
	struct fixture *f = *state;
	uint32_t len;

	bring_up(f);
	guest_put(&f->g, RX1, 0, 0, f->bufs, 4096);
	guest_kick(&f->g, RX1);
	assert_int_equal(fd_write_full(f->sock, "last", 4), 0);
	fd_close(f->sock);
	f->sock = -1;
	(void)guest_wait(&f->g, RX1, &len); /* what was said before the end arrives */
	assert_int_equal(len, 4);
	guest_put(&f->g, RX1, 0, 0, f->bufs, 4096); /* the end is seen at the next read */
	guest_kick(&f->g, RX1);
	control_expect(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
	for (int i = 0; i < 5; i++) {
		guest_put(&f->g, TX1, f->bufs, 65536, 0, 0);
		guest_kick(&f->g, TX1);
		(void)guest_wait(&f->g, TX1, &len); /* consumed, into nothing */
	}
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf);
}

static void reset_in_the_middle(void **state)
{
	struct fixture *f = *state;
	char got[4];
	uint32_t len;

	for (int round = 0; round < 20; round++) {
		bring_up(f);
		for (int i = 0; i < 8; i++)
			guest_put(&f->g, RX1, 0, 0, f->bufs, 4096);
		guest_kick(&f->g, RX1);
		assert_int_equal(fd_write_full(f->sock, "xx", 2), 0);
		reg_set(f->dev, VIRTIO_MMIO_STATUS, 0); /* the loop may be anywhere now */
		f->g.brk = f->bufs + (1 << 20);         /* the fixture's RAM is small */
	}
	bring_up(f);
	memcpy(guest_at(&f->g, f->bufs, 4), "back", 4);
	guest_put(&f->g, TX1, f->bufs, 4, 0, 0);
	guest_kick(&f->g, TX1);
	assert_int_equal(fd_read_full(f->sock, got, 4), 4);
	assert_memory_equal(got, "back", 4);
	(void)guest_wait(&f->g, TX1, &len); /* consumed */
}

static void bad_channel_chain_breaks_the_device(void **state)
{
	struct fixture *f = *state;
	struct pollfd pfd;

	bring_up(f);
	(void)guest_irqs(f->dev);
	ring_desc(&f->g.rings[TX1], 0, GUEST_RAM, 16, 0, 0);
	ring_avail(&f->g.rings[TX1], 0);
	guest_kick(&f->g, TX1);
	pfd = (struct pollfd){ .fd = f->dev->irq.fd, .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf | VIRTIO_CONFIG_S_NEEDS_RESET);
	bring_up(f);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(ports_are_announced),
		test(hostile_control_messages_are_ignored),
		test(repeated_requests_are_answered_once),
		test(too_small_control_buffer_breaks_the_device),
		test(console_output_is_logged),
		test(console_works_without_multiport),
		test(channel_carries_both_ways),
		test(channel_waits_for_the_guest_to_open),
		test(full_socket_holds_chains_and_loses_nothing),
		test(more_than_a_turn_waits_for_the_socket),
		test(flood_in_both_directions),
		test(host_gone_is_told_and_output_dropped),
		test(reset_in_the_middle),
		test(bad_channel_chain_breaks_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
