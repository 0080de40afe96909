/* SPDX-License-Identifier: Apache-2.0 */
/* The service of a tree behind /dev/fuse: see fuse.h. */
#include "fuse/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "fuse/handle.h"
#include "fuse/kernel.h"
#include "fuse/port.h"

#define WRITE_MAX 4096 /* bytes of a write, the least that INIT can say; nothing is written */

/* A request that waits for the tree. */
struct held {
	STAILQ_ENTRY(held) link;
	uint64_t ticket;
	struct fuse_request request; /* its body is the one below */
	char body[];
};

struct fuse {
	struct fuse_port *port;
	const struct fuse_tree *tree;
	void *arg;
	STAILQ_HEAD(, held) held;
	unsigned int held_len;
	struct handles handles;
};

/* Answers @r with @error, or else with @len bytes of @data. */
static void reply(struct fuse *f, const struct fuse_request *r, int error, const void *data, size_t len)
{
	fuse_port_reply(f->port, r->unique, error, data, len);
}

static void reply_error(struct fuse *f, const struct fuse_request *r, int error)
{
	reply(f, r, error, NULL, 0);
}

/* Copies the fixed part of a request's body to @to: 0, or -EINVAL if it is too short. */
static int take(const struct fuse_request *r, void *to, size_t len)
{
	if (r->len < len)
		return -EINVAL;
	memcpy(to, r->body, len);
	return 0;
}

/* The attributes of @node, whose mode is @mode. Like those of procfs they have no size. */
static struct fuse_attr attributes(uint64_t node, uint32_t mode)
{
	return (struct fuse_attr){ .ino = node, .mode = mode, .nlink = S_ISDIR(mode) ? 2 : 1, .blksize = WRITE_MAX };
}

/* --- the requests --- */

/* What has the name that the body is in a directory. The kernel keeps nothing of the answer. */
static void do_lookup(struct fuse *f, const struct fuse_request *r)
{
	struct fuse_entry_out out = { .nodeid = 0 };
	uint32_t mode = 0;
	int error;

	if (r->len == 0 || r->body[r->len - 1] != '\0') {
		reply_error(f, r, -EINVAL);
		return;
	}
	error = f->tree->find(f->arg, r->node, r->body, &out.nodeid);
	if (error == 0) {
		mode = f->tree->mode(f->arg, out.nodeid);
		error = mode ? 0 : -ENOENT;
	}
	out.attr = attributes(out.nodeid, mode);
	reply(f, r, error, &out, sizeof(out));
}

static void do_getattr(struct fuse *f, const struct fuse_request *r)
{
	uint32_t mode = f->tree->mode(f->arg, r->node);
	const struct fuse_attr_out out = { .attr = attributes(r->node, mode) };

	reply(f, r, mode ? 0 : -ENOENT, &out, sizeof(out));
}

static void do_readlink(struct fuse *f, const struct fuse_request *r)
{
	autobuf text = BUF_INIT;
	int error = S_ISLNK(f->tree->mode(f->arg, r->node)) ? 0 : -EINVAL;

	if (error == 0)
		error = f->tree->read(f->arg, r->node, &text);
	if (error == 0)
		error = buf_error(&text);
	reply(f, r, error, text.data, text.len);
}

/* OPEN and OPENDIR: takes what is to be read, for the handle. */
static void do_open(struct fuse *f, const struct fuse_request *r)
{
	bool dir = r->opcode == FUSE_OPENDIR;
	uint32_t mode = f->tree->mode(f->arg, r->node);
	struct fuse_list list = { .entries = BUF_INIT };
	struct fuse_open_in in;
	struct fuse_open_out out = { .open_flags = dir ? 0 : FOPEN_DIRECT_IO };
	int error = take(r, &in, sizeof(in));

	if (error == 0 && !mode)
		error = -ENOENT;
	if (error == 0 && (dir ? !S_ISDIR(mode) : !S_ISREG(mode)))
		error = dir ? -ENOTDIR : -EINVAL;
	if (error == 0 && (in.flags & O_ACCMODE) != O_RDONLY)
		error = -EROFS;
	if (error == 0)
		error = dir ? f->tree->list(f->arg, r->node, &list) : f->tree->read(f->arg, r->node, &list.entries);
	if (error == 0)
		error = buf_error(&list.entries);
	if (error == 0)
		error = handle_open(&f->handles, &list.entries, dir, &out.fh);
	buf_done(&list.entries);
	reply(f, r, error, &out, sizeof(out));
}

/* READ and READDIR. */
static void do_read(struct fuse *f, const struct fuse_request *r)
{
	struct fuse_read_in in;
	const char *data = NULL;
	size_t len = 0;
	int error = take(r, &in, sizeof(in));

	if (error == 0)
		error = handle_read(&f->handles, in.fh, r->opcode == FUSE_READDIR, in.offset, in.size, &data, &len);
	reply(f, r, error, data, len);
}

static void do_release(struct fuse *f, const struct fuse_request *r)
{
	struct fuse_release_in in;
	int error = take(r, &in, sizeof(in));

	if (error == 0)
		handle_close(&f->handles, in.fh);
	reply_error(f, r, error);
}

