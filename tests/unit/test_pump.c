/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the pumps: 100 MB through a slow reader, the end of a process that left children, copies. */
#include "channel/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/loop.h"
#include "channel/mux.h"
#include "channel/records.h"

#define CONTROL_MAX 4096

/* Both ends of a channel, on one loop. */
struct pair {
	struct loop *loop;
	struct mux *a, *b;
	int fds[2];
};

typedef int message_fn(void *arg, const void *msg, size_t len);

static int no_message(void *arg, const void *msg, size_t len)
{
	(void)arg;
	(void)msg;
	(void)len;
	fail_msg("there should be no message");
	return -EPROTO;
}

static void on_closed(void *arg, int error)
{
	(void)arg;
	fail_msg("the channel closed: %d", error);
}

static void pair_open(struct pair *p, message_fn *on_a, message_fn *on_b, void *arg)
{
	struct mux_limits limits = { .control_in_max = CONTROL_MAX, .control_out_max = CONTROL_MAX };
	struct mux_events a = { .on_message = on_a, .on_closed = on_closed, .arg = arg };
	struct mux_events b = { .on_message = on_b, .on_closed = on_closed, .arg = arg };

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, p->fds), 0);
	assert_int_equal(loop_new(&p->loop), 0);
	assert_int_equal(mux_new(p->loop, p->fds[0], &limits, &a, &p->a), 0);
	assert_int_equal(mux_new(p->loop, p->fds[1], &limits, &b, &p->b), 0);
}

static void pair_close(struct pair *p)
{
	mux_free(p->a);
	mux_free(p->b);
	fd_close(p->fds[0]);
	fd_close(p->fds[1]);
	loop_free(p->loop);
}

/* --- a slow reader --- */

#define BULK (100 * 1024 * 1024)
#define BULK_STEP (1024 * 1024) /* bytes that are read for each control message that gets through */

struct bulk {
	struct pair p;
	struct sink *sink;
	struct source *source;
	int in, out; /* the ends of the pipes that the threads have */
	sem_t turn;
	bool source_done, sink_done;
	unsigned int messages;
	size_t read, wrong;
};

static uint8_t bulk_byte(size_t at)
{
	return (uint8_t)(at ^ (at >> 8) ^ (at >> 16));
}

static void *bulk_write(void *arg)
{
	static uint8_t chunk[65536];
	struct bulk *b = arg;
	size_t at = 0;

	while (at < BULK) {
		for (size_t i = 0; i < sizeof(chunk); i++)
			chunk[i] = bulk_byte(at + i);
		if (fd_write_full(b->in, chunk, sizeof(chunk)) < 0)
			break;
		at += sizeof(chunk);
	}
	fd_close(b->in);
	return NULL;
}

