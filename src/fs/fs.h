/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file service: exports, nodes and the operations on them. No protocol.
 *
 * A service has a root directory that exists nowhere: it and the directories
 * above the exports are synthetic. An export is a descriptor that was opened
 * by somebody trusted, shown under a path such as "CID/rootfs": a directory
 * (best the root of a detached mount clone) or one single file of any type.
 *
 * A node is a file of an export that somebody refers to: an O_PATH descriptor,
 * never a path. A file is a node that was opened. Both are counted; the last
 * put closes. Names are single components and nothing follows a symlink, so an
 * operation starts at a node and ends one step below it.
 *
 * Threads: everything here may be called from several threads at once. A
 * thread calls fs_thread_init() before its first operation. Operations block
 * as long as the host's file system does.
 *
 * Results: 0 (or a count) or -errno, without text: the caller passes them to a
 * guest. Only fs_new and fs_export_* speak to a person.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "base/base.h"
#include "base/err.h"

struct fs;
struct fs_node;
struct fs_file;

/*
 * The longest name of a directory entry, the longest target of a symlink (Linux NAME_MAX, PATH_MAX
 * - 1).
 */
#define FS_NAME_MAX 255
#define FS_TARGET_MAX 4095
/*
 * The largest extended attribute, and the longest list of their names (Linux XATTR_SIZE_MAX,
 * XATTR_LIST_MAX).
 */
#define FS_XATTR_MAX 65536
/*
 * The most descriptors that one service holds for nodes and open files: each
 * pins an inode of the host, some 1 KiB. More nodes than this can rest.
 */
#define FS_FDS_MAX (1u << 16)
/* Descriptors that are left to the rest of the process when RLIMIT_NOFILE is the smaller bound. */
#define FS_FDS_RESERVED 128

/*
 * A directory descriptor of this process's /proc/self/fd: or -1 with @err set.
 * To be called in the process that will run the operations (the directory
 * belongs to one process id), while /proc is still a trusted path.
 */
must_check int fs_proc_open(struct err *err);

/*
 * A service without exports. @proc_fd comes from fs_proc_open() and belongs to
 * the service on success; -1: the service opens its own. Raise RLIMIT_NOFILE
 * before: it bounds how many nodes a guest can hold.
 */
must_check int fs_new(int proc_fd, struct fs **ret_fs, struct err *err);
void fs_free(struct fs *fs); /* after the last operation, all nodes and files put; accepts NULL */

/*
 * Makes the calling thread fit for operations: its own umask (0) and working
 * directory (/proc/self/fd), file capabilities that survive a change of fsuid.
 * 0 or -errno. Twice is harmless. The thread's fsuid and fsgid are the
 * service's from then on.
 */
must_check int fs_thread_init(struct fs *fs);

/*
 * The names of the system calls that this service makes, but for those of fs_proc_open(), fs_new() and fs_free(), which
 * are called before a jail closes and after it; NULL is the last. A filter has to allow unshare(CLONE_FS) beside these
 * (not any other unshare), and what libc needs for memory.
 */
extern const char *const fs_syscalls[];

#define FS_EXPORT_READONLY 1u
/*
 * Nobody else changes it meanwhile: versions stay the same (a client that keeps
 * an inode per version would have one for each name of a hard-linked file).
 */
#define FS_EXPORT_EXCLUSIVE 2u

/*
 * Shows @fd under @path ("a/b/c": relative, no empty, "." or ".." component);
 * missing directories above are made. @fd is a directory or an O_PATH
 * descriptor of a single file, and is the service's on success.
 * -EEXIST: the path, or a part of it, is an export already.
 */
must_check int fs_export_add(struct fs *fs, const char *path, int fd, unsigned int flags, struct err *err);

/*
 * Takes the export away, and directories above that have become empty. What a
 * guest still holds of it answers ESTALE, and its descriptors are closed before
 * this returns, apart from operations under way. Does not wait for a disk.
 */
