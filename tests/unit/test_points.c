/* SPDX-License-Identifier: Apache-2.0 */
/* What is made in a root file system that somebody else writes to at the same moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/rootpath.h"
#include "jail/points.h"
#include "tests/unit/tempdir.h"

#define STRANGER 1234

/* --- somebody who writes to the directory, at the moment of a system call --- */

enum moment { NEVER, AFTER_MKNOD, BEFORE_CHOWN, AFTER_CHOWN, AFTER_MKDIR };

static enum moment moment;
static char top[64]; /* has the root, and a file beside it */
static bool
	link_to_it; /* a link to the file beside the root takes the place of what was made; else a file of the root */
static const char *what;        /* the name that was made */
static const char *link_target; /* where the link leads instead; NULL: to the file beside the root */

static void swap(enum moment now, int dir)
{
	char path[128];

	if (now != moment)
		return;
	moment = NEVER;
	(void)unlinkat(dir, what, now == AFTER_MKDIR ? AT_REMOVEDIR : 0);
	(void)snprintf(path, sizeof(path), "%s/%s", top, link_to_it ? "secret" : "root/theirs");
	assert_int_equal(link_to_it ? symlinkat(link_target ? link_target : path, dir, what)
				    : renameat(AT_FDCWD, path, dir, what),
		0);
}

int __real_mknodat(int dir, const char *name, mode_t mode, dev_t dev);
int __real_mkdirat(int dir, const char *name, mode_t mode);
int __real_fchownat(int dir, const char *name, uid_t uid, gid_t gid, int flags);
int __wrap_mknodat(int dir, const char *name, mode_t mode, dev_t dev);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);
int __wrap_fchownat(int dir, const char *name, uid_t uid, gid_t gid, int flags);

int __wrap_mknodat(int dir, const char *name, mode_t mode, dev_t dev)
{
	int r = __real_mknodat(dir, name, mode, dev);

	swap(AFTER_MKNOD, dir);
	return r;
}

int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
	int r = __real_mkdirat(dir, name, mode);

	swap(AFTER_MKDIR, dir);
	return r;
}

int __wrap_fchownat(int dir, const char *name, uid_t uid, gid_t gid, int flags)
{
	char path[128];
	int r;

	(void)snprintf(path, sizeof(path), "%s/root/dev", top);
	autoclose int parent = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	swap(BEFORE_CHOWN, parent);
	r = __real_fchownat(dir, name, uid, gid, flags);
	swap(AFTER_CHOWN, parent);
	return r;
}

/* --- the root --- */

static int root = -1;

static void put_file(const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
}

static struct stat stat_of(const char *name)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static int setup(void **state)
{
	char path[128];

	(void)state;
	strcpy(top, "/tmp/vmrunc-points-XXXXXX");
	assert_non_null(mkdtemp(top));
	(void)snprintf(path, sizeof(path), "%s/root", top);
	assert_int_equal(mkdir(path, 0755), 0);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	assert_int_equal(mkdirat(root, "dev", 0755), 0);
	put_file("secret");
	put_file("root/theirs");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	moment = NEVER;
	link_target = NULL;
	(void)close(root);
	tempdir_remove(top);
	return 0;
}

/* Makes /dev/thing, a FIFO, which needs no privilege; with it, for another owner. */
static int make_device(void)
{
	struct spec_linux linux_ = { .namespaces = { .n = 0 } };
	struct spec spec = { .linux_ = &linux_ };
	struct guest_device device = { .path = "/dev/thing",
		.mode = S_IFIFO | 0666,
		.uid = geteuid() == 0 ? STRANGER : geteuid(),
		.gid = geteuid() == 0 ? STRANGER : getegid() };
	struct guest_container container = { .devices = { .len = 1, .at = &device } };
	struct err err = ERR_INIT;

	what = "thing";
	return points_make_devices(root, &spec, &container, &err);
}

static void test_device_is_as_it_should_be(void **state)
{
	mode_t mask = umask(077);
	struct stat st;

	(void)state;
	assert_int_equal(make_device(), 0);
	st = stat_of("root/dev/thing");
	assert_int_equal(st.st_mode, S_IFIFO | 0666);
	assert_int_equal(st.st_uid, geteuid() == 0 ? STRANGER : geteuid());
	assert_int_equal(umask(mask), 077);
	assert_int_equal(make_device(), 0); /* what is there stays */
}

