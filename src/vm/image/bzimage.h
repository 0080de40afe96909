/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's bzImage: its header and the vmlinux that is packed in it.
 *
 * Guests boot the vmlinux, never the bzImage: unpacking in the guest would take longer than the whole boot. Source:
 * Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header" (2.08 and later have payload_offset and
 * payload_length).
 */
#ifndef VM_IMAGE_BZIMAGE_H
#define VM_IMAGE_BZIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "vm/image/unpack.h"

#define BZIMAGE_FILE_MAX (256 * MIB)    /* as it is on disk; Debian's has 8 MB */
#define BZIMAGE_KERNEL_MAX (1024 * MIB) /* unpacked; Debian's has 66 MB, one with debug information 400 MB */
#define BZIMAGE_RELEASE_MAX 128         /* bytes of a release with its NUL; Linux allows 65 */

struct bzimage {
	const uint8_t *payload; /* borrowed, in the image */
	size_t payload_len;     /* without the unpacked size that the build appends */
	uint64_t unpacked_len;  /* as the image says */
	enum unpack_format format;
	char release[BZIMAGE_RELEASE_MAX]; /* "6.1.0-56-amd64"; "" if the header has none */
};

/* Whether @data, the first @len bytes of a file, begins like a bzImage (or an older, smaller boot image). */
bool bzimage_detect(const void *data, size_t len);

/*
 * Reads the header of the image @data of @len bytes, against which every offset is checked: 0 with *ret, which borrows
 * from @data, or -EBADMSG.
 */
must_check int bzimage_parse(const void *data, size_t len, struct bzimage *ret, struct err *err);

/*
 * Unpacks the vmlinux to the empty file @fd, with holes for blocks of zeros, and checks that it is what the header
 * promises: of that length, and an x86-64 ELF file. 0 or -errno; -EBADMSG if it is not.
 */
must_check int bzimage_extract(const struct bzimage *bz, int fd, struct err *err);

#endif
