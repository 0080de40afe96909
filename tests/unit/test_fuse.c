/* SPDX-License-Identifier: Apache-2.0 */
/* The service behind /dev/fuse: bytes in, bytes out, and what a kernel would not send. */
#include "fuse/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/fuse_peer.h"

#define FILE_NODE 2
#define LINK_NODE 3
#define MANY 300 /* names in the root: more than a READDIR of 4 KiB has room for */

/* A tree of one file, whose text is how often it was read, a link, and names that are all the file's. */
struct fake {
	struct loop *loop;
	struct fuse *fuse;
	struct fuse_peer kernel;
	uint64_t ticket; /* what ask() says */
	int asked, asked_anew, reads;
};

static uint64_t fake_ask(void *arg, uint64_t node, bool anew)
{
	struct fake *f = arg;

	(void)node;
	f->asked++;
	f->asked_anew += anew;
	return f->ticket;
}

static int fake_find(void *arg, uint64_t dir, const char *name, uint64_t *ret)
{
	(void)arg;
	if (dir != FUSE_ROOT)
		return -ENOTDIR;
	if (strcmp(name, "file") != 0 && strcmp(name, "link") != 0)
		return -ENOENT;
	*ret = *name == 'f' ? FILE_NODE : LINK_NODE;
	return 0;
}

static uint32_t fake_mode(void *arg, uint64_t node)
{
	(void)arg;
	return node == FUSE_ROOT   ? S_IFDIR | 0555
	       : node == FILE_NODE ? S_IFREG | 0444
	       : node == LINK_NODE ? S_IFLNK | 0777
				   : 0;
}

static int fake_read(void *arg, uint64_t node, struct buf *out)
{
	struct fake *f = arg;

	buf_printf(out, node == FILE_NODE ? "the text, read %d times" : "elsewhere", ++f->reads);
	return 0;
}

static int fake_list(void *arg, uint64_t node, struct fuse_list *out)
{
	char name[16];

	(void)arg;
	(void)node;
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		fuse_list_add(out, name, FILE_NODE, S_IFREG);
	}
	return 0;
}

static const struct fuse_tree tree = {
	.ask = fake_ask, .find = fake_find, .mode = fake_mode, .read = fake_read, .list = fake_list
};

static int setup(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop), 0);
	fuse_peer_begin(&f->kernel, f->loop);
	assert_int_equal(fuse_new(f->loop, f->kernel.service, &tree, f, &f->fuse), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fake *f = *state;

	fuse_free(f->fuse);
	fuse_peer_end(&f->kernel);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void versions_are_agreed_upon(void **state)
{
	struct fake *f = *state;
	struct fuse_init_in in = { .major = FUSE_KERNEL_VERSION, .minor = 31 };
	struct fuse_init_out out;

	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_INIT, 0, &in, sizeof(in)), 0);
	assert_int_equal(f->kernel.len, sizeof(out));
	memcpy(&out, f->kernel.body, sizeof(out));
	assert_int_equal(out.major, 7);
	assert_int_equal(out.minor, 31);
	assert_int_equal(out.flags, 0);
	in.minor = 22;
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_INIT, 0, &in, sizeof(in)), -EPROTO);
	in.major = 6;
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_INIT, 0, &in, sizeof(in)), -EPROTO);
	in.major = 8;
	in.minor = 0;
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_INIT, 0, &in, sizeof(in)), 0);
	memcpy(&out, f->kernel.body, sizeof(out));
	assert_int_equal(out.major, 7);
	assert_int_equal(out.minor, FUSE_KERNEL_MINOR_VERSION);
}

static void a_file_has_what_it_had_when_it_was_opened(void **state)
{
	struct fake *f = *state;
	int error;

	assert_string_equal(fuse_peer_text(&f->kernel, "file", 5, &error), "the text, read 1 times");
	assert_string_equal(fuse_peer_text(&f->kernel, "file", 4096, &error), "the text, read 2 times");
	assert_int_equal(f->reads, 2);
	assert_null(fuse_peer_text(&f->kernel, "nofile", 10, &error));
	assert_int_equal(error, -ENOENT);
	assert_null(fuse_peer_text(&f->kernel, "file/x", 10, &error));
	assert_int_equal(error, -ENOTDIR);
	assert_null(fuse_peer_text(&f->kernel, "", 10, &error)); /* a directory is not read */
	assert_int_equal(error, -EINVAL);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READLINK, LINK_NODE, NULL, 0), 0);
	assert_memory_equal(f->kernel.body, "elsewhere", f->kernel.len);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READLINK, FILE_NODE, NULL, 0), -EINVAL);
}