must_check int fs_export_remove(struct fs *fs, const char *path, struct err *err);

/* What identifies a node to a cache: unique over all file systems of the service. */
struct fs_ident {
	uint64_t id;      /* never shared by two live inodes; the same for all links of one */
	uint32_t version; /* changes with the contents (but: FS_EXPORT_EXCLUSIVE); never 0 */
	uint32_t mode;    /* type (S_IFMT) and permission bits */
};

struct fs_attr {
	struct fs_ident ident;
	uint32_t uid, gid;
	uint64_t nlink;
	uint64_t rdev; /* as makedev() */
	uint64_t size;
	uint64_t blksize;
	uint64_t blocks; /* of 512 bytes */
	struct timespec atime, mtime, ctime, btime;
	bool has_btime;
	uint32_t generation; /* tells apart two inodes that had one number after each other */
};

/* Who creates: ids of new files; FS_OWNER_SERVICE leaves the service's own. */
#define FS_OWNER_SERVICE UINT32_MAX
struct fs_owner {
	uint32_t uid, gid;
};

/* The root directory of the service, referenced: the caller puts it. */
struct fs_node *fs_root(struct fs *fs);
struct fs_node *fs_node_get(struct fs_node *node); /* another reference; returns @node */
void fs_node_put(struct fs_node *node);            /* accepts NULL */

/* Are more than three quarters of the descriptors in use? Then it is time to let nodes rest. */
bool fs_fds_short(const struct fs *fs);

/*
 * Gives the descriptor of @node back until it is used again; then it is found
 * by its name and must be the same inode (else -ENOENT). For who holds the only
 * reference, and sees to it that nobody gets another meanwhile. False: it has no
 * name to be found by, or is used.
 */
bool fs_node_rest(struct fs_node *node);
bool fs_node_rests(const struct fs_node *node); /* using it will take a descriptor */

/* S_IFMT bits of a node: fixed for its life. */
uint32_t fs_node_type(const struct fs_node *node);

/*
 * The entry @name of the directory @dir, with ".." its parent, with "." itself; symlinks are
 * returned, not followed. The parent of the root is the root; a directory that
 * was moved out of its export has none (-ENOENT). The caller puts *@ret_node.
 */
must_check int fs_walk(struct fs_node *dir, const char *name, struct fs_node **ret_node, struct fs_ident *ret_ident);

must_check int fs_ident_get(struct fs_node *node, struct fs_ident *ret_ident);
must_check int fs_getattr(struct fs_node *node, struct fs_attr *ret_attr);
must_check int fs_statfs(struct fs_node *node, struct statfs *ret_st);
must_check int fs_readlink(struct fs_node *node, char *buf, size_t size); /* length, not terminated */

#define FS_SET_MODE 1u
#define FS_SET_UID 2u
#define FS_SET_GID 4u
#define FS_SET_SIZE 8u
#define FS_SET_ATIME 16u /* to @atime (tv_nsec UTIME_NOW: to now) */
#define FS_SET_MTIME 32u
#define FS_SET_CTIME 64u /* touched: set to now as a side effect */
struct fs_setattr {
	unsigned int valid; /* FS_SET_* */
	uint32_t mode, uid, gid;
	uint64_t size;
	struct timespec atime, mtime;
};

/*
 * @file: an open file of the same node, or NULL; @uid is who asks (it decides whether set-id bits
 * survive).
 */
must_check int fs_setattr(struct fs_node *node, struct fs_file *file, const struct fs_setattr *set, uint32_t uid);

/* Making and removing entries of @dir. *@ret_ident tells of the new one. */
must_check int fs_mkdir(
	struct fs_node *dir, const char *name, uint32_t mode, struct fs_owner owner, struct fs_ident *ret_ident);
must_check int fs_mknod(struct fs_node *dir, const char *name, uint32_t mode, uint64_t rdev, struct fs_owner owner,
	struct fs_ident *ret_ident);
