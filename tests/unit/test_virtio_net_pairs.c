/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of virtio-net with several pairs of queues: the control queue, what is in use, a tap with several queues, threads.
 * What a pair does with a packet is in test_virtio_net.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
/* it comes before virtio_net.h, which defines what it only names */
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "tap_fixture.h"
#include "test_virtio_guest.h"
#include "vm/virtio/net.h"
#include "vm/virtio/netthreads.h"

#define HDR 12
#define PAIRS 2
#define CONTROL 4 /* §5.1.2, with PAIRS pairs */
#define RX(pair) (2 * (pair))
#define TX(pair) (2 * (pair) + 1)
#define PLAIN VIRTIO_BIT(VIRTIO_F_VERSION_1)
#define MQ VIRTIO_BIT(VIRTIO_NET_F_MQ)
#define CONTROL_VQ VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)

struct fixture {
	struct guest g;
	struct virtio_dev *dev;
	int peers[PAIRS];
	uint64_t bufs; /* 512 KiB */
	uint64_t message;
	uint64_t brk; /* behind them: where rings begin */
};

static struct fixture *fixture_new(const int fds[PAIRS], struct netthreads *threads)
{
	struct vm_nic nic = { .fds = { fds[0], fds[1] }, .pairs = PAIRS, .mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500 };
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_INIT;

	assert_non_null(f);
	guest_init(&f->g);
	if (virtio_net_new(&f->g.mem, &nic, threads, &f->dev, &err) < 0)
		fail_msg("%s", err.msg);
	f->bufs = guest_alloc(&f->g, 512 * KIB, 4096);
	f->message = guest_alloc(&f->g, 64, 16);
	f->brk = f->g.brk;
	f->peers[0] = f->peers[1] = -1;
	return f;
}

static struct fixture *sockets_new(struct netthreads *threads)
{
	int sv[PAIRS][2];
	struct fixture *f;

	for (int i = 0; i < PAIRS; i++)
		assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv[i]), 0);
	f = fixture_new((const int[]){ sv[0][1], sv[1][1] }, threads);
	for (int i = 0; i < PAIRS; i++)
		f->peers[i] = sv[i][0];
	return f;
}

static int setup(void **state)
{
	*state = sockets_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_free(f->dev);
	for (int i = 0; i < PAIRS; i++)
		fd_close(f->peers[i]);
	guest_done(&f->g);
	free(f);
	return 0;
}

static void up(struct fixture *f, uint64_t features)
{
	f->g.brk = f->brk;
	guest_up(&f->g, f->dev, features);
}

static void serve(struct fixture *f, unsigned int queue)
{
	guest_kick(&f->g, queue);
	guest_serve(f->dev);
}

/* Makes the message available: @len bytes of it, and room for the answer, which is not one yet. */
static void put_message(struct fixture *f, unsigned int queue, const uint8_t *message, uint32_t len)
{
	memcpy(guest_at(&f->g, f->message, 32), message, len);
	*(uint8_t *)guest_at(&f->g, f->message + 32, 1) = 0xff;
	(void)guest_put(&f->g, queue, f->message, len, f->message + 32, 1);
}

/* The answer to a message of @len bytes; -1: there is none. */
static int ask(struct fixture *f, unsigned int queue, const uint8_t *message, uint32_t len)
{
	uint32_t id, written;

	put_message(f, queue, message, len);
	serve(f, queue);
	if (!ring_take(&f->g.rings[queue], &id, &written))
		return -1;
	assert_int_equal(written, 1);
	return *(uint8_t *)guest_at(&f->g, f->message + 32, 1);
}

static int ask_pairs(struct fixture *f, unsigned int pairs)
{
	const uint8_t message[] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, (uint8_t)pairs,
		(uint8_t)(pairs >> 8) };

	return ask(f, CONTROL, message, sizeof(message));
}

/* Whether a packet of pair @pair's socket reaches the guest there. */
static bool receives(struct fixture *f, unsigned int pair)
{
	uint8_t packet[HDR + 60] = { 0 };
	uint32_t id, len;

	assert_int_equal(send(f->peers[pair], packet, sizeof(packet), MSG_DONTWAIT), sizeof(packet));
	guest_put(&f->g, RX(pair), 0, 0, f->bufs, 2048);
	serve(f, RX(pair));
	return ring_take(&f->g.rings[RX(pair)], &id, &len) && len == sizeof(packet);
}

