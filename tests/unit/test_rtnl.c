/* SPDX-License-Identifier: Apache-2.0 */
/* A netlink socket in a network namespace that is not the caller's: of root's, and of a user's own. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "net/link.h"
#include "net/rtnl.h"

#define USER 471148
#define GROUP 7

/* A process that stands in new namespaces, @flags, until it is killed: its pid. */
static pid_t stand(int flags)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(flags) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	fd_close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	fd_close(ready[0]);
	return pid;
}

/*
 * Opens a socket in the network namespace of a process in new namespaces, @flags, and changes what is there: 0, or the
 * number of the step that failed.
 */
static int talk_to(int flags)
{
	struct stat before, after;
	autolinks list = LINKS_NONE;
	autortnl r = RTNL_INIT;
	struct err err = ERR_INIT;
	pid_t pid = stand(flags);
	char path[64];
	int ns, failed = 0;

	if (pid < 0)
		return 1;
	(void)snprintf(path, sizeof(path), "/proc/%ld/ns/net", (long)pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || stat("/proc/self/ns/net", &before) < 0)
		failed = 2;
	else if (rtnl_open(ns, 0, &r, &err) < 0)
		failed = 3;
	else if (link_set_group(&r, 1, GROUP, true) < 0)
		failed = 4;
	else if (links_read(&r, &list) < 0 || list.n != 1 || strcmp(list.v[0].name, "lo") != 0)
		failed = 5;
	else if (stat("/proc/self/ns/net", &after) < 0 || after.st_ino != before.st_ino)
		failed = 6;
	fd_close(ns);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return failed;
}

static void test_of_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(talk_to(CLONE_NEWNET), 0);
}

/* A user has the rights in the network of the user namespace that he has made, and can enter it by that one alone. */
static void test_of_a_user(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0) {
		if (setgid(USER) < 0 || setuid(USER) < 0)
			_exit(100);
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* as after execve(2): its /proc is its own */
		_exit(talk_to(CLONE_NEWUSER | CLONE_NEWNET));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_root),
		cmocka_unit_test(test_of_a_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
