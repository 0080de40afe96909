/* SPDX-License-Identifier: Apache-2.0 */
/* The service behind /dev/fuse: see fuse.h. Each request is one read(2), each reply one write(2). */
#include "fuse/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse/handle.h"
#include "fuse/init.h"
#include "fuse/kernel.h"

#define BATCH 16       /* requests in a row, before the loop serves others */
#define WRITE_MAX 4096 /* bytes of a write, the least that INIT can say; nothing is written */

/* A request that waits for the tree. */
struct held {
	STAILQ_ENTRY(held) link;
	uint64_t ticket;
	size_t len;
	char message[];
};

struct fuse {
	int fd;
	const struct fuse_tree *tree;
	void *arg;
	struct watch *watch;
	STAILQ_HEAD(, held) held;
	unsigned int held_len;
	struct handles handles;
	char request[FUSE_MIN_READ_BUFFER];
};

/* A request, of which the header has been checked. */
struct request {
	struct fuse_in_header header;
	const char *body;
	size_t len;
};

/* --- replies --- */

/*
 * Answers the request @unique with @error, or else with @len bytes of @data. A reader that has been interrupted
 * meanwhile gets no answer (ENOENT), and a mount that has ended takes none: both say so when the next request is read.
 */
static void reply(struct fuse *f, uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header header = { .error = error, .unique = unique };
	autobuf out = BUF_INIT;

	header.len = (uint32_t)(sizeof(header) + (error ? 0 : len));
	buf_put(&out, &header, sizeof(header));
	if (!error)
		buf_put(&out, data, len);
	if (buf_error(&out) < 0) {
		header = (struct fuse_out_header){ .len = sizeof(header), .error = -ENOMEM, .unique = unique };
		(void)!write(f->fd, &header, sizeof(header));
		return;
	}
	(void)!write(f->fd, out.data, out.len);
}

static void reply_error(struct fuse *f, const struct request *r, int error)
{
	reply(f, r->header.unique, error, NULL, 0);
}

/* Copies the fixed part of a request's body to @to: 0, or -EINVAL if it is too short. */
static int take(const struct request *r, void *to, size_t len)
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

static void do_init(struct fuse *f, const struct request *r)
{
	struct fuse_init_out out;
	int error = init_answer(r->body, r->len, WRITE_MAX, 0, &out);

	reply(f, r->header.unique, error, &out, sizeof(out));
}

/* What has the name that the body is in a directory. The kernel keeps nothing of the answer. */
static void do_lookup(struct fuse *f, const struct request *r)
{
	struct fuse_entry_out out = { .nodeid = 0 };
	uint32_t mode = 0;
	int error;

	if (r->len == 0 || r->body[r->len - 1] != '\0') {
		reply_error(f, r, -EINVAL);
		return;
	}
	error = f->tree->find(f->arg, r->header.nodeid, r->body, &out.nodeid);
	if (error == 0) {
		mode = f->tree->mode(f->arg, out.nodeid);
		error = mode ? 0 : -ENOENT;
	}
	out.attr = attributes(out.nodeid, mode);
	reply(f, r->header.unique, error, &out, sizeof(out));
}

static void do_getattr(struct fuse *f, const struct request *r)
{
	uint32_t mode = f->tree->mode(f->arg, r->header.nodeid);
	const struct fuse_attr_out out = { .attr = attributes(r->header.nodeid, mode) };

	reply(f, r->header.unique, mode ? 0 : -ENOENT, &out, sizeof(out));
}

static void do_readlink(struct fuse *f, const struct request *r)
{
	autobuf text = BUF_INIT;
	int error = S_ISLNK(f->tree->mode(f->arg, r->header.nodeid)) ? 0 : -EINVAL;

	if (error == 0)
		error = f->tree->read(f->arg, r->header.nodeid, &text);
	if (error == 0)
		error = buf_error(&text);
	reply(f, r->header.unique, error, text.data, text.len);
}

/* OPEN and OPENDIR: takes what is to be read, for the handle. */
static void do_open(struct fuse *f, const struct request *r)
{
	bool dir = r->header.opcode == FUSE_OPENDIR;
	uint32_t mode = f->tree->mode(f->arg, r->header.nodeid);
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
		error = dir ? f->tree->list(f->arg, r->header.nodeid, &list)
			    : f->tree->read(f->arg, r->header.nodeid, &list.entries);
	if (error == 0)
		error = buf_error(&list.entries);
	if (error == 0)
		error = handle_open(&f->handles, &list.entries, dir, &out.fh);
	buf_done(&list.entries);
	reply(f, r->header.unique, error, &out, sizeof(out));
}

/* READ and READDIR. */
static void do_read(struct fuse *f, const struct request *r)
{
	struct fuse_read_in in;
	const char *data = NULL;
	size_t len = 0;
	int error = take(r, &in, sizeof(in));

	if (error == 0)
		error = handle_read(
			&f->handles, in.fh, r->header.opcode == FUSE_READDIR, in.offset, in.size, &data, &len);
	reply(f, r->header.unique, error, data, len);
}

static void do_release(struct fuse *f, const struct request *r)
{
	struct fuse_release_in in;
	int error = take(r, &in, sizeof(in));

	if (error == 0)
		handle_close(&f->handles, in.fh);
	reply_error(f, r, error);
}

