/* SPDX-License-Identifier: Apache-2.0 */
/* The view of the container's tmpfs between a kernel that asks and a guest that says what it likes. */
#include "monitor/tmpview.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/fuse_peer.h"
#include "tests/unit/guest_peer.h"

struct liar {
	struct loop *loop;
	struct guest_peer peer;
	struct commands commands;
	struct tmpview *view;
	struct fuse_peer kernel;
	struct proto_file answer; /* to each FILE */
	uint32_t errnum;          /* unless this is set */
	bool silent;
	uint32_t kept_seq; /* of the one that has no answer yet */
	int questions;
	struct guest_file asked;
	char name[64], to[64];
	uint64_t closed; /* the last handle that was */
};

static void answer(struct liar *l, uint32_t seq)
{
	autobuf payload = BUF_INIT;

	proto_put_file(&payload, &l->answer);
	guest_peer_answer(&l->peer, seq, l->errnum, payload.data, l->errnum ? 0 : payload.len);
}

static int on_message(void *arg, const void *msg, size_t len)
{
	struct proto_arena arena = { 0 };
	struct liar *l = arg;
	struct proto_request request;

	if (proto_type(msg, len) == PROTO_HELLO)
		return 0;
	assert_int_equal(proto_get_request(msg, len, &arena, &request), 0);
	assert_string_equal(request.cid, "c");
	proto_arena_done(&arena);
	if (request.type == PROTO_FILE_CLOSE) {
		l->closed = request.file_handle;
		if (l->silent) /* the test waits for this, and not for a reply */
			loop_stop(l->loop);
		return 0;
	}
	assert_int_equal(request.type, PROTO_FILE);
	l->questions++;
	l->asked = request.file_op;
	(void)snprintf(l->name, sizeof(l->name), "%s", request.file_op.name);
	(void)snprintf(l->to, sizeof(l->to), "%s", request.file_op.to);
	l->kept_seq = request.seq;
	if (!l->silent)
		answer(l, request.seq);
	else
		loop_stop(l->loop);
	return 0;
}

static int begin_lies(void **state)
{
	struct liar *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	assert_int_equal(loop_new(&l->loop), 0);
	guest_peer_begin(&l->peer, l->loop, on_message, l);
	fuse_peer_begin(&l->kernel, l->loop);
	l->commands = (struct commands){ .guest = l->peer.guest, .serving = true };
	*state = l;
	return 0;
}

/* Serves the view; readers wait at most @answer_ms for the guest. */
static struct liar *serve(void **state, unsigned int answer_ms)
{
	struct liar *l = *state;
	const struct tmpview_config config = { .fds = &l->kernel.service,
		.len = 1,
		.cid = "c",
		.commands = &l->commands,
		.loop = l->loop,
		.answer_ms = answer_ms };

	assert_int_equal(tmpview_new(&config, &l->view), 0);
	return l;
}

static int end_lies(void **state)
{
	struct liar *l = *state;

	l->commands.serving = false;
	guest_peer_end(&l->peer);
	tmpview_free(l->view);
	fuse_peer_end(&l->kernel);
	loop_free(l->loop);
	free(l);
	return 0;
}

/* The loop stops for a question, too, that is not answered. */
static int look_up(struct liar *l)
{
	uint64_t unique = l->kernel.sent + 1;

	fuse_peer_send(&l->kernel, FUSE_LOOKUP, FUSE_ROOT_ID, "f", 2);
	while (l->kernel.header.unique != unique)
		assert_int_equal(loop_run(l->loop), 0);
	return l->kernel.header.error;
}

