/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/p9: version, attach, walks, and fids whose nodes rest. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

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

/* The host's path of the entry @name of the exported directory. */
static const char *in_dir(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", c.dir, name);
	return path;
}

/* ---- walking ---- */

static void walks_of_many_steps(void **state)
{
	struct p9c_attr a;

	(void)state;
	assert_int_equal(mkdirat(c.dir_fd, "a", 0755), 0);
	assert_int_equal(mkdirat(c.dir_fd, "a/b", 0755), 0);
	p9c_host_write(&c, "a/b/f", "x");
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwsss", P9C_ROOT, 1u, 3, "a", "b", "f"), 0);
	assert_int_equal(wire_get_u16(&c.r), 3);
	assert_int_equal(p9c_qid(&c).type, P9_QTDIR);
	assert_int_equal(p9c_qid(&c).type, P9_QTDIR);
	assert_int_equal(p9c_qid(&c).type, P9_QTFILE);
	/* Where the walk gets only a part of the way, there is no new fid, but no error either. */
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwsss", P9C_ROOT, 2u, 3, "a", "none", "f"), 0);
	assert_int_equal(wire_get_u16(&c.r), 1);
	assert_int_equal(p9c_getattr(&c, 2, &a), -EBADF);
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwss", P9C_ROOT, 2u, 2, "none", "f"), -ENOENT);
	/* A fid is walked in place. */
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 3, "a"), 0);
	assert_int_equal(p9c_walk(&c, 3, 3, "b"), 0);
	assert_int_equal(p9c_walk(&c, 3, 3, "none"), -ENOENT);
	assert_int_equal(p9c_walk(&c, 3, 4, "f"), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 4, "a"), -EEXIST);
	assert_int_equal(p9c_walk(&c, 99, 5, "a"), -EBADF);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, P9_NOFID, "a"), -EINVAL);
}

static uint64_t path_of(uint32_t fid)
{
	struct p9c_attr a;

	assert_int_equal(p9c_getattr(&c, fid, &a), 0);
	return a.qid.path;
}

static void dotdot_stays_below_the_service_root(void **state)
{
	autobuf names = BUF_INIT;

	(void)state;
	assert_int_equal(mkdirat(c.dir_fd, "a", 0755), 0);
	assert_int_equal(mkdirat(c.dir_fd, "a/b", 0755), 0);
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwss", P9C_ROOT, 1u, 2, "a", "b"), 0);
	assert_int_equal(p9c_walk(&c, 1, 2, ".."), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 3, "a"), 0);
	assert_int_equal(path_of(2), path_of(3));
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwss", P9C_ROOT, 30u, 2, "a", "."), 0);
	assert_int_equal(path_of(30), path_of(3));
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwss", 1u, 4u, 2, "..", ".."), 0);
	assert_int_equal(path_of(4), path_of(P9C_ROOT));
	/* Above the export there are the synthetic directories and nothing else. */
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwssssss", 1u, 5u, 6, "..", "..", "..", "..", "..", ".."), 0);
	assert_int_equal(p9c_open(&c, 5, 0), 0);
	assert_int_equal(p9c_list(&c, 5, &names), 0);
	assert_string_equal(names.data, "top");
	assert_int_equal(p9c_walk(&c, 5, 6, "top"), 0);
	assert_int_equal(p9c_walk(&c, 6, 7, "export"), 0);
	assert_int_equal(path_of(7), path_of(P9C_ROOT));
	assert_int_equal(p9c_walk(&c, 6, 8, "tmp"), -ENOENT);
	assert_int_equal(p9c_call(&c, P9_TMKDIR, "dsdd", 6u, "x", 0700u, 0u), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", 6u, "export", P9_AT_REMOVEDIR), -EROFS);
	assert_int_equal(p9c_setattr(&c, 6, P9_SETATTR_MODE, 0, 0, 0, 0, 0), -EROFS);
	assert_int_equal(p9c_call(&c, P9_TSTATFS, "d", 6u), 0);
	assert_int_equal(p9c_call(&c, P9_TXATTRWALK, "dds", 6u, 50u, ""), 0);
	assert_int_equal(p9c_call(&c, P9_TXATTRWALK, "dds", 6u, 51u, "user.x"), -EOPNOTSUPP);
	assert_int_equal(p9c_call(&c, P9_TREMOVE, "d", 6u), -EROFS);
}

