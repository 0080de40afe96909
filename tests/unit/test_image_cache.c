/* SPDX-License-Identifier: Apache-2.0 */
/* The cache: entries are made once, damaged ones again, and makers may race. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/cache.h"
#include "image_fixture.h"
#include "vm/image/search.h"

#define HANG_S 60

/* Where @skipping, pauses take no time: the clock goes on by their length. The linker's --wrap has their callers come here. */
static bool skipping;
static int64_t paused_ns;

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __real_nanosleep(const struct timespec *pause, struct timespec *rest);
int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	int r = __real_clock_gettime(clock, ret);

	ret->tv_sec += paused_ns / 1000000000;
	return r;
}

int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest)
{
	if (!skipping)
		return __real_nanosleep(pause, rest);
	paused_ns += pause->tv_sec * 1000000000 + pause->tv_nsec;
	return 0;
}

struct fixture {
	char *dir;
	struct cache cache;
	struct cache_id id;
	int made; /* how often the fill function was called */
};

static int fill(int fd, void *arg, struct err *err)
{
	struct fixture *f = arg;

	(void)err;
	f->made++;
	return fd_write_full(fd, "contents", 8);
}

static int fill_and_fail(int fd, void *arg, struct err *err)
{
	(void)arg;
	assert_int_equal(fd_write_full(fd, "half", 4), 0);
	return err_set(err, ENOSPC, "the disk is full");
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	autofree char *sub = NULL;
	struct err err = ERR_INIT;

	f->dir = fixture_dir();
	f->id = (struct cache_id)CACHE_ID_INIT;
	cache_id_add_str(&f->id, "something");
	sub = fixture_path(f->dir, "a/b/cache");
	assert_int_equal(cache_open(&f->cache, sub, &err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cache_done(&f->cache);
	fixture_remove(f->dir);
	free(f);
	return 0;
}

static void expect_contents(int fd)
{
	char text[16];

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 8);
	assert_memory_equal(text, "contents", 8);
	/* Nobody can change an entry through the fd that is handed out. */
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
}

static size_t count_files(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_made_once(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	char path[PATH_MAX], again[PATH_MAX];

	assert_int_equal(cache_get(&f->cache, "thing", &f->id, NULL), -ENOENT);
	expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, path, &err));
	expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, again, &err));
	assert_int_equal(f->made, 1);
	assert_string_equal(path, again);
	expect_contents(open(path, O_RDONLY));
	expect_contents(cache_get(&f->cache, "thing", &f->id, path));
	/* The same id with another kind is another entry. */
	assert_int_equal(cache_get(&f->cache, "thong", &f->id, NULL), -ENOENT);
}

static void damage_truncate(const char *path)
{
	assert_int_equal(truncate(path, 4), 0);
}

static void damage_grow(const char *path)
{
	assert_int_equal(truncate(path, 4096), 0);
}

static void damage_rewrite(const char *path)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, "CONTENTS", 8, 0), 8);
	close(fd);
}

static void damage_replace(const char *path)
{
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
}

static void damage_unlink(const char *path)
{
	assert_int_equal(unlink(path), 0);
}

static void damage_seal(const char *path)
{
	char seal[PATH_MAX + 8];

	(void)snprintf(seal, sizeof(seal), "%s.seal", path);
	assert_int_equal(truncate(seal, 10), 0);
}

static void damage_unseal(const char *path)
{
	char seal[PATH_MAX + 8];

	(void)snprintf(seal, sizeof(seal), "%s.seal", path);
	assert_int_equal(unlink(seal), 0);
}

static void test_damaged_is_made_again(void **state)
{
	static void (*const damages[])(const char *) = { damage_truncate, damage_grow, damage_rewrite, damage_replace,
		damage_unlink, damage_seal, damage_unseal };
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	char path[PATH_MAX];

	expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, path, &err));
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		damages[i](path);
		assert_int_equal(cache_get(&f->cache, "thing", &f->id, NULL), -ENOENT);
		expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, path, &err));
		assert_int_equal(f->made, (int)i + 2);
		damages[i](path);
		expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, path, &err));
		f->made--;
	}
}

