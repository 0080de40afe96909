/* SPDX-License-Identifier: Apache-2.0 */
/* A 9P client for tests. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "p9/server.h"
#include "p9/socket.h"
#include "tests/p9/client.h"

/* ---- the connection ---- */

static void *serve(void *arg)
{
	struct p9c *c = arg;
	int r = p9_socket_serve(c->server, c->server_fd);

	shutdown(c->server_fd, SHUT_RDWR);
	return (void *)(intptr_t)r;
}

void p9c_connect(struct p9c *c)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	c->fd = fds[0];
	c->server_fd = fds[1];
	assert_int_equal(pthread_create(&c->thread, NULL, serve, c), 0);
}

void p9c_disconnect(struct p9c *c)
{
	shutdown(c->fd, SHUT_RDWR);
	pthread_join(c->thread, NULL);
	fd_close(c->fd);
	fd_close(c->server_fd);
}

void p9c_start(struct p9c *c, unsigned int export_flags)
{
	struct err err = ERR_INIT;
	char version[32];
	int fd;

	*c = (struct p9c){ .fd = -1 };
	strcpy(c->dir, "/tmp/vmrunc-p9-XXXXXX");
	assert_non_null(mkdtemp(c->dir));
	assert_int_equal(chmod(c->dir, 0755), 0);
	c->dir_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = open(c->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(c->dir_fd >= 0 && fd >= 0);
	if (fs_new(-1, &c->fs, &err) < 0 || fs_export_add(c->fs, "top/export", fd, export_flags, &err) < 0 ||
		p9_server_new(c->fs, NULL, &c->server, &err) < 0)
		fail_msg("%s", err.msg);
	c->reply = malloc(P9_MSIZE_MAX);
	assert_non_null(c->reply);
	p9c_connect(c);
	assert_int_equal(p9c_call(c, P9_TVERSION, "ds", P9C_MSIZE, P9_VERSION), 0);
	c->msize = wire_get_u32(&c->r);
	assert_int_equal(c->msize, P9C_MSIZE);
	assert_string_equal(p9c_str(c, version, sizeof(version)), P9_VERSION);
	assert_int_equal(p9c_call(c, P9_TATTACH, "ddssd", P9C_ROOT, P9_NOFID, "", "top/export", P9_NONUNAME), 0);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void p9c_stop(struct p9c *c)
{
	p9c_disconnect(c);
	p9_server_free(c->server);
	fs_free(c->fs);
	free(c->reply);
	fd_close(c->dir_fd);
	nftw(c->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void p9c_host_write(struct p9c *c, const char *name, const char *text)
{
	int fd = openat(c->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
	close(fd);
}

/* ---- messages ---- */

static void put_fields(struct buf *b, const char *fmt, va_list ap)
{
	for (; *fmt != '\0'; fmt++) {
		const void *data;
		const char *s;

		switch (*fmt) {
		case 'b':
			wire_put_u8(b, (uint8_t)va_arg(ap, int));
			break;
		case 'w':
			wire_put_u16(b, (uint16_t)va_arg(ap, int));
			break;
		case 'd':
			wire_put_u32(b, va_arg(ap, uint32_t));
			break;
		case 'q':
			wire_put_u64(b, va_arg(ap, uint64_t));
			break;
		case 's':
			s = va_arg(ap, const char *);
			wire_put_u16(b, (uint16_t)strlen(s));
			buf_put(b, s, strlen(s));
			break;
		case 'D':
			data = va_arg(ap, const void *);
			buf_put(b, data, va_arg(ap, size_t));
			break;
		default:
			fail_msg("p9c: no such field '%c'", *fmt);
		}
	}
}

static void message_v(struct buf *b, uint8_t type, uint16_t tag, const char *fmt, va_list ap)
{
	size_t start = b->len;
	uint32_t size;

	wire_put_u32(b, 0);
	wire_put_u8(b, type);
	wire_put_u16(b, tag);
	put_fields(b, fmt, ap);
	assert_int_equal(buf_error(b), 0);
	size = (uint32_t)(b->len - start);
	memcpy(b->data + start, &size, 4);
}

void p9c_message(struct buf *b, uint8_t type, uint16_t tag, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message_v(b, type, tag, fmt, ap);
	va_end(ap);
}

void p9c_send_raw(struct p9c *c, const void *data, size_t len)
{
	assert_int_equal(fd_write_full(c->fd, data, len), 0);
}

void p9c_send(struct p9c *c, uint8_t type, uint16_t tag, const char *fmt, ...)
{
	autobuf b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	message_v(&b, type, tag, fmt, ap);
	va_end(ap);
	p9c_send_raw(c, b.data, b.len);
}

int p9c_receive(struct p9c *c)
{
	ssize_t n = fd_read_full(c->fd, c->reply, 4);
	uint32_t size;

	if (n <= 0)
		return -ECONNRESET;
	assert_int_equal(n, 4);
	memcpy(&size, c->reply, 4);
	assert_in_range(size, P9_HEADER, P9_MSIZE_MAX);
	n = fd_read_full(c->fd, c->reply + 4, size - 4);
	if (n != (ssize_t)size - 4)
		return -ECONNRESET;
	wire_init(&c->r, c->reply + 4, size - 4);
	c->reply_type = wire_get_u8(&c->r);
	c->reply_tag = wire_get_u16(&c->r);
	return c->reply_type == P9_RLERROR ? -(int)wire_get_u32(&c->r) : 0;
}

int p9c_call(struct p9c *c, uint8_t type, const char *fmt, ...)
{
	uint16_t tag = type == P9_TVERSION ? UINT16_MAX : c->next_tag++ % 1000;
	autobuf b = BUF_INIT;
	va_list ap;
	int r;

	va_start(ap, fmt);
	message_v(&b, type, tag, fmt, ap);
	va_end(ap);
	p9c_send_raw(c, b.data, b.len);
	r = p9c_receive(c);
	if (r == -ECONNRESET)
		return r;
	assert_int_equal(c->reply_tag, tag);
	if (r == 0)
		assert_int_equal(c->reply_type, type + 1);
	return r;
}

const char *p9c_str(struct p9c *c, char *buf, size_t size)
{
	size_t len = wire_get_u16(&c->r);
	const void *data = wire_get_bytes(&c->r, len);

	assert_non_null(data);
	assert_true(len < size);
	memcpy(buf, data, len);
	buf[len] = '\0';
	return buf;
}

struct p9c_qid p9c_qid(struct p9c *c)
{
	struct p9c_qid qid;

	qid.type = wire_get_u8(&c->r);
	qid.version = wire_get_u32(&c->r);
	qid.path = wire_get_u64(&c->r);
	return qid;
}

/* ---- common calls ---- */

int p9c_walk(struct p9c *c, uint32_t fid, uint32_t newfid, const char *name)
{
	if (name == NULL)
		return p9c_call(c, P9_TWALK, "ddw", fid, newfid, 0);
	return p9c_call(c, P9_TWALK, "ddws", fid, newfid, 1, name);
}

int p9c_open(struct p9c *c, uint32_t fid, uint32_t flags)
{
	return p9c_call(c, P9_TLOPEN, "dd", fid, flags);
}

int p9c_create(struct p9c *c, uint32_t dir, uint32_t newfid, const char *name, uint32_t flags, uint32_t mode)
{
	int r = p9c_walk(c, dir, newfid, NULL);

	return r < 0 ? r : p9c_call(c, P9_TLCREATE, "dsddd", newfid, name, flags, mode, FS_OWNER_SERVICE);
}

int p9c_clunk(struct p9c *c, uint32_t fid)
{
	return p9c_call(c, P9_TCLUNK, "d", fid);
}

int p9c_write(struct p9c *c, uint32_t fid, uint64_t offset, const void *data, size_t len)
{
	int r = p9c_call(c, P9_TWRITE, "dqdD", fid, offset, (uint32_t)len, data, len);

	return r < 0 ? r : (int)wire_get_u32(&c->r);
}

int p9c_read(struct p9c *c, uint32_t fid, uint64_t offset, void *data, size_t len)
{
	int r = p9c_call(c, P9_TREAD, "dqd", fid, offset, (uint32_t)len);
	const void *bytes;

	if (r < 0)
		return r;
	r = (int)wire_get_u32(&c->r);
	assert_in_range(r, 0, len);
	bytes = wire_get_bytes(&c->r, (size_t)r);
	assert_int_equal(wire_finish(&c->r), 0);
	memcpy(data, bytes, (size_t)r);
	return r;
}

int p9c_getattr(struct p9c *c, uint32_t fid, struct p9c_attr *ret)
{
	int r = p9c_call(c, P9_TGETATTR, "dq", fid, P9_GETATTR_BASIC);

	if (r < 0)
		return r;
	ret->valid = wire_get_u64(&c->r);
	ret->qid = p9c_qid(c);
	ret->mode = wire_get_u32(&c->r);
	ret->uid = wire_get_u32(&c->r);
	ret->gid = wire_get_u32(&c->r);
	ret->nlink = wire_get_u64(&c->r);
	ret->rdev = wire_get_u64(&c->r);
	ret->size = wire_get_u64(&c->r);
	ret->blksize = wire_get_u64(&c->r);
	ret->blocks = wire_get_u64(&c->r);
	(void)wire_get_bytes(&c->r, 16);
	ret->mtime_sec = wire_get_u64(&c->r);
	ret->mtime_nsec = wire_get_u64(&c->r);
	(void)wire_get_bytes(&c->r, 16 + 16 + 8 + 8);
	assert_int_equal(wire_finish(&c->r), 0);
	return 0;
}

int p9c_setattr(struct p9c *c, uint32_t fid, uint32_t valid, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t size,
	uint64_t mtime)
{
	return p9c_call(c, P9_TSETATTR, "dddddqqqqq", fid, valid, mode, uid, gid, size, mtime, 7ull, mtime, 9ull);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

#define LIST_MAX 20000

int p9c_list(struct p9c *c, uint32_t fid, struct buf *ret_names)
{
	char **names = calloc(LIST_MAX, sizeof(*names)), name[FS_NAME_MAX + 1];
	uint64_t offset = 0;
	size_t n = 0;
	int r;

	assert_non_null(names);
	for (;;) {
		size_t left;

		r = p9c_call(c, P9_TREADDIR, "dqd", fid, offset, c->msize - P9_RREAD_HEADER);
		if (r < 0)
			break;
		left = wire_get_u32(&c->r);
		assert_int_equal(left, wire_left(&c->r));
		if (left == 0)
			break;
		while (wire_left(&c->r) > 0) {
			p9c_qid(c);
			offset = wire_get_u64(&c->r);
			(void)wire_get_u8(&c->r);
			p9c_str(c, name, sizeof(name));
			assert_int_equal(wire_error(&c->r), 0);
			if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
				continue;
			assert_true(n < LIST_MAX);
			names[n++] = strdup(name);
		}
	}
	qsort(names, n, sizeof(*names), compare);
	for (size_t i = 0; i < n; i++) {
		buf_printf(ret_names, "%s%s", i == 0 ? "" : " ", names[i]);
		free(names[i]);
	}
	free(names);
	return r;
}
