/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux's bzImage: its header and the vmlinux packed in it.
 *
 * The VMM boots vmlinux, never bzImage: unpacking in the guest costs more
 * than the whole boot. Source: Documentation/arch/x86/boot.rst, "The Real-Mode
 * Kernel Header" (2.08 and later have payload_offset and payload_length).
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
#define BZIMAGE_RELEASE_MAX 128

struct bzimage {
	const uint8_t *payload; /* borrowed, in the image */
	size_t payload_len;     /* without the size that follows it */
	uint64_t unpacked_len;  /* what the image says it unpacks to */
	enum unpack_format format;
	char release[BZIMAGE_RELEASE_MAX]; /* "6.1.0-56-amd64"; "" if the header has none */
};

/* Whether @data begins like a bzImage (or an older, smaller boot image). */
bool bzimage_detect(const void *data, size_t len);

/* Reads the header of the image in memory; every offset is checked against @len. -EBADMSG with words. */
must_check int bzimage_parse(const void *data, size_t len, struct bzimage *ret, struct err *err);

/*
 * Unpacks the vmlinux to @fd (empty, at 0), blocks of zeros left as holes, and
 * checks that it is what was promised: the length, an x86-64 ELF file.
 */
must_check int bzimage_extract(const struct bzimage *bz, int fd, struct err *err);

#endif
