/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking of what kernels and modules are packed with.
 *
 * One call does all formats: the input is in memory, the output goes to a sink in pieces. Never more than the given
 * size comes out, whatever the input claims.
 */
#ifndef VM_IMAGE_UNPACK_H
#define VM_IMAGE_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum unpack_format {
	UNPACK_UNKNOWN, /* no magic number known */
	UNPACK_NONE,    /* an ELF file as it is */
	UNPACK_GZIP,
	UNPACK_XZ,
	UNPACK_ZSTD,
	UNPACK_LZ4,   /* the legacy frame, which Linux uses */
	UNPACK_LZMA,  /* the format before xz */
	UNPACK_BZIP2, /* recognized, and refused */
	UNPACK_LZO,   /* recognized, and refused */
};

/* Tells a format by the first bytes of @data, which has @len. */
enum unpack_format unpack_detect(const void *data, size_t len);

/* The name of @format for messages, as "gzip"; static. */
const char *unpack_name(enum unpack_format format);

/* Takes a piece of the output, @len bytes: 0, or -errno, which ends the unpacking. */
typedef int unpack_sink(void *arg, const void *data, size_t len);

/* A sink that appends to @buf, a struct buf: 0 or -ENOMEM. */
int unpack_to_buf(void *buf, const void *data, size_t len);

/*
 * Unpacks the stream at the start of @in; bytes behind it are ignored (padding, a signature of the whole file). 0 with
 * the size unpacked in *@ret_len (NULL: not wanted); -EFBIG: it is more than @max bytes; -EBADMSG: the data is damaged
 * or cut short; -EOPNOTSUPP: we do not unpack this format; or what @sink(@arg) returned.
 */
must_check int unpack(enum unpack_format format, const void *in, size_t in_len, uint64_t max, unpack_sink *sink,
	void *arg, uint64_t *ret_len, struct err *err);

#endif
