/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file service: exports, nodes and the operations on them. It knows no protocol.
 *
 * A service has a root directory that exists nowhere: it and the directories above the exports are synthetic. An export
 * is a descriptor that somebody trusted has opened, shown under a path such as "CID/rootfs". It is a directory (best
 * the root of a detached mount clone) or one single file of any type.
 *
 * A node is a file of an export that somebody refers to. It is an O_PATH descriptor, never a path. A struct fs_file is
 * a node that was opened. Both are counted; the last put closes. Names are single components, and nothing follows a
 * symlink, so an operation starts at a node and ends one step below it.
 *
 * Threads: everything here may be called from several threads at once. A thread calls fs_thread_init() before its first
 * operation. Operations block as long as the host's file system does.
 *
 * Results: 0 (or a count) or -errno, without text, since the caller passes them to a guest. Only fs_new(),
 * fs_proc_open() and fs_export_*() speak to a person. Beside the errors named here, each operation has those of the
 * host's system call; -ESTALE if the node's export has been removed; -EROFS if it is read-only or the node synthetic.
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
#include "base/syscalls.h"
#include "host/file_policy.h"
#include "host/owners.h"

struct fs;
struct fs_node;
struct fs_file;

/* The longest name of a directory entry, and the longest target of a symlink (Linux's NAME_MAX, PATH_MAX - 1). */
#define FS_NAME_MAX 255
#define FS_TARGET_MAX 4095
/* The largest extended attribute, and the longest list of their names (Linux's XATTR_SIZE_MAX, XATTR_LIST_MAX). */
#define FS_XATTR_MAX 65536
/*
 * The most descriptors that the services of one process hold together for nodes and open files; each pins an inode of
 * the host, which takes some 1 KiB. There may be more nodes and open files than that, since both can rest.
 */
#define FS_FDS_MAX (1u << 16)
/*
 * Descriptors that are left to the rest of the process (control, streams, timers, descriptors that live for one request)
 * when RLIMIT_NOFILE is the smaller bound: a quarter of it, but at least and at most so many.
 */
#define FS_FDS_RESERVED 128
#define FS_FDS_RESERVED_MAX 1024

/* ---- memory ---- */

/*
 * The guest is to be asked for the names that it does not use: what it holds comes near the bound. Called by any thread
 * that serves it, at every 1024th piece of memory from three quarters of the bound on; must not block.
 */
typedef void fs_memory_fn(void *arg);

/*
 * Bounds what guests make all services of this process hold to @bytes of the host's memory (0: not at all; else at
 * least 4 MiB): half of it for nodes, names, open files and fids, half for descriptors and the inodes that they pin. @ask (may be NULL) is
 * called with @arg when the guest had better hold less. Before fs_new(), by one thread.
 */
void fs_memory_bound(uint64_t bytes, fs_memory_fn *ask, void *arg);

/* Counts @bytes that the guest makes the process hold from now on: 0; -ENOMEM beyond the bound, and they do not count. */
must_check int fs_memory_take(size_t bytes);

/* Counts @bytes less, which fs_memory_take() has counted. */
void fs_memory_give(size_t bytes);

/* The bytes that are counted now. */
uint64_t fs_memory_held(void);

/* What an allocation of @size bytes and one place in a hash table take. */
size_t fs_memory_of(size_t size);

/* ---- the service ---- */

/*
 * Opens /proc/self/fd: a descriptor, or -errno with @err set. It must be called in the process that will run the
 * operations, since the directory belongs to one process id, and while /proc is still a trusted path.
 */
must_check int fs_proc_open(struct err *err);

/*
 * Makes a service without exports: 0, or -errno with @err set. @proc_fd comes from fs_proc_open() and belongs to the
 * service on success; with -1 the service opens its own. The caller has raised RLIMIT_NOFILE before, which bounds how
 * many nodes a guest can hold.
 */
must_check int fs_new(int proc_fd, struct fs **ret_fs, struct err *err);

/*
 * Says, before any thread is prepared, that the operations will run in a user namespace with @owners, as the user that
 * they name: ids are then those outside of it in everything that is asked and answered here. What would belong to an owner
 * who has no number there is made for the service's own, and nothing can be given to one (-EINVAL). @owners is borrowed
 * until fs_free(); NULL: ids are what they are.
 */
void fs_set_owners(struct fs *fs, const struct owner_maps *owners);

/* Frees the service, after its last operation, when all nodes and files have been put. Accepts NULL. */
void fs_free(struct fs *fs);

/*
 * Makes the calling thread fit for operations: a umask (0) and a working directory (/proc/self/fd) of its own, and file
 * capabilities that survive a change of fsuid. 0 or -errno; to call it twice is harmless. From then on only the service
 * may change the thread's fsuid and fsgid.
 */
