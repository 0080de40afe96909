/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies on /dev/fuse: see port.h. */
#include "fuse/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/buf.h"
#include "fuse/init.h"
#include "fuse/kernel.h"

#define BATCH 16         /* requests in a row, before the loop serves others */
#define BEFORE_DATA 4096 /* bytes: what a WRITE has before its data, and more */

struct fuse_port {
	int fd;
	fuse_request_fn *fn;
	void *arg;
	struct watch *watch; /* NULL: the mount has ended */
	bool held;
	uint32_t data_max, flags;
	char request[]; /* data_max + BEFORE_DATA bytes, and a NUL for fuse_request */
};

void fuse_port_reply(struct fuse_port *p, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header header = { .error = error, .unique = unique };
	autobuf out = BUF_INIT;

	header.len = (uint32_t)(sizeof(header) + (error ? 0 : len));
	buf_put(&out, &header, sizeof(header));
	if (!error)
		buf_put(&out, data, len);
	/* ENOENT: the reader has gone; ENODEV: the mount has */
	if (buf_error(&out) == 0 && write(p->fd, out.data, out.len) >= 0)
		return;
	if (buf_error(&out) == 0 && errno != EINVAL && errno != ENOMEM)
		return;
	/* the kernel does not take this reply, and its reader must not wait for ever */
	header = (struct fuse_out_header){ .len = sizeof(header), .error = -EIO, .unique = unique };
	(void)!write(p->fd, &header, sizeof(header));
}

static void answer_init(struct fuse_port *p, const struct fuse_request *r)
{
	struct fuse_init_out out;
	int error = init_answer(r->body, r->len, p->data_max, p->flags, &out);

	fuse_port_reply(p, r->unique, error, &out, sizeof(out));
}

/* Whether requests of @opcode are not answered: no node is remembered, and a mount that ends has no reader. */
static bool is_silent(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_DESTROY;
}

/* Hands the message of @len bytes on, if it is whole and wants something. */
static void take(struct fuse_port *p, size_t len)
{
	struct fuse_in_header header;
	struct fuse_request r = { .body = p->request + sizeof(header) };

	if (len < sizeof(header))
		return; /* there is no number that an answer could have */
	memcpy(&header, p->request, sizeof(header));
	if (is_silent(header.opcode))
		return;
	p->request[len] = '\0';
	r.opcode = header.opcode;
	r.unique = header.unique;
	r.node = header.nodeid;
	r.uid = header.uid;
	r.gid = header.gid;
	r.len = len - sizeof(header);
	if (header.len != len)
		fuse_port_reply(p, r.unique, -EINVAL, NULL, 0);
	else if (r.opcode == FUSE_INIT)
		answer_init(p, &r);
	else
		p->fn(p->arg, &r);
}

/* Takes what has come, and no more in a row than others can wait for. */
static void on_request(void *arg, uint32_t events unused)
{
	struct fuse_port *p = arg;

	for (int i = 0; i < BATCH && !p->held; i++) {
		ssize_t n = read(p->fd, p->request, p->data_max + BEFORE_DATA);

		if (n < 0 && (errno == EINTR || errno == ENOENT)) /* ENOENT: its reader has gone just now */
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) { /* ENODEV: the mount has ended */
			watch_free(p->watch);
			p->watch = NULL;
			return;
		}
		take(p, (size_t)n);
	}
}

void fuse_port_hold(struct fuse_port *p, bool on)
{
	if (p->held == on || !p->watch)
		return;
	p->held = on;
	/* if this fails, the loop looks here again and again, and goes on */
	(void)!watch_set_events(p->watch, on ? 0 : EPOLLIN);
}

int fuse_port_new(struct loop *loop, int fd, uint32_t data_max, uint32_t flags, fuse_request_fn *fn, void *arg,
	struct fuse_port **ret)
{
	/* not zeroed: pages of it that no request fills are none */
	struct fuse_port *p = malloc(sizeof(*p) + data_max + BEFORE_DATA + 1);
	int r;

	if (!p)
		return -ENOMEM;
	p->fd = fd;
	p->fn = fn;
	p->arg = arg;
	p->held = false;
	p->data_max = data_max;
	p->flags = flags;
	r = watch_new(loop, fd, EPOLLIN, on_request, p, &p->watch);
	if (r < 0) {
		free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void fuse_port_free(struct fuse_port *p)
{
	if (!p)
		return;
	watch_free(p->watch);
	free(p);
}