static void do_statfs(struct fuse *f, const struct request *r)
{
	const struct fuse_statfs_out out = { .st = { .bsize = WRITE_MAX, .frsize = WRITE_MAX, .namelen = 255 } };

	reply(f, r->header.unique, 0, &out, sizeof(out));
}

/* A reader gives up: the request that it made is answered, if that waits here. It is not if it was answered before. */
static void do_interrupt(struct fuse *f, const struct request *r)
{
	struct fuse_interrupt_in in;
	struct held *h;

	if (take(r, &in, sizeof(in)) < 0)
		return;
	STAILQ_FOREACH (h, &f->held, link) {
		struct fuse_in_header header;

		memcpy(&header, h->message, sizeof(header));
		if (header.unique != in.unique)
			continue;
		STAILQ_REMOVE(&f->held, h, held, link);
		f->held_len--;
		free(h);
		reply(f, in.unique, -EINTR, NULL, 0);
		return;
	}
}

/* Keeps the request until fuse_continue() has @ticket. */
static void hold(struct fuse *f, const struct request *r, uint64_t ticket)
{
	size_t len = sizeof(r->header) + r->len;
	struct held *h = f->held_len < FUSE_HELD_MAX ? malloc(sizeof(*h) + len) : NULL;

	if (!h) {
		reply_error(f, r, f->held_len < FUSE_HELD_MAX ? -ENOMEM : -EAGAIN);
		return;
	}
	h->ticket = ticket;
	h->len = len;
	memcpy(h->message, &r->header, sizeof(r->header));
	memcpy(h->message + sizeof(r->header), r->body, r->len);
	STAILQ_INSERT_TAIL(&f->held, h, link);
	f->held_len++;
}

/* What each request needs: nothing but @fn, or first what the tree has to say of the node. */
static const struct operation {
	void (*fn)(struct fuse *f, const struct request *r);
	bool asks;
} operations[] = {
	[FUSE_LOOKUP] = { .fn = do_lookup, .asks = true },
	[FUSE_GETATTR] = { .fn = do_getattr },
	[FUSE_READLINK] = { .fn = do_readlink },
	[FUSE_OPEN] = { .fn = do_open, .asks = true },
	[FUSE_READ] = { .fn = do_read },
	[FUSE_STATFS] = { .fn = do_statfs },
	[FUSE_RELEASE] = { .fn = do_release },
	[FUSE_INIT] = { .fn = do_init },
	[FUSE_OPENDIR] = { .fn = do_open, .asks = true },
	[FUSE_READDIR] = { .fn = do_read },
	[FUSE_RELEASEDIR] = { .fn = do_release },
	[FUSE_INTERRUPT] = { .fn = do_interrupt },
};

/* Whether requests of @opcode are not answered: no node is remembered, and a mount that ends has no reader. */
static bool is_silent(uint32_t opcode)
{
	return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET || opcode == FUSE_DESTROY;
}

/* Does what the message of @len bytes asks for. @held: it waited for the tree, which has answered. */
static void serve(struct fuse *f, const char *message, size_t len, bool held)
{
	struct request r = { .body = message + sizeof(r.header) };
	const struct operation *op;
	uint64_t ticket = 0;

	if (len < sizeof(r.header))
		return; /* there is no number that an answer could have */
	memcpy(&r.header, message, sizeof(r.header));
	r.len = len - sizeof(r.header);
	if (is_silent(r.header.opcode))
		return;
	op = r.header.opcode < ARRAY_LEN(operations) ? &operations[r.header.opcode] : NULL;
	if (!op || !op->fn || r.header.len != len) {
		/* what is refused with ENOSYS is not asked for again: extended attributes, locks, flushes */
		reply_error(f, &r, r.header.len != len ? -EINVAL : -ENOSYS);
		return;
	}
	if (op->asks && !held)
		ticket = f->tree->ask(f->arg, r.header.nodeid, r.header.opcode == FUSE_OPENDIR);
	if (ticket)
		hold(f, &r, ticket);
	else
		op->fn(f, &r);
}

/* --- the loop --- */

/* Serves what has come, and no more in a row than others can wait for. */
static void on_request(void *arg, uint32_t events)
{
	struct fuse *f = arg;

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(f->fd, f->request, sizeof(f->request));

		if (n < 0 && (errno == EINTR || errno == ENOENT)) /* ENOENT: its reader has gone just now */
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) { /* ENODEV: the mount has ended */
			watch_free(f->watch);
			f->watch = NULL;
			return;
		}
		serve(f, f->request, (size_t)n, false);
	}
}

int fuse_new(struct loop *loop, int fd, const struct fuse_tree *tree, void *arg, struct fuse **ret)
{
	struct fuse *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->fd = fd;
	f->tree = tree;
	f->arg = arg;
	STAILQ_INIT(&f->held);
	r = watch_new(loop, fd, EPOLLIN, on_request, f, &f->watch);
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
		struct fuse_in_header header;

		STAILQ_REMOVE_HEAD(&go, link);
		memcpy(&header, h->message, sizeof(header));
		if (error)
			reply(f, header.unique, error, NULL, 0);
		else
			serve(f, h->message, h->len, true);
		free(h);
	}
}

void fuse_free(struct fuse *f)
{
	struct held *h;

	if (!f)
		return;
	watch_free(f->watch);
	while ((h = STAILQ_FIRST(&f->held)) != NULL) {
		STAILQ_REMOVE_HEAD(&f->held, link);
		free(h);
	}
	handle_done(&f->handles);
	free(f);
}
