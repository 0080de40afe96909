/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p9bench: what a request costs in the server alone, without a guest.
 *
 *   p9bench [DIR]    (default: /tmp; a directory is made in it and removed)
 *
 * Each workload runs twice: served by the calling thread (p9_serve, as the threads of the virtio device do it), and by
 * a worker (p9_submit). The program prints microseconds per request, or MiB/s. It only measures: nothing passes or
 * fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/wire.h"
#include "fs/fs.h"
#include "p9/p9.h"
#include "p9/proto.h"

#define FILES 10000u
#define BIG (256u << 20)

struct bench {
	struct p9_server *server;
	struct p9_session *session;
	struct p9_worker *worker; /* NULL: requests go by p9_submit() */
	sem_t done;
	uint8_t *in, *out;
	uint32_t reply_len;
};

static void die(const char *what, int error)
{
	fprintf(stderr, "p9bench: %s: %s\n", what, strerror(error));
	exit(1);
}

static void on_done(struct p9_request *req, uint32_t len)
{
	struct bench *b = req->arg;

	b->reply_len = len;
	if (b->worker == NULL)
		sem_post(&b->done);
}

/* Sends what is in @m (and @extra bytes behind it); the reply is in b->out. */
static void call(struct bench *b, struct buf *m, uint8_t type, uint32_t extra)
{
	uint32_t size = (uint32_t)m->len + extra;
	struct iovec in[2] = { { m->data, m->len }, { b->in, extra } };
	struct iovec out = { b->out, P9_MSIZE_MAX };
	struct p9_request req = {
		.in = in,
		.in_count = 2,
		.out = &out,
		.out_count = 1,
		.done = on_done,
		.arg = b,
	};

	memcpy(m->data, &size, 4);
	m->data[4] = (char)type;
	if (b->worker != NULL) {
		p9_serve(b->session, b->worker, &req);
	} else {
		p9_submit(b->session, &req);
		while (sem_wait(&b->done) < 0)
			;
	}
	if (b->out[4] == P9_RLERROR)
		die("request", b->out[7]);
	m->len = 0;
}

static struct buf message;

static struct buf *start(void)
{
	message.len = 0;
	wire_put_u32(&message, 0);
	wire_put_u8(&message, 0);
	wire_put_u16(&message, 1);
	return &message;
}

static void put_str(struct buf *m, const char *s)
{
	wire_put_u16(m, (uint16_t)strlen(s));
	buf_puts(m, s);
}

static void walk(struct bench *b, uint32_t fid, uint32_t newfid, const char *name)
{
	struct buf *m = start();

	wire_put_u32(m, fid);
	wire_put_u32(m, newfid);
	wire_put_u16(m, name != NULL);
	if (name != NULL)
		put_str(m, name);
	call(b, m, P9_TWALK, 0);
}

static void fid_op(struct bench *b, uint8_t type, uint32_t fid)
{
	struct buf *m = start();

	wire_put_u32(m, fid);
	if (type == P9_TGETATTR)
		wire_put_u64(m, P9_GETATTR_BASIC);
	if (type == P9_TLOPEN)
		wire_put_u32(m, 2);
	call(b, m, type, 0);
}

