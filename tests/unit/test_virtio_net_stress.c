/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stress test of a network device with several pairs of queues, each served by a thread of its own.
 *
 * A driver does what it likes with the rings and the registers, right and wrong, and resets the device with packets out. A second
 * processor of the guest kicks and reads registers beside it. The host's end sends and takes packets, takes the link away,
 * reads the counters, and brings a tap's interface down and up. What must hold: as long as the driver is right, nothing comes back that it
 * has not given; once a reset has returned, nothing in the guest's memory changes; in the end a reset makes the device as good
 * as new, with every pair; and no descriptor is left. Sanitizers see the rest.
 *
 * Each test takes STRESS_SECONDS of the environment (1). A test that hangs is ended by a signal.
 */
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
/* it comes before virtio_net.h, which defines what it only names */
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "stress.h"
#include "tap_fixture.h"
#include "test_virtio_guest.h"
#include "tests/fuzz/replay.h"
#include "vm/virtio/net.h"
#include "vm/virtio/netthreads.h"

#define PAIRS 3
#define RX(pair) (2 * (pair))
#define TX(pair) (2 * (pair) + 1)
#define CONTROL (2 * PAIRS) /* §5.1.2 */
#define HDR 12
#define BUFS_BYTES (2 * MIB)
#define STEPS 600u /* between two resets, at most */
#define FDS_SEEN 1024
#define MQ VIRTIO_BIT(VIRTIO_NET_F_MQ)
#define CONTROL_VQ VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ)
#define PLAIN VIRTIO_BIT(VIRTIO_F_VERSION_1)
#define TAP_FLAGS (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE)

struct stress {
	struct guest g;
	struct virtio_dev *dev;
	struct loop *loop;
	struct netthreads *threads;
	int peers[PAIRS]; /* the host's ends; of a tap the first, a packet socket, and -1 */
	bool tap;
	uint64_t bufs, message, brk; /* gpa; rings begin at the last */
	unsigned int seed;           /* the driver's */
	bool wrong;                  /* the driver has broken a rule since the device came up */
	atomic_bool stop;
	atomic_ulong from_guest;
	unsigned long resets, returned;
};

/* ---- the driver ---- */

static bool has_room(const struct guest_ring *r)
{
	return (uint16_t)(r->avail_idx - r->used_idx) < r->size - 4;
}

/* Takes back what the device has returned of queue @queue. */
static void collect(struct stress *s, unsigned int queue)
{
	struct guest_ring *r = &s->g.rings[queue];
	uint32_t id, len;

	while (ring_take(r, &id, &len)) {
		if (s->wrong)
			continue;
		require(id < r->size, "a chain came back that is none");
		require((uint16_t)(r->avail_idx - r->used_idx) < r->size, "more came back than was given");
		require(len <= 8192, "more was written than there is room for");
		s->returned++;
	}
}

static uint64_t any_buffer(struct stress *s)
{
	return s->bufs + stress_rnd(&s->seed, BUFS_BYTES / 8192) * 8192ull;
}

/* A packet to send: its header is plain, or any bytes, which a tap may refuse. */
static void put_packet(struct stress *s, unsigned int pair)
{
	uint64_t gpa = any_buffer(s);
	uint8_t *hdr = guest_at(&s->g, gpa, HDR);

	memset(hdr, 0, HDR);
	if (stress_rnd(&s->seed, 4) == 0)
		for (int i = 0; i < HDR; i++)
			hdr[i] = (uint8_t)stress_rnd(&s->seed, stress_rnd(&s->seed, 2) ? 256 : 6);
	guest_put(&s->g, TX(pair), gpa, 1 + stress_rnd(&s->seed, stress_rnd(&s->seed, 8) ? 1600 : 8191), 0, 0);
}

/* A message to the control queue: as a rule a number of pairs. */
static void put_control(struct stress *s)
{
	uint8_t *message = guest_at(&s->g, s->message, 16);

	message[0] = stress_rnd(&s->seed, 8) ? VIRTIO_NET_CTRL_MQ : (uint8_t)stress_rnd(&s->seed, 8);
	message[1] = stress_rnd(&s->seed, 8) ? VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET : 7;
	message[2] = (uint8_t)stress_rnd(&s->seed, PAIRS + 2);
	message[3] = 0;
	guest_put(&s->g, CONTROL, s->message, stress_rnd(&s->seed, 8) ? 4 : 1 + stress_rnd(&s->seed, 8), s->message + 8,
		1);
}

