/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of virtio-net: over a datagram socket, and over a real tap in a network namespace of its own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "tap_fixture.h"
#include "test_virtio_guest.h"
#include "vm/virtio/net.h"
#include "vm/virtio/netstream.h"

enum { RX, TX };
#define HDR 12
#define PLAIN VIRTIO_BIT(VIRTIO_F_VERSION_1)
#define GUEST_USO6 VIRTIO_BIT(55) /* virtio 1.3 §5.1.3: older headers do not name them */
#define HOST_USO VIRTIO_BIT(56)

static const uint8_t mac[6] = { 0x02, 1, 2, 3, 4, 5 };

struct fixture {
	struct guest g;
	struct virtio_dev *dev;
	int peer;
	uint64_t bufs; /* 1 MiB */
	uint8_t packet[70000];
};

static int net_new(struct guest *g, int fd, uint16_t mtu, struct virtio_dev **ret, struct err *err)
{
	const struct vm_nic nic = { .fds = { fd }, .pairs = 1, .mac = { 0x02, 1, 2, 3, 4, 5 }, .mtu = mtu };
	return virtio_net_new(&g->mem, &nic, NULL, ret, err);
}

static struct fixture *fixture_new(int fd, uint16_t mtu)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = ERR_INIT;

	assert_non_null(f);
	guest_init(&f->g);
	f->peer = -1;
	assert_int_equal(net_new(&f->g, fd, mtu, &f->dev, &err), 0);
	f->bufs = guest_alloc(&f->g, 1 << 20, 4096);
	for (size_t i = 0; i < sizeof(f->packet); i++)
		f->packet[i] = (uint8_t)(i * 7 + (i >> 8));
	memset(f->packet, 0, HDR);
	return f;
}

static int setup(void **state)
{
	int sv[2], big = 1 << 20;
	struct fixture *f;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big)), 0);
	f = fixture_new(sv[1], 1400);
	f->peer = sv[0];
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	virtio_free(f->dev);
	fd_close(f->peer);
	guest_done(&f->g);
	free(f);
	return 0;
}

static void host_sends(struct fixture *f, size_t len)
{
	assert_int_equal(send(f->peer, f->packet, len, MSG_DONTWAIT), len);
}

static void serve(struct fixture *f, unsigned int queue)
{
	guest_kick(&f->g, queue);
	guest_serve(f->dev);
}

static void config_says_mac_mtu_and_link(void **state)
{
	struct fixture *f = *state;
	uint8_t got[6];

	guest_up(&f->g, f->dev, UINT64_MAX);
	for (uint32_t i = 0; i < 6; i++)
		got[i] = (uint8_t)virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG + i, 1);
	assert_memory_equal(got, mac, 6);
	assert_int_equal(virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG + 6, 2), VIRTIO_NET_S_LINK_UP);
	assert_int_equal(virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG + 10, 2), 1400);
	assert_true(f->dev->features & VIRTIO_BIT(VIRTIO_NET_F_MTU));
	assert_false(f->dev->features & VIRTIO_BIT(VIRTIO_NET_F_CSUM)); /* a socket offloads nothing */
	(void)guest_irqs(f->dev);
	virtio_net_set_link(f->dev, false);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(virtio_mmio_read(f->dev, VIRTIO_MMIO_CONFIG + 6, 2), 0);
}

static void packet_into_one_buffer(void **state)
{
	struct fixture *f = *state;
	uint32_t id, len;
	uint8_t *p;

	guest_up(&f->g, f->dev, UINT64_MAX);
	host_sends(f, HDR + 1500);
	guest_put(&f->g, RX, 0, 0, f->bufs, 2048);
	serve(f, RX);
	assert_true(ring_take(&f->g.rings[RX], &id, &len));
	assert_int_equal(len, HDR + 1500);
	p = guest_at(&f->g, f->bufs, 2048);
	assert_memory_equal(p, f->packet, 10);
	assert_int_equal(p[10] | p[11] << 8, 1); /* num_buffers */
	assert_memory_equal(p + HDR, f->packet + HDR, 1500);
}

