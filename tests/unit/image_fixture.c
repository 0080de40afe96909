/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/vm/image share: see image_fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "image_fixture.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lz4.h>
#include <lz4hc.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "base/fd.h"
#include "tests/unit/tempdir.h"

char *fixture_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir;

	assert_true(asprintf(&dir, "%s/vmrunc-image.XXXXXX", tmp ? tmp : "/tmp") > 0);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	return dir;
}

void fixture_remove(char *dir)
{
	tempdir_remove(dir);
	free(dir);
}

char *fixture_path(const char *dir, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, name) > 0);
	return path;
}

void fixture_write(const char *dir, const char *name, const void *data, size_t len)
{
	autofree char *path = fixture_path(dir, name);

	for (char *p = path + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(path, 0755);
		*p = '/';
	}
	assert_int_equal(fd_write_file_atomic(AT_FDCWD, path, data, len, 0644), 0);
}

static void pack_gzip(const void *data, size_t len, struct buf *ret)
{
	size_t cap = compressBound(len) + 64;
	z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)len };
	char *out = buf_extend(ret, cap);

	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)cap;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	ret->len -= z.avail_out;
	deflateEnd(&z);
}

static void pack_lzma(const void *data, size_t len, bool alone, struct buf *ret)
{
	size_t cap = len + len / 8 + 4096;
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_options_lzma o;

	assert_false(lzma_lzma_preset(&o, 1));
	if (alone)
		assert_int_equal(lzma_alone_encoder(&z, &o), LZMA_OK);
	else
		assert_int_equal(lzma_easy_encoder(&z, 1, LZMA_CHECK_CRC32), LZMA_OK);
	z.next_out = buf_extend(ret, cap);
	z.avail_out = cap;
	z.next_in = data;
	z.avail_in = len;
	assert_int_equal(lzma_code(&z, LZMA_FINISH), LZMA_STREAM_END);
	ret->len -= z.avail_out;
	lzma_end(&z);
}

static void put_le32(struct buf *b, uint32_t v)
{
	uint8_t p[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	buf_put(b, p, 4);
}

static void pack_lz4(const char *data, size_t len, struct buf *ret)
{
	const size_t block = 8 * MIB;

	put_le32(ret, 0x184c2102);
	for (size_t at = 0; at < len; at += block) {
		int n = (int)MIN(block, len - at), packed;
		size_t start = ret->len;
		char *out;

		put_le32(ret, 0);
		out = buf_extend(ret, (size_t)LZ4_compressBound(n));
		packed = LZ4_compress_HC(data + at, out, n, LZ4_compressBound(n), 3);
		assert_true(packed > 0);
		ret->len = start + 4 + (size_t)packed;
		for (int i = 0; i < 4; i++)
			ret->data[start + (size_t)i] = (char)((uint32_t)packed >> (8 * i));
	}
}

void fixture_pack(enum unpack_format format, const void *data, size_t len, struct buf *ret)
{
	size_t n;

	switch (format) {
	case UNPACK_NONE:
		buf_put(ret, data, len);
		break;
	case UNPACK_GZIP:
		pack_gzip(data, len, ret);
		break;
	case UNPACK_XZ:
	case UNPACK_LZMA:
		pack_lzma(data, len, format == UNPACK_LZMA, ret);
		break;
	case UNPACK_ZSTD:
		n = ZSTD_compress(buf_extend(ret, ZSTD_compressBound(len)), ZSTD_compressBound(len), data, len, 3);
		assert_false(ZSTD_isError(n));
		ret->len = ret->len - ZSTD_compressBound(len) + n;
		break;
	case UNPACK_LZ4:
		pack_lz4(data, len, ret);
		break;
	default:
		fail_msg("no packer for %s", unpack_name(format));
	}
	assert_int_equal(buf_error(ret), 0);
}

void fixture_vmlinux(const char *release, const char *const *strings, size_t len, struct buf *ret)
{
	Elf64_Ehdr eh = { .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1 };
	char *data = buf_extend(ret, len);
	size_t at = 512;

	assert_non_null(data);
	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(data, &eh, sizeof(eh));
	/* Every kernel has a format string like this, which is not the banner. */
	at += (size_t)sprintf(data + at, "Linux version %%s") + 1;
	at += (size_t)sprintf(data + at, "Linux version %s (somebody@somewhere) #1 SMP\n", release) + 1;
	for (; strings && *strings; strings++)
		at += (size_t)sprintf(data + at + 1, "%s", *strings) + 2;
	/* Something that does not pack well comes first, then zeros, and a last byte. */
	for (uint32_t i = 2048, x = 1; i < len / 4; i++, x = x * 1664525 + 1013904223)
		data[i] = (char)(x >> 24);
	data[len - 1] = 'E';
}

void fixture_bzimage(
	const char *release, enum unpack_format format, const struct buf *packed, uint32_t size, struct buf *ret)
{
	const size_t setup_sects = 27, payload_offset = 0x2c4;
	const size_t payload = (setup_sects + 1) * 512 + payload_offset;
	bool sized = format != UNPACK_GZIP && format != UNPACK_NONE;
	uint32_t length = (uint32_t)packed->len + (sized ? 4 : 0);
	char *p = buf_extend(ret, payload);

	assert_non_null(p);
	p[0x1f1] = (char)setup_sects;
	memcpy(p + 0x1fe, "\x55\xaa", 2);
	memcpy(p + 0x202, "HdrS", 4);
	memcpy(p + 0x206, "\x0f\x02", 2);
	memcpy(p + 0x20e, "\x00\x20", 2);
	(void)sprintf(p + 0x2200, "%s (somebody@somewhere) #1 SMP", release);
	for (int i = 0; i < 4; i++) {
		p[0x248 + i] = (char)(payload_offset >> (8 * i));
		p[0x24c + i] = (char)(length >> (8 * i));
	}
	buf_put(ret, packed->data, packed->len);
	if (sized)
		put_le32(ret, size);
	/* In a real image the decompressor's code lies behind the payload. */
	buf_puts(ret, "behind the payload");
	assert_int_equal(buf_error(ret), 0);
}

const char *fixture_stock_modules(void)
{
	static char path[PATH_MAX];
	DIR *d = opendir(STOCK_DIR "/lib/modules");
	const char *must = getenv("VMRUNC_MUST_WORK");
	struct dirent *de;

	path[0] = '\0';
	while (d && (de = readdir(d)))
		if (de->d_name[0] != '.')
			(void)snprintf(path, sizeof(path), STOCK_DIR "/lib/modules/%s", de->d_name);
	if (d)
		closedir(d);
	if (path[0] != '\0')
		return path;
	if (must && strcmp(must, "1") == 0)
		fail_msg("no stock kernel in " STOCK_DIR ": run contrib/get-kernel");
	print_message("no stock kernel in " STOCK_DIR ": run contrib/get-kernel\n");
	return NULL;
}
