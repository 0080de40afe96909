/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base: errors, descriptors, buffers, numbers, signals, the codec, the loop. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/le.h"
#include "base/loop.h"
#include "base/rootpath.h"
#include "base/sig.h"
#include "base/text.h"
#include "base/wire.h"
#include "tests/unit/tempdir.h"

static void err_messages_are_built_outwards(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_sys(&err, -ENOENT, "open '%s'", "x"), -ENOENT);
	assert_string_equal(err.msg, "open 'x': No such file or directory");
	assert_int_equal(err_prefix(&err, "bundle"), -ENOENT);
	assert_string_equal(err.msg, "bundle: open 'x': No such file or directory");
	assert_int_equal(err_set(NULL, EINVAL, "unseen"), -EINVAL);
}

static void err_messages_are_cut_not_overrun(void **state)
{
	char big[2 * ERR_MSG_MAX];
	struct err err = ERR_INIT;

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(err_sys(&err, EIO, "%s", big), -EIO);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	assert_int_equal(err_prefix(&err, "%s", big), -EIO);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
}

static void wire_round_trip(void **state)
{
	autobuf b = BUF_INIT;
	struct wire w;
	size_t len;

	(void)state;
	wire_put_u8(&b, 1);
	wire_put_u16(&b, 0x1234);
	wire_put_u32(&b, 0xdeadbeef);
	wire_put_u64(&b, UINT64_MAX - 1);
	wire_put_str(&b, "name");
	wire_put_str(&b, NULL);
	wire_put_blob(&b, "\0\1", 2);
	assert_int_equal(buf_error(&b), 0);
	wire_init(&w, b.data, b.len);
	assert_int_equal(wire_get_u8(&w), 1);
	assert_int_equal(wire_get_u16(&w), 0x1234);
	assert_int_equal(wire_get_u32(&w), 0xdeadbeef);
	assert_true(wire_get_u64(&w) == UINT64_MAX - 1);
	assert_string_equal(wire_get_str(&w), "name");
	assert_string_equal(wire_get_str(&w), "");
	assert_memory_equal(wire_get_blob(&w, &len), "\0\1", 2);
	assert_int_equal(len, 2);
	assert_int_equal(wire_finish(&w), 0);
}

static void wire_refuses_every_cut(void **state)
{
	autobuf b = BUF_INIT;
	struct wire w;
	size_t len;

	(void)state;
	wire_put_u32(&b, 7);
	wire_put_str(&b, "abc");
	wire_put_blob(&b, "xyz", 3);
	for (size_t cut = 0; cut < b.len; cut++) {
		wire_init(&w, b.data, cut);
		(void)wire_get_u32(&w);
		(void)wire_get_str(&w);
		(void)wire_get_blob(&w, &len);
		assert_int_equal(wire_finish(&w), -EBADMSG);
	}
	wire_init(&w, b.data, b.len);
	(void)wire_get_u32(&w);
	assert_int_equal(wire_finish(&w), -EBADMSG); /* bytes are left over */
}

static void wire_refuses_lying_lengths(void **state)
{
	static const uint8_t inner_nul[] = { 3, 0, 0, 0, 'a', 0, 'c', 0 };
	static const uint8_t no_nul[] = { 2, 0, 0, 0, 'a', 'b', 'c' };
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 'a', 'b' };
	struct wire w;
	size_t len = 99;

	(void)state;
	wire_init(&w, inner_nul, sizeof(inner_nul));
	assert_string_equal(wire_get_str(&w), "");
	assert_int_equal(wire_error(&w), -EBADMSG);
	wire_init(&w, no_nul, sizeof(no_nul));
	assert_string_equal(wire_get_str(&w), "");
	assert_int_equal(wire_error(&w), -EBADMSG);
	wire_init(&w, huge, sizeof(huge));
	(void)wire_get_blob(&w, &len);
	assert_int_equal(len, 0);
	assert_int_equal(wire_error(&w), -EBADMSG);
	wire_init(&w, huge, sizeof(huge));
	assert_int_equal(wire_get_count(&w, 1, UINT32_MAX), 0);
	assert_int_equal(wire_error(&w), -EBADMSG);
}

static void buf_consumes_and_hands_over(void **state)
{
	struct buf b = BUF_INIT;
	char *s;

	(void)state;
	buf_printf(&b, "%s-%d", "abc", 12);
	buf_consume(&b, 2);
	assert_string_equal(b.data, "c-12");
	s = buf_steal(&b);
	assert_string_equal(s, "c-12");
	free(s);
	s = buf_steal(&b);
	assert_string_equal(s, "");
	free(s);
}

/* Makes the directory @dir of a template, with a file "f" in it, which has "one": its descriptor. */
static int make_dir(char *dir)
{
	int fd;

	assert_non_null(mkdtemp(dir));
	fd = open(dir, O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_file_atomic(fd, "f", "one", 3, 0600), 0);
	return fd;
}