static void test_failed_making_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;

	assert_int_equal(cache_make(&f->cache, "thing", &f->id, fill_and_fail, f, NULL, &err), -ENOSPC);
	assert_string_equal(err.msg, "the disk is full");
	assert_int_equal(cache_get(&f->cache, "thing", &f->id, NULL), -ENOENT);
	assert_int_equal(count_files(f->cache.path), 1); /* only the lock is left */
	expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, NULL, &err));
}

static int fill_slowly(int fd, void *arg, struct err *err)
{
	int r = fd_write_full(fd, "con", 3);

	(void)err;
	/* Each maker leaves a mark outside, and gives the others time to come. */
	assert_int_equal(write(*(int *)arg, "m", 1), 1);
	usleep(50000);
	return r ? r : fd_write_full(fd, "tents", 5);
}

enum { MAKERS = 8 };

/* Lets many processes make the same entry at once; each of them must get it. Returns how many have made it. */
static size_t race(struct fixture *f)
{
	char marks[MAKERS + 1];
	int pipe_fds[2];
	ssize_t n;

	assert_int_equal(pipe(pipe_fds), 0);
	for (int i = 0; i < MAKERS; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			struct cache own;
			struct err err = ERR_INIT;
			char text[8] = "", path[PATH_MAX];
			int fd;

			if (cache_open(&own, f->cache.path, &err) < 0)
				_exit(1);
			fd = cache_make(&own, "thing", &f->id, fill_slowly, &pipe_fds[1], path, &err);
			if (fd < 0 || pread(fd, text, 8, 0) != 8 || memcmp(text, "contents", 8) != 0)
				_exit(2);
			fd = open(path, O_RDONLY);
			_exit(pread(fd, text, 8, 0) == 8 && memcmp(text, "contents", 8) == 0 ? 0 : 3);
		}
	}
	for (int i = 0; i < MAKERS; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	close(pipe_fds[1]);
	n = read(pipe_fds[0], marks, sizeof(marks));
	close(pipe_fds[0]);
	assert_true(n > 0);
	return (size_t)n;
}

static void test_racing_makers(void **state)
{
	assert_int_equal(race(*state), 1);
}

/* Takes the lock as another process would that can read its file, which has the mode @mode. */
static int hold_lock(const struct fixture *f, mode_t mode)
{
	int fd = openat(f->cache.dirfd, ".lock", O_RDONLY | O_CREAT | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

static int lock_mode(const struct fixture *f)
{
	struct stat st;

	assert_int_equal(fstatat(f->cache.dirfd, ".lock", &st, AT_SYMLINK_NOFOLLOW), 0);
	return (int)(st.st_mode & 07777);
}

/* Anybody who can read the file can hold its lock, so nobody else can, and a lock that others could take is none. */
static void test_lock_of_others(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	int held = hold_lock(f, 0644);

	alarm(HANG_S);
	paused_ns = 0;
	expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, NULL, &err));
	alarm(0);
	assert_true(paused_ns == 0);
	assert_int_equal(lock_mode(f), 0600);
	close(held);
}

static void test_lock_is_new(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;

	expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, NULL, &err));
	assert_int_equal(lock_mode(f), 0600);
}

/* A lock that is never let go costs its bound and nothing else. */
static void test_lock_that_is_held(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	char path[PATH_MAX];
	int held = hold_lock(f, 0600);

	alarm(HANG_S);
	skipping = true;
	paused_ns = 0;
	expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, path, &err));
	assert_in_range(paused_ns / 1000000, CACHE_LOCK_MS - 1000, CACHE_LOCK_MS + 1000);
	assert_int_equal(err.errnum, 0);
	assert_int_equal(f->made, 1);

	/* who holds it may be between two renames: what looks damaged stays, and counts as missing */
	damage_seal(path);
	paused_ns = 0;
	assert_int_equal(cache_get(&f->cache, "thing", &f->id, NULL), -ENOENT);
	alarm(0);
	skipping = false;
	assert_true(paused_ns == 0); /* once is enough */
	assert_int_equal(access(path, F_OK), 0);
	close(held);
	assert_int_equal(cache_get(&f->cache, "thing", &f->id, NULL), -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
}

/* Many that go on without the lock may spoil each other's entry for those that come later, but none fails. */
static void test_racing_without_lock(void **state)
{
	struct fixture *f = *state;
	int held = hold_lock(f, 0600);

	skipping = true;
	assert_true(race(f) >= 1);
	skipping = false;
	close(held);
}