/* Checks that the @n buffers of @size bytes hold the packet. */
static void check_spread(struct fixture *f, size_t packet_len, uint32_t size, unsigned int n)
{
	size_t off = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint8_t *p = guest_at(&f->g, f->bufs + (uint64_t)i * size, size);
		size_t skip = i == 0 ? HDR : 0;
		uint32_t id, len;

		assert_true(ring_take(&f->g.rings[RX], &id, &len));
		assert_int_equal(len, MIN(size, packet_len - off));
		assert_memory_equal(p + skip, f->packet + off + skip, len - skip);
		if (i == 0)
			assert_int_equal(p[10] | p[11] << 8, n);
		off += len;
	}
	assert_int_equal(off, packet_len);
}

static void large_packet_is_merged(void **state)
{
	static const struct {
		size_t len;
		uint32_t size;
	} cases[] = { { 65562, 1536 }, { 65562, 4096 }, { 1537, 1536 }, { 3072, 1536 }, { 3073, 1536 }, { 40, 12 } };

	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		struct fixture *f = *state;
		unsigned int n = (unsigned int)((cases[c].len + cases[c].size - 1) / cases[c].size);
		struct virtio_net_counters counters;
		uint32_t id, len;

		f->g.brk = f->bufs + (1 << 20);
		guest_up(&f->g, f->dev, UINT64_MAX);
		host_sends(f, cases[c].len);
		/* one too few: nothing is seen of it; then the last */
		for (unsigned int i = 0; i + 1 < n; i++)
			guest_put(&f->g, RX, 0, 0, f->bufs + (uint64_t)i * cases[c].size, cases[c].size);
		serve(f, RX);
		assert_false(ring_take(&f->g.rings[RX], &id, &len));
		guest_put(&f->g, RX, 0, 0, f->bufs + (uint64_t)(n - 1) * cases[c].size, cases[c].size);
		serve(f, RX);
		check_spread(f, cases[c].len, cases[c].size, n);
		virtio_net_get_counters(f->dev, &counters);
		assert_int_equal(counters.rx_dropped, 0);
	}
}

static void header_may_be_cut_anywhere(void **state)
{
	struct fixture *f = *state;
	struct guest_ring *r;
	uint32_t id, len;
	uint8_t *p;

	guest_up(&f->g, f->dev, UINT64_MAX);
	r = &f->g.rings[RX];
	for (uint16_t i = 0; i < 13; i++) /* 12 buffers of a byte, and one for the rest; apart from each other */
		ring_desc(r, i, f->bufs + i * 100ull, i < 12 ? 1 : 64,
			VRING_DESC_F_WRITE | (i < 12 ? VRING_DESC_F_NEXT : 0), (uint16_t)(i + 1));
	ring_avail(r, 0);
	ring_desc(r, 20, f->bufs + 8192, 4096, VRING_DESC_F_WRITE, 0);
	ring_avail(r, 20);
	host_sends(f, HDR + 100);
	serve(f, RX);
	assert_true(ring_take(r, &id, &len));
	assert_int_equal(len, HDR + 64);
	assert_true(ring_take(r, &id, &len));
	assert_int_equal(len, 36);
	p = guest_at(&f->g, f->bufs, 1300);
	assert_int_equal(p[1000] | p[1100] << 8, 2);
	assert_memory_equal(p + 1200, f->packet + HDR, 64);
	assert_memory_equal(guest_at(&f->g, f->bufs + 8192, 36), f->packet + HDR + 64, 36);
}

