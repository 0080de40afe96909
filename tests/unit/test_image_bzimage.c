/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking and bzImages: each compression, and images that lie or are cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/unit/group.h"
#include "image_fixture.h"
#include "vm/image/bzimage.h"

#define KERNEL_LEN ((size_t)(9 * MIB + 12345)) /* more than one lz4 block */

static const enum unpack_format formats[] = { UNPACK_GZIP, UNPACK_XZ, UNPACK_ZSTD, UNPACK_LZ4, UNPACK_LZMA,
	UNPACK_NONE };

static int count_only(void *arg, const void *data, size_t len)
{
	(void)data;
	*(uint64_t *)arg += len;
	return 0;
}

static int refuse(void *arg, const void *data, size_t len)
{
	(void)arg, (void)data, (void)len;
	return -ENOSPC;
}

static struct buf vmlinux = BUF_INIT;

static int setup(void **state)
{
	(void)state;
	fixture_vmlinux("6.1.0-test", NULL, KERNEL_LEN, &vmlinux);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_done(&vmlinux);
	return 0;
}

static void test_each_compression(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		autobuf packed = BUF_INIT, image = BUF_INIT;
		struct err err = ERR_INIT;
		struct bzimage bz;
		struct stat st;
		autoclose int fd = memfd_create("vmlinux", MFD_CLOEXEC);
		autofree char *back = malloc(KERNEL_LEN);

		fixture_pack(formats[i], vmlinux.data, vmlinux.len, &packed);
		fixture_bzimage("6.1.0-test", formats[i], &packed, (uint32_t)vmlinux.len, &image);
		if (bzimage_parse(image.data, image.len, &bz, &err) < 0 || bzimage_extract(&bz, fd, &err) < 0)
			fail_msg("%s: %s", unpack_name(formats[i]), err.msg);
		assert_int_equal(bz.format, formats[i]);
		assert_string_equal(bz.release, "6.1.0-test");
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, KERNEL_LEN);
		assert_int_equal(pread(fd, back, KERNEL_LEN, 0), KERNEL_LEN);
		assert_memory_equal(back, vmlinux.data, KERNEL_LEN);
		/* Three quarters are zeros, and they are not stored. */
		assert_true((uint64_t)st.st_blocks * 512 < KERNEL_LEN / 2);
	}
}

static void test_detect(void **state)
{
	(void)state;
	assert_int_equal(unpack_detect("\x7f"
				       "ELF",
				 4),
		UNPACK_NONE);
	assert_int_equal(unpack_detect("\x7f"
				       "EL",
				 3),
		UNPACK_UNKNOWN);
	assert_int_equal(unpack_detect("BZh9", 4), UNPACK_BZIP2);
	assert_int_equal(unpack_detect("\x89LZO", 4), UNPACK_LZO);
	assert_int_equal(unpack_detect("", 0), UNPACK_UNKNOWN);
	assert_false(bzimage_detect("", 0));
}

static void test_unsupported_is_named(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(unpack(UNPACK_BZIP2, "BZh9", 4, 100, count_only, NULL, NULL, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "bzip2"));
	assert_int_equal(unpack(UNPACK_LZO, "\x89LZO", 4, 100, count_only, NULL, NULL, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "lzo"));
}

/* The unpacking of a few bytes that make gigabytes ends at the bound. */
static void test_bombs_are_bounded(void **state)
{
	const size_t zeros_len = 32 * MIB;
	autofree char *zeros = calloc(1, zeros_len);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		autobuf packed = BUF_INIT;
		struct err err = ERR_INIT;
		uint64_t out = 0;

		fixture_pack(formats[i], zeros, zeros_len, &packed);
		assert_int_equal(
			unpack(formats[i], packed.data, packed.len, 9 * MIB, count_only, &out, NULL, &err), -EFBIG);
		assert_true(out <= 9 * MIB);
	}
}

/* Data that is cut anywhere or has a byte changed gives an error or another output, never a crash or too much. */
static void test_cut_and_damaged_streams(void **state)
{
	autobuf small = BUF_INIT;

	(void)state;
	fixture_vmlinux("6.1.0-test", NULL, 70000, &small);
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		autobuf packed = BUF_INIT;
		size_t step;

		if (formats[i] == UNPACK_NONE)
			continue;
		fixture_pack(formats[i], small.data, small.len, &packed);
		step = packed.len / 40 + 1;
		for (size_t cut = 6; cut < packed.len - 8; cut += step) {
			struct err err = ERR_INIT;
			uint64_t out = 0, len = 0;
			/*
			 * The copy has the exact size, so that the sanitizer sees every byte that is read behind its
			 * end.
			 */
			autofree char *copy = malloc(cut);

			memcpy(copy, packed.data, cut);
			assert_true(unpack(formats[i], copy, cut, MIB, count_only, &out, &len, &err) < 0);
			assert_true(err.msg[0] != '\0');
		}
		for (size_t at = 0; at < packed.len; at += step) {
			uint64_t out = 0;

			packed.data[at] ^= 0x55;
			(void)!unpack(formats[i], packed.data, packed.len, MIB, count_only, &out, NULL, NULL);
			packed.data[at] ^= 0x55;
			assert_true(out <= MIB);
		}
	}
}

static void test_sink_errors_come_back(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		autobuf packed = BUF_INIT;

		fixture_pack(formats[i], vmlinux.data, 100000, &packed);
		assert_int_equal(unpack(formats[i], packed.data, packed.len, MIB, refuse, NULL, NULL, &err), -ENOSPC);
	}
}