static void a_directory_comes_in_whole_entries(void **state)
{
	struct fake *f = *state;
	struct fuse_attr_out out;
	autobuf want = BUF_INIT;
	int error;

	for (int i = 0; i < MANY; i++)
		buf_printf(&want, "%d ", i);
	assert_string_equal(fuse_peer_names(&f->kernel, "", 4096, &error), want.data);
	assert_string_equal(fuse_peer_names(&f->kernel, "", 40, &error), want.data); /* one each time */
	assert_string_equal(fuse_peer_names(&f->kernel, "", 16, &error), "");        /* there is no room for one */
	assert_int_equal(f->asked_anew, 3);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_GETATTR, FUSE_ROOT, NULL, 0), 0);
	memcpy(&out, f->kernel.body, sizeof(out));
	assert_int_equal(out.attr.mode, S_IFDIR | 0555);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_GETATTR, 99, NULL, 0), -ENOENT);
}

/* Requests that wait for the tree: each goes on with its own ticket, or fails with the tree's error, or is interrupted. */
static void what_waits_goes_on_with_its_ticket(void **state)
{
	struct fake *f = *state;
	struct fuse_interrupt_in in = { .unique = 2 };

	f->ticket = 5;
	fuse_peer_send(&f->kernel, FUSE_LOOKUP, FUSE_ROOT, "file", 5);
	fuse_peer_send(&f->kernel, FUSE_LOOKUP, FUSE_ROOT, "link", 5);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_STATFS, FUSE_ROOT, NULL, 0), 0); /* it waits for nobody */
	fuse_peer_send(&f->kernel, FUSE_INTERRUPT, 0, &in, sizeof(in));
	assert_int_equal(fuse_peer_reply(&f->kernel), -EINTR);
	assert_int_equal(f->kernel.header.unique, 2);
	f->ticket = 6;
	fuse_peer_send(&f->kernel, FUSE_LOOKUP, FUSE_ROOT, "link", 5);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_STATFS, FUSE_ROOT, NULL, 0), 0);
	fuse_continue(f->fuse, 4, 0);
	fuse_continue(f->fuse, 5, 0);
	assert_int_equal(fuse_peer_reply(&f->kernel), 0);
	assert_int_equal(f->kernel.header.unique, 1);
	assert_int_equal(f->asked, 3); /* and not once more */
	fuse_continue(f->fuse, 6, -EIO);
	assert_int_equal(fuse_peer_reply(&f->kernel), -EIO);
	assert_int_equal(f->kernel.header.unique, 5);
	in.unique = 1; /* it has been answered */
	fuse_peer_send(&f->kernel, FUSE_INTERRUPT, 0, &in, sizeof(in));
	f->ticket = 0;
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_LOOKUP, FUSE_ROOT, "file", 5), 0);
}

static void what_is_held_is_bounded(void **state)
{
	struct fake *f = *state;
	const struct fuse_open_in in = { .flags = O_RDONLY };
	const struct fuse_release_in release = { .fh = 7 };

	f->ticket = 1;
	for (int i = 0; i < FUSE_HELD_MAX; i++)
		fuse_peer_send(&f->kernel, FUSE_LOOKUP, FUSE_ROOT, "file", 5);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_LOOKUP, FUSE_ROOT, "file", 5), -EAGAIN);
	f->ticket = 0;
	fuse_continue(f->fuse, 1, 0);
	for (int i = 0; i < FUSE_HELD_MAX; i++)
		assert_int_equal(fuse_peer_reply(&f->kernel), 0);
	for (int i = 0; i < FUSE_HANDLES_MAX; i++)
		assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_OPEN, FILE_NODE, &in, sizeof(in)), 0);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_OPEN, FILE_NODE, &in, sizeof(in)), -ENFILE);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_RELEASE, FILE_NODE, &release, sizeof(release)), 0);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_OPEN, FILE_NODE, &in, sizeof(in)), 0);
}

