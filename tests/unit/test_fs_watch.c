/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/fs/watch.c: what of the host's changes is told, and what of the guest's own is not. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "fs/fs.h"
#include "tests/unit/filter.h"
#include "tests/unit/tempdir.h"

const char *const harness_syscalls[] = { "clock_nanosleep", "eventfd2", "inotify_init1", "fstat", "memfd_create",
	"prlimit64", "geteuid", "access", "pread64", "sysinfo", "lstat", "mkdir", "newfstatat", "rename", "rmdir",
	"unlink", NULL };

#define TOLD_MAX 64

static char dir[64];
static struct fs *fs;
static struct fs_watcher *watcher;
static struct err err;
static const struct fs_owner owner = { FS_OWNER_SERVICE, FS_OWNER_SERVICE };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static char told[TOLD_MAX][320]; /* "GONE path"; LOCK: lock */
static unsigned int told_len, told_read;

static void on_stale(void *arg, enum fs_stale what, const char *path)
{
	static const char *const words[] = { "GONE", "DROP", "UNKNOWN" };

	assert_ptr_equal(arg, &told);
	pthread_mutex_lock(&lock);
	if (told_len < TOLD_MAX)
		snprintf(told[told_len++], sizeof(told[0]), "%s %.300s", words[what], path);
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&lock);
}

/* The next thing that was told; waits for it, as long as a lost one takes to fail the test. */
static const char *next(void)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&lock);
	while (told_read == told_len && r == 0)
		r = pthread_cond_timedwait(&more, &lock, &until);
	pthread_mutex_unlock(&lock);
	assert_int_equal(r, 0);
	return told[told_read++];
}