must_check int fs_symlink(
	struct fs_node *dir, const char *name, const char *target, struct fs_owner owner, struct fs_ident *ret_ident);
must_check int fs_link(struct fs_node *dir, const char *name, struct fs_node *node);
must_check int fs_unlink(struct fs_node *dir, const char *name, bool directory);
must_check int fs_rename(struct fs_node *old_dir, const char *old_name, struct fs_node *new_dir, const char *new_name);

/* Removes or renames what @node was found as, if it still has that name; else -ENOENT. */
must_check int fs_remove_node(struct fs_node *node);
must_check int fs_rename_node(struct fs_node *node, struct fs_node *new_dir, const char *new_name);

/*
 * Opens a regular file or directory: @flags are the host's O_ACCMODE, O_TRUNC,
 * O_APPEND, O_DSYNC, O_SYNC, O_NOATIME, O_DIRECTORY; others are -EINVAL.
 * Anything else is never opened: -ENXIO, a symlink -ELOOP.
 */
must_check int fs_open(
	struct fs_node *node, int flags, uint32_t uid, struct fs_file **ret_file, struct fs_ident *ret_ident);

/* Creates a regular file and opens it (O_EXCL as well; without it an existing one is opened). */
must_check int fs_create(struct fs_node *dir, const char *name, int flags, uint32_t mode, struct fs_owner owner,
	struct fs_node **ret_node, struct fs_file **ret_file, struct fs_ident *ret_ident);

struct fs_file *fs_file_get(struct fs_file *file);
void fs_file_put(struct fs_file *file); /* accepts NULL */

/* preadv(2), pwritev(2) straight between file and @iov; @uid as in fs_setattr. Bytes or -errno. */
must_check ssize_t fs_read(struct fs_file *file, const struct iovec *iov, int count, uint64_t offset);
must_check ssize_t fs_write(struct fs_file *file, const struct iovec *iov, int count, uint64_t offset, uint32_t uid);

/* @node is used if @file is NULL. */
must_check int fs_sync(struct fs_node *node, struct fs_file *file, bool data_only);

/*
 * Reads a directory from @cookie (0: the start, else from an earlier entry):
 * calls @emit for each until it returns false (that entry was not taken) or
 * about @room bytes of names and fixed parts were given. 0 or -errno; an end is
 * a return without a call of @emit.
 */
struct fs_dirent {
	struct fs_ident ident; /* version 0, mode only the type (0: unknown) */
	uint64_t cookie;       /* continues after this entry */
	const char *name;
};
typedef bool fs_emit_fn(void *arg, const struct fs_dirent *entry);
must_check int fs_readdir(struct fs_file *dir, uint64_t cookie, size_t room, void *scratch, size_t scratch_size,
	fs_emit_fn *emit, void *arg);

/*
 * Record locks of the open file (OFD locks of the host; whole-file flock(2)
 * where a file cannot be opened for writing). @type: F_RDLCK, F_WRLCK, F_UNLCK.
 * @length 0: to the end. Never waits: -EAGAIN if somebody else holds it.
 */
struct fs_lock {
	short type;
	uint64_t start, length;
};
must_check int fs_lock_set(struct fs_file *file, const struct fs_lock *lock);
must_check int fs_lock_get(struct fs_file *file, struct fs_lock *lock); /* type F_UNLCK: it would be granted */

/* Extended attributes; *xattr(7) semantics. A @size of 0 asks for the length. */
must_check ssize_t fs_getxattr(struct fs_node *node, const char *name, void *value, size_t size);
must_check ssize_t fs_listxattr(struct fs_node *node, void *list, size_t size);
must_check int fs_setxattr(struct fs_node *node, const char *name, const void *value, size_t size, int flags);
must_check int fs_removexattr(struct fs_node *node, const char *name);

#endif
