/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/p9: requests side by side, tags, flushes, locks, ends of sessions. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/le.h"
#include "tests/p9/client.h"
#include "tests/unit/filter.h"

/* The answers go to a socket (src/p9/socket.c). */
const char *const harness_syscalls[] = { "sendto", "shutdown", NULL };

static struct p9c c;

static int setup(void **state)
{
	(void)state;
	p9c_start(&c, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p9c_stop(&c);
	return 0;
}

static int host_open(const char *name, int flags)
{
	int fd = openat(c.dir_fd, name, flags | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	return fd;
}

/* Receives one reply, which must be that of @tag: its result. */
static void expect(uint16_t tag, uint8_t type, int result)
{
	int r = p9c_receive(&c);

	assert_int_equal(c.reply_tag, tag);
	assert_int_equal(r, result);
	if (r == 0)
		assert_int_equal(c.reply_type, type);
}

/* ---- many at once ---- */

#define BATCH 200u

static void many_requests_are_all_answered_once(void **state)
{
	bool seen[BATCH] = { false };
	autobuf all = BUF_INIT;
	int fd = host_open("f", O_WRONLY);
	uint32_t number;

	(void)state;
	for (uint32_t i = 0; i < BATCH; i++)
		assert_int_equal(pwrite(fd, &i, 4, 4 * (off_t)i), 4);
	close(fd);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "f"), 0);
	assert_int_equal(p9c_open(&c, 1, 0), 0);
	for (uint32_t i = 0; i < BATCH; i++)
		p9c_message(&all, P9_TREAD, (uint16_t)i, "dqd", 1u, 4ull * i, 4u);
	p9c_send_raw(&c, all.data, all.len);
	for (uint32_t i = 0; i < BATCH; i++) {
		assert_int_equal(p9c_receive(&c), 0);
		assert_int_equal(wire_get_u32(&c.r), 4);
		number = wire_get_u32(&c.r);
		assert_int_equal(number, c.reply_tag);
		assert_false(seen[number]);
		seen[number] = true;
	}
}

/* Everything at once on the same few fids: no answer may be missing, nothing may be used after it was freed. */
static void races_on_the_same_fids(void **state)
{
	autobuf all = BUF_INIT;
	unsigned int n = 0;

	(void)state;
	close(host_open("f", O_WRONLY));
	assert_int_equal(mkdirat(c.dir_fd, "d", 0755), 0);
	for (unsigned int i = 0; i < 60; i++) {
		uint32_t fid = 1 + i % 3;

		p9c_message(&all, P9_TWALK, (uint16_t)n++, "ddws", P9C_ROOT, fid, 1, i % 2 ? "f" : "d");
		p9c_message(&all, P9_TLOPEN, (uint16_t)n++, "dd", fid, 0u);
		p9c_message(&all, P9_TWALK, (uint16_t)n++, "ddws", fid, fid, 1, "..");
		p9c_message(&all, P9_TLCREATE, (uint16_t)n++, "dsddd", fid, "g", 2u, 0600u, 0u);
		p9c_message(&all, P9_TREAD, (uint16_t)n++, "dqd", fid, 0ull, 10u);
		p9c_message(&all, P9_TREADDIR, (uint16_t)n++, "dqd", fid, 0ull, 1000u);
		p9c_message(&all, P9_TXATTRCREATE, (uint16_t)n++, "dsqd", fid, "user.x", 1ull, 0u);
		p9c_message(&all, P9_TRENAME, (uint16_t)n++, "dds", fid, P9C_ROOT, i % 2 ? "f" : "h");
		p9c_message(&all, P9_TLOCK, (uint16_t)n++, "dbdqqds", fid, 1, P9_LOCK_FLAG_BLOCK, 0ull, 0ull, 1u, "");
		p9c_message(&all, P9_TFLUSH, (uint16_t)n, "w", (int)n - 1);
		n++;
		p9c_message(&all, i % 4 ? P9_TCLUNK : P9_TREMOVE, (uint16_t)n++, "d", fid);
	}
	/* This goes in pieces, so that neither side's socket buffer fills up unread. */
	for (size_t at = 0, sent = 0; sent < n;) {
		size_t end = at;

		for (unsigned int k = 0; k < 11 && end < all.len; k++) {
			uint32_t size;

			memcpy(&size, all.data + end, 4);
			end += size;
			sent++;
		}
		p9c_send_raw(&c, all.data + at, end - at);
		at = end;
		for (unsigned int k = 0; k < 11; k++)
			assert_int_not_equal(p9c_receive(&c), -ECONNRESET);
	}
	assert_int_equal(n % 11, 0);
}