static void requests_have_what_the_kernel_asks(void **state)
{
	struct liar *l = serve(state, 0);
	struct {
		struct fuse_mknod_in in;
		char name[3];
	} mknod = { { .mode = S_IFIFO | 0640, .rdev = 7 }, "ab" };
	struct {
		struct fuse_rename2_in in;
		char names[5];
	} rename = { { .newdir = 77, .flags = 1 }, "a\0bc" };
	struct {
		struct fuse_link_in in;
		char name[2];
	} link = { { .oldnodeid = 55 }, "n" };
	struct fuse_setattr_in set = { .valid = FATTR_MODE | FATTR_SIZE | FATTR_MTIME | FATTR_MTIME_NOW | FATTR_FH,
		.fh = 3,
		.mode = 0600,
		.size = 12 };
	uint32_t init[16] = { FUSE_KERNEL_VERSION, FUSE_KERNEL_MINOR_VERSION, 0, UINT32_MAX };

	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_INIT, 0, init, sizeof(init)), 0);
	assert_int_equal(((struct fuse_init_out *)l->kernel.body)->max_write, PROTO_FILE_DATA_MAX);
	l->answer = (struct proto_file){ .node = 9, .mode = S_IFIFO | 0640, .ino = 4, .bytes = 5 };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_MKNOD, 33, &mknod, sizeof(mknod.in) + 3), 0);
	assert_int_equal(l->asked.op, GUEST_FILE_MKNOD);
	assert_int_equal(l->asked.node, 33);
	assert_int_equal(l->asked.mode, S_IFIFO | 0640);
	assert_int_equal(l->asked.rdev, 7);
	assert_string_equal(l->name, "ab");
	assert_int_equal(((struct fuse_entry_out *)l->kernel.body)->nodeid, 9);
	assert_int_equal(((struct fuse_entry_out *)l->kernel.body)->attr.size, 5);
	assert_int_equal(((struct fuse_entry_out *)l->kernel.body)->entry_valid, 0);
	assert_int_equal(((struct fuse_entry_out *)l->kernel.body)->attr_valid, 0);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_RENAME2, 33, &rename, sizeof(rename.in) + 5), 0);
	assert_int_equal(l->asked.other, 77);
	assert_int_equal(l->asked.flags, 1);
	assert_string_equal(l->name, "a");
	assert_string_equal(l->to, "bc");
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_LINK, 33, &link, sizeof(link.in) + 2), 0);
	assert_int_equal(l->asked.node, 55);
	assert_int_equal(l->asked.other, 33);
	assert_string_equal(l->to, "n");
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_SETATTR, 33, &set, sizeof(set)), 0);
	assert_int_equal(l->asked.set, GUEST_FILE_SET_MODE | GUEST_FILE_SET_SIZE | GUEST_FILE_SET_MTIME);
	assert_int_equal(l->asked.offset, 12);
	assert_int_equal(l->asked.handle, 3);
	assert_int_equal(l->asked.mtime_ns, UTIME_NOW);
	l->errnum = EACCES;
	assert_int_equal(look_up(l), -EACCES);
	/* what is no request, or none of ours, does not reach the guest */
	l->questions = 0;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_LOOKUP, 1, "f", 1), -EINVAL);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_MKNOD, 1, &mknod, sizeof(mknod.in) - 1), -EINVAL);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_RENAME2, 1, &rename, sizeof(rename.in) + 2), -EINVAL);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_FLUSH, 1, init, sizeof(init)), -ENOSYS);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_IOCTL, 1, init, sizeof(init)), -ENOSYS);
	assert_int_equal(fuse_peer_ask(&l->kernel, 4000, 1, init, sizeof(init)), -ENOSYS);
	assert_int_equal(l->questions, 0);
}

