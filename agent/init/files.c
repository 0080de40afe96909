/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a container's tmpfs for the host: see files.h. */
#include "init/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/sys.h"

/* What of a caller's flags counts for a descriptor here. */
#define OPEN_FLAGS (O_ACCMODE | O_APPEND | O_TRUNC)
#define RENAME_FLAGS 3u /* RENAME_NOREPLACE and RENAME_EXCHANGE */

struct handle {
	int fd; /* -1: the number is free */
	bool dir;
	uint64_t offset; /* of a directory: where the next entry is */
};

struct files {
	int places[PROTO_FILE_PLACES_MAX]; /* their roots, open for reading; -1: it is not to be seen */
	int clones[PROTO_FILE_PLACES_MAX]; /* what keeps each */
	uint32_t places_len;
	struct handle handles[PROTO_FILE_HANDLES_MAX];
};

/* A call under way. */
struct call {
	struct files *files;
	const struct guest_file *ask;
	int node, other; /* O_PATH descriptors; -1: none */
	struct proto_file answer;
	struct buf data;
};

/* --- places, nodes, handles --- */

int files_add(struct files **files, int fd)
{
	struct files *f = *files;
	int root = fd < 0 ? -1 : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd >= 0 && root < 0 ? -errno : 0;

	if (!f) {
		f = calloc(1, sizeof(*f));
		for (size_t i = 0; f && i < PROTO_FILE_HANDLES_MAX; i++)
			f->handles[i].fd = -1;
	}
	if (!f)
		r = -ENOMEM;
	else if (r == 0 && f->places_len == PROTO_FILE_PLACES_MAX)
		r = -E2BIG;
	if (r < 0) {
		fd_close(root);
		fd_close(fd);
		if (!*files)
			free(f);
		return r;
	}
	f->clones[f->places_len] = fd;
	f->places[f->places_len++] = root;
	*files = f;
	return 0;
}

void files_free(struct files *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < PROTO_FILE_HANDLES_MAX; i++)
		fd_close(f->handles[i].fd);
	for (size_t i = 0; i < f->places_len; i++) {
		fd_close(f->places[i]);
		fd_close(f->clones[i]);
	}
	free(f);
}

/*
 * How the kernel finds a file of a tmpfs again: name_to_handle_at(2). Of its three words the last is the upper half of the
 * file's number in the file system, which counts up from 1: it is not reached, and the other two are the node.
 */
struct known {
	struct file_handle head;
	uint32_t words[3];
};

#define KNOWN_TYPE 1

/* The number of the node that @fd is: 0 with *@ret, or -errno. */
static int number_of(int fd, uint64_t *ret)
{
	struct known k = { .head = { .handle_bytes = sizeof(k.words) } };
	int mount;

	if (name_to_handle_at(fd, "", &k.head, &mount, AT_EMPTY_PATH) < 0)
		return -errno;
	*ret = (uint64_t)k.words[0] << 32 | k.words[1];
	return k.head.handle_bytes == sizeof(k.words) && k.head.handle_type == KNOWN_TYPE && k.words[2] == 0 &&
			       *ret > PROTO_FILE_ROOT
		       ? 0
		       : -EOVERFLOW;
}

