/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/p9: every message, by a client over a socketpair. Those about fids are in test_p9_fid.c. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "tests/p9/client.h"
#include "tests/unit/filter.h"

/* The answers go to a socket (src/p9/socket.c). */
const char *const harness_syscalls[] = { "sendto", "shutdown", NULL };

static struct p9c c;

static int setup(void **state)
{
	(void)state;
	p9c_start(&c, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	p9c_stop(&c);
	return 0;
}

static const char *host_path(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", c.dir, name);
	return path;
}

static const char *host_read(const char *name)
{
	static char text[4096];
	char *data;

	assert_int_equal(fd_read_file(c.dir_fd, name, sizeof(text) - 1, &data, NULL), 0);
	snprintf(text, sizeof(text), "%s", data);
	free(data);
	return text;
}

static struct stat host_stat(const char *name)
{
	struct stat st;

	if (fstatat(c.dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("stat of %s: %s", name, strerror(errno));
	return st;
}

static bool host_has(const char *name)
{
	return faccessat(c.dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
}

/* ---- reading ---- */

static void a_file_is_walked_read_and_clunked(void **state)
{
	struct p9c_attr a;
	char data[64];

	(void)state;
	p9c_host_write(&c, "hello", "hello, world");
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "hello"), 0);
	assert_int_equal(wire_get_u16(&c.r), 1);
	assert_int_equal(p9c_getattr(&c, 1, &a), 0);
	assert_int_equal(a.size, 12);
	assert_int_equal(a.mode, S_IFREG | 0644);
	assert_int_equal(a.nlink, 1);
	assert_int_equal(a.qid.type, P9_QTFILE);
	assert_int_not_equal(a.qid.version, 0);
	assert_int_equal(p9c_read(&c, 1, 0, data, sizeof(data)), -EBADF);
	assert_int_equal(p9c_open(&c, 1, O_RDONLY), 0);
	assert_int_equal(p9c_open(&c, 1, O_RDONLY), -EBUSY);
	assert_int_equal(p9c_read(&c, 1, 7, data, sizeof(data)), 5);
	assert_memory_equal(data, "world", 5);
	assert_int_equal(p9c_read(&c, 1, 12, data, sizeof(data)), 0);
	assert_int_equal(p9c_read(&c, 1, UINT64_MAX, data, sizeof(data)), -EINVAL);
	assert_int_equal(p9c_write(&c, 1, 0, "x", 1), -EBADF);
	assert_int_equal(p9c_clunk(&c, 1), 0);
	assert_int_equal(p9c_clunk(&c, 1), -EBADF);
}

static void directories_are_listed(void **state)
{
	autobuf names = BUF_INIT, want = BUF_INIT;
	char name[32];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "file-%04d", i);
		p9c_host_write(&c, name, "");
		buf_printf(&want, "%s%s", i == 0 ? "" : " ", name);
	}
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, NULL), 0);
	assert_int_equal(p9c_call(&c, P9_TREADDIR, "dqd", 1u, 0ull, 1000u), -EBADF);
	assert_int_equal(p9c_open(&c, 1, O_RDONLY | P9_O_DIRECTORY), 0);
	assert_int_equal(p9c_list(&c, 1, &names), 0);
	assert_string_equal(names.data, want.data);
	/* A listing from the start sees what has changed. */
	p9c_host_write(&c, "zzz", "");
	buf_puts(&want, " zzz");
	buf_consume(&names, names.len);
	assert_int_equal(p9c_list(&c, 1, &names), 0);
	assert_string_equal(names.data, want.data);
	assert_int_equal(p9c_call(&c, P9_TREADDIR, "dqd", 1u, 0ull, 24u), -EINVAL);
	assert_int_equal(p9c_call(&c, P9_TREAD, "dqd", 1u, 0ull, 24u), -EISDIR);
}

/* ---- making things ---- */