/* Whether one that the guest sends there has left by that socket. */
static bool sends(struct fixture *f, unsigned int pair)
{
	uint8_t packet[256];
	uint32_t id, len;

	guest_put(&f->g, TX(pair), f->bufs, HDR + 60, 0, 0);
	serve(f, TX(pair));
	return ring_take(&f->g.rings[TX(pair)], &id, &len) &&
	       recv(f->peers[pair], packet, sizeof(packet), MSG_DONTWAIT) == HDR + 60;
}

static void offers_pairs_and_control_queue(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->dev->features & (MQ | CONTROL_VQ), MQ | CONTROL_VQ);
	assert_int_equal(f->dev->queues_len, CONTROL + 1);
	assert_int_equal(virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG + 8, 2), PAIRS);
	/* §5.1.3.1: the one needs the other */
	assert_false(guest_negotiate(f->dev, PLAIN | MQ) & VIRTIO_CONFIG_S_FEATURES_OK);
	assert_true(guest_negotiate(f->dev, PLAIN | CONTROL_VQ) & VIRTIO_CONFIG_S_FEATURES_OK);
	assert_true(guest_negotiate(f->dev, PLAIN | MQ | CONTROL_VQ) & VIRTIO_CONFIG_S_FEATURES_OK);
}

static void one_pair_offers_neither(void **state)
{
	struct vm_nic nic = { .pairs = 1 };
	struct virtio_dev *dev;
	struct err err = ERR_INIT;
	struct guest g;
	int sv[2];

	(void)state;
	guest_init(&g);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv), 0);
	nic.fds[0] = sv[1];
	assert_int_equal(virtio_net_new(&g.mem, &nic, NULL, &dev, &err), 0);
	assert_int_equal(dev->features & (MQ | CONTROL_VQ), 0);
	assert_int_equal(dev->queues_len, 2);
	virtio_free(dev);
	fd_close(sv[0]);
	guest_done(&g);
}

static void driver_says_how_many_are_in_use(void **state)
{
	struct fixture *f = *state;

	up(f, UINT64_MAX);
	assert_true(receives(f, 0) && sends(f, 0));
	assert_false(receives(f, 1) || sends(f, 1));
	/* what has come and what waits to be sent goes on once the pair is in use, without another kick */
	assert_int_equal(ask_pairs(f, 2), VIRTIO_NET_OK);
	assert_int_equal(f->g.rings[RX(1)].used->idx, 1);
	assert_int_equal(f->g.rings[TX(1)].used->idx, 1);
	f->g.rings[RX(1)].used_idx = f->g.rings[TX(1)].used_idx = 1;
	assert_int_equal(recv(f->peers[1], (uint8_t[HDR + 60]){ 0 }, HDR + 60, MSG_DONTWAIT), HDR + 60);
	assert_true(receives(f, 1) && sends(f, 1));
	assert_true(receives(f, 0) && sends(f, 0));
	assert_int_equal(ask_pairs(f, 1), VIRTIO_NET_OK);
	assert_false(receives(f, 1) || sends(f, 1));
	assert_true(receives(f, 0) && sends(f, 0));
	/* a reset is the end of it, too */
	assert_int_equal(ask_pairs(f, 2), VIRTIO_NET_OK);
	up(f, UINT64_MAX);
	assert_false(receives(f, 1) || sends(f, 1));
}

static void other_messages_are_refused(void **state)
{
	static const struct {
		uint8_t message[8];
		uint32_t len;
	} cases[] = {
		{ { 4, 0, 0, 0 }, 4 },       /* no pair */
		{ { 4, 0, 3, 0 }, 4 },       /* more than there are */
		{ { 4, 0, 0xff, 0xff }, 4 }, /* likewise */
		{ { 4, 0, 2, 1 }, 4 },       /* 258 */
		{ { 4, 1, 2, 0 }, 4 },       /* another command of the class */
		{ { 0, 0, 2, 0 }, 4 },       /* VIRTIO_NET_CTRL_RX, which is not offered */
		{ { 1, 0, 2, 0, 0, 0, 0, 1 }, 8 },
		{ { 5, 0, 2, 0 }, 4 },
		{ { 0xff, 0xff, 2, 0 }, 4 },
		{ { 4, 0, 2, 0, 0 }, 5 }, /* longer, shorter */
		{ { 4, 0, 2 }, 3 },
		{ { 4, 0 }, 2 },
		{ { 4 }, 1 },
	};
	struct fixture *f = *state;

	up(f, UINT64_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(ask(f, CONTROL, cases[i].message, cases[i].len), VIRTIO_NET_ERR);
		assert_false(f->dev->s.status & VIRTIO_CONFIG_S_NEEDS_RESET);
	}
	assert_false(sends(f, 1));
	assert_int_equal(ask_pairs(f, 2), VIRTIO_NET_OK);
}

