/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a guest that does what it likes with a virtio device.
 *
 * The input is a small program. Its first byte chooses the device; operations follow: register accesses, writes into RAM,
 * well-formed steps that mutated bytes would hardly ever make (bring the device up, make a chain available), kicks, and
 * bytes from the host's side. Its end may ask for faults of calls (kernel.h). RAM has guard pages on both sides, so that an access to one byte outside it is a crash.
 *
 * The 9p device is not here, because its threads would make a run depend on more than its input: fuzz_p9 has the server
 * behind it.
 *
 * Built with -fsanitize=fuzzer (`make fuzz-virtio`) it fuzzes. Otherwise main() replays the files in its arguments or,
 * without any, the corpus of the source tree and some thousand inputs from a fixed seed: that is what `make check` does.
 */
#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/virtio_console.h>
#include <linux/virtio_net.h>

#include "base/fd.h"
#include "base/loop.h"
#include "tests/fuzz/kernel.h"
#include "vm/machine/layout.h"
#include "vm/virtio/balloon.h"
#include "vm/virtio/console.h"
#include "vm/virtio/mmio.h"
#include "vm/virtio/net.h"
#include "vm/virtio/rng.h"

#define LOW_SIZE (512 * KIB)
#define HIGH_SIZE (64 * KIB)
#define GUARD (64 * KIB)

/* Where OP_UP puts the rings of queue q, of VIRTQ_SIZE_MAX entries at most; and where most buffers are. */
#define RING_BYTES 0x3000ull
#define RING_GPA(q) (0x10000ull + RING_BYTES * (q))
#define RING_AVAIL 0x1000u
#define RING_USED 0x1800u
#define RING_SHORT 8 /* entries of a ring that soon wraps, and is soon full */
#define BUFFERS_GPA 0x30000ull

#define CONSOLE_CTRL_TX 3u /* virtio 1.2 §5.3.2 */
#define NET_CTRL 4u        /* §5.1.2: of a device with NET_PAIRS pairs */
#define NET_PAIRS 2

#define NET_OF_FRAMES 0x10u /* of the device's byte: a network device's socket is a stream */
#define NET_OF_PAIRS 0x20u  /* it has several pairs of queues, each with a socket of datagrams */

#define OPS_MAX 4096
#define INPUT_MAX 65536

struct fuzz {
	struct mem mem;
	struct virtio_dev *dev;
	int peer;    /* the other end of the device's socket, or -1 */
	int second;  /* that of the socket of its second pair, or -1 */
	bool frames; /* that socket is a stream of frames, each behind its length */
	struct loop *loop;
	const uint8_t *in, *end;
};

/* ---- input ---- */

static uint64_t take(struct fuzz *f, unsigned int bytes)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < bytes && f->in < f->end; i++)
		v |= (uint64_t)*f->in++ << (8 * i);
	return v;
}

/* ---- the machine ---- */

/* Gives the input RAM of zeros. It is mapped once, and cleared: to map it anew would take longer. */
static void ram_init(struct fuzz *f)
{
	const size_t total = LOW_SIZE + HIGH_SIZE + 3 * GUARD;
	static uint8_t *map = MAP_FAILED;

	if (map == MAP_FAILED) {
		map = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (map == MAP_FAILED || mprotect(map + GUARD, LOW_SIZE, PROT_READ | PROT_WRITE) < 0 ||
			mprotect(map + 2 * GUARD + LOW_SIZE, HIGH_SIZE, PROT_READ | PROT_WRITE) < 0)
			abort();
	}
	memset(map + GUARD, 0, LOW_SIZE);
	memset(map + 2 * GUARD + LOW_SIZE, 0, HIGH_SIZE);
	f->mem.regions[0] = (struct mem_region){ 0, LOW_SIZE, map + GUARD };
	f->mem.regions[1] = (struct mem_region){ LAYOUT_HOLE_END, HIGH_SIZE, map + 2 * GUARD + LOW_SIZE };
	f->mem.regions_len = 2;
}