static void a_directory_moved_out_of_the_export_has_no_parent(void **state)
{
	char outside[] = "/tmp/vmrunc-p9-out-XXXXXX", to[64];
	struct p9c_attr a;

	(void)state;
	assert_non_null(mkdtemp(outside));
	assert_int_equal(mkdirat(c.dir_fd, "a", 0755), 0);
	assert_int_equal(mkdirat(c.dir_fd, "a/b", 0755), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "a"), 0);
	assert_int_equal(p9c_walk(&c, 1, 2, "b"), 0);
	snprintf(to, sizeof(to), "%s/a", outside);
	assert_int_equal(rename(in_dir("a"), to), 0);
	assert_int_equal(p9c_walk(&c, 1, 3, ".."), -ENOENT);
	assert_int_equal(p9c_walk(&c, 2, 3, ".."), -ENOENT);
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwss", 2u, 3u, 2, "..", ".."), -ENOENT);
	assert_int_equal(p9c_getattr(&c, 1, &a), 0); /* what is held stays usable, as an open directory does */
	/* Now it is moved back in. */
	assert_int_equal(rename(to, in_dir("c")), 0);
	assert_int_equal(p9c_walk(&c, 1, 3, ".."), 0);
	assert_int_equal(path_of(3), path_of(P9C_ROOT));
	assert_int_equal(rmdir(outside), 0);
}

static void attach_finds_what_is_exported(void **state)
{
	(void)state;
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 1u, P9_NOFID, "u", "", 0u), 0);
	assert_int_equal(p9c_qid(&c).type, P9_QTDIR);
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 2u, P9_NOFID, "u", "/", 0u), 0);
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 3u, P9_NOFID, "u", "top", 0u), 0);
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 4u, P9_NOFID, "u", "none", 0u), -ENOENT);
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 4u, P9_NOFID, "u", "top/export/..", 0u), -EINVAL);
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 4u, 7u, "u", "", 0u), -EINVAL);
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 3u, P9_NOFID, "u", "", 0u), -EEXIST);
	assert_int_equal(p9c_call(&c, P9_TAUTH, "dssd", 4u, "u", "", 0u), -ENOENT);
}

static void a_new_version_drops_all(void **state)
{
	char version[16];

	(void)state;
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, NULL), 0);
	assert_int_equal(p9c_call(&c, P9_TVERSION, "ds", 4096u, "9P2000.L"), 0);
	assert_int_equal(wire_get_u32(&c.r), 4096);
	assert_int_equal(p9c_clunk(&c, 1), -EBADF);
	assert_int_equal(p9c_call(&c, P9_TVERSION, "ds", UINT32_MAX, "9P2000.L"), 0);
	assert_int_equal(wire_get_u32(&c.r), P9_MSIZE_MAX);
	assert_int_equal(p9c_call(&c, P9_TVERSION, "ds", 65536u, "9P2000.u"), 0);
	(void)wire_get_u32(&c.r);
	assert_string_equal(p9c_str(&c, version, sizeof(version)), "unknown");
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 1u, P9_NOFID, "", "", 0u), -EPROTO);
	assert_int_equal(p9c_call(&c, P9_TVERSION, "ds", 24u, "9P2000.L"), 0); /* too small for any work */
	(void)wire_get_u32(&c.r);
	assert_string_equal(p9c_str(&c, version, sizeof(version)), "unknown");
}

