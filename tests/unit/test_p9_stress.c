/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stress test of src/p9, src/fs and the file device: everything at once on one server.
 *
 * Clients with sessions of their own, and a driver behind a file device with its threads, send what they like and end
 * their sessions while requests are out. Meanwhile the host changes, removes, renames and locks the same files, and takes
 * an export away and gives it back. What must hold: each request is answered once, each answer is whole, what lies beside
 * the exported directories is neither read nor changed, and no descriptor is left. Sanitizers see the rest.
 *
 * Each test takes STRESS_SECONDS of the environment (1). A test that hangs is ended by a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "fs/fs.h"
#include "stress.h"
#include "tests/fuzz/replay.h"
#include "tests/fuzz/tree.h"
#include "tests/p9/client.h"
#include "tests/p9/driver.h"
#include "vm/virtio/p9dev.h"

#define CLIENTS 3
#define SLOTS 24 /* requests that a client has out at a time */
#define MESSAGE_MAX 2048u
#define ANSWER_MAX 4096u
#define FIDS 24u          /* each may be anything: a file, a directory, nothing */
#define SESSION_LEN 3000u /* messages between two resets, at most */
#define FDS_SEEN 1024
#define BUDGET_FEW 32             /* descriptors of the service, so that nodes rest */
#define LEFT_FEW 12               /* descriptors that the process has left, so that calls fail */
#define MEMORY_BYTES (8ull << 20) /* as fs_memory_bound() has it: half of them for nodes, names, files and fids */
#define MEMORY_LEFT 4096u         /* of which so many are left to the clients */
#define MEMORY_PIECE 512u

static struct stress {
	struct tree tree;
	struct fs *fs;
	struct fs_watcher *watcher;
	struct p9_server *server;
	atomic_bool stop;
	atomic_ulong stale;
	atomic_ulong pressed;   /* how often the guest was to be asked for what it does not use */
	atomic_ulong no_memory; /* answers that say ENOMEM */
} st;

/* ---- random messages ---- */

static const char *rnd_name(unsigned int *seed)
{
	static const char *const names[] = { "file", "dir", "moved", "a", "up", "loop", "fifo", "..", "new", "x/y",
		"link", "file", "dir" };

	return names[stress_rnd(seed, ARRAY_LEN(names))];
}

/* Messages that make and change fids. */
static void put_fid_message(struct buf *b, uint16_t tag, unsigned int *seed)
{
	uint32_t fid = stress_rnd(seed, FIDS), other = 1 + stress_rnd(seed, FIDS - 1);
	static const char *const exports[] = { "c/rootfs", "c/gone", "c", "" };

	switch (stress_rnd(seed, 8)) {
	case 0:
		p9c_message(b, P9_TATTACH, tag, "ddssd", other, P9_NOFID, "", exports[stress_rnd(seed, 4)], 0u);
		break;
	case 1:
		p9c_message(b, P9_TWALK, tag, "ddwss", fid, other, 2, rnd_name(seed), rnd_name(seed));
		break;
	case 2:
		p9c_message(b, P9_TCLUNK, tag, "d", other);
		break;
	case 3:
		p9c_message(b, P9_TLOPEN, tag, "dd", other, stress_rnd(seed, 3));
		break;
	case 4:
		p9c_message(b, P9_TLCREATE, tag, "dsddd", other, rnd_name(seed), 2u, 0644u, 0u);
		break;
	case 5:
		p9c_message(b, P9_TXATTRWALK, tag, "dds", fid, other, stress_rnd(seed, 2) ? "user.x" : "");
		break;
	default:
		p9c_message(b, P9_TWALK, tag, "ddws", fid, other, 1, rnd_name(seed));
		break;
	}
}