static void packet_too_large_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct virtio_net_counters counters;
	uint32_t id, len;

	/* without merging a packet has one chain */
	guest_up(&f->g, f->dev, PLAIN);
	host_sends(f, HDR + 3000);
	host_sends(f, HDR + 100);
	guest_put(&f->g, RX, 0, 0, f->bufs, 2048);
	guest_put(&f->g, RX, 0, 0, f->bufs + 2048, 2048);
	serve(f, RX);
	assert_true(ring_take(&f->g.rings[RX], &id, &len));
	assert_int_equal(len, HDR + 100); /* the next one is fine */
	virtio_net_get_counters(f->dev, &counters);
	assert_int_equal(counters.rx_dropped, 1);
	/* with merging: a whole ring of small buffers does not suffice either */
	guest_up(&f->g, f->dev, UINT64_MAX);
	host_sends(f, 65000);
	for (int i = 0; i < 256; i++)
		guest_put(&f->g, RX, 0, 0, f->bufs, 64);
	serve(f, RX);
	assert_false(ring_take(&f->g.rings[RX], &id, &len));
	virtio_net_get_counters(f->dev, &counters);
	assert_int_equal(counters.rx_dropped, 2);
	assert_int_equal(f->dev->queues[RX].vq.in_flight, 0);
}

static void buffer_without_header_room_breaks(void **state)
{
	struct fixture *f = *state;

	guest_up(&f->g, f->dev, UINT64_MAX);
	host_sends(f, HDR + 100);
	guest_put(&f->g, RX, 0, 0, f->bufs, HDR - 1);
	serve(f, RX);
	assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS), 0xf | VIRTIO_CONFIG_S_NEEDS_RESET);
	guest_up(&f->g, f->dev, UINT64_MAX); /* and the packet is not lost */
	guest_put(&f->g, RX, 0, 0, f->bufs, 2048);
	serve(f, RX);
	assert_int_equal(f->g.rings[RX].used->idx, 1);
}

static void guest_sends_packets(void **state)
{
	static const struct {
		uint32_t len;
		bool sent;
	} cases[] = { { HDR + 60, true }, { HDR, false }, { 5, false }, { 65562, true }, { 65600, false },
		{ 1 << 20, false }, { HDR + 1, true } };
	struct fixture *f = *state;
	struct virtio_net_counters counters;
	uint8_t got[70000];
	uint32_t id, len, dropped = 0;

	guest_up(&f->g, f->dev, UINT64_MAX);
	memcpy(guest_at(&f->g, f->bufs, sizeof(f->packet)), f->packet, sizeof(f->packet));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		guest_put(&f->g, TX, f->bufs, cases[i].len, 0, 0);
		serve(f, TX);
		assert_true(ring_take(&f->g.rings[TX], &id, &len));
		assert_int_equal(len, 0);
		dropped += !cases[i].sent;
		assert_int_equal(
			recv(f->peer, got, sizeof(got), MSG_DONTWAIT), cases[i].sent ? (ssize_t)cases[i].len : -1);
		if (cases[i].sent)
			assert_memory_equal(got, f->packet, cases[i].len);
	}
	virtio_net_get_counters(f->dev, &counters);
	assert_int_equal(counters.tx_dropped, dropped);
}

static void full_tap_holds_packets(void **state)
{
	struct fixture *f = *state;
	unsigned int home = 0, sent;
	uint8_t got[2048];
	uint32_t id, len;

	guest_up(&f->g, f->dev, UINT64_MAX);
	for (int i = 0; i < 200; i++)
		guest_put(&f->g, TX, f->bufs, HDR + 1000, 0, 0);
	serve(f, TX);
	while (ring_take(&f->g.rings[TX], &id, &len))
		home++;
	assert_true(home > 0 && home < 200);
	for (sent = 0; recv(f->peer, got, sizeof(got), MSG_DONTWAIT) > 0; sent++)
		;
	assert_int_equal(sent, home); /* each once: none was lost, none sent and kept */
}