/* ---- more fids than descriptors ---- */

#define HELD 600u

static int setup_few_descriptors(void **state)
{
	struct rlimit old, few;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = (struct rlimit){ 400, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	p9c_start(&c, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	return 0;
}

static unsigned int count_fds(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 2000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void nodes_rest_when_descriptors_get_short(void **state)
{
	uint64_t paths[HELD];
	struct p9c_attr a;
	char name[32], data[16];

	(void)state;
	assert_int_equal(mkdirat(c.dir_fd, "d", 0755), 0);
	assert_int_equal(mkdirat(c.dir_fd, "e", 0755), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 5000, "d"), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 5001, "e"), 0);
	for (uint32_t i = 0; i < HELD; i++) {
		snprintf(name, sizeof(name), "d/%u", i);
		p9c_host_write(&c, name, name);
		assert_int_equal(p9c_walk(&c, 5000, 1 + i, name + 2), 0);
		paths[i] = path_of(1 + i);
	}
	assert_true(count_fds() < 350);
	for (uint32_t i = 0; i < HELD; i++)
		assert_int_equal(path_of(1 + i), paths[i]);

	/* What the guest unlinks, replaces or renames it still has, though by the order of use it has rested for long. */
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", 5000u, "0", 0u), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", 5000u, "1", 5000u, "2"), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", 5000u, "3", 5001u, "three"), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", P9C_ROOT, "d", 5001u, "dd"), 0);
	for (uint32_t i = 4; i < HELD; i++)
		assert_int_equal(path_of(1 + i), paths[i]);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(path_of(1 + i), paths[i]);
		assert_int_equal(p9c_walk(&c, 1 + i, 6000, NULL), 0);
		assert_int_equal(p9c_open(&c, 6000, 0), 0);
		snprintf(name, sizeof(name), "d/%u", i);
		assert_int_equal(p9c_read(&c, 6000, 0, data, sizeof(data)), 3);
		assert_memory_equal(data, name, 3);
		assert_int_equal(p9c_clunk(&c, 6000), 0);
	}
	assert_int_equal(p9c_getattr(&c, 1, &a), 0);
	assert_int_equal(a.nlink, 0);
	/* A file that the host has replaced is gone, and the new one is never mistaken for it. */
	p9c_host_write(&c, "new", "new");
	assert_int_equal(renameat(c.dir_fd, "new", c.dir_fd, "e/dd/10"), 0);
	assert_int_equal(p9c_getattr(&c, 11, &a), -ENOENT);
	assert_int_equal(p9c_clunk(&c, 11), 0);
}

/*
 * What Linux does with cache=loose to each file that a process of the guest makes, writes and closes: one fid of the name
 * (FID_NAME), and a clone that stays open to write back (FID_OPEN).
 */
#define WRITTEN 1500u
#define FID_NAME(i) (10000u + (i))
#define FID_OPEN(i) (20000u + (i))

static void write_one(uint32_t i, const char *dir, uint32_t dir_fid)
{
	char name[32], text[32];

	snprintf(name, sizeof(name), "%u", i);
	snprintf(text, sizeof(text), "%s/%u", dir, i);
	assert_int_equal(p9c_create(&c, dir_fid, 9000, name, 2, 0444), 0);
	assert_int_equal(p9c_walk(&c, dir_fid, FID_NAME(i), name), 0);
	assert_int_equal(p9c_walk(&c, FID_NAME(i), FID_OPEN(i), NULL), 0);
	assert_int_equal(p9c_open(&c, FID_OPEN(i), 2 | P9_O_TRUNC), 0);
	assert_int_equal(p9c_clunk(&c, 9000), 0);
	assert_int_equal(p9c_write(&c, FID_OPEN(i), 0, text, strlen(text)), strlen(text));
}

static void expect_content(uint32_t fid, const char *text)
{
	char data[64];

	assert_int_equal(p9c_read(&c, fid, 0, data, sizeof(data)), strlen(text));
	assert_memory_equal(data, text, strlen(text));
}