/* Messages that change files. */
static void put_change(struct buf *b, uint16_t tag, unsigned int *seed)
{
	uint32_t fid = stress_rnd(seed, FIDS), dir = stress_rnd(seed, 4);

	switch (stress_rnd(seed, 9)) {
	case 0:
		p9c_message(b, P9_TMKDIR, tag, "dsdd", dir, rnd_name(seed), 0755u, 0u);
		break;
	case 1:
		p9c_message(b, P9_TUNLINKAT, tag, "dsd", dir, rnd_name(seed), stress_rnd(seed, 2) ? 0x200u : 0u);
		break;
	case 2:
		p9c_message(b, P9_TRENAMEAT, tag, "dsds", dir, rnd_name(seed), stress_rnd(seed, 4), rnd_name(seed));
		break;
	case 3:
		p9c_message(b, P9_TSYMLINK, tag, "dssd", dir, rnd_name(seed), "../out/secret", 0u);
		break;
	case 4:
		p9c_message(b, P9_TLINK, tag, "dds", dir, fid, rnd_name(seed));
		break;
	case 5:
		p9c_message(b, P9_TXATTRCREATE, tag, "dsqd", fid, "user.x", 4ull, 0u);
		break;
	case 6:
		p9c_message(b, P9_TMKNOD, tag, "dsdddd", dir, rnd_name(seed), 0010644u, 0u, 0u, 0u);
		break;
	case 7: /* P9_SETATTR's mode and size */
		p9c_message(b, P9_TSETATTR, tag,
			"ddddd"
			"qqqqq",
			fid, stress_rnd(seed, 2) ? 1u : 8u, 0644u, 0u, 0u, 5ull, 0ull, 0ull, 0ull, 0ull);
		break;
	default:
		p9c_message(b, P9_TREMOVE, tag, "d", 4 + stress_rnd(seed, FIDS - 4));
		break;
	}
}

/* Messages that read, write and lock. */
static void put_data_message(struct buf *b, uint16_t tag, unsigned int *seed)
{
	uint32_t fid = stress_rnd(seed, FIDS);

	switch (stress_rnd(seed, 9)) {
	case 0:
		p9c_message(b, P9_TREAD, tag, "dqd", fid, 0ull, 64u);
		break;
	case 1:
		p9c_message(b, P9_TWRITE, tag, "dqdD", fid, 2ull, 4u, "data", (size_t)4);
		break;
	case 2:
		p9c_message(b, P9_TREADDIR, tag, "dqd", fid, 0ull, 2000u);
		break;
	case 3:
		p9c_message(b, P9_TLOCK, tag, "dbdqqds", fid, (int)stress_rnd(seed, 3), stress_rnd(seed, 2), 0ull, 0ull,
			1u, "c");
		break;
	case 4:
		p9c_message(b, P9_TGETLOCK, tag, "dbqqds", fid, (int)stress_rnd(seed, 2), 0ull, 0ull, 1u, "c");
		break;
	case 5:
		p9c_message(b, P9_TSTATFS, tag, "d", fid);
		break;
	case 6:
		p9c_message(b, P9_TREADLINK, tag, "d", fid);
		break;
	case 7:
		p9c_message(b, P9_TFSYNC, tag, "dd", fid, 1u);
		break;
	default:
		p9c_message(b, P9_TGETATTR, tag, "dq", fid, 0x3fffull);
		break;
	}
}

static void put_message(struct buf *b, uint16_t tag, unsigned int *seed)
{
	switch (stress_rnd(seed, 10)) {
	case 0:
		p9c_message(b, P9_TFLUSH, tag, "w", (int)stress_rnd(seed, SLOTS));
		break;
	case 1:
	case 2:
	case 3:
		put_change(b, tag, seed);
		break;
	case 4:
	case 5:
	case 6:
		put_fid_message(b, tag, seed);
		break;
	default:
		put_data_message(b, tag, seed);
		break;
	}
	if (stress_rnd(seed, 200) == 0) /* a byte that is wrong */
		b->data[P9_HEADER + stress_rnd(seed, (unsigned int)(b->len - P9_HEADER))] = (char)stress_rnd(seed, 256);
}

