/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's side of src/fuse: see fuse_peer.h. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "tests/unit/fuse_peer.h"

static char text[256 * 1024];

static void on_reply(void *arg, uint32_t events)
{
	struct fuse_peer *p = arg;
	char message[sizeof(p->header) + sizeof(p->body)];
	ssize_t n = read(p->fd, message, sizeof(message));

	(void)events;
	assert_true(n >= (ssize_t)sizeof(p->header));
	memcpy(&p->header, message, sizeof(p->header));
	assert_int_equal(p->header.len, n);
	p->len = (size_t)n - sizeof(p->header);
	memcpy(p->body, message + sizeof(p->header), p->len);
	assert_true(p->header.error == 0 || p->len == 0);
	loop_stop(p->loop);
}

void fuse_peer_begin(struct fuse_peer *p, struct loop *loop)
{
	int ends[2];

	*p = (struct fuse_peer){ .loop = loop };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	p->fd = ends[0];
	p->service = ends[1];
	assert_int_equal(watch_new(loop, p->fd, EPOLLIN, on_reply, p, &p->watch), 0);
}

void fuse_peer_end(struct fuse_peer *p)
{
	watch_free(p->watch);
	fd_close(p->fd);
	fd_close(p->service);
}

void fuse_peer_send(struct fuse_peer *p, uint32_t opcode, uint64_t node, const void *body, size_t len)
{
	struct fuse_in_header header = {
		.len = (uint32_t)(sizeof(header) + len), .opcode = opcode, .unique = ++p->sent, .nodeid = node
	};
	char message[sizeof(header) + 8192];

	assert_true(len <= 8192);
	memcpy(message, &header, sizeof(header));
	if (len > 0)
		memcpy(message + sizeof(header), body, len);
	assert_int_equal(write(p->fd, message, sizeof(header) + len), sizeof(header) + len);
}

int fuse_peer_reply(struct fuse_peer *p)
{
	assert_int_equal(loop_run(p->loop), 0);
	return p->header.error;
}

int fuse_peer_ask(struct fuse_peer *p, uint32_t opcode, uint64_t node, const void *body, size_t len)
{
	int error;

	fuse_peer_send(p, opcode, node, body, len);
	error = fuse_peer_reply(p);
	assert_int_equal(p->header.unique, p->sent);
	return error;
}

int fuse_peer_find(struct fuse_peer *p, const char *path, uint64_t *ret)
{
	uint64_t node = FUSE_ROOT;

	while (*path) {
		struct fuse_entry_out out;
		char name[256] = "";
		size_t len = strcspn(path, "/");
		int error;

		memcpy(name, path, len);
		error = fuse_peer_ask(p, FUSE_LOOKUP, node, name, len + 1);
		if (error)
			return error;
		assert_int_equal(p->len, sizeof(out));
		memcpy(&out, p->body, sizeof(out));
		assert_int_equal(out.entry_valid + out.attr_valid, 0);
		node = out.nodeid;
		path += len + (path[len] == '/' ? 1 : 0);
	}
	*ret = node;
	return 0;
}

/* Opens @path by @open: 0 with its node and handle, or the error. */
static int open_path(struct fuse_peer *p, const char *path, uint32_t open, uint64_t *ret_node, uint64_t *ret_fh)
{
	const struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_open_out out;
	int error = fuse_peer_find(p, path, ret_node);

	if (error == 0)
		error = fuse_peer_ask(p, open, *ret_node, &in, sizeof(in));
	if (error)
		return error;
	assert_int_equal(p->len, sizeof(out));
	memcpy(&out, p->body, sizeof(out));
	*ret_fh = out.fh;
	return 0;
}

/* Reads @size bytes at @offset by @opcode into p->body. */
static void read_part(struct fuse_peer *p, uint32_t opcode, uint64_t node, uint64_t fh, uint64_t offset, uint32_t size)
{
	const struct fuse_read_in in = { .fh = fh, .offset = offset, .size = size };

	assert_int_equal(fuse_peer_ask(p, opcode, node, &in, sizeof(in)), 0);
	assert_true(p->len <= size);
}

static void release(struct fuse_peer *p, uint32_t opcode, uint64_t node, uint64_t fh)
{
	const struct fuse_release_in in = { .fh = fh };

	assert_int_equal(fuse_peer_ask(p, opcode, node, &in, sizeof(in)), 0);
}

const char *fuse_peer_text(struct fuse_peer *p, const char *path, uint32_t size, int *ret_error)
{
	uint64_t node, fh;
	size_t len = 0;

	*ret_error = open_path(p, path, FUSE_OPEN, &node, &fh);
	if (*ret_error)
		return NULL;
	do {
		read_part(p, FUSE_READ, node, fh, len, size);
		memcpy(text + len, p->body, p->len);
		len += p->len;
	} while (p->len > 0);
	text[len] = '\0';
	release(p, FUSE_RELEASE, node, fh);
	return text;
}

const char *fuse_peer_names(struct fuse_peer *p, const char *path, uint32_t size, int *ret_error)
{
	uint64_t node, fh, next = 0;

	*ret_error = open_path(p, path, FUSE_OPENDIR, &node, &fh);
	if (*ret_error)
		return NULL;
	*text = '\0';
	do {
		read_part(p, FUSE_READDIR, node, fh, next, size);
		for (size_t at = 0; at < p->len;) {
			struct fuse_dirent entry;

			memcpy(&entry, p->body + at, FUSE_NAME_OFFSET);
			(void)strncat(text, p->body + at + FUSE_NAME_OFFSET, entry.namelen);
			(void)strcat(text, " ");
			next = entry.off;
			at += FUSE_DIRENT_SIZE(&entry);
			assert_true(at <= p->len);
		}
	} while (p->len > 0);
	release(p, FUSE_RELEASEDIR, node, fh);
	return text;
}