static void open_files_rest_when_descriptors_get_short(void **state)
{
	struct p9c_attr a;
	char text[32];

	(void)state;
	assert_int_equal(mkdirat(c.dir_fd, "d", 0755), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 5000, "d"), 0);
	for (uint32_t i = 0; i < WRITTEN; i++)
		write_one(i, "d", 5000);
	assert_true(count_fds() < 350);
	/* Each is opened again for what it was opened for, but not truncated again. */
	for (uint32_t i = 0; i < WRITTEN; i++) {
		snprintf(text, sizeof(text), "d/%u", i);
		expect_content(FID_OPEN(i), text);
		assert_int_equal(p9c_write(&c, FID_OPEN(i), strlen(text), "+", 1), 1);
	}
	/* The guest unlinks and renames what it has open, and puts one over the other; and the directory moves. */
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", 5000u, "0", 0u), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", 5000u, "1", 5000u, "2"), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", 5000u, "3", 5000u, "three"), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", P9C_ROOT, "d", P9C_ROOT, "e"), 0);
	for (uint32_t i = WRITTEN; i-- > 0;) {
		snprintf(text, sizeof(text), "d/%u+", i);
		expect_content(FID_OPEN(i), text);
		assert_int_equal(p9c_call(&c, P9_TFSYNC, "dd", FID_OPEN(i), 0u), 0);
		assert_int_equal(p9c_setattr(&c, FID_OPEN(i), P9_SETATTR_SIZE, 0, 0, 0, 2, 0), 0);
	}
	for (uint32_t i = 0; i < WRITTEN; i++) {
		expect_content(FID_OPEN(i), "d/");
		assert_int_equal(p9c_getattr(&c, FID_NAME(i), &a), 0);
		assert_int_equal(a.nlink, i == 0 || i == 2 ? 0 : 1);
	}
	assert_true(count_fds() < 350);
	/* A file that the host has replaced meanwhile is not mistaken for the new one. */
	p9c_host_write(&c, "new", "new");
	assert_int_equal(renameat(c.dir_fd, "new", c.dir_fd, "e/10"), 0);
	assert_int_equal(p9c_read(&c, FID_OPEN(10), 0, text, sizeof(text)), -ENOENT);
}

/* To be opened again gives a user no more than he has: set-id bits do not survive that he truncates the file. */
static void an_opened_again_file_is_still_its_users(void **state)
{
	struct p9c_attr a;

	(void)state;
	assert_int_equal(mkdirat(c.dir_fd, "d", 0755), 0);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 5000, "d"), 0);
	p9c_host_write(&c, "f", "text");
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 1u, P9_NOFID, "", "top/export", 1000u), 0);
	assert_int_equal(p9c_walk(&c, 1, 2, "f"), 0);
	assert_int_equal(p9c_open(&c, 2, 2), 0);
	for (uint32_t i = 0; i < HELD; i++)
		write_one(i, "d", 5000);
	assert_int_equal(fchmodat(c.dir_fd, "f", 06755, 0), 0);
	assert_int_equal(p9c_setattr(&c, 2, P9_SETATTR_SIZE, 0, 0, 0, 1, 0), 0);
	assert_int_equal(p9c_getattr(&c, 2, &a), 0);
	assert_int_equal(a.size, 1);
	assert_int_equal(a.mode & 06000, 0);
}

