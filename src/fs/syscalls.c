/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that the file service makes: see fs_syscalls in fs.h. The names are those that glibc on x86-64 makes
 * of the functions called, which are in brackets where they differ. tests/unit/filter.c runs the tests under this list.
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "fs/fs.h"

const char *const fs_syscalls[] = {
	/* cred.c: as whom a thread acts */
	"capget",
	"capset",
	"setfsgid",
	"setfsuid",

	/* fs.c: a thread's working directory and umask; unshare(CLONE_FS) is allowed by its argument, see fs.h */
	"fchdir",
	"umask",

	/* step.c, walk.c, node.c, export.c: from one node to the next, and their end */
	"clock_gettime", /* only where the vDSO has none */
	"close",
	"dup3",
	"openat2",
	"statx",

	/* entry.c */
	"linkat",
	"mkdirat",
	"mknodat",
	"renameat",
	"symlinkat",
	"unlinkat",

	/* attr.c */
	"fchmodat",
	"fchownat",
	"fstatfs",
	"ftruncate",
	"readlinkat",
	"utimensat",

	/* xattr.c */
	"getxattr",
	"listxattr",
	"removexattr",
	"setxattr",

	/* open.c */
	"fdatasync",
	"fsync",
	"getdents64",
	"lseek",
	"preadv",
	"pwritev",

	/* lock.c */
	"flock",

	/* watch.c */
	"inotify_add_watch",
	"inotify_rm_watch",

	/* every lock [pthread_*] */
	"futex",
	NULL,
};

const char *const fs_watch_syscalls[] = {
	/* cred.c, fs.c: the thread is made one of the service's */
	"capget",
	"capset",
	"fchdir",
	"setfsgid",
	"setfsuid",
	"umask",

	/* step.c, node.c, rest.c: a directory is awake, and what its entries are */
	"close",
	"fstatfs",
	"openat2",
	"statx",

	/* watch.c, stale.c */
	"inotify_rm_watch",
	"poll",
	"ppoll", /* what poll(3) is where a kernel has only that */
	"read",
	"write",
	NULL,
};

const struct syscall_rule fs_watch_syscall_rules[] = {
	/* step.c, node.c, rest.c: below a directory, and in the working directory what is open already */
	{ "openat", { SYSCALL_AT_DESCRIPTOR } },
	{ "openat", { { 2, O_NOCTTY, O_NOCTTY } } },

	/* cred.c */
	{ "prctl", { { 0, SYSCALL_INT, PR_GET_SECUREBITS } } },
	{ "prctl", { { 0, SYSCALL_INT, PR_SET_SECUREBITS } } },
	{ .name = NULL },
};

const struct syscall_rule fs_syscall_rules[] = {
	/* step.c, walk.c, node.c, export.c: below a directory, and in the working directory what is open already */
	{ "openat", { SYSCALL_AT_DESCRIPTOR } },
	{ "openat", { { 2, O_NOCTTY, O_NOCTTY } } },

	/* cred.c */
	{ "prctl", { { 0, SYSCALL_INT, PR_GET_SECUREBITS } } },
	{ "prctl", { { 0, SYSCALL_INT, PR_SET_SECUREBITS } } },

	/* lock.c */
	{ "fcntl", { { 1, SYSCALL_INT, F_OFD_GETLK } } },
	{ "fcntl", { { 1, SYSCALL_INT, F_OFD_SETLK } } },
	{ .name = NULL },
};