/* ---- tags ---- */

/* As process @fid; a release that does not wait is what closing a descriptor sends. */
static int lock(uint32_t fid, uint8_t type, uint32_t flags, uint64_t start, uint64_t length)
{
	int r = p9c_call(&c, P9_TLOCK, "dbdqqds", fid, (int)type, flags, start, length, fid, "client");

	return r < 0 ? r : wire_get_u8(&c.r);
}

/* Makes two open fids, 1 and 2, of one file; fid 1 holds a write lock on all of it. */
static void two_fids_one_lock(void)
{
	close(host_open("f", O_WRONLY));
	for (uint32_t fid = 1; fid <= 2; fid++) {
		assert_int_equal(p9c_walk(&c, P9C_ROOT, fid, "f"), 0);
		assert_int_equal(p9c_open(&c, fid, 2), 0);
	}
	assert_int_equal(lock(1, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_SUCCESS);
}

static void send_blocking_lock(uint16_t tag, uint32_t fid)
{
	p9c_send(&c, P9_TLOCK, tag, "dbdqqds", fid, P9_LOCK_WRLCK, P9_LOCK_FLAG_BLOCK, 0ull, 0ull, 2u, "client");
}

static void a_tag_in_use_is_refused(void **state)
{
	(void)state;
	two_fids_one_lock();
	send_blocking_lock(5000, 2);
	p9c_send(&c, P9_TSTATFS, 5000, "d", P9C_ROOT);
	expect(5000, 0, -EINVAL);
	/* the lock is let go before that is answered, so the answers come in any order */
	p9c_send(&c, P9_TLOCK, 5001, "dbdqqds", 1u, P9_LOCK_UNLCK, 0u, 0ull, 0ull, 1u, "client");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(p9c_receive(&c), 0);
		assert_in_range(c.reply_tag, 5000, 5001);
		assert_int_equal(c.reply_type, P9_TLOCK + 1);
		assert_int_equal(wire_get_u8(&c.r), P9_LOCK_SUCCESS);
	}
	p9c_send(&c, P9_TSTATFS, 5000, "d", P9C_ROOT);
	expect(5000, P9_TSTATFS + 1, 0);
}

