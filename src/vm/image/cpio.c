/* SPDX-License-Identifier: Apache-2.0 */
/* newc cpio: a header of hexadecimal fields, the name, the data, each padded to four bytes. */
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
	c->inodes = UINT32_MAX; /* wraps to inode 0, which the trailer has */
	add(c, TRAILER, 0, 0, 0, "", 0);
	return c->error ? c->error : buf_error(c->out);
}
