/* SPDX-License-Identifier: Apache-2.0 */
/* Which capabilities are left in the jail, and that the file service does its work with them. Each case is a process. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "fs/fs.h"
#include "jail/jail.h"
#include "tests/unit/tempdir.h"

#define STRANGER 1234 /* owns a file of mode 0600 */

#define require(what)                                                                              \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			print_error("line %d: %s (errno %s)\n", __LINE__, #what, strerror(errno)); \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static char dir[64];

static int setup(void **state)
{
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip();
	strcpy(dir, "/tmp/vmrunc-jail-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chdir(dir), 0);
	fd = open("theirs", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && fchown(fd, STRANGER, STRANGER) == 0);
	(void)close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	tempdir_remove(dir);
	return 0;
}

/* In the child: the service of the directory after jail_drop(), and its root. */
static struct fs_node *serve(enum jail_service service, unsigned int flags, const struct file_policy *files)
{
	int fd = open(dir, O_PATH | O_CLOEXEC);
	struct err err = ERR_INIT;
	struct fs_node *top, *root;
	struct fs_ident ident;
	struct fs *fs;

	require(fs_new(-1, &fs, &err) == 0);
	require(fs_export_add(fs, "e", fd, flags, &err) == 0);
	require(jail_drop(service, files, &err) == 0);
	require(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	require(fs_thread_init(fs) == 0);
	top = fs_root(fs);
	require(fs_walk(top, "e", &root, &ident) == 0);
	return root;
}

/* The capabilities that the process has: those that are permitted, effective and in the bounding set, which are the same. */
static uint64_t caps(void)
{
	uint64_t effective = 0, permitted = 0, bounding = 0;
	cap_t now = cap_get_proc();

	for (cap_value_t cap = 0; cap < cap_max_bits(); cap++) {
		cap_flag_value_t e = CAP_CLEAR, p = CAP_CLEAR;

		require(cap_get_flag(now, cap, CAP_EFFECTIVE, &e) == 0 &&
			cap_get_flag(now, cap, CAP_PERMITTED, &p) == 0);
		effective |= (uint64_t)(e == CAP_SET) << cap;
		permitted |= (uint64_t)(p == CAP_SET) << cap;
		bounding |= (uint64_t)(cap_get_bound(cap) == 1) << cap;
	}
	(void)cap_free(now);
	require(permitted == bounding && (effective == permitted || effective == (permitted & ~(1ull << CAP_FSETID))));
	return permitted;
}

static int try_open(struct fs_node *root, const char *name, int flags)
{
	struct fs_ident ident;
	struct fs_file *file;
	struct fs_node *node;
	int r;

	require(fs_walk(root, name, &node, &ident) == 0);
	r = fs_open(node, flags, 0, &file, &ident);
	if (r == 0)
		fs_file_put(file);
	fs_node_put(node);
	return r;
}

static int try_create(struct fs_node *root, const char *name)
{
	const struct fs_owner owner = { STRANGER, STRANGER + 1 };
	struct fs_ident ident;
	struct fs_file *file;
	struct fs_node *node;

	return fs_create(root, name, O_WRONLY | O_EXCL, 0600, owner, &node, &file, &ident);
}

static void who_writes(void)
{
	const struct file_policy none = { .devices = false };
	struct fs_node *root = serve(JAIL_WRITES, 0, &none);

	require(caps() == 0xdb); /* CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID */
	require(try_create(root, "new") == 0);
	require(try_open(root, "theirs", O_RDWR) == 0);
	require(try_create(root, "again") == 0); /* whoever the thread was meanwhile */
}

static void who_reads(void)
{
	const struct file_policy all = FILE_POLICY_ALL;
	struct fs_node *root = serve(JAIL_READS, FS_EXPORT_READONLY, &all);

	require(caps() == 1ull << CAP_DAC_OVERRIDE);
	require(try_open(root, "theirs", O_RDONLY) == 0);
	require(try_open(root, "theirs", O_RDONLY | O_NOATIME) == 0);
	require(try_open(root, "theirs", O_RDWR) == -EROFS);
	require(try_create(root, "new") == -EROFS);
}

static void who_serves_no_files(void)
{
	const struct file_policy all = FILE_POLICY_ALL;
	struct fs_node *root = serve(JAIL_NO_FILES, 0, &all);

	require(caps() == 0);
	require(try_open(root, "theirs", O_RDONLY) == -EACCES);
}

static void in_child(void (*what)(void))
{
	pid_t pid;
	int status;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void files_are_written_with_six(void **state)
{
	struct stat st;

	(void)state;
	in_child(who_writes);
	assert_int_equal(stat("again", &st), 0);
	assert_true(st.st_uid == STRANGER && st.st_gid == STRANGER + 1);
}

static void files_are_read_with_one(void **state)
{
	(void)state;
	in_child(who_reads);
}

static void without_files_there_are_none(void **state)
{
	(void)state;
	in_child(who_serves_no_files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_are_written_with_six, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_read_with_one, setup, teardown),
		cmocka_unit_test_setup_teardown(without_files_there_are_none, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