static void flushes(void **state)
{
	(void)state;
	/* A flush may name nothing, or itself. */
	assert_int_equal(p9c_call(&c, P9_TFLUSH, "w", 4711), 0);
	p9c_send(&c, P9_TFLUSH, 5000, "w", 5000);
	expect(5000, P9_TFLUSH + 1, 0);
	/* It may name a lock that waits; then the lock's answer comes first. */
	two_fids_one_lock();
	send_blocking_lock(5001, 2);
	p9c_send(&c, P9_TFLUSH, 5002, "w", 5001);
	expect(5001, 0, -EINTR);
	expect(5002, P9_TFLUSH + 1, 0);
	/* A request may be flushed twice, and a flush may be flushed. */
	send_blocking_lock(5003, 2);
	p9c_send(&c, P9_TFLUSH, 5004, "w", 5003);
	p9c_send(&c, P9_TFLUSH, 5005, "w", 5004);
	p9c_send(&c, P9_TFLUSH, 5006, "w", 5003);
	expect(5003, 0, -EINTR);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(p9c_receive(&c), 0);
		assert_in_range(c.reply_tag, 5004, 5006);
	}
	/* The request that was flushed has not taken the lock. */
	assert_int_equal(lock(1, P9_LOCK_UNLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(flock(c.dir_fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(lock(2, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_SUCCESS);
}

/* Two threads, each with a flush of the other's tag. */
#define FLUSH_ROUNDS 20000
#define FLUSH_WAIT_S 10
#define FLUSH_SPIN 1000 /* turns between two looks at the clock */

struct flusher {
	struct p9_session *session;
	uint16_t tag, old_tag;
	atomic_uint *ready, *answered;
};

static void flush_answered(struct p9_request *req, uint32_t reply_len)
{
	if (reply_len == P9_HEADER)
		atomic_fetch_add((atomic_uint *)req->arg, 1);
}

static bool wait_for_count(atomic_uint *count, unsigned int want)
{
	struct timespec start, now;
	unsigned int turns = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (atomic_load(count) < want) {
		if (++turns % FLUSH_SPIN)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > FLUSH_WAIT_S)
			return false;
		sched_yield();
	}
	return true;
}

static void *flusher_run(void *arg)
{
	struct flusher *f = arg;

	for (unsigned int round = 1; round <= FLUSH_ROUNDS; round++) {
		uint8_t message[] = { 9, 0, 0, 0, P9_TFLUSH, (uint8_t)f->tag, 0, (uint8_t)f->old_tag, 0 };
		uint8_t reply[P9_HEADER];
		struct iovec in = { message, sizeof(message) }, out = { reply, sizeof(reply) };
		struct p9_request req = { .in = &in,
			.in_count = 1,
			.out = &out,
			.out_count = 1,
			.done = flush_answered,
			.arg = f->answered };

		/* Both go on at the same moment, which a sleeping barrier would not give. */
		atomic_fetch_add(f->ready, 1);
		if (!wait_for_count(f->ready, 2 * round))
			return NULL;
		p9_submit(f->session, &req);
		if (!wait_for_count(f->answered, 2 * round)) {
			print_message("round %u: two flushes wait for each other\n", round);
			_exit(1); /* nothing in here could be ended in order */
		}
	}
	return NULL;
}

static void flushes_that_name_each_other(void **state)
{
	struct p9_session *session;
	atomic_uint ready = 0, answered = 0;
	pthread_t threads[2];
	struct flusher f[2];

	(void)state;
	assert_int_equal(p9_session_new(c.server, &session), 0);
	for (uint16_t i = 0; i < 2; i++) {
		f[i] = (struct flusher){ session, (uint16_t)(1 + i), (uint16_t)(2 - i), &ready, &answered };
		assert_int_equal(pthread_create(&threads[i], NULL, flusher_run, &f[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&answered), 2 * FLUSH_ROUNDS);
	p9_session_free(session);
}

/* ---- locks ---- */

static void locks_exclude_each_other_and_the_host(void **state)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	(void)state;
	two_fids_one_lock();
	assert_int_equal(lock(2, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_BLOCKED);
	assert_int_equal(lock(2, P9_LOCK_RDLCK, 0, 100, 10), P9_LOCK_BLOCKED);
	fd = host_open("f", O_RDWR);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &fl), -1);
	assert_int_equal(errno, EAGAIN);
	/* Ranges that do not overlap do not exclude each other. */
	assert_int_equal(lock(1, P9_LOCK_UNLCK, 0, 100, 10), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, P9_LOCK_RDLCK, 0, 100, 10), P9_LOCK_SUCCESS);
	fl.l_start = 100;
	fl.l_len = 10;
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &fl), -1);
	/* Tgetlock says who holds what. */
	assert_int_equal(p9c_call(&c, P9_TGETLOCK, "dbqqds", 1u, P9_LOCK_WRLCK, 90ull, 30ull, 1u, "client"), 0);
	assert_int_equal(wire_get_u8(&c.r), P9_LOCK_RDLCK);
	assert_int_equal(wire_get_u64(&c.r), 100);
	assert_int_equal(wire_get_u64(&c.r), 10);
	assert_int_equal(p9c_call(&c, P9_TGETLOCK, "dbqqds", 1u, P9_LOCK_WRLCK, 0ull, 10ull, 1u, "client"), 0);
	assert_int_equal(wire_get_u8(&c.r), P9_LOCK_UNLCK);
	/* The end of a fid is the end of its locks. */
	assert_int_equal(p9c_clunk(&c, 2), 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &fl), 0);
	close(fd);
}

