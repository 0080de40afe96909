/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled seccomp programs in the cache: the same as compiled anew, whatever lies in the cache. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/filter_store.h"
#include "base/fd.h"
#include "spec/seccomp.h"
#include "tests/unit/group.h"

#define CONFIG(rule)                                                                                                \
	"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"r\"},\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_" \
	"ALLOW\","                                                                                                  \
	"\"architectures\":[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\"],\"syscalls\":[" rule "]}}}"
#define DENY_MKDIR "{\"names\":[\"mkdir\",\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":13}"
#define DENY_RMDIR "{\"names\":[\"rmdir\",\"no_such_call\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":13}"

static char dir[] = "/tmp/test_filter_store.XXXXXX";

/* The program of @config, taken from @store or compiled, and how many warnings it made. */
static struct seccomp_program compiled(const char *config, const struct seccomp_store *store, size_t *ret_warnings)
{
	struct warnings w = WARNINGS_INIT;
	struct seccomp_program program = { 0 };
	struct err err = ERR_INIT;
	struct spec *s = NULL;

	if (spec_parse("c.json", config, strlen(config), &s, NULL, &err) != 0 ||
		seccomp_compile(s->linux_->seccomp, store, &program, &w, &err) != 0)
		fail_msg("%s", err.msg);
	*ret_warnings = w.n;
	warnings_done(&w);
	spec_free(s);
	return program;
}

/* What @config gives, without the store and with it, is the same. */
static void same_with_store(const char *config)
{
	const struct seccomp_store store = filter_store(dir);
	struct seccomp_program without, with;
	size_t warned_without, warned_with;

	without = compiled(config, NULL, &warned_without);
	with = compiled(config, &store, &warned_with);
	assert_int_equal(with.n, without.n);
	assert_memory_equal(with.insns, without.insns, with.n * sizeof(*with.insns));
	assert_int_equal(with.flags, without.flags);
	assert_int_equal(warned_with, 1); /* no_such_call */
	assert_int_equal(warned_without, 1);
	seccomp_program_done(&with);
	seccomp_program_done(&without);
}

/* Calls @each for the path of every entry, if it is not NULL: how many there are. */
static int entries(void (*each)(const char *path))
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		char path[sizeof(dir) + 256];

		if (strncmp(e->d_name, "seccomp-", 8) != 0 || strstr(e->d_name, ".seal"))
			continue;
		n++;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (each)
			each(path);
	}
	closedir(d);
	return n;
}

static void kept_once_and_taken(void **state)
{
	(void)state;
	same_with_store(CONFIG(DENY_MKDIR)); /* made */
	assert_int_equal(entries(NULL), 1);
	same_with_store(CONFIG(DENY_MKDIR)); /* taken */
	assert_int_equal(entries(NULL), 1);
	same_with_store(CONFIG(DENY_RMDIR)); /* another one */
	assert_int_equal(entries(NULL), 2);
}

/* Writes @len bytes at @at without the seal's noticing: size, inode and times stay. */
static void forge(const char *path, off_t at, const void *bytes, size_t len)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	struct timespec times[2];

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(pwrite(fd, bytes, len, at), (ssize_t)len);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static void forge_key(const char *path)
{
	forge(path, 30, "\xff\xff", 2);
}

static void forge_length(const char *path)
{
	forge(path, 0, "\xff\xff\xff\x7f", 4);
}

static void empty(const char *path)
{
	assert_int_equal(truncate(path, 0), 0);
}

static void other_profiles_and_damage_are_not_taken(void **state)
{
	static void (*const damage[])(const char *) = { forge_key, forge_length, empty };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damage); i++) {
		same_with_store(CONFIG(DENY_MKDIR));
		assert_true(entries(damage[i]) >= 1);
		same_with_store(CONFIG(DENY_MKDIR));
	}
}

static void a_cache_that_cannot_be_written_is_no_harm(void **state)
{
	char good[sizeof(dir)];

	(void)state;
	memcpy(good, dir, sizeof(dir));
	memcpy(dir, "/proc/none/there/filter_store", sizeof("/proc/none/there/filter_store"));
	same_with_store(CONFIG(DENY_MKDIR));
	memcpy(dir, good, sizeof(dir));
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[sizeof(dir) + 16];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_once_and_taken),
		cmocka_unit_test(other_profiles_and_damage_are_not_taken),
		cmocka_unit_test(a_cache_that_cannot_be_written_is_no_harm),
	};

	return run_counted_tests(tests, make_dir, remove_dir);
}
