/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a guest and its file device, with the real server and its threads behind it, over a host's directory that
 * changes meanwhile.
 *
 * The input is a small program: messages through the ring, turns of the queue, pauses, resets while requests are out,
 * changes of guest memory under the server, exports that go and come, and a host that renames, removes, writes and locks
 * files. Few descriptors are left, so that nodes rest and wake. The device's own threads are not started: the queue's
 * turns run here, and all requests go to the threads of the server. (test_p9_stress has those threads too.)
 *
 * What must hold: after a reset no chain is out, each chain comes back at most once for each time it was made available,
 * and what lies beside the exported directory was neither read nor changed (tree.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/wire.h"
#include "fs/fs.h"
#include "p9/p9.h"
#include "p9/proto.h"
#include "tests/fuzz/replay.h"
#include "tests/fuzz/tree.h"
#include "vm/virtio/mmio.h"
#include "vm/virtio/p9dev.h"

#define RAM (512 * KIB)
#define GUARD (64 * KIB)
#define QUEUE 64u
#define DESC 0x1000u
#define AVAIL 0x2000u
#define USED 0x3000u
#define SLOTS (QUEUE / 2) /* each has a descriptor for its message and one for the answer */
#define SLOT_BYTES 4096u
#define MESSAGE_GPA(slot) (0x10000u + 2 * SLOT_BYTES * (slot))
#define ANSWER_GPA(slot) (MESSAGE_GPA(slot) + SLOT_BYTES)
#define OPS_MAX 512
#define EXPORT "c/rootfs"
#define NODES 40                /* descriptors that the service may hold */
#define PAUSE_NS 1000000ll      /* how long a pause waits for answers, which a lock may keep back for ever */
#define ANSWER_NS 20000000000ll /* how long an answer may take that nothing keeps back */

const struct fuzz_target fuzz_target = { .corpus = "p9dev", .variants = 10 };

static struct {
	struct tree tree;
	struct fs *fs;
	struct p9_server *server;
	bool exported;
} host = { .tree = TREE_INIT };

struct fuzz {
	struct mem mem;
	uint8_t *map;
	struct virtio_dev *dev;
	struct input in;
	unsigned int slot; /* of the next message */
	uint16_t made;     /* chains made available since the device came up */
	int lock_fd;       /* a file that the host has locked, or -1 */
};

/* ---- the guest ---- */

static void set(struct fuzz *f, uint32_t offset, uint64_t value)
{
	virtio_mmio_write(f->dev, offset, 4, value);
}

static struct vring_avail *avail_ring(struct fuzz *f)
{
	return mem_at(&f->mem, AVAIL, USED - AVAIL);
}

static uint16_t used_idx(struct fuzz *f)
{
	const struct vring_used *used = mem_at(&f->mem, USED, SLOT_BYTES);

	return __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE);
}

/* Ends all requests. Nothing may be out then, nor have come back that was not sent. */
static void device_reset(struct fuzz *f)
{
	set(f, VIRTIO_MMIO_STATUS, 0);
	require(f->dev->queues[0].vq.in_flight == 0, "chains are out behind a reset");
	f->made = 0;
}