static void files_are_created_with_their_owner(void **state)
{
	struct stat st;

	(void)state;
	need_root();
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 9u, P9_NOFID, "", "/top/export/", 1234u), 0);
	assert_int_equal(p9c_walk(&c, 9, 1, NULL), 0);
	assert_int_equal(p9c_call(&c, P9_TLCREATE, "dsddd", 1u, "made", 2u, 0100666u, 77u), 0);
	p9c_qid(&c);
	assert_int_equal(wire_get_u32(&c.r), 0); /* iounit */
	st = host_stat("made");
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_gid, 77);
	assert_int_equal(st.st_mode, S_IFREG | 0666);
	assert_int_equal(p9c_write(&c, 1, 0, "abc", 3), 3);
	assert_string_equal(host_read("made"), "abc");
	assert_int_equal(p9c_call(&c, P9_TMKDIR, "dsdd", 9u, "dir", 01755u, 78u), 0);
	assert_int_equal(p9c_qid(&c).type, P9_QTDIR);
	st = host_stat("dir");
	assert_int_equal(st.st_uid, 1234);
	assert_int_equal(st.st_gid, 78);
	assert_int_equal(st.st_mode, S_IFDIR | 01755);
	assert_int_equal(p9c_call(&c, P9_TSYMLINK, "dssd", 9u, "link", "../../etc/passwd", 79u), 0);
	assert_int_equal(p9c_qid(&c).type, P9_QTSYMLINK);
	assert_int_equal(host_stat("link").st_gid, 79);
	/* The next file is the service's own again. */
	assert_int_equal(p9c_call(&c, P9_TMKDIR, "dsdd", P9C_ROOT, "own", 0700u, P9_NONUNAME), 0);
	assert_int_equal(host_stat("own").st_uid, 0);
	assert_int_equal(host_stat("own").st_gid, 0);
}

static void creation_keeps_set_group_id_directories(void **state)
{
	(void)state;
	need_root();
	assert_int_equal(mkdirat(c.dir_fd, "g", 0777), 0);
	assert_int_equal(fchownat(c.dir_fd, "g", 0, 55, 0), 0);
	assert_int_equal(fchmodat(c.dir_fd, "g", 02777, 0), 0);
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 9u, P9_NOFID, "", "top/export", 1234u), 0);
	assert_int_equal(p9c_walk(&c, 9, 1, "g"), 0);
	assert_int_equal(p9c_call(&c, P9_TMKDIR, "dsdd", 1u, "sub", 0755u, 77u), 0);
	assert_int_equal(host_stat("g/sub").st_gid, 55);
	assert_int_equal(host_stat("g/sub").st_mode & 07777, 02755);
	assert_int_equal(p9c_create(&c, 1, 2, "f", 1, 02771), 0);
	assert_int_equal(host_stat("g/f").st_gid, 55);
	assert_int_equal(host_stat("g/f").st_mode & 07777, 02771);
}

static void creation_exclusive_and_not(void **state)
{
	char data[8];

	(void)state;
	p9c_host_write(&c, "old", "12345");
	assert_int_equal(mkfifoat(c.dir_fd, "fifo", 0644), 0);
	assert_int_equal(symlinkat("old", c.dir_fd, "sym"), 0);
	assert_int_equal(p9c_create(&c, P9C_ROOT, 1, "old", P9_O_EXCL | 2, 0600), -EEXIST);
	assert_int_equal(p9c_clunk(&c, 1), 0);
	assert_int_equal(p9c_create(&c, P9C_ROOT, 1, "old", 2, 0600), 0);
	assert_int_equal(p9c_read(&c, 1, 0, data, 8), 5);
	assert_int_equal(p9c_create(&c, P9C_ROOT, 2, "old", P9_O_TRUNC | 1, 0600), 0);
	assert_int_equal(p9c_read(&c, 1, 0, data, 8), 0);
	assert_int_equal(p9c_create(&c, P9C_ROOT, 3, "fifo", 2, 0600), -ENXIO);
	assert_int_equal(p9c_create(&c, P9C_ROOT, 4, "sym", 2, 0600), -ELOOP);
	assert_int_equal(p9c_call(&c, P9_TLCREATE, "dsddd", 1u, "x", 2u, 0600u, 0u), -EBUSY);
}

static void append_is_the_hosts(void **state)
{
	(void)state;
	p9c_host_write(&c, "log", "one\n");
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "log"), 0);
	assert_int_equal(p9c_open(&c, 1, 1 | P9_O_APPEND), 0);
	/* The guest thinks that the end is at 4, but the host has appended meanwhile. */
	p9c_host_write(&c, "log", "one\ntwo\n");
	assert_int_equal(p9c_write(&c, 1, 4, "three\n", 6), 6);
	assert_string_equal(host_read("log"), "one\ntwo\nthree\n");
}