must_check int fs_thread_init(struct fs *fs);

/*
 * The system calls that this service makes, but for those of fs_proc_open() and fs_new(), which are called before a
 * filter is loaded: names, NULL at the end, and rules for those that depend on arguments. A filter has to allow unshare(CLONE_FS) beside these (not any other
 * unshare), and what libc needs for memory.
 */
extern const char *const fs_syscalls[];
extern const struct syscall_rule fs_syscall_rules[];

/* The same for the thread of a watcher (fs_watcher_start()). */
extern const char *const fs_watch_syscalls[];
extern const struct syscall_rule fs_watch_syscall_rules[];

/* ---- what others change behind the guest's back: stale.c ---- */

/* A client's cache is not what the host has any more. */
enum fs_stale {
	FS_STALE_GONE, /* the entry was removed or replaced; what the client has of it lives on without that name */
	FS_STALE_DROP, /* the same, or its contents have changed; the client has nothing of it that it has yet to write */
	FS_STALE_UNKNOWN, /* something, since too much happened at once: @path is "" */
};

/*
 * What is stale: the path of an entry as the guest knows it, from the service's root on, behind the name that
 * fs_watch() gave the service ("private/CID/rootfs/etc/hosts"). Called by the watcher's thread, and must not block for long; @path is valid during the call.
 */
typedef void fs_stale_fn(void *arg, enum fs_stale what, const char *path);

/* The directories that are watched at once; each pins an inode of the host (1 KiB). Beyond, the oldest makes room. */
#define FS_WATCHES_MAX 2048u

struct fs_watcher;

/* Makes a watcher, without a thread, for all services of a process: 0, or -errno with @err set (inotify(7) has bounds). */
must_check int fs_watcher_new(fs_stale_fn *stale, void *arg, struct fs_watcher **ret_watcher, struct err *err);

/* Frees it, after the services that use it. Accepts NULL. */
void fs_watcher_free(struct fs_watcher *watcher);

/*
 * Has @watcher (borrowed) look after what the guest learns of the exports of @fs, none of which is there yet. @name (a
 * constant) is what its paths begin with. Before the service's first operation.
 */
void fs_watch(struct fs *fs, struct fs_watcher *watcher, const char *name);

/* Starts the watcher's thread, on behalf of @fs, one of its services: 0, or -errno, also if the thread cannot do its work. */
must_check int fs_watcher_start(struct fs_watcher *watcher, struct fs *fs);

/* Ends the thread, before its services are freed. Accepts NULL. */
void fs_watcher_stop(struct fs_watcher *watcher);

/* ---- exports ---- */

#define FS_EXPORT_READONLY 1u
/*
 * Nobody else changes the export meanwhile, so the versions of its files stay the same. (A client that keeps an inode
 * per version would otherwise have one for each name of a hard-linked file.)
 */
#define FS_EXPORT_EXCLUSIVE 2u

/*
 * Shows @fd under @path ("a/b/c": relative, without empty, "." or ".." components); missing directories above are made.
 * @fd is a directory or an O_PATH descriptor of a single file, and is the service's on success. 0, or -errno with @err
 * set; -EEXIST: the path, or a part of it, is an export already.
 */
must_check int fs_export_add(struct fs *fs, const char *path, int fd, unsigned int flags, struct err *err);

/* The same, where the guest may do no more than @policy (copied) allows: beyond, -EPERM. NULL: FILE_POLICY_ALL. */
must_check int fs_export_add_bounded(
	struct fs *fs, const char *path, int fd, unsigned int flags, const struct file_policy *policy, struct err *err);

/*
 * Takes the export away, and directories above it that have become empty. What a guest still holds of it answers
 * -ESTALE, and its descriptors are closed before this returns, apart from those of operations under way. It does not
 * wait for a disk. 0, or -ENOENT with @err set.
 */
must_check int fs_export_remove(struct fs *fs, const char *path, struct err *err);

/* ---- nodes ---- */

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

/* The user and group that a new file belongs to; FS_OWNER_SERVICE stands for the service's own. */
#define FS_OWNER_SERVICE UINT32_MAX
struct fs_owner {
	uint32_t uid, gid;
};

/* The root directory of the service, referenced: the caller puts it. */
struct fs_node *fs_root(struct fs *fs);

/* Takes another reference to @node, which is returned. */
struct fs_node *fs_node_get(struct fs_node *node);

/* Drops a reference. Accepts NULL. */
void fs_node_put(struct fs_node *node);

/* True if more than three quarters of the descriptors are in use: then it is time to let nodes and files rest. */
bool fs_fds_short(const struct fs *fs);

