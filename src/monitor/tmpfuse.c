/* SPDX-License-Identifier: Apache-2.0 */
/* Between /dev/fuse and FILE: see tmpfuse.h. */
#include "monitor/tmpfuse.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "fuse/kernel.h"

#define BLOCK_SIZE 4096
#define NS_PER_S 1000000000u

/* --- requests --- */

/* The fixed part of a request, and the names behind it, which are each to end with a NUL. */
struct body {
	const char *at;
	size_t left;
	int error;
};

/* Copies the next @len bytes to @to. */
static void take(struct body *b, void *to, size_t len)
{
	if (b->left < len) {
		b->error = -EINVAL;
		memset(to, 0, len);
		return;
	}
	memcpy(to, b->at, len);
	b->at += len;
	b->left -= len;
}

static const char *take_name(struct body *b)
{
	size_t len = strnlen(b->at, b->left);
	const char *name = b->at;

	if (b->error || len == b->left) {
		b->error = -EINVAL;
		return "";
	}
	b->at += len + 1;
	b->left -= len + 1;
	return name;
}

static void read_getattr(struct body *b, struct tmpfuse_ask *ask)
{
	struct fuse_getattr_in in;

	take(b, &in, sizeof(in));
	ask->file.op = GUEST_FILE_GETATTR;
	ask->file.handle = in.getattr_flags & FUSE_GETATTR_FH ? in.fh : 0;
	if (ask->file.node == PROTO_FILE_ROOT)
		ask->type = S_IFDIR;
}

/* Modes, owners, sizes and times; the kernel says of each whether it is to be set. */
static void read_setattr(struct body *b, struct guest_file *f)
{
	static const struct {
		uint32_t valid, set;
	} bits[] = {
		{ FATTR_MODE, GUEST_FILE_SET_MODE },
		{ FATTR_UID, GUEST_FILE_SET_UID },
		{ FATTR_GID, GUEST_FILE_SET_GID },
		{ FATTR_SIZE, GUEST_FILE_SET_SIZE },
		{ FATTR_ATIME, GUEST_FILE_SET_ATIME },
		{ FATTR_MTIME, GUEST_FILE_SET_MTIME },
	};
	struct fuse_setattr_in in;

	take(b, &in, sizeof(in));
	f->op = GUEST_FILE_SETATTR;
	for (size_t i = 0; i < ARRAY_LEN(bits); i++)
		f->set |= in.valid & bits[i].valid ? bits[i].set : 0;
	f->set |= in.valid & FATTR_KILL_SUIDGID ? GUEST_FILE_KILL_SUIDGID : 0;
	f->mode = in.mode;
	f->handle = in.valid & FATTR_FH ? in.fh : 0;
	f->uid = in.uid;
	f->gid = in.gid;
	f->offset = in.size;
	f->atime_s = (int64_t)in.atime;
	f->mtime_s = (int64_t)in.mtime;
	/* "now" is the guest's now */
	f->atime_ns = in.valid & FATTR_ATIME_NOW ? UTIME_NOW : in.atimensec;
	f->mtime_ns = in.valid & FATTR_MTIME_NOW ? UTIME_NOW : in.mtimensec;
}

static void read_mknod(struct body *b, struct tmpfuse_ask *ask)
{
	struct fuse_mknod_in in;

	take(b, &in, sizeof(in));
	ask->file.op = GUEST_FILE_MKNOD;
	ask->file.mode = in.mode;
	ask->file.rdev = in.rdev;
	ask->file.name = take_name(b);
	ask->type = in.mode & S_IFMT;
}

static void read_mkdir(struct body *b, struct tmpfuse_ask *ask)
{
	struct fuse_mkdir_in in;

	take(b, &in, sizeof(in));
	ask->file.op = GUEST_FILE_MKDIR;
	ask->file.mode = in.mode;
	ask->file.name = take_name(b);
	ask->type = S_IFDIR;
}

/* RENAME and RENAME2, which has flags. */
static void read_rename(struct body *b, bool flags, struct tmpfuse_ask *ask)
{
	struct fuse_rename2_in in = { .flags = 0 };

	take(b, &in, flags ? sizeof(in) : sizeof(struct fuse_rename_in));
	ask->file.op = GUEST_FILE_RENAME;
	ask->file.flags = in.flags;
	ask->file.name = take_name(b);
	ask->file.to = take_name(b);
	ask->file.other = in.newdir;
}

