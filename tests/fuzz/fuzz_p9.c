/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a 9P client that says what it likes.
 *
 * The input is a list of messages. Each has a byte of flags, the type, two bytes of length, and that many bytes of
 * body. The header is made here, as the flags say: with a tag used twice, a size that lies, in and out cut into small
 * segments. Before them, a session is set up in which fid 0 is the export, 1 a file, 2 a directory, and 3 and 4 are the
 * same, open; those of 1 to 4 that the input has no number of are left out, since it cannot name them.
 *
 * After each input, every request must have been answered once, each answer must have the size that it says, and what
 * lies beside the exported directory must be neither read nor changed (tree.h). With a flag of the first message the
 * export has the policy of a user without capabilities, and what that one could not make must not be in it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/wire.h"
#include "fs/fs.h"
#include "p9/p9.h"
#include "p9/proto.h"
#include "tests/fuzz/replay.h"
#include "tests/fuzz/tree.h"

const struct fuzz_target fuzz_target = { .corpus = "p9", .variants = 100 };

#define MESSAGES_MAX 64
#define BODY_MAX 4096u
#define OUT_MAX 8192u

enum { FLAG_SAME_TAG = 1, FLAG_LIE = 2, FLAG_SEGMENTS = 4, FLAG_SHORT_OUT = 8, FLAG_BOUNDED = 16 };

#define FIDS 4          /* that a session begins with, beside 0 */
#define FID_OPEN_FILE 3 /* the first of those that are open */
#define OWNER 1000      /* of a bounded export */

struct slot {
	struct p9_request req;
	struct iovec in[64], out[64];
	uint8_t message[P9_HEADER + BODY_MAX], reply[OUT_MAX];
	atomic_uint answers;
};

/* A service for the tree. */
struct service {
	struct fs *fs;
	struct p9_server *server;
	struct p9_session *session;
	struct p9_worker *worker;
};

static struct {
	struct tree tree;
	struct service free, bounded, *used;
	struct slot slots[MESSAGES_MAX];
} f = { .tree = TREE_INIT };

/* ---- requests ---- */

static void on_done(struct p9_request *req, uint32_t len)
{
	struct slot *slot = container_of(req, struct slot, req);
	uint32_t size;

	require(atomic_fetch_add(&slot->answers, 1) == 0, "answered twice");
	if (len == 0)
		return;
	require(len >= P9_HEADER && len <= OUT_MAX, "length of an answer");
	if (req->out_count != 1)
		return;
	memcpy(&size, slot->reply, 4);
	require(size == len, "size of an answer");
	require(!tree_secret_in(slot->reply, len), "what is outside was read");
}

UNTRACED static unsigned int cut(struct iovec *iov, uint8_t *data, size_t len, bool segments)
{
	size_t step = segments ? 1 + len / 60 : len;
	unsigned int n = 0;

	for (size_t at = 0; at < len && n < 64; at += step)
		iov[n++] = (struct iovec){ data + at, MIN(step, len - at) };
	return n;
}

static void send(unsigned int i, uint8_t flags, uint8_t type, const void *body, size_t len)
{
	struct slot *slot = &f.slots[i];
	uint16_t tag = flags & FLAG_SAME_TAG ? 1 : (uint16_t)(100 + i);
	uint32_t size = (uint32_t)(P9_HEADER + len);

	if (flags & FLAG_LIE)
		size += (uint32_t)(int8_t)(flags ^ type);
	memcpy(slot->message, &size, 4);
	slot->message[4] = type;
	memcpy(slot->message + 5, &tag, 2);
	memcpy(slot->message + P9_HEADER, body, len);
	atomic_store(&slot->answers, 0);
	slot->req = (struct p9_request){ .in = slot->in, .out = slot->out, .done = on_done };
	slot->req.in_count = cut(slot->in, slot->message, P9_HEADER + len, flags & FLAG_SEGMENTS);
	slot->req.out_count =
		cut(slot->out, slot->reply, flags & FLAG_SHORT_OUT ? (size_t)flags : OUT_MAX, flags & FLAG_SEGMENTS);
	f.tree.doubt |= type == P9_TXATTRCREATE;
	p9_serve(f.used->session, f.used->worker, &slot->req);
}

static void put_str(struct buf *b, const char *s)
{
	wire_put_u16(b, (uint16_t)strlen(s));
	buf_puts(b, s);
}

static void prelude_send(uint8_t type, struct buf *b)
{
	send(0, 0, type, b->data, b->len);
	require(f.slots[0].reply[4] == type + 1, "prelude");
	b->len = 0;
}