static void a_lock_is_waited_for_without_blocking_others(void **state)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct p9c_attr a;
	int fd;

	(void)state;
	two_fids_one_lock();
	/* More locks wait than there are workers. */
	for (uint16_t i = 0; i < 20; i++) {
		assert_int_equal(p9c_walk(&c, P9C_ROOT, 100 + i, "f"), 0);
		assert_int_equal(p9c_open(&c, 100 + i, 2), 0);
		p9c_send(&c, P9_TLOCK, 5000 + i, "dbdqqds", 100u + i, P9_LOCK_RDLCK, P9_LOCK_FLAG_BLOCK, 0ull, 0ull,
			100u + i, "client");
	}
	assert_int_equal(p9c_getattr(&c, 1, &a), 0);
	/* The clunk lets the lock go before it is answered, so the answers come in any order. */
	p9c_send(&c, P9_TCLUNK, 5020, "d", 1u);
	for (uint16_t i = 0; i < 21; i++) {
		assert_int_equal(p9c_receive(&c), 0);
		assert_in_range(c.reply_tag, 5000, 5020);
		if (c.reply_tag == 5020)
			assert_int_equal(c.reply_type, P9_TCLUNK + 1);
		else
			assert_int_equal(wire_get_u8(&c.r), P9_LOCK_SUCCESS);
	}
	for (uint16_t i = 0; i < 20; i++)
		assert_int_equal(p9c_clunk(&c, 100 + i), 0);
	/* A process of the host holds the lock. */
	fd = host_open("f", O_RDWR);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &fl), 0);
	send_blocking_lock(6000, 2);
	assert_int_equal(p9c_getattr(&c, 2, &a), 0);
	close(fd);
	expect(6000, P9_TLOCK + 1, 0);
}

/* ---- a file system that does not answer ---- */

#define HANGS 40u /* more than there are threads */

/*
 * Whoever opens a file for writing of which another has a lease waits until that lets go of it, in the kernel: so does a
 * file system that hangs.
 */
static int lease_take(void)
{
	int fd;

	close(host_open("leased", O_WRONLY));
	fd = host_open("leased", O_RDONLY);
	signal(SIGIO, SIG_IGN);
	assert_int_equal(fcntl(fd, F_SETLEASE, F_RDLCK), 0);
	return fd;
}

static void an_export_that_hangs_does_not_keep_others(void **state)
{
	char other[] = "/tmp/vmrunc-p9-other-XXXXXX";
	autoclose int other_fd = -1;
	struct err err = ERR_INIT;
	struct p9c_attr a;
	int lease = lease_take();

	(void)state;
	assert_non_null(mkdtemp(other));
	other_fd = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_export_add(c.fs, "top/other", openat(other_fd, ".", O_PATH | O_CLOEXEC), 0, &err), 0);
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 1u, P9_NOFID, "", "top/other", P9_NONUNAME), 0);
	for (uint32_t i = 0; i < HANGS; i++)
		assert_int_equal(p9c_walk(&c, P9C_ROOT, 100 + i, "leased"), 0);
	for (uint32_t i = 0; i < HANGS; i++)
		p9c_send(&c, P9_TLOPEN, (uint16_t)(5000 + i), "dd", 100 + i, 1u);
	/* The other export answers, also requests that lead from the top into it. */
	assert_int_equal(p9c_getattr(&c, 1, &a), 0);
	assert_int_equal(p9c_call(&c, P9_TMKDIR, "dsdd", 1u, "d", 0755u, 0u), 0);
	assert_int_equal(p9c_walk(&c, 1, 2, "d"), 0);
	/* What has not begun can be taken back. */
	p9c_send(&c, P9_TFLUSH, 6000, "w", 5000 + (int)HANGS - 1);
	expect(5000 + HANGS - 1, 0, -EINTR);
	expect(6000, P9_TFLUSH + 1, 0);
	assert_false(p9_server_drain(c.server, 1));
	close(lease);
	for (uint32_t i = 0; i < HANGS - 1; i++) {
		assert_int_equal(p9c_receive(&c), 0);
		assert_int_equal(c.reply_type, P9_TLOPEN + 1);
	}
	assert_int_equal(p9c_clunk(&c, 2), 0);
	assert_true(p9_server_drain(c.server, 60000));
	assert_int_equal(unlinkat(other_fd, "d", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(other), 0);
}

static void shared_and_exclusive_whatever_it_was_opened_for(void **state)
{
	(void)state;
	/* flock(2) in the guest may be exclusive on a file open for reading, and shared on one open for writing. */
	close(host_open("f", O_WRONLY));
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "f"), 0);
	assert_int_equal(p9c_open(&c, 1, 0), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 2, "f"), 0);
	assert_int_equal(p9c_open(&c, 2, 1), 0);
	assert_int_equal(lock(1, P9_LOCK_RDLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, P9_LOCK_RDLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_BLOCKED);
	assert_int_equal(lock(2, P9_LOCK_UNLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(1, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, P9_LOCK_RDLCK, 0, 0, 0), P9_LOCK_BLOCKED);
}

static void directories_are_locked_whole(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(c.dir_fd, "d", 0755), 0);
	for (uint32_t fid = 1; fid <= 2; fid++) {
		assert_int_equal(p9c_walk(&c, P9C_ROOT, fid, "d"), 0);
		assert_int_equal(p9c_open(&c, fid, 0), 0);
	}
	assert_int_equal(lock(1, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, P9_LOCK_WRLCK, 0, 0, 0), P9_LOCK_BLOCKED);
	assert_int_equal(lock(1, P9_LOCK_UNLCK, 0, 0, 0), P9_LOCK_SUCCESS);
	assert_int_equal(lock(2, P9_LOCK_RDLCK, 0, 0, 0), P9_LOCK_SUCCESS);
}