static void special_files_are_made_and_told_but_never_opened(void **state)
{
	struct p9c_attr a;

	(void)state;
	need_root();
	assert_int_equal(p9c_call(&c, P9_TMKNOD, "dsdddd", P9C_ROOT, "fifo", S_IFIFO | 0640u, 0u, 0u, 5u), 0);
	assert_int_equal(p9c_call(&c, P9_TMKNOD, "dsdddd", P9C_ROOT, "sock", S_IFSOCK | 0600u, 0u, 0u, 5u), 0);
	assert_int_equal(p9c_call(&c, P9_TMKNOD, "dsdddd", P9C_ROOT, "null", S_IFCHR | 0666u, 1u, 3u, 5u), 0);
	assert_true(S_ISFIFO(host_stat("fifo").st_mode));
	assert_int_equal(host_stat("fifo").st_gid, 5);
	assert_true(S_ISSOCK(host_stat("sock").st_mode));
	assert_int_equal(host_stat("null").st_rdev, makedev(1, 3));
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "null"), 0);
	assert_int_equal(p9c_getattr(&c, 1, &a), 0);
	assert_int_equal(a.mode, S_IFCHR | 0666);
	assert_int_equal(a.rdev, makedev(1, 3));
	assert_int_equal(p9c_open(&c, 1, 2), -ENXIO);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 2, "fifo"), 0);
	assert_int_equal(p9c_open(&c, 2, 0), -ENXIO);
	assert_int_equal(p9c_call(&c, P9_TSETATTR, "dddddqqqqq", 2u, P9_SETATTR_MODE, 0600u, 0u, 0u, 0ull, 0ull, 0ull,
				 0ull, 0ull),
		0);
	assert_int_equal(host_stat("fifo").st_mode, S_IFIFO | 0600);
	assert_int_equal(p9c_call(&c, P9_TMKNOD, "dsdddd", P9C_ROOT, "d", S_IFDIR | 0600u, 0u, 0u, 5u), -EPERM);
}

static void symlinks_are_read_not_followed(void **state)
{
	char target[FS_TARGET_MAX + 1], got[FS_TARGET_MAX + 1];

	(void)state;
	assert_int_equal(p9c_call(&c, P9_TSYMLINK, "dssd", P9C_ROOT, "abs", "/etc", P9_NONUNAME), 0);
	assert_int_equal(p9c_call(&c, P9_TSYMLINK, "dssd", P9C_ROOT, "loop", "loop", P9_NONUNAME), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "abs"), 0);
	(void)wire_get_u16(&c.r);
	assert_int_equal(p9c_qid(&c).type, P9_QTSYMLINK);
	assert_int_equal(p9c_call(&c, P9_TREADLINK, "d", 1u), 0);
	assert_string_equal(p9c_str(&c, got, sizeof(got)), "/etc");
	assert_int_equal(p9c_walk(&c, 1, 2, "passwd"), -ENOTDIR);
	assert_int_equal(p9c_open(&c, 1, 0), -ELOOP);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 3, "loop"), 0);
	assert_int_equal(p9c_open(&c, 3, 0), -ELOOP);
	assert_int_equal(p9c_call(&c, P9_TREADLINK, "d", P9C_ROOT), -EINVAL);
	/* This is the longest target. */
	memset(target, 't', FS_TARGET_MAX);
	target[FS_TARGET_MAX] = '\0';
	assert_int_equal(p9c_call(&c, P9_TSYMLINK, "dssd", P9C_ROOT, "long", target, P9_NONUNAME), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 4, "long"), 0);
	assert_int_equal(p9c_call(&c, P9_TREADLINK, "d", 4u), 0);
	assert_string_equal(p9c_str(&c, got, sizeof(got)), target);
	/* Owner and times are those of the link itself. */
	assert_int_equal(p9c_call(&c, P9_TSETATTR, "dddddqqqqq", 3u, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET, 0u, 0u,
				 0u, 0ull, 0ull, 0ull, 12345ull, 0ull),
		0);
	assert_int_equal(host_stat("loop").st_mtime, 12345);
	assert_int_equal(p9c_call(&c, P9_TSETATTR, "dddddqqqqq", 3u, P9_SETATTR_MODE, 0600u, 0u, 0u, 0ull, 0ull, 0ull,
				 0ull, 0ull),
		-EOPNOTSUPP);
}