static void message_may_be_cut_anywhere(void **state)
{
	static const uint8_t message[] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2, 0 };
	struct fixture *f = *state;
	struct guest_ring *r;
	uint32_t id, len;

	up(f, UINT64_MAX);
	r = &f->g.rings[CONTROL];
	for (uint16_t i = 0; i < 4; i++) {
		*(uint8_t *)guest_at(&f->g, f->message + 8ull * i, 1) = message[i];
		ring_desc(r, i, f->message + 8ull * i, 1, VRING_DESC_F_NEXT, (uint16_t)(i + 1));
	}
	ring_desc(r, 4, f->message + 40, 3, VRING_DESC_F_WRITE, 0); /* more room than the answer needs */
	ring_avail(r, 0);
	serve(f, CONTROL);
	assert_true(ring_take(r, &id, &len));
	assert_int_equal(len, 1);
	assert_true(sends(f, 1));
}

static void message_without_room_for_an_answer_breaks(void **state)
{
	struct fixture *f = *state;

	up(f, UINT64_MAX);
	guest_put(&f->g, CONTROL, f->message, 4, 0, 0);
	serve(f, CONTROL);
	assert_true(f->dev->s.status & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(f->dev->queues[CONTROL].vq.in_flight, 0);
	up(f, UINT64_MAX);
	assert_int_equal(ask_pairs(f, 2), VIRTIO_NET_OK);
}

/* Without VIRTIO_NET_F_MQ the control queue stands behind the one pair (§5.1.2), and pairs cannot be asked for. */
static void control_queue_of_one_pair(void **state)
{
	static const uint8_t message[] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2, 0 };
	struct fixture *f = *state;

	up(f, ~MQ);
	assert_int_equal(ask(f, 2, message, sizeof(message)), VIRTIO_NET_ERR);
	assert_int_equal(ask(f, CONTROL, message, sizeof(message)), -1);
	assert_true(receives(f, 0) && sends(f, 0));
	assert_false(sends(f, 1));
	/* and without it, queue 2 is none */
	up(f, ~(MQ | CONTROL_VQ));
	assert_int_equal(ask(f, 2, message, sizeof(message)), -1);
	assert_true(receives(f, 0) && sends(f, 0));
}

/* That queue is longer than the control queue of several pairs: a chain may have as many buffers as it has entries. */
static void message_of_many_buffers(void **state)
{
	struct fixture *f = *state;
	struct guest_ring *r;
	uint32_t id, len;
	uint16_t last;

	up(f, ~MQ);
	r = &f->g.rings[2];
	last = (uint16_t)(r->size - 1);
	for (uint16_t i = 0; i < last; i++) /* apart from each other, so that none is one with the next */
		ring_desc(r, i, f->bufs + 2ull * i, 1, VRING_DESC_F_NEXT, (uint16_t)(i + 1));
	ring_desc(r, last, f->message, 1, VRING_DESC_F_WRITE, 0);
	ring_avail(r, 0);
	serve(f, 2);
	assert_true(ring_take(r, &id, &len));
	assert_int_equal(len, 1);
	assert_int_equal(*(uint8_t *)guest_at(&f->g, f->message, 1), VIRTIO_NET_ERR);
	assert_true(receives(f, 0) && sends(f, 0));
	assert_false(sends(f, 1));
	up(f, UINT64_MAX);
	assert_int_equal(ask_pairs(f, 2), VIRTIO_NET_OK);
	assert_true(receives(f, 1) && sends(f, 1));
}

/* A flood of messages is served in turns, and each is answered. */
static void many_messages_at_once(void **state)
{
	static const uint8_t message[] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2, 0 };
	struct fixture *f = *state;
	uint32_t id, len;

	up(f, UINT64_MAX);
	for (int i = 0; i < 32; i++)
		put_message(f, CONTROL, message, sizeof(message));
	guest_kick(&f->g, CONTROL);
	virtio_queue_turn(&f->dev->queues[CONTROL]);
	assert_true(f->g.rings[CONTROL].used->idx > 0 && f->g.rings[CONTROL].used->idx < 32);
	guest_serve(f->dev);
	for (int i = 0; i < 32; i++)
		assert_true(ring_take(&f->g.rings[CONTROL], &id, &len));
}

