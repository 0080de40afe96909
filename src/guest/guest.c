/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of the channel: see guest.h; the requests are in src/guest/ask.c.
 *
 * There are two kinds of records:
 * - a request, from its sending until its RESULT. The guest may answer each
 *   once; an answer to no request breaks the protocol.
 * - a process, from guest_create() or guest_exec() until on_exited, or until
 *   that request fails. It has up to three pumps. Its exit is told when EXITED
 *   has come and both output pumps, if there were any, are done.
 *
 * Everything runs on the loop's thread. Callbacks may call guest_free(): while
 * one runs (`busy`), freeing waits for its return.
 */
#include "config.h"

#include "guest/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "channel/pump.h"
#include "guest/inside.h"
#include "guest/relay.h"
#include "guest/stdio.h"

#define ERRNO_MAX 4095

/*
 * How long the exit of a container waits for what its processes have sent through relays to be taken: who does not read
 * must not keep the container.
 */
#define RELAY_LINGER_MS 2000

/* Bytes of requests that may wait for the guest to read: one of the largest, and some small ones behind it. */
#define GUEST_CONTROL_OUT_MAX (PROTO_TO_GUEST_MAX + 256 * 1024)

/* --- life --- */

static void guest_destroy(struct guest *g);

static void guest_enter(struct guest *g)
{
	g->busy++;
}

static void guest_leave(struct guest *g)
{
	if (--g->busy == 0 && g->free_me)
		guest_destroy(g);
}

/* Gives the outcome to whoever made the request, and forgets it. */
static void request_finish(
	struct guest *g, struct guest_request *req, const struct err *err, const void *payload, size_t len)
{
	LIST_REMOVE(req, link);
	g->requests_len--;
	if (req->done)
		req->done(req->arg, err, payload, len);
	free(req);
}

static void guest_fail_requests(struct guest *g)
{
	struct err err = ERR_INIT;

	(void)err_set(&err, ECONNRESET, "the guest is gone");
	while (!LIST_EMPTY(&g->requests))
		request_finish(g, LIST_FIRST(&g->requests), &err, NULL, 0);
}

void guest_proc_free(struct guest_proc *p)
{
	LIST_REMOVE(p, link);
	watch_free(p->linger);
	source_free(p->in);
	sink_free(p->out[0]);
	sink_free(p->out[1]);
	relay_drop(p->g, p->id);
	free(p);
}

static struct guest_proc *guest_find_proc(struct guest *g, uint32_t id)
{
	struct guest_proc *p;

	LIST_FOREACH (p, &g->procs, link) {
		if (p->id == id)
			return p;
	}
	return NULL;
}

static void guest_destroy(struct guest *g)
{
	while (!LIST_EMPTY(&g->procs))
		guest_proc_free(LIST_FIRST(&g->procs));
	relay_drop(g, 0);
	mux_free(g->mux);
	free(g);
}

void guest_free(struct guest *g)
{
	if (!g || g->free_me)
		return;
	g->closed = true;
	g->free_me = true;
	guest_enter(g);
	guest_fail_requests(g);
	guest_leave(g);
}

/* --- processes and their streams --- */

static void proc_on_linger(void *arg);

/* Whether the exit of @p is to wait for its relays, which have RELAY_LINGER_MS from the first time that this is asked. */
static bool proc_waits_for_relays(struct guest_proc *p)
{
	enum relay_debt debt = relay_owes(p->g, p->id);

	if (debt == RELAY_OWES_READER)
		return true;
	if (p->lingered || debt == RELAY_OWES_NOTHING)
		return false;
	return p->linger || timer_new(p->g->loop, RELAY_LINGER_MS, proc_on_linger, p, &p->linger) == 0;
}

/*
 * Tells the exit of @p, if EXITED has come and all output is written, and forgets it. GUEST: not before the process is made,
 * which whoever has asked for it is told first: who hears of the exit forgets what the answer would find.
 */