/* What begins a session: fids 0 to 3 are an export, a directory in it, the export that goes, and what is above both. */
static void put_prelude(struct buf *b, unsigned int step)
{
	if (step == 0)
		p9c_message(b, P9_TVERSION, UINT16_MAX, "ds", ANSWER_MAX, P9_VERSION);
	else if (step == 1)
		p9c_message(b, P9_TATTACH, 1, "ddssd", 0u, P9_NOFID, "", "c/rootfs", 0u);
	else if (step == 2)
		p9c_message(b, P9_TWALK, 1, "ddws", 0u, 1u, 1, "dir");
	else if (step == 3)
		p9c_message(b, P9_TATTACH, 1, "ddssd", 2u, P9_NOFID, "", "c/gone", 0u);
	else
		p9c_message(b, P9_TATTACH, 1, "ddssd", 3u, P9_NOFID, "", "c", 0u);
}

#define PRELUDE 5

static void check_answer(const uint8_t *answer, size_t len, uint16_t tag)
{
	uint32_t size;
	uint16_t got;

	if (len == 0)
		return; /* nothing could be answered */
	require(len >= P9_HEADER && len <= ANSWER_MAX, "the length of an answer");
	memcpy(&size, answer, 4);
	memcpy(&got, answer + 5, 2);
	require(size == len && got == tag, "an answer's header");
	require(memmem(answer, len, TREE_SECRET, strlen(TREE_SECRET)) == NULL, "what is outside was read");
	if (answer[4] == P9_RLERROR && answer[P9_HEADER] == ENOMEM)
		atomic_fetch_add(&st.no_memory, 1);
}

/* ---- clients ---- */

struct slot {
	struct p9_request req;
	struct iovec in, out;
	uint8_t message[MESSAGE_MAX], answer[ANSWER_MAX];
	uint16_t tag;
	atomic_bool out_now; /* it is the server's */
};

struct client {
	pthread_t thread;
	unsigned int seed;
	unsigned long sent;
	struct slot slots[SLOTS];
};

static void on_done(struct p9_request *req, uint32_t len)
{
	struct slot *slot = req->arg;

	check_answer(slot->answer, len, slot->tag);
	require(atomic_exchange(&slot->out_now, false), "a request that was answered twice");
}

static void slot_submit(
	struct client *c, struct p9_session *session, struct p9_worker *worker, struct slot *slot, const struct buf *b)
{
	require(b->len <= sizeof(slot->message), "a message with no room");
	memcpy(slot->message, b->data, b->len);
	memcpy(&slot->tag, slot->message + 5, 2);
	slot->in = (struct iovec){ slot->message, b->len };
	slot->out = (struct iovec){ slot->answer, sizeof(slot->answer) };
	slot->req = (struct p9_request){
		.in = &slot->in, .in_count = 1, .out = &slot->out, .out_count = 1, .done = on_done, .arg = slot
	};
	atomic_store(&slot->out_now, true);
	c->sent++;
	if (worker)
		p9_serve(session, worker, &slot->req);
	else
		p9_submit(session, &slot->req);
}

static void client_prelude(struct client *c, struct p9_session *session)
{
	for (unsigned int step = 0; step < PRELUDE; step++) {
		autobuf b = BUF_INIT;

		put_prelude(&b, step);
		slot_submit(c, session, NULL, &c->slots[0], &b);
		while (atomic_load(&c->slots[0].out_now))
			sched_yield();
	}
}