/* ---- how often ---- */

struct until {
	struct fixture *f;
	struct loop *loop;
	unsigned int answers, wanted;
};

static void until_answered(void *arg)
{
	struct until *u = arg;
	struct watch *timer;
	uint32_t id, len;

	while (ring_take(&u->f->g.rings[CONTROL], &id, &len))
		u->answers++;
	if (u->answers >= u->wanted)
		loop_stop(u->loop);
	else
		assert_int_equal(timer_new(u->loop, 5, until_answered, u, &timer), 0);
}

/* A driver that changes the number again and again waits for its answers, and gets them. */
static void changes_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct until u = { .f = f, .wanted = 20 };
	unsigned int answered = 0;
	struct err err = ERR_INIT;

	assert_int_equal(loop_new(&u.loop), 0);
	if (virtio_start(f->dev, u.loop, &err) < 0)
		fail_msg("%s", err.msg);
	up(f, UINT64_MAX);
	/* the loop does not go round: no timer ends */
	while (ask_pairs(f, answered % 2 ? 1 : 2) == VIRTIO_NET_OK)
		answered++;
	assert_int_equal(answered, 16);
	up(f, UINT64_MAX); /* a reset does not help */
	assert_int_equal(ask_pairs(f, 2), -1);
	u.answers = u.wanted - 1;
	until_answered(&u);
	assert_int_equal(loop_run(u.loop), 0);
	assert_true(sends(f, 1));
	virtio_stop(f->dev);
	loop_free(u.loop);
}

/* ---- what is refused ---- */

static void refuse(const int fds[PAIRS], int error, const char *text)
{
	struct vm_nic nic = { .fds = { fds[0], fds[1] }, .pairs = PAIRS };
	struct virtio_dev *dev;
	struct err err = ERR_INIT;
	struct guest g;

	guest_init(&g);
	assert_int_equal(virtio_net_new(&g.mem, &nic, NULL, &dev, &err), error);
	assert_string_equal(err.msg, text);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1); /* it has taken both */
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
	guest_done(&g);
}

static void a_stream_has_one_pair(void **state)
{
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	refuse(sv, -EINVAL, "virtio net: a stream has one pair of queues");
}

/* ---- a real tap ---- */

#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)

/* Frames of IPv4 and UDP from different ports, by which the kernel spreads them; each is FRAME bytes long. */
#define FRAME 100
#define FLOWS 64

static void send_flows(int socket)
{
	for (unsigned int i = 0; i < FLOWS; i++) {
		uint8_t p[FRAME] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0, 0x45, 0, 0, FRAME - 14, 0, 0, 0, 0, 64,
			17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1, 0x30, (uint8_t)i, 0, 7, 0, FRAME - 34 };

		assert_int_equal(send(socket, p, sizeof(p), 0), sizeof(p));
	}
}

/* How many of these frames the guest gets in the receiving queue of @pair. */
static unsigned int got_flows(struct fixture *f, unsigned int pair)
{
	unsigned int n = 0;
	uint32_t id, len;

	while (ring_take(&f->g.rings[RX(pair)], &id, &len))
		n += len == HDR + FRAME;
	return n;
}

/* Sends them, with room for all in both queues. */
static void pass_flows(struct fixture *f, unsigned int ret_got[PAIRS])
{
	for (unsigned int pair = 0; pair < PAIRS; pair++)
		for (uint64_t i = 0; i < FLOWS + 16; i++) /* some for the kernel's own chatter (IPv6) */
			guest_put(&f->g, RX(pair), 0, 0, f->bufs + (pair * 100 + i) * 2048, 2048);
	send_flows(f->peers[0]);
	for (unsigned int pair = 0; pair < PAIRS; pair++)
		guest_kick(&f->g, RX(pair));
	guest_serve(f->dev);
	for (unsigned int pair = 0; pair < PAIRS; pair++)
		ret_got[pair] = got_flows(f, pair);
}