static void features_need_each_other(void **state)
{
	static const struct {
		uint64_t bits;
		bool ok;
	} cases[] = {
		{ VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4), false },
		{ VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6), false },
		{ VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM), true },
		{ VIRTIO_BIT(VIRTIO_NET_F_GUEST_ECN) | VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM), false },
		{ VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4), false },
		{ VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_BIT(VIRTIO_NET_F_CSUM), true },
		{ VIRTIO_BIT(VIRTIO_NET_F_HOST_ECN) | VIRTIO_BIT(VIRTIO_NET_F_CSUM), false },
		{ GUEST_USO6 | HOST_USO | VIRTIO_BIT(VIRTIO_NET_F_CSUM), false },
	};
	struct fixture *f = *state;

	f->dev->features |= (0x7fff & ~(1u << 2)) | GUEST_USO6 | HOST_USO; /* as a tap offers */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
			!!(guest_negotiate(f->dev, PLAIN | cases[i].bits) & VIRTIO_CONFIG_S_FEATURES_OK), cases[i].ok);
}

static void foreign_descriptors_are_refused(void **state)
{
	struct virtio_dev *dev;
	struct err err = ERR_INIT;
	struct guest g;

	(void)state;
	guest_init(&g);
	assert_int_equal(net_new(&g, open("/dev/null", O_RDWR | O_CLOEXEC), 0, &dev, &err), -ENOTTY);
	assert_string_equal(err.msg, "virtio net: not a tap: Inappropriate ioctl for device");
	guest_done(&g);
}

/* ---- a real tap ---- */

#define TEST_TYPE 0x88b5 /* IEEE's for experiments: nothing else is sent with it */

static void frame(uint8_t *p, uint8_t fill, size_t len)
{
	memset(p, fill, len);
	memset(p, 0xff, 6);
	memcpy(p + 6, mac, 6);
	p[12] = TEST_TYPE >> 8;
	p[13] = TEST_TYPE & 0xff;
}

static void uso_follows_the_tap(struct fixture *f, int tap)
{
	bool has = ioctl(tap, TUNSETOFFLOAD, 0x1 | 0x20 | 0x40) == 0 && ioctl(tap, TUNSETOFFLOAD, 0) == 0;

	assert_int_equal(f->dev->features & (GUEST_USO6 | HOST_USO), has ? GUEST_USO6 | HOST_USO : 0);
	guest_up(&f->g, f->dev, ~GUEST_USO6); /* a tap takes both halves or none: the device works all the same */
	assert_true(virtio_live(f->dev));
}

static void tap_carries_frames(void **state)
{
	struct virtio_dev *dev;
	struct err err = ERR_INIT;
	struct fixture *f;
	uint8_t buf[1500], *p;
	uint32_t id, len;
	int tap = -1;

	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
		(tap = tap_open("t0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)) < 0) {
		print_message("no tap in a network namespace of our own: %s\n", strerror(errno));
		assert_null(getenv("VMRUNC_MUST_WORK"));
		skip();
	}
	f = fixture_new(tap, 1500);
	*state = f;
	f->peer = packet_socket("t0");
	assert_true(f->dev->features & VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4));
	uso_follows_the_tap(f, tap);
	guest_up(&f->g, f->dev, UINT64_MAX);

	/* guest to host */
	frame(guest_at(&f->g, f->bufs + HDR, 100), 0x11, 100);
	guest_put(&f->g, TX, f->bufs, HDR + 100, 0, 0);
	serve(f, TX);
	assert_true(ring_take(&f->g.rings[TX], &id, &len));
	do
		assert_true(recv(f->peer, buf, sizeof(buf), 0) > 0);
	while (buf[12] != TEST_TYPE >> 8 || buf[13] != (TEST_TYPE & 0xff));
	assert_memory_equal(buf, guest_at(&f->g, f->bufs + HDR, 100), 100);

	/* a header that the kernel refuses: dropped */
	p = guest_at(&f->g, f->bufs, HDR);
	p[0] = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	p[6] = p[7] = 0xff; /* csum_start far behind the frame */
	guest_put(&f->g, TX, f->bufs, HDR + 100, 0, 0);
	serve(f, TX);
	assert_true(ring_take(&f->g.rings[TX], &id, &len));

	/* host to guest; the kernel's own chatter (IPv6) may come before */
	for (int i = 0; i < 64; i++)
		guest_put(&f->g, RX, 0, 0, f->bufs + 65536 + i * 2048ull, 2048);
	frame(buf, 0x22, 1000);
	assert_int_equal(send(f->peer, buf, 1000, 0), 1000);
	serve(f, RX);
	do {
		assert_true(ring_take(&f->g.rings[RX], &id, &len));
		p = guest_at(&f->g, f->bufs + 65536 + id * 2048ull, 2048);
	} while (len != HDR + 1000);
	assert_memory_equal(p + HDR, buf, 1000);
	assert_int_equal(p[10] | p[11] << 8, 1);

	/* one made otherwise */
	tap = tap_open("t1", IFF_TAP | IFF_NO_PI);
	assert_true(tap >= 0);
	assert_int_equal(net_new(&f->g, tap, 0, &dev, &err), -EINVAL);
	assert_string_equal(err.msg, "virtio net: tap 't1' was not made with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR");
	(void)teardown(state);
}

