/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest is asked: see guest.h, "Requests". */
#include "guest/guest.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "guest/inside.h"
#include "guest/relay.h"

/*
 * Queues the request @out, whose number is g->next_seq, and remembers who is to hear of its outcome. @process: the
 * process that it makes, or 0. 0 or -errno with @err set.
 */
static int guest_ask(
	struct guest *g, const struct buf *out, uint32_t process, guest_done_fn *done, void *arg, struct err *err)
{
	struct guest_request *req;
	int r;

	if (g->closed)
		return err_set(err, ECONNRESET, "the guest is gone");
	if (buf_error(out) < 0)
		return err_set(err, ENOMEM, "no memory for a message to the guest");
	if (out->len > PROTO_TO_GUEST_MAX)
		return err_set(err, E2BIG, "a message of %zu bytes is more than the guest takes (%d)", out->len,
			PROTO_TO_GUEST_MAX);
	if (g->requests_len >= GUEST_REQUESTS_MAX) /* GUEST: it may answer nothing */
		return err_set(err, EAGAIN, "the guest leaves %d requests unanswered", GUEST_REQUESTS_MAX);
	req = calloc(1, sizeof(*req));
	if (!req)
		return err_set(err, ENOMEM, "no memory for a request to the guest");
	r = mux_send(g->mux, out->data, out->len);
	if (r < 0) {
		free(req);
		return err_sys(err, r, "cannot send to the guest");
	}
	*req = (struct guest_request){ .seq = g->next_seq, .process = process, .done = done, .arg = arg };
	LIST_INSERT_HEAD(&g->requests, req, link);
	g->requests_len++;
	return 0;
}

int guest_create(struct guest *g, const struct guest_container *c, const int stdio[3], guest_done_fn *done, void *arg,
	struct err *err)
{
	struct guest_container copy = *c;
	struct guest_proc *proc = NULL;
	autobuf out = BUF_INIT;
	int r = guest_attach(g, &copy.process, stdio, &proc, err);

	if (r == 0)
		r = relay_own(g, &copy.relays, copy.process.id, err);
	if (r == 0) {
		proto_put_create(&out, ++g->next_seq, &copy);
		r = guest_ask(g, &out, copy.process.id, done, arg, err);
	}
	if (r < 0 && proc)
		guest_proc_free(proc);
	return r;
}

int guest_exec(struct guest *g, const char *cid, const struct guest_process *p, const int stdio[3], guest_done_fn *done,
	void *arg, struct err *err)
{
	struct guest_process copy = *p;
	struct guest_proc *proc = NULL;
	autobuf out = BUF_INIT;
	int r = guest_attach(g, &copy, stdio, &proc, err);

	if (r == 0) {
		proto_put_exec(&out, ++g->next_seq, cid, &copy);
		r = guest_ask(g, &out, copy.id, done, arg, err);
	}
	if (r < 0 && proc)
		guest_proc_free(proc);
	return r;
}

int guest_sandbox(struct guest *g, const struct guest_sandbox *s, guest_done_fn *done, void *arg, struct err *err)
{
	autobuf out = BUF_INIT;

	proto_put_sandbox(&out, ++g->next_seq, s);
	return guest_ask(g, &out, 0, done, arg, err);
}

int guest_start(struct guest *g, uint32_t process, guest_done_fn *done, void *arg, struct err *err)
{
	autobuf out = BUF_INIT;

	proto_put_start(&out, ++g->next_seq, process);
	return guest_ask(g, &out, 0, done, arg, err);
}

int guest_signal(
	struct guest *g, uint32_t process, int signo, bool all, guest_done_fn *done, void *arg, struct err *err)
{
	autobuf out = BUF_INIT;

	proto_put_signal(&out, ++g->next_seq, process, (uint32_t)signo, all);
	return guest_ask(g, &out, 0, done, arg, err);
}

int guest_update(struct guest *g, const char *cid, const struct guest_values *values, guest_done_fn *done, void *arg,
	struct err *err)
{
	autobuf out = BUF_INIT;