/* True if more than seven eighths are. */
bool fs_fds_scarce(const struct fs *fs);

/*
 * A reference of the caller's to @node becomes an idle one: it keeps the node, but does not use it until
 * fs_node_busy() says so. A node with idle references alone may rest.
 */
void fs_node_idle(struct fs_node *node);

/* An idle reference becomes one like any other, which may be used and put. */
void fs_node_busy(struct fs_node *node);

/* What tells the exports of nodes apart, NULL for the directories above all exports. To be compared, and nothing else. */
const void *fs_node_place(const struct fs_node *node);

/*
 * Gives the descriptor of @node back until the node is used again. Then it is found by its name, and must be the same
 * inode, or its use fails with -ENOENT. The caller holds an idle reference, and sees to it that nobody makes one of them
 * busy or takes another meanwhile. False: the node rests already, has no name to be found by, or is in use.
 */
bool fs_node_rest(struct fs_node *node);

/* The type of @node (S_IFMT bits), which never changes. */
uint32_t fs_node_type(const struct fs_node *node);

/*
 * The entry @name of the directory @dir; with ".." its parent, with "." itself. A symlink is returned, not followed.
 * The parent of the root is the root; a directory that was moved out of its export has no parent (-ENOENT). The caller
 * puts *@ret_node.
 */
must_check int fs_walk(struct fs_node *dir, const char *name, struct fs_node **ret_node, struct fs_ident *ret_ident);

/* Asks the host for what identifies @node now. */
must_check int fs_ident_get(struct fs_node *node, struct fs_ident *ret_ident);

/* Reads all attributes of @node. */
must_check int fs_getattr(struct fs_node *node, struct fs_attr *ret_attr);

/* Describes the file system that @node is on, as statfs(2) does. */
must_check int fs_statfs(struct fs_node *node, struct statfs *ret_st);

/* Reads the target of the symlink @node, without a NUL: its length, cut to @size. -EINVAL: @node is no symlink. */
must_check int fs_readlink(struct fs_node *node, char *buf, size_t size);

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
 * Changes those attributes of @node that @set->valid names. @file is an open file of the same node, or NULL. @uid is
 * the user who asks: it decides whether set-id bits survive a change of size.
 */
must_check int fs_setattr(struct fs_node *node, struct fs_file *file, const struct fs_setattr *set, uint32_t uid);

/* ---- entries of directories: @dir, and @name in it, which fs_walk() would find ---- */

/* Makes a directory; *@ret_ident identifies it. */
must_check int fs_mkdir(
	struct fs_node *dir, const char *name, uint32_t mode, struct fs_owner owner, struct fs_ident *ret_ident);

/* Makes a file of any type but directory or symlink; @rdev as makedev(). *@ret_ident identifies it. */
must_check int fs_mknod(struct fs_node *dir, const char *name, uint32_t mode, uint64_t rdev, struct fs_owner owner,
	struct fs_ident *ret_ident);

/* Makes a symlink to @target, which may be any string; *@ret_ident identifies it. */
must_check int fs_symlink(
	struct fs_node *dir, const char *name, const char *target, struct fs_owner owner, struct fs_ident *ret_ident);

/* Makes another name for @node. -EXDEV: @node is in another export. */
must_check int fs_link(struct fs_node *dir, const char *name, struct fs_node *node);

/* Removes an entry, which with @directory must be an empty directory, and else must not be a directory. */
must_check int fs_unlink(struct fs_node *dir, const char *name, bool directory);

/* Renames an entry, replacing what has the new name. -EXDEV: the directories are in different exports. */
must_check int fs_rename(struct fs_node *old_dir, const char *old_name, struct fs_node *new_dir, const char *new_name);

/* Removes the entry that @node was found as, if it still is that node; else -ENOENT. -EBUSY: the root of an export. */
must_check int fs_remove_node(struct fs_node *node);

/* Renames the entry that @node was found as, with the same conditions. */
must_check int fs_rename_node(struct fs_node *node, struct fs_node *new_dir, const char *new_name);

/* ---- open files ---- */

/*
 * Opens a regular file or a directory. @flags are the host's O_ACCMODE, O_TRUNC, O_APPEND, O_DSYNC, O_SYNC, O_NOATIME,
 * O_DIRECTORY; others are -EINVAL. A file of another type is never opened: -ENXIO, a symlink -ELOOP. @uid as in
 * fs_setattr(). The caller puts *@ret_file.
 */
must_check int fs_open(
	struct fs_node *node, int flags, uint32_t uid, struct fs_file **ret_file, struct fs_ident *ret_ident);