struct burst {
	struct loop *loop;
	struct fixture *f;
	unsigned int frames, rounds;
};

/* Counts the frames of ours that the guest has got, and stops the loop when all are there or after 5 s. */
static void on_tick(void *arg)
{
	struct burst *b = arg;
	struct watch *timer;
	uint32_t id, len;

	while (ring_take(&b->f->g.rings[RX], &id, &len))
		b->frames += len == HDR + 1000;
	if (b->frames == 200 || ++b->rounds == 500)
		loop_stop(b->loop);
	else
		assert_int_equal(timer_new(b->loop, 10, on_tick, b, &timer), 0);
}

/* More frames at once than one turn takes, and the guest, which has buffers enough, never kicks: all of them arrive. */
static void burst_goes_on_after_a_turn(void **state)
{
	struct burst b = { .frames = 0 };
	struct err err = ERR_INIT;
	struct watch *timer;
	uint8_t buf[1000];
	int tap = -1;

	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
		(tap = tap_open("t2", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)) < 0) {
		print_message("no tap in a network namespace of our own: %s\n", strerror(errno));
		assert_null(getenv("VMRUNC_MUST_WORK"));
		skip();
	}
	b.f = fixture_new(tap, 1500);
	*state = b.f;
	b.f->peer = packet_socket("t2");
	guest_up(&b.f->g, b.f->dev, UINT64_MAX);
	assert_int_equal(loop_new(&b.loop), 0);
	assert_int_equal(virtio_start(b.f->dev, b.loop, &err), 0);
	for (int i = 0; i < 256; i++)
		guest_put(&b.f->g, RX, 0, 0, b.f->bufs + i * 2048ull, 2048);
	serve(b.f, RX); /* nothing has come: the device waits for the tap */
	frame(buf, 0x33, sizeof(buf));
	for (int i = 0; i < 200; i++)
		assert_int_equal(send(b.f->peer, buf, sizeof(buf), 0), sizeof(buf));
	assert_int_equal(timer_new(b.loop, 10, on_tick, &b, &timer), 0);
	assert_int_equal(loop_run(b.loop), 0);
	assert_int_equal(b.frames, 200);
	virtio_stop(b.f->dev);
	loop_free(b.loop);
	(void)teardown(state);
}

/* --- a stream socket --- */

static int setup_stream(void **state)
{
	int sv[2];
	struct fixture *f;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	f = fixture_new(sv[1], 1400);
	f->peer = sv[0];
	*state = f;
	return 0;
}

