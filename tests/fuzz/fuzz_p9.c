/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a 9P client that says what it likes.
 *
 * The input is a list of messages. Each has a byte of flags, the type, two bytes of length, and that many bytes of
 * body. The header is made here, as the flags say: with a tag used twice, a size that lies, in and out cut into small
 * segments. Before them, a session is set up in which fid 0 is the export, 1 a file, 2 a directory, and 3 and 4 are the
 * same, open.
 *
 * After each input, every request must have been answered once, each answer must have the size that it says, and the
 * directory beside the exported one must be neither read nor changed. For root, the tree is a tmpfs of its own that is
 * mounted nowhere, so that whatever gets out of the export finds nothing.
 *
 * Built with -fsanitize=fuzzer (`make fuzz-p9`) it fuzzes. Otherwise main() replays the files in its arguments, or
 * without any the corpus of the source tree, each file also cut and with single bytes changed: that is `make check`.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/wire.h"
#include "fs/fs.h"
#include "p9/p9.h"
#include "p9/proto.h"

#define CORPUS SRCDIR "/tests/fuzz/corpus/p9"

#define MESSAGES_MAX 64
#define BODY_MAX 4096u
#define OUT_MAX 8192u
#define SECRET "nobody may read this"

enum { FLAG_SAME_TAG = 1, FLAG_LIE = 2, FLAG_SEGMENTS = 4, FLAG_SHORT_OUT = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct slot {
	struct p9_request req;
	struct iovec in[64], out[64];
	uint8_t message[P9_HEADER + BODY_MAX], reply[OUT_MAX];
	atomic_uint answers;
};

static struct {
	int top;      /* has in/ (exported) and out/ */
	char dir[64]; /* its path, if it has one */
	struct fs *fs;
	struct p9_server *server;
	struct p9_session *session;
	struct p9_worker *worker;
	struct slot slots[MESSAGES_MAX];
} f = { .top = -1 };

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_p9: %s (%s)\n", what, strerror(errno));
	abort();
}

/* ---- the tree ---- */

/* Makes a tmpfs that is mounted nowhere, or where that is not permitted a directory in /tmp. */
static int top_open(void)
{
	char *dir = f.dir;
	int ctx, top = -1;

	ctx = (int)syscall(SYS_fsopen, "tmpfs", 1u /* FSOPEN_CLOEXEC */);
	if (ctx >= 0) {
		(void)syscall(SYS_fsconfig, ctx, 1u /* FSCONFIG_SET_STRING */, "size", "16m", 0);
		if (syscall(SYS_fsconfig, ctx, 6u /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0) == 0)
			top = (int)syscall(SYS_fsmount, ctx, 1u /* FSMOUNT_CLOEXEC */, 0);
		close(ctx);
	}
	if (top < 0) {
		strcpy(dir, "/tmp/vmrunc-fuzz-XXXXXX");
		require(mkdtemp(dir) != NULL, "mkdtemp");
		top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	require(top >= 0, "a directory to work in");
	return top;
}

static void tree_clean(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *d;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	require(dir != NULL, "fdopendir");
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, d->d_name, 0) == 0)
			continue;
		tree_clean(fd, d->d_name);
		require(unlinkat(fd, d->d_name, AT_REMOVEDIR) == 0, "clean up");
	}
	closedir(dir);
}

static void tree_write(const char *path, const char *text)
{
	int fd = openat(f.top, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 && fd_write_full(fd, text, strlen(text)) == 0, path);
	close(fd);
}

static void tree_make(void)
{
	tree_write("in/file", "0123456789");
	require(mkdirat(f.top, "in/dir", 0755) == 0, "mkdir");
	tree_write("in/dir/a", "A");
	require(symlinkat("../out/secret", f.top, "in/up") == 0, "symlink");
	require(symlinkat("up", f.top, "in/dir/loop") == 0, "symlink");
	require(mkfifoat(f.top, "in/fifo", 0644) == 0, "mkfifo");
}