/* Copies what is written, so that a sanitizer sees every byte read. */
static void log_sink(void *arg, const void *data, size_t len)
{
	static uint8_t text[4096];

	(void)arg;
	for (size_t at = 0; at < len; at += sizeof(text))
		memcpy(text, (const uint8_t *)data + at, MIN(sizeof(text), len - at));
}

static int device_new(struct fuzz *f, unsigned int which)
{
	struct vm_nic nic = { .pairs = 1, .mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500 };
	int sv[2] = { -1, -1 };
	struct err err;

	f->peer = f->second = -1;
	f->frames = which % 4 == 3 && which & NET_OF_FRAMES;
	if (which % 4 >= 2 &&
		socketpair(AF_UNIX, (which % 4 == 2 || f->frames ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0, sv) < 0)
		abort();
	f->peer = sv[0];
	nic.fds[0] = sv[1];
	if (which % 4 == 3 && which & NET_OF_PAIRS && !f->frames) {
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sv) < 0)
			abort();
		f->second = sv[0];
		nic.fds[1] = sv[1];
		nic.pairs = NET_PAIRS;
	}
	switch (which % 4) {
	case 0:
		return virtio_rng_new(&f->mem, &f->dev, &err);
	case 1:
		return virtio_balloon_new(&f->mem, &f->dev, &err);
	case 2:
		return virtio_console_new(&f->mem, sv[1], "port", log_sink, NULL, &f->dev, &err);
	default:
		return virtio_net_new(&f->mem, &nic, NULL, &f->dev, &err);
	}
}

/* ---- operations ---- */

/* The last values of an operation's byte are steps of a driver that keeps to the rules, and of the host's loop. */
enum { OP_HOST_ASK = 27, OP_HANG_UP, OP_CHAIN, OP_CONTROL, OP_LOOP };
enum { OP_WRITE, OP_READ, OP_POKE, OP_DESC, OP_AVAIL, OP_TURN, OP_HOST_SEND, OP_HOST_RECV, OP_UP, OPS };

static void set(struct fuzz *f, uint32_t offset, uint64_t value)
{
	virtio_mmio_write(f->dev, offset, 4, value);
}

/*
 * Goes through all that a driver does to bring a device up, without the features whose bits the input has; with rings of
 * the device's own largest sizes, or with short ones. With all features the device must run then.
 */
static void op_up(struct fuzz *f, bool largest)
{
	uint64_t without = take(f, 8), features = f->dev->features & ~without;

	features |= VIRTIO_BIT(VIRTIO_F_VERSION_1);
	set(f, VIRTIO_MMIO_STATUS, 0);
	set(f, VIRTIO_MMIO_STATUS, 1);
	set(f, VIRTIO_MMIO_STATUS, 3);
	for (unsigned int sel = 0; sel < 2; sel++) {
		set(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, sel);
		set(f, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> (32 * sel)));
	}
	set(f, VIRTIO_MMIO_STATUS, 11);
	for (unsigned int q = 0; q < f->dev->queues_len; q++) {
		const uint16_t max = f->dev->queues[q].vq.size_max;

		set(f, VIRTIO_MMIO_QUEUE_SEL, q);
		set(f, VIRTIO_MMIO_QUEUE_NUM, largest ? max : MIN(max, RING_SHORT));
		set(f, VIRTIO_MMIO_QUEUE_DESC_LOW, RING_GPA(q));
		set(f, VIRTIO_MMIO_QUEUE_AVAIL_LOW, RING_GPA(q) + RING_AVAIL);
		set(f, VIRTIO_MMIO_QUEUE_USED_LOW, RING_GPA(q) + RING_USED);
		set(f, VIRTIO_MMIO_QUEUE_READY, 1);
	}
	memset(mem_at(&f->mem, RING_GPA(0), RING_BYTES * f->dev->queues_len), 0, RING_BYTES * f->dev->queues_len);
	set(f, VIRTIO_MMIO_STATUS, 15);
	if (without == 0 && !virtio_live(f->dev))
		abort();
}