static void do_statfs(struct fuse *f, const struct fuse_request *r)
{
	const struct fuse_statfs_out out = { .st = { .bsize = WRITE_MAX, .frsize = WRITE_MAX, .namelen = 255 } };

	reply(f, r, 0, &out, sizeof(out));
}

/* A reader gives up: the request that it made is answered, if that waits here. It is not if it was answered before. */
static void do_interrupt(struct fuse *f, const struct fuse_request *r)
{
	struct fuse_interrupt_in in;
	struct held *h;

	if (take(r, &in, sizeof(in)) < 0)
		return;
	STAILQ_FOREACH (h, &f->held, link) {
		if (h->request.unique != in.unique)
			continue;
		STAILQ_REMOVE(&f->held, h, held, link);
		f->held_len--;
		reply_error(f, &h->request, -EINTR);
		free(h);
		return;
	}
}

/* Keeps the request until fuse_continue() has @ticket. */
static void hold(struct fuse *f, const struct fuse_request *r, uint64_t ticket)
{
	struct held *h = f->held_len < FUSE_HELD_MAX ? malloc(sizeof(*h) + r->len + 1) : NULL;

	if (!h) {
		reply_error(f, r, f->held_len < FUSE_HELD_MAX ? -ENOMEM : -EAGAIN);
		return;
	}
	h->ticket = ticket;
	h->request = *r;
	h->request.body = memcpy(h->body, r->body, r->len + 1); /* with its NUL */
	STAILQ_INSERT_TAIL(&f->held, h, link);
	f->held_len++;
}

/* What each request needs: nothing but @fn, or first what the tree has to say of the node. */
static const struct operation {
	void (*fn)(struct fuse *f, const struct fuse_request *r);
	bool asks;
} operations[] = {
	[FUSE_LOOKUP] = { .fn = do_lookup, .asks = true },
	[FUSE_GETATTR] = { .fn = do_getattr },
	[FUSE_READLINK] = { .fn = do_readlink },
	[FUSE_OPEN] = { .fn = do_open, .asks = true },
	[FUSE_READ] = { .fn = do_read },
	[FUSE_STATFS] = { .fn = do_statfs },
	[FUSE_RELEASE] = { .fn = do_release },
	[FUSE_OPENDIR] = { .fn = do_open, .asks = true },
	[FUSE_READDIR] = { .fn = do_read },
	[FUSE_RELEASEDIR] = { .fn = do_release },
	[FUSE_INTERRUPT] = { .fn = do_interrupt },
};

/* Does what @r asks for. @held: it waited for the tree, which has answered. */
static void serve(struct fuse *f, const struct fuse_request *r, bool held)
{
	const struct operation *op = r->opcode < ARRAY_LEN(operations) ? &operations[r->opcode] : NULL;
	uint64_t ticket = 0;

	if (!op || !op->fn) {
		/* what is refused with this is not asked for again: extended attributes, locks, flushes */
		reply_error(f, r, -ENOSYS);
		return;
	}
	if (op->asks && !held)
		ticket = f->tree->ask(f->arg, r->node, r->opcode == FUSE_OPENDIR);
	if (ticket)
		hold(f, r, ticket);
	else
		op->fn(f, r);
}

/* The port's callback. */
static void on_request(void *arg, const struct fuse_request *r)
{
	serve(arg, r, false);
}

int fuse_new(struct loop *loop, int fd, const struct fuse_tree *tree, void *arg, struct fuse **ret)
{
	struct fuse *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->tree = tree;
	f->arg = arg;
	STAILQ_INIT(&f->held);
	r = fuse_port_new(loop, fd, WRITE_MAX, 0, on_request, f, &f->port);
	if (r < 0) {
		free(f);
		return r;
	}
	*ret = f;
	return 0;
}

void fuse_continue(struct fuse *f, uint64_t ticket, int error)
{
	STAILQ_HEAD(, held) go = STAILQ_HEAD_INITIALIZER(go), stay = STAILQ_HEAD_INITIALIZER(stay);
	struct held *h;

	while ((h = STAILQ_FIRST(&f->held)) != NULL) {
		STAILQ_REMOVE_HEAD(&f->held, link);
		if (h->ticket > ticket) {
			STAILQ_INSERT_TAIL(&stay, h, link);
			continue;
		}
		f->held_len--;
		STAILQ_INSERT_TAIL(&go, h, link);
	}
	STAILQ_CONCAT(&f->held, &stay);
	while ((h = STAILQ_FIRST(&go)) != NULL) {
		STAILQ_REMOVE_HEAD(&go, link);
		if (error)
			reply_error(f, &h->request, error);
		else
			serve(f, &h->request, true);
		free(h);
	}
}

void fuse_free(struct fuse *f)
{
	struct held *h;

	if (!f)
		return;
	fuse_port_free(f->port);
	while ((h = STAILQ_FIRST(&f->held)) != NULL) {
		STAILQ_REMOVE_HEAD(&f->held, link);
		free(h);
	}
	handle_done(&f->handles);
	free(f);
}