static void links_and_renames(void **state)
{
	(void)state;
	p9c_host_write(&c, "a", "A");
	p9c_host_write(&c, "b", "B");
	assert_int_equal(mkdirat(c.dir_fd, "d", 0755), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "a"), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 2, "d"), 0);
	assert_int_equal(p9c_call(&c, P9_TLINK, "dds", 2u, 1u, "hard"), 0);
	assert_int_equal(host_stat("d/hard").st_ino, host_stat("a").st_ino);
	assert_int_equal(p9c_call(&c, P9_TLINK, "dds", P9C_ROOT, 1u, "b"), -EEXIST);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", P9C_ROOT, "b", 2u, "b2"), 0);
	assert_string_equal(host_read("d/b2"), "B");
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", 2u, "b2", P9C_ROOT, "c"), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", P9C_ROOT, "d", 2u, "into-itself"), -EINVAL);
	/* By Trename of a fid, the name of its node follows. */
	assert_int_equal(p9c_call(&c, P9_TRENAME, "dds", 1u, 2u, "moved"), 0);
	assert_false(host_has("a"));
	assert_string_equal(host_read("d/moved"), "A");
	assert_int_equal(p9c_call(&c, P9_TRENAME, "dds", 1u, P9C_ROOT, "again"), 0);
	assert_string_equal(host_read("again"), "A");
	assert_int_equal(p9c_call(&c, P9_TREMOVE, "d", 1u), 0);
	assert_false(host_has("again"));
	assert_int_equal(p9c_clunk(&c, 1), -EBADF);
}

static void removal_by_name_and_by_fid(void **state)
{
	(void)state;
	p9c_host_write(&c, "a", "");
	p9c_host_write(&c, "b", "");
	assert_int_equal(mkdirat(c.dir_fd, "d", 0755), 0);
	assert_int_equal(mkdirat(c.dir_fd, "e", 0755), 0);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", P9C_ROOT, "a", 0u), 0);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", P9C_ROOT, "a", 0u), -ENOENT);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", P9C_ROOT, "d", 0u), -EISDIR);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", P9C_ROOT, "b", P9_AT_REMOVEDIR), -ENOTDIR);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", P9C_ROOT, "d", P9_AT_REMOVEDIR), 0);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", P9C_ROOT, "e", 0x400u), -EINVAL);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "e"), 0);
	assert_int_equal(p9c_call(&c, P9_TREMOVE, "d", 1u), 0);
	assert_false(host_has("e"));
	/* The name has come to mean another file, which is left alone. */
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 2, "b"), 0);
	p9c_host_write(&c, "other", "keep");
	assert_int_equal(renameat(c.dir_fd, "other", c.dir_fd, "b"), 0);
	assert_int_equal(p9c_call(&c, P9_TREMOVE, "d", 2u), -ENOENT);
	assert_string_equal(host_read("b"), "keep");
	/* The root of an export, and fids that came up from below, have no name. */
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 3, NULL), 0);
	assert_int_equal(p9c_call(&c, P9_TREMOVE, "d", 3u), -EBUSY);
}

/* ---- attributes ---- */

static void attributes_are_set(void **state)
{
	struct stat st;
	time_t before = time(NULL);

	(void)state;
	p9c_host_write(&c, "f", "0123456789");
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "f"), 0);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_MODE, 04711, 0, 0, 0, 0), 0);
	assert_int_equal(host_stat("f").st_mode & 07777, 04711);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_SIZE, 0, 0, 0, 4, 0), 0);
	assert_string_equal(host_read("f"), "0123");
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_SIZE, 0, 0, 0, UINT64_MAX, 0), -EFBIG);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET, 0, 0, 0, 0, 1000000000), 0);
	st = host_stat("f");
	assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	assert_int_equal(st.st_mtim.tv_nsec, 9);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_MTIME, 0, 0, 0, 0, 5), 0); /* now */
	assert_true(host_stat("f").st_mtim.tv_sec >= before);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET, 0, 0, 0, 0, 2000000000), 0);
	assert_int_equal(host_stat("f").st_atim.tv_sec, 2000000000);
	/* These nanoseconds would mean "now" or "leave it" to the host. */
	assert_int_equal(p9c_call(&c, P9_TSETATTR, "dddddqqqqq", 1u, P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET, 0u, 0u,
				 0u, 0ull, 0ull, 0ull, 1ull, (1ull << 30) - 1),
		-EINVAL);
	assert_int_equal(p9c_setattr(&c, P9C_ROOT, P9_SETATTR_SIZE, 0, 0, 0, 4, 0), -EISDIR);
}