/* How many entries the ring of queue @q has; of a queue that the device does not have: RING_SHORT. */
static unsigned int ring_size(const struct fuzz *f, unsigned int q)
{
	unsigned int size = q < f->dev->queues_len ? f->dev->queues[q].vq.s.size : 0;

	return size > 0 && size <= VIRTQ_SIZE_MAX ? size : RING_SHORT;
}

/* An address: mostly one in RAM, often one at an edge of it. */
static uint64_t take_gpa(struct fuzz *f)
{
	static const uint64_t edges[] = { LOW_SIZE, LAYOUT_HOLE_END, LAYOUT_HOLE_END + HIGH_SIZE, UINT64_MAX };
	uint8_t how = (uint8_t)take(f, 1);

	if (how < 0xc0)
		return BUFFERS_GPA + take(f, 2);
	if (how < 0xf0)
		return edges[how % ARRAY_LEN(edges)] - take(f, 1);
	return take(f, 8);
}

static void op_desc(struct fuzz *f)
{
	unsigned int q = (unsigned int)take(f, 1) % 8, size = ring_size(f, q),
		     i = (unsigned int)take(f, 1) % (size + 1);
	struct vring_desc d = { .addr = take_gpa(f) };

	d.len = (uint32_t)take(f, 1) << (take(f, 1) % 25);
	d.flags = (uint16_t)(take(f, 1) % 8);
	d.next = (uint16_t)(take(f, 1) % (size + 2));
	memcpy(mem_at(&f->mem, RING_GPA(q) + 16ull * i, sizeof(d)), &d, sizeof(d));
}

static void op_avail(struct fuzz *f)
{
	unsigned int q = (unsigned int)take(f, 1) % 8, size = ring_size(f, q);
	uint8_t head = (uint8_t)take(f, 1);
	struct vring_avail *avail = mem_at(&f->mem, RING_GPA(q) + RING_AVAIL, RING_USED - RING_AVAIL);

	avail->ring[avail->idx % size] = head % 16 < 15 ? (uint16_t)(head % size) : head;
	avail->idx++;
}

static void op_poke(struct fuzz *f)
{
	uint64_t gpa = take_gpa(f);
	unsigned int len = 1u << (take(f, 1) % 4);
	uint64_t value = take(f, len);
	void *p = mem_at(&f->mem, gpa, len);

	if (p)
		memcpy(p, &value, len);
}