static const char *at(const char *name)
{
	static char paths[2][300], *path = paths[0];

	path = path == paths[0] ? paths[1] : paths[0];
	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void host_write(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
	close(fd);
}

static void add(const char *path, unsigned int flags)
{
	int fd = open(dir, O_PATH | O_CLOEXEC);

	assert_true(fd >= 0);
	if (fs_export_add(fs, path, fd, flags, &err) < 0)
		fail_msg("%s", err.msg);
}

static int setup(void **state)
{
	(void)state;
	told_len = told_read = 0;
	strcpy(dir, "/tmp/vmrunc-fs-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(fs_new(-1, &fs, &err), 0);
	assert_int_equal(fs_thread_init(fs), 0);
	assert_int_equal(fs_watcher_new(on_stale, &told, &watcher, &err), 0);
	fs_watch(fs, watcher, "private");
	add("c1/rootfs", FS_EXPORT_EXCLUSIVE);
	add("c1/1", 0);
	assert_int_equal(fs_watcher_start(watcher, fs), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fs_watcher_stop(watcher);
	fs_free(fs);
	fs_watcher_free(watcher);
	tempdir_remove(dir);
	return 0;
}

/* What the guest finds at @path: a node that the caller puts. */
static struct fs_node *go(const char *path)
{
	struct fs_node *node = fs_root(fs), *step;
	char copy[300], *rest = copy, *name;
	struct fs_ident ident;

	snprintf(copy, sizeof(copy), "%s", path);
	while ((name = strsep(&rest, "/")) != NULL) {
		assert_int_equal(fs_walk(node, name, &step, &ident), 0);
		fs_node_put(node);
		node = step;
	}
	return node;
}

static void what_the_host_removes_or_replaces_is_told(void **state)
{
	struct fs_node *a, *b, *d, *in_d;
	struct fs_file *file;
	struct fs_ident ident;

	(void)state;
	assert_int_equal(mkdir(at("sub"), 0755), 0);
	assert_int_equal(mkdir(at("sub/d"), 0755), 0);
	host_write("sub/a", "a");
	host_write("sub/b", "b");
	host_write("sub/d/f", "f");
	host_write("sub/unknown", "x");
	a = go("c1/1/sub/a");
	b = go("c1/1/sub/b");
	d = go("c1/1/sub/d");
	in_d = go("c1/1/sub/d/f");
	/* what the guest has never looked for is nothing to it */
	assert_int_equal(unlink(at("sub/unknown")), 0);
	assert_int_equal(unlink(at("sub/a")), 0);
	assert_string_equal(next(), "GONE private/c1/1/sub/a");
	host_write("sub/new", "new");
	assert_int_equal(rename(at("sub/new"), at("sub/b")), 0);
	assert_string_equal(next(), "GONE private/c1/1/sub/b");
	assert_int_equal(rename(at("sub/d"), at("sub/e")), 0);
	assert_string_equal(next(), "GONE private/c1/1/sub/d");
	/* what lies below it has no path that the guest would know; the next is told again */
	assert_int_equal(unlink(at("sub/e/f")), 0);
	fs_node_put(b);
	b = go("c1/1/sub/b");
	assert_int_equal(unlink(at("sub/b")), 0);
	assert_string_equal(next(), "GONE private/c1/1/sub/b");
	/* the nodes are still what they were */
	assert_int_equal(fs_open(a, O_RDONLY, 0, &file, &ident), 0);
	fs_file_put(file);
	fs_node_put(a);
	fs_node_put(b);
	fs_node_put(d);
	fs_node_put(in_d);
}

static void in_an_exclusive_export_contents_are_told_unless_the_guest_writes(void **state)
{
	struct fs_node *f, *w, *shared;
	struct fs_file *file;
	struct fs_ident ident;

	(void)state;
	host_write("f", "one");
	host_write("w", "one");
	host_write("s", "one");
	shared = go("c1/1/s");
	f = go("c1/rootfs/f");
	w = go("c1/rootfs/w");
	host_write("s", "two"); /* its client keeps no contents */
	assert_int_equal(fs_ident_get(f, &ident), 0);
	assert_int_equal(ident.version, 1);
	host_write("f", "two");
	assert_string_equal(next(), "DROP private/c1/rootfs/f");
	assert_int_equal(fs_ident_get(f, &ident), 0);
	assert_int_equal(ident.version, 2); /* a client that still has it open makes another inode for it */
	assert_int_equal(fs_open(w, O_RDWR, 0, &file, &ident), 0);
	host_write("w", "two"); /* the guest is writing, too: its own pages count */
	assert_int_equal(fs_ident_get(w, &ident), 0);
	assert_int_equal(ident.version, 1);
	assert_int_equal(unlink(at("f")), 0);
	assert_string_equal(next(), "DROP private/c1/rootfs/f");
	assert_int_equal(unlink(at("w")), 0);
	assert_string_equal(next(), "GONE private/c1/rootfs/w");
	fs_file_put(file);
	fs_node_put(shared);
	fs_node_put(f);
	fs_node_put(w);
}

static void what_the_guest_does_itself_is_not_told(void **state)
{
	struct fs_node *top = go("c1/rootfs"), *made, *found;
	struct fs_file *file;
	struct fs_ident ident;
	char text[] = "text";
	struct iovec iov = { text, 4 };

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(fs_create(top, "a", O_RDWR | O_EXCL, 0644, owner, &made, &file, &ident), 0);
		assert_int_equal(fs_write(file, &iov, 1, 0, 0), 4);
		found = go("c1/rootfs/a");
		assert_int_equal(fs_rename(top, "a", top, "b"), 0);
		fs_file_put(file);
		fs_node_put(made);
		fs_node_put(found);
		assert_int_equal(fs_mkdir(top, "d", 0755, owner, &ident), 0);
		found = go("c1/rootfs/d");
		assert_int_equal(fs_rename(top, "d", top, "e"), 0);
		assert_int_equal(fs_unlink(top, "e", true), 0);
		fs_node_put(found);
		found = go("c1/rootfs/b");
		assert_int_equal(fs_unlink(top, "b", false), 0);
		fs_node_put(found);
	}
	host_write("last", "x");
	found = go("c1/rootfs/last");
	assert_int_equal(unlink(at("last")), 0);
	assert_string_equal(next(), "DROP private/c1/rootfs/last");
	fs_node_put(found);
	fs_node_put(top);
}

static void exports_of_one_directory_are_told_each_until_they_go(void **state)
{
	struct fs_node *one, *two;
	const char *first, *second;

	(void)state;
	add("c1/2", 0);
	host_write("a", "a");
	one = go("c1/1/a");
	two = go("c1/2/a");
	assert_int_equal(unlink(at("a")), 0);
	first = next();
	second = next();
	assert_string_not_equal(first, second);
	assert_true(strcmp(first, "GONE private/c1/1/a") == 0 || strcmp(first, "GONE private/c1/2/a") == 0);
	assert_true(strcmp(second, "GONE private/c1/1/a") == 0 || strcmp(second, "GONE private/c1/2/a") == 0);
	fs_node_put(one);
	fs_node_put(two);
	host_write("a", "a");
	one = go("c1/1/a");
	two = go("c1/2/a");
	assert_int_equal(fs_export_remove(fs, "c1/1", &err), 0);
	assert_int_equal(unlink(at("a")), 0);
	assert_string_equal(next(), "GONE private/c1/2/a");
	fs_node_put(one);
	fs_node_put(two);
}

static void more_directories_than_are_watched_give_up_the_first(void **state)
{
	struct fs_node *first, *last = NULL, *node;
	char name[32];

	(void)state;
	for (unsigned int i = 0; i <= FS_WATCHES_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(mkdir(at(name), 0755), 0);
	}
	host_write("0/f", "x");
	first = go("c1/1/0/f"); /* watches the top and 0 */
	for (unsigned int i = 1; i <= FS_WATCHES_MAX; i++) {
		char path[64];

		snprintf(name, sizeof(name), "%u/f", i);
		host_write(name, "x");
		snprintf(path, sizeof(path), "c1/1/%u/f", i);
		node = go(path);
		if (i < FS_WATCHES_MAX)
			fs_node_put(node);
		else
			last = node;
	}
	assert_int_equal(unlink(at("0/f")), 0);
	snprintf(name, sizeof(name), "%u/f", FS_WATCHES_MAX);
	assert_int_equal(unlink(at(name)), 0);
	snprintf(name, sizeof(name), "GONE private/c1/1/%u/f", FS_WATCHES_MAX);
	assert_string_equal(next(), name);
	fs_node_put(first);
	fs_node_put(last);
}

/* What is given up for another may be the same directory, of another export: their watch is one, and stays. */
static void the_same_directory_is_not_given_up_for_itself(void **state)
{
	struct fs_node *node;
	char name[32];

	(void)state;
	add("c1/2", 0);
	for (unsigned int i = 0; i < FS_WATCHES_MAX - 1; i++) { /* with the top, as many as there can be */
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(mkdir(at(name), 0755), 0);
		snprintf(name, sizeof(name), "%u/f", i);
		host_write(name, "x");
		snprintf(name, sizeof(name), "c1/1/%u/f", i);
		fs_node_put(go(name));
	}
	node = go("c1/2/0/f"); /* in the place of the top, and of 0 */
	assert_int_equal(unlink(at("0/f")), 0);
	assert_string_equal(next(), "GONE private/c1/2/0/f");
	fs_node_put(node);
}

/* Where its thread cannot work, nothing is watched, and whoever starts it is told so. */
static void a_thread_that_cannot_watch_is_reported(void **state)
{
	int proc_fd = fs_proc_open(&err), null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC), kept = dup(proc_fd);

	(void)state;
	assert_true(proc_fd >= 0 && null_fd >= 0 && kept >= 0);
	assert_int_equal(fs_new(proc_fd, &fs, &err), 0);
	assert_int_equal(fs_watcher_new(on_stale, &told, &watcher, &err), 0);
	assert_int_equal(dup3(null_fd, proc_fd, O_CLOEXEC), proc_fd);
	assert_int_equal(fs_watcher_start(watcher, fs), -ENOTDIR);
	assert_int_equal(dup3(kept, proc_fd, O_CLOEXEC), proc_fd);
	assert_int_equal(fs_watcher_start(watcher, fs), 0);
	fs_watcher_stop(watcher);
	fs_free(fs);
	fs_watcher_free(watcher);
	close(null_fd);
	close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* the first: setup() makes this thread one that may call little */
		cmocka_unit_test(a_thread_that_cannot_watch_is_reported),
		cmocka_unit_test_setup_teardown(what_the_host_removes_or_replaces_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			in_an_exclusive_export_contents_are_told_unless_the_guest_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_guest_does_itself_is_not_told, setup, teardown),
		cmocka_unit_test_setup_teardown(exports_of_one_directory_are_told_each_until_they_go, setup, teardown),
		cmocka_unit_test_setup_teardown(more_directories_than_are_watched_give_up_the_first, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_directory_is_not_given_up_for_itself, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