/* The namespace, or the test is skipped; a tap of PAIRS queues, and what a tap of another kind leads to. */
static void tap_spreads_over_the_pairs_in_use(void **state)
{
	int fds[PAIRS] = { -1, -1 };
	unsigned int got[PAIRS];
	struct fixture *f;

	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
		(fds[0] = tap_open("t0", TAP_FLAGS | IFF_MULTI_QUEUE)) < 0) {
		print_message("no tap in a network namespace of our own: %s\n", strerror(errno));
		assert_null(getenv("VMRUNC_MUST_WORK"));
		skip();
	}
	fds[1] = tap_open("t0", TAP_FLAGS | IFF_MULTI_QUEUE);
	assert_true(fds[1] >= 0);
	f = fixture_new(fds, NULL);
	*state = f;
	f->peers[0] = packet_socket("t0");
	up(f, UINT64_MAX);
	pass_flows(f, got);
	assert_int_equal(got[0], FLOWS); /* one pair is in use: nothing goes to another queue, where it would be lost */
	up(f, UINT64_MAX);
	assert_int_equal(ask_pairs(f, 2), VIRTIO_NET_OK);
	pass_flows(f, got);
	assert_int_equal(got[0] + got[1], FLOWS);
	assert_true(got[0] > 0 && got[1] > 0);
	up(f, UINT64_MAX);
	pass_flows(f, got);
	assert_int_equal(got[0], FLOWS);

	/* descriptors that are none of such a tap */
	fds[0] = tap_open("t1", TAP_FLAGS);
	fds[1] = tap_open("t2", TAP_FLAGS);
	refuse(fds, -EINVAL,
		"virtio net: tap 't1' was not made with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR and IFF_MULTI_QUEUE");
	fds[0] = tap_open("t1", TAP_FLAGS | IFF_MULTI_QUEUE);
	fds[1] = tap_open("t2", TAP_FLAGS | IFF_MULTI_QUEUE);
	refuse(fds, -EINVAL, "virtio net: 't2' is another tap than 't1'");
	(void)teardown(state);
}

/* The interface is deleted: the device lives on, and refuses to take a pair into use that has no queue any more. */
static void interface_that_goes(void **state)
{
	int fds[PAIRS] = { -1, -1 };
	struct fixture *f;

	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
		(fds[0] = tap_open("t0", TAP_FLAGS | IFF_MULTI_QUEUE)) < 0 || system("command -v ip >/dev/null") != 0) {
		assert_null(getenv("VMRUNC_MUST_WORK"));
		skip();
	}
	fds[1] = tap_open("t0", TAP_FLAGS | IFF_MULTI_QUEUE);
	f = fixture_new(fds, NULL);
	*state = f;
	up(f, UINT64_MAX);
	assert_int_equal(system("ip link del t0"), 0);
	assert_int_equal(ask_pairs(f, 2), VIRTIO_NET_ERR);
	guest_put(&f->g, TX(0), f->bufs, HDR + 60, 0, 0);
	serve(f, TX(0));
	assert_int_equal(f->g.rings[TX(0)].used->idx, 1); /* dropped */
	assert_false(f->dev->s.status & VIRTIO_CONFIG_S_NEEDS_RESET);
	(void)teardown(state);
}

/* ---- threads ---- */

#define ROUNDS 30 /* each changes the number of pairs, which the device lets a driver do 16 times a second */

struct rig {
	struct fixture *f;
	struct loop *loop;
	struct netthreads *threads;
	pthread_t main_loop;
};

static void *run_loop(void *arg)
{
	assert_int_equal(loop_run(arg), 0);
	return NULL;
}