/* Reads @len bytes of what the device has sent: whether they are there. */
static bool peer_gets(struct fixture *f, void *buf, size_t len)
{
	return recv(f->peer, buf, len, MSG_DONTWAIT | MSG_WAITALL) == (ssize_t)len;
}

static void stream_gets_frames_behind_their_lengths(void **state)
{
	static const struct {
		uint32_t len;
		bool sent;
	} cases[] = { { HDR + 60, true }, { HDR, false }, { HDR + 13, false }, { HDR + 14, true },
		{ HDR + 65535, true }, { HDR + 65536, false }, { 1 << 20, false }, { HDR + 1500, true } };
	struct fixture *f = *state;
	struct virtio_net_counters counters;
	uint32_t id, len, dropped = 0, prefix;
	uint8_t got[70000];

	guest_up(&f->g, f->dev, UINT64_MAX);
	memcpy(guest_at(&f->g, f->bufs, sizeof(f->packet)), f->packet, sizeof(f->packet));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		guest_put(&f->g, TX, f->bufs, cases[i].len, 0, 0);
		serve(f, TX);
		assert_true(ring_take(&f->g.rings[TX], &id, &len));
		dropped += !cases[i].sent;
		if (!cases[i].sent)
			continue;
		assert_true(peer_gets(f, &prefix, sizeof(prefix)));
		assert_int_equal(ntohl(prefix), cases[i].len - HDR);
		assert_true(peer_gets(f, got, cases[i].len - HDR));
		assert_memory_equal(got, f->packet + HDR, cases[i].len - HDR);
	}
	assert_int_equal(recv(f->peer, got, 1, MSG_DONTWAIT), -1);
	virtio_net_get_counters(f->dev, &counters);
	assert_int_equal(counters.tx_dropped, dropped);
}

/* A socket that is full takes part of a frame: the rest comes first when there is room, and nothing between. */
static void full_stream_keeps_its_place(void **state)
{
	struct fixture *f = *state;
	struct netstream *s;
	struct iovec iov = { .iov_base = f->packet, .iov_len = HDR + 60001 };
	unsigned int sent = 0, got_frames = 0;
	bool dropped = true;
	uint8_t got[70000];
	uint32_t prefix;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	fd_close(f->peer);
	f->peer = sv[0];
	s = netstream_new(sv[1]);
	assert_non_null(s);
	assert_false(netstream_flush(s));
	while (netstream_write(s, HDR, &iov, 1, iov.iov_len, &dropped) == 1) {
		assert_false(dropped);
		sent++;
	}
	assert_true(sent > 1 && sent < 100);
	while (got_frames < sent) {
		assert_true(peer_gets(f, &prefix, sizeof(prefix)));
		assert_int_equal(ntohl(prefix), 60001);
		for (size_t have = 0; have < 60001;) {
			ssize_t n = recv(f->peer, got + have, 60001 - have, MSG_DONTWAIT);

			assert_true(n > 0 || netstream_flush(s) || errno == EAGAIN);
			have += n > 0 ? (size_t)n : 0;
		}
		assert_memory_equal(got, f->packet + HDR, 60001);
		got_frames++;
	}
	assert_int_equal(recv(f->peer, got, 1, MSG_DONTWAIT), -1);
	netstream_free(s);
	fd_close(sv[1]);
}

