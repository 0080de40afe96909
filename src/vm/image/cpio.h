/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer of cpio archives in the "newc" format, which Linux unpacks for its initramfs.
 *
 * Everything is appended to a buffer, and an error stays until cpio_finish() returns it. All owners are 0:0 and all
 * modification times 0, so that equal contents give equal bytes.
 * Source: Documentation/driver-api/early-userspace/buffer-format.rst.
 */
#ifndef VM_IMAGE_CPIO_H
#define VM_IMAGE_CPIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct cpio {
	struct buf *out; /* borrowed */
	uint32_t inodes;
	int error; /* -EFBIG, or 0; an error of the buffer stays in the buffer */
};

/*
 * Begins an archive behind what @out holds, whose length must be a multiple of 4. @out is borrowed until cpio_finish().
 */
void cpio_init(struct cpio *c, struct buf *out);

/*
 * These add a directory, a file with @len bytes of @data, a symbolic link, and a character device. @name has no "/" in
 * front, and the directory that it lies in must have been added before. @mode has permission bits only.
 */
void cpio_add_dir(struct cpio *c, const char *name, mode_t mode);
void cpio_add_file(struct cpio *c, const char *name, mode_t mode, const void *data, size_t len);
void cpio_add_symlink(struct cpio *c, const char *name, const char *target);
void cpio_add_char_device(struct cpio *c, const char *name, mode_t mode, unsigned int major, unsigned int minor);

/* Writes the trailer, behind which nothing may be added: 0, -ENOMEM or -EFBIG (a file of 4 GiB, a name too long). */
must_check int cpio_finish(struct cpio *c);

#endif