static void proc_settle(struct guest_proc *p)
{
	struct guest *g = p->g;
	uint32_t id = p->id;
	int status = p->status;
	bool oom = p->oom;

	if (!p->made || !p->exited || p->out[0] || p->out[1] || g->free_me || proc_waits_for_relays(p))
		return;
	guest_proc_free(p);
	g->events.on_exited(g->events.arg, id, status, oom);
}

static void proc_on_linger(void *arg)
{
	struct guest_proc *p = arg;
	struct guest *g = p->g;

	guest_enter(g);
	p->lingered = true;
	proc_settle(p);
	guest_leave(g);
}

/* As guest.on_drained. */
static void proc_on_drained(struct guest *g, uint32_t owner)
{
	struct guest_proc *p = guest_find_proc(g, owner);

	guest_enter(g);
	if (p)
		proc_settle(p);
	guest_leave(g);
}

/* Tells that stream @i of @p broke with @error, unless that means no more than that nobody reads it. */
static void proc_tell_broken(struct guest_proc *p, int i, int error)
{
	static const char *const what[] = {
		"standard input cannot be read",
		"standard output cannot be written, what it still says is lost",
		"standard error cannot be written, what it still says is lost",
	};
	struct guest *g = p->g;
	char text[128];

	if (error >= 0 || error == -EPIPE || error == -ECONNRESET || error == -ECANCELED || g->free_me ||
		!g->events.on_stream_broken)
		return;
	(void)snprintf(text, sizeof(text), "%s: %s", what[i], strerror(-error)); /* fits */
	g->events.on_stream_broken(g->events.arg, p->id, text);
}

static void proc_on_in_end(void *arg, int error)
{
	struct guest_proc *p = arg;
	struct guest *g = p->g;

	guest_enter(g);
	p->in = NULL;
	proc_tell_broken(p, 0, error);
	guest_leave(g);
}

/* Output @i (0: stdout, 1: stderr) is over. */
static void proc_on_out_end(struct guest_proc *p, int i, int error)
{
	struct guest *g = p->g;

	guest_enter(g);
	p->out[i] = NULL;
	proc_tell_broken(p, 1 + i, error);
	proc_settle(p);
	guest_leave(g);
}

static void proc_on_stdout_end(void *arg, int error)
{
	proc_on_out_end(arg, 0, error);
}

static void proc_on_stderr_end(void *arg, int error)
{
	proc_on_out_end(arg, 1, error);
}

int guest_attach(struct guest *g, struct guest_process *p, const int stdio[3], struct guest_proc **ret, struct err *err)
{
	static pump_end_fn *const out_end[2] = { proc_on_stdout_end, proc_on_stderr_end };
	struct guest_proc *proc = calloc(1, sizeof(*proc));
	int r;

	if (!proc)
		return err_set(err, ENOMEM, "no memory for a process");
	proc->g = g;
	proc->id = p->id;
	LIST_INSERT_HEAD(&g->procs, proc, link);
	*ret = proc;
	for (uint32_t i = 0; i < p->fds.len; i++) {
		r = relay_give(g, p->id, &p->fds.at[i]);
		if (r < 0)
			return err_sys(err, r, "cannot pass descriptor %d on to the guest", p->fds.at[i].fd);
	}
	for (int i = 0; i < 3; i++) {
		enum pump_kind kind;
		int fd;

		p->stream[i] = 0;
		if (stdio[i] < 0 || (p->terminal && i == 2))
			continue;
		r = stdio_open(g->proc_fd, stdio[i], i > 0, &fd, &kind);
		if (r < 0)
			return err_sys(err, r, "cannot use descriptor %d as the process's stdio", stdio[i]);
		p->stream[i] = ++g->next_stream;
		if (i == 0)
			r = source_new(g->loop, g->mux, p->stream[i], fd, kind, proc_on_in_end, proc, &proc->in);
		else
			r = sink_new(g->loop, g->mux, p->stream[i], fd, kind, out_end[i - 1], proc, &proc->out[i - 1]);
		if (r < 0)
			return err_sys(err, r, "cannot open a stream to the guest");
	}
	return 0;
}

/* --- what the guest says --- */

