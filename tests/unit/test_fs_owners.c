/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of src/host/owners.c, and of src/fs in a user namespace: whose files are served, and under which numbers.
 * What happens in a namespace happens in a child, which says what went wrong there and exits with 1.
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
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/le.h"
#include "fs/fs.h"
#include "host/owners.h"
#include "tests/unit/tempdir.h"

static struct owner_range users[] = { { .inside = 0, .outside = 100000, .count = 1000 },
	{ .inside = 2000, .outside = 5000, .count = 1 }, { .inside = 65534, .outside = 6000, .count = 1 } };
static struct owner_range groups[] = { { .inside = 0, .outside = 200000, .count = 1000 } };
static uint32_t more[] = { 7 };
static const struct owner_maps maps = {
	.users = { users, 3 }, .groups = { groups, 1 }, .user = 0, .group = 0, .more = more, .more_len = 1
};

static void an_owner_has_two_numbers(void **state)
{
	struct owner_range taken[] = { { .inside = 0, .outside = 65000, .count = 1000 } };
	const struct owner_map with_nobody = { taken, 1 };
	uint32_t id = 42;

	(void)state;
	assert_true(owner_inside(&maps.users, 100999, &id));
	assert_int_equal(id, 999);
	assert_true(owner_inside(&maps.users, 5000, &id));
	assert_int_equal(id, 2000);
	assert_false(owner_inside(&maps.users, 0, &id));
	assert_false(owner_inside(&maps.users, 101000, &id));
	assert_false(owner_inside(&maps.users, 99999, &id));
	assert_int_equal(owner_outside(&maps.users, 0), 100000);
	assert_int_equal(owner_outside(&maps.users, 2000), 5000);
	assert_int_equal(owner_outside(&maps.users, 2001), 65534);
	/* nobody is nobody outside, too, who is none of those that the container has */
	assert_int_equal(owner_outside(&with_nobody, 65534), UINT32_MAX - 1);
}

#define require(what)                                                                              \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			print_error("line %d: %s (errno %s)\n", __LINE__, #what, strerror(errno)); \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static char dir[64];