/* Breaks a rule of §2.7 in @queue. */
static void break_rule(struct stress *s, unsigned int queue)
{
	struct guest_ring *r = &s->g.rings[queue];
	uint16_t head = r->next_desc, flags = stress_rnd(&s->seed, 2) ? VRING_DESC_F_WRITE : 0;

	s->wrong = true;
	switch (stress_rnd(&s->seed, 7)) {
	case 0:
		ring_avail(r, (uint16_t)(r->size + stress_rnd(&s->seed, 0xff00)));
		return;
	case 1: /* chains that were never given */
		r->avail_idx = (uint16_t)(r->avail_idx + stress_rnd(&s->seed, 4096));
		__atomic_store_n(&r->avail->idx, r->avail_idx, __ATOMIC_SEQ_CST);
		return;
	case 2: /* a chain without end */
		ring_desc(r, head, any_buffer(s), 1, (uint16_t)(flags | VRING_DESC_F_NEXT), head);
		break;
	case 3: /* outside of memory, or across its end */
		ring_desc(r, head, GUEST_RAM - stress_rnd(&s->seed, 64), 4096, flags, 0);
		break;
	case 4:
		ring_desc(r, head, any_buffer(s), UINT32_MAX - stress_rnd(&s->seed, 64), flags, 0);
		break;
	case 5: /* the rings themselves as a buffer */
		ring_desc(r, head, s->brk, 8192, flags, 0);
		break;
	default: /* the wrong way round, or indirect and not a table */
		ring_desc(r, head, any_buffer(s), 1 + stress_rnd(&s->seed, 200),
			stress_rnd(&s->seed, 2) ? VRING_DESC_F_INDIRECT
						: (uint16_t)(queue % 2 ? VRING_DESC_F_WRITE : 0),
			0);
		break;
	}
	ring_avail(r, head);
}

/* One step of the driver with queue @queue. */
static void step(struct stress *s, unsigned int queue)
{
	collect(s, queue);
	switch (stress_rnd(&s->seed, 40)) {
	case 0:
		if (stress_rnd(&s->seed, 8) != 0) {
			sched_yield();
			return;
		}
		reg_set(s->dev, VIRTIO_MMIO_QUEUE_SEL, queue);
		reg_set(s->dev, VIRTIO_MMIO_QUEUE_READY, 0);
		s->wrong = true; /* what it holds does not come back */
		return;
	case 1:
		if (stress_rnd(&s->seed, 8) == 0)
			break_rule(s, queue);
		return;
	case 2:
	case 3:
		if (has_room(&s->g.rings[CONTROL]))
			put_control(s);
		return;
	default:
		break;
	}
	if (!has_room(&s->g.rings[queue]) || queue == CONTROL)
		guest_kick(&s->g, queue);
	else if (queue % 2)
		put_packet(s, queue / 2);
	else
		guest_put(&s->g, queue, 0, 0, any_buffer(s),
			1 + stress_rnd(&s->seed, stress_rnd(&s->seed, 4) ? 8192 : 64));
	if (stress_rnd(&s->seed, 4) == 0)
		guest_kick(&s->g, queue);
}

static void up(struct stress *s, uint64_t features)
{
	s->g.brk = s->brk;
	guest_up(&s->g, s->dev, features);
	s->wrong = false;
}

/* Resets the device. From when that returns, what the driver has the memory for is its own business. */
static void reset(struct stress *s)
{
	uint64_t len = s->g.brk - s->bufs;
	uint8_t *memory;

	reg_set(s->dev, VIRTIO_MMIO_STATUS, 0);
	memory = guest_at(&s->g, s->bufs, len);
	memset(memory, 0x5a, len);
	for (int i = 0; i < 20; i++)
		sched_yield();
	require(memory[0] == 0x5a && memcmp(memory, memory + 1, len - 1) == 0, "memory changed behind a reset");
	s->resets++;
}

static void session(struct stress *s)
{
	static const uint64_t features[] = { UINT64_MAX, UINT64_MAX, ~MQ, ~(MQ | CONTROL_VQ), PLAIN,
		PLAIN | MQ | CONTROL_VQ, ~VIRTIO_BIT(VIRTIO_RING_F_EVENT_IDX),
		~VIRTIO_BIT(VIRTIO_RING_F_INDIRECT_DESC) };

	if (stress_rnd(&s->seed, 8) == 0) /* any features: the device takes them or not */
		(void)guest_negotiate(
			s->dev, ((uint64_t)stress_rnd(&s->seed, 0xffffff) << 32) | stress_rnd(&s->seed, 0xffffff));
	up(s, features[stress_rnd(&s->seed, ARRAY_LEN(features))]);
	for (unsigned int i = stress_rnd(&s->seed, STEPS); i > 0; i--)
		step(s, stress_rnd(&s->seed, CONTROL + 1));
	reset(s);
}

/* ---- what goes on beside it ---- */

static void *loop_thread(void *arg)
{
	require(loop_run(arg) == 0, "the loop");
	return NULL;
}

