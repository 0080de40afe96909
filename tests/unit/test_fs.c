/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/fs: exports, revocation, mounts, bounds. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "fs/fs.h"
#include "tests/unit/filter.h"
#include "tests/unit/tempdir.h"

/* One thread makes the host's files and serves them. */
const char *const harness_syscalls[] = {
	"access",
	"bind",
	"fstat",
	"geteuid",
	"ioctl",
	"lstat",
	"memfd_create",
	"mkdir",
	"mount",
	"newfstatat",
	"open_tree",
	"pread64",
	"prlimit64",
	"read",
	"rmdir",
	"sched_yield",
	"socket",
	"sysinfo",
	"truncate",
	"umount2",
	"unlink",
	"unshare",
	"wait4",
	NULL,
};

static char dir[64];
static struct fs *fs;
static struct err err;

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/vmrunc-fs-XXXXXX");
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

static const char *at(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void make_file(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
	close(fd);
}

static void add(const char *path, const char *host, unsigned int flags)
{
	int fd = open(host, O_PATH | O_CLOEXEC);

	assert_true(fd >= 0);
	if (fs_export_add(fs, path, fd, flags, &err) < 0)
		fail_msg("%s", err.msg);
}

static int add_fails(const char *path)
{
	int fd = open(dir, O_PATH | O_CLOEXEC), r;

	r = fs_export_add(fs, path, fd, 0, &err);
	assert_int_not_equal(r, 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC); /* still the caller's */
	close(fd);
	return r;
}

/* Walks a path with slashes from the root: a node that the caller puts, or NULL with @last_error set. */
static int last_error;
static struct fs_node *go(const char *path)
{
	struct fs_node *node = fs_root(fs), *next;
	char copy[300], *rest = copy, *name;
	struct fs_ident ident;

	snprintf(copy, sizeof(copy), "%s", path);
	while (node != NULL && (name = strsep(&rest, "/")) != NULL && *name != '\0') {
		last_error = fs_walk(node, name, &next, &ident);
		fs_node_put(node);
		node = last_error == 0 ? next : NULL;
	}
	return node;
}

static uint64_t id_of(const char *path)
{
	struct fs_node *node = go(path);
	struct fs_ident ident;

	assert_non_null(node);
	assert_int_equal(fs_ident_get(node, &ident), 0);
	fs_node_put(node);
	return ident.id;
}

static bool collect(void *arg, const struct fs_dirent *entry)
{
	if (entry->name[0] != '.')
		buf_printf(arg, "%s ", entry->name);
	return true;
}

static char scratch[65536];

static char *list(const char *path)
{
	struct fs_node *node = go(path);
	struct buf names = BUF_INIT;
	struct fs_file *file;
	struct fs_ident ident;

	assert_non_null(node);
	assert_int_equal(fs_open(node, O_RDONLY, 0, &file, &ident), 0);
	assert_int_equal(fs_readdir(file, 0, sizeof(scratch), scratch, sizeof(scratch), collect, &names), 0);
	fs_file_put(file);
	fs_node_put(node);
	return names.data != NULL ? names.data : strdup("");
}

static void list_is(const char *path, const char *want)
{
	char *names = list(path);

	assert_string_equal(names, want);
	free(names);
}

/* Remembers the id that a listing shows for "..". */
static bool note_parent(void *arg, const struct fs_dirent *entry)
{
	if (strcmp(entry->name, "..") == 0)
		*(uint64_t *)arg = entry->ident.id;
	return true;
}

/* The id of ".." as a listing of the directory shows it. */
static uint64_t parent_listed(const char *path)
{
	struct fs_node *node = go(path);
	struct fs_file *file;
	struct fs_ident ident;
	uint64_t id = 0;

	assert_non_null(node);
	assert_int_equal(fs_open(node, O_RDONLY, 0, &file, &ident), 0);
	assert_int_equal(fs_readdir(file, 0, sizeof(scratch), scratch, sizeof(scratch), note_parent, &id), 0);
	fs_file_put(file);
	fs_node_put(node);
	return id;
}

/* ---- exports ---- */

static void exports_are_shown_and_taken_away(void **state)
{
	(void)state;
	assert_int_equal(mkdir(at("one"), 0755), 0);
	assert_int_equal(mkdir(at("two"), 0755), 0);
	assert_int_equal(mkdir(at("one/sub"), 0755), 0);
	list_is("", "");
	add("c1/rootfs", at("one"), 0);
	add("c1/3/etc", at("two"), 0);
	add("c2/rootfs", at("one"), 0);
	list_is("", "c1 c2 ");
	list_is("c1", "rootfs 3 ");
	list_is("c1/3", "etc ");
	list_is("c1/rootfs", "sub ");
	assert_int_equal(id_of("c1/rootfs"), id_of("c2/rootfs")); /* the same directory */
	assert_int_not_equal(id_of("c1/rootfs"), id_of("c1/3/etc"));
	assert_int_equal(id_of("c1/3/.."), id_of("c1"));
	assert_int_equal(id_of("c1/3/etc/.."), id_of("c1/3"));
	assert_int_equal(id_of("c1/rootfs/sub/../.."), id_of("c1"));
	assert_int_equal(fs_export_remove(fs, "c1/3/etc", &err), 0);
	list_is("c1", "rootfs ");
	assert_int_equal(fs_export_remove(fs, "c1/rootfs", &err), 0);
	list_is("", "c2 ");
	assert_int_equal(fs_export_remove(fs, "c1/rootfs", &err), -ENOENT);
	assert_string_equal(err.msg, "no export 'c1/rootfs'");
	assert_int_equal(fs_export_remove(fs, "c2", &err), -ENOENT);
}

static void export_paths_are_checked(void **state)
{
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(add_fails(bad[i]), -EINVAL);
	add("a/b", dir, 0);
	assert_int_equal(add_fails("a/b"), -EEXIST);
	assert_int_equal(add_fails("a/b/c"), -EEXIST);
	assert_int_equal(add_fails("a"), -EEXIST);
	assert_int_equal(fs_export_add(fs, "bad", -1, 0, &err), -EBADF);
}

static void single_files_are_exported_alone(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct fs_node *node, *up;
	struct fs_ident ident;
	struct fs_file *file;
	struct fs_attr a;
	char data[8];
	int fd;

	(void)state;
	make_file("resolv.conf", "name");
	make_file("secret", "s");
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(addr.sun_path, at("sock"));
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	add("c/1/resolv.conf", at("resolv.conf"), 0);
	add("c/2/fifo", at("fifo"), 0);
	add("c/3/sock", at("sock"), 0);
	add("c/4/null", "/dev/null", 0);
	node = go("c/1/resolv.conf");
	assert_int_equal(fs_getattr(node, &a), 0);
	assert_int_equal(a.size, 4);
	assert_int_equal(fs_walk(node, "..", &up, &ident), -ENOTDIR);
	assert_int_equal(fs_walk(node, "secret", &up, &ident), -ENOTDIR);
	assert_int_equal(fs_open(node, O_RDWR, 0, &file, &ident), 0);
	assert_int_equal(fs_write(file, &(struct iovec){ (char *)"NAME!", 5 }, 1, 0, 0), 5);
	assert_int_equal(fs_read(file, &(struct iovec){ data, 8 }, 1, 0), 5);
	fs_file_put(file);
	assert_int_equal(fs_remove_node(node), -EBUSY);
	fs_node_put(node);
	list_is("c/1", "resolv.conf ");
	assert_null(go("c/1/secret"));
	for (int i = 0; i < 3; i++) {
		static const char *const paths[] = { "c/2/fifo", "c/3/sock", "c/4/null" };
		static const uint32_t types[] = { S_IFIFO, S_IFSOCK, S_IFCHR };

		node = go(paths[i]);
		assert_non_null(node);
		assert_int_equal(fs_node_type(node), types[i]);
		assert_int_equal(fs_open(node, O_RDONLY, 0, &file, &ident), -ENXIO);
		assert_int_equal(fs_getattr(node, &a), 0);
		fs_node_put(node);
	}
}

static uint32_t version_at(const char *path)
{
	struct fs_node *node = go(path);
	struct fs_ident ident;

	assert_non_null(node);
	assert_int_equal(fs_ident_get(node, &ident), 0);
	fs_node_put(node);
	return ident.version;
}

static void versions_follow_the_contents_unless_nobody_else_writes(void **state)
{
	uint32_t before, exclusive;

	(void)state;
	make_file("f", "one");
	add("shared", dir, 0);
	add("exclusive", dir, FS_EXPORT_EXCLUSIVE);
	before = version_at("shared/f");
	exclusive = version_at("exclusive/f");
	assert_int_equal(version_at("shared/f"), before);
	make_file("f", "two and more");
	assert_int_not_equal(version_at("shared/f"), before);
	assert_int_equal(version_at("exclusive/f"), exclusive);
	assert_int_not_equal(exclusive, 0);
}

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void a_removed_export_is_let_go_at_once(void **state)
{
	struct fs_node *root, *file_node, *next;
	struct fs_file *file, *listing;
	struct fs_ident ident;
	struct fs_attr a;
	char data[8];
	size_t before = count_fds();

	(void)state;
	assert_int_equal(mkdir(at("m"), 0755), 0);
	if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0) {
		/* This file system could not be unmounted while anybody holds it. */
		assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
		assert_int_equal(mount("m", at("m"), "tmpfs", 0, NULL), 0);
	}
	make_file("m/f", "data");
	add("c/rootfs", at("m"), 0);
	root = go("c/rootfs");
	file_node = go("c/rootfs/f");
	assert_int_equal(fs_open(file_node, O_RDWR, 0, &file, &ident), 0);
	assert_int_equal(fs_open(root, O_RDONLY, 0, &listing, &ident), 0);
	assert_int_equal(fs_lock_set(file, &(struct fs_lock){ .type = F_WRLCK }), 0);

	assert_int_equal(fs_export_remove(fs, "c/rootfs", &err), 0);
	if (geteuid() == 0)
		assert_int_equal(umount(at("m")), 0);

	assert_int_equal(fs_getattr(root, &a), -ESTALE);
	assert_int_equal(fs_walk(root, "f", &next, &ident), -ESTALE);
	assert_int_equal(fs_read(file, &(struct iovec){ data, 8 }, 1, 0), -ESTALE);
	assert_int_equal(fs_write(file, &(struct iovec){ data, 8 }, 1, 0, 0), -ESTALE);
	assert_int_equal(fs_readdir(listing, 0, 100, scratch, sizeof(scratch), collect, NULL), -ESTALE);
	assert_int_equal(fs_lock_set(file, &(struct fs_lock){ .type = F_UNLCK }), -ESTALE);
	assert_int_equal(fs_unlink(root, "f", false), -ESTALE);
	assert_int_equal(fs_sync(file_node, file, false), -ESTALE);
	assert_int_equal(fs_listxattr(root, NULL, 0), -ESTALE);
	fs_file_put(listing);
	fs_file_put(file);
	fs_node_put(file_node);
	fs_node_put(root);
	assert_int_equal(count_fds(), before);
}

