/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking: see unpack.h. Each format has a function; all of them write through put(), which keeps the bound. */
#include "vm/image/unpack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/le.h"

#define CHUNK (64 * KIB)           /* of output at a time: it stays in the cache until the sink has it */
#define LZ4_LEGACY_BLOCK (8 * MIB) /* unpacked size of each block of the legacy frame but the last */
#define LZ4_RATIO_MAX 255 /* one byte makes so many at most: the length of a match or of literals grows by it */
#define LZ4_LEGACY_MAGIC 0x184c2102u
#define LZMA_MEM_MAX (512 * MIB) /* the kernel's xz dictionaries are 32 MiB and 128 MiB */
#define ZSTD_WINDOW_LOG_MAX 28   /* the kernel is packed with 27 */

/* Where the output goes, and what has gone there. */
struct output {
	unpack_sink *sink;
	void *arg;
	uint64_t len, max;
	struct err *err;
	enum unpack_format format;
};

/* Hands a piece of the output to the sink, unless it goes beyond the bound. */
static int put(struct output *o, const void *data, size_t len)
{
	int r;

	if (len > o->max - o->len)
		return err_set(o->err, EFBIG, "%s data unpacks to more than %" PRIu64 " bytes", unpack_name(o->format),
			o->max);
	o->len += len;
	r = len > 0 ? o->sink(o->arg, data, len) : 0;
	if (r < 0)
		return err_sys(o->err, r, "cannot write what is unpacked");
	return 0;
}

int unpack_to_buf(void *buf, const void *data, size_t len)
{
	struct buf *b = buf;

	buf_put(b, data, len);
	return buf_error(b);
}

static int damaged(const struct output *o, const char *what)
{
	return err_set(o->err, EBADMSG, "%s data is %s", unpack_name(o->format), what);
}

enum unpack_format unpack_detect(const void *data, size_t len)
{
	static const struct {
		enum unpack_format format;
		uint8_t len, magic[6];
	} known[] = {
		{ UNPACK_NONE, 4, { 0x7f, 'E', 'L', 'F' } },
		{ UNPACK_GZIP, 2, { 0x1f, 0x8b } },
		{ UNPACK_XZ, 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
		{ UNPACK_ZSTD, 4, { 0x28, 0xb5, 0x2f, 0xfd } },
		{ UNPACK_LZ4, 4, { 0x02, 0x21, 0x4c, 0x18 } },
		{ UNPACK_LZMA, 3, { 0x5d, 0, 0 } },
		{ UNPACK_BZIP2, 3, { 'B', 'Z', 'h' } },
		{ UNPACK_LZO, 4, { 0x89, 'L', 'Z', 'O' } },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (len >= known[i].len && memcmp(data, known[i].magic, known[i].len) == 0)
			return known[i].format;
	return UNPACK_UNKNOWN;
}

const char *unpack_name(enum unpack_format format)
{
	static const char *const names[] = {
		[UNPACK_UNKNOWN] = "unknown",
		[UNPACK_NONE] = "unpacked",
		[UNPACK_GZIP] = "gzip",
		[UNPACK_XZ] = "xz",
		[UNPACK_ZSTD] = "zstd",
		[UNPACK_LZ4] = "lz4",
		[UNPACK_LZMA] = "lzma",
		[UNPACK_BZIP2] = "bzip2",
		[UNPACK_LZO] = "lzo",
	};

	return names[format];
}

/* Unpacks one gzip member. */
static int unpack_gzip(struct output *o, const uint8_t *in, size_t in_len)
{
	uint8_t chunk[CHUNK];
	z_stream z = { .next_in = (Bytef *)in, .avail_in = (uInt)in_len };
	int r = 0, zr;

	if (in_len > UINT32_MAX)
		return damaged(o, "too long");
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return err_set(o->err, ENOMEM, "out of memory");
	do {
		z.next_out = chunk;
		z.avail_out = CHUNK;
		zr = inflate(&z, Z_NO_FLUSH);
		if (zr != Z_OK && zr != Z_STREAM_END) {
			r = damaged(o, zr == Z_BUF_ERROR ? "cut short" : "damaged");
			break;
		}
		r = put(o, chunk, CHUNK - z.avail_out);
	} while (r == 0 && zr != Z_STREAM_END);
	inflateEnd(&z);
	return r;
}

/* Unpacks a stream of xz, or of lzma's older format. */
static int unpack_lzma(struct output *o, const uint8_t *in, size_t in_len)
{
	uint8_t chunk[CHUNK];
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_ret zr;
	int r = 0;

	zr = o->format == UNPACK_XZ ? lzma_stream_decoder(&z, LZMA_MEM_MAX, 0) : lzma_alone_decoder(&z, LZMA_MEM_MAX);
	if (zr != LZMA_OK)
		return err_set(o->err, ENOMEM, "out of memory");
	z.next_in = in;
	z.avail_in = in_len;
	do {
		z.next_out = chunk;
		z.avail_out = CHUNK;
		zr = lzma_code(&z, LZMA_FINISH);
		if (zr != LZMA_OK && zr != LZMA_STREAM_END) {
			r = damaged(o, zr == LZMA_BUF_ERROR ? "cut short" : "damaged");
			break;
		}
		r = put(o, chunk, CHUNK - z.avail_out);
	} while (r == 0 && zr != LZMA_STREAM_END);
	lzma_end(&z);
	return r;
}

/* Unpacks one zstd frame. */
static int unpack_zstd(struct output *o, const uint8_t *in, size_t in_len)
{
	uint8_t chunk[CHUNK];
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer from = { .src = in, .size = in_len, .pos = 0 };
	size_t zr = 1;
	int r = 0;

	if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX))) {
		ZSTD_freeDStream(z);
		return err_set(o->err, ENOMEM, "out of memory");
	}
	while (r == 0 && zr != 0) {
		ZSTD_outBuffer to = { .dst = chunk, .size = CHUNK, .pos = 0 };
		size_t before = from.pos;

		zr = ZSTD_decompressStream(z, &to, &from);
		if (ZSTD_isError(zr))
			r = damaged(o, "damaged");
		else if (zr != 0 && to.pos == 0 && from.pos == before)
			r = damaged(o, "cut short");
		else
			r = put(o, chunk, to.pos);
	}
	ZSTD_freeDStream(z);
	return r;
}

