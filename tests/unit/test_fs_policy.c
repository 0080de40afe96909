/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/fs/policy.c and src/jail/policy.c: what a guest may do to the host's files, and what decides it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/fs.h"
#include "jail/policy.h"
#include "tests/unit/tempdir.h"

static char dir[64];
static struct fs *fs;
static struct err err;

static int setup(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	strcpy(dir, "/tmp/vmrunc-policy-XXXXXX");
	assert_non_null(mkdtemp(dir));
	if (fs_new(-1, &fs, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(fs_thread_init(fs), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fs_free(fs);
	tempdir_remove(dir);
	return 0;
}

/* Exports @host as "e" under @policy: its root. */
static struct fs_node *export(const char *host, const struct file_policy *policy)
{
	int fd = open(host, O_PATH | O_CLOEXEC);
	struct fs_node *top = fs_root(fs), *node;
	struct fs_ident ident;

	assert_true(fd >= 0);
	if (fs_export_add_bounded(fs, "e", fd, 0, policy, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(fs_walk(top, "e", &node, &ident), 0);
	fs_node_put(top);
	return node;
}

/* Walks @path from @node, which stays the caller's: 0 with *@ret, or -errno. */
static int walk(struct fs_node *node, const char *path, struct fs_node **ret)
{
	char copy[128], *save = NULL;
	struct fs_node *at = fs_node_get(node);
	struct fs_ident ident;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		struct fs_node *next;
		int r = fs_walk(at, name, &next, &ident);

		fs_node_put(at);
		if (r < 0)
			return r;
		at = next;
	}
	*ret = at;
	return 0;
}

/* Walks to @path and opens it: 0 or -errno of either. */
static int try_open(struct fs_node *root, const char *path, int flags)
{
	struct fs_ident ident;
	struct fs_file *file;
	struct fs_node *node;
	int r = walk(root, path, &node);

	if (r < 0)
		return r;
	r = fs_open(node, flags, 0, &file, &ident);
	if (r == 0)
		fs_file_put(file);
	fs_node_put(node);
	return r;
}

static uint32_t mode_of(const char *name)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static int change(struct fs_node *root, const char *name, unsigned int what, uint32_t uid, uint32_t mode)
{
	const struct fs_setattr set = { .valid = what, .uid = uid, .gid = uid, .mode = mode };
	struct fs_node *node;
	int r = walk(root, name, &node);

	assert_int_equal(r, 0);
	r = fs_setattr(node, NULL, &set, 0);
	fs_node_put(node);
	return r;
}

static void make(struct fs_node *root, const char *name, uint32_t mode, uint32_t uid)
{
	struct fs_ident ident;
	struct fs_file *file;
	struct fs_node *node;

	assert_int_equal(fs_create(root, name, O_RDWR, mode, (struct fs_owner){ uid, uid }, &node, &file, &ident), 0);
	fs_file_put(file);
	fs_node_put(node);
}

static const struct file_policy nothing = {
	.owner_first = 1000, .owner_last = 1000, .group_first = 1000, .group_last = 1000
};

static void device_nodes_need_the_policy(void **state)
{
	const struct {
		uint32_t mode;
		uint64_t rdev;
		int bounded;
	} cases[] = {
		{ S_IFBLK | 0600, makedev(8, 0), -EPERM },
		{ S_IFBLK | 0600, 0, -EPERM },
		{ S_IFCHR | 0600, makedev(1, 1), -EPERM },
		{ S_IFCHR | 0600, makedev(0, 1), -EPERM },
		{ S_IFCHR | 0600, 0, 0 },
		{ S_IFIFO | 0600, 0, 0 },
		{ S_IFIFO | 0600, makedev(8, 0), 0 },
		{ S_IFSOCK | 0600, 0, 0 },
		{ S_IFREG | 0600, 0, 0 },
	};
	struct fs_node *root = export(dir, &nothing);
	struct fs_ident ident;
	char name[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)snprintf(name, sizeof(name), "n%zu", i);
		assert_int_equal(fs_mknod(root, name, cases[i].mode, cases[i].rdev, (struct fs_owner){ 0, 0 }, &ident),
			cases[i].bounded);
	}
	fs_node_put(root);
	assert_int_equal(fs_export_remove(fs, "e", &err), 0);
	root = export(dir, NULL);
	assert_int_equal(fs_mknod(root, "b", S_IFBLK | 0600, makedev(8, 0), (struct fs_owner){ 0, 0 }, &ident), 0);
	fs_node_put(root);
}

static void setid_bits_are_for_the_owner(void **state)
{
	struct fs_node *root = export(dir, &nothing);
	struct fs_ident ident;

	(void)state;
	make(root, "root", 06755, 0);
	assert_int_equal(mode_of("root"), 0755);
	assert_int_equal(change(root, "root", FS_SET_MODE, 0, 04755), -EPERM);
	assert_int_equal(change(root, "root", FS_SET_MODE, 0, 02755), -EPERM);
	assert_int_equal(change(root, "root", FS_SET_MODE, 0, 01711), 0);
	assert_int_equal(fs_mknod(root, "node", S_IFREG | 06755, 0, (struct fs_owner){ 0, 0 }, &ident), 0);
	assert_int_equal(mode_of("node"), 0755);
	make(root, "own", 04755, 1000);
	assert_int_equal(mode_of("own"), 04755);
	assert_int_equal(change(root, "own", FS_SET_MODE, 0, 06755), 0);
	assert_int_equal(mode_of("own"), 06755);
	/* Given away, it loses them; and the owner counts that it has then. */
	assert_int_equal(change(root, "own", FS_SET_UID | FS_SET_GID | FS_SET_MODE, 0, 04755), -EPERM);
	assert_int_equal(mode_of("own"), 0755);
	/* On a directory they make nobody run anything. */
	assert_int_equal(fs_mkdir(root, "dir", 02755, (struct fs_owner){ 0, 0 }, &ident), 0);
	assert_int_equal(change(root, "dir", FS_SET_MODE, 0, 02775), 0);
	fs_node_put(root);
}

static void what_is_written_to_loses_setid_bits(void **state)
{
	struct file_policy keeps = nothing;
	struct fs_node *root;
	char path[128];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/su", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	for (int keep = 0; keep < 2; keep++) {
		assert_int_equal(fchmod(fd, 04755), 0);
		keeps.keep_setid = keep;
		root = export(dir, &keeps);
		assert_int_equal(try_open(root, "su", O_WRONLY | O_TRUNC), 0);
		fs_node_put(root);
		assert_int_equal(fs_export_remove(fs, "e", &err), 0);
	}
	close(fd);
	assert_int_equal(mode_of("su"), 04755);
}

static void attributes_of_the_host_are_not_the_guests(void **state)
{
	/* struct vfs_cap_data of revision 2: CAP_SYS_ADMIN */
	static const uint8_t cap[20] = { 0x01, 0, 0, 0x02, 0, 0, 0x20, 0 };
	static const char *const never[] = { "security.selinux", "security.apparmor", "security.ima", "security.evm",
		"security.SMACK64", "security.SMACK64EXEC", "security.", "trusted.overlay.opaque", "trusted.x" };
	struct file_policy caps = nothing;
	struct fs_node *root, *node;

	(void)state;
	for (int allowed = 0; allowed < 2; allowed++) {
		caps.file_caps = allowed;
		root = export(dir, &caps);
		if (!allowed)
			make(root, "f", 0755, 0);
		assert_int_equal(walk(root, "f", &node), 0);
		assert_int_equal(fs_setxattr(node, "security.capability", cap, sizeof(cap), 0), allowed ? 0 : -EPERM);
		for (size_t i = 0; i < ARRAY_LEN(never); i++) {
			assert_int_equal(fs_setxattr(node, never[i], "x", 1, 0), -EPERM);
			assert_int_equal(fs_removexattr(node, never[i]), -EPERM);
		}
		fs_node_put(node);
		fs_node_put(root);
		assert_int_equal(fs_export_remove(fs, "e", &err), 0);
	}
	root = export(dir, &nothing);
	assert_int_equal(walk(root, "f", &node), 0);
	assert_int_equal(fs_removexattr(node, "security.capability"), 0);
	fs_node_put(node);
	fs_node_put(root);
}

static void secrets_of_processes_are_never_opened(void **state)
{
	static const char *const secret[] = { "self/mem", "self/environ", "self/auxv", "self/maps", "self/smaps",
		"self/stack", "self/syscall", "self/io", "self/pagemap", "self/task/self/mem", "self/fd", "self/fd/0",
		"self/fdinfo", "self/fdinfo/0", "self/map_files", "kcore" };
	static const char *const plain[] = { "self/stat", "self/status", "self/mounts", "meminfo" };
	struct fs_node *root = export("/proc", NULL);
	char pid[32], path[160];
	const char *rest;

	(void)state;
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (size_t i = 0; i < ARRAY_LEN(secret); i++) {
		rest = strncmp(secret[i], "self/", 5) == 0 ? secret[i] + 5 : NULL;
		if (rest && strncmp(rest, "task/self/", 10) == 0)
			(void)snprintf(path, sizeof(path), "%s/task/%s/%s", pid, pid, rest + 10);
		else
			(void)snprintf(path, sizeof(path), rest ? "%s/%s" : "%.0s%s", pid, rest ? rest : secret[i]);
		if (strcmp(path, "kcore") == 0 && access("/proc/kcore", F_OK) < 0)
			continue;
		for (int flags = O_RDONLY; flags <= O_RDWR; flags += O_RDWR) {
			int r = try_open(root, path, flags);

			/* A directory is never opened for writing, nor one that has gone before. */
			if (r != -EACCES && !(flags && r == -EISDIR))
				fail_msg("%s: %d", path, r);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		rest = strncmp(plain[i], "self/", 5) == 0 ? plain[i] + 5 : NULL;
		(void)snprintf(path, sizeof(path), rest ? "%s/%s" : "%.0s%s", pid, rest ? rest : plain[i]);
		assert_int_equal(try_open(root, path, O_RDONLY), 0);
	}
	fs_node_put(root);
	assert_int_equal(fs_export_remove(fs, "e", &err), 0);
	/* A single file has no name here, but may be any. */
	root = export("/proc/self/mem", NULL);
	assert_int_equal(try_open(root, "", O_RDONLY), -EACCES);
	fs_node_put(root);
}

/* The same names elsewhere are files as any other. */
static void names_of_secrets_are_free_elsewhere(void **state)
{
	struct fs_node *root = export(dir, &nothing);
	struct fs_ident ident;

	(void)state;
	make(root, "mem", 0644, 0);
	assert_int_equal(fs_mkdir(root, "fd", 0755, (struct fs_owner){ 0, 0 }, &ident), 0);
	assert_int_equal(try_open(root, "mem", O_RDWR), 0);
	assert_int_equal(try_open(root, "fd", O_RDONLY), 0);
	fs_node_put(root);
}

static void file_systems_of_the_kernel_are_read_only(void **state)
{
	struct fs_node *root = export("/proc", &nothing);
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "%d/comm", (int)getpid());
	assert_int_equal(try_open(root, path, O_RDONLY), 0);
	assert_int_equal(try_open(root, path, O_WRONLY), -EROFS);
	assert_int_equal(change(root, path, FS_SET_MODE, 0, 0666), -EROFS);
	fs_node_put(root);
	assert_int_equal(fs_export_remove(fs, "e", &err), 0);
	root = export("/proc", NULL);
	assert_int_equal(try_open(root, path, O_WRONLY), 0);
	fs_node_put(root);
}

/* ---- the policy of a config ---- */

#define BIT(cap) (1ull << (cap))

static struct file_policy of(uint32_t uid, uint64_t bounding, struct spec_idmaps maps)
{
	struct spec_namespace user = { .type = SPEC_NS_USER };
	struct spec_capabilities caps = { .bounding = bounding, .effective = UINT64_MAX };
	struct spec_process process = { .user = { .uid = uid, .gid = uid }, .capabilities = &caps };
	struct spec_linux linux_ = { .uid_mappings = maps, .gid_mappings = maps };
	struct spec spec = { .process = &process, .linux_ = &linux_ };
	struct ns_set ns;

	if (maps.n)
		linux_.namespaces = (struct spec_namespaces){ .n = 1, .v = &user };
	ns_set_init(&ns);
	ns.uids = ns.gids = maps;
	return policy_of(&spec, &ns);
}

static void the_bounding_set_decides(void **state)
{
	const struct spec_idmaps none = { .n = 0 };
	struct file_policy p = of(1000, 0, none);

	(void)state;
	assert_false(p.devices || p.file_caps || p.keep_setid || p.kernel_files);
	assert_int_equal(p.owner_first, 1000);
	assert_int_equal(p.owner_last, 1000);
	assert_int_equal(p.group_last, 1000);
	assert_true(of(1000, BIT(CAP_MKNOD), none).devices);
	assert_true(of(1000, BIT(CAP_SETFCAP), none).file_caps);
	assert_true(of(1000, BIT(CAP_FSETID), none).keep_setid);
	assert_int_equal(of(1000, BIT(CAP_FSETID), none).owner_last, 1000);
	assert_int_equal(of(1000, BIT(CAP_FSETID), none).group_last, UINT32_MAX);
	assert_int_equal(of(1000, BIT(CAP_FOWNER), none).owner_last, UINT32_MAX);
	assert_int_equal(of(1000, BIT(CAP_SETUID), none).owner_first, 0);
	assert_true(of(0, 0, none).kernel_files);
	assert_true(of(1000, BIT(CAP_DAC_OVERRIDE), none).kernel_files);
}

static void a_user_namespace_bounds_it(void **state)
{
	struct spec_idmap v[] = { { .container_id = 0, .host_id = 100000, .size = 10 },
		{ .container_id = 10, .host_id = 200000, .size = 100 } };
	const struct spec_idmaps maps = { .n = 2, .v = v };
	struct file_policy p = of(0, UINT64_MAX, maps);

	(void)state;
	assert_false(p.devices || p.file_caps || p.kernel_files);
	assert_int_equal(p.owner_first, 100000);
	assert_int_equal(p.owner_last, 200099);
	p = of(11, 0, maps);
	assert_int_equal(p.owner_first, 200001);
	assert_int_equal(p.group_last, 200001);
	/* Nobody's: 2^32 - 1 is no id. */
	assert_int_equal(of(4711, 0, maps).owner_first, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(device_nodes_need_the_policy, setup, teardown),
		cmocka_unit_test_setup_teardown(setid_bits_are_for_the_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_written_to_loses_setid_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes_of_the_host_are_not_the_guests, setup, teardown),
		cmocka_unit_test_setup_teardown(secrets_of_processes_are_never_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(names_of_secrets_are_free_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(file_systems_of_the_kernel_are_read_only, setup, teardown),
		cmocka_unit_test(the_bounding_set_decides),
		cmocka_unit_test(a_user_namespace_bounds_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