static void owners_are_set_and_modes_after_them(void **state)
{
	(void)state;
	need_root();
	p9c_host_write(&c, "f", "");
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "f"), 0);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_UID | P9_SETATTR_GID, 0, 11, 22, 0, 0), 0);
	assert_int_equal(host_stat("f").st_uid, 11);
	assert_int_equal(host_stat("f").st_gid, 22);
	/* A change of owner takes set-id bits away, unless they are set with it. */
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_MODE, 06755, 0, 0, 0, 0), 0);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_UID, 0, 12, 0, 0, 0), 0);
	assert_int_equal(host_stat("f").st_mode & 07777, 0755);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_UID | P9_SETATTR_MODE, 06755, 13, 0, 0, 0), 0);
	assert_int_equal(host_stat("f").st_mode & 07777, 06755);
}

static void set_id_bits_fall_when_others_write(void **state)
{
	(void)state;
	need_root();
	p9c_host_write(&c, "f", "0123");
	assert_int_equal(fchmodat(c.dir_fd, "f", 04755, 0), 0);
	/* A write by root keeps the bit, as on the host. */
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 8u, P9_NOFID, "", "top/export", 0u), 0);
	assert_int_equal(p9c_walk(&c, 8, 1, "f"), 0);
	assert_int_equal(p9c_open(&c, 1, 1), 0);
	assert_int_equal(p9c_write(&c, 1, 0, "x", 1), 1);
	assert_int_equal(host_stat("f").st_mode & 07777, 04755);
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 9u, P9_NOFID, "", "top/export", 1000u), 0);
	assert_int_equal(p9c_walk(&c, 9, 2, "f"), 0);
	assert_int_equal(p9c_open(&c, 2, 1), 0);
	assert_int_equal(p9c_write(&c, 2, 0, "y", 1), 1);
	assert_int_equal(host_stat("f").st_mode & 07777, 0755);
	assert_int_equal(fchmodat(c.dir_fd, "f", 04755, 0), 0);
	assert_int_equal(p9c_setattr(&c, 2, P9_SETATTR_SIZE, 0, 0, 0, 2, 0), 0);
	assert_int_equal(host_stat("f").st_mode & 07777, 0755);
	/* Afterwards, g+s by chmod is still possible. */
	assert_int_equal(p9c_setattr(&c, 2, P9_SETATTR_MODE, 02755, 0, 0, 0, 0), 0);
	assert_int_equal(host_stat("f").st_mode & 07777, 02755);
}

static void statfs_is_the_hosts(void **state)
{
	struct statfs st;

	(void)state;
	assert_int_equal(fstatfs(c.dir_fd, &st), 0);
	assert_int_equal(p9c_call(&c, P9_TSTATFS, "d", P9C_ROOT), 0);
	assert_int_equal(wire_get_u32(&c.r), (uint32_t)st.f_type);
	assert_int_equal(wire_get_u32(&c.r), st.f_bsize);
	assert_int_equal(wire_get_u64(&c.r), st.f_blocks);
	(void)wire_get_bytes(&c.r, 4 * 8 + 8);
	assert_int_equal(wire_get_u32(&c.r), st.f_namelen);
	assert_int_equal(wire_finish(&c.r), 0);
}

/* ---- unlinked files ---- */