static int setup_threads(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct err err = ERR_INIT;

	assert_non_null(rig);
	assert_int_equal(loop_new(&rig->loop), 0);
	assert_int_equal(netthreads_new(PAIRS, &rig->threads, &err), 0);
	rig->f = sockets_new(rig->threads);
	if (virtio_start(rig->f->dev, rig->loop, &err) < 0 || netthreads_start(rig->threads, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(pthread_create(&rig->main_loop, NULL, run_loop, rig->loop), 0);
	*state = rig;
	return 0;
}

static int teardown_threads(void **state)
{
	struct rig *rig = *state;
	void *fixture = rig->f;

	loop_stop(rig->loop);
	assert_int_equal(pthread_join(rig->main_loop, NULL), 0);
	netthreads_stop(rig->threads);
	(void)teardown(&fixture);
	netthreads_free(rig->threads);
	loop_free(rig->loop);
	free(rig);
	return 0;
}

/* Has both pairs in use. */
static void threads_up(struct fixture *f)
{
	static const uint8_t message[] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2, 0 };
	uint32_t len;

	up(f, UINT64_MAX);
	put_message(f, CONTROL, message, sizeof(message));
	guest_kick(&f->g, CONTROL);
	(void)guest_wait(&f->g, CONTROL, &len);
}

/* Packets of both pairs, both ways, each by the thread of its pair. */
static void each_pair_has_its_thread(void **state)
{
	struct fixture *f = ((struct rig *)*state)->f;
	uint8_t packet[HDR + 60] = { 0 };
	uint32_t len;

	threads_up(f);
	for (int i = 0; i < 300; i++) {
		for (unsigned int pair = 0; pair < PAIRS; pair++) {
			guest_put(&f->g, RX(pair), 0, 0, f->bufs + pair * 4096ull, 2048);
			guest_kick(&f->g, RX(pair));
			guest_put(&f->g, TX(pair), f->bufs + 65536, HDR + 60, 0, 0);
			guest_kick(&f->g, TX(pair));
			assert_int_equal(send(f->peers[pair], packet, sizeof(packet), 0), sizeof(packet));
		}
		for (unsigned int pair = 0; pair < PAIRS; pair++) {
			(void)guest_wait(&f->g, RX(pair), &len);
			assert_int_equal(len, sizeof(packet));
			assert_int_equal(recv(f->peers[pair], packet, sizeof(packet), 0), sizeof(packet));
			(void)guest_wait(&f->g, TX(pair), &len);
		}
	}
}

/*
 * The driver resets the device, or takes a queue away, while both threads are in the midst of packets: when that returns, nobody
 * touches its rings any more, which it uses for something else at once.
 */
static void resets_while_threads_serve(void **state)
{
	struct fixture *f = ((struct rig *)*state)->f;
	uint8_t packet[HDR + 1400] = { 0 }, *rings;

	for (int round = 0; round < ROUNDS; round++) {
		threads_up(f);
		for (int i = 0; i < 100; i++) {
			for (unsigned int pair = 0; pair < PAIRS; pair++) {
				guest_put(&f->g, RX(pair), 0, 0, f->bufs + (1 + pair * 100 + (unsigned int)i) * 2048ull,
					2048);
				guest_put(&f->g, TX(pair), f->bufs, HDR + 60 + (uint32_t)i, 0, 0);
				(void)send(f->peers[pair], packet, sizeof(packet), MSG_DONTWAIT);
				(void)recv(f->peers[pair], packet, sizeof(packet), MSG_DONTWAIT);
				if (i % 8 == 0) {
					guest_kick(&f->g, RX(pair));
					guest_kick(&f->g, TX(pair));
				}
			}
		}
		if (round % 3 == 1) {
			reg_set(f->dev, VIRTIO_MMIO_QUEUE_SEL, round % 2 ? TX(1) : RX(1));
			reg_set(f->dev, VIRTIO_MMIO_QUEUE_READY, 0);
			assert_int_equal(f->dev->queues[round % 2 ? TX(1) : RX(1)].vq.in_flight, 0);
		}
		if (round % 3 == 2) { /* a head that is none breaks the device, from whichever thread */
			ring_avail(&f->g.rings[TX(1)], 0xffff);
			guest_kick(&f->g, TX(1));
		}
		reg_set(f->dev, VIRTIO_MMIO_STATUS, 0);
		memset(guest_at(&f->g, f->brk, f->g.brk - f->brk), 0x5a, f->g.brk - f->brk);
		for (unsigned int pair = 0; pair < PAIRS; pair++)
			while (recv(f->peers[pair], packet, sizeof(packet), MSG_DONTWAIT) > 0)
				;
		rings = guest_at(&f->g, f->brk, f->g.brk - f->brk);
		assert_memory_equal(rings, rings + 1, f->g.brk - f->brk - 1); /* all bytes are as the first one */
		assert_int_equal(*rings, 0x5a);
	}
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define threads_test(name) cmocka_unit_test_setup_teardown(name, setup_threads, teardown_threads)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(offers_pairs_and_control_queue),
		cmocka_unit_test(one_pair_offers_neither),
		test(driver_says_how_many_are_in_use),
		test(other_messages_are_refused),
		test(message_may_be_cut_anywhere),
		test(message_without_room_for_an_answer_breaks),
		test(control_queue_of_one_pair),
		test(message_of_many_buffers),
		test(many_messages_at_once),
		test(changes_are_bounded),
		cmocka_unit_test(a_stream_has_one_pair),
		cmocka_unit_test(tap_spreads_over_the_pairs_in_use),
		cmocka_unit_test(interface_that_goes),
		threads_test(each_pair_has_its_thread),
		threads_test(resets_while_threads_serve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