	proto_put_update(&out, ++g->next_seq, cid, values);
	return guest_ask(g, &out, 0, done, arg, err);
}

int guest_forget(struct guest *g, const struct guest_forget *names, guest_done_fn *done, void *arg, struct err *err)
{
	autobuf out = BUF_INIT;

	proto_put_forget(&out, ++g->next_seq, names);
	return guest_ask(g, &out, 0, done, arg, err);
}

int guest_net(struct guest *g, const struct guest_net *net, guest_done_fn *done, void *arg, struct err *err)
{
	autobuf out = BUF_INIT;

	proto_put_net(&out, ++g->next_seq, net);
	return guest_ask(g, &out, 0, done, arg, err);
}

/* Makes one of the requests that proto_put_request() knows. */
static int guest_request(struct guest *g, enum proto_type type, const char *cid, const char *file, guest_done_fn *done,
	void *arg, struct err *err)
{
	autobuf out = BUF_INIT;

	proto_put_request(&out, type, ++g->next_seq, cid, file);
	return guest_ask(g, &out, 0, done, arg, err);
}

int guest_delete(struct guest *g, const char *cid, guest_done_fn *done, void *arg, struct err *err)
{
	return guest_request(g, PROTO_DELETE, cid, NULL, done, arg, err);
}

int guest_sync(struct guest *g, guest_done_fn *done, void *arg, struct err *err)
{
	return guest_request(g, PROTO_SYNC, NULL, NULL, done, arg, err);
}

int guest_ps(struct guest *g, const char *cid, guest_done_fn *done, void *arg, struct err *err)
{
	return guest_request(g, PROTO_PS, cid, NULL, done, arg, err);
}

int guest_procs(struct guest *g, const char *cid, uint32_t after, guest_done_fn *done, void *arg, struct err *err)
{
	autobuf out = BUF_INIT;

	proto_put_procs_request(&out, ++g->next_seq, cid, after);
	return guest_ask(g, &out, 0, done, arg, err);
}

int guest_file(
	struct guest *g, const char *cid, const struct guest_file *f, guest_done_fn *done, void *arg, struct err *err)
{
	autobuf out = BUF_INIT;

	proto_put_file_request(&out, ++g->next_seq, cid, f);
	return guest_ask(g, &out, 0, done, arg, err);
}

int guest_file_close(struct guest *g, const char *cid, uint64_t handle)
{
	autobuf out = BUF_INIT;

	if (g->closed)
		return -ECONNRESET;
	proto_put_file_close(&out, cid, handle);
	return buf_error(&out) < 0 ? buf_error(&out) : mux_send(g->mux, out.data, out.len);
}

int guest_list_ports(struct guest *g, const char *cid, guest_done_fn *done, void *arg, struct err *err)
{
	return guest_request(g, PROTO_PORTS, cid, NULL, done, arg, err);
}

int guest_read_cgroup(
	struct guest *g, const char *cid, const char *file, guest_done_fn *done, void *arg, struct err *err)
{
	return guest_request(g, PROTO_READ_CGROUP, cid, file, done, arg, err);
}

int guest_resumed(struct guest *g, guest_done_fn *done, void *arg, struct err *err)
{
	autobuf out = BUF_INIT;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	proto_put_resumed(&out, ++g->next_seq, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
	return guest_ask(g, &out, 0, done, arg, err);
}

int guest_poweroff(struct guest *g, struct err *err)
{
	autobuf out = BUF_INIT;
	int r;

	proto_put_request(&out, PROTO_POWEROFF, ++g->next_seq, NULL, NULL);
	r = buf_error(&out) < 0 ? buf_error(&out) : mux_send(g->mux, out.data, out.len);
	return r < 0 ? err_sys(err, r, "cannot send to the guest") : 0;
}

int guest_winsize(struct guest *g, uint32_t process, uint16_t rows, uint16_t cols)
{
	autobuf out = BUF_INIT;

	proto_put_winsize(&out, process, rows, cols);
	return buf_error(&out) < 0 ? buf_error(&out) : mux_send(g->mux, out.data, out.len);
}