/* Sets up the session, with fid 0 and those of 1 to FIDS that are @named. */
UNTRACED static void prelude(unsigned int named)
{
	static const char *const names[FIDS + 1] = { NULL, "file", "dir", "file", "dir" };
	autobuf b = BUF_INIT;

	wire_put_u32(&b, OUT_MAX);
	put_str(&b, P9_VERSION);
	prelude_send(P9_TVERSION, &b);
	wire_put_u32(&b, 0);
	wire_put_u32(&b, P9_NOFID);
	put_str(&b, "");
	put_str(&b, "c/rootfs");
	wire_put_u32(&b, 0);
	prelude_send(P9_TATTACH, &b);
	for (uint32_t fid = 1; fid <= FIDS; fid++) {
		if (!(named & 1u << fid))
			continue;
		wire_put_u32(&b, 0);
		wire_put_u32(&b, fid);
		wire_put_u16(&b, 1);
		put_str(&b, names[fid]);
		prelude_send(P9_TWALK, &b);
		if (fid < FID_OPEN_FILE)
			continue;
		wire_put_u32(&b, fid);
		wire_put_u32(&b, fid == FID_OPEN_FILE ? O_RDWR : O_RDONLY);
		prelude_send(P9_TLOPEN, &b);
	}
}

/* ---- what is exported ---- */

/* A service as a config without a user namespace has it, or one with bounds, whose owners are those of a namespace. */
static void service_new(struct service *s, bool bounded)
{
	static struct owner_range range = { .count = 65536 };
	static const struct owner_maps owners = { .users = { &range, 1 }, .groups = { &range, 1 } };
	const struct file_policy policy = {
		.owner_first = OWNER, .owner_last = OWNER, .group_first = OWNER, .group_last = OWNER
	};
	int fd = openat(f.tree.top, "in", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err err = ERR_INIT;

	require(fs_new(-1, &s->fs, &err) == 0, err.msg);
	fs_set_owners(s->fs, bounded ? &owners : NULL);
	require(fs_export_add_bounded(
			s->fs, "c/rootfs", fd, bounded ? FS_EXPORT_EXCLUSIVE : 0, bounded ? &policy : NULL, &err) == 0,
		err.msg);
	require(p9_server_new(s->fs, NULL, &s->server, &err) == 0, err.msg);
	require(p9_session_new(s->server, &s->session) == 0, "session");
	require(p9_worker_new(s->server, &s->worker) == 0, "worker");
}

static void service_free(struct service *s)
{
	p9_worker_free(s->worker);
	p9_session_free(s->session);
	p9_server_free(s->server);
	fs_free(s->fs);
}

/* What a user without capabilities could not make: a device, another's set-id program, an attribute of the kernel's. */
UNTRACED static void check_inode(int fd, const struct stat *st)
{
	char names[4096];
	ssize_t len = flistxattr(fd, names, sizeof(names));

	require(!S_ISBLK(st->st_mode) && (!S_ISCHR(st->st_mode) || st->st_rdev == 0), "a device was made");
	require(!S_ISREG(st->st_mode) || !(st->st_mode & S_ISUID) || st->st_uid == OWNER, "a program of another user");
	require(!S_ISREG(st->st_mode) || (st->st_mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) ||
			st->st_gid == OWNER,
		"a program of another group");
	for (const char *name = names; name < names + MAX(len, 0); name += strlen(name) + 1)
		require(strncmp(name, "security.", 9) != 0 && strncmp(name, "trusted.", 8) != 0,
			"an attribute was set");
}

/* Looks at all that is in the directory @fd, which is closed. */
UNTRACED static void check_bounded(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;

	require(dir != NULL, "fdopendir");
	while ((d = readdir(dir)) != NULL) {
		struct stat st;
		int below;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		require(fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0, "stat");
		below = openat(fd, d->d_name,
			(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? O_RDONLY : O_PATH) | O_NOFOLLOW | O_CLOEXEC);
		require(below >= 0, "open");
		check_inode(below, &st);
		if (S_ISDIR(st.st_mode))
			check_bounded(below);
		else
			close(below);
	}
	closedir(dir);
}

static void clean_up(void)
{
	service_free(&f.free);
	service_free(&f.bounded);
	tree_close(&f.tree);
}

static void setup(void)
{
	tree_open(&f.tree);
	service_new(&f.free, false);
	service_new(&f.bounded, true);
	atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int n = 0;

	/* libFuzzer knows what memcmp() looks for, and would put it into messages and files itself */
	if (tree_secret_in(data, size))
		return 0;
	if (f.tree.top < 0)
		setup();
	f.used = size > 0 && data[0] & FLAG_BOUNDED ? &f.bounded : &f.free;
	tree_make(&f.tree);
	prelude(fids_named(data, size, FIDS));
	while (size >= 4 && n < MESSAGES_MAX) {
		size_t len = MIN((size_t)(data[2] | data[3] << 8) % (BODY_MAX + 1), size - 4);

		send(n++, data[0], data[1], data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
	p9_session_reset(f.used->session);
	for (unsigned int i = 0; i < n; i++)
		require(atomic_load(&f.slots[i].answers) == 1, "not answered");
	tree_check_all(&f.tree);
	if (f.used == &f.bounded && tree_changed(&f.tree))
		check_bounded(openat(f.tree.top, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	return 0;
}