/* These requests go without a socket, which lets fewer through at a time than the server lets wait. */
struct waiter {
	struct p9_request req;
	struct iovec in, out;
	uint8_t message[64], reply[64];
	_Atomic uint32_t len;
};

static void waiter_done(struct p9_request *req, uint32_t len)
{
	struct waiter *w = req->arg;

	w->len = len;
}

static void waiter_submit(struct p9_session *session, struct waiter *w, const struct buf *b)
{
	assert_true(b->len <= sizeof(w->message));
	memcpy(w->message, b->data, b->len);
	w->in = (struct iovec){ w->message, b->len };
	w->out = (struct iovec){ w->reply, sizeof(w->reply) };
	w->req = (struct p9_request){
		.in = &w->in,
		.in_count = 1,
		.out = &w->out,
		.out_count = 1,
		.done = waiter_done,
		.arg = w,
	};
	w->len = 0;
	p9_submit(session, &w->req);
}

#define SUBMIT_AND_WAIT(session, w, ...)                         \
	do {                                                     \
		autobuf m = BUF_INIT;                            \
		p9c_message(&m, __VA_ARGS__);                    \
		waiter_submit(session, w, &m);                   \
		while ((w)->len == 0)                            \
			usleep(100);                             \
		assert_int_not_equal((w)->reply[4], P9_RLERROR); \
	} while (0)

static void too_many_waiters_are_told_to_come_again(void **state)
{
	unsigned int n = P9_LOCK_WAITERS_MAX + 10, ended = 0;
	struct waiter *w = calloc(n + 1, sizeof(*w));
	struct p9_session *session;

	(void)state;
	assert_non_null(w);
	two_fids_one_lock();
	assert_int_equal(p9_session_new(c.server, &session), 0);
	SUBMIT_AND_WAIT(session, &w[n], P9_TVERSION, UINT16_MAX, "ds", 65536u, P9_VERSION);
	SUBMIT_AND_WAIT(session, &w[n], P9_TATTACH, 1, "ddssd", 0u, P9_NOFID, "", "top/export", 0u);
	SUBMIT_AND_WAIT(session, &w[n], P9_TWALK, 1, "ddws", 0u, 1u, 1, "f");
	SUBMIT_AND_WAIT(session, &w[n], P9_TLOPEN, 1, "dd", 1u, 2u);
	for (unsigned int i = 0; i < n; i++) {
		autobuf m = BUF_INIT;

		p9c_message(&m, P9_TLOCK, (uint16_t)i, "dbdqqds", 1u, P9_LOCK_WRLCK, P9_LOCK_FLAG_BLOCK, 0ull, 0ull, 2u,
			"c");
		waiter_submit(session, &w[i], &m);
	}
	while (ended < n - P9_LOCK_WAITERS_MAX) {
		usleep(100);
		ended = 0;
		for (unsigned int i = 0; i < n; i++) {
			ended += w[i].len != 0;
			if (w[i].len != 0)
				assert_int_equal(w[i].reply[P9_HEADER], P9_LOCK_BLOCKED);
		}
	}
	assert_int_equal(ended, n - P9_LOCK_WAITERS_MAX);
	p9_session_free(session); /* it ends the other requests */
	for (unsigned int i = 0; i < n; i++)
		assert_int_not_equal(w[i].len, 0);
	free(w);
}

/* ---- ends ---- */

static void a_version_ends_what_waits(void **state)
{
	(void)state;
	two_fids_one_lock();
	send_blocking_lock(5000, 2);
	p9c_send(&c, P9_TVERSION, UINT16_MAX, "ds", 65536u, P9_VERSION);
	expect(5000, 0, -EINTR);
	expect(UINT16_MAX, P9_TVERSION + 1, 0);
	assert_int_equal(p9c_clunk(&c, 1), -EBADF);
}