/* The kernel's node is the directory of the new name. */
static void read_link(struct body *b, struct tmpfuse_ask *ask)
{
	struct fuse_link_in in;

	take(b, &in, sizeof(in));
	ask->file.op = GUEST_FILE_LINK;
	ask->file.to = take_name(b);
	ask->file.other = ask->file.node;
	ask->file.node = in.oldnodeid;
}

static void read_create(struct body *b, struct tmpfuse_ask *ask)
{
	struct fuse_create_in in;

	take(b, &in, sizeof(in));
	ask->file.op = GUEST_FILE_CREATE;
	ask->file.set = in.open_flags & FUSE_OPEN_KILL_SUIDGID ? GUEST_FILE_KILL_SUIDGID : 0;
	ask->file.flags = in.flags;
	ask->file.mode = in.mode;
	ask->file.name = take_name(b);
	ask->type = S_IFREG;
}

static void read_open(struct body *b, bool dir, struct guest_file *f)
{
	struct fuse_open_in in;

	take(b, &in, sizeof(in));
	f->op = dir ? GUEST_FILE_OPENDIR : GUEST_FILE_OPEN;
	f->set = in.open_flags & FUSE_OPEN_KILL_SUIDGID ? GUEST_FILE_KILL_SUIDGID : 0;
	f->flags = in.flags;
}

static void read_read(struct body *b, bool dir, struct guest_file *f)
{
	struct fuse_read_in in;

	take(b, &in, sizeof(in));
	f->op = dir ? GUEST_FILE_READDIR : GUEST_FILE_READ;
	f->handle = in.fh;
	f->offset = in.offset;
	f->size = MIN(in.size, (uint32_t)PROTO_FILE_DATA_MAX);
}

static void read_write(struct body *b, struct guest_file *f)
{
	struct fuse_write_in in;

	take(b, &in, sizeof(in));
	f->op = GUEST_FILE_WRITE;
	f->set = in.write_flags & FUSE_WRITE_KILL_SUIDGID ? GUEST_FILE_KILL_SUIDGID : 0;
	f->handle = in.fh;
	f->offset = in.offset;
	f->size = in.size;
	f->data = (struct guest_blob){ .len = b->left, .at = b->at };
	if (in.size != b->left || b->left > PROTO_FILE_DATA_MAX)
		b->error = -EINVAL;
}

/*
 * Extended attributes: of those of the system's that one counts which a file has for its program. Others are what the host's
 * security modules would be told by a guest.
 */
static void read_xattr(struct body *b, uint32_t opcode, struct guest_file *f)
{
	struct fuse_setxattr_in set = { .size = 0 };
	struct fuse_getxattr_in get = { .size = 0 };

	if (opcode == FUSE_SETXATTR)
		take(b, &set, FUSE_COMPAT_SETXATTR_IN_SIZE);
	else if (opcode != FUSE_REMOVEXATTR)
		take(b, &get, sizeof(get));
	f->op = opcode == FUSE_SETXATTR    ? GUEST_FILE_SETXATTR
		: opcode == FUSE_GETXATTR  ? GUEST_FILE_GETXATTR
		: opcode == FUSE_LISTXATTR ? GUEST_FILE_LISTXATTR
					   : GUEST_FILE_REMOVEXATTR;
	f->size = get.size;
	f->flags = set.flags;
	if (opcode == FUSE_LISTXATTR)
		return;
	f->name = take_name(b);
	f->data = (struct guest_blob){ .len = set.size, .at = b->at };
	if (set.size > b->left)
		b->error = -EINVAL;
	else if (!b->error && strncmp(f->name, "user.", 5) != 0 && strcmp(f->name, "security.capability") != 0)
		b->error = -EOPNOTSUPP;
}

/* Those that have only names, or nothing. False: it is none of them. */
static bool read_names(struct body *b, uint32_t opcode, struct tmpfuse_ask *ask)
{
	static const uint8_t ops[] = {
		[FUSE_LOOKUP] = GUEST_FILE_LOOKUP,
		[FUSE_READLINK] = GUEST_FILE_READLINK,
		[FUSE_SYMLINK] = GUEST_FILE_SYMLINK,
		[FUSE_UNLINK] = GUEST_FILE_UNLINK,
		[FUSE_RMDIR] = GUEST_FILE_RMDIR,
		[FUSE_STATFS] = GUEST_FILE_STATFS,
	};

	if (opcode >= ARRAY_LEN(ops) || !ops[opcode])
		return false;
	ask->file.op = ops[opcode];
	if (opcode == FUSE_LOOKUP || opcode == FUSE_SYMLINK || opcode == FUSE_UNLINK || opcode == FUSE_RMDIR)
		ask->file.name = take_name(b);
	if (opcode == FUSE_SYMLINK) {
		ask->file.to = take_name(b);
		ask->type = S_IFLNK;
	}
	return true;
}