static atomic_bool stop;

static void *walker(void *arg)
{
	struct fs_node *root = fs_root(fs), *c, *r, *f;
	atomic_ulong *found = arg;
	struct fs_ident ident;
	struct fs_attr a;

	assert_int_equal(fs_thread_init(fs), 0);
	while (!atomic_load(&stop)) {
		if (fs_walk(root, "c", &c, &ident) < 0)
			continue;
		if (fs_walk(c, "rootfs", &r, &ident) == 0) {
			int e = fs_walk(r, "f", &f, &ident);

			if (e == 0) {
				e = fs_getattr(f, &a);
				atomic_fetch_add(found, e == 0 && a.size == 4);
				fs_node_put(f);
			}
			fs_node_put(r);
		}
		fs_node_put(c);
	}
	fs_node_put(root);
	return NULL;
}

static void exports_come_and_go_under_walks(void **state)
{
	atomic_ulong found[2] = { 0, 0 };
	pthread_t threads[2];

	(void)state;
	make_file("f", "data");
	atomic_store(&stop, false);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, walker, &found[i]), 0);
	for (int i = 0; i < 300 || (found[0] == 0 && found[1] == 0); i++) {
		add("c/rootfs", dir, 0);
		add("c/1/x", dir, 0);
		sched_yield();
		assert_int_equal(fs_export_remove(fs, "c/rootfs", &err), 0);
		assert_int_equal(fs_export_remove(fs, "c/1/x", &err), 0);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(found[0] + found[1] > 0);
}