static void unlinked_files_stay_usable(void **state)
{
	struct p9c_attr a;
	char data[8];

	(void)state;
	p9c_host_write(&c, "gone", "0123456789");
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "gone"), 0);
	assert_int_equal(p9c_walk(&c, 1, 2, NULL), 0);
	assert_int_equal(p9c_open(&c, 2, 2), 0);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", P9C_ROOT, "gone", 0u), 0);
	assert_int_equal(p9c_getattr(&c, 1, &a), 0);
	assert_int_equal(a.nlink, 0);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_SIZE, 0, 0, 0, 4, 0), 0);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_MODE, 0604, 0, 0, 0, 0), 0);
	assert_int_equal(p9c_write(&c, 2, 4, "xy", 2), 2);
	assert_int_equal(p9c_walk(&c, 1, 3, NULL), 0); /* an open of /proc/self/fd/N in the guest does this */
	assert_int_equal(p9c_open(&c, 3, 0), 0);
	assert_int_equal(p9c_read(&c, 3, 0, data, 8), 6);
	assert_memory_equal(data, "0123xy", 6);
	assert_int_equal(p9c_getattr(&c, 3, &a), 0);
	assert_int_equal(a.mode, S_IFREG | 0604);
	assert_int_equal(p9c_call(&c, P9_TREMOVE, "d", 1u), -ENOENT);
}

static void rename_over_an_open_file(void **state)
{
	char data[8];

	(void)state;
	p9c_host_write(&c, "old", "old");
	p9c_host_write(&c, "new", "new");
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "old"), 0);
	assert_int_equal(p9c_open(&c, 1, 0), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", P9C_ROOT, "new", P9C_ROOT, "old"), 0);
	assert_int_equal(p9c_read(&c, 1, 0, data, 8), 3);
	assert_memory_equal(data, "old", 3);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 2, "old"), 0);
	assert_int_equal(p9c_open(&c, 2, 0), 0);
	assert_int_equal(p9c_read(&c, 2, 0, data, 8), 3);
	assert_memory_equal(data, "new", 3);
}

/* ---- xattrs ---- */

static int xattr_set(uint32_t newfid, const char *name, const void *value, size_t size, uint32_t flags)
{
	int r = p9c_walk(&c, 1, newfid, NULL), e;

	assert_int_equal(r, 0);
	r = p9c_call(&c, P9_TXATTRCREATE, "dsqd", newfid, name, (uint64_t)size, flags);
	if (r == 0 && size > 0) {
		r = p9c_write(&c, newfid, 0, value, size);
		r = r < 0 ? r : 0;
	}
	e = p9c_clunk(&c, newfid);
	assert_int_equal(e, 0);
	return r;
}

static int xattr_get(const char *name, void *value, size_t size)
{
	int r = p9c_call(&c, P9_TXATTRWALK, "dds", 1u, 50u, name);
	uint64_t len;

	if (r < 0)
		return r;
	len = wire_get_u64(&c.r);
	r = p9c_read(&c, 50, 0, value, size);
	assert_int_equal(r, len);
	assert_int_equal(p9c_clunk(&c, 50), 0);
	return r;
}