int tmpfuse_read(const struct fuse_request *r, struct tmpfuse_ask *ret)
{
	struct body b = { .at = r->body, .left = r->len };

	*ret = (struct tmpfuse_ask){ .file = { .node = r->node, .uid = r->uid, .gid = r->gid } };
	switch (r->opcode) {
	case FUSE_GETATTR:
		read_getattr(&b, ret);
		break;
	case FUSE_SETATTR:
		read_setattr(&b, &ret->file);
		break;
	case FUSE_MKNOD:
		read_mknod(&b, ret);
		break;
	case FUSE_MKDIR:
		read_mkdir(&b, ret);
		break;
	case FUSE_RENAME:
	case FUSE_RENAME2:
		read_rename(&b, r->opcode == FUSE_RENAME2, ret);
		break;
	case FUSE_LINK:
		read_link(&b, ret);
		break;
	case FUSE_CREATE:
		read_create(&b, ret);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		read_open(&b, r->opcode == FUSE_OPENDIR, &ret->file);
		break;
	case FUSE_READ:
	case FUSE_READDIR:
		read_read(&b, r->opcode == FUSE_READDIR, &ret->file);
		break;
	case FUSE_SETXATTR:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_REMOVEXATTR:
		read_xattr(&b, r->opcode, &ret->file);
		break;
	case FUSE_WRITE:
		read_write(&b, &ret->file);
		break;
	default:
		/* what is refused with ENOSYS is not asked for again: flushes, locks, access(2), which the kernel answers itself */
		if (!read_names(&b, r->opcode, ret))
			return -ENOSYS;
	}
	return b.error;
}

/* --- answers --- */

bool tmpfuse_gives_handle(uint8_t op)
{
	return op == GUEST_FILE_OPEN || op == GUEST_FILE_OPENDIR || op == GUEST_FILE_CREATE;
}

static bool gives_xattr(uint8_t op)
{
	return op == GUEST_FILE_GETXATTR || op == GUEST_FILE_LISTXATTR;
}

static bool gives_node(uint8_t op)
{
	return op == GUEST_FILE_LOOKUP || op == GUEST_FILE_SYMLINK || op == GUEST_FILE_MKNOD ||
	       op == GUEST_FILE_MKDIR || op == GUEST_FILE_LINK || op == GUEST_FILE_CREATE;
}

static bool gives_attributes(uint8_t op)
{
	return gives_node(op) || op == GUEST_FILE_GETATTR || op == GUEST_FILE_SETATTR;
}

/* Whether @mode has a type that there is, and the one that is asked for. */
static bool is_type(uint32_t mode, uint32_t asked)
{
	static const uint32_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if ((mode & S_IFMT) == types[i])
			return !asked || asked == types[i];
	}
	return false;
}

int tmpfuse_check(const struct tmpfuse_ask *ask, const struct proto_file *a)
{
	const struct guest_blob *data = &a->data;
	size_t max = 0;

	if (gives_node(ask->file.op) && a->node <= PROTO_FILE_ROOT)
		return -EIO; /* 0 is none, and no entry is the root */
	if (tmpfuse_gives_handle(ask->file.op) && (a->handle == 0 || a->handle > PROTO_FILE_HANDLES_MAX))
		return -EIO;
	if (gives_attributes(ask->file.op) &&
		(!is_type(a->mode, ask->type) || a->bytes > INT64_MAX || a->atime_ns >= NS_PER_S ||
			a->mtime_ns >= NS_PER_S || a->ctime_ns >= NS_PER_S))
		return -EIO;
	if (ask->file.op == GUEST_FILE_WRITE && a->size > ask->file.size)
		return -EIO;
	if (gives_xattr(ask->file.op) && a->size > PROTO_FILE_DATA_MAX)
		return -EIO;
	if (ask->file.op == GUEST_FILE_READ || gives_xattr(ask->file.op))
		max = ask->file.size;
	else if (ask->file.op == GUEST_FILE_READLINK)
		max = PATH_MAX - 1;
	else if (ask->file.op == GUEST_FILE_READDIR || ask->file.op == GUEST_FILE_STATFS)
		max = SIZE_MAX; /* what is in it is read one by one */
	if (data->len > max)
		return -EIO;
	if (ask->file.op == GUEST_FILE_READLINK && (data->len == 0 || memchr(data->at, '\0', data->len)))
		return -EIO;
	return 0;
}

