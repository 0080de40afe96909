/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the channel: hostile frames, control messages, credit, ends of streams. */
#include "channel/mux.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"

#define CONTROL_MAX 4096
#define NOT_CLOSED 12345

struct end {
	struct loop *loop;
	struct mux *mux;
	int fd;
	int closed; /* on_closed's error */
	unsigned int messages;
	size_t bytes; /* of messages */
	unsigned int data_calls, ends;
	size_t data_bytes;
	int end_error;
	const char *to_send; /* of fill() */
	size_t to_send_len;
	size_t stop_at_messages, stop_at_bytes;
	int message_result;
	bool ends_go_on; /* the end of a stream does not end the test */
};

static int on_message(void *arg, const void *msg, size_t len)
{
	struct end *e = arg;

	assert_non_null(msg);
	e->messages++;
	e->bytes += len;
	if (e->stop_at_messages && e->messages >= e->stop_at_messages)
		loop_stop(e->loop);
	return e->message_result;
}

static void on_closed(void *arg, int error)
{
	struct end *e = arg;

	assert_int_equal(e->closed, NOT_CLOSED);
	e->closed = error;
	loop_stop(e->loop);
}

static ssize_t on_fill(void *arg, void *buf, size_t max)
{
	struct end *e = arg;
	size_t n = MIN(max, e->to_send_len);

	if (n == 0)
		return MUX_FILL_EOF;
	memcpy(buf, e->to_send, n);
	e->to_send += n;
	e->to_send_len -= n;
	return (ssize_t)n;
}

static void on_data(void *arg, const void *data, size_t len)
{
	struct end *e = arg;

	assert_non_null(data);
	e->data_calls++;
	e->data_bytes += len;
	if (e->stop_at_bytes && e->data_bytes >= e->stop_at_bytes)
		loop_stop(e->loop);
}

static void on_end(void *arg, int error)
{
	struct end *e = arg;

	e->ends++;
	e->end_error = error;
	if (!e->ends_go_on)
		loop_stop(e->loop);
}

static const struct mux_stream_ops ops = { .fill = on_fill, .data = on_data, .end = on_end };

static void end_open(struct end *e, struct loop *loop, int fd)
{
	struct mux_limits limits = { .control_in_max = CONTROL_MAX, .control_out_max = 4 * CONTROL_MAX };
	struct mux_events events = { .on_message = on_message, .on_closed = on_closed, .arg = e };

	*e = (struct end){ .loop = loop, .fd = fd, .closed = NOT_CLOSED };
	assert_int_equal(fd_set_nonblock(fd, 1), 0);
	assert_int_equal(mux_new(loop, fd, &limits, &events, &e->mux), 0);
}

static void end_close(struct end *e)
{
	mux_free(e->mux);
	fd_close(e->fd);
}

struct frame {
	uint8_t type;
	uint8_t reserved;
	uint32_t stream;
	uint32_t len;
	const char *payload; /* NULL: @len zero bytes */
};

static size_t put_frame(uint8_t *at, const struct frame *f)
{
	uint32_t stream = htole32(f->stream), len = htole32(f->len);

	memset(at, 0, MUX_HEADER);
	at[0] = f->type;
	at[2] = f->reserved;
	memcpy(at + 4, &stream, 4);
	memcpy(at + 8, &len, 4);
	if (f->len > MUX_PAYLOAD_MAX)
		return MUX_HEADER;
	if (f->payload)
		memcpy(at + MUX_HEADER, f->payload, f->len);
	else
		memset(at + MUX_HEADER, 0, f->len);
	return MUX_HEADER + f->len;
}

/*
 * What the peer sends, and what becomes of the channel. In each case there are
 * three streams: this end receives 1, sends 2 (and has sent nothing yet), and has
 * received 3, which has ended.
 */