/* Reads a step for each post, so only as fast as control messages come. */
static void *bulk_read(void *arg)
{
	static uint8_t chunk[BULK_STEP];
	struct bulk *b = arg;
	ssize_t n;

	do {
		while (sem_wait(&b->turn) < 0)
			;
		n = fd_read_full(b->out, chunk, sizeof(chunk));
		for (ssize_t i = 0; i < n; i++)
			b->wrong += chunk[i] != bulk_byte(b->read + (size_t)i);
		b->read += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	fd_close(b->out);
	return NULL;
}

static void bulk_settle(struct bulk *b)
{
	if (b->source_done && b->sink_done)
		loop_stop(b->p.loop);
}

static void bulk_source_end(void *arg, int error)
{
	struct bulk *b = arg;

	assert_int_equal(error, 0);
	b->source_done = true;
	bulk_settle(b);
}

static void bulk_sink_end(void *arg, int error)
{
	struct bulk *b = arg;

	assert_int_equal(error, 0);
	b->sink_done = true;
	bulk_settle(b);
}

/* A message goes to and fro; each time that it arrives it lets the reader take a step. */
static int bulk_on_message(void *arg, const void *msg, size_t len)
{
	struct bulk *b = arg;

	b->messages++;
	(void)sem_post(&b->turn);
	return b->sink_done ? 0 : mux_send(b->p.a, msg, len);
}

static int bulk_echo(void *arg, const void *msg, size_t len)
{
	struct bulk *b = arg;

	return mux_send(b->p.b, msg, len);
}

/*
 * 100 MB go from a pipe through the channel into a pipe, whose reader takes a step
 * only when a control message has made the round trip. If the stalled stream held
 * control messages up, this would hang; and no byte may be lost or changed.
 */
static void bulk_through_slow_reader(void **state)
{
	pthread_t writer, reader;
	int from[2], to[2];
	struct bulk b = { .read = 0 };

	(void)state;
	assert_int_equal(sem_init(&b.turn, 0, 0), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	pair_open(&b.p, bulk_on_message, bulk_echo, &b);
	b.in = from[1];
	b.out = to[0];
	assert_int_equal(fd_set_nonblock(from[0], 1), 0);
	assert_int_equal(source_new(b.p.loop, b.p.b, 1, from[0], PUMP_NONBLOCK, bulk_source_end, &b, &b.source), 0);
	assert_int_equal(sink_new(b.p.loop, b.p.a, 1, to[1], PUMP_CAREFUL, bulk_sink_end, &b, &b.sink), 0);
	assert_int_equal(mux_send(b.p.a, "ping", 4), 0);
	assert_int_equal(pthread_create(&writer, NULL, bulk_write, &b), 0);
	assert_int_equal(pthread_create(&reader, NULL, bulk_read, &b), 0);
	assert_int_equal(loop_run(b.p.loop), 0);
	(void)sem_post(&b.turn); /* for the last steps and for the end of file */
	for (int i = 0; i < BULK / BULK_STEP; i++)
		(void)sem_post(&b.turn);
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(b.read, BULK);
	assert_int_equal(b.wrong, 0);
	assert_true(b.messages >= BULK / BULK_STEP);
	pair_close(&b.p);
	(void)sem_destroy(&b.turn);
}

/* A process has ended, but its child keeps the pipe open: what was written comes, and then the end. */
static void finish_does_not_wait_for_others(void **state)
{
	int from[2], to[2];
	struct bulk b = { .read = 0 };
	char got[8];

	(void)state;
	assert_int_equal(pipe2(from, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(to, O_CLOEXEC | O_NONBLOCK), 0);
	pair_open(&b.p, no_message, no_message, &b);
	assert_int_equal(write(from[1], "hello", 5), 5);
	assert_int_equal(source_new(b.p.loop, b.p.b, 1, from[0], PUMP_NONBLOCK, bulk_source_end, &b, &b.source), 0);
	assert_int_equal(sink_new(b.p.loop, b.p.a, 1, to[1], PUMP_NONBLOCK, bulk_sink_end, &b, &b.sink), 0);
	source_finish(b.source);
	assert_int_equal(loop_run(b.p.loop), 0);
	assert_int_equal(read(to[0], got, sizeof(got)), 5);
	assert_memory_equal(got, "hello", 5);
	assert_int_equal(read(to[0], got, sizeof(got)), 0);
	fd_close(from[1]);
	fd_close(to[0]);
	pair_close(&b.p);
}

/* --- copies --- */

#define COPY_PIPE 4096 /* what the pipe holds */

/* The linker turns calls of buf_put(), by which a sink keeps bytes, into calls of this (--wrap), which counts them. */
static unsigned int copies;
void __real_buf_put(struct buf *b, const void *data, size_t len);
void __wrap_buf_put(struct buf *b, const void *data, size_t len);

void __wrap_buf_put(struct buf *b, const void *data, size_t len)
{
	copies++;
	__real_buf_put(b, data, len);
}

struct copy_case {
	struct pair p;
	struct sink *sink;
	int out;
	bool sink_done;
	const char *to_send;
	size_t to_send_len;
	size_t read;
};

static ssize_t copy_fill(void *arg, void *buf, size_t max)
{
	struct copy_case *c = arg;
	size_t n = MIN(max, c->to_send_len);

	if (n == 0)
		return MUX_FILL_EOF;
	memcpy(buf, c->to_send, n);
	c->to_send += n;
	c->to_send_len -= n;
	return (ssize_t)n;
}

static void copy_on_sender_end(void *arg, int error)
{
	(void)arg;
	fail_msg("the stream was reset: %d", error);
}

static void copy_on_readable(void *arg, uint32_t events)
{
	struct copy_case *c = arg;
	uint8_t chunk[512];
	ssize_t n = read(c->out, chunk, sizeof(chunk));

	(void)events;
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(chunk[i], bulk_byte(c->read + (size_t)i));
	if (n <= 0)
		loop_stop(c->p.loop);
	else
		c->read += (size_t)n;
}

static void copy_on_sink_end(void *arg, int error)
{
	struct copy_case *c = arg;

	assert_int_equal(error, 0);
	c->sink_done = true;
}

/* Sends @len bytes through a sink into a pipe that holds COPY_PIPE; returns how often the sink copied. */
static unsigned int copies_of(size_t len)
{
	autofree char *bytes = malloc(len);
	static const struct mux_stream_ops ops = { .fill = copy_fill, .end = copy_on_sender_end };
	struct copy_case c = { .read = 0 };
	struct mux_stream *sender;
	struct watch *watch;
	int to[2];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)bulk_byte(i);
	assert_int_equal(pipe2(to, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(fcntl(to[1], F_SETPIPE_SZ, COPY_PIPE), COPY_PIPE);
	pair_open(&c.p, no_message, no_message, &c);
	c.out = to[0];
	c.to_send = bytes;
	c.to_send_len = len;
	assert_int_equal(sink_new(c.p.loop, c.p.a, 1, to[1], PUMP_NONBLOCK, copy_on_sink_end, &c, &c.sink), 0);
	assert_int_equal(mux_stream_open(c.p.b, 1, MUX_SEND, &ops, &c, &sender), 0);
	assert_int_equal(watch_new(c.p.loop, to[0], EPOLLIN, copy_on_readable, &c, &watch), 0);
	copies = 0;
	mux_stream_ready(sender);
	assert_int_equal(loop_run(c.p.loop), 0);
	assert_true(c.sink_done);
	assert_int_equal(c.read, len);
	watch_free(watch);
	pair_close(&c.p);
	fd_close(to[0]);
	return copies;
}

/* Bytes that an idle pipe takes are not copied. Of more, the rest is copied, once; the order is kept in both cases. */
static void sink_copies_only_what_must_wait(void **state)
{
	(void)state;
	assert_int_equal(copies_of(COPY_PIPE), 0);
	assert_int_equal(copies_of(10 * COPY_PIPE), 1);
}

/* --- a pipe that two sources read --- */

#define SHARERS 2
#define HANG_S 20

struct shared {
	struct pair p;
	int writer, reader;
	unsigned int ends;
	size_t read;
};

static void shared_end(void *arg, int error)
{
	struct shared *s = arg;

	assert_int_equal(error, 0);
	if (++s->ends == 2 * SHARERS)
		loop_stop(s->p.loop);
}

/* The bytes have come, by one source or the other: now the pipe ends. */
static void shared_on_bytes(void *arg, uint32_t events)
{
	struct shared *s = arg;
	char got[8];
	ssize_t n = read(s->reader, got, sizeof(got));

	(void)events;
	if (n > 0)
		s->read += (size_t)n;
	fd_close(s->writer);
	s->writer = -1;
}

/*
 * Two processes have the same pipe as their input. epoll tells both sources of the bytes, and one gets them: the other
 * must not wait in read(2), or the whole monitor waits.
 */
static void others_may_take_the_bytes(void **state)
{
	struct shared s = { .ends = 0 };
	struct source *source;
	struct sink *sink;
	struct watch *watch;
	int from[2], to[2];

	(void)state;
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	assert_int_equal(pipe2(to, O_CLOEXEC | O_NONBLOCK), 0);
	s.writer = from[1];
	s.reader = to[0];
	pair_open(&s.p, no_message, no_message, &s);
	for (uint32_t i = 1; i <= SHARERS; i++) {
		assert_int_equal(
			source_new(s.p.loop, s.p.b, i, dup(from[0]), PUMP_CAREFUL, shared_end, &s, &source), 0);
		assert_int_equal(sink_new(s.p.loop, s.p.a, i, dup(to[1]), PUMP_NONBLOCK, shared_end, &s, &sink), 0);
	}
	assert_int_equal(watch_new(s.p.loop, s.reader, EPOLLIN, shared_on_bytes, &s, &watch), 0);
	assert_int_equal(write(s.writer, "hello", 5), 5);
	(void)alarm(HANG_S); /* what it hangs in cannot be ended otherwise */
	assert_int_equal(loop_run(s.p.loop), 0);
	(void)alarm(0);
	assert_int_equal(s.read, 5);
	watch_free(watch);
	fd_close(from[0]);
	fd_close(to[0]);
	fd_close(to[1]);
	pair_close(&s.p);
}

/* --- many records --- */

#define RECORDS (MUX_PAYLOAD_MAX / 4) /* without a byte: as many as a frame has room for */

static size_t moved; /* bytes that buf_consume() has moved */

void __real_buf_consume(struct buf *b, size_t len);
void __wrap_buf_consume(struct buf *b, size_t len);

void __wrap_buf_consume(struct buf *b, size_t len)
{
	moved += b->len - len;
	__real_buf_consume(b, len);
}

struct records {
	struct pair p;
	struct record_sink *sink;
	size_t taken, until; /* how many are taken, and may be */
	int error;           /* of the sink's end; 1: none yet */
};

static int records_take(void *arg, const void *data unused, size_t len)
{
	struct records *r = arg;

	assert_int_equal(len, 0);
	if (r->taken == r->until) {
		loop_stop(r->p.loop);
		return -EAGAIN;
	}
	r->taken++;
	return 0;
}

static void records_on_end(void *arg, int error)
{
	struct records *r = arg;

	r->error = error;
	loop_stop(r->p.loop);
}

static void records_source_end(void *arg unused, int error)
{
	assert_int_equal(error, 0);
}

/* All records of a window are handed on, one at a time as well, without moving the others for each. */
static void records_are_not_moved_for_each(void **state unused)
{
	struct records r = { .error = 1 };
	struct source *source;
	int fds[2];

	pair_open(&r.p, no_message, no_message, &r);
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	moved = 0;
	assert_int_equal(record_sink_new(r.p.b, 1, records_take, records_on_end, &r, &r.sink), 0);
	assert_int_equal(source_new(r.p.loop, r.p.a, 1, fds[0], PUMP_NONBLOCK, records_source_end, &r, &source), 0);
	for (size_t i = 0; i < RECORDS; i++)
		assert_int_equal(write(fds[1], "\0\0\0", 4), 4);
	fd_close(fds[1]);
	r.until = RECORDS / 2;
	assert_int_equal(loop_run(r.p.loop), 0); /* to the first that is not taken */
	while (r.taken < RECORDS) {
		size_t before = r.taken;

		r.until++;
		record_sink_resume(r.sink);
		if (r.taken == before)
			assert_int_equal(loop_run(r.p.loop), 0);
	}
	while (r.error == 1)
		assert_int_equal(loop_run(r.p.loop), 0);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.taken, RECORDS);
	assert_in_range(moved, 0, 4 * MUX_PAYLOAD_MAX);
	pair_close(&r.p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bulk_through_slow_reader),
		cmocka_unit_test(finish_does_not_wait_for_others),
		cmocka_unit_test(others_may_take_the_bytes),
		cmocka_unit_test(sink_copies_only_what_must_wait),
		cmocka_unit_test(records_are_not_moved_for_each),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the monitor and the agent have it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