/* An answer that cannot be one is -EIO for the reader, and the next one is as good as ever. */
static void lies_are_errors(void **state)
{
	static const struct proto_file good = { .node = 9, .mode = S_IFREG | 0644, .data = { .at = "", .len = 0 } };
	struct liar *l = serve(state, 0);
	const struct fuse_getattr_in get = { .getattr_flags = 0 };
	struct {
		struct fuse_mkdir_in in;
		char name[2];
	} mkdir = { { .mode = 0755 }, "d" };
	static const struct lie {
		uint64_t node, bytes;
		uint32_t mode, ns;
	} entries[] = {
		{ 0, 1, S_IFREG, 0 },              /* no node */
		{ 1, 1, S_IFDIR, 0 },              /* the root */
		{ 9, 1, 0, 0 },                    /* no type */
		{ 9, 1, S_IFMT, 0 },               /* one that there is not */
		{ 9, 1ull << 63, S_IFREG, 0 },     /* longer than a file can be */
		{ 9, 1, S_IFREG, 1000 * 1000000 }, /* no nanoseconds */
	};
	static const struct {
		uint64_t handle;
		int error;
	} handles[] = { { 0, -EIO }, { 1, 0 }, { PROTO_FILE_HANDLES_MAX, 0 }, { PROTO_FILE_HANDLES_MAX + 1, -EIO },
		{ UINT64_MAX, -EIO } };
	const struct fuse_open_in open = { .flags = O_RDONLY };
	static const uint32_t errnums[] = { 512, 1000, 4095, ENOSYS, ECONNRESET };

	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		l->answer = (struct proto_file){ .node = entries[i].node,
			.bytes = entries[i].bytes,
			.mode = entries[i].mode,
			.mtime_ns = entries[i].ns };
		if (look_up(l) != -EIO)
			fail_msg("entry %zu is taken", i);
	}
	l->answer = good;
	assert_int_equal(look_up(l), 0);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_GETATTR, FUSE_ROOT_ID, &get, sizeof(get)), -EIO);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_MKDIR, 1, &mkdir, sizeof(mkdir.in) + 2), -EIO);
	for (size_t i = 0; i < ARRAY_LEN(handles); i++) {
		l->answer.handle = handles[i].handle;
		assert_int_equal(
			fuse_peer_ask(&l->kernel, FUSE_OPENDIR, FUSE_ROOT_ID, &open, sizeof(open)), handles[i].error);
	}
	for (size_t i = 0; i < ARRAY_LEN(errnums); i++) {
		l->errnum = errnums[i];
		assert_int_equal(look_up(l), -EIO);
	}
}

/* Nor is there more in an answer than the reader has asked for. */
static void answers_have_what_was_asked_for(void **state)
{
	struct liar *l = serve(state, 0);
	const struct fuse_read_in read = { .fh = 1, .size = 4 };
	struct {
		struct fuse_write_in in;
		char data[3];
	} write = { { .fh = 1, .size = 3 }, "xyz" };

	l->answer = (struct proto_file){ .node = 9, .mode = S_IFREG | 0644, .data = { 5, "12345" } };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READ, 9, &read, sizeof(read)), -EIO);
	l->answer.data.len = 4;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READ, 9, &read, sizeof(read)), 0);
	assert_int_equal(l->kernel.len, 4);
	assert_int_equal(look_up(l), -EIO); /* data that nobody has asked for */
	l->answer.data.len = 0;
	l->answer.size = 4;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_WRITE, 9, &write, sizeof(write.in) + 3), -EIO);
	l->answer.size = 3;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_WRITE, 9, &write, sizeof(write.in) + 3), 0);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READLINK, 9, NULL, 0), -EIO); /* to nowhere */
	l->answer.data = (struct guest_blob){ 3, "a\0b" };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READLINK, 9, NULL, 0), -EIO);
	l->answer.data = (struct guest_blob){ 3, "abc" };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READLINK, 9, NULL, 0), 0);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_STATFS, 1, NULL, 0), -EIO);
}

static int list(struct liar *l, const char *name, uint32_t size)
{
	const struct fuse_read_in in = { .fh = 1, .size = size };
	autobuf data = BUF_INIT;
	int error;

	for (int i = 0; i < 2; i++)
		proto_file_put_entry(&data,
			&(struct proto_file_entry){ .ino = 5, .next = (uint64_t)i + 1, .type = 8, .name = name });
	l->answer.data = (struct guest_blob){ data.len, data.data };
	error = fuse_peer_ask(&l->kernel, FUSE_READDIR, 1, &in, sizeof(in));
	l->answer.data = (struct guest_blob){ 0, NULL };
	return error;
}