static void nonsense_is_refused(void **state)
{
	static const uint32_t unknown[] = { 0, FUSE_WRITE, FUSE_MKDIR, FUSE_GETXATTR, FUSE_FLUSH, FUSE_ACCESS, 52, 4096,
		UINT32_MAX };
	struct fake *f = *state;
	const struct fuse_read_in beyond = { .fh = UINT64_MAX, .size = 10 }, none = { .fh = 1, .size = 10 };
	const struct fuse_open_in writing = { .flags = O_RDWR };
	const struct fuse_forget_in forget = { .nlookup = 1 };
	struct fuse_in_header header = { .len = sizeof(header) + 1, .opcode = FUSE_STATFS, .unique = 77 };

	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		assert_int_equal(fuse_peer_ask(&f->kernel, unknown[i], FUSE_ROOT, "", 0), -ENOSYS);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_LOOKUP, FUSE_ROOT, NULL, 0), -EINVAL);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_LOOKUP, FUSE_ROOT, "file", 4), -EINVAL); /* no NUL */
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_INIT, 0, "1234567", 7), -EPROTO);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_OPEN, FILE_NODE, "1234567", 7), -EINVAL);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_OPEN, FILE_NODE, &writing, sizeof(writing)), -EROFS);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_OPENDIR, FILE_NODE, &writing, sizeof(writing)), -ENOTDIR);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READ, FILE_NODE, &none, sizeof(none) - 1), -EINVAL);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READ, FILE_NODE, &none, sizeof(none)), -EBADF);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READDIR, FUSE_ROOT, &beyond, sizeof(beyond)), -EBADF);
	assert_int_equal(
		fuse_peer_ask(&f->kernel, FUSE_RELEASE, FILE_NODE, &beyond, sizeof(struct fuse_release_in)), 0);
	/* these have no answer: the next one's comes first */
	fuse_peer_send(&f->kernel, FUSE_FORGET, FILE_NODE, &forget, sizeof(forget));
	fuse_peer_send(&f->kernel, FUSE_BATCH_FORGET, 0, &forget, sizeof(forget));
	fuse_peer_send(&f->kernel, FUSE_INTERRUPT, 0, "1234", 4);
	assert_int_equal(write(f->kernel.fd, "1234", 4), 4);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_STATFS, FUSE_ROOT, NULL, 0), 0);
	/* a length that is not the message's */
	assert_int_equal(write(f->kernel.fd, &header, sizeof(header)), sizeof(header));
	assert_int_equal(fuse_peer_reply(&f->kernel), -EINVAL);
	assert_int_equal(f->kernel.header.unique, 77);
}

/* A file and a directory that are open: no other kind of read, and no offset, leads out of them. */
static void reads_stay_inside(void **state)
{
	struct fake *f = *state;
	const struct fuse_open_in in = { .flags = O_RDONLY };
	struct fuse_read_in at = { .fh = 0, .offset = UINT64_MAX, .size = UINT32_MAX };

	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_OPEN, FILE_NODE, &in, sizeof(in)), 0);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_OPENDIR, FUSE_ROOT, &in, sizeof(in)), 0);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READ, FILE_NODE, &at, sizeof(at)), 0);
	assert_int_equal(f->kernel.len, 0);
	at.offset = 9;
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READ, FILE_NODE, &at, sizeof(at)), 0);
	assert_int_equal(f->kernel.len, strlen("the text, read 1 times") - 9);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READDIR, FUSE_ROOT, &at, sizeof(at)), -EBADF);
	at.fh = 1;
	at.offset = UINT64_MAX;
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READDIR, FUSE_ROOT, &at, sizeof(at)), 0);
	assert_int_equal(f->kernel.len, 0);
	at.offset = MANY - 1;
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READDIR, FUSE_ROOT, &at, sizeof(at)), 0);
	assert_true(f->kernel.len > 0 && f->kernel.len <= 40);
	assert_int_equal(fuse_peer_ask(&f->kernel, FUSE_READ, FILE_NODE, &at, sizeof(at)), -EBADF);
}

int main(void)
{
#define A_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		A_TEST(versions_are_agreed_upon),
		A_TEST(a_file_has_what_it_had_when_it_was_opened),
		A_TEST(a_directory_comes_in_whole_entries),
		A_TEST(what_waits_goes_on_with_its_ticket),
		A_TEST(what_is_held_is_bounded),
		A_TEST(nonsense_is_refused),
		A_TEST(reads_stay_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