static const struct hostile {
	const char *what;
	int closed; /* -EPROTO; or 0: the frames are taken, and end of file follows */
	struct frame frames[6];
} hostile[] = {
	{ "nothing", 0, { { 0 } } },
	{ "type 0", -EPROTO, { { 0, 1, 1, 0, NULL } } },
	{ "type 5", -EPROTO, { { 5, 0, 1, 0, NULL } } },
	{ "a reserved byte", -EPROTO, { { MUX_DATA, 1, 1, 1, "x" } } },
	{ "a payload too long", -EPROTO, { { MUX_DATA, 0, 1, MUX_PAYLOAD_MAX + 1, NULL } } },
	{ "a payload of 4 GiB", -EPROTO, { { MUX_DATA, 0, 1, UINT32_MAX, NULL } } },
	{ "no payload", -EPROTO, { { MUX_DATA, 0, 1, 0, NULL } } },
	{ "data", 0, { { MUX_DATA, 0, 1, 1, "x" } } },
	{ "a window full", 0,
		{ { MUX_DATA, 0, 1, MUX_PAYLOAD_MAX, NULL }, { MUX_DATA, 0, 1, MUX_PAYLOAD_MAX, NULL },
			{ MUX_DATA, 0, 1, MUX_PAYLOAD_MAX, NULL }, { MUX_DATA, 0, 1, MUX_PAYLOAD_MAX, NULL } } },
	{ "a byte over the window", -EPROTO,
		{ { MUX_DATA, 0, 1, MUX_PAYLOAD_MAX, NULL }, { MUX_DATA, 0, 1, MUX_PAYLOAD_MAX, NULL },
			{ MUX_DATA, 0, 1, MUX_PAYLOAD_MAX, NULL }, { MUX_DATA, 0, 1, MUX_PAYLOAD_MAX, NULL },
			{ MUX_DATA, 0, 1, 1, NULL } } },
	{ "data for a sender", -EPROTO, { { MUX_DATA, 0, 2, 1, "x" } } },
	{ "EOF for a sender", -EPROTO, { { MUX_EOF, 0, 2, 0, NULL } } },
	{ "data for a stream that never was", -EPROTO, { { MUX_DATA, 0, 4, 1, "x" } } },
	{ "credit for a stream that never was", -EPROTO, { { MUX_CREDIT, 0, 4, 4, "\1\0\0\0" } } },
	{ "reset of one that never was", 0, { { MUX_RESET, 0, 4, 4, "\1\0\0\0" } } },
	{ "data for one that has ended", 0, { { MUX_DATA, 0, 3, 1, "x" } } },
	{ "EOF", 0, { { MUX_EOF, 0, 1, 0, NULL } } },
	{ "EOF with a payload", -EPROTO, { { MUX_EOF, 0, 1, 1, "x" } } },
	{ "data behind EOF", 0, { { MUX_EOF, 0, 1, 0, NULL }, { MUX_DATA, 0, 1, 1, "x" } } },
	{ "credit for a receiver", -EPROTO, { { MUX_CREDIT, 0, 1, 4, "\1\0\0\0" } } },
	{ "credit that was not used", -EPROTO, { { MUX_CREDIT, 0, 2, 4, "\1\0\0\0" } } },
	{ "credit of 0", -EPROTO, { { MUX_CREDIT, 0, 2, 4, NULL } } },
	{ "credit of 4 GiB", -EPROTO, { { MUX_CREDIT, 0, 2, 4, "\xff\xff\xff\xff" } } },
	{ "credit of 3 bytes", -EPROTO, { { MUX_CREDIT, 0, 2, 3, "\1\0\0" } } },
	{ "reset", 0, { { MUX_RESET, 0, 2, 4, "\x20\0\0\0" } } },
	{ "reset without a reason", -EPROTO, { { MUX_RESET, 0, 2, 4, NULL } } },
	{ "reset with a huge one", -EPROTO, { { MUX_RESET, 0, 2, 4, "\0\0\1\0" } } },
	{ "reset with a short one", -EPROTO, { { MUX_RESET, 0, 2, 1, "\1" } } },
	{ "EOF of control", -EPROTO, { { MUX_EOF, 0, 0, 0, NULL } } },
	{ "credit of control", -EPROTO, { { MUX_CREDIT, 0, 0, 4, "\1\0\0\0" } } },
	{ "an empty message", -EPROTO, { { MUX_DATA, 0, 0, 4, NULL } } },
	{ "a message too long", -EPROTO, { { MUX_DATA, 0, 0, 4, "\1\x10\0\0" } } },
	{ "a message of 4 GiB", -EPROTO, { { MUX_DATA, 0, 0, 4, "\xff\xff\xff\xff" } } },
	{ "half a message", 0, { { MUX_DATA, 0, 0, 6, "\4\0\0\0ab" } } },
	{ "a message in pieces", 0,
		{ { MUX_DATA, 0, 0, 3, "\2\0\0" }, { MUX_DATA, 0, 0, 2, "\0a" }, { MUX_DATA, 0, 0, 1, "b" } } },
};

struct writer {
	pthread_t thread;
	int fd;
	const struct frame *frames;
};

/*
 * Sends the frames of a case and their end; the other side may hang up on it before the last. What that answers is read
 * up to its end before the socket is closed: otherwise it depends on who is faster whether the other side finds the
 * frames, or finds that its credit and resets reach nobody.
 */