/* Unpacks a block of @packed bytes, with memory for what so many can unpack to. */
static int unpack_lz4_block(struct output *o, const uint8_t *in, uint32_t packed)
{
	size_t room = MIN((size_t)packed * LZ4_RATIO_MAX, (size_t)LZ4_LEGACY_BLOCK);
	char *block = malloc(room);
	int n, r;

	if (!block)
		return err_set(o->err, ENOMEM, "out of memory");
	n = LZ4_decompress_safe((const char *)in, block, (int)packed, (int)room);
	r = n < 0 ? damaged(o, "damaged") : put(o, block, (size_t)n);
	free(block);
	return r;
}

/* Unpacks lz4's legacy frame: a magic number, then blocks, each of a length and that many packed bytes. It has no end mark. */
static int unpack_lz4(struct output *o, const uint8_t *in, size_t in_len)
{
	size_t at = 4;

	while (at < in_len) {
		uint32_t packed;
		int r;

		if (in_len - at < 4)
			return damaged(o, "cut short");
		packed = le32_get(in + at);
		at += 4;
		if (packed == LZ4_LEGACY_MAGIC)
			continue; /* frames may follow one another */
		if (packed == 0)
			return 0; /* padding */
		if (packed > in_len - at)
			return damaged(o, "cut short");
		if (packed > (uint32_t)LZ4_compressBound(LZ4_LEGACY_BLOCK))
			return damaged(o, "damaged");
		r = unpack_lz4_block(o, in + at, packed);
		if (r < 0)
			return r;
		at += packed;
	}
	return 0;
}

int unpack(enum unpack_format format, const void *in, size_t in_len, uint64_t max, unpack_sink *sink, void *arg,
	uint64_t *ret_len, struct err *err)
{
	struct output o = { .sink = sink, .arg = arg, .max = max, .err = err, .format = format };
	int r;

	switch (format) {
	case UNPACK_NONE:
		r = put(&o, in, in_len);
		break;
	case UNPACK_GZIP:
		r = unpack_gzip(&o, in, in_len);
		break;
	case UNPACK_XZ:
	case UNPACK_LZMA:
		r = unpack_lzma(&o, in, in_len);
		break;
	case UNPACK_ZSTD:
		r = unpack_zstd(&o, in, in_len);
		break;
	case UNPACK_LZ4:
		r = unpack_lz4(&o, in, in_len);
		break;
	default:
		r = err_set(err, EOPNOTSUPP, "%s compression is not supported (gzip, xz, zstd, lz4 and lzma are)",
			unpack_name(format));
	}
	if (r == 0 && ret_len)
		*ret_len = o.len;
	return r;
}
