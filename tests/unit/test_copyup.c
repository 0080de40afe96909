/* SPDX-License-Identifier: Apache-2.0 */
/* The copy of a directory that fills a tmpfs (tmpcopyup), while somebody else changes what is copied. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/launch/copyup.h"
#include "base/fd.h"
#include "tempdir.h"

static char dir[64];
static int top = -1, from = -1, to = -1;

/* Once the copy has looked at "it", its name is given to what lies above as "other". */
static bool swaps;
static int entries_until_error = -1; /* of readdir(3) */

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __real_fstatat(int dirfd, const char *path, struct stat *st, int flags);
int __wrap_fstatat(int dirfd, const char *path, struct stat *st, int flags);
struct dirent *__real_readdir(DIR *d);
struct dirent *__wrap_readdir(DIR *d);

/* Whether @st is of "it". */
static bool is_it(const struct stat *st)
{
	struct stat now;

	return __real_fstatat(from, "it", &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == st->st_ino;
}

static void swap(void)
{
	swaps = false;
	assert_int_equal(renameat(from, "it", top, "was"), 0);
	assert_int_equal(renameat(top, "other", from, "it"), 0);
}

int __wrap_fstat(int fd, struct stat *st)
{
	int r = __real_fstat(fd, st);

	if (r == 0 && swaps && is_it(st))
		swap();
	return r;
}

int __wrap_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	int r = __real_fstatat(dirfd, path, st, flags);

	if (r == 0 && swaps && is_it(st))
		swap();
	return r;
}

struct dirent *__wrap_readdir(DIR *d)
{
	if (entries_until_error < 0 || entries_until_error-- > 0)
		return __real_readdir(d);
	errno = EIO;
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/vmrunc-copyup.XXXXXX");
	assert_non_null(mkdtemp(dir));
	top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(top >= 0);
	assert_int_equal(mkdirat(top, "from", 0700), 0);
	assert_int_equal(mkdirat(top, "to", 0700), 0);
	from = openat(top, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	to = openat(top, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(from >= 0 && to >= 0);
	swaps = false;
	entries_until_error = -1;
	(void)alarm(60); /* a copy that waits for a FIFO ends the program */
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(top);
	fd_close(from);
	fd_close(to);
	tempdir_remove(dir);
	return 0;
}

/* What @name of the copy holds. */
static void expect(const char *name, const char *want)
{
	autofree char *text = NULL;

	assert_int_equal(fd_read_regular(to, name, 64, &text, NULL), 0);
	assert_string_equal(text, want);
}

static void make(const char *name, const char *text)
{
	assert_int_equal(fd_write_file_atomic(from, name, text, strlen(text), 0640), 0);
}

static void copies_what_there_is(void **state)
{
	struct stat st;
	char target[16] = "";

	(void)state;
	make("file", "text");
	assert_int_equal(mkdirat(from, "dir", 0711), 0);
	make("dir/inner", "deep");
	assert_int_equal(symlinkat("/no/where", from, "link"), 0);
	assert_int_equal(mkfifoat(from, "fifo", 0600), 0);
	assert_int_equal(copyup_tree(from, to, true), 0);
	expect("file", "text");
	expect("dir/inner", "deep");
	assert_int_equal(readlinkat(to, "link", target, sizeof(target) - 1), 9);
	assert_string_equal(target, "/no/where");
	assert_int_equal(__real_fstatat(to, "fifo", &st, 0), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(__real_fstatat(to, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

/* A file that becomes a FIFO after it was looked at: what was looked at is copied, and nobody waits. */
static void a_file_becomes_a_fifo(void **state)
{
	(void)state;
	make("it", "text");
	assert_int_equal(mkfifoat(top, "other", 0600), 0);
	swaps = true;
	assert_int_equal(copyup_tree(from, to, true), 0);
	assert_false(swaps);
	expect("it", "text");
}

/* A directory that becomes a link to one elsewhere, and a link that becomes a file. */
static void a_directory_becomes_a_link(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(from, "it", 0700), 0);
	make("it/inner", "deep");
	assert_int_equal(symlinkat("/etc", top, "other"), 0);
	swaps = true;
	assert_int_equal(copyup_tree(from, to, true), 0);
	assert_false(swaps);
	expect("it/inner", "deep");
}

static void a_link_becomes_a_file(void **state)
{
	char target[16] = "";

	(void)state;
	assert_int_equal(fd_write_file_atomic(top, "other", "text", 4, 0640), 0);
	assert_int_equal(symlinkat("/no/where", from, "it"), 0);
	swaps = true;
	assert_int_equal(copyup_tree(from, to, true), 0);
	assert_false(swaps);
	assert_int_equal(readlinkat(to, "it", target, sizeof(target) - 1), 9);
}

/* A directory that cannot be read to its end: what was copied so far is not all that there is. */
static void half_a_directory_is_an_error(void **state)
{
	(void)state;
	make("file", "text");
	make("another", "text");
	for (int n = 0; n < 3; n++) {
		entries_until_error = n;
		assert_int_equal(copyup_tree(from, to, true), -EIO);
		(void)unlinkat(to, "file", 0);
		(void)unlinkat(to, "another", 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(copies_what_there_is, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_becomes_a_fifo, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_becomes_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_becomes_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(half_a_directory_is_an_error, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