static void put32(struct buf *b, size_t at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		b->data[at + (size_t)i] = (char)(v >> (8 * i));
}

static void make_image(struct buf *ret)
{
	autobuf packed = BUF_INIT;

	fixture_pack(UNPACK_ZSTD, vmlinux.data, vmlinux.len, &packed);
	fixture_bzimage("6.1.0-test", UNPACK_ZSTD, &packed, (uint32_t)vmlinux.len, ret);
}

static void test_lying_headers(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint32_t value;
		const char *say;
	} cases[] = {
		{ "payload beyond the end", 0x248, 0x7fffffff, "cut short" },
		{ "payload offset that wraps 32 bits", 0x248, 0xffffffff, "cut short" },
		{ "payload longer than the file", 0x24c, 0xffffffff, "cut short" },
		{ "empty payload", 0x24c, 0, "no packed kernel" },
		{ "payload of three bytes", 0x24c, 3, "no packed kernel" },
		{ "no header magic", 0x202, 0, "not a Linux boot image" },
		{ "old protocol", 0x206, 0x0207, "too old" },
		{ "payload in the boot sector's data", 0x248, 16, "unknown format" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf image = BUF_INIT;
		struct err err = ERR_INIT;
		struct bzimage bz;

		make_image(&image);
		put32(&image, cases[i].at, cases[i].value);
		assert_int_equal(bzimage_parse(image.data, image.len, &bz, &err), -EBADMSG);
		if (!strstr(err.msg, cases[i].say))
			fail_msg("%s: wanted \"%s\", got \"%s\"", cases[i].what, cases[i].say, err.msg);
	}
}

static void test_truncated_image(void **state)
{
	autobuf image = BUF_INIT;

	(void)state;
	make_image(&image);
	for (size_t len = 0; len < image.len - 30; len += len < 1024 ? 7 : image.len / 50) {
		autofree char *copy = malloc(len ? len : 1);
		struct err err = ERR_INIT;
		struct bzimage bz;

		memcpy(copy, image.data, len);
		assert_int_equal(bzimage_parse(copy, len, &bz, &err), -EBADMSG);
	}
}

static void test_release_outside_the_image(void **state)
{
	autobuf image = BUF_INIT;
	struct err err = ERR_INIT;
	struct bzimage bz;

	(void)state;
	make_image(&image);
	memset(image.data + 0x20e, 0xff, 2);
	image.len = MAX((size_t)0x10200, image.len);
	assert_int_equal(bzimage_parse(image.data, image.len, &bz, &err), 0);
	assert_true(strlen(bz.release) < BZIMAGE_RELEASE_MAX);
	memset(image.data + 0x20e, 0, 2);
	assert_int_equal(bzimage_parse(image.data, image.len, &bz, &err), 0);
	assert_string_equal(bz.release, "");
}

/*
 * The appended size is checked before and after the unpacking: an image can neither fill the disk nor pass for whole.
 */
static void test_wrong_unpacked_size(void **state)
{
	autobuf packed = BUF_INIT, image = BUF_INIT, huge = BUF_INIT;
	autoclose int fd = memfd_create("vmlinux", MFD_CLOEXEC);
	struct err err = ERR_INIT;
	struct bzimage bz;

	(void)state;
	fixture_pack(UNPACK_XZ, vmlinux.data, vmlinux.len, &packed);
	fixture_bzimage("6.1.0-test", UNPACK_XZ, &packed, (uint32_t)vmlinux.len - 1, &image);
	assert_int_equal(bzimage_parse(image.data, image.len, &bz, &err), 0);
	assert_int_equal(bzimage_extract(&bz, fd, &err), -EBADMSG);
	fixture_bzimage("6.1.0-test", UNPACK_XZ, &packed, 0xfffffff0, &huge);
	assert_int_equal(bzimage_parse(huge.data, huge.len, &bz, &err), -EBADMSG);
}

static void test_payload_must_be_a_kernel(void **state)
{
	autobuf packed = BUF_INIT, image = BUF_INIT;
	autoclose int fd = memfd_create("vmlinux", MFD_CLOEXEC);
	struct err err = ERR_INIT;
	struct bzimage bz;
	char text[5000];

	(void)state;
	memset(text, 'a', sizeof(text));
	fixture_pack(UNPACK_GZIP, text, sizeof(text), &packed);
	fixture_bzimage("6.1.0-test", UNPACK_GZIP, &packed, 0, &image);
	assert_int_equal(bzimage_parse(image.data, image.len, &bz, &err), 0);
	assert_int_equal(bzimage_extract(&bz, fd, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "not an x86-64 kernel"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_compression),
		cmocka_unit_test(test_detect),
		cmocka_unit_test(test_unsupported_is_named),
		cmocka_unit_test(test_bombs_are_bounded),
		cmocka_unit_test(test_cut_and_damaged_streams),
		cmocka_unit_test(test_sink_errors_come_back),
		cmocka_unit_test(test_lying_headers),
		cmocka_unit_test(test_truncated_image),
		cmocka_unit_test(test_release_outside_the_image),
		cmocka_unit_test(test_wrong_unpacked_size),
		cmocka_unit_test(test_payload_must_be_a_kernel),
	};

	return run_counted_tests(tests, setup, teardown);
}