/* GUEST: copies @text to @ret so that a log or a terminal can take it: one line, without control characters, cut. */
static void guest_clean_text(const char *text, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s", text); /* cutting is meant */
	text_clean(ret, strlen(ret));
}

/* Acts on HELLO. 0 or -EPROTO. */
static int guest_take_hello(struct guest *g, const void *msg, size_t len)
{
	struct proto_hello hello;
	char build[128], kernel[128];

	/* GUEST: HELLO comes once and first, and has our version */
	if (g->ready || proto_get_hello(msg, len, &hello) < 0 || hello.version != PROTO_VERSION)
		return -EPROTO;
	guest_clean_text(hello.build, build, sizeof(build));
	guest_clean_text(hello.kernel, kernel, sizeof(kernel));
	hello.build = build;
	hello.kernel = kernel;
	g->ready = true;
	g->events.on_ready(g->events.arg, &hello);
	return 0;
}

/* Acts on RESULT: finds the request and finishes it. 0 or -EPROTO. */
static int guest_take_result(struct guest *g, const void *msg, size_t len)
{
	struct err err = ERR_INIT;
	struct guest_request *req;
	struct guest_proc *p;
	struct proto_result res;
	char text[PROTO_TEXT_MAX];
	uint32_t process;

	/* GUEST: an errno and a status that exist, an answer to a request that was made */
	if (proto_get_result(msg, len, &res) < 0 || res.errnum > ERRNO_MAX || res.exit_status > 255)
		return -EPROTO;
	LIST_FOREACH (req, &g->requests, link) {
		if (req->seq == res.seq)
			break;
	}
	if (!req)
		return -EPROTO;
	process = req->process;
	if (res.errnum) {
		guest_clean_text(res.msg, text, sizeof(text));
		(void)err_set(&err, (int)res.errnum, "%s", text);
		err.exit_status = (int)res.exit_status;
		p = process ? guest_find_proc(g, process) : NULL;
		if (p)
			guest_proc_free(p);
	}
	request_finish(g, req, &err, res.payload, res.payload_len);
	p = process && !res.errnum ? guest_find_proc(g, process) : NULL;
	if (p) {
		p->made = true;
		proc_settle(p);
	}
	return 0;
}

/* Acts on EXITED. 0 or -EPROTO. */
static int guest_take_exited(struct guest *g, const void *msg, size_t len)
{
	struct proto_exited e;
	struct guest_proc *p;

	/* GUEST: a process that exists, for the first time, with a status that wait(2) could give */
	if (proto_get_exited(msg, len, &e) < 0 || e.status > 0xffff)
		return -EPROTO;
	p = guest_find_proc(g, e.process);
	if (!p || p->exited)
		return -EPROTO;
	p->exited = true;
	p->status = (int)e.status;
	p->oom = e.oom;
	source_free(p->in);
	p->in = NULL;
	proc_settle(p);
	return 0;
}

/* GUEST: counts one more message of a kind; true if @max have come in this second already, and this one is dropped. */
static bool guest_is_flood(time_t *second, unsigned int *count, unsigned int max)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
	if (now.tv_sec != *second) {
		*second = now.tv_sec;
		*count = 0;
	}
	if (*count >= max)
		return true;
	(*count)++;
	return false;
}

/* Acts on LOG. 0 or -EPROTO. */
static int guest_take_log(struct guest *g, const void *msg, size_t len)
{
	struct proto_log_entry entry;
	char text[PROTO_TEXT_MAX];

	if (proto_get_log(msg, len, &entry) < 0 || entry.level > PROTO_LOG_DEBUG)
		return -EPROTO;
	if (guest_is_flood(&g->log_second, &g->log_count, GUEST_LOGS_PER_SECOND))
		return 0;
	guest_clean_text(entry.text, text, sizeof(text));
	g->events.on_log(g->events.arg, (enum proto_log)entry.level, text);
	return 0;
}