static void a_connection_ends_while_locks_wait(void **state)
{
	int fd;

	(void)state;
	two_fids_one_lock();
	for (uint16_t i = 0; i < 10; i++)
		send_blocking_lock(5000 + i, 2);
	p9c_disconnect(&c);
	/* The locks are gone with the session. */
	fd = host_open("f", O_RDWR);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET }), 0);
	close(fd);
	p9c_connect(&c);
	assert_int_equal(p9c_call(&c, P9_TVERSION, "ds", 65536u, P9_VERSION), 0);
}

static void sessions_share_a_server(void **state)
{
	struct p9c other = c;
	char data[8];

	(void)state;
	other.reply = malloc(P9_MSIZE_MAX);
	p9c_connect(&other);
	assert_int_equal(p9c_call(&other, P9_TVERSION, "ds", 65536u, P9_VERSION), 0);
	assert_int_equal(p9c_call(&other, P9_TATTACH, "ddssd", P9C_ROOT, P9_NOFID, "", "top/export", 0u), 0);
	assert_int_equal(p9c_create(&c, P9C_ROOT, 1, "f", 2, 0600), 0);
	assert_int_equal(p9c_write(&c, 1, 0, "abc", 3), 3);
	assert_int_equal(p9c_clunk(&other, 1), -EBADF); /* each session has fids of its own */
	assert_int_equal(p9c_walk(&other, P9C_ROOT, 1, "f"), 0);
	assert_int_equal(p9c_open(&other, 1, 0), 0);
	assert_int_equal(p9c_read(&other, 1, 0, data, 8), 3);
	p9c_disconnect(&other);
	free(other.reply);
	assert_int_equal(p9c_read(&c, 1, 0, data, 8), 3);
}

/*
 * A Tversion is answered, and over, also when no thread can be made fit to serve it: the next one is not "too early", and is
 * served if a thread can be made fit by then.
 */
static void a_version_that_no_thread_can_serve(void **state)
{
	struct p9_session *session;
	struct p9_server *server;
	struct err err = ERR_INIT;
	struct fs *fs;
	int proc_fd = fs_proc_open(&err), null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC), kept = dup(proc_fd);
	struct waiter w;

	(void)state;
	assert_true(proc_fd >= 0 && null_fd >= 0 && kept >= 0);
	assert_int_equal(fs_new(proc_fd, &fs, &err), 0);
	assert_int_equal(p9_server_new(fs, NULL, &server, &err), 0);
	assert_int_equal(p9_session_new(server, &session), 0);
	assert_int_equal(dup3(null_fd, proc_fd, O_CLOEXEC), proc_fd); /* no thread can work there */
	for (int i = 0; i < 5; i++) {
		autobuf m = BUF_INIT;

		if (i == 3)
			assert_int_equal(dup3(kept, proc_fd, O_CLOEXEC), proc_fd);
		p9c_message(&m, P9_TVERSION, UINT16_MAX, "ds", 65536u, P9_VERSION);
		waiter_submit(session, &w, &m);
		while (w.len == 0)
			usleep(100);
		if (i < 3) {
			assert_int_equal(w.reply[4], P9_RLERROR);
			assert_int_equal(le32_get(w.reply + P9_HEADER), ENOTDIR);
		}
	}
	assert_int_equal(w.reply[4], P9_TVERSION + 1);
	p9_session_free(session);
	p9_server_free(server);
	fs_free(fs);
	close(null_fd);
	close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_version_that_no_thread_can_serve),
		cmocka_unit_test_setup_teardown(many_requests_are_all_answered_once, setup, teardown),
		cmocka_unit_test_setup_teardown(races_on_the_same_fids, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tag_in_use_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(flushes, setup, teardown),
		cmocka_unit_test_setup_teardown(flushes_that_name_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(locks_exclude_each_other_and_the_host, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lock_is_waited_for_without_blocking_others, setup, teardown),
		cmocka_unit_test_setup_teardown(shared_and_exclusive_whatever_it_was_opened_for, setup, teardown),
		cmocka_unit_test_setup_teardown(directories_are_locked_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(an_export_that_hangs_does_not_keep_others, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_waiters_are_told_to_come_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_version_ends_what_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_ends_while_locks_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(sessions_share_a_server, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