static void outside_check(void)
{
	char *text = NULL;
	int r = fd_read_file(f.top, "out/secret", 100, &text, NULL);
	struct stat st;

	require(r == 0 && strcmp(text, SECRET) == 0, "what is outside was changed");
	require(fstatat(f.top, "out/secret", &st, 0) == 0 && st.st_nlink == 1 && st.st_mode == 0100644,
		"what is outside was linked or chmodded");
	require(unlinkat(f.top, "out", AT_REMOVEDIR) < 0 && errno == ENOTEMPTY, "out/ is not what it was");
	free(text);
}

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
	require(memmem(slot->reply, len, SECRET, strlen(SECRET)) == NULL, "what is outside was read");
}

static unsigned int cut(struct iovec *iov, uint8_t *data, size_t len, bool segments)
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
	p9_serve(f.session, f.worker, &slot->req);
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

static void prelude(void)
{
	static const char *const names[] = { "file", "dir", "file", "dir" };
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
	for (uint32_t i = 0; i < 4; i++) {
		wire_put_u32(&b, 0);
		wire_put_u32(&b, 1 + i);
		wire_put_u16(&b, 1);
		put_str(&b, names[i]);
		prelude_send(P9_TWALK, &b);
	}
	for (uint32_t i = 0; i < 2; i++) {
		wire_put_u32(&b, 3 + i);
		wire_put_u32(&b, i == 0 ? 2 : 0);
		prelude_send(P9_TLOPEN, &b);
	}
}

static void setup(void)
{
	struct err err = ERR_INIT;
	int fd;

	f.top = top_open();
	require(mkdirat(f.top, "in", 0755) == 0 && mkdirat(f.top, "out", 0755) == 0, "mkdir");
	tree_write("out/secret", SECRET);
	fd = openat(f.top, "in", O_PATH | O_DIRECTORY | O_CLOEXEC);
	require(fs_new(-1, &f.fs, &err) == 0, err.msg);
	require(fs_export_add(f.fs, "c/rootfs", fd, 0, &err) == 0, err.msg);
	require(p9_server_new(f.fs, NULL, &f.server, &err) == 0, err.msg);
	require(p9_session_new(f.server, &f.session) == 0, "session");
	require(p9_worker_new(f.server, &f.worker) == 0, "worker");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int n = 0;

	if (f.top < 0)
		setup();
	tree_make();
	prelude();
	while (size >= 4 && n < MESSAGES_MAX) {
		size_t len = MIN((size_t)(data[2] | data[3] << 8) % (BODY_MAX + 1), size - 4);

		send(n++, data[0], data[1], data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
	p9_session_reset(f.session);
	for (unsigned int i = 0; i < n; i++)
		require(atomic_load(&f.slots[i].answers) == 1, "not answered");
	outside_check();
	tree_clean(f.top, "in");
	return 0;
}

#ifndef FUZZING
static void replay(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	require(copy != NULL, "memory");
	LLVMFuzzerTestOneInput(data, size);
	for (size_t cut_at = 0; cut_at < size; cut_at += 1 + size / 16)
		LLVMFuzzerTestOneInput(data, cut_at);
	for (size_t at = 0; at < size; at += 1 + size / 64) {
		memcpy(copy, data, size);
		copy[at] ^= (uint8_t)(1u << at % 8);
		LLVMFuzzerTestOneInput(copy, size);
		copy[at] = 0xff;
		LLVMFuzzerTestOneInput(copy, size);
	}
	free(copy);
}

static void replay_file(const char *path)
{
	char *data;
	size_t size;

	require(fd_read_file(AT_FDCWD, path, 1 << 20, &data, &size) == 0, path);
	replay((uint8_t *)data, size);
	free(data);
}

int main(int argc, char **argv)
{
	unsigned int n = 0;
	struct dirent *d;
	char path[4096];
	DIR *dir;

	for (int i = 1; i < argc; i++, n++)
		replay_file(argv[i]);
	dir = argc > 1 ? NULL : opendir(CORPUS);
	require(argc > 1 || dir != NULL, CORPUS);
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", CORPUS, d->d_name);
		replay_file(path);
		n++;
	}
	if (dir != NULL)
		closedir(dir);
	require(n > 0, "no inputs");
	printf("%u inputs and their mutations replayed\n", n);
	p9_worker_free(f.worker);
	p9_session_free(f.session);
	p9_server_free(f.server);
	fs_free(f.fs);
	tree_clean(f.top, ".");
	if (f.dir[0] != '\0')
		require(rmdir(f.dir) == 0, "clean up");
	close(f.top);
	return 0;
}
#endif