/* Answers ASK_TIME. The time is read now, so that what the way takes lies between question and answer. 0 or -errno. */
static int guest_take_ask_time(struct guest *g, const void *msg, size_t len)
{
	autobuf out = BUF_INIT;
	struct proto_time t;
	struct timespec now;
	int r;

	if (proto_get_ask_time(msg, len, &t.asked_ns) < 0)
		return -EPROTO;
	if (guest_is_flood(&g->time_second, &g->time_count, GUEST_TIMES_PER_SECOND))
		return 0;
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	t.realtime_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	proto_put_time(&out, &t);
	r = buf_error(&out) < 0 ? buf_error(&out) : mux_send(g->mux, out.data, out.len);
	/* GUEST: one that asks and does not read gets no answer for which there is no room; an honest one asks again */
	return r == -ENOBUFS ? 0 : r;
}

/* As mux_events.on_message: a message of any type. */
static int guest_on_message(void *arg, const void *msg, size_t len)
{
	struct guest *g = arg;
	uint16_t type = proto_type(msg, len);
	int r;

	guest_enter(g);
	if (type == PROTO_HELLO)
		r = guest_take_hello(g, msg, len);
	else if (!g->ready) /* GUEST: nothing comes before HELLO */
		r = -EPROTO;
	else if (type == PROTO_RESULT)
		r = guest_take_result(g, msg, len);
	else if (type == PROTO_EXITED)
		r = guest_take_exited(g, msg, len);
	else if (type == PROTO_LOG)
		r = guest_take_log(g, msg, len);
	else if (type == PROTO_ASK_TIME)
		r = guest_take_ask_time(g, msg, len);
	else if (type == PROTO_DIAL)
		r = relay_take_dial(g, msg, len);
	else
		r = -EPROTO;
	guest_leave(g);
	return r;
}

/* As mux_events.on_closed: the owner hears the reason first, and then of the requests that have ended with it. */
static void guest_on_closed(void *arg, int error)
{
	struct guest *g = arg;
	const char *detail = "the guest closed its channel";

	if (error == -EPROTO)
		detail = "the guest broke the channel's protocol";
	else if (error < 0)
		detail = strerror(-error);
	g->closed = true;
	guest_enter(g);
	g->events.on_closed(g->events.arg, error, detail);
	guest_fail_requests(g);
	guest_leave(g);
}

/* --- what the guest is told --- */

/* Queues HELLO, with a seed for the guest's random pool. 0 or -errno. */
static int guest_send_hello(struct guest *g)
{
	struct proto_hello hello = { .version = PROTO_VERSION, .build = PACKAGE_VERSION };
	autobuf out = BUF_INIT;
	size_t done = 0;

	while (done < sizeof(hello.seed)) {
		ssize_t n = getrandom(hello.seed + done, sizeof(hello.seed) - done, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			done += (size_t)n;
	}
	proto_put_hello(&out, &hello);
	return buf_error(&out) < 0 ? buf_error(&out) : mux_send(g->mux, out.data, out.len);
}

int guest_new(struct loop *loop, int fd, const struct guest_events *events, struct guest **ret_guest, struct err *err)
{
	static const struct mux_limits limits = {
		.control_in_max = PROTO_TO_HOST_MAX,
		.control_out_max = GUEST_CONTROL_OUT_MAX,
	};
	struct mux_events mux_events = { .on_message = guest_on_message, .on_closed = guest_on_closed };
	struct guest *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return err_set(err, ENOMEM, "no memory for the guest's channel");
	g->loop = loop;
	g->proc_fd = -1;
	g->events = *events;
	g->on_drained = proc_on_drained;
	LIST_INIT(&g->relays);
	LIST_INIT(&g->conns);
	LIST_INIT(&g->requests);
	LIST_INIT(&g->procs);
	mux_events.arg = g;
	r = mux_new(loop, fd, &limits, &mux_events, &g->mux);
	if (r == 0)
		r = guest_send_hello(g);
	if (r < 0) {
		guest_destroy(g);
		return err_sys(err, r, "cannot open the guest's channel");
	}
	*ret_guest = g;
	return 0;
}

void guest_use_proc(struct guest *g, int proc_fd)
{
	g->proc_fd = proc_fd;
}

uint32_t guest_next_process(struct guest *g)
{
	return ++g->next_process;
}
