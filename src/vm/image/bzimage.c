/* SPDX-License-Identifier: Apache-2.0 */
/* Linux's bzImage: see bzimage.h. */
#include "vm/image/bzimage.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/le.h"

/* Offsets in the header, boot.rst "Details of Header Fields". */
#define HDR_SETUP_SECTS 0x1f1
#define HDR_BOOT_FLAG 0x1fe
#define HDR_MAGIC 0x202
#define HDR_VERSION 0x206
#define HDR_KERNEL_VERSION 0x20e
#define HDR_PAYLOAD_OFFSET 0x248
#define HDR_PAYLOAD_LENGTH 0x24c
#define HDR_MIN_LEN 0x250

#define SECTOR 512
#define SETUP_SECTS_DEFAULT 4   /* what 0 stands for */
#define PROTOCOL_PAYLOAD 0x0208 /* the first version with payload_offset */
#define HOLE_BLOCK 4096u        /* the unit in which zeros become holes of the file */

bool bzimage_detect(const void *data, size_t len)
{
	const uint8_t *p = data;

	return len >= HDR_MIN_LEN && le16_get(p + HDR_BOOT_FLAG) == 0xaa55 && memcmp(p + HDR_MAGIC, "HdrS", 4) == 0;
}

/* Copies the first word of the version string, the release. Its offset counts from the end of the boot sector. */
static void read_release(const uint8_t *p, size_t len, char ret[BZIMAGE_RELEASE_MAX])
{
	size_t at = (size_t)le16_get(p + HDR_KERNEL_VERSION) + SECTOR, n;

	ret[0] = '\0';
	if (at == SECTOR || at >= len)
		return;
	for (n = 0; n < BZIMAGE_RELEASE_MAX - 1 && n < len - at && p[at + n] > ' ' && p[at + n] < 0x7f; n++)
		ret[n] = (char)p[at + n];
	ret[n] = '\0';
}

int bzimage_parse(const void *data, size_t len, struct bzimage *ret, struct err *err)
{
	const uint8_t *p = data;
	struct bzimage bz = { 0 };
	uint64_t setup, at, packed;

	if (!bzimage_detect(data, len))
		return err_set(err, EBADMSG, "not a Linux boot image");
	if (le16_get(p + HDR_VERSION) < PROTOCOL_PAYLOAD)
		return err_set(err, EBADMSG, "boot protocol %u.%02u is too old, 2.08 is needed",
			le16_get(p + HDR_VERSION) >> 8, le16_get(p + HDR_VERSION) & 0xff);
	setup = p[HDR_SETUP_SECTS] ? p[HDR_SETUP_SECTS] : SETUP_SECTS_DEFAULT;
	at = (setup + 1) * SECTOR + le32_get(p + HDR_PAYLOAD_OFFSET);
	packed = le32_get(p + HDR_PAYLOAD_LENGTH);
	if (at >= len || packed > len - at)
		return err_set(err, EBADMSG,
			"the packed kernel (%" PRIu64 " bytes at %" PRIu64
			") reaches beyond the file's end: it is cut short",
			packed, at);
	if (packed < 8)
		return err_set(err, EBADMSG, "it holds no packed kernel");

	bz.payload = p + at;
	bz.format = unpack_detect(bz.payload, packed);
	/* The build appends the unpacked size to all formats but gzip, which ends with it anyway. */
	bz.unpacked_len = le32_get(p + at + packed - 4);
	bz.payload_len = bz.format == UNPACK_GZIP || bz.format == UNPACK_NONE ? packed : packed - 4;
	if (bz.format == UNPACK_NONE)
		bz.unpacked_len = packed;
	if (bz.format == UNPACK_UNKNOWN)
		return err_set(err, EBADMSG,
			"its kernel is packed in an unknown format (starts with %02x %02x %02x %02x)", bz.payload[0],
			bz.payload[1], bz.payload[2], bz.payload[3]);
	if (bz.unpacked_len > BZIMAGE_KERNEL_MAX)
		return err_set(err, EBADMSG, "it claims to unpack to %" PRIu64 " bytes, more than any kernel has",
			bz.unpacked_len);
	read_release(p, len, bz.release);
	*ret = bz;
	return 0;
}

/* A file that is written with holes. */
struct sparse_file {
	int fd;
	off_t at;
};

/* Writes @len bytes where the file's end is by now. */
static int write_at(struct sparse_file *f, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = pwrite(f->fd, data, len, f->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
		f->at += n;
	}
	return 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* An unpack_sink that writes the blocks with something in them, and leaves holes for the others. */
static int sparse_put(void *arg, const void *data, size_t len)
{
	struct sparse_file *f = arg;
	const uint8_t *p = data;

	while (len > 0) {
		size_t run = 0, zeros = 0;
		int r;

		while (zeros < len && all_zero(p + zeros, MIN(len - zeros, HOLE_BLOCK)))
			zeros += MIN(len - zeros, HOLE_BLOCK);
		f->at += (off_t)zeros;
		p += zeros;
		len -= zeros;
		while (run < len && !all_zero(p + run, MIN(len - run, HOLE_BLOCK)))
			run += MIN(len - run, HOLE_BLOCK);
		r = write_at(f, p, run);
		if (r < 0)
			return r;
		p += run;
		len -= run;
	}
	return 0;
}

int bzimage_extract(const struct bzimage *bz, int fd, struct err *err)
{
	struct sparse_file f = { .fd = fd, .at = 0 };
	uint64_t len;
	Elf64_Ehdr eh;
	ssize_t n;
	int r;

	r = unpack(bz->format, bz->payload, bz->payload_len, BZIMAGE_KERNEL_MAX, sparse_put, &f, &len, err);
	if (r < 0)
		return r;
	if (len != bz->unpacked_len)
		return err_set(err, EBADMSG, "unpacks to %" PRIu64 " bytes where its header says %" PRIu64, len,
			bz->unpacked_len);
	if (ftruncate(fd, (off_t)len) < 0)
		return err_sys(err, errno, "cannot write what is unpacked");
	n = pread(fd, &eh, sizeof(eh), 0);
	if (n != (ssize_t)sizeof(eh) || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
		eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_X86_64)
		return err_set(err, EBADMSG, "the file that is packed in it is not an x86-64 kernel");
	return 0;
}