/* An O_PATH descriptor of node @number of @place, or -errno; -ESTALE: it is gone. */
static int open_node(const struct files *f, uint32_t place, uint64_t number)
{
	struct known k = { .head = { .handle_bytes = sizeof(k.words), .handle_type = KNOWN_TYPE },
		.words = { (uint32_t)(number >> 32), (uint32_t)number, 0 } };
	int fd;

	if (f->places[place] < 0)
		return -EIO;
	if (number == PROTO_FILE_ROOT)
		fd = openat(f->places[place], ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	else
		fd = open_by_handle_at(f->places[place], &k.head, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The handle that the call is for, or NULL. */
static struct handle *find_handle(const struct call *c, bool dir)
{
	uint64_t number = c->ask->handle;
	struct handle *h = number > 0 && number <= PROTO_FILE_HANDLES_MAX ? &c->files->handles[number - 1] : NULL;

	return h && h->fd >= 0 && h->dir == dir ? h : NULL;
}

/* Gives @fd, which is taken also on failure, a handle in the answer: 0 or -errno. */
static int put_handle(struct call *c, int fd, bool dir)
{
	for (uint32_t i = 0; i < PROTO_FILE_HANDLES_MAX; i++) {
		if (c->files->handles[i].fd >= 0)
			continue;
		c->files->handles[i] = (struct handle){ .fd = fd, .dir = dir };
		c->answer.handle = i + 1;
		return 0;
	}
	fd_close(fd);
	return -ENFILE;
}

void files_close(struct files *f, uint64_t handle)
{
	if (!f || handle == 0 || handle > PROTO_FILE_HANDLES_MAX)
		return;
	fd_close(f->handles[handle - 1].fd);
	f->handles[handle - 1].fd = -1;
}

/* --- answers --- */

/* What stat(2) says is what the kernel's other end wants. */
static void put_attributes(struct call *c, const struct stat *st)
{
	struct proto_file *a = &c->answer;

	a->ino = st->st_ino;
	a->bytes = (uint64_t)st->st_size;
	a->blocks = (uint64_t)st->st_blocks;
	a->mode = st->st_mode;
	a->nlink = (uint32_t)st->st_nlink;
	a->uid = st->st_uid;
	a->gid = st->st_gid;
	a->rdev = (uint32_t)st->st_rdev; /* the kernel's own coding, for numbers that it has */
	a->atime_s = st->st_atim.tv_sec;
	a->mtime_s = st->st_mtim.tv_sec;
	a->ctime_s = st->st_ctim.tv_sec;
	a->atime_ns = (uint32_t)st->st_atim.tv_nsec;
	a->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
	a->ctime_ns = (uint32_t)st->st_ctim.tv_nsec;
}

/* Answers with the attributes of the descriptor @fd: 0 or -errno. */
static int put_stat(struct call *c, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	put_attributes(c, &st);
	return 0;
}

/* Answers with the node that @fd is: 0 or -errno. */
static int put_node(struct call *c, int fd)
{
	int r = put_stat(c, fd);

	return r < 0 ? r : number_of(fd, &c->answer.node);
}

/* --- names --- */

/* 0 if @name is that of an entry of a directory, else -EINVAL or -ENAMETOOLONG. */
static int check_name(const char *name)
{
	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	return strlen(name) > PROTO_FILE_NAME_MAX ? -ENAMETOOLONG : 0;
}

/* An O_PATH descriptor of what has @name in @dir, be it a symlink, or -errno. */
static int open_child(int dir, const char *name)
{
	const struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS };
	int r = check_name(name);
	int fd = r < 0 ? r : sys_openat2(dir, name, &how);

	return r < 0 ? r : fd < 0 ? -errno : fd;
}

/* The path by which calls without AT_EMPTY_PATH reach the file of an O_PATH descriptor. */
struct fd_path {
	char text[32];
};

static struct fd_path path_of(int fd)
{
	struct fd_path p;

	(void)snprintf(p.text, sizeof(p.text), "/proc/self/fd/%d", fd); /* fits */
	return p;
}

/* A descriptor of the regular file that @node is, or -errno. What the container has leased is -EAGAIN. */
static int open_file(int node, uint32_t flags)
{
	struct stat st;
	int fd;

	if (fstat(node, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	fd = open(path_of(node).text, (int)(flags & OPEN_FLAGS) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/*
 * Makes what is made from here on belong to @uid and @gid, as the file system does it for a process of theirs: with the
 * group of a directory that has S_ISGID, and refused where a user namespace has no such number. The agent stays root.
 */
static void make_as(uid_t uid, gid_t gid)
{
	int bits = prctl(PR_GET_SECUREBITS);

	/* without it capabilities would go with the user; if that fails, the operations fail */
	(void)prctl(PR_SET_SECUREBITS, uid ? bits | SECBIT_NO_SETUID_FIXUP : bits & ~SECBIT_NO_SETUID_FIXUP);
	(void)setfsgid(gid);
	(void)setfsuid(uid);
}

/* Answers with the entry @name of the directory @dir: 0 or -errno. A new one may have been replaced by now. */
static int put_entry(struct call *c, int dir, const char *name)
{
	autoclose int fd = open_child(dir, name);

	return fd < 0 ? fd : put_node(c, fd);
}

/* --- operations: 0 or -errno --- */

static int do_lookup(struct call *c)
{
	return put_entry(c, c->node, c->ask->name);
}

static int do_getattr(struct call *c)
{
	return put_stat(c, c->node);
}

/* Takes the set-id bits of the file @fd away, if that is asked for. 0 or -errno. */
static int kill_ids(const struct call *c, int fd)
{
	struct stat st;
	mode_t bits;

	if (!(c->ask->set & GUEST_FILE_KILL_SUIDGID))
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* S_ISGID alone is no right of a group's */
	bits = st.st_mode & (S_ISUID | (st.st_mode & S_IXGRP ? S_ISGID : 0u));
	return S_ISREG(st.st_mode) && bits && chmod(path_of(fd).text, st.st_mode & 07777 & ~bits) < 0 ? -errno : 0;
}

/* The owner comes before the mode, of which it takes bits, and the times after the size, which changes them. */
static int do_setattr(struct call *c)
{
	const struct guest_file *f = c->ask;
	const struct timespec times[2] = {
		{ f->atime_s, f->set & GUEST_FILE_SET_ATIME ? (long)f->atime_ns : UTIME_OMIT },
		{ f->mtime_s, f->set & GUEST_FILE_SET_MTIME ? (long)f->mtime_ns : UTIME_OMIT },
	};

	if ((f->set & (GUEST_FILE_SET_UID | GUEST_FILE_SET_GID)) &&
		fchownat(c->node, "", f->set & GUEST_FILE_SET_UID ? f->uid : (uid_t)-1,
			f->set & GUEST_FILE_SET_GID ? f->gid : (gid_t)-1, AT_EMPTY_PATH) < 0)
		return -errno;
	if ((f->set & GUEST_FILE_SET_MODE) && chmod(path_of(c->node).text, f->mode & 07777) < 0)
		return -errno;
	if (f->set & GUEST_FILE_SET_SIZE) {
		autoclose int fd = open_file(c->node, O_WRONLY);

		if (fd < 0)
			return fd;
		(void)!kill_ids(c, fd); /* it fails where what follows does */
		if (f->offset > INT64_MAX || ftruncate(fd, (off_t)f->offset) < 0)
			return f->offset > INT64_MAX ? -EINVAL : -errno;
	}
	if ((f->set & (GUEST_FILE_SET_ATIME | GUEST_FILE_SET_MTIME)) &&
		utimensat(c->node, "", times, AT_EMPTY_PATH) < 0)
		return -errno;
	return put_stat(c, c->node);
}

static int do_readlink(struct call *c)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(c->node, "", target, sizeof(target));

	if (n < 0)
		return -errno;
	buf_put(&c->data, target, (size_t)n);
	return 0;
}

static int do_symlink(struct call *c)
{
	int r = check_name(c->ask->name);

	if (r == 0 && symlinkat(c->ask->to, c->node, c->ask->name) < 0)
		r = -errno;
	return r < 0 ? r : put_entry(c, c->node, c->ask->name);
}

static int do_mknod(struct call *c)
{
	int r = check_name(c->ask->name);

	if (r == 0 && mknodat(c->node, c->ask->name, c->ask->mode, (dev_t)c->ask->rdev) < 0)
		r = -errno;
	return r < 0 ? r : put_entry(c, c->node, c->ask->name);
}

static int do_mkdir(struct call *c)
{
	int r = check_name(c->ask->name);

	if (r == 0 && mkdirat(c->node, c->ask->name, c->ask->mode & 07777) < 0)
		r = -errno;
	return r < 0 ? r : put_entry(c, c->node, c->ask->name);
}

/* UNLINK and RMDIR. */
static int do_unlink(struct call *c)
{
	int r = check_name(c->ask->name);

	if (r == 0 && unlinkat(c->node, c->ask->name, c->ask->op == GUEST_FILE_RMDIR ? AT_REMOVEDIR : 0) < 0)
		r = -errno;
	return r;
}

static int do_rename(struct call *c)
{
	int r = check_name(c->ask->name);

	if (r == 0)
		r = check_name(c->ask->to);
	if (r == 0 && (c->ask->flags & ~RENAME_FLAGS))
		r = -EINVAL;
	if (r == 0 && syscall(SYS_renameat2, c->node, c->ask->name, c->other, c->ask->to, c->ask->flags) < 0)
		r = -errno;
	return r;
}

static int do_link(struct call *c)
{
	int r = check_name(c->ask->to);

	if (r == 0 && linkat(c->node, "", c->other, c->ask->to, AT_EMPTY_PATH) < 0)
		r = -errno;
	return r < 0 ? r : put_entry(c, c->other, c->ask->to);
}

static int do_open(struct call *c)
{
	int r = kill_ids(c, c->node);
	int fd = r < 0 ? r : open_file(c->node, c->ask->flags);

	return fd < 0 ? fd : put_handle(c, fd, false);
}

/* Makes the file, or opens the one that has come meanwhile, if the caller takes that. */
static int do_create(struct call *c)
{
	const struct guest_file *f = c->ask;
	autoclose int node = -1;
	int r = check_name(f->name), fd;

	if (r == 0 && mknodat(c->node, f->name, S_IFREG | (f->mode & 07777), 0) < 0 &&
		(errno != EEXIST || (f->flags & O_EXCL)))
		r = -errno;
	if (r == 0)
		r = node = open_child(c->node, f->name);
	if (r >= 0)
		r = kill_ids(c, node);
	if (r == 0)
		r = put_node(c, node);
	if (r < 0)
		return r;
	fd = open_file(node, f->flags);
	return fd < 0 ? fd : put_handle(c, fd, false);
}

/* A regular file is read at once, so that what comes is all that there is. */
static int do_read(struct call *c)
{
	const struct handle *h = find_handle(c, false);
	size_t len = MIN(c->ask->size, (uint32_t)PROTO_FILE_DATA_MAX);
	char *to = h && c->ask->offset <= INT64_MAX ? buf_extend(&c->data, len) : NULL;
	ssize_t n;

	if (!to)
		return !h ? -EBADF : buf_error(&c->data) < 0 ? -ENOMEM : -EINVAL;
	n = pread(h->fd, to, len, (off_t)c->ask->offset);
	if (n < 0)
		return -errno;
	c->data.len = (size_t)n;
	return 0;
}

/* What the set-id bits mean is over before the file has other bytes. */
static int do_write(struct call *c)
{
	const struct handle *h = find_handle(c, false);
	ssize_t n;
	int r;

	if (!h || c->ask->offset > INT64_MAX)
		return h ? -EINVAL : -EBADF;
	r = kill_ids(c, h->fd);
	if (r < 0)
		return r;
	n = pwrite(h->fd, c->ask->data.at, c->ask->data.len, (off_t)c->ask->offset);
	if (n < 0)
		return -errno;
	c->answer.size = (uint32_t)n; /* a message's length at most */
	return 0;
}

static int do_opendir(struct call *c)
{
	int fd = openat(c->node, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : put_handle(c, fd, true);
}

/* As getdents64(2) has it. */
struct entry {
	uint64_t ino;
	int64_t next;
	uint16_t len;
	uint8_t type;
	char name[];
} __attribute__((packed));

/*
 * The kernel's own form of an entry takes at least three quarters of that of /dev/fuse, so that all that is read here has
 * room in what the host may say, and the directory is read on from where it stands: an offset that is sought anew would
 * be wrong once entries before it are gone.
 */
static int do_readdir(struct call *c)
{
	struct handle *h = find_handle(c, true);
	size_t size = MIN(c->ask->size, (uint32_t)PROTO_FILE_DATA_MAX) / 4 * 3;
	autofree char *entries = malloc(size + 1);
	long n;

	if (!h || !entries)
		return h ? -ENOMEM : -EBADF;
	if (h->offset != c->ask->offset && lseek(h->fd, (off_t)c->ask->offset, SEEK_SET) < 0)
		return -errno;
	n = syscall(SYS_getdents64, h->fd, entries, size);
	if (n < 0)
		return -errno;
	h->offset = c->ask->offset;
	for (long at = 0; at < n;) {
		const struct entry *e = (const struct entry *)(entries + at);

		proto_file_put_entry(
			&c->data, &(struct proto_file_entry){
					  .ino = e->ino, .next = (uint64_t)e->next, .type = e->type, .name = e->name });
		h->offset = (uint64_t)e->next;
		at += e->len;
	}
	return 0;
}

/* The room in the file system, which is the whole of the place. */
static int do_statfs(struct call *c)
{
	struct statfs st;

	if (fstatfs(c->node, &st) < 0)
		return -errno;
	proto_file_put_room(&c->data, &(struct proto_file_room){ .block_size = (uint64_t)st.f_bsize,
					      .blocks = st.f_blocks,
					      .blocks_free = st.f_bfree,
					      .blocks_usable = st.f_bavail,
					      .files = st.f_files,
					      .files_free = st.f_ffree });
	return 0;
}

/* GETXATTR and LISTXATTR. */
static int do_getxattr(struct call *c)
{
	const struct guest_file *f = c->ask;
	size_t size = MIN(f->size, (uint32_t)PROTO_FILE_DATA_MAX);
	char *to = buf_extend(&c->data, size);
	struct fd_path path = path_of(c->node);
	ssize_t n;

	if (!to && size)
		return -ENOMEM;
	n = f->op == GUEST_FILE_GETXATTR ? getxattr(path.text, f->name, to, size) : listxattr(path.text, to, size);
	if (n < 0)
		return -errno;
	c->data.len = size ? (size_t)n : 0;
	c->answer.size = (uint32_t)n; /* XATTR_SIZE_MAX at most */
	return 0;
}

static int do_setxattr(struct call *c)
{
	const struct guest_file *f = c->ask;

	return setxattr(path_of(c->node).text, f->name, f->data.at, f->data.len, (int)f->flags) < 0 ? -errno : 0;
}

static int do_removexattr(struct call *c)
{
	return removexattr(path_of(c->node).text, c->ask->name) < 0 ? -errno : 0;
}

/*
 * Opens the nodes that the call is about. What is open needs none: its file may have no name any more, and then no kernel
 * finds it again. 0 or -errno.
 */
static int open_nodes(struct call *c)
{
	const struct guest_file *f = c->ask;
	const struct handle *h = f->handle ? find_handle(c, false) : NULL;

	if ((f->op == GUEST_FILE_GETATTR || f->op == GUEST_FILE_SETATTR) && h)
		c->node = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
	else if (f->op != GUEST_FILE_READ && f->op != GUEST_FILE_WRITE && f->op != GUEST_FILE_READDIR)
		c->node = open_node(c->files, f->place, f->node);
	else
		return 0;
	if (c->node < 0)
		return h ? -errno : c->node;
	c->other = f->other ? open_node(c->files, f->place, f->other) : -1;
	if (f->other && c->other < 0) {
		fd_close(c->node);
		return c->other;
	}
	return 0;
}

int files_do(struct files *files, const struct guest_file *f, struct buf *out)
{
	static int (*const operations[GUEST_FILE_COUNT])(struct call * c) = {
		[GUEST_FILE_LOOKUP] = do_lookup,
		[GUEST_FILE_GETATTR] = do_getattr,
		[GUEST_FILE_SETATTR] = do_setattr,
		[GUEST_FILE_READLINK] = do_readlink,
		[GUEST_FILE_SYMLINK] = do_symlink,
		[GUEST_FILE_MKNOD] = do_mknod,
		[GUEST_FILE_MKDIR] = do_mkdir,
		[GUEST_FILE_UNLINK] = do_unlink,
		[GUEST_FILE_RMDIR] = do_unlink,
		[GUEST_FILE_RENAME] = do_rename,
		[GUEST_FILE_LINK] = do_link,
		[GUEST_FILE_OPEN] = do_open,
		[GUEST_FILE_CREATE] = do_create,
		[GUEST_FILE_READ] = do_read,
		[GUEST_FILE_WRITE] = do_write,
		[GUEST_FILE_OPENDIR] = do_opendir,
		[GUEST_FILE_READDIR] = do_readdir,
		[GUEST_FILE_STATFS] = do_statfs,
		[GUEST_FILE_GETXATTR] = do_getxattr,
		[GUEST_FILE_LISTXATTR] = do_getxattr,
		[GUEST_FILE_SETXATTR] = do_setxattr,
		[GUEST_FILE_REMOVEXATTR] = do_removexattr,
	};
	struct call c = { .files = files, .ask = f, .node = -1, .other = -1, .data = BUF_INIT };
	mode_t mask = 0;
	bool makes;
	int r;

	if (!files || f->place >= files->places_len)
		return -EIO;
	r = open_nodes(&c);
	if (r < 0)
		return r;
	makes = f->op == GUEST_FILE_SYMLINK || f->op == GUEST_FILE_MKNOD || f->op == GUEST_FILE_MKDIR ||
		f->op == GUEST_FILE_CREATE;
	if (makes) {
		mask = umask(0); /* that of the caller is in the mode already */
		make_as(f->uid, f->gid);
	}
	r = operations[f->op](&c); /* the decoder takes no other */
	if (makes) {
		make_as(0, 0);
		(void)umask(mask);
	}
	if (r == 0 && buf_error(&c.data) < 0)
		r = -ENOMEM;
	if (r == 0) {
		c.answer.data = (struct guest_blob){ .len = c.data.len, .at = c.data.data };
		proto_put_file(out, &c.answer);
	}
	buf_done(&c.data);
	fd_close(c.node);
	fd_close(c.other);
	return r;
}