static void fd_files_are_replaced_whole(void **state)
{
	char dir[] = "/tmp/test_base.XXXXXX";
	autofree char *data = NULL;
	autoclose int dirfd = make_dir(dir);
	size_t len;

	(void)state;
	assert_int_equal(fd_write_file_atomic(dirfd, "f", "three", 5, 0600), 0);
	assert_int_equal(fd_read_file(dirfd, "f", 100, &data, &len), 0);
	assert_int_equal(len, 5);
	assert_string_equal(data, "three");
	assert_int_equal(fd_read_file(dirfd, "f", 4, &data, &len), -EFBIG);
	assert_int_equal(fd_read_file(dirfd, "none", 4, &data, &len), -ENOENT);
	assert_int_equal(unlinkat(dirfd, "f", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* What somebody has put in a file's place is neither waited for nor read. */
static void fd_reads_regular_files_alone(void **state)
{
	char dir[] = "/tmp/test_base.XXXXXX";
	autofree char *data = NULL;
	autoclose int dirfd = make_dir(dir);
	size_t len;

	(void)state;
	assert_int_equal(symlinkat("f", dirfd, "link"), 0);
	assert_int_equal(mkfifoat(dirfd, "fifo", 0600), 0);
	assert_int_equal(mknodat(dirfd, "socket", S_IFSOCK | 0600, 0), 0);
	assert_int_equal(fd_read_regular(dirfd, "link", 100, &data, &len), 0);
	assert_string_equal(data, "one");
	assert_int_equal(fd_read_regular(dirfd, "f", 2, &data, &len), -EFBIG);
	assert_int_equal(fd_read_regular(dirfd, "none", 100, &data, &len), -ENOENT);
	assert_int_equal(fd_read_regular(dirfd, "fifo", 100, &data, &len), -FD_NOT_REGULAR);
	assert_int_equal(fd_read_regular(dirfd, "socket", 100, &data, &len), -FD_NOT_REGULAR);
	assert_int_equal(fd_read_regular(dirfd, ".", 100, &data, &len), -FD_NOT_REGULAR);
	assert_int_equal(fd_read_regular(dirfd, "/dev/null", 100, &data, &len), -FD_NOT_REGULAR);
	tempdir_remove(dir);
}

static void fd_passes_descriptors(void **state)
{
	int sv[2], fds[2], got[1];
	char byte;
	size_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fd_send(sv[0], "x", 1, fds, 2), 0);
	assert_int_equal(fd_recv(sv[1], &byte, 1, got, 1, &n), 1);
	assert_int_equal(n, 1); /* the second one was closed */
	assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	fd_close(got[0]);
	fd_close(fds[0]);
	fd_close(fds[1]);
	fd_close(sv[0]);
	fd_close(sv[1]);
}

/* In a child, since what the test's own libraries have open is closed as well. */
static void fd_closes_all_but_those_kept(void **state)
{
	int p[2], q[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(pipe2(q, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int keep[] = { q[1], -1, 0, p[0], -1, q[1] };
		int r = fd_close_others(keep, ARRAY_LEN(keep));

		_exit(r == 0 && fcntl(p[0], F_GETFD) >= 0 && fcntl(q[1], F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0 &&
					fcntl(p[1], F_GETFD) < 0 && fcntl(q[0], F_GETFD) < 0
				? 0
				: 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		fd_close(p[i]);
		fd_close(q[i]);
	}
}

static void le_numbers_at_odd_addresses(void **state)
{
	uint8_t bytes[16] = { 0 };

	(void)state;
	le16_put(bytes + 1, 0x0201);
	le32_put(bytes + 3, 0x06050403);
	le64_put(bytes + 7, 0x0e0d0c0b0a090807);
	for (uint8_t i = 0; i < 15; i++)
		assert_int_equal(bytes[i], i);
	assert_int_equal(le16_get(bytes + 1), 0x0201);
	assert_int_equal(le32_get(bytes + 3), 0x06050403);
	assert_true(le64_get(bytes + 7) == 0x0e0d0c0b0a090807);
}

/* A child that ignores and blocks a signal dies of it after sig_reset(). */
static void sig_reset_undoes_all(void **state)
{
	static const int signals[] = { SIGPIPE, SIGTERM };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			sigset_t all;

			sigfillset(&all);
			(void)sigprocmask(SIG_SETMASK, &all, NULL);
			(void)signal(signals[i], SIG_IGN);
			sig_reset();
			(void)raise(signals[i]);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signals[i]);
	}
}

struct loop_case {
	struct loop *loop;
	struct watch *a, *b;
	int calls;
};

static void on_either(void *arg, uint32_t events)
{
	struct loop_case *c = arg;

	assert_true(events & EPOLLIN);
	c->calls++;
	watch_free(c->a); /* whichever is called first removes both */
	watch_free(c->b);
	loop_stop(c->loop);
}

static void loop_watch_removed_in_its_batch_is_not_called(void **state)
{
	struct loop_case c = { .calls = 0 };
	int p[2], q[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(pipe2(q, O_CLOEXEC), 0);
	assert_int_equal(fd_write_full(p[1], "x", 1), 0);
	assert_int_equal(fd_write_full(q[1], "x", 1), 0);
	assert_int_equal(loop_new(&c.loop), 0);
	assert_int_equal(watch_new(c.loop, p[0], EPOLLIN, on_either, &c, &c.a), 0);
	assert_int_equal(watch_new(c.loop, q[0], EPOLLIN, on_either, &c, &c.b), 0);
	assert_int_equal(loop_run(c.loop), 0);
	assert_int_equal(c.calls, 1);
	loop_free(c.loop);
	for (int i = 0; i < 2; i++) {
		fd_close(p[i]);
		fd_close(q[i]);
	}
}

static void on_timer(void *arg)
{
	struct loop_case *c = arg;

	if (++c->calls == 2)
		loop_stop(c->loop);
	else
		assert_int_equal(timer_set(c->a, 1), 0);
}

static void loop_timer_fires_and_rearms(void **state)
{
	struct loop_case c = { .calls = 0 };

	(void)state;
	assert_int_equal(loop_new(&c.loop), 0);
	assert_int_equal(timer_new(c.loop, 1, on_timer, &c, &c.a), 0);
	assert_int_equal(loop_run(c.loop), 0);
	assert_int_equal(c.calls, 2);
	loop_free(c.loop);
}

/* What comes from a guest must not command a terminal, whichever way that reads bytes. */
static void text_is_cleaned(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "a\nb\tc\x1b[2J\x7f", "a b c [2J " },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "x\xc2\x9by\xc2\xa0", "x  y\xc2\xa0" },
		{ "x\x9by\x80\x9f\xff", "x?y???" },
		{ "\xc3\x1b", "? " },
		{ "\xe2\x82", "??" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[32];

		(void)strcpy(text, cases[i].text);
		text_clean(text, strlen(text));
		assert_string_equal(text, cases[i].want);
	}
}

static void a_path_below_another_is_told_from_one_beside_it(void **state)
{
	static const char path[] = "/b/rootfs/etc/x";

	(void)state;
	assert_ptr_equal(rootpath_inside(path, "/b/rootfs"), path + strlen("/b/rootfs"));
	assert_ptr_equal(rootpath_inside(path, "/b/rootfs//"), path + strlen("/b/rootfs"));
	assert_string_equal(rootpath_inside("/b/rootfs", "/b/rootfs"), "");
	assert_string_equal(rootpath_inside("/b/rootfs/", "/b/rootfs"), "/");
	assert_ptr_equal(rootpath_inside(path, "/"), path);
	assert_null(rootpath_inside("/b/rootfs2/etc", "/b/rootfs"));
	assert_null(rootpath_inside("/b", "/b/rootfs"));
}

/* A mount on the root itself would be below what is looked up there; a symlink that leads to it is no other place. */
static void the_root_is_no_mount_point(void **state)
{
	static const char *const roots[] = { "", "/", "/..", "./../", "/a/..", "/up", "/up/.", "/a/up" };
	char dir[] = "/tmp/vmrunc-rootpath-XXXXXX";
	int root;

	(void)state;
	assert_non_null(mkdtemp(dir));
	root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(root, "a", 0755) | symlinkat("/", root, "up") | symlinkat("../..", root, "a/up"), 0);
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		int fd = rootpath_make(root, roots[i], ROOTPATH_DIR, NULL);

		assert_int_equal(rootpath_make_point(root, roots[i], ROOTPATH_DIR), -EBUSY);
		assert_int_equal(rootpath_make_owned(root, roots[i], ROOTPATH_DIR), -EBUSY);
		assert_true(fd >= 0);
		fd_close(fd);
	}
	for (int owned = 0; owned < 2; owned++) {
		int fd = owned ? rootpath_make_owned(root, "/up/a/b", ROOTPATH_DIR)
			       : rootpath_make_point(root, "/up/a/f", ROOTPATH_FILE);

		assert_true(fd >= 0);
		fd_close(fd);
	}
	fd_close(root);
	tempdir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_messages_are_built_outwards),
		cmocka_unit_test(err_messages_are_cut_not_overrun),
		cmocka_unit_test(wire_round_trip),
		cmocka_unit_test(wire_refuses_every_cut),
		cmocka_unit_test(wire_refuses_lying_lengths),
		cmocka_unit_test(buf_consumes_and_hands_over),
		cmocka_unit_test(fd_files_are_replaced_whole),
		cmocka_unit_test(fd_reads_regular_files_alone),
		cmocka_unit_test(fd_passes_descriptors),
		cmocka_unit_test(fd_closes_all_but_those_kept),
		cmocka_unit_test(le_numbers_at_odd_addresses),
		cmocka_unit_test(sig_reset_undoes_all),
		cmocka_unit_test(text_is_cleaned),
		cmocka_unit_test(loop_watch_removed_in_its_batch_is_not_called),
		cmocka_unit_test(loop_timer_fires_and_rearms),
		cmocka_unit_test(a_path_below_another_is_told_from_one_beside_it),
		cmocka_unit_test(the_root_is_no_mount_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
