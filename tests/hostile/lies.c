/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile guest says about the files of its tmpfs (FILE), to whoever looks into the monitor's mount namespace.
 *
 * Its tmpfs has whatever is looked up: a directory, a symbolic link or a file, as the name says that begins with d, l or
 * anything else, but for names that begin with n, which nothing has yet. One thing of each second answer is a lie, another one each time that the operation is asked for. In between
 * comes what could be true, so that readers get to where they are lied to next.
 */
#include "lies.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/wire.h"

#define NS_PER_S 1000000000u

/* An answer that is being made. */
struct lie {
	const struct guest_file *ask;
	struct proto_file says;
	struct buf data;
	uint32_t errnum;
	size_t cut; /* that many bytes of the payload are left out */
};

typedef void lie_fn(struct lie *l);

/* --- what could be true --- */

static uint32_t type_of(const struct guest_file *f)
{
	switch (f->op) {
	case GUEST_FILE_MKDIR:
		return S_IFDIR;
	case GUEST_FILE_MKNOD:
		return f->mode & S_IFMT;
	case GUEST_FILE_SYMLINK:
		return S_IFLNK;
	case GUEST_FILE_LOOKUP:
		return f->name[0] == 'd' ? S_IFDIR : f->name[0] == 'l' ? S_IFLNK : S_IFREG;
	case GUEST_FILE_GETATTR:
	case GUEST_FILE_SETATTR: /* the numbers of nodes tell the type */
		return f->node == PROTO_FILE_ROOT ? S_IFDIR : (uint32_t)(f->node >> 8);
	default:
		return S_IFREG;
	}
}

static void put_entry(struct buf *data, uint64_t next, const char *name, size_t len)
{
	wire_put_u64(data, 5);
	wire_put_u64(data, next);
	wire_put_u8(data, 8);
	wire_put_blob(data, name, len);
	wire_put_u8(data, 0);
}

/* An answer to which nobody would object. */
static void be_plausible(struct lie *l)
{
	const struct guest_file *f = l->ask;
	const uint32_t type = type_of(f);
	static const char bytes[PROTO_FILE_DATA_MAX];

	l->says = (struct proto_file){ .node = (uint64_t)type << 8 | 9,
		.handle = 1,
		.mode = type | 0777,
		.nlink = 1,
		.ino = 9,
		.bytes = 100000,
		.size = f->op == GUEST_FILE_WRITE ? f->size : 8 };
	if (f->op == GUEST_FILE_READ || f->op == GUEST_FILE_GETXATTR)
		buf_put(&l->data, bytes, MIN(f->size, f->op == GUEST_FILE_READ ? (uint32_t)sizeof(bytes) : 8u));
	else if (f->op == GUEST_FILE_LISTXATTR)
		buf_put(&l->data, "user.ab", MIN(f->size, 8u));
	else if (f->op == GUEST_FILE_READLINK)
		buf_put(&l->data, "elsewhere", 9);
	else if (f->op == GUEST_FILE_STATFS)
		proto_file_put_room(&l->data, &(struct proto_file_room){ .block_size = 4096, .blocks = 10 });
	else if (f->op == GUEST_FILE_READDIR)
		put_entry(&l->data, f->offset + 1, "entry", 5); /* there is no end */
	else if (f->op == GUEST_FILE_LOOKUP && f->name[0] == 'n')
		l->errnum = ENOENT;
}

/* --- lies --- */

static void no_node(struct lie *l)
{
	l->says.node = 0;
}

static void the_root(struct lie *l)
{
	l->says.node = PROTO_FILE_ROOT;
}

static void no_type(struct lie *l)
{
	l->says.mode &= 07777;
}

static void a_type_that_is_none(struct lie *l)
{
	l->says.mode |= S_IFMT;
}

static void another_type(struct lie *l)
{
	l->says.mode = (S_ISDIR(l->says.mode) ? S_IFBLK : S_IFDIR) | 04777;
}

static void too_long(struct lie *l)
{
	l->says.bytes = UINT64_MAX;
}