static void op_host_send(struct fuzz *f)
{
	static uint8_t bytes[65700];
	size_t len = (size_t)take(f, 1) << (take(f, 1) % 9);

	if (f->frames) { /* frames of one length, the last of which may be a part: the next bytes are, or are not, its rest */
		uint32_t length = (uint32_t)take(f, 2), prefix = htobe32(length);

		for (size_t at = 0; at + sizeof(prefix) < sizeof(bytes); at += sizeof(prefix) + length)
			memcpy(bytes + at, &prefix, sizeof(prefix));
	}
	if (f->peer >= 0)
		(void)!send(f->peer, bytes, MIN(len, sizeof(bytes)), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (f->second >= 0)
		(void)!send(f->second, bytes, MIN(len, sizeof(bytes)), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void op_host_recv(struct fuzz *f)
{
	static uint8_t bytes[65700];

	if (f->peer >= 0)
		(void)!recv(f->peer, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (f->second >= 0)
		(void)!recv(f->second, bytes, sizeof(bytes), MSG_DONTWAIT);
}

/* Makes a chain of one descriptor, or of two (the driver's and the device's), available and kicks its queue. */
static void chain_put(struct fuzz *f, unsigned int q, uint64_t gpa, uint32_t out, uint32_t in)
{
	unsigned int size = ring_size(f, q);
	struct vring_desc *table = mem_at(&f->mem, RING_GPA(q), 16ull * size);
	struct vring_avail *avail = mem_at(&f->mem, RING_GPA(q) + RING_AVAIL, RING_USED - RING_AVAIL);
	uint16_t i = (uint16_t)(2 * avail->idx % size), second = (uint16_t)((i + 1) % size);

	if (q >= f->dev->queues_len || size < 2)
		return;
	table[i] = (struct vring_desc){ gpa, out ? out : in, out ? 0 : VRING_DESC_F_WRITE, second };
	if (out && in) {
		table[i].flags = VRING_DESC_F_NEXT;
		table[second] = (struct vring_desc){ gpa + out, in, VRING_DESC_F_WRITE, 0 };
	}
	avail->ring[avail->idx % size] = i;
	avail->idx++;
	set(f, VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

static void op_chain(struct fuzz *f)
{
	unsigned int q = (unsigned int)take(f, 1) % 8;
	uint32_t out = (uint32_t)take(f, 2), in = (uint32_t)take(f, 2);

	chain_put(f, q, BUFFERS_GPA, out, in);
}

/* A message of the guest on the network's control queue: nearly one that asks for some pairs. */
static void op_net_control(struct fuzz *f)
{
	uint8_t message[4] = { VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET };
	/* without several pairs it stands behind the first, where a device that has them has a queue of the second */
	unsigned int q = virtio_has(f->dev, VIRTIO_NET_F_MQ) ? NET_CTRL : 2;

	message[0] = (uint8_t)(message[0] + take(f, 1) % 2);
	message[2] = (uint8_t)(take(f, 1) % (NET_PAIRS + 2));
	memcpy(mem_at(&f->mem, BUFFERS_GPA, sizeof(message)), message, sizeof(message));
	chain_put(f, q, BUFFERS_GPA, sizeof(message), 1);
	if (q < f->dev->queues_len)
		virtio_queue_turn(&f->dev->queues[q]);
}

/* A message of the guest on the control queue of a console, or of a network device. */
static void op_control(struct fuzz *f)
{
	struct virtio_console_control message = { .id = 0 };

	if (f->dev->ops->id == VIRTIO_ID_NET) {
		op_net_control(f);
		return;
	}
	message.id = (uint32_t)take(f, 1);
	message.event = (uint16_t)take(f, 1);
	message.value = (uint16_t)take(f, 1);
	memcpy(mem_at(&f->mem, BUFFERS_GPA, sizeof(message)), &message, sizeof(message));
	chain_put(f, CONSOLE_CTRL_TX, BUFFERS_GPA, sizeof(message), 0);
	if (CONSOLE_CTRL_TX < f->dev->queues_len)
		virtio_queue_turn(&f->dev->queues[CONSOLE_CTRL_TX]);
}

static void on_tick(void *arg, uint32_t events)
{
	(void)events;
	loop_stop(arg);
}

/* Runs the device's watches once: kicks that wait, and what has come through the socket. */
static void op_loop(struct fuzz *f)
{
	if (loop_run(f->loop) < 0)
		abort();
}

/* What the host asks of a device: that a balloon has another size, that a link goes down or up. */
static void op_host_ask(struct fuzz *f)
{
	uint32_t value = (uint32_t)take(f, 4);

	if (f->dev->ops->id == VIRTIO_ID_BALLOON) {
		virtio_balloon_set_target(f->dev, value);
		(void)virtio_balloon_actual(f->dev); /* GUEST: any value */
	} else if (f->dev->ops->id == VIRTIO_ID_NET) {
		struct virtio_net_counters counters;

		virtio_net_set_link(f->dev, value & 1);
		virtio_net_get_counters(f->dev, &counters);
	}
}

/* The well-formed steps. False: @op is none of them. */
static bool good_op(struct fuzz *f, uint8_t op)
{
	switch (op % 32) {
	case OP_HOST_ASK:
		op_host_ask(f);
		return true;
	case OP_HANG_UP:
		fd_close(f->peer);
		f->peer = -1; /* the second pair's stays */
		return true;
	case OP_CHAIN:
		op_chain(f);
		return true;
	case OP_CONTROL:
		op_control(f);
		return true;
	case OP_LOOP:
		op_loop(f);
		return true;
	default:
		return false;
	}
}

static void one_op(struct fuzz *f)
{
	static const unsigned int widths[] = { 4, 4, 1, 2, 8, 4, 3, 4 };
	uint8_t op = (uint8_t)take(f, 1);
	unsigned int width = widths[op >> 5];
	uint32_t offset;

	if (good_op(f, op))
		return;
	switch (op % 32 % OPS) {
	case OP_WRITE:
		offset = (uint32_t)take(f, 2) % 0x208;
		virtio_mmio_write(f->dev, op & 0x80 ? offset : offset & ~3u, width, take(f, width));
		break;
	case OP_READ:
		offset = (uint32_t)take(f, 2) % 0x208;
		(void)virtio_mmio_read(f->dev, op & 0x80 ? offset : offset & ~3u, width); /* any value will do */
		break;
	case OP_POKE:
		op_poke(f);
		break;
	case OP_DESC:
		op_desc(f);
		break;
	case OP_AVAIL:
		op_avail(f);
		break;
	case OP_TURN:
		virtio_queue_turn(&f->dev->queues[take(f, 1) % f->dev->queues_len]);
		break;
	case OP_HOST_SEND:
		op_host_send(f);
		break;
	case OP_HOST_RECV:
		op_host_recv(f);
		break;
	default:
		op_up(f, op & 0x80);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct fuzz f = { .in = data };
	struct watch *watch;
	struct err err;
	int tick;

	kernel_begin();
	kernel_take_faults(&in);
	f.end = in.end;
	tick = eventfd(1, EFD_CLOEXEC); /* always readable: it ends each run of the loop */
	ram_init(&f);
	if (device_new(&f, (unsigned int)take(&f, 1)) < 0)
		abort();
	if (tick < 0 || loop_new(&f.loop) < 0 || watch_new(f.loop, tick, EPOLLIN, on_tick, f.loop, &watch) < 0 ||
		virtio_start(f.dev, f.loop, &err) < 0)
		abort();
	kernel_faults(true);
	for (int i = 0; i < OPS_MAX && f.in < f.end; i++)
		one_op(&f);
	for (unsigned int q = 0; q < f.dev->queues_len; q++) {
		/* outside of a turn no chain of these devices is out */
		if (f.dev->queues[q].vq.in_flight != 0)
			abort();
	}
	virtio_free(f.dev);
	loop_free(f.loop);
	fd_close(tick);
	fd_close(f.peer);
	fd_close(f.second);
	kernel_end();
	return 0;
}

#ifndef FUZZING
#define RANDOM_INPUTS 3000
#define RANDOM_LEN 600

static int replay_file(int dirfd, const char *path)
{
	autofree char *data = NULL;
	size_t len;
	int r = fd_read_file(dirfd, path, INPUT_MAX, &data, &len);

	if (r < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
		return 1;
	}
	(void)LLVMFuzzerTestOneInput((const uint8_t *)data, len); /* it is always 0: a failure is a crash */
	return 0;
}

static int replay_corpus(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	struct dirent *de;
	int bad = 0, n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/virtio", srcdir ? srcdir : ".");
	dir = opendir(path);
	if (!dir) {
		perror(path);
		return 1;
	}
	while ((de = readdir(dir)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		bad |= replay_file(dirfd(dir), de->d_name);
		n++;
	}
	closedir(dir);
	printf("%d inputs of the corpus\n", n);
	return n == 0 || bad;
}

/* Runs inputs that bring the device up and go on with the bytes of an xorshift generator, the same on every machine. */
static void replay_random(void)
{
	uint64_t x = 0x9e3779b97f4a7c15ull;
	uint8_t data[RANDOM_LEN];

	for (int i = 0; i < RANDOM_INPUTS; i++) {
		for (size_t j = 0; j < sizeof(data); j++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			data[j] = (uint8_t)(x >> 32);
		}
		data[0] = (uint8_t)i;
		data[1] = i % 8 < 4 ? OP_UP : OP_UP | 0x80;
		memset(data + 2, 0, 8);
		(void)LLVMFuzzerTestOneInput(data, sizeof(data)); /* as above */
	}
	printf("%d random inputs\n", RANDOM_INPUTS);
}

int main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++)
		bad |= replay_file(AT_FDCWD, argv[i]);
	if (argc == 1) {
		bad = replay_corpus();
		replay_random();
	}
	return bad;
}
#endif