/* Sends messages until the time is up, or SESSION_LEN of them; some are served by this thread. */
static void client_session(struct client *c, struct p9_session *session, struct p9_worker *worker)
{
	client_prelude(c, session);
	for (unsigned int i = 0, n = stress_rnd(&c->seed, SESSION_LEN); i < n && !atomic_load(&st.stop); i++) {
		struct slot *slot = &c->slots[stress_rnd(&c->seed, SLOTS)];
		autobuf b = BUF_INIT;

		if (atomic_load(&slot->out_now)) {
			sched_yield();
			continue;
		}
		put_message(&b, (uint16_t)(slot - c->slots), &c->seed);
		slot_submit(c, session, stress_rnd(&c->seed, 4) ? NULL : worker, slot, &b);
	}
}

static void *client_run(void *arg)
{
	struct p9_session *session = NULL;
	struct p9_worker *worker = NULL;
	struct client *c = arg;

	if (p9_worker_new(st.server, &worker) < 0)
		worker = NULL; /* no descriptor for it: the server's threads do everything */
	require(p9_session_new(st.server, &session) == 0, "session");
	while (!atomic_load(&st.stop)) {
		client_session(c, session, worker);
		p9_session_reset(session);
		for (unsigned int i = 0; i < SLOTS; i++)
			require(!atomic_load(&c->slots[i].out_now), "a request is out behind a reset");
	}
	p9_session_free(session);
	p9_worker_free(worker);
	return NULL;
}

/* ---- the guest behind a device ---- */

static unsigned long driver_sent;

/* Takes back what has come; @busy says of each slot whether it is the device's. */
static void driver_collect(struct driver *d, bool *busy)
{
	uint32_t len;
	int slot;

	while ((slot = driver_take(d, &len)) >= 0) {
		const uint8_t *answer = mem_at(&d->mem, DRIVER_ANSWER((unsigned int)slot), DRIVER_SLOT_BYTES);
		uint16_t tag;

		memcpy(&tag, (uint8_t *)mem_at(&d->mem, DRIVER_MESSAGE((unsigned int)slot), 8) + 5, 2);
		require(slot < (int)DRIVER_SLOTS && busy[slot], "a chain that came back twice");
		check_answer(answer, len, tag);
		busy[slot] = false;
	}
}

static void driver_put(struct driver *d, unsigned int slot, const struct buf *b)
{
	uint16_t tag;

	memcpy(&tag, b->data + 5, 2);
	driver_send(d, slot, (uint8_t)b->data[4], tag, b->data + P9_HEADER, b->len - P9_HEADER, DRIVER_SLOT_BYTES);
	virtio_mmio_write(d->dev, VIRTIO_MMIO_QUEUE_NOTIFY, 4, 0);
	driver_sent++;
}

/* From the coming up of the device to a reset, with requests out. */
static void driver_session(struct driver *d, unsigned int *seed)
{
	bool busy[DRIVER_SLOTS] = { false };

	driver_up(d);
	for (unsigned int step = 0; step < PRELUDE; step++) {
		autobuf b = BUF_INIT;

		put_prelude(&b, step);
		busy[0] = true;
		driver_put(d, 0, &b);
		while (busy[0]) {
			driver_collect(d, busy);
			sched_yield();
		}
	}
	for (unsigned int i = 0, n = stress_rnd(seed, SESSION_LEN); i < n && !atomic_load(&st.stop); i++) {
		unsigned int slot = stress_rnd(seed, SLOTS);
		autobuf b = BUF_INIT;

		driver_collect(d, busy);
		if (busy[slot]) {
			sched_yield();
			continue;
		}
		put_message(&b, (uint16_t)slot, seed);
		busy[slot] = true;
		driver_put(d, slot, &b);
	}
}

static void *driver_run(void *arg)
{
	unsigned int seed = 4711;
	struct driver d;
	struct err err = ERR_INIT;
	struct loop *loop = arg;

	driver_init(&d);
	require(virtio_p9dev_new(&d.mem, st.server, "tag", &d.dev, &err) == 0, err.msg);
	require(virtio_start(d.dev, loop, &err) == 0, err.msg);
	while (!atomic_load(&st.stop)) {
		driver_session(&d, &seed);
		driver_reset(&d);
	}
	virtio_free(d.dev);
	driver_done(&d);
	return NULL;
}

