/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer of cpio archives: see cpio.h. An entry is a header of hexadecimal fields, a name and data, each padded to 4.
 */
#include "vm/image/cpio.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define CPIO_NAME_MAX 4096 /* what Linux takes */
#define TRAILER "TRAILER!!!"

void cpio_init(struct cpio *c, struct buf *out)
{
	c->out = out;
	c->inodes = 0;
	c->error = 0;
}

static void pad4(struct buf *b)
{
	if (b->len % 4)
		(void)buf_extend(b, 4 - b->len % 4);
}

/* Adds an entry of any type: @mode has the type's bits too, @major and @minor are a device's numbers. */
static void add(struct cpio *c, const char *name, mode_t mode, unsigned int major, unsigned int minor, const void *data,
	size_t len)
{
	size_t name_len = strlen(name) + 1;
	unsigned int links = S_ISDIR(mode) ? 2 : 1;

	if (len > UINT32_MAX || name_len > CPIO_NAME_MAX) {
		c->error = -EFBIG;
		return;
	}
	/* magic inode mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check */
	buf_printf(c->out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", ++c->inodes,
		(unsigned int)mode, 0u, 0u, links, 0u, (unsigned int)len, 0u, 0u, major, minor, (unsigned int)name_len,
		0u);
	buf_put(c->out, name, name_len);
	pad4(c->out);
	buf_put(c->out, data, len);
	pad4(c->out);
}

void cpio_add_dir(struct cpio *c, const char *name, mode_t mode)
{
	add(c, name, S_IFDIR | mode, 0, 0, "", 0);
}

void cpio_add_file(struct cpio *c, const char *name, mode_t mode, const void *data, size_t len)
{
	add(c, name, S_IFREG | mode, 0, 0, data, len);
}

void cpio_add_symlink(struct cpio *c, const char *name, const char *target)
{
	add(c, name, S_IFLNK | 0777, 0, 0, target, strlen(target));
}

void cpio_add_char_device(struct cpio *c, const char *name, mode_t mode, unsigned int major, unsigned int minor)
{
	add(c, name, S_IFCHR | mode, major, minor, "", 0);
}

int cpio_finish(struct cpio *c)
{
	c->inodes = UINT32_MAX; /* add() counts on, to 0: the trailer's inode */
	add(c, TRAILER, 0, 0, 0, "", 0);
	return c->error ? c->error : buf_error(c->out);
}