/* Makes the entry while it is being made, as a process with the same number in another PID namespace could. */
static int fill_twice(int fd, void *arg, struct err *err)
{
	struct fixture *f = arg;

	expect_contents(cache_make(&f->cache, "thing", &f->id, fill, f, NULL, err));
	return fill(fd, arg, err);
}

static void test_same_number_without_lock(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	char path[PATH_MAX];
	int held = hold_lock(f, 0600);

	skipping = true;
	expect_contents(cache_make(&f->cache, "thing", &f->id, fill_twice, f, path, &err));
	skipping = false;
	assert_int_equal(f->made, 2);
	expect_contents(open(path, O_RDONLY));
	expect_contents(cache_get(&f->cache, "thing", &f->id, NULL));
	assert_int_equal(count_files(f->cache.path), 3); /* the entry, its seal and the lock */
	close(held);
}

static void test_old_entries_go(void **state)
{
	struct fixture *f = *state;
	struct err err = ERR_INIT;
	struct cache_id last = f->id;

	for (uint64_t i = 0; i < 3 * CACHE_KEEP; i++) {
		last = (struct cache_id)CACHE_ID_INIT;
		cache_id_add_u64(&last, i);
		expect_contents(cache_make(&f->cache, "thing", &last, fill, f, NULL, &err));
	}
	expect_contents(cache_get(&f->cache, "thing", &last, NULL));
	assert_int_equal(count_files(f->cache.path), 2 * CACHE_KEEP + 1);
}

static void test_refused_directories(void **state)
{
	struct fixture *f = *state;
	autofree char *open_dir = fixture_path(f->dir, "open"), *file = fixture_path(f->dir, "file");
	struct err err = ERR_INIT;
	struct cache c;

	assert_int_equal(mkdir(open_dir, 0755), 0);
	assert_int_equal(chmod(open_dir, 0777), 0);
	assert_int_equal(cache_open(&c, open_dir, &err), -EPERM);
	assert_non_null(strstr(err.msg, "other users may write to it"));
	assert_false(cache_trusted(open_dir));
	assert_true(cache_trusted(f->dir));
	{
		struct kernel_places places; /* nor do kernels that lie in it count */

		search_places_default(&places, open_dir);
		assert_true(!places.cache_dirs[0] || strcmp(places.cache_dirs[0], open_dir) != 0);
		search_places_default(&places, f->dir);
		assert_string_equal(places.cache_dirs[0], f->dir);
	}
	cache_done(&c);
	fixture_write(f->dir, "file", "", 0);
	assert_int_equal(cache_open(&c, file, &err), -ENOTDIR);
	assert_int_equal(cache_open(&c, "relative", &err), -EINVAL);
	assert_int_equal(cache_open(&c, "/proc/no-such-thing", &err), -ENOENT);
}

static void test_unwritable_directory(void **state)
{
	struct fixture *f = *state;
	pid_t pid;
	int status;

	/* Root may write everywhere, so another user tries. */
	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0) {
		struct err err = ERR_INIT;
		struct cache c;

		if (setuid(65534) < 0)
			_exit(2);
		_exit(cache_open(&c, f->cache.path, &err) == -EACCES && strstr(err.msg, f->cache.path) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_ids_differ(void **state)
{
	struct cache_id a = CACHE_ID_INIT, b = CACHE_ID_INIT, c = CACHE_ID_INIT, d = CACHE_ID_INIT;

	(void)state;
	cache_id_add_str(&a, "ab");
	cache_id_add_str(&a, "c");
	cache_id_add_str(&b, "a");
	cache_id_add_str(&b, "bc");
	assert_memory_not_equal(&a, &b, sizeof(a));
	cache_id_add(&c, "12345678\0", 9);
	cache_id_add(&d, "12345678", 8);
	assert_memory_not_equal(&c, &d, sizeof(c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_made_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_is_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_making_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_racing_makers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_is_new, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock_that_is_held, setup, teardown),
		cmocka_unit_test_setup_teardown(test_racing_without_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_number_without_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_old_entries_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_directories, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unwritable_directory, setup, teardown),
		cmocka_unit_test(test_ids_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