/* Directories rest, too, though what was found in them is still held, and are listed whole. */
static void directories_rest_when_descriptors_get_short(void **state)
{
	struct p9c_attr a;
	char name[32];

	(void)state;
	for (uint32_t i = 0; i < HELD; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(mkdirat(c.dir_fd, name, 0755), 0);
		snprintf(name, sizeof(name), "%u/d", i);
		assert_int_equal(mkdirat(c.dir_fd, name, 0755), 0);
		snprintf(name, sizeof(name), "%u/d/f", i);
		p9c_host_write(&c, name, name);
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(p9c_call(&c, P9_TWALK, "ddwsss", P9C_ROOT, 1 + i, 3, name, "d", "f"), 0);
		assert_int_equal(p9c_walk(&c, P9C_ROOT, FID_NAME(i), name), 0);
		assert_int_equal(p9c_open(&c, FID_NAME(i), P9_O_DIRECTORY), 0);
	}
	assert_true(count_fds() < 350);
	for (uint32_t i = 0; i < HELD; i++) {
		struct buf names = { 0 };

		assert_int_equal(p9c_getattr(&c, 1 + i, &a), 0);
		assert_int_equal(p9c_list(&c, FID_NAME(i), &names), 0);
		assert_int_equal(names.len, 1);
		assert_memory_equal(names.data, "d", 1);
		buf_done(&names);
	}
	/* When the host has moved away a directory that is at rest, nothing is found below it any more. */
	assert_int_equal(renameat(c.dir_fd, "0", c.dir_fd, "moved"), 0);
	assert_int_equal(p9c_getattr(&c, 1, &a), -ENOENT);
	assert_int_equal(p9c_getattr(&c, 2, &a), 0);
}

/* ---- the user by whom names are forgotten ---- */

static void the_forgetter_changes_nothing(void **state)
{
	struct p9c_attr a;

	(void)state;
	assert_int_equal(mkdirat(c.dir_fd, "d", 0755), 0);
	p9c_host_write(&c, "d/f", "kept");
	assert_int_equal(p9c_call(&c, P9_TATTACH, "ddssd", 90u, P9_NOFID, "", "", P9_FORGETTER), 0);
	/* any path can be walked, but for the names that what was moved gets: the client must find those free */
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwss", 90u, 91u, 2, "not", "there"), 0);
	assert_int_equal(wire_get_u16(&c.r), 2);
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddws", 90u, 92u, 1, TAG_GONE "7"), -ENOENT);
	assert_int_equal(p9c_call(&c, P9_TWALK, "ddwsss", 90u, 92u, 3, "top", "export", "d"), 0);
	assert_int_equal(p9c_getattr(&c, 92, &a), -EPERM);
	assert_int_equal(p9c_open(&c, 92, P9_O_DIRECTORY), -EPERM);
	assert_int_equal(p9c_call(&c, P9_TMKDIR, "dsdd", 92u, "new", 0755u, 0u), -EPERM);
	assert_int_equal(p9c_call(&c, P9_TUNLINKAT, "dsd", 92u, "f", 0u), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", 92u, "f", 90u, TAG_GONE "7"), 0);
	/* half a forgetter is none */
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "d"), 0);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", 1u, "f", 92u, "g"), -EPERM);
	assert_int_equal(p9c_call(&c, P9_TRENAMEAT, "dsds", 92u, "f", 1u, "g"), -EPERM);
	assert_int_equal(p9c_call(&c, P9_TREMOVE, "d", 91u), -EPERM);
	assert_int_equal(p9c_clunk(&c, 92), 0);
	assert_int_equal(faccessat(c.dir_fd, "d/f", F_OK, 0), 0);
}

/* ---- memory ---- */

#define BOUND (UINT64_C(2) << 20) /* the least that there is: src/fs/memory.c */
#define NODES_MIN 5000u
#define TREE 40000u
#define STEP 1000u

static atomic_uint asked;
static atomic_uint_least64_t asked_at; /* the first time */

static void ask(void *arg)
{
	(void)arg;
	if (atomic_fetch_add(&asked, 1) == 0)
		atomic_store(&asked_at, fs_memory_held());
}

static int setup_bounded(void **state)
{
	(void)state;
	atomic_store(&asked, 0);
	fs_memory_bound(1, ask, NULL);
	p9c_start(&c, 0);
	p9c_host_write(&c, "file", "x");
	return 0;
}

