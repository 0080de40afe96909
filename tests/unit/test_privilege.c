/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs the program, and an ordinary user's way into a user namespace. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "cgroup/rights.h"
#include "host/privilege.h"

/* A user whom no machine knows, and to whom nothing is given. */
#define USER 471147

static void test_ranges(void **state)
{
	static const char text[] =
		"# a comment\nroot:1:1\nme:100000:65536\nbroken\nme:x:y\n471147:300000:10\nme:400000:0\n"
		"meme:500000:5\nme:600000:7";
	static const char *const wanted[] = { "100000", "100000", "65536", "300000", "300000", "10", "600000", "600000",
		"7" };
	char file[] = "/tmp/test_privilege.XXXXXX", *args[9] = { NULL };
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(privilege_ranges(file, "me", USER, args, 3), 3);
	for (size_t i = 0; i < ARRAY_LEN(args); i++) {
		assert_string_equal(args[i], wanted[i]);
		free(args[i]);
	}
	assert_int_equal(privilege_ranges(file, "me", USER, args, 1), 1);
	for (size_t i = 0; i < 3; i++)
		free(args[i]);
	assert_int_equal(privilege_ranges(file, NULL, USER + 1, args, 3), 0);
	fd_close(fd);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(privilege_ranges(file, "me", USER, args, 3), 0);
}

/* Runs @check in a child that is USER: its exit status, 0 if all was well, else the line that was not. */
static int as_user(int (*check)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(USER) < 0 || setuid(USER) < 0)
			_exit(255);
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* as after execve(2): its /proc is its own */
		_exit(check());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define NEED(condition)                                             \
	do {                                                        \
		if (!(condition))                                   \
			return __LINE__ & 127 ? __LINE__ & 127 : 1; \
	} while (0)

static int enters(void)
{
	struct err err = ERR_INIT;
	char *text = NULL;
	unsigned int inside, outside, count;

	NEED(!privilege_is_root());
	NEED(privilege_uid() == USER);
	NEED(privilege_try(&err) == 0);
	NEED(mount("none", "/tmp", "tmpfs", 0, NULL) < 0); /* nothing has been entered yet */
	NEED(privilege_enter(&err) == 0);
	NEED(geteuid() == USER && getegid() == USER);
	NEED(!privilege_is_root());
	NEED(fd_read_file(AT_FDCWD, "/proc/self/uid_map", 4096, &text, NULL) == 0);
	NEED(sscanf(text, "%u %u %u", &inside, &outside, &count) == 3);
	NEED(inside == USER && outside == USER && count == 1);
	free(text);
	NEED(mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
	/* what execve(2) keeps; and a second time is none */
	NEED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 21 /* CAP_SYS_ADMIN */, 0, 0) == 1);
	NEED(privilege_enter(&err) == 0);
	return 0;
}

/* The host's mounts stay as they are, and its root is who it was. */
static void test_enter(void **state)
{
	struct err err = ERR_INIT;
	struct stat before, after;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(privilege_is_root());
	assert_int_equal(privilege_uid(), 0);
	assert_int_equal(privilege_enter(&err), 0);
	assert_int_equal(privilege_try(&err), 0);
	assert_int_equal(stat("/tmp", &before), 0);
	assert_int_equal(as_user(enters), 0);
	assert_int_equal(stat("/tmp", &after), 0);
	assert_int_equal(before.st_dev, after.st_dev);
}

static char cgroup[128];

/* Of the one cgroup @cgroup/made, which is missing. */
static bool may_have_one(void)
{
	char made[160], *list[] = { made };
	const struct cgroups c = { .dirs = { .n = 1, .v = list }, .made = { .n = 1, .v = list } };

	(void)snprintf(made, sizeof(made), "%s/made", cgroup);
	return rights_suffice(&c);
}

static int has_rights(void)
{
	return may_have_one() ? 0 : 1;
}

/* A user may have a cgroup below one that was given to him, and none below one that was not. */
static void test_rights(void **state)
{
	static const char *const mounts[] = { "/sys/fs/cgroup/pids", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/systemd" };
	size_t i = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (; i < ARRAY_LEN(mounts); i++) {
		(void)snprintf(cgroup, sizeof(cgroup), "%s/vmrunc-test-rights-%ld", mounts[i], (long)getpid());
		if (mkdir(cgroup, 0755) == 0)
			break;
	}
	if (i == ARRAY_LEN(mounts))
		skip(); /* a host of cgroup v2 alone: tests/engines */
	assert_true(may_have_one());
	assert_int_equal(as_user(has_rights), 1);
	assert_int_equal(chown(cgroup, USER, USER), 0);
	assert_int_equal(as_user(has_rights), 0);
	assert_int_equal(rmdir(cgroup), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_enter),
		cmocka_unit_test(test_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