static void data_op(struct bench *b, uint8_t type, uint32_t fid, uint64_t offset, uint32_t count)
{
	struct buf *m = start();

	wire_put_u32(m, fid);
	wire_put_u64(m, offset);
	wire_put_u32(m, count);
	call(b, m, type, type == P9_TWRITE ? count : 0);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void connect_all(struct bench *b)
{
	struct buf *m = start();

	wire_put_u32(m, P9_MSIZE_MAX);
	put_str(m, P9_VERSION);
	call(b, m, P9_TVERSION, 0);
	m = start();
	wire_put_u32(m, 0);
	wire_put_u32(m, P9_NOFID);
	put_str(m, "");
	put_str(m, "e");
	wire_put_u32(m, 0);
	call(b, m, P9_TATTACH, 0);
}

static void stat_storm(struct bench *b)
{
	double t = now();
	char name[32];

	for (unsigned int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%05u", i);
		walk(b, 0, 1, name);
		fid_op(b, P9_TGETATTR, 1);
		fid_op(b, P9_TCLUNK, 1);
	}
	printf("  stat of %u files (walk, getattr, clunk)  %6.2f us a file\n", FILES, (now() - t) * 1e6 / FILES);
}

static void list(struct bench *b)
{
	double t = now();
	uint64_t offset = 0;
	unsigned int entries = 0, calls = 0;

	walk(b, 0, 1, NULL);
	struct buf *m = start();
	wire_put_u32(m, 1);
	wire_put_u32(m, 0);
	call(b, m, P9_TLOPEN, 0);
	for (;;) {
		struct wire w;

		data_op(b, P9_TREADDIR, 1, offset, P9_MSIZE_MAX - P9_RREAD_HEADER);
		wire_init(&w, b->out + P9_RREAD_HEADER, b->reply_len - P9_RREAD_HEADER);
		calls++;
		if (wire_left(&w) == 0)
			break;
		while (wire_left(&w) > 0) {
			(void)wire_get_bytes(&w, 13);
			offset = wire_get_u64(&w);
			(void)wire_get_u8(&w);
			(void)wire_get_bytes(&w, wire_get_u16(&w));
			entries++;
		}
	}
	fid_op(b, P9_TCLUNK, 1);
	printf("  list of %u entries                    %6.2f us an entry, %u requests\n", entries,
		(now() - t) * 1e6 / entries, calls);
}

static void data(struct bench *b)
{
	const uint32_t chunk = P9_MSIZE_MAX - P9_TWRITE_HEADER;
	unsigned int seed = 1, n = 50000;
	double t = now();

	walk(b, 0, 1, "big");
	fid_op(b, P9_TLOPEN, 1);
	for (uint64_t at = 0; at < BIG; at += chunk)
		data_op(b, P9_TWRITE, 1, at, chunk);
	printf("  sequential write of 256 MiB              %6.0f MiB/s\n", 256 / (now() - t));
	t = now();
	for (uint64_t at = 0; at < BIG; at += chunk)
		data_op(b, P9_TREAD, 1, at, chunk);
	printf("  sequential read of 256 MiB               %6.0f MiB/s\n", 256 / (now() - t));
	t = now();
	for (unsigned int i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		data_op(b, P9_TREAD, 1, (uint64_t)(seed >> 8) % (BIG / 4096) * 4096, 4096);
	}
	printf("  random reads of 4 KiB                    %6.2f us each\n", (now() - t) * 1e6 / n);
	fid_op(b, P9_TCLUNK, 1);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int main(int argc, char **argv)
{
	char dir[4096], name[32];
	struct bench b = { 0 };
	struct err err = ERR_INIT;
	struct fs *fs;
	int fd, r;

	snprintf(dir, sizeof(dir), "%s/p9bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(dir) == NULL)
		die(dir, errno);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%05u", i);
		close(openat(fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	}
	close(openat(fd, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	if (fs_new(-1, &fs, &err) < 0 || fs_export_add(fs, "e", fd, 0, &err) < 0 ||
		p9_server_new(fs, NULL, &b.server, &err) < 0) {
		fprintf(stderr, "p9bench: %s\n", err.msg);
		return 1;
	}
	b.in = calloc(1, P9_MSIZE_MAX);
	b.out = calloc(1, P9_MSIZE_MAX);
	sem_init(&b.done, 0, 0);
	r = p9_session_new(b.server, &b.session);
	for (int i = 0; r == 0 && i < 2; i++) {
		printf("%s:\n", i == 0 ? "served by the calling thread" : "by way of a worker");
		if (i == 0)
			r = p9_worker_new(b.server, &b.worker);
		if (r < 0)
			die("worker", -r);
		connect_all(&b);
		stat_storm(&b);
		list(&b);
		data(&b);
		p9_worker_free(b.worker);
		b.worker = NULL;
	}
	p9_session_free(b.session);
	p9_server_free(b.server);
	fs_free(fs);
	buf_done(&message);
	free(b.in);
	free(b.out);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return r < 0;
}