/* ---- mounts inside an export ---- */

static void mounts_inside_are_crossed_and_told_apart(void **state)
{
	struct fs_node *node, *up;
	struct fs_ident ident;
	int fd;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0) {
		print_message("skipped: needs root for mounts\n");
		skip();
	}
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mkdir(at("a"), 0755), 0);
	assert_int_equal(mkdir(at("b"), 0755), 0);
	assert_int_equal(mkdir(at("tree"), 0755), 0);
	assert_int_equal(mkdir(at("tree/a"), 0755), 0);
	assert_int_equal(mkdir(at("tree/b"), 0755), 0);
	/* Two fresh file systems count their inodes alike. */
	assert_int_equal(mount("a", at("tree/a"), "tmpfs", 0, NULL), 0);
	assert_int_equal(mount("b", at("tree/b"), "tmpfs", 0, NULL), 0);
	make_file("tree/a/f", "A");
	make_file("tree/b/f", "B");
	fd = (int)syscall(SYS_open_tree, AT_FDCWD, at("tree"), 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC | AT_RECURSIVE);
	assert_true(fd >= 0);
	assert_int_equal(umount(at("tree/a")), 0);
	assert_int_equal(umount(at("tree/b")), 0);
	assert_int_equal(fs_export_add(fs, "c/rootfs", fd, 0, &err), 0);
	assert_int_not_equal(id_of("c/rootfs/a"), id_of("c/rootfs/b"));
	assert_int_not_equal(id_of("c/rootfs/a/f"), id_of("c/rootfs/b/f"));
	assert_int_equal(id_of("c/rootfs/a/.."), id_of("c/rootfs"));
	/* nothing above the export is shown, and nothing that has more than 32 bits for no reason */
	assert_int_equal(parent_listed("c/rootfs"), id_of("c/rootfs"));
	node = go("c/rootfs/a");
	assert_int_equal(fs_walk(node, "..", &up, &ident), 0);
	fs_node_put(node);
	node = up;
	assert_int_equal(fs_walk(node, "..", &up, &ident), 0);
	fs_node_put(node);
	assert_int_equal(ident.id, id_of("c"));
	fs_node_put(up);
	node = go("c/rootfs/a");
	assert_int_equal(fs_rename(node, "f", node, "g"), 0);
	up = go("c/rootfs/b");
	assert_int_equal(fs_rename(node, "g", up, "g"), -EXDEV);
	fs_node_put(up);
	fs_node_put(node);
}