static void entries_of_a_directory_are_checked(void **state)
{
	struct liar *l = serve(state, 0);
	char name[300];

	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	assert_int_equal(list(l, "ab", 4096), 0);
	assert_int_equal(l->kernel.len, 64);
	assert_int_equal(list(l, "ab", 64), 0);
	assert_int_equal(list(l, "ab", 63), -EIO);
	assert_int_equal(list(l, "", 4096), -EIO);
	assert_int_equal(list(l, "a/b", 4096), -EIO);
	assert_int_equal(list(l, name, 4096), -EIO);
	name[255] = '\0';
	assert_int_equal(list(l, name, 4096), 0);
	l->answer.data = (struct guest_blob){ 9, "123456789" };
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READDIR, 1, &(struct fuse_read_in){ .size = 4096 },
				 sizeof(struct fuse_read_in)),
		-EIO);
}

/* A directory that has no end is an error before its reader has no memory left; one that is read anew begins anew. */
static void a_directory_has_an_end(void **state)
{
	enum { EACH = 4096, PER_REPLY = EACH / 64, ENOUGH = TMPVIEW_DIR_MAX / EACH };
	struct liar *l = serve(state, 0);
	struct fuse_read_in in = { .fh = 1, .size = EACH };
	autobuf data = BUF_INIT;

	for (uint32_t i = 0; i < PER_REPLY; i++) /* 24 bytes, and a name of 40 */
		proto_file_put_entry(&data,
			&(struct proto_file_entry){
				.ino = 5, .next = 7, .type = 8, .name = "0123456789012345678901234567890123456789" });
	l->answer.data = (struct guest_blob){ data.len, data.data };
	for (int turn = 0; turn < 2; turn++) {
		in.offset = 0;
		for (int i = 0; i < ENOUGH; i++) {
			assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READDIR, 1, &in, sizeof(in)), 0);
			assert_int_equal(l->kernel.len, EACH);
			in.offset = 7;
		}
		assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READDIR, 1, &in, sizeof(in)), -EIO);
	}
	in.fh = 2; /* which has been counted by itself */
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READDIR, 1, &in, sizeof(in)), 0);
	in.fh = PROTO_FILE_HANDLES_MAX + 1;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READDIR, 1, &in, sizeof(in)), -EIO);
	buf_done(&data);
	data = (struct buf)BUF_INIT;
	proto_file_put_entry(&data, &(struct proto_file_entry){ .ino = 5, .next = 0, .type = 8, .name = "again" });
	l->answer.data = (struct guest_blob){ data.len, data.data };
	in.fh = 1;
	in.offset = 0;
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_READDIR, 1, &in, sizeof(in)), -EIO);
}

/* Nobody waits for ever, and what an answer that comes too late has opened is closed. */
static void a_silent_guest_is_an_error(void **state)
{
	struct liar *l = serve(state, 20);
	const struct fuse_open_in open = { .flags = O_RDONLY };

	l->silent = true;
	fuse_peer_send(&l->kernel, FUSE_OPEN, 9, &open, sizeof(open));
	while (l->kernel.header.unique != l->kernel.sent)
		assert_int_equal(loop_run(l->loop), 0);
	assert_int_equal(l->kernel.header.error, -EIO);
	l->answer.handle = 42;
	answer(l, l->kept_seq);
	assert_int_equal(loop_run(l->loop), 0);
	assert_int_equal(l->closed, 42);
	/* as many as may be held, and one more, which is told at once: the guest is not asked */
	for (int i = 0; i < TMPVIEW_HELD_MAX; i++)
		assert_int_equal(look_up(l), -EIO);
	assert_int_equal(l->questions, TMPVIEW_HELD_MAX + 1);
	assert_int_equal(look_up(l), -EIO);
	assert_int_equal(l->questions, TMPVIEW_HELD_MAX + 1);
}