/* The guest's second processor. */
static void *kick_thread(void *arg)
{
	struct stress *s = arg;
	unsigned int seed = 99;

	while (!atomic_load(&s->stop)) {
		reg_set(s->dev, VIRTIO_MMIO_QUEUE_NOTIFY, stress_rnd(&seed, CONTROL + 3));
		if (stress_rnd(&seed, 4) == 0)
			reg_set(s->dev, VIRTIO_MMIO_INTERRUPT_ACK, reg_get(s->dev, VIRTIO_MMIO_INTERRUPT_STATUS));
		(void)virtio_mmio_read(s->dev, VIRTIO_MMIO_CONFIG + stress_rnd(&seed, 24), 1);
		sched_yield();
	}
	return NULL;
}

/* Brings the tap's interface up or down. */
static void interface_set(int socket, bool is_up)
{
	struct ifreq ifr = { .ifr_name = "t0" };

	require(ioctl(socket, SIOCGIFFLAGS, &ifr) == 0, "SIOCGIFFLAGS");
	ifr.ifr_flags = (short)(is_up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
	require(ioctl(socket, SIOCSIFFLAGS, &ifr) == 0, "SIOCSIFFLAGS");
}

/* Sends a packet from the host's end of pair @i, and takes what has come there. */
static void exchange(struct stress *s, unsigned int i, unsigned int *seed)
{
	uint8_t packet[16384] = { 0 };

	/* whether there is room for it is the driver's business */
	(void)send(s->peers[i], packet, stress_rnd(seed, stress_rnd(seed, 16) ? 1514 : sizeof(packet)), MSG_DONTWAIT);
	while (recv(s->peers[i], packet, sizeof(packet), MSG_DONTWAIT) > 0)
		atomic_fetch_add(&s->from_guest, 1);
}

static void *host_thread(void *arg)
{
	struct virtio_net_counters counters;
	struct stress *s = arg;
	unsigned int seed = 7;

	while (!atomic_load(&s->stop)) {
		for (unsigned int i = 0; i < PAIRS && s->peers[i] >= 0; i++)
			exchange(s, i, &seed);
		if (stress_rnd(&seed, 64) == 0)
			virtio_net_set_link(s->dev, stress_rnd(&seed, 2));
		if (stress_rnd(&seed, 64) == 0)
			virtio_net_get_counters(s->dev, &counters);
		if (s->tap && stress_rnd(&seed, 256) == 0)
			interface_set(s->peers[0], stress_rnd(&seed, 2));
	}
	virtio_net_set_link(s->dev, true);
	if (s->tap)
		interface_set(s->peers[0], true);
	return NULL;
}

/* ---- the tests ---- */

/* Starts the device over @fds, which it takes. */
static void start(struct stress *s, const int fds[PAIRS])
{
	struct vm_nic nic = {
		.fds = { fds[0], fds[1], fds[2] }, .pairs = PAIRS, .mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500
	};
	struct err err = ERR_INIT;

	guest_init(&s->g);
	require(loop_new(&s->loop) == 0, "loop_new");
	require(netthreads_new(PAIRS, &s->threads, &err) == 0, err.msg);
	require(virtio_net_new(&s->g.mem, &nic, s->threads, &s->dev, &err) == 0, err.msg);
	require(virtio_start(s->dev, s->loop, &err) == 0, err.msg);
	require(netthreads_start(s->threads, &err) == 0, err.msg);
	s->bufs = guest_alloc(&s->g, BUFS_BYTES, 4096);
	s->message = guest_alloc(&s->g, 64, 16);
	s->brk = s->g.brk;
	s->seed = 1;
}

/* Has all pairs in use, as any driver may after a reset; the answer may be a second away. */
static void use_all_pairs(struct stress *s)
{
	static const uint8_t message[] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, PAIRS, 0 };
	uint8_t *at;
	uint32_t len;

	up(s, UINT64_MAX);
	at = guest_at(&s->g, s->message, 16);
	memcpy(at, message, sizeof(message));
	at[8] = 0xff;
	guest_put(&s->g, CONTROL, s->message, sizeof(message), s->message + 8, 1);
	guest_kick(&s->g, CONTROL);
	(void)guest_wait(&s->g, CONTROL, &len);
	assert_int_equal(at[8], VIRTIO_NET_OK);
}