/*
 * Creates a regular file and opens it, with flags as above but O_DIRECTORY, and O_EXCL; without that an existing file
 * is opened. The caller puts *@ret_node and *@ret_file.
 */
must_check int fs_create(struct fs_node *dir, const char *name, int flags, uint32_t mode, struct fs_owner owner,
	struct fs_node **ret_node, struct fs_file **ret_file, struct fs_ident *ret_ident);

/* Takes another reference to @file, which is returned. */
struct fs_file *fs_file_get(struct fs_file *file);

/* Drops a reference. Accepts NULL. */
void fs_file_put(struct fs_file *file);

/*
 * Gives the descriptor of @file back until the file is used again; then it is opened anew by its node. The caller holds
 * the only reference, and sees to it that nobody takes another meanwhile. False: it rests already, is a directory that
 * is being listed, has lost its name, or could not be opened again.
 */
bool fs_file_rest(struct fs_file *file);

/* preadv(2) straight from the file to @iov: bytes or -errno. */
must_check ssize_t fs_read(struct fs_file *file, const struct iovec *iov, int count, uint64_t offset);

/* pwritev(2) straight from @iov to the file: bytes or -errno. @uid as in fs_setattr(). */
must_check ssize_t fs_write(struct fs_file *file, const struct iovec *iov, int count, uint64_t offset, uint32_t uid);

/* fsync(2), or with @data_only fdatasync(2), of @file, or of @node if @file is NULL. */
must_check int fs_sync(struct fs_node *node, struct fs_file *file, bool data_only);

struct fs_dirent {
	struct fs_ident ident; /* version 0, mode only the type (0: unknown) */
	uint64_t cookie;       /* continues after this entry */
	const char *name;      /* borrowed until the call returns */
};
typedef bool fs_emit_fn(void *arg, const struct fs_dirent *entry);

/*
 * Reads the open directory @dir from @cookie on (0: from the start, else that of an earlier entry). It calls @emit for
 * each entry, until @emit returns false (that entry was not taken) or the entries took about @room bytes in the host's
 * form. @scratch is the caller's buffer for them. 0 or -errno; the end is a return without any call of @emit.
 */
must_check int fs_readdir(struct fs_file *dir, uint64_t cookie, size_t room, void *scratch, size_t scratch_size,
	fs_emit_fn *emit, void *arg);

/*
 * Byte ranges that one owner may have locked of one file, and that all may have of the service: -ENOLCK beyond. The host's
 * kernel keeps some 200 bytes for each, and looks at all of an inode's for each lock.
 */
#define FS_LOCKS_FILE_MAX 1024u
#define FS_LOCKS_MAX 8192u

/* Whose a lock is: nobody says; a process's or an open file's by fcntl(2); an open file's by flock(2). */
enum fs_lock_kind { FS_LOCK_UNKNOWN, FS_LOCK_PROCESS, FS_LOCK_FILE, FS_LOCK_FLOCK };

/*
 * Record locks: open-file-description locks of the host, or whole-file flock(2) where a file cannot be opened for
 * writing; FS_LOCK_FLOCK is the host's flock(2). @type is F_RDLCK, F_WRLCK or F_UNLCK; a @length of 0 reaches to the end.
 * Who locks is process @pid of @client (any numbers), which is ready to @wait; lock.c tells how that decides whose the
 * lock is where @kind does not.
 */
struct fs_lock {
	short type;
	enum fs_lock_kind kind;
	bool wait;
	uint32_t pid;
	uint64_t client;
	uint64_t start, length;
};

/* Takes or releases a lock. It never waits: -EAGAIN if somebody else holds it; -ENOLCK: see FS_LOCKS_MAX. */
must_check int fs_lock_set(struct fs_file *file, const struct fs_lock *lock);

/* Tells in *@lock which lock keeps *@lock from being granted; its type is F_UNLCK if none does. */
must_check int fs_lock_get(struct fs_file *file, struct fs_lock *lock);

/* ---- extended attributes, as xattr(7) has them; synthetic directories have none ---- */

/* Reads an attribute: its length, or -ERANGE if @size is too small. A @size of 0 only asks for the length. */
must_check ssize_t fs_getxattr(struct fs_node *node, const char *name, void *value, size_t size);

/* Reads the names of all attributes, each with its NUL: the length of all. @size as above. */
must_check ssize_t fs_listxattr(struct fs_node *node, void *list, size_t size);

/* Sets an attribute; @flags are XATTR_CREATE, XATTR_REPLACE. */
must_check int fs_setxattr(struct fs_node *node, const char *name, const void *value, size_t size, int flags);

/* Removes an attribute. */
must_check int fs_removexattr(struct fs_node *node, const char *name);

#endif