/* What is more than the guest is asked at a time waits in the kernel, and comes when there is room. */
static void many_readers_wait_their_turn(void **state)
{
	struct liar *l = serve(state, 0);
	uint32_t first;

	l->silent = true;
	for (int i = 0; i < TMPVIEW_HELD_MAX + 3; i++)
		fuse_peer_send(&l->kernel, FUSE_LOOKUP, 1, "f", 2);
	while (l->questions < TMPVIEW_HELD_MAX)
		assert_int_equal(loop_run(l->loop), 0);
	first = l->kept_seq - TMPVIEW_HELD_MAX + 1;
	l->errnum = ENOENT;
	for (uint32_t i = 0; i < TMPVIEW_HELD_MAX + 3; i++) {
		answer(l, first + i);
		assert_int_equal(fuse_peer_reply(&l->kernel), -ENOENT);
		while (l->questions < TMPVIEW_HELD_MAX + (i < 3 ? (int)i + 1 : 3))
			assert_int_equal(loop_run(l->loop), 0);
		assert_true(l->questions <= TMPVIEW_HELD_MAX + (int)i + 1);
	}
	assert_int_equal(l->questions, TMPVIEW_HELD_MAX + 3);
}

static void a_guest_that_is_paused_or_gone_is_not_asked(void **state)
{
	struct liar *l = serve(state, 0);
	const struct fuse_release_in in = { .fh = 6 };
	const struct fuse_open_in open = { .flags = O_RDONLY };

	l->commands.paused = true;
	assert_int_equal(look_up(l), -EIO);
	l->commands = (struct commands){ .guest = l->peer.guest, .serving = false };
	assert_int_equal(look_up(l), -EIO);
	assert_int_equal(fuse_peer_ask(&l->kernel, FUSE_RELEASE, 9, &in, sizeof(in)), 0);
	assert_int_equal(l->questions, 0);
	l->commands.serving = true;
	/* it is paused while it is asked: the reader is told, and the answer is nobody's any more */
	l->silent = true;
	fuse_peer_send(&l->kernel, FUSE_OPEN, 9, &open, sizeof(open));
	while (l->questions < 1)
		assert_int_equal(loop_run(l->loop), 0);
	l->commands.paused = true;
	tmpview_abandon(l->view);
	assert_int_equal(fuse_peer_reply(&l->kernel), -EIO);
	l->commands.paused = false;
	l->answer.handle = 42;
	answer(l, l->kept_seq);
	while (l->closed != 42)
		assert_int_equal(loop_run(l->loop), 0);
	tmpview_abandon(NULL);
	l->questions = 0;
	/* and goes while it is asked */
	fuse_peer_send(&l->kernel, FUSE_LOOKUP, 1, "f", 2);
	fuse_peer_send(&l->kernel, FUSE_RELEASE, 9, &in, sizeof(in));
	while (l->closed != 6 || l->kernel.header.unique != l->kernel.sent)
		assert_int_equal(loop_run(l->loop), 0);
	assert_int_equal(l->kernel.header.error, 0);
	assert_int_equal(l->questions, 1);
	l->commands.serving = false;
	guest_free(l->peer.guest);
	l->peer.guest = NULL;
	assert_int_equal(fuse_peer_reply(&l->kernel), -EIO);
}

#define with_lies(test) cmocka_unit_test_setup_teardown(test, begin_lies, end_lies)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_lies(requests_have_what_the_kernel_asks),
		with_lies(lies_are_errors),
		with_lies(answers_have_what_was_asked_for),
		with_lies(entries_of_a_directory_are_checked),
		with_lies(a_directory_has_an_end),
		with_lies(a_silent_guest_is_an_error),
		with_lies(many_readers_wait_their_turn),
		with_lies(a_guest_that_is_paused_or_gone_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