/* A packet of each pair reaches the host. @tap: of one that the kernel gives away to the packet socket as a frame. */
static void every_pair_sends(struct stress *s)
{
	uint8_t packet[4096];
	uint32_t len;

	for (unsigned int pair = 0; pair < PAIRS; pair++) {
		int peer = s->tap ? s->peers[0] : s->peers[pair];
		uint8_t *at = guest_at(&s->g, s->bufs, 128);
		ssize_t n;

		while (recv(peer, packet, sizeof(packet), MSG_DONTWAIT) > 0)
			; /* what is there leaves no room for more */
		memset(at, 0, HDR);
		memset(at + HDR, (int)(0xa0 + pair), 64);
		guest_put(&s->g, TX(pair), s->bufs, HDR + 64, 0, 0);
		guest_kick(&s->g, TX(pair));
		(void)guest_wait(&s->g, TX(pair), &len);
		do /* the kernel has words of its own on a tap, and an error for an interface that was down */
			n = recv(peer, packet, sizeof(packet), 0);
		while (n < 1 || packet[n - 1] != 0xa0 + pair);
		assert_int_equal(n, s->tap ? 64 : HDR + 64);
	}
}

/* A packet of the host's reaches the guest by each pair, behind those that still wait; a tap's kernel chooses the pair. */
static void every_pair_receives(struct stress *s)
{
	const uint8_t *got = guest_at(&s->g, s->bufs, 2048);
	uint8_t packet[HDR + 60] = { 0 };
	uint32_t id, len;

	for (unsigned int pair = 0; pair < PAIRS && !s->tap; pair++) {
		struct guest_ring *r = &s->g.rings[RX(pair)];
		bool sent = false, came = false;

		packet[HDR] = (uint8_t)(0xb0 + pair);
		while (!came) {
			if (has_room(r))
				guest_put(&s->g, RX(pair), 0, 0, s->bufs, 2048);
			guest_kick(&s->g, RX(pair));
			sent = sent || send(s->peers[pair], packet, sizeof(packet), MSG_DONTWAIT) == sizeof(packet);
			sched_yield();
			while (ring_take(r, &id, &len))
				came = came || (len == sizeof(packet) && got[HDR] == packet[HDR]);
		}
	}
}

/* Everything at once until the time is up; then whether the device is as good as new. */
static void run(struct stress *s)
{
	struct timespec begin, now;
	pthread_t loop, kicks, host;

	stress_begin();
	require(pthread_create(&loop, NULL, loop_thread, s->loop) == 0, "thread");
	require(pthread_create(&kicks, NULL, kick_thread, s) == 0, "thread");
	require(pthread_create(&host, NULL, host_thread, s) == 0, "thread");
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		session(s);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - begin.tv_sec < (time_t)stress_seconds() + 1);
	atomic_store(&s->stop, true);
	require(pthread_join(kicks, NULL) == 0 && pthread_join(host, NULL) == 0, "join");
	use_all_pairs(s);
	every_pair_sends(s);
	every_pair_receives(s);
	loop_stop(s->loop);
	require(pthread_join(loop, NULL) == 0, "join");
	stress_end();
	print_message("%lu resets, %lu chains, %lu packets\n", s->resets, s->returned, atomic_load(&s->from_guest));
	assert_true(s->resets > 0 && s->returned > 0 && atomic_load(&s->from_guest) > 0);
}

static void finish(struct stress *s)
{
	netthreads_stop(s->threads);
	virtio_stop(s->dev);
	virtio_free(s->dev);
	netthreads_free(s->threads);
	loop_free(s->loop);
	for (unsigned int i = 0; i < PAIRS; i++)
		fd_close(s->peers[i]);
	guest_done(&s->g);
}

static void over_sockets(void **state)
{
	unsigned int before = fds_open(FDS_SEEN);
	struct stress s = { 0 };
	int fds[PAIRS], sv[2];

	(void)state;
	for (unsigned int i = 0; i < PAIRS; i++) {
		require(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv) == 0, "socketpair");
		s.peers[i] = sv[0];
		fds[i] = sv[1];
	}
	start(&s, fds);
	run(&s);
	finish(&s);
	assert_int_equal(fds_open(FDS_SEEN), before);
}

static void over_a_tap(void **state)
{
	struct stress s = { .peers = { -1, -1, -1 }, .tap = true };
	unsigned int before = fds_open(FDS_SEEN);
	int fds[PAIRS];

	(void)state;
	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
		(fds[0] = tap_open("t0", TAP_FLAGS)) < 0) {
		print_message("no tap in a network namespace of our own: %s\n", strerror(errno));
		assert_null(getenv("VMRUNC_MUST_WORK"));
		skip();
	}
	for (unsigned int i = 1; i < PAIRS; i++) {
		fds[i] = tap_open("t0", TAP_FLAGS);
		require(fds[i] >= 0, "a queue of the tap");
	}
	s.peers[0] = packet_socket("t0");
	start(&s, fds);
	run(&s);
	finish(&s);
	assert_int_equal(fds_open(FDS_SEEN), before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_sockets),
		cmocka_unit_test(over_a_tap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
