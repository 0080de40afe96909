/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 9P client for tests. It sends whatever it is told to, right or wrong; what goes wrong in it fails the test.
 */
#ifndef TESTS_P9_CLIENT_H
#define TESTS_P9_CLIENT_H

#include <pthread.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/wire.h"
#include "fs/fs.h"
#include "p9/p9.h"
#include "p9/proto.h"

#define P9C_ROOT 0u /* the fid that p9c_start attaches */
#define P9C_MSIZE 65536u

/* A server over a service of one export, in this process, with one connection. */
struct p9c {
	char dir[64]; /* the exported directory, made for the test */
	int dir_fd;
	struct fs *fs;
	struct p9_server *server;
	int fd; /* the client's end */
	int server_fd;
	pthread_t thread;
	uint32_t msize;
	uint16_t next_tag;
	uint8_t *reply; /* the last reply, whole */
	struct wire r;  /* behind its header */
	uint16_t reply_tag;
	uint8_t reply_type;
};

/* Makes a directory, exports it as "top/export", agrees on a version and attaches the export as P9C_ROOT. */
void p9c_start(struct p9c *c, unsigned int export_flags);

/* Undoes it, and removes the directory. */
void p9c_stop(struct p9c *c);

/* Starts a session of c->server over a socketpair: the client's end is c->fd. */
void p9c_connect(struct p9c *c);

/* Ends the session, and waits for that. */
void p9c_disconnect(struct p9c *c);

/* On the host: makes the file @name of the exported directory, or empties it, and writes @text to it. */
void p9c_host_write(struct p9c *c, const char *name, const char *text);

/*
 * Appends a message to @b. @fmt has a letter for each field: b, w, d, q are integers of 1, 2, 4 and 8 bytes (int for b
 * and w; uint32_t; uint64_t), s is a string, D is data (const void *, size_t) without a length.
 */
void p9c_message(struct buf *b, uint8_t type, uint16_t tag, const char *fmt, ...);

/* Sends such a message. */
void p9c_send(struct p9c *c, uint8_t type, uint16_t tag, const char *fmt, ...);

/* Sends bytes that may be no message. */
void p9c_send_raw(struct p9c *c, const void *data, size_t len);

/* Receives any reply: 0, -errno of an Rlerror, or -ECONNRESET at the end. */
int p9c_receive(struct p9c *c);

/*
 * Sends a message and receives its reply: 0 with c->r at the reply's body, or -errno. A reply of another type or tag
 * fails the test.
 */
int p9c_call(struct p9c *c, uint8_t type, const char *fmt, ...);

/* Reads a string field of the reply into @buf, which is returned. */
const char *p9c_str(struct p9c *c, char *buf, size_t size);

struct p9c_qid {
	uint8_t type;
	uint32_t version;
	uint64_t path;
};

/* Reads a qid of the reply. */

/* Takes a qid field of the reply. */
struct p9c_qid p9c_qid(struct p9c *c);

/* ---- common calls: 0 or -errno ---- */

/* Twalk of one step, or with NULL of none: @newfid is then a clone. */
int p9c_walk(struct p9c *c, uint32_t fid, uint32_t newfid, const char *name);

/* Tlopen. */
int p9c_open(struct p9c *c, uint32_t fid, uint32_t flags);

/* Clones @dir as @newfid, and Tlcreate with that. */
int p9c_create(struct p9c *c, uint32_t dir, uint32_t newfid, const char *name, uint32_t flags, uint32_t mode);

/* Tclunk. */
int p9c_clunk(struct p9c *c, uint32_t fid);

/* Twrite: bytes. */
int p9c_write(struct p9c *c, uint32_t fid, uint64_t offset, const void *data, size_t len);

/* Tread: bytes. */
int p9c_read(struct p9c *c, uint32_t fid, uint64_t offset, void *data, size_t len);

/* Tsetattr, with nanoseconds 7 of the time of access and 9 of that of modification. */
int p9c_setattr(struct p9c *c, uint32_t fid, uint32_t valid, uint32_t mode, uint32_t uid, uint32_t gid, uint64_t size,
	uint64_t mtime);

struct p9c_attr {
	uint64_t valid;
	struct p9c_qid qid;
	uint32_t mode, uid, gid;
	uint64_t nlink, rdev, size, blksize, blocks;
	uint64_t mtime_sec, mtime_nsec;
};

/* Tgetattr. */

/* Asks for all attributes of @fid: 0 with *@ret, or -errno. */
int p9c_getattr(struct p9c *c, uint32_t fid, struct p9c_attr *ret);

/* Reads all of the open directory @fid: names joined by spaces, sorted, without "." and "..". */
int p9c_list(struct p9c *c, uint32_t fid, struct buf *ret_names);

#endif