static void stream_is_cut_into_frames(void **state)
{
	struct fixture *f = *state;
	uint32_t id, len, prefix = htonl(1500), small = htonl(60);
	uint8_t *p;

	guest_up(&f->g, f->dev, UINT64_MAX);
	for (int i = 0; i < 3; i++)
		guest_put(&f->g, RX, 0, 0, f->bufs + i * 2048ull, 2048);
	/* in pieces, which end within a length and within a frame; then two frames at once */
	assert_int_equal(send(f->peer, &prefix, 2, 0), 2);
	serve(f, RX);
	assert_int_equal(send(f->peer, (char *)&prefix + 2, 2, 0), 2);
	assert_int_equal(send(f->peer, f->packet, 700, 0), 700);
	serve(f, RX);
	assert_false(ring_take(&f->g.rings[RX], &id, &len));
	assert_int_equal(send(f->peer, f->packet + 700, 800, 0), 800);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(send(f->peer, &small, sizeof(small), 0), sizeof(small));
		assert_int_equal(send(f->peer, f->packet + i, 60, 0), 60);
	}
	serve(f, RX);
	assert_true(ring_take(&f->g.rings[RX], &id, &len));
	assert_int_equal(len, HDR + 1500);
	p = guest_at(&f->g, f->bufs, 2048);
	assert_memory_equal(p, "\0\0\0\0\0\0\0\0\0\0\1\0", HDR);
	assert_memory_equal(p + HDR, f->packet, 1500);
	for (uint64_t i = 0; i < 2; i++) {
		assert_true(ring_take(&f->g.rings[RX], &id, &len));
		assert_int_equal(len, HDR + 60);
		assert_memory_equal(guest_at(&f->g, f->bufs + (i + 1) * 2048 + HDR, 60), f->packet + i, 60);
	}
}

/* A length that no frame has, or a peer that goes, is the end: nothing comes any more, and what is sent is dropped. */
static void stream_ends(void **state)
{
	struct fixture *f = *state;
	static const uint32_t wrong[] = { 0, 13, 65536, UINT32_MAX };
	uint8_t first[sizeof(uint32_t) + 60] = { 0, 0, 0, 60 };
	uint32_t id, len;

	for (size_t i = 0; i <= ARRAY_LEN(wrong); i++) {
		uint32_t prefix = i < ARRAY_LEN(wrong) ? htonl(wrong[i]) : 0;

		if (i > 0) {
			(void)teardown(state);
			(void)setup_stream(state);
			f = *state;
		}
		guest_up(&f->g, f->dev, UINT64_MAX);
		guest_put(&f->g, RX, 0, 0, f->bufs, 2048);
		if (i < ARRAY_LEN(wrong)) { /* it is in memory already when the frame before it is taken */
			assert_int_equal(send(f->peer, first, sizeof(first), 0), sizeof(first));
			assert_int_equal(send(f->peer, &prefix, sizeof(prefix), 0), sizeof(prefix));
			for (int n = 0; n < 40; n++)
				assert_int_equal(send(f->peer, f->packet, 2000, 0), 2000);
			serve(f, RX);
			assert_true(ring_take(&f->g.rings[RX], &id, &len));
			assert_int_equal(len, HDR + 60);
			guest_put(&f->g, RX, 0, 0, f->bufs, 2048);
		} else {
			fd_close(steal_fd(&f->peer));
		}
		serve(f, RX);
		serve(f, RX);
		assert_false(ring_take(&f->g.rings[RX], &id, &len));
		assert_int_equal(reg_get(f->dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET, 0);
		guest_put(&f->g, TX, f->bufs, HDR + 60, 0, 0);
		serve(f, TX);
		assert_true(ring_take(&f->g.rings[TX], &id, &len)); /* no SIGPIPE either */
	}
}

#define stream_test(name) cmocka_unit_test_setup_teardown(name, setup_stream, teardown)
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(config_says_mac_mtu_and_link),
		test(packet_into_one_buffer),
		test(large_packet_is_merged),
		test(header_may_be_cut_anywhere),
		test(packet_too_large_is_dropped),
		test(buffer_without_header_room_breaks),
		test(guest_sends_packets),
		test(full_tap_holds_packets),
		test(features_need_each_other),
		stream_test(stream_gets_frames_behind_their_lengths),
		stream_test(full_stream_keeps_its_place),
		stream_test(stream_is_cut_into_frames),
		stream_test(stream_ends),
		cmocka_unit_test(foreign_descriptors_are_refused),
		cmocka_unit_test(tap_carries_frames),
		cmocka_unit_test(burst_goes_on_after_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