static int teardown_bounded(void **state)
{
	(void)state;
	p9c_stop(&c);
	assert_int_equal(fs_memory_held(), 0);
	fs_memory_bound(0, NULL, NULL);
	return 0;
}

/* A guest that keeps all it finds is refused more, whatever it has been asked; and what it gives back it may have again. */
static void fids_are_bounded_by_memory(void **state)
{
	uint64_t before = fs_memory_held();
	size_t last = 0, len = 0, right = 0, grown[TREE / STEP];
	uint32_t n = 0;
	int r;

	(void)state;
	while ((r = p9c_walk(&c, P9C_ROOT, n + 1, "file")) == 0) {
		if (++n % STEP != 0)
			continue;
		assert_true(len < ARRAY_LEN(grown));
		grown[len++] = mallinfo2().uordblks - last;
		last = mallinfo2().uordblks;
	}
	assert_int_equal(r, -ENOMEM);
	assert_in_range(n, NODES_MIN, TREE);
	assert_in_range(fs_memory_held(), BOUND - 1024, BOUND);
	assert_in_range(atomic_load(&asked_at), BOUND / 4 * 3, BOUND);
	assert_in_range(atomic_load(&asked), 1, n / 1024);
	/*
	 * What is counted is what malloc(3) gives, and a little more. The threads of the server get buffers and give them back
	 * at any time, so it is said of two of the steps. Sanitizers have their own malloc(3), which says 0.
	 */
	for (size_t i = 0; i < len; i++) {
		size_t counted = (BOUND - before) / n * STEP;

		right += grown[i] >= counted / 10 * 8 && grown[i] <= counted;
	}
	assert_true(last == 0 || right >= 2);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, n + 1, "none"), -ENOENT);
	for (uint32_t fid = 1; fid <= n; fid++)
		assert_int_equal(p9c_clunk(&c, fid), 0);
	assert_int_equal(fs_memory_held(), before);
	assert_int_equal(p9c_walk(&c, P9C_ROOT, 1, "file"), 0);
	assert_int_equal(p9c_open(&c, 1, 0), 0);
}

/* One that gives up what it does not use when it is asked walks a tree of any size. */
static void who_forgets_when_asked_is_never_refused(void **state)
{
	uint32_t kept = 0;

	(void)state;
	for (uint32_t fid = 1; fid <= TREE; fid++) {
		assert_int_equal(p9c_walk(&c, P9C_ROOT, fid, "file"), 0);
		if (atomic_exchange(&asked, 0) == 0)
			continue;
		while (kept < fid - 1)
			assert_int_equal(p9c_clunk(&c, ++kept), 0);
	}
	assert_true(kept > TREE / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(walks_of_many_steps, setup, teardown),
		cmocka_unit_test_setup_teardown(dotdot_stays_below_the_service_root, setup, teardown),
		cmocka_unit_test_setup_teardown(a_directory_moved_out_of_the_export_has_no_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(attach_finds_what_is_exported, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_version_drops_all, setup, teardown),
		cmocka_unit_test_setup_teardown(the_forgetter_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(nodes_rest_when_descriptors_get_short, setup_few_descriptors, teardown),
		cmocka_unit_test_setup_teardown(
			open_files_rest_when_descriptors_get_short, setup_few_descriptors, teardown),
		cmocka_unit_test_setup_teardown(
			an_opened_again_file_is_still_its_users, setup_few_descriptors, teardown),
		cmocka_unit_test_setup_teardown(
			directories_rest_when_descriptors_get_short, setup_few_descriptors, teardown),
		cmocka_unit_test_setup_teardown(fids_are_bounded_by_memory, setup_bounded, teardown_bounded),
		cmocka_unit_test_setup_teardown(
			who_forgets_when_asked_is_never_refused, setup_bounded, teardown_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
