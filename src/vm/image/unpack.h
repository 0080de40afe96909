/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacking of what kernels and modules are packed with.
 *
 * One call for all formats: the input is in memory, the output goes to a sink
 * in pieces. Bounded: never more than the given size comes out, whatever the
 * input claims.
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
	UNPACK_BZIP2, /* recognized, refused */
	UNPACK_LZO,   /* recognized, refused */
};

/* By the first bytes of @data. */
enum unpack_format unpack_detect(const void *data, size_t len);
const char *unpack_name(enum unpack_format format);

/* Takes a piece of the output: 0, or -errno which ends the unpacking. */
typedef int unpack_sink(void *arg, const void *data, size_t len);

/* A sink that appends to a buffer; @buf: a struct buf. */
int unpack_to_buf(void *buf, const void *data, size_t len);

/*
 * Unpacks one stream at the start of @in; bytes behind it are ignored (padding, a signature of the
 * file as a whole). -EFBIG: more than @max bytes; -EBADMSG: damaged or cut short; -EOPNOTSUPP: a format
 * that we do not unpack. *@ret_len (NULL: not wanted) is the size unpacked.
 */
must_check int unpack(enum unpack_format format, const void *in, size_t in_len, uint64_t max, unpack_sink *sink,
	void *arg, uint64_t *ret_len, struct err *err);

#endif