static void *writer_run(void *arg)
{
	struct writer *w = arg;
	uint8_t *bytes = malloc(MUX_HEADER + MUX_PAYLOAD_MAX);
	char answers[256];

	for (size_t i = 0; bytes && i < ARRAY_LEN(hostile[0].frames); i++) {
		const struct frame *f = &w->frames[i];

		if (!f->type && !f->reserved)
			break;
		if (fd_write_full(w->fd, bytes, put_frame(bytes, f)) < 0)
			break;
	}
	free(bytes);
	(void)shutdown(w->fd, SHUT_WR); /* fails if the other side has hung up */
	while (read(w->fd, answers, sizeof(answers)) > 0)
		;
	fd_close(w->fd);
	return NULL;
}

static void hostile_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		const struct hostile *h = &hostile[i];
		struct writer w = { .frames = h->frames };
		struct mux_stream *s;
		struct loop *loop;
		struct end e;
		int sv[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
		assert_int_equal(loop_new(&loop), 0);
		end_open(&e, loop, sv[0]);
		e.ends_go_on = true;
		assert_int_equal(mux_stream_open(e.mux, 1, MUX_RECV, &ops, &e, &s), 0);
		assert_int_equal(mux_stream_open(e.mux, 2, MUX_SEND, &ops, &e, &s), 0);
		assert_int_equal(mux_stream_open(e.mux, 3, MUX_RECV, &ops, &e, &s), 0);
		mux_stream_reset(s, EPIPE);
		w.fd = sv[1];
		assert_int_equal(pthread_create(&w.thread, NULL, writer_run, &w), 0);
		assert_int_equal(loop_run(loop), 0);
		if (e.closed != h->closed)
			fail_msg("%s: wanted %d, got %d", h->what, h->closed, e.closed);
		if (strcmp(h->what, "a message in pieces") == 0)
			assert_int_equal(e.messages, 1);
		if (strcmp(h->what, "a window full") == 0)
			assert_int_equal(e.data_bytes, MUX_WINDOW);
		end_close(&e);
		assert_int_equal(pthread_join(w.thread, NULL), 0);
		loop_free(loop);
	}
}

struct pair {
	struct loop *loop;
	struct end a, b;
};

static void pair_open(struct pair *p)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(loop_new(&p->loop), 0);
	end_open(&p->a, p->loop, sv[0]);
	end_open(&p->b, p->loop, sv[1]);
}

static void pair_close(struct pair *p)
{
	end_close(&p->a);
	end_close(&p->b);
	loop_free(p->loop);
}

static void control_both_ways(void **state)
{
	char msg[CONTROL_MAX];
	struct pair p;

	(void)state;
	memset(msg, 'm', sizeof(msg));
	pair_open(&p);
	assert_int_equal(mux_send(p.a.mux, msg, 0), -EMSGSIZE);
	assert_int_equal(mux_send(p.a.mux, msg, 1), 0);
	assert_int_equal(mux_send(p.a.mux, msg, sizeof(msg)), 0);
	assert_int_equal(mux_send(p.b.mux, msg, 7), 0);
	p.b.stop_at_messages = 2;
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.b.messages, 2);
	assert_int_equal(p.b.bytes, 1 + sizeof(msg));
	pair_close(&p);
}

/* The bytes that wait for a peer that does not read are bounded; a message that is refused spoils none before it. */
static void control_queue_is_bounded(void **state)
{
	char msg[CONTROL_MAX] = "x";
	struct pair p;
	unsigned int sent = 0;
	int r;

	(void)state;
	pair_open(&p);
	do
		r = mux_send(p.a.mux, msg, sizeof(msg));
	while (r == 0 && ++sent < 1000);
	assert_int_equal(r, -ENOBUFS);
	assert_true(sent >= 3 && sent <= 4);
	p.b.stop_at_messages = sent;
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.b.bytes, sent * sizeof(msg));
	pair_close(&p);
}

static void message_may_refuse(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	p.b.message_result = -EPROTO;
	assert_int_equal(mux_send(p.a.mux, "x", 1), 0);
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.b.closed, -EPROTO);
	assert_int_equal(mux_send(p.b.mux, "x", 1), -EPIPE);
	pair_close(&p);
}