/* ---- the host ---- */

/* One change of what the clients work on. Whether it succeeds depends on them. */
static void host_change(unsigned int what, const char *name)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "in/%s", name);
	switch (what) {
	case 0:
		(void)!unlinkat(st.tree.top, path, 0);
		return;
	case 1:
		(void)!renameat(st.tree.top, path, st.tree.top, "in/moved");
		return;
	case 2:
		(void)!renameat(st.tree.top, "in/moved", st.tree.top, "in/dir");
		return;
	case 3:
		(void)!mkdirat(st.tree.top, "in/dir", 0755);
		return;
	case 4: /* out of the export and in again */
		if (renameat(st.tree.top, "in/dir", st.tree.top, "dir") == 0)
			(void)!renameat(st.tree.top, "dir", st.tree.top, "in/dir");
		return;
	case 5:
		(void)!symlinkat("../out", st.tree.top, path);
		return;
	default:
		fd = openat(st.tree.top, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
		if (fd < 0)
			return;
		(void)!fcntl(fd, F_OFD_SETLK, &whole);
		(void)!ftruncate(fd, what % 2 ? 100 : 3);
		sched_yield();
		close(fd);
		return;
	}
}

static void *host_run(void *arg)
{
	static const char *const names[] = { "file", "new", "dir/a", "dir", "dir/new" };
	unsigned int seed = 42;

	(void)arg;
	while (!atomic_load(&st.stop))
		host_change(stress_rnd(&seed, 10), names[stress_rnd(&seed, ARRAY_LEN(names))]);
	return NULL;
}

static int export_add(const char *path, const char *dir)
{
	struct err err = ERR_INIT;
	int fd = openat(st.tree.top, dir, O_PATH | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = fs_export_add(st.fs, path, fd, 0, &err);
	if (r < 0)
		close(fd);
	return r;
}

/* An export goes and comes; where no descriptor is left it comes later. */
static void *exports_run(void *arg)
{
	struct err err = ERR_INIT;

	(void)arg;
	while (!atomic_load(&st.stop)) {
		if (export_add("c/gone", "in/../gone") == 0) {
			usleep(2000);
			require(fs_export_remove(st.fs, "c/gone", &err) == 0, err.msg);
		}
		sched_yield();
	}
	return NULL;
}

/* ---- the tests ---- */

/* What the host has changed: as fs_stale_fn. */
static void on_stale(void *arg, enum fs_stale what, const char *path)
{
	(void)arg;
	require(what <= FS_STALE_UNKNOWN, "what is stale");
	require(what == FS_STALE_UNKNOWN ? *path == '\0' : strncmp(path, "s/c/", 4) == 0, path);
	atomic_fetch_add(&st.stale, 1);
}

/* Makes the service with room for @budget descriptors (0: as many as it likes). */
static void set_up(unsigned int budget)
{
	struct rlimit old, few;
	struct err err = ERR_INIT;

	st = (struct stress){ .tree = TREE_INIT };
	tree_open(&st.tree);
	tree_make(&st.tree);
	require(mkdirat(st.tree.top, "gone", 0755) == 0, "mkdir");
	tree_write(&st.tree, "gone/file", "gone");
	require(getrlimit(RLIMIT_NOFILE, &old) == 0, "getrlimit");
	few = (struct rlimit){ budget ? FS_FDS_RESERVED + budget : old.rlim_cur, old.rlim_max };
	require(setrlimit(RLIMIT_NOFILE, &few) == 0 && fs_new(-1, &st.fs, &err) == 0, "fs_new");
	require(setrlimit(RLIMIT_NOFILE, &old) == 0, "setrlimit");
	require(fs_watcher_new(on_stale, NULL, &st.watcher, &err) == 0, err.msg);
	fs_watch(st.fs, st.watcher, "s");
	require(fs_watcher_start(st.watcher, st.fs) == 0, "fs_watcher_start");
	require(export_add("c/rootfs", "in") == 0, "export");
	require(p9_server_new(st.fs, NULL, &st.server, &err) == 0, err.msg);
}

/* Runs all threads for the time, with @left descriptors of the process left (0: as many as it likes). */
static void run(unsigned int left)
{
	static struct client clients[CLIENTS];
	pthread_t driver, host, exports;
	struct rlimit old, few;
	struct loop *loop;
	unsigned long sent = 0;

	stress_begin();
	assert_int_equal(loop_new(&loop), 0); /* never run: the device has threads */
	assert_int_equal(pthread_create(&driver, NULL, driver_run, loop), 0);
	assert_int_equal(pthread_create(&host, NULL, host_run, NULL), 0);
	assert_int_equal(pthread_create(&exports, NULL, exports_run, NULL), 0);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		memset(&clients[i], 0, sizeof(clients[i]));
		clients[i].seed = i + 1;
		assert_int_equal(pthread_create(&clients[i].thread, NULL, client_run, &clients[i]), 0);
	}
	usleep(100000); /* the device and the sessions are up by then, or meet the limit: either will do */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){ left ? fds_open(FDS_SEEN) + left : old.rlim_cur, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	sleep(stress_seconds());
	atomic_store(&st.stop, true);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
		sent += clients[i].sent;
	}
	assert_int_equal(pthread_join(driver, NULL), 0);
	assert_int_equal(pthread_join(host, NULL), 0);
	assert_int_equal(pthread_join(exports, NULL), 0);
	loop_free(loop);
	stress_end();
	print_message("%lu requests of clients, %lu of the device, %lu names stale\n", sent, driver_sent,
		atomic_load(&st.stale));
	assert_true(sent > 0 && driver_sent > 0);
	driver_sent = 0;
}

