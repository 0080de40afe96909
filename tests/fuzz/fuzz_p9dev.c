/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a guest and its file device, with the real server and its threads behind it, over a host's directory that
 * changes meanwhile.
 *
 * The input is a small program: messages through the ring, turns of the queue, pauses, resets while requests are out,
 * changes of guest memory under the server, exports that go and come, and a host that renames, removes, writes and locks
 * files. Few descriptors are left, so that nodes rest and wake. The device's own threads are not started. Where an input
 * waits for the answer of a message right behind it, this thread does what one of them would do, which serves the message
 * itself; else it turns the queue, and all requests go to the threads of the server. (test_p9_stress has the device's
 * threads, too.) The device and the guest's memory stay from one input to the next: a reset, and pages of zeros, make them
 * new.
 *
 * What must hold: after a reset no chain is out, each chain comes back at most once for each time it was made available,
 * and what lies beside the exported directory was neither read nor changed (tree.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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
#include "tests/p9/driver.h"
#include "vm/virtio/p9dev.h"

#define OPS_MAX 256
#define PAGE 4096
#define RINGS_BYTES (DRIVER_USED + PAGE - DRIVER_DESC) /* from DRIVER_DESC on */
#define RAM_CHECKS 256                                 /* inputs, for one after which all memory is looked at */
#define EXPORT "c/rootfs"
#define PRELUDES_MAX 4          /* of an input: they take longer than all else */
#define FIDS 4                  /* that a session begins with, beside 0 */
#define FID_OPEN_FILE 3         /* the first of those that are open */
#define NODES 24                /* descriptors that the service may hold: a short input can use all */
#define PAUSE_NS 50000ll        /* how long a pause waits for answers, which a lock may keep back for ever */
#define LONG_PAUSE_NS 2000000ll /* a long one, in which the server tries such a lock again */
#define LONG_PAUSES_MAX 2       /* of an input */
#define LOOK_NS 1000000ll       /* between two looks of a guest at its ring, at most */
#define ANSWER_NS 20000000000ll /* how long an answer may take that nothing keeps back */

const struct fuzz_target fuzz_target = { .corpus = "p9dev", .variants = 10 };

static struct {
	struct tree tree;
	struct fs *fs;
	struct p9_server *server;
	struct p9_worker *worker; /* of the thread that runs the inputs */
	struct driver driver;
	bool exported;
} host = { .tree = TREE_INIT };

struct fuzz {
	struct driver *driver;
	struct input in;
	unsigned int named;    /* the fids that the input has a number of: see fids_named() */
	uint16_t taken;        /* chains made available before the last turn, which took them */
	unsigned int slot;     /* of the next message */
	uint32_t slots;        /* those used so far: a bit for each */
	bool wild;             /* memory was written that belongs to no message */
	unsigned int pauses;   /* long ones */
	unsigned int preludes; /* sent so far, behind the first */
	int lock_fd;           /* a file that the host has locked, or -1 */
};

/* ---- the guest ---- */

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/*
 * Waits until all chains that were taken have come back, but for no longer than @ns. Interrupts tell of them; a guest that has turned
 * these off looks at its ring all the same.
 */
UNTRACED static void wait_for_answers(struct fuzz *f, long long ns)
{
	struct virtio_dev *dev = f->driver->dev;
	struct pollfd irq = { .fd = dev->irq.fd, .events = POLLIN };
	const struct timespec look = { .tv_nsec = MIN(ns, LOOK_NS) };
	long long start = now_ns();
	uint64_t count;

	while (virtio_live(dev)) {
		virtio_mmio_write(dev, VIRTIO_MMIO_INTERRUPT_ACK, 4, VIRTIO_MMIO_INT_VRING);
		if (driver_used(f->driver) == f->taken || now_ns() - start >= ns)
			return;
		if (ppoll(&irq, 1, &look, NULL) > 0)
			(void)!read(irq.fd, &count, sizeof(count)); /* another interrupt may come behind it */
	}
}

/* Sends a message in the next slot, whether that one's last message was answered or not. */
static void message(struct fuzz *f, uint8_t type, uint16_t tag, const void *body, size_t len, uint32_t room)
{
	unsigned int slot = f->slot++ % DRIVER_SLOTS;

	f->slots |= 1u << slot;
	driver_send(f->driver, slot, type, tag, body, len, room);
}

static void turn(struct fuzz *f)
{
	virtio_queue_turn(&f->driver->dev->queues[0]);
}

/* Does what a thread of the device does, as long as there is something to do. */
static void serve(struct fuzz *f)
{
	f->taken = f->driver->made;
	while (virtio_p9dev_serve(f->driver->dev, host.worker))
		;
}

/* Sends a message of the prelude, and has it answered. */
static void prelude_send(struct fuzz *f, uint8_t type, struct buf *b)
{
	f->slots |= 1u;
	driver_send(f->driver, 0, type, 1, b->data, b->len, DRIVER_SLOT_BYTES);
	b->len = 0;
	serve(f);
	wait_for_answers(f, ANSWER_NS);
	require(driver_used(f->driver) == f->driver->made, "a prelude without an answer");
}

static void put_str(struct buf *b, const char *s)
{
	wire_put_u16(b, (uint16_t)strlen(s));
	buf_puts(b, s);
}

/*
 * Attaches the export as fid 0; 1 is a file, 2 a directory, 3 and 4 the same open; each an error if it is gone. Those of 1
 * to 4 that the input does not name are left out.
 */
UNTRACED static void prelude(struct fuzz *f)
{
	static const char *const names[FIDS + 1] = { NULL, "file", "dir", "file", "dir" };
	autobuf b = BUF_INIT;

	f->slot += 1 + 1 + FIDS + FIDS / 2; /* those of a prelude that has all */
	wire_put_u32(&b, DRIVER_SLOT_BYTES);
	put_str(&b, P9_VERSION);
	prelude_send(f, P9_TVERSION, &b);
	wire_put_u32(&b, 0);
	wire_put_u32(&b, P9_NOFID);
	put_str(&b, "");
	put_str(&b, EXPORT);
	wire_put_u32(&b, 0);
	prelude_send(f, P9_TATTACH, &b);
	for (uint32_t fid = 1; fid <= FIDS; fid++) {
		if (!(f->named & 1u << fid))
			continue;
		wire_put_u32(&b, 0);
		wire_put_u32(&b, fid);
		wire_put_u16(&b, 1);
		put_str(&b, names[fid]);
		prelude_send(f, P9_TWALK, &b);
		if (fid < FID_OPEN_FILE)
			continue;
		wire_put_u32(&b, fid);
		wire_put_u32(&b, fid == FID_OPEN_FILE ? O_RDWR : O_RDONLY);
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
	uint16_t used;
	size_t len;
	const uint8_t *body = input_bytes(&f->in, input_take(&f->in, 2) % (DRIVER_SLOT_BYTES - P9_HEADER), &len);

	message(f, type, op & 0x10 ? 1 : (uint16_t)(100 + f->slot % DRIVER_SLOTS), body, len,
		op & 0x20 ? (uint32_t)input_take(&f->in, 1) : DRIVER_SLOT_BYTES);
	host.tree.doubt |= type == P9_TXATTRCREATE;
	used = driver_used(f->driver);
	if (!(op & 0x40) && op & 0x80)
		serve(f);
	else if (!(op & 0x40))
		turn(f);
	if (op & 0x80 && driver_used(f->driver) == used)
		wait_for_answers(f, PAUSE_NS);
}

static void op_poke(struct fuzz *f)
{
	uint64_t gpa = 0x1000 + input_take(&f->in, 3) % (DRIVER_RAM - 0x1000);
	volatile uint8_t *p = mem_at(&f->driver->mem, gpa, 1);

	*p = (uint8_t)input_take(&f->in, 1);
	f->wild = host.tree.doubt = true; /* it may be the type of a message */
}

static void op_desc(struct fuzz *f)
{
	struct vring_desc d = { .addr = input_take(&f->in, 3), .len = (uint32_t)input_take(&f->in, 3) };

	f->wild = host.tree.doubt = true; /* it may be a message of any type */
	d.flags = (uint16_t)(input_take(&f->in, 1) % 8);
	d.next = (uint16_t)input_take(&f->in, 1);
	memcpy(mem_at(&f->driver->mem, DRIVER_DESC + 16 * (input_take(&f->in, 1) % DRIVER_QUEUE), sizeof(d)), &d,
		sizeof(d));
}

static void one_op(struct fuzz *f)
{
	uint8_t op = (uint8_t)input_take(&f->in, 1);

	switch (op % 16) {
	case 8:
		turn(f);
		break;
	case 9:
		wait_for_answers(f, op & 0x80 && f->pauses++ < LONG_PAUSES_MAX ? LONG_PAUSE_NS : PAUSE_NS);
		break;
	case 10:
		driver_up(f->driver);
		f->taken = 0;
		if (f->preludes++ < PRELUDES_MAX)
			prelude(f);
		break;
	case 11:
		driver_reset(f->driver);
		f->taken = 0;
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
	virtio_free(host.driver.dev);
	driver_done(&host.driver);
	p9_worker_free(host.worker);
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
	few = (struct rlimit){ 2 * NODES, old.rlim_max }; /* half of so few is the rest of the process's */
	require(setrlimit(RLIMIT_NOFILE, &few) == 0 && fs_new(-1, &host.fs, &err) == 0, "fs_new");
	require(setrlimit(RLIMIT_NOFILE, &old) == 0, "setrlimit");
	require(p9_server_new(host.fs, &limits, &host.server, &err) == 0, err.msg);
	require(p9_worker_new(host.server, &host.worker) == 0, "worker");
	driver_init(&host.driver);
	require(virtio_p9dev_new(&host.driver.mem, host.server, "tag", &host.driver.dev, &err) == 0, err.msg);
	host.driver.dev->irq.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	require(host.driver.dev->irq.fd >= 0, "eventfd");
	require(prctl(PR_SET_TIMERSLACK, 1) == 0, "timer slack"); /* pauses are as short as they say */
	atexit(clean_up);
}

/* Looks for what must not be read in @len bytes of guest memory, and makes them zeros. */
UNTRACED static void page_check(uint8_t *at, size_t len)
{
	require(!tree_secret_in(at, len), "what is outside was read");
	memset(at, 0, len);
}

/* The same in all of the guest's pages that anybody has touched, which are taken away. */
UNTRACED static void ram_check_all(const struct driver *d)
{
	uint8_t *ram = d->mem.regions[0].hva;
	unsigned char touched[DRIVER_RAM / PAGE];
	size_t end;

	require(mincore(ram, DRIVER_RAM, touched) == 0, "mincore");
	for (size_t at = 0; at < ARRAY_LEN(touched); at = end + 1) {
		for (end = at; end < ARRAY_LEN(touched) && touched[end] & 1; end++)
			;
		require(!tree_secret_in(ram + at * PAGE, (end - at) * PAGE), "what is outside was read");
	}
	require(madvise(ram, DRIVER_RAM, MADV_DONTNEED) == 0, "memory without pages");
}

/*
 * Looks at the guest's memory after an input, and makes it zeros for the next. Where the input has not written into rings or
 * messages, only the slots that it used can have anything; each RAM_CHECKS inputs all is looked at in spite of that.
 */
UNTRACED static void ram_check(const struct fuzz *f)
{
	static unsigned int inputs;

	if (f->wild || inputs++ % RAM_CHECKS == 0) {
		ram_check_all(f->driver);
		return;
	}
	page_check(mem_at(&f->driver->mem, DRIVER_DESC, RINGS_BYTES), RINGS_BYTES);
	for (unsigned int slot = 0; slot < DRIVER_SLOTS; slot++) {
		if (f->slots & 1u << slot)
			page_check(mem_at(&f->driver->mem, DRIVER_MESSAGE(slot), 2 * DRIVER_SLOT_BYTES),
				2 * DRIVER_SLOT_BYTES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { .driver = &host.driver, .in = { data, data + size }, .lock_fd = -1 };

	/* libFuzzer knows what memcmp() looks for, and would put it into messages and files itself */
	if (tree_secret_in(data, size))
		return 0;
	if (host.tree.top < 0)
		set_up();
	if (!host.exported)
		export_add();
	tree_make(&host.tree);
	f.named = fids_named(data, size, FIDS);
	driver_up(f.driver);
	prelude(&f);
	for (int i = 0; i < OPS_MAX && f.in.at < f.in.end; i++)
		one_op(&f);
	driver_reset(f.driver);
	ram_check(&f);
	fd_close(f.lock_fd);
	tree_check_all(&host.tree);
	return 0;
}
