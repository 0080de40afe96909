/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/host/sock.c and src/host/userns.c: long socket paths, and user namespaces made and joined. */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "host/sock.h"
#include "host/userns.h"

static void paths_longer_than_an_address_are_connected(void **state)
{
	char top[] = "/tmp/test_sock.XXXXXX", dir[512], path[600], name[120];
	struct sockaddr_un address;
	int dirfd, listener, fd;

	(void)state;
	assert_non_null(mkdtemp(top));
	(void)snprintf(dir, sizeof(dir), "%s/%0200d", top, 0); /* fits */
	(void)snprintf(path, sizeof(path), "%s/socket", dir);  /* fits */
	assert_int_equal(mkdir(dir, 0700), 0);
	dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(dirfd >= 0);
	assert_int_equal(sock_connect_path(path, SOCK_STREAM), -ENOENT);

	assert_int_equal(sock_address_at(dirfd, "socket", &address), 0);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(sock_connect_path(path, SOCK_STREAM), -ECONNREFUSED); /* nobody listens */
	assert_int_equal(listen(listener, 1), 0);
	fd = sock_connect_path(path, SOCK_STREAM);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(sock_connect_path(path, SOCK_SEQPACKET), -EPROTOTYPE);

	/* The name alone must fit. */
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(sock_address_at(dirfd, name, &address), -ENAMETOOLONG);
	close(listener);
	close(dirfd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(top), 0);
}

static void a_user_namespace_is_made_and_joined(void **state)
{
	struct userns made, joined;
	char *text;
	struct stat a, b;
	int fd, owner, r = userns_hold(-1, CLONE_NEWNET, &made);

	(void)state;
	if (r < 0) {
		print_message("no user namespaces here: %s\n", strerror(-r));
		skip();
	}
	assert_int_equal(userns_read_map(&made, "uid_map", 4096, &text), 0);
	assert_string_equal(text, "");
	free(text);
	r = userns_write_map(&made, "uid_map", "0 0 1\n");
	if (r < 0) { /* only root may write it */
		userns_done(&made);
		skip();
	}
	/* a namespace made there belongs to it */
	fd = userns_open(&made, "net");
	assert_true(fd >= 0);
	owner = ioctl(fd, NS_GET_USERNS);
	assert_true(owner >= 0);
	close(fd);
	fd = userns_open(&made, "user");
	assert_true(fd >= 0);
	assert_int_equal(fstat(owner, &a), 0);
	assert_int_equal(fstat(fd, &b), 0);
	assert_true(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
	close(owner);
	userns_done(&made);
	assert_int_equal(kill(made.pid, 0), -1); /* it was reaped, and the descriptor holds the namespace */

	assert_int_equal(userns_hold(fd, 0, &joined), 0);
	assert_int_equal(userns_read_map(&joined, "uid_map", 4096, &text), 0);
	assert_int_equal(strtol(text, NULL, 10), 0);
	free(text);
	userns_done(&joined);
	close(fd);
	assert_int_equal(userns_read_map(NULL, "uid_map", 65536, &text), 0); /* our own */
	assert_true(*text);
	free(text);
}

static void what_is_no_user_namespace_is_refused(void **state)
{
	int fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	struct userns u;

	(void)state;
	assert_int_equal(userns_hold(fd, 0, &u), -EINVAL);
	close(fd);
	fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	assert_int_equal(userns_hold(fd, 0, &u), -EINVAL); /* setns(2) refuses the namespace that one is in */
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_longer_than_an_address_are_connected),
		cmocka_unit_test(a_user_namespace_is_made_and_joined),
		cmocka_unit_test(what_is_no_user_namespace_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