static void device_up(struct fuzz *f)
{
	device_reset(f);
	memset(mem_at(&f->mem, DESC, 3 * SLOT_BYTES), 0, 3 * SLOT_BYTES);
	set(f, VIRTIO_MMIO_STATUS, 3);
	set(f, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	set(f, VIRTIO_MMIO_DRIVER_FEATURES, 1); /* VIRTIO_F_VERSION_1 */
	set(f, VIRTIO_MMIO_STATUS, 11);
	set(f, VIRTIO_MMIO_QUEUE_SEL, 0);
	set(f, VIRTIO_MMIO_QUEUE_NUM, QUEUE);
	set(f, VIRTIO_MMIO_QUEUE_DESC_LOW, DESC);
	set(f, VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAIL);
	set(f, VIRTIO_MMIO_QUEUE_USED_LOW, USED);
	set(f, VIRTIO_MMIO_QUEUE_READY, 1);
	set(f, VIRTIO_MMIO_STATUS, 15);
	require(virtio_live(f->dev), "a device that does not come up");
}

/* Makes slot @slot a chain: its message, of @len bytes with the header, and room for an answer of @room bytes. */
static void chain(struct fuzz *f, unsigned int slot, uint32_t len, uint32_t room)
{
	struct vring_desc *d = mem_at(&f->mem, DESC + 32ull * slot, 2 * sizeof(*d));
	struct vring_avail *avail = avail_ring(f);

	d[0] = (struct vring_desc){ MESSAGE_GPA(slot), len, VRING_DESC_F_NEXT, (uint16_t)(2 * slot + 1) };
	d[1] = (struct vring_desc){ ANSWER_GPA(slot), room, VRING_DESC_F_WRITE, 0 };
	avail->ring[f->made % QUEUE] = (uint16_t)(2 * slot);
	avail->idx = ++f->made;
}

static void message(struct fuzz *f, uint8_t type, uint16_t tag, const void *body, size_t len, uint32_t room)
{
	unsigned int slot = f->slot++ % SLOTS;
	uint32_t size = (uint32_t)(P9_HEADER + len);
	uint8_t *to = mem_at(&f->mem, MESSAGE_GPA(slot), SLOT_BYTES);

	memcpy(to, &size, 4);
	to[4] = type;
	memcpy(to + 5, &tag, 2);
	memcpy(to + P9_HEADER, body, len);
	chain(f, slot, size, room);
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Waits until all chains have come back, but for no longer than @ns. */
static void wait_for_answers(struct fuzz *f, long long ns)
{
	long long start = now_ns();

	while (virtio_live(f->dev) && used_idx(f) != f->made && now_ns() - start < ns)
		sched_yield();
}

static void prelude_send(struct fuzz *f, uint8_t type, struct buf *b)
{
	message(f, type, 1, b->data, b->len, SLOT_BYTES);
	virtio_queue_turn(&f->dev->queues[0]);
	wait_for_answers(f, ANSWER_NS);
	require(used_idx(f) == f->made, "a prelude without an answer");
	b->len = 0;
}

static void put_str(struct buf *b, const char *s)
{
	wire_put_u16(b, (uint16_t)strlen(s));
	buf_puts(b, s);
}

/* Attaches the export as fid 0; 1 is a file, 2 a directory, 3 and 4 the same open; each an error if it is gone. */
static void prelude(struct fuzz *f)
{
	static const char *const names[] = { "file", "dir", "file", "dir" };
	autobuf b = BUF_INIT;

	wire_put_u32(&b, SLOT_BYTES);
	put_str(&b, P9_VERSION);
	prelude_send(f, P9_TVERSION, &b);
	wire_put_u32(&b, 0);
	wire_put_u32(&b, P9_NOFID);
	put_str(&b, "");
	put_str(&b, EXPORT);
	wire_put_u32(&b, 0);
	prelude_send(f, P9_TATTACH, &b);
	for (uint32_t i = 0; i < 4; i++) {
		wire_put_u32(&b, 0);
		wire_put_u32(&b, 1 + i);
		wire_put_u16(&b, 1);
		put_str(&b, names[i]);
		prelude_send(f, P9_TWALK, &b);
	}
	for (uint32_t i = 0; i < 2; i++) {
		wire_put_u32(&b, 3 + i);
		wire_put_u32(&b, i == 0 ? 2 : 0);
		prelude_send(f, P9_TLOPEN, &b);
	}
}

/* ---- the host ---- */

static void export_add(void)
{
	struct err err = ERR_INIT;
	int fd = openat(host.tree.top, "in", O_PATH | O_DIRECTORY | O_CLOEXEC);

	require(fs_export_add(host.fs, EXPORT, fd, 0, &err) == 0, err.msg);
	host.exported = true;
}

static void export_toggle(void)
{
	struct err err = ERR_INIT;

	if (!host.exported) {
		export_add();
		return;
	}
	require(fs_export_remove(host.fs, EXPORT, &err) == 0, err.msg);
	host.exported = false;
}

/* The host changes its files. Whether a change succeeds depends on what the guest has done to them. */
static void host_change(struct fuzz *f, uint8_t what)
{
	int top = host.tree.top, fd = -1;
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	switch (what % 8) {
	case 0:
		(void)!unlinkat(top, "in/file", 0);
		break;
	case 1:
		(void)!renameat(top, "in/dir", top, "in/moved");
		break;
	case 2:
		(void)!renameat(top, "in/moved", top, "in/dir");
		break;
	case 3: /* another inode of that name */
		(void)!unlinkat(top, "in/file", 0);
		fd = openat(top, "in/file", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		break;
	case 4:
		fd_close(f->lock_fd);
		f->lock_fd = openat(top, "in/file", O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (f->lock_fd >= 0)
			(void)!fcntl(f->lock_fd, F_OFD_SETLK, &whole);
		break;
	case 5:
		fd_close(f->lock_fd);
		f->lock_fd = -1;
		break;
	case 6: /* a symlink in a directory's place */
		(void)!renameat(top, "in/dir", top, "in/moved");
		(void)!symlinkat("../out", top, "in/dir");
		break;
	default: /* out of the export and in again */
		if (renameat(top, "in/dir", top, "dir") == 0) {
			wait_for_answers(f, PAUSE_NS);
			(void)!renameat(top, "dir", top, "in/back");
		}
		break;
	}
	fd_close(fd);
}

/* ---- operations ---- */

static void op_message(struct fuzz *f, uint8_t op)
{
	uint8_t type = (uint8_t)input_take(&f->in, 1);
	size_t len;
	const uint8_t *body = input_bytes(&f->in, input_take(&f->in, 2) % (SLOT_BYTES - P9_HEADER), &len);

	message(f, type, op & 0x10 ? 1 : (uint16_t)(100 + f->slot % SLOTS), body, len,
		op & 0x20 ? (uint32_t)input_take(&f->in, 1) : SLOT_BYTES);
	if (!(op & 0x40))
		virtio_queue_turn(&f->dev->queues[0]);
	if (op & 0x80)
		wait_for_answers(f, PAUSE_NS);
}

static void op_poke(struct fuzz *f)
{
	uint64_t gpa = 0x1000 + input_take(&f->in, 3) % (RAM - 0x1000);
	volatile uint8_t *p = mem_at(&f->mem, gpa, 1);

	*p = (uint8_t)input_take(&f->in, 1);
}

static void op_desc(struct fuzz *f)
{
	struct vring_desc d = { .addr = input_take(&f->in, 3), .len = (uint32_t)input_take(&f->in, 3) };

	d.flags = (uint16_t)(input_take(&f->in, 1) % 8);
	d.next = (uint16_t)input_take(&f->in, 1);
	memcpy(mem_at(&f->mem, DESC + 16 * (input_take(&f->in, 1) % QUEUE), sizeof(d)), &d, sizeof(d));
}

static void one_op(struct fuzz *f)
{
	uint8_t op = (uint8_t)input_take(&f->in, 1);

	switch (op % 16) {
	case 8:
		virtio_queue_turn(&f->dev->queues[0]);
		break;
	case 9:
		wait_for_answers(f, PAUSE_NS);
		break;
	case 10:
		device_up(f);
		prelude(f);
		break;
	case 11:
		device_reset(f);
		break;
	case 12:
		export_toggle();
		break;
	case 13:
		host_change(f, op >> 4);
		break;
	case 14:
		op_poke(f);
		break;
	case 15:
		op_desc(f);
		break;
	default:
		op_message(f, op);
		break;
	}
}

/* ---- a run ---- */

static void clean_up(void)
{
	p9_server_free(host.server);
	fs_free(host.fs);
	tree_close(&host.tree);
}

static void set_up(void)
{
	static const struct p9_limits limits = { .workers = 2 };
	struct rlimit old, few;
	struct err err = ERR_INIT;

	tree_open(&host.tree);
	require(getrlimit(RLIMIT_NOFILE, &old) == 0, "getrlimit");
	few = (struct rlimit){ FS_FDS_RESERVED + NODES, old.rlim_max };
	require(setrlimit(RLIMIT_NOFILE, &few) == 0 && fs_new(-1, &host.fs, &err) == 0, "fs_new");
	require(setrlimit(RLIMIT_NOFILE, &old) == 0, "setrlimit");
	require(p9_server_new(host.fs, &limits, &host.server, &err) == 0, err.msg);
	atexit(clean_up);
}

static void ram_init(struct fuzz *f)
{
	f->map = mmap(NULL, RAM + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(f->map != MAP_FAILED && mprotect(f->map + GUARD, RAM, PROT_READ | PROT_WRITE) == 0, "guest memory");
	f->mem.regions[0] = (struct mem_region){ 0, RAM, f->map + GUARD };
	f->mem.regions_len = 1;
	f->mem.size = RAM;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { .in = { data, data + size }, .lock_fd = -1 };
	struct err err = ERR_INIT;

	if (host.tree.top < 0)
		set_up();
	if (!host.exported)
		export_add();
	tree_make(&host.tree);
	ram_init(&f);
	require(virtio_p9dev_new(&f.mem, host.server, "tag", &f.dev, &err) == 0, err.msg);
	device_up(&f);
	prelude(&f);
	for (int i = 0; i < OPS_MAX && f.in.at < f.in.end; i++)
		one_op(&f);
	device_reset(&f);
	require(memmem(f.map + GUARD, RAM, TREE_SECRET, strlen(TREE_SECRET)) == NULL, "what is outside was read");
	virtio_free(f.dev);
	munmap(f.map, RAM + 2 * GUARD);
	fd_close(f.lock_fd);
	tree_check(&host.tree);
	tree_clean(host.tree.top, "in");
	return 0;
}