static void between_exports_nothing_is_linked_or_renamed(void **state)
{
	struct fs_node *a, *b, *f;

	(void)state;
	assert_int_equal(mkdir(at("a"), 0755), 0);
	assert_int_equal(mkdir(at("b"), 0755), 0);
	make_file("a/f", "x");
	add("a", at("a"), 0);
	add("b", at("b"), 0);
	a = go("a");
	b = go("b");
	f = go("a/f");
	assert_int_equal(fs_rename(a, "f", b, "f"), -EXDEV);
	assert_int_equal(fs_rename_node(f, b, "f"), -EXDEV);
	assert_int_equal(fs_link(b, "f", f), -EXDEV);
	fs_node_put(f);
	fs_node_put(b);
	fs_node_put(a);
}

/* ---- bounds ---- */

static void descriptors_are_bounded(void **state)
{
	struct rlimit old, small = { .rlim_cur = 400, .rlim_max = 400 };
	struct fs_node *nodes[400], *root;
	struct fs_ident ident;
	struct fs *bounded;
	int n = 0, r, fd;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	assert_int_equal(fs_new(-1, &bounded, &err), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	make_file("f", "x");
	fd = open(dir, O_PATH | O_CLOEXEC);
	assert_int_equal(fs_export_add(bounded, "e", fd, 0, &err), 0);
	root = fs_root(bounded);
	assert_int_equal(fs_walk(root, "e", &nodes[n], &ident), 0);
	while ((r = fs_walk(nodes[0], "f", &nodes[n + 1], &ident)) == 0)
		assert_true(++n < 399);
	assert_int_equal(r, -ENFILE);
	assert_int_equal(n + 1, 400 - FS_FDS_RESERVED);
	fs_node_put(nodes[n--]);
	assert_int_equal(fs_walk(nodes[0], "f", &nodes[n + 1], &ident), 0);
	n++;
	while (n >= 0)
		fs_node_put(nodes[n--]);
	fs_node_put(root);
	fs_free(bounded);
}

/* A chain of nodes, as long as a guest likes, is let go without a deep stack. */
static void deep_directories(void **state)
{
	struct fs_node *node, *next;
	struct fs_ident ident;
	int fd = open(dir, O_PATH | O_CLOEXEC), sub, depth = 700;

	(void)state;
	add("e", dir, 0);
	for (int i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		sub = openat(fd, "d", O_PATH | O_CLOEXEC);
		close(fd);
		fd = sub;
	}
	close(fd);
	node = go("e");
	for (int i = 0; i < depth; i++) {
		assert_int_equal(fs_walk(node, "d", &next, &ident), 0);
		fs_node_put(node);
		node = next;
	}
	assert_int_equal(fs_walk(node, "..", &next, &ident), 0);
	fs_node_put(next);
	fs_node_put(node);
}

static void a_wrong_proc_is_refused(void **state)
{
	struct fs *other;
	int fd, status;
	pid_t pid;

	(void)state;
	fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_new(fd, &other, &err), -ENODEV);
	close(fd);
	fd = fs_proc_open(&err);
	assert_true(fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fs_new(fd, &other, &err) < 0 ? 0 : 1);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Files are opened by way of a descriptor, so that works where /proc is gone. */
static void no_proc_is_needed_afterwards(void **state)
{
	struct fs_node *node;
	struct fs_file *file;
	struct fs_ident ident;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0) {
		print_message("skipped: needs root for mounts\n");
		skip();
	}
	make_file("f", "x");
	add("e", dir, 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	node = go("e/f");
	assert_int_equal(fs_open(node, O_RDWR, 0, &file, &ident), 0);
	fs_file_put(file);
	fs_node_put(node);
	assert_int_equal(umount("/proc"), 0);
}

static void a_cached_file_with_a_size_has_blocks(void **state)
{
	static const char *const paths[] = { "own/sparse", "shared/sparse" };

	(void)state;
	make_file("sparse", "");
	assert_int_equal(truncate(at("sparse"), 1 << 20), 0);
	add("own", dir, FS_EXPORT_EXCLUSIVE);
	add("shared", dir, 0);
	for (int i = 0; i < 2; i++) {
		struct fs_node *node = go(paths[i]);
		struct fs_attr a;

		assert_int_equal(fs_getattr(node, &a), 0);
		assert_int_equal(a.blocks, i == 0 ? 8 : 0);
		fs_node_put(node);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_cached_file_with_a_size_has_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(exports_are_shown_and_taken_away, setup, teardown),
		cmocka_unit_test_setup_teardown(export_paths_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(single_files_are_exported_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
			versions_follow_the_contents_unless_nobody_else_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_removed_export_is_let_go_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(exports_come_and_go_under_walks, setup, teardown),
		cmocka_unit_test_setup_teardown(mounts_inside_are_crossed_and_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(between_exports_nothing_is_linked_or_renamed, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(deep_directories, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wrong_proc_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(no_proc_is_needed_afterwards, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