static void make(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	int fd = openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchown(fd, uid, gid), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static int setup(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	strcpy(dir, "/tmp/vmrunc-owners-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 01777), 0);
	assert_int_equal(chdir(dir), 0);
	make("root", 0, 0, 0600);
	make("plain", 0, 0, 0644);
	make("group", 0, 200007, 0660);
	make("ours", 100005, 200000, 0600);
	make("theirs", 5000, 200000, 0600);
	make("half", 100005, 0, 0600);
	make("nobody", 6000, 200000, 0);
	assert_int_equal(mkdir("root-dir", 0755), 0);
	assert_int_equal(mkdir("half-dir", 0700), 0);
	make("half-dir/file", 100005, 0, 0600);
	assert_int_equal(chown("half-dir", 100005, 0), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(chdir("/"), 0);
	tempdir_remove(dir);
	return 0;
}

/* In the child: the service of the directory, and its root. */
static struct fs *serve(struct fs_node **ret_root)
{
	int user_ns = owners_new_namespace(&maps, false), fd = open(dir, O_PATH | O_CLOEXEC);
	struct err err = ERR_INIT;
	struct fs_ident ident;
	struct fs_node *top;
	struct fs *fs;

	require(user_ns >= 0 && fd >= 0);
	require(fs_new(-1, &fs, &err) == 0);
	fs_set_owners(fs, &maps);
	require(fs_export_add(fs, "e", fd, 0, &err) == 0);
	require(owners_enter(&maps, false, user_ns) == 0);
	require(geteuid() == 0 && getegid() == 0);
	require(fs_thread_init(fs) == 0);
	top = fs_root(fs);
	require(fs_walk(top, "e", ret_root, &ident) == 0);
	return fs;
}

static struct fs_node *find(struct fs_node *root, const char *name)
{
	struct fs_ident ident;
	struct fs_node *node;

	require(fs_walk(root, name, &node, &ident) == 0);
	return node;
}

static int try_open(struct fs_node *root, const char *name, int flags)
{
	struct fs_ident ident;
	struct fs_file *file;
	int r = fs_open(find(root, name), flags, 0, &file, &ident);

	if (r == 0)
		fs_file_put(file);
	return r;
}

static int try_chown(struct fs_node *root, const char *name, uint32_t uid, uint32_t gid)
{
	const struct fs_setattr set = { .valid = FS_SET_UID | FS_SET_GID, .uid = uid, .gid = gid };

	return fs_setattr(find(root, name), NULL, &set, 0);
}

static void in_child(void (*what)(struct fs_node *root))
{
	pid_t pid;
	int status;

	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct fs_node *root;

		(void)serve(&root);
		what(root);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void open_all(struct fs_node *root)
{
	struct fs_attr attr;

	require(try_open(root, "root", O_RDONLY) == -EACCES);
	require(try_open(root, "plain", O_RDONLY) == 0);
	require(try_open(root, "plain", O_WRONLY) == -EACCES);
	require(try_open(root, "group", O_RDWR) == 0); /* a group of the config's process */
	require(try_open(root, "ours", O_RDWR) == 0);
	require(try_open(root, "theirs", O_RDWR) == 0);
	require(fs_getattr(find(root, "root"), &attr) == 0 && attr.uid == 65534 && attr.gid == 65534);
	require(fs_getattr(find(root, "plain"), &attr) == 0 && attr.uid == 65534 && attr.gid == 65534);
	require(fs_getattr(find(root, "root-dir"), &attr) == 0 && attr.uid == 65534 && attr.gid == 65534);
	/* the container's own nobody, whose number inside is that of all who have none */
	require(fs_getattr(find(root, "nobody"), &attr) == 0 && attr.uid == 6000 && attr.gid == 200000);
	require(fs_getattr(find(root, "ours"), &attr) == 0 && attr.uid == 100005 && attr.gid == 200000);
	require(fs_getattr(find(root, "theirs"), &attr) == 0 && attr.uid == 5000);
	require(fs_getattr(find(root, "group"), &attr) == 0 && attr.uid == 65534 && attr.gid == 200007);
}

/* What a process of the container owns is that process's, if the host's root has its group. */
static void use_half(struct fs_node *root)
{
	const struct fs_setattr mode = { .valid = FS_SET_MODE, .mode = 0640 };
	struct fs_node *inside = find(root, "half-dir");

	require(try_open(root, "half", O_RDWR) == 0);
	require(try_open(root, "half", O_WRONLY | O_TRUNC) == 0);
	require(fs_setattr(find(root, "half"), NULL, &mode, 0) == 0);
	require(try_open(inside, "file", O_RDWR) == 0);
	require(fs_rename(inside, "file", inside, "moved") == 0);
	require(fs_unlink(inside, "moved", false) == 0);
	require(try_open(root, "root", O_RDONLY) == -EACCES); /* whoever the thread was before */
}

static void the_owner_of_a_file_needs_no_group(void **state)
{
	(void)state;
	in_child(use_half);
}

static void owners_without_a_number_are_strangers(void **state)
{
	(void)state;
	in_child(open_all);
}

static void change_all(struct fs_node *root)
{
	const struct fs_setattr mode = { .valid = FS_SET_MODE, .mode = 04755 };
	struct fs_owner of_root = { 0, 0 }, of_ours = { 100009, 200009 };
	struct fs_ident ident;
	struct fs_node *node;
	struct fs_file *file;

	require(try_chown(root, "ours", 0, 0) == -EINVAL);
	require(try_chown(root, "ours", 101000, 200000) == -EINVAL);
	require(try_chown(root, "root", 100000, 200000) == -EPERM);
	require(try_chown(root, "ours", 100006, 200999) == 0);
	require(fs_setattr(find(root, "root"), NULL, &mode, 0) == -EPERM);
	require(fs_unlink(root, "root", false) == -EPERM); /* the directory is sticky */
	require(fs_create(root, "by-root", O_WRONLY | O_EXCL, 06755, of_root, &node, &file, &ident) == 0);
	require(fs_mkdir(root, "by-ours", 0755, of_ours, &ident) == 0);
}

static void nothing_is_made_for_strangers(void **state)
{
	struct stat st;

	(void)state;
	in_child(change_all);
	assert_int_equal(stat("ours", &st), 0);
	assert_true(st.st_uid == 100006 && st.st_gid == 200999);
	assert_int_equal(stat("by-root", &st), 0);
	assert_true(st.st_uid == 100000 && st.st_gid == 200000);
	assert_int_equal(stat("by-ours", &st), 0);
	assert_true(st.st_uid == 100009 && st.st_gid == 200009);
	assert_int_equal(stat("root", &st), 0);
	assert_true(st.st_uid == 0 && (st.st_mode & 07777) == 0600);
}

/* An ACL of the owner, the user @uid, the group, the group @gid, a mask and the rest. */
static void fill_acl(uint8_t acl[52], uint32_t uid, uint32_t gid)
{
	static const uint16_t tags[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20 };

	le32_put(acl, 2);
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		le16_put(acl + 4 + 8 * i, tags[i]);
		le16_put(acl + 6 + 8 * i, 4);
		le32_put(acl + 8 + 8 * i, tags[i] == 0x02 ? uid : tags[i] == 0x08 ? gid : UINT32_MAX);
	}
}

static void set_acls(struct fs_node *root)
{
	uint8_t acl[52], got[52];
	struct fs_node *node = find(root, "ours");

	fill_acl(acl, 100007, 200008);
	require(fs_setxattr(node, "system.posix_acl_access", acl, sizeof(acl), 0) == 0);
	require(fs_getxattr(node, "system.posix_acl_access", got, sizeof(got)) == sizeof(got));
	require(memcmp(acl, got, sizeof(got)) == 0);
	fill_acl(acl, 0, 200008);
	require(fs_setxattr(node, "system.posix_acl_access", acl, sizeof(acl), 0) == -EINVAL);
	require(fs_setxattr(node, "system.posix_acl_access", acl, 3, 0) < 0); /* too short to have anybody in it */
}

static void access_lists_have_the_same_owners(void **state)
{
	uint8_t acl[52], want[52];

	(void)state;
	fill_acl(want, 0, 0);
	if (setxattr("plain", "system.posix_acl_access", want, sizeof(want), 0) < 0)
		skip(); /* a file system without ACLs */
	in_child(set_acls);
	assert_int_equal(getxattr("ours", "system.posix_acl_access", acl, sizeof(acl)), sizeof(acl));
	fill_acl(want, 100007, 200008);
	assert_memory_equal(acl, want, sizeof(want));
}

/*
 * In the child: enters a namespace where setgroups(2) is denied, from a root whose /proc is not to be looked into, as the
 * monitor's is, which would have to answer itself. @stay: whether it has been asked before if groups stay.
 */
static _Noreturn void enter_denied(bool stay)
{
	struct owner_range own = { .count = 1 };
	struct owner_maps alone = { .users = { &own, 1 }, .groups = { &own, 1 } };
	int user_ns;

	require(!owners_keep_groups());
	require(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	require(fd_write_existing(AT_FDCWD, "/proc/self/setgroups", "deny") == 0);
	require(fd_write_existing(AT_FDCWD, "/proc/self/uid_map", "0 0 1") == 0);
	require(fd_write_existing(AT_FDCWD, "/proc/self/gid_map", "0 0 1") == 0);
	require(owners_keep_groups());
	alone.groups_stay = stay;
	user_ns = owners_new_namespace(&alone, false);
	require(user_ns >= 0);
	require(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	require(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
	require(owners_enter(&alone, false, user_ns) == (stay ? 0 : -EPERM));
	_exit(0);
}

static void groups_stay_without_a_look_into_proc(void **state)
{
	(void)state;
	for (int stay = 0; stay < 2; stay++) {
		int status;
		pid_t pid;

		(void)fflush(NULL);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			enter_denied(stay);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_owner_has_two_numbers),
		cmocka_unit_test(groups_stay_without_a_look_into_proc),
		cmocka_unit_test_setup_teardown(owners_without_a_number_are_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(the_owner_of_a_file_needs_no_group, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_made_for_strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(access_lists_have_the_same_owners, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