static const enum moment moments[] = { AFTER_MKNOD, BEFORE_CHOWN, AFTER_CHOWN };

/* A link that somebody puts in the device's place leads to nothing that is changed. */
static void test_link_in_its_place(void **state)
{
	const struct stat before = stat_of("secret");

	(void)state;
	link_to_it = true;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		struct stat after;

		(void)unlinkat(root, "dev/thing", 0);
		moment = moments[i];
		assert_int_equal(make_device(), 0);
		assert_int_equal(moment, NEVER);
		after = stat_of("secret");
		assert_int_equal(after.st_mode, before.st_mode);
		assert_int_equal(after.st_uid, before.st_uid);
	}
}

/* Nor is another file that somebody has put there. */
static void test_file_in_its_place(void **state)
{
	(void)state;
	link_to_it = false;
	for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
		struct stat before, after;

		put_file("root/theirs");
		before = stat_of("root/theirs");
		moment = moments[i];
		assert_int_equal(make_device(), 0);
		assert_int_equal(moment, NEVER);
		after = stat_of("root/dev/thing");
		assert_int_equal(after.st_ino, before.st_ino);
		assert_int_equal(after.st_mode, before.st_mode);
		assert_int_equal(after.st_uid, before.st_uid);
		assert_int_equal(unlinkat(root, "dev/thing", 0), 0);
	}
}

/* The same of a directory that is made for the container's root. */
static void test_file_in_place_of_a_directory(void **state)
{
	struct stat after;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(fchownat(root, "", STRANGER, STRANGER, AT_EMPTY_PATH), 0);
	link_to_it = false;
	what = "place";
	moment = AFTER_MKDIR;
	assert_int_equal(rootpath_make_owned(root, "/dev/place", ROOTPATH_DIR), -ENOTDIR);
	after = stat_of("root/dev/place");
	assert_int_equal(after.st_uid, 0);

	assert_int_equal(unlinkat(root, "dev/place", 0), 0);
	(void)close(rootpath_make_owned(root, "/dev/place/file", ROOTPATH_FILE));
	assert_int_equal(stat_of("root/dev/place").st_uid, STRANGER);
	assert_int_equal(stat_of("root/dev/place/file").st_uid, STRANGER);
}

/* What is to be a directory under its own name is no symlink to one, and no file. */
static void test_plain_directory(void **state)
{
	static const char *const others[] = { "/link", "/link/", "/dev/up", "/theirs", "/dev/../link//" };

	(void)state;
	assert_int_equal(symlinkat("dev", root, "link") | symlinkat("../dev", root, "dev/up"), 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(rootpath_make_point(root, others[i], ROOTPATH_PLAIN_DIR), -ENOTDIR);
	assert_int_equal(close(rootpath_make_point(root, "/dev/", ROOTPATH_PLAIN_DIR)), 0);
	assert_int_equal(close(rootpath_make_point(root, "/link/new/er", ROOTPATH_PLAIN_DIR)), 0);
	assert_true(S_ISDIR(stat_of("root/dev/new/er").st_mode));
	assert_int_equal(close(rootpath_make_point(root, "/link", ROOTPATH_DIR)), 0);
}

/* A link that somebody puts in the place of a directory that was made, or walked through, is not followed. */
static void test_link_in_place_of_a_directory(void **state)
{
	static const char *const paths[] = { "/place", "/place/proc" };
	struct stat st;

	(void)state;
	link_to_it = true;
	link_target = "dev";
	what = "place";
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		moment = AFTER_MKDIR;
		assert_int_equal(rootpath_make_point(root, paths[i], ROOTPATH_DIR), -ELOOP);
		assert_int_equal(moment, NEVER);
		assert_int_equal(unlinkat(root, "place", 0), 0);
	}
	assert_int_equal(fstatat(root, "dev/proc", &st, AT_SYMLINK_NOFOLLOW), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_device_is_as_it_should_be, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_in_its_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_in_its_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_in_place_of_a_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plain_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_in_place_of_a_directory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