/* The attributes in @a, of which every number may be shown. */
static struct fuse_attr attributes(const struct proto_file *a)
{
	return (struct fuse_attr){
		.ino = a->ino,
		.size = a->bytes,
		.blocks = a->blocks,
		.atime = (uint64_t)a->atime_s,
		.mtime = (uint64_t)a->mtime_s,
		.ctime = (uint64_t)a->ctime_s,
		.atimensec = a->atime_ns,
		.mtimensec = a->mtime_ns,
		.ctimensec = a->ctime_ns,
		.mode = a->mode & (S_IFMT | 07777),
		.nlink = a->nlink,
		.uid = a->uid,
		.gid = a->gid,
		.rdev = a->rdev,
		.blksize = BLOCK_SIZE,
	};
}

/* GUEST: the entries of a directory, as the kernel has them. 0 or -EIO. */
static int write_entries(const struct tmpfuse_ask *ask, const struct proto_file *a, struct buf *out)
{
	static const char zeros[8];
	struct proto_file_entry e;
	size_t at = 0;
	int r;

	while ((r = proto_file_get_entry(&a->data, &at, &e)) == 0) {
		size_t len = strlen(e.name);
		const struct fuse_dirent entry = {
			.ino = e.ino, .off = e.next, .namelen = (uint32_t)len, .type = e.type
		};

		/* what comes next is not the beginning, where a reader that is counted may start anew (tmpview.c) */
		if (len == 0 || len > PROTO_FILE_NAME_MAX || strchr(e.name, '/') || e.next == 0 ||
			out->len + FUSE_DIRENT_SIZE(&entry) > ask->file.size)
			return -EIO;
		buf_put(out, &entry, FUSE_NAME_OFFSET);
		buf_put(out, e.name, len);
		buf_put(out, zeros, FUSE_DIRENT_SIZE(&entry) - FUSE_NAME_OFFSET - len);
	}
	return r == -ENOENT ? 0 : -EIO;
}

/* GUEST: the room in the file system: numbers that nothing here counts on. 0 or -EIO. */
static int write_room(const struct proto_file *a, struct buf *out)
{
	struct fuse_statfs_out room = { .st = { .namelen = PROTO_FILE_NAME_MAX } };
	struct proto_file_room r;

	if (proto_file_get_room(&a->data, &r) < 0)
		return -EIO;
	room.st.bsize = room.st.frsize = (uint32_t)r.block_size;
	room.st.blocks = r.blocks;
	room.st.bfree = r.blocks_free;
	room.st.bavail = r.blocks_usable;
	room.st.files = r.files;
	room.st.ffree = r.files_free;
	buf_put(out, &room, sizeof(room));
	return 0;
}

int tmpfuse_write(const struct tmpfuse_ask *ask, const struct proto_file *a, struct buf *out)
{
	/* no timeouts: the kernel keeps neither names nor attributes, and DIRECT_IO keeps it from pages */
	const struct fuse_entry_out entry = { .nodeid = a->node, .attr = attributes(a) };
	const struct fuse_attr_out attr = { .attr = entry.attr };
	const struct fuse_open_out open = { .fh = a->handle,
		.open_flags = ask->file.op == GUEST_FILE_OPENDIR ? 0 : FOPEN_DIRECT_IO };
	const struct fuse_write_out written = { .size = a->size };
	const struct fuse_getxattr_out size = { .size = a->size };

	switch (ask->file.op) {
	case GUEST_FILE_CREATE:
		buf_put(out, &entry, sizeof(entry));
		buf_put(out, &open, sizeof(open));
		break;
	case GUEST_FILE_OPEN:
	case GUEST_FILE_OPENDIR:
		buf_put(out, &open, sizeof(open));
		break;
	case GUEST_FILE_GETATTR:
	case GUEST_FILE_SETATTR:
		buf_put(out, &attr, sizeof(attr));
		break;
	case GUEST_FILE_READ:
	case GUEST_FILE_READLINK:
		buf_put(out, a->data.at, a->data.len);
		break;
	case GUEST_FILE_WRITE:
		buf_put(out, &written, sizeof(written));
		break;
	case GUEST_FILE_GETXATTR:
	case GUEST_FILE_LISTXATTR:
		if (ask->file.size)
			buf_put(out, a->data.at, a->data.len);
		else
			buf_put(out, &size, sizeof(size));
		break;
	case GUEST_FILE_READDIR:
		return write_entries(ask, a, out);
	case GUEST_FILE_STATFS:
		return write_room(a, out);
	default:
		if (gives_node(ask->file.op))
			buf_put(out, &entry, sizeof(entry));
	}
	return buf_error(out) < 0 ? -EIO : 0;
}