static void xattrs(void **state)
{
	char big[32768], got[32768];
	int r;

	(void)state;
	p9c_host_write(&c, "f", "");
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "f"), 0);
	r = xattr_set(2, "user.one", "value", 5, 0);
	if (r == -EOPNOTSUPP) {
		print_message("skipped: /tmp has no user xattrs\n");
		skip();
	}
	assert_int_equal(r, 0);
	assert_int_equal(xattr_get("user.one", got, sizeof(got)), 5);
	assert_memory_equal(got, "value", 5);
	assert_int_equal(xattr_get("user.none", got, sizeof(got)), -ENODATA);
	assert_int_equal(xattr_set(2, "user.one", "v", 1, P9_XATTR_CREATE), -EEXIST);
	assert_int_equal(xattr_set(2, "user.none", "v", 1, P9_XATTR_REPLACE), -ENODATA);
	/* Without a value, the attribute is set empty, or with REPLACE alone removed. */
	assert_int_equal(xattr_set(2, "user.empty", "", 0, 0), 0);
	assert_int_equal(getxattr(host_path("f"), "user.empty", got, sizeof(got)), 0);
	assert_int_equal(xattr_set(2, "user.empty", "", 0, P9_XATTR_REPLACE), 0);
	assert_int_equal(getxattr(host_path("f"), "user.empty", got, sizeof(got)), -1);
	/* This is the list of names. */
	assert_int_equal(p9c_call(&c, P9_TXATTRWALK, "dds", 1u, 50u, ""), 0);
	assert_true(wire_get_u64(&c.r) >= 9);
	r = p9c_read(&c, 50, 0, got, sizeof(got));
	assert_non_null(memmem(got, (size_t)r, "user.one", 9));
	assert_int_equal(p9c_open(&c, 50, 0), -EBUSY);
	assert_int_equal(p9c_walk(&c, 50, 51, NULL), -EINVAL);
	assert_int_equal(p9c_write(&c, 50, 0, "x", 1), -EBADF);
	assert_int_equal(p9c_clunk(&c, 50), 0);
	/* The value comes in pieces. A value that does not come whole is not set. */
	memset(big, 'b', 3000);
	assert_int_equal(p9c_walk(&c, 1, 3, NULL), 0);
	assert_int_equal(p9c_call(&c, P9_TXATTRCREATE, "dsqd", 3u, "user.big", 3000ull, 0u), 0);
	assert_int_equal(p9c_write(&c, 3, 0, big, 1000), 1000);
	assert_int_equal(p9c_write(&c, 3, 500, big, 1000), -ENOSPC);
	assert_int_equal(p9c_read(&c, 3, 0, big, 1000), -EBADF);
	assert_int_equal(p9c_write(&c, 3, 1000, big, 2000), 2000);
	assert_int_equal(p9c_write(&c, 3, 3000, big, 1), -ENOSPC);
	assert_int_equal(p9c_clunk(&c, 3), 0);
	assert_int_equal(getxattr(host_path("f"), "user.big", got, sizeof(got)), 3000);
	assert_int_equal(p9c_walk(&c, 1, 3, NULL), 0);
	assert_int_equal(p9c_call(&c, P9_TXATTRCREATE, "dsqd", 3u, "user.half", 10ull, 0u), 0);
	assert_int_equal(p9c_write(&c, 3, 0, big, 5), 5);
	assert_int_equal(p9c_clunk(&c, 3), -EINVAL);
	assert_int_equal(getxattr(host_path("f"), "user.half", got, sizeof(got)), -1);
	assert_int_equal(p9c_walk(&c, 1, 3, NULL), 0);
	assert_int_equal(p9c_call(&c, P9_TXATTRCREATE, "dsqd", 3u, "user.x", (uint64_t)FS_XATTR_MAX + 1, 0u), -E2BIG);
	assert_int_equal(p9c_call(&c, P9_TXATTRCREATE, "dsqd", 3u, "user.x", UINT64_MAX, 0u), -E2BIG);
	assert_int_equal(p9c_call(&c, P9_TXATTRCREATE, "dsqd", 3u, "", 1ull, 0u), -EINVAL);
	assert_int_equal(p9c_call(&c, P9_TXATTRCREATE, "dsqd", 3u, "user.x", 1ull, 4u), -EINVAL);
}

static void privileged_xattrs(void **state)
{
	/* These are cap_net_raw+ep, and an ACL that gives user 1000 rw beside mode 0644. */
	static const uint8_t cap[20] = { 1, 0, 0, 2, 0, 0x20 };
	static const uint8_t acl[] = { 2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 232, 3, 0, 0, 4, 0, 4, 0,
		255, 255, 255, 255, 0x10, 0, 6, 0, 255, 255, 255, 255, 0x20, 0, 4, 0, 255, 255, 255, 255 };
	uint8_t got[64];
	int r;

	(void)state;
	need_root();
	p9c_host_write(&c, "f", "");
	assert_int_equal(mkfifoat(c.dir_fd, "fifo", 0644), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "f"), 0);
	assert_int_equal(xattr_set(2, "security.capability", cap, sizeof(cap), 0), 0);
	assert_int_equal(xattr_get("security.capability", got, sizeof(got)), sizeof(cap));
	assert_memory_equal(got, cap, sizeof(cap));
	/* Labels of the host's security modules, and what is the host's root's, are nobody's to give. */
	assert_int_equal(xattr_set(2, "trusted.x", "t", 1, 0), -EPERM);
	assert_int_equal(xattr_set(2, "security.selinux", "t", 1, 0), -EPERM);
	r = xattr_set(2, "system.posix_acl_access", acl, sizeof(acl), 0);
	if (r != -EOPNOTSUPP) {
		assert_int_equal(r, 0);
		assert_int_equal(host_stat("f").st_mode & 07777, 0664);
		assert_int_equal(xattr_get("system.posix_acl_access", got, sizeof(got)), sizeof(acl));
	}
	/* A FIFO has them too, and is not opened for that. */
	assert_int_equal(p9c_clunk(&c, 1), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "fifo"), 0);
	assert_int_equal(xattr_set(2, "security.capability", cap, sizeof(cap), 0), 0);
	assert_int_equal(xattr_get("security.capability", got, sizeof(got)), sizeof(cap));
}