static void stream_numbers_only_grow(void **state)
{
	struct mux_stream *s;
	struct pair p;

	(void)state;
	pair_open(&p);
	assert_int_equal(mux_stream_open(p.a.mux, 0, MUX_SEND, &ops, &p.a, &s), -EINVAL);
	assert_int_equal(mux_stream_open(p.a.mux, 5, MUX_SEND, &ops, &p.a, &s), 0);
	assert_int_equal(mux_stream_open(p.a.mux, 5, MUX_SEND, &ops, &p.a, &s), -EINVAL);
	assert_int_equal(mux_stream_open(p.a.mux, 4, MUX_SEND, &ops, &p.a, &s), -EINVAL);
	for (uint32_t i = 1; i < MUX_STREAMS_MAX; i++)
		assert_int_equal(mux_stream_open(p.a.mux, 5 + i, MUX_RECV, &ops, &p.a, &s), 0);
	assert_int_equal(mux_stream_open(p.a.mux, 5 + MUX_STREAMS_MAX, MUX_RECV, &ops, &p.a, &s), -EMFILE);
	pair_close(&p);
}

/* --- credit --- */

struct credit_case {
	struct pair p;
	struct mux_stream *rx;
};

/* A sender stops when the window is full, and goes on when bytes have been consumed. */
static void credit_on_data(void *arg, const void *data, size_t len)
{
	struct credit_case *c = arg;

	on_data(&c->p.b, data, len);
	if (c->p.b.data_bytes != MUX_WINDOW)
		return;
	assert_int_equal(c->p.a.to_send_len, 1000);
	mux_stream_consumed(c->rx, MUX_WINDOW);
}

static void credit_on_end(void *arg, int error)
{
	struct credit_case *c = arg;

	c->rx = NULL;
	on_end(&c->p.b, error);
}

static const struct mux_stream_ops credit_ops = { .data = credit_on_data, .end = credit_on_end };

static void credit_limits_a_sender(void **state)
{
	static const size_t total = MUX_WINDOW + 1000;
	char *text = calloc(1, total);
	struct mux_stream *tx;
	struct credit_case c;

	(void)state;
	assert_non_null(text);
	pair_open(&c.p);
	assert_int_equal(mux_stream_open(c.p.a.mux, 1, MUX_SEND, &ops, &c.p.a, &tx), 0);
	assert_int_equal(mux_stream_open(c.p.b.mux, 1, MUX_RECV, &credit_ops, &c, &c.rx), 0);
	c.p.a.to_send = text;
	c.p.a.to_send_len = total;
	mux_stream_ready(tx);
	assert_int_equal(loop_run(c.p.loop), 0);
	assert_int_equal(c.p.b.data_bytes, total);
	assert_int_equal(c.p.b.ends, 1);
	assert_int_equal(c.p.b.end_error, 0);
	pair_close(&c.p);
	free(text);
}

static void reset_reaches_the_sender(void **state)
{
	struct mux_stream *tx, *rx;
	struct pair p;

	(void)state;
	pair_open(&p);
	assert_int_equal(mux_stream_open(p.a.mux, 1, MUX_SEND, &ops, &p.a, &tx), 0);
	assert_int_equal(mux_stream_open(p.b.mux, 1, MUX_RECV, &ops, &p.b, &rx), 0);
	mux_stream_reset(rx, EPIPE);
	assert_int_equal(loop_run(p.loop), 0);
	assert_int_equal(p.a.ends, 1);
	assert_int_equal(p.a.end_error, -EPIPE);
	assert_int_equal(p.b.ends, 0);
	pair_close(&p);
}

/* --- freeing in a callback --- */

static int free_on_message(void *arg, const void *msg, size_t len)
{
	struct end *e = arg;

	(void)msg;
	(void)len;
	mux_free(e->mux);
	e->mux = NULL;
	loop_stop(e->loop);
	return 0;
}

static void freed_in_its_callback(void **state)
{
	struct mux_limits limits = { .control_in_max = CONTROL_MAX, .control_out_max = CONTROL_MAX };
	struct mux_events events = { .on_message = free_on_message, .on_closed = on_closed };
	struct pair p;

	(void)state;
	pair_open(&p);
	mux_free(p.b.mux);
	events.arg = &p.b;
	assert_int_equal(mux_new(p.loop, p.b.fd, &limits, &events, &p.b.mux), 0);
	assert_int_equal(mux_send(p.a.mux, "one", 3), 0);
	assert_int_equal(mux_send(p.a.mux, "two", 3), 0);
	assert_int_equal(loop_run(p.loop), 0);
	assert_null(p.b.mux);
	pair_close(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_frames),
		cmocka_unit_test(control_both_ways),
		cmocka_unit_test(control_queue_is_bounded),
		cmocka_unit_test(message_may_refuse),
		cmocka_unit_test(stream_numbers_only_grow),
		cmocka_unit_test(credit_limits_a_sender),
		cmocka_unit_test(reset_reaches_the_sender),
		cmocka_unit_test(freed_in_its_callback),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the monitor and the agent have it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
