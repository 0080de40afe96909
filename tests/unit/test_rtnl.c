/* SPDX-License-Identifier: Apache-2.0 */
/* Netlink sockets: in a network namespace that is not the caller's, of root's and of a user's own; and one that goes on changing. */
#include <fcntl.h>
#include <sched.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/tap.h"

#define USER 471148
#define GROUP 7
#define CROWD 60 /* interfaces: a list of them comes in several pieces */
#define READS 1000

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

/* Makes a tap, which is there for as long as the descriptor is open. */
static int open_tap(void)
{
	struct ifreq ifr = { .ifr_name = "crowd%d", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open(TAP_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) < 0)
		fd_close(steal_fd(&fd));
	return fd;
}

/* Has a process make and end one tap after the other, until it is killed: its pid. */
static pid_t change_for_ever(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			fd_close(open_tap());
	}
	return pid;
}

/*
 * Reads the interfaces of a new namespace while one of them comes and goes: each time the list is whole, or has changed
 * meanwhile; when nothing changes any more it is whole. 0, or the number of the step that failed.
 */
static int read_what_changes(void)
{
	autortnl r = RTNL_INIT;
	struct err err = ERR_INIT;
	int failed = 0;
	pid_t pid;

	if (unshare(CLONE_NEWNET) < 0 || rtnl_open(-1, 0, &r, &err) < 0)
		return 1;
	for (int i = 0; i < CROWD; i++) {
		if (open_tap() < 0)
			return 2;
	}
	pid = change_for_ever();
	if (pid < 0)
		return 3;
	for (int i = 0; !failed && i < READS; i++) {
		autolinks list = LINKS_NONE;
		int e = links_read(&r, &list);

		if (e != -EINTR && (e < 0 || list.n < CROWD + 1 || list.n > CROWD + 2))
			failed = 4;
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	for (int i = 0; !failed && i < 3; i++) {
		autolinks list = LINKS_NONE;

		if (links_read(&r, &list) < 0 || list.n != CROWD + 1)
			failed = 5;
	}
	return failed;
}

static void test_of_what_changes(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	if (geteuid() != 0 || access(TAP_DEVICE, R_OK | W_OK) < 0)
		skip();
	pid = fork();
	if (pid == 0)
		_exit(read_what_changes());
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
		cmocka_unit_test(test_of_what_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