/* ---- fsync ---- */

static void fsync_of_open_and_closed(void **state)
{
	(void)state;
	p9c_host_write(&c, "f", "x");
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "f"), 0);
	assert_int_equal(p9c_call(&c, P9_TFSYNC, "dd", 1u, 0u), 0);
	assert_int_equal(p9c_open(&c, 1, 1), 0);
	assert_int_equal(p9c_call(&c, P9_TFSYNC, "dd", 1u, 1u), 0);
	assert_int_equal(p9c_call(&c, P9_TFSYNC, "d", 1u), 0); /* the form of older clients */
	assert_int_equal(p9c_call(&c, P9_TFSYNC, "dd", P9C_ROOT, 0u), 0);
}

/* ---- read-only exports ---- */

static int setup_readonly(void **state)
{
	(void)state;
	p9c_start(&c, FS_EXPORT_READONLY);
	return 0;
}

static void a_read_only_export_refuses_all_changes(void **state)
{
	char data[4];

	(void)state;
	p9c_host_write(&c, "f", "abc");
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "f"), 0);
	assert_int_equal(p9c_open(&c, 1, 1), -EROFS);
	assert_int_equal(p9c_open(&c, 1, P9_O_TRUNC), -EROFS);
	assert_int_equal(p9c_open(&c, 1, 0), 0);
	assert_int_equal(p9c_read(&c, 1, 0, data, 4), 3);
	assert_int_equal(p9c_create(&c, P9C_ROOT, 2, "g", 1, 0600), -EROFS);
	assert_int_equal(p9c_create(&c, P9C_ROOT, 3, "f", 0, 0600), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TMKDIR, "dsdd", P9C_ROOT, "x", 0700u, 0u), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TMKNOD, "dsdddd", P9C_ROOT, "x", 0100600u, 0u, 0u, 0u), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TSYMLINK, "dssd", P9C_ROOT, "x", "y", 0u), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TLINK, "dds", P9C_ROOT, 1u, "x"), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", P9C_ROOT, "f", 0u), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", P9C_ROOT, "f", P9C_ROOT, "g"), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TRENAME, "dds", 1u, P9C_ROOT, "g"), -EROFS);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_MODE, 0600, 0, 0, 0, 0), -EROFS);
	assert_int_equal(p9c_setattr(&c, 1, P9_SETATTR_SIZE, 0, 0, 0, 0, 0), -EROFS);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 4, NULL), 0);
	assert_int_equal(p9c_call(&c, P9_TXATTRCREATE, "dsqd", 4u, "user.x", 0ull, 0u), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TREMOVE, "d", 1u), -EROFS);
	assert_string_equal(host_read("f"), "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_walked_read_and_clunked, setup, teardown),
		cmocka_unit_test_setup_teardown(directories_are_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_created_with_their_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(creation_keeps_set_group_id_directories, setup, teardown),
		cmocka_unit_test_setup_teardown(creation_exclusive_and_not, setup, teardown),
		cmocka_unit_test_setup_teardown(append_is_the_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(special_files_are_made_and_told_but_never_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(symlinks_are_read_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(links_and_renames, setup, teardown),
		cmocka_unit_test_setup_teardown(removal_by_name_and_by_fid, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes_are_set, setup, teardown),
		cmocka_unit_test_setup_teardown(owners_are_set_and_modes_after_them, setup, teardown),
		cmocka_unit_test_setup_teardown(set_id_bits_fall_when_others_write, setup, teardown),
		cmocka_unit_test_setup_teardown(statfs_is_the_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(unlinked_files_stay_usable, setup, teardown),
		cmocka_unit_test_setup_teardown(rename_over_an_open_file, setup, teardown),
		cmocka_unit_test_setup_teardown(xattrs, setup, teardown),
		cmocka_unit_test_setup_teardown(privileged_xattrs, setup, teardown),
		cmocka_unit_test_setup_teardown(fsync_of_open_and_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_read_only_export_refuses_all_changes, setup_readonly, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