static void tear_down(unsigned int fds_before)
{
	fs_watcher_stop(st.watcher);
	p9_server_free(st.server);
	fs_free(st.fs);
	fs_watcher_free(st.watcher);
	tree_check(&st.tree);
	tree_close(&st.tree);
	assert_int_equal(fds_open(FDS_SEEN), fds_before);
}

static void everything_at_once(void **state)
{
	unsigned int before = fds_open(FDS_SEEN);

	(void)state;
	set_up(0);
	run(0);
	assert_true(atomic_load(&st.stale) > 0);
	tear_down(before);
}

static void nodes_rest(void **state)
{
	unsigned int before = fds_open(FDS_SEEN);

	(void)state;
	set_up(BUDGET_FEW);
	run(0);
	tear_down(before);
}

static void descriptors_run_out(void **state)
{
	unsigned int before = fds_open(FDS_SEEN);

	(void)state;
	set_up(0);
	run(LEFT_FEW);
	tear_down(before);
}

static void on_press(void *arg)
{
	(void)arg;
	atomic_fetch_add(&st.pressed, 1);
}

/* Other services of the process hold all that the bound leaves but a little. In the end that little is there again. */
static void memory_runs_out(void **state)
{
	unsigned int before = fds_open(FDS_SEEN);
	uint64_t others = 0;

	(void)state;
	fs_memory_bound(MEMORY_BYTES, on_press, NULL);
	set_up(0);
	for (; fs_memory_held() < MEMORY_BYTES / 2 - MEMORY_LEFT; others += MEMORY_PIECE)
		assert_int_equal(fs_memory_take(MEMORY_PIECE), 0);
	run(0);
	assert_true(atomic_load(&st.pressed) > 0 && atomic_load(&st.no_memory) > 0);
	tear_down(before);
	assert_int_equal(fs_memory_held(), others);
	fs_memory_give(others);
	fs_memory_bound(0, NULL, NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_at_once),
		cmocka_unit_test(nodes_rest),
		cmocka_unit_test(descriptors_run_out),
		cmocka_unit_test(memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
