/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of src/jail/landlock.c: what threads of each role may do to files, in a child that can lose its rights. The
 * export is what the monitor's are, a detached clone of a directory, here with another file system mounted in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/fd.h"
#include "host/thread.h"
#include "jail/landlock.h"
#include "tests/unit/tempdir.h"

static char dir[64];
static int exported, file, outside; /* O_PATH descriptors: a directory, a file beside it, and "/" */

static long call(int r)
{
	return r < 0 ? -errno : 0;
}

static long try_open(int at, const char *path, int flags)
{
	autoclose int fd = openat(at, path, flags | O_CLOEXEC, 0600);

	return call(fd);
}

static long read_inside(void)
{
	return try_open(exported, "a/f", O_RDWR);
}
static long make_inside(void)
{
	return try_open(exported, "a/new", O_WRONLY | O_CREAT);
}
static long move_inside(void)
{
	long r = call(renameat(exported, "a/f", exported, "b/moved"));

	return r < 0 ? r : call(renameat(exported, "b/moved", exported, "a/f"));
}
static long list_inside(void)
{
	return try_open(exported, ".", O_RDONLY | O_DIRECTORY);
}
static long make_dir_inside(void)
{
	return call(mkdirat(exported, "d", 0700));
}
static long make_in_mount(void)
{
	long r = try_open(exported, "mount/new", O_WRONLY | O_CREAT);

	return r < 0 ? r : call(unlinkat(exported, "mount/new", 0));
}
/* As file service opens a file again, by its descriptor: fs.c. */
static long reopen(void)
{
	autoclose int fd = openat(exported, "mount/f", O_PATH | O_CLOEXEC);
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd < 0 ? -errno : try_open(AT_FDCWD, path, O_RDWR);
}
static long read_file(void)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return try_open(AT_FDCWD, path, O_RDONLY);
}
static long read_path(void)
{
	return try_open(AT_FDCWD, "/etc/passwd", O_RDONLY);
}
static long read_by_descriptor(void)
{
	return try_open(outside, "etc/passwd", O_RDONLY);
}
static long list_outside(void)
{
	return try_open(outside, ".", O_RDONLY | O_DIRECTORY);
}
static long make_outside(void)
{
	return call(mkdirat(outside, "tmp/vmrunc-landlock-made", 0700));
}
static long unlink_outside(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/beside", dir);
	return call(unlink(path));
}

static const struct {
	const char *name;
	long (*fn)(void);
	long files, loop; /* what threads of these roles get */
} tries[] = {
	{ "read inside", read_inside, 0, 0 },
	{ "make inside", make_inside, 0, -EACCES },
	{ "move inside", move_inside, 0, -EACCES },
	{ "list inside", list_inside, 0, -EACCES },
	{ "make a directory inside", make_dir_inside, 0, -EACCES },
	{ "make in a mount inside", make_in_mount, 0, -EACCES },
	{ "open again", reopen, 0, 0 },
	{ "read the file", read_file, 0, 0 },
	{ "read by a path", read_path, -EACCES, 0 },
	{ "read by a descriptor", read_by_descriptor, -EACCES, 0 },
	{ "list outside", list_outside, -EACCES, -EACCES },
	{ "make outside", make_outside, -EACCES, -EACCES },
	{ "unlink outside", unlink_outside, -EACCES, -EACCES },
};

static void *try_all(void *results)
{
	long *to = results;

	for (size_t i = 0; i < ARRAY_LEN(tries); i++)
		to[i] = tries[i].fn();
	return NULL;
}

/* In the child: what threads of both roles get. */
static int try_roles(struct landlock *landlock, long *files, long *loop)
{
	pthread_t thread;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 1;
	landlock_enforce(landlock);
	if (thread_start(THREAD_FILES, &thread, try_all, files) < 0 || pthread_join(thread, NULL) != 0)
		return 2;
	if (unlinkat(exported, "d", AT_REMOVEDIR) < 0 || unlinkat(exported, "a/new", 0) < 0)
		return 3;
	if (thread_become(THREAD_LOOP) < 0)
		return 4;
	(void)try_all(loop);
	return 0;
}

static int open_in(const char *name, int flags)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

static int setup(void **state)
{
	static const char *const dirs[] = { "e", "e/a", "e/b", "e/mount" };
	char path[128];

	(void)state;
	if (geteuid() != 0)
		skip();
	strcpy(dir, "/tmp/vmrunc-landlock-XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	fd_close(open_in("e/a/f", O_WRONLY | O_CREAT));
	fd_close(open_in("file", O_WRONLY | O_CREAT));
	fd_close(open_in("beside", O_WRONLY | O_CREAT));
	(void)snprintf(path, sizeof(path), "%s/e/mount", dir);
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("vmrunc-test", path, "tmpfs", 0, "size=64k"), 0);
	fd_close(open_in("e/mount/f", O_WRONLY | O_CREAT));
	(void)snprintf(path, sizeof(path), "%s/e", dir);
	exported = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	assert_true(exported >= 0);
	file = open_in("file", O_PATH);
	outside = open("/", O_PATH | O_CLOEXEC);
	assert_true(outside >= 0);
	return 0;
}

static int teardown(void **state)
{
	char path[128];

	(void)state;
	fd_close(exported);
	fd_close(file);
	fd_close(outside);
	(void)snprintf(path, sizeof(path), "%s/e/mount", dir);
	(void)umount2(path, MNT_DETACH);
	tempdir_remove(dir);
	return 0;
}

static void files_are_reached_in_exports_alone(void **state)
{
	struct landlock landlock;
	struct err err = ERR_INIT;
	int status, failed = 0;
	long *results;
	pid_t pid;

	(void)state;
	assert_int_equal(landlock_new(&landlock, &err), 0);
	if (landlock.files < 0) {
		print_message("this kernel has no Landlock\n");
		skip();
	}
	assert_int_equal(landlock_add(&landlock, exported, &err), 0);
	assert_int_equal(landlock_add(&landlock, file, &err), 0);
	results = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(results != MAP_FAILED);
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(try_roles(&landlock, results, results + ARRAY_LEN(tries)));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		long files = results[i], loop = results[ARRAY_LEN(tries) + i];

		if (files == tries[i].files && loop == tries[i].loop)
			continue;
		print_error("%s: wanted %ld and %ld, got %ld and %ld\n", tries[i].name, tries[i].files, tries[i].loop,
			files, loop);
		failed++;
	}
	assert_int_equal(failed, 0);
	landlock_done(&landlock);
	(void)munmap(results, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_are_reached_in_exports_alone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
