/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer of cpio archives in the "newc" format, as Linux unpacks for its initramfs.
 *
 * Everything is appended to a buffer; its sticky error is the writer's too.
 * Owner 0:0, modification time 0: equal contents give equal bytes.
 * Source: Documentation/driver-api/early-userspace/buffer-format.rst.
 */
#ifndef VM_IMAGE_CPIO_H
#define VM_IMAGE_CPIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct cpio {
	struct buf *out; /* borrowed; starts on a multiple of 4 of its length */
	uint32_t inodes;
	int error; /* of our own; the buffer has another */
};

void cpio_init(struct cpio *c, struct buf *out);

/* @name: no leading "/"; its parent must have been added before. @mode: permission bits only. */
void cpio_add_dir(struct cpio *c, const char *name, mode_t mode);
void cpio_add_file(struct cpio *c, const char *name, mode_t mode, const void *data, size_t len);
void cpio_add_symlink(struct cpio *c, const char *name, const char *target);
void cpio_add_char_device(struct cpio *c, const char *name, mode_t mode, unsigned int major, unsigned int minor);

/* Writes the trailer; nothing may follow. 0, -ENOMEM or -EFBIG (a file of 4 GiB, a name too long). */
must_check int cpio_finish(struct cpio *c);

#endif