static void as_long_as_can_be(struct lie *l)
{
	l->says.bytes = INT64_MAX;
	l->says.blocks = UINT64_MAX;
	l->says.nlink = UINT32_MAX;
	l->says.uid = l->says.gid = UINT32_MAX;
	l->says.atime_s = INT64_MIN;
	l->says.mtime_s = INT64_MAX;
	l->says.rdev = UINT32_MAX;
}

static void no_time(struct lie *l)
{
	l->says.atime_ns = l->says.mtime_ns = l->says.ctime_ns = NS_PER_S;
}

static void no_handle(struct lie *l)
{
	l->says.handle = 0;
}

static void a_handle_too_high(struct lie *l)
{
	l->says.handle = UINT64_MAX;
}

static void more_than_there_was(struct lie *l)
{
	l->says.size = UINT32_MAX;
}

static void more_bytes(struct lie *l)
{
	static const char bytes[2 * PROTO_FILE_DATA_MAX];

	buf_put(&l->data, bytes, sizeof(bytes));
}

static void only(struct lie *l, const char *bytes, size_t len)
{
	l->data.len = 0;
	buf_put(&l->data, bytes, len);
}

static void no_bytes(struct lie *l)
{
	l->data.len = 0;
}

static void nonsense(struct lie *l)
{
	only(l, "\xff\xff\xff\xff\xff\xff\xff", 7);
}

static void a_nul(struct lie *l)
{
	only(l, "a\0b", 3);
}

/* An entry of a directory; to others it is nonsense as well. */
static void entry(struct lie *l, const char *name, size_t len)
{
	l->data.len = 0;
	put_entry(&l->data, l->ask->offset + 1, name, len);
}

static void a_path(struct lie *l)
{
	entry(l, "../../etc", 9);
}

static void an_entry_with_a_nul(struct lie *l)
{
	entry(l, "a\0b", 3);
}

static void an_entry_without_a_name(struct lie *l)
{
	entry(l, "", 0);
}

static void a_name_too_long(struct lie *l)
{
	static char name[NAME_MAX + 1];

	memset(name, 'x', sizeof(name));
	entry(l, name, sizeof(name));
}

static void names_of_directories(struct lie *l)
{
	put_entry(&l->data, l->ask->offset + 2, "..", 2);
	put_entry(&l->data, l->ask->offset + 3, ".", 1);
}

static void the_beginning_again(struct lie *l)
{
	l->data.len = 0;
	put_entry(&l->data, 0, "again", 5);
}

static void as_many_entries_as_go(struct lie *l)
{
	while (l->data.len < PROTO_FILE_DATA_MAX)
		put_entry(&l->data, l->ask->offset + 1, "e", 1);
}

static void no_error(struct lie *l)
{
	l->errnum = 4095; /* of more than that an answer is none: see guest_take_result() */
}

static void an_error_of_the_kernels_own(struct lie *l)
{
	l->errnum = 512; /* ERESTARTSYS */
}

static void half_an_answer(struct lie *l)
{
	l->cut = 20;
}

static lie_fn *const lies[] = { no_node, the_root, no_type, a_type_that_is_none, another_type, too_long,
	as_long_as_can_be, no_time, no_handle, a_handle_too_high, more_than_there_was, more_bytes, no_bytes, nonsense,
	a_nul, a_path, an_entry_with_a_nul, an_entry_without_a_name, a_name_too_long, names_of_directories,
	the_beginning_again, as_many_entries_as_go, no_error, an_error_of_the_kernels_own, half_an_answer };

uint32_t lies_answer(const struct guest_file *f, struct buf *out)
{
	static unsigned int told[GUEST_FILE_COUNT];
	struct lie l = { .ask = f, .data = BUF_INIT };

	be_plausible(&l);
	if (told[f->op]++ % 2)
		lies[told[f->op] / 2 % ARRAY_LEN(lies)](&l);
	l.says.data = (struct guest_blob){ .len = l.data.len, .at = l.data.data };
	proto_put_file(out, &l.says);
	out->len -= MIN(l.cut, out->len);
	buf_done(&l.data);
	return l.errnum;
}
