/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: kernels as they lie in caches and in containers' images, and the archive that is made for a guest.
 *
 * The first byte chooses: a boot image (all of it, or only its packed kernel behind a header that is right), an ELF file,
 * or a list of files for a cpio archive. What must hold: a kernel that is taken lies where the guest's RAM is, with its
 * entry inside; what is unpacked has the length that its header says; and an archive has exactly what was added.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/le.h"
#include "tests/fuzz/replay.h"
#include "vm/image/bzimage.h"
#include "vm/image/cpio.h"
#include "vm/machine/elf.h"
#include "vm/machine/layout.h"

#define RAM (4 * MIB)
#define PAGE 4096
#define SETUP 1024 /* the boot sector and one more, before the packed kernel */
#define CPIO_HEADER 110
#define CPIO_FIELD(header, i) ((header) + 6 + 8 * (i))

const struct fuzz_target fuzz_target = { .corpus = "image", .variants = 100 };

/* What all inputs have in turn: files in memory, and the guest's RAM, which is zeros for each that take no memory. */
static struct {
	int in, out; /* a kernel's file, and what a kernel is unpacked to */
	struct mem ram;
} f = { .in = -1, .out = -1 };

static void clean_up(void)
{
	mem_done(&f.ram);
	fd_close(f.in);
	fd_close(f.out);
}

static void set_up(void)
{
	struct err err = ERR_INIT;

	f.in = memfd_create("kernel", MFD_CLOEXEC);
	f.out = memfd_create("vmlinux", MFD_CLOEXEC);
	require(f.in >= 0 && f.out >= 0, "memfd");
	require(mem_init(&f.ram, RAM, &err) == 0, "guest memory");
	require(madvise(f.ram.base, RAM, MADV_NOHUGEPAGE) == 0,
		"small pages"); /* of which mincore(2) tells one by one */
	atexit(clean_up);
}

/* ---- boot images ---- */

static void bzimage(const uint8_t *data, size_t len)
{
	struct err err = ERR_INIT;
	struct bzimage bz;
	struct stat st;

	if (bzimage_parse(data, len, &bz, &err) < 0) {
		require(strnlen(err.msg, sizeof(err.msg)) < sizeof(err.msg), "a message without an end");
		return;
	}
	require(bzimage_detect(data, len), "taken and not detected");
	require(bz.payload >= data && bz.payload_len <= len && bz.payload <= data + len - bz.payload_len,
		"the packed kernel lies outside of the file");
	require(strnlen(bz.release, sizeof(bz.release)) < sizeof(bz.release), "a release without an end");
	if (bzimage_extract(&bz, f.out, &err) == 0)
		require(fstat(f.out, &st) == 0 && (uint64_t)st.st_size == bz.unpacked_len,
			"the length of what is unpacked");
	require(ftruncate(f.out, 0) == 0, "an empty file");
}

/* A right header, whose packed kernel is the input, with the size that the input's last 4 bytes say. */
static void bzimage_packed(const uint8_t *data, size_t len)
{
	uint8_t *image = calloc(1, SETUP + len);

	require(image != NULL, "memory");
	image[0x1f1] = 1; /* sectors behind the first */
	memcpy(image + 0x1fe, "\x55\xaaxxHdrS\x0f\x02", 10);
	memcpy(image + 0x248, (uint8_t[]){ 0, 0, 0, 0, len & 0xff, len >> 8 & 0xff, len >> 16 & 0xff, 0 }, 8);
	memcpy(image + SETUP, data, len);
	bzimage(image, SETUP + len);
	free(image);
}

/* ---- ELF ---- */

static void elf(const uint8_t *data, size_t len)
{
	unsigned char touched[LAYOUT_HIGH_RAM / PAGE];
	struct elf_image image;
	struct err err = ERR_INIT;

	require(ftruncate(f.in, (off_t)len) == 0 && pwrite(f.in, data, len, 0) == (ssize_t)len, "a kernel's file");
	if (elf_load(&f.ram, f.in, "input", LAYOUT_HIGH_RAM, &image, &err) == 0) {
		require(image.start >= LAYOUT_HIGH_RAM && image.start < image.end && image.end <= RAM,
			"a kernel that lies outside of RAM");
		require(image.pvh_entry >= image.start && image.pvh_entry < image.end,
			"an entry outside of the kernel");
	}
	require(mincore(f.ram.base, LAYOUT_HIGH_RAM, touched) == 0, "mincore");
	/* what lies below is the boot data's */
	require(memchr(touched, 1, sizeof(touched)) == NULL, "a kernel that touched what is below its place");
	require(madvise(f.ram.base, RAM, MADV_DONTNEED) == 0, "RAM without pages");
}

/* ---- cpio ---- */

static uint32_t field(const char *header, unsigned int i)
{
	char text[9] = "";

	memcpy(text, CPIO_FIELD(header, i), 8);
	return (uint32_t)strtoul(text, NULL, 16);
}

/* Walks along the archive and returns how many entries it has before its trailer. */
static unsigned int cpio_count(const struct buf *archive)
{
	size_t at = 0;

	for (unsigned int n = 0;; n++) {
		const char *header = archive->data + at;
		size_t name_len, data_len;

		require(archive->len - at >= CPIO_HEADER && memcmp(header, "070701", 6) == 0, "a header");
		data_len = field(header, 6);
		name_len = field(header, 11);
		require(name_len > 0 && at + CPIO_HEADER + name_len <= archive->len, "a name");
		require(header[CPIO_HEADER + name_len - 1] == '\0', "a name's end");
		at = (at + CPIO_HEADER + name_len + 3) & ~(size_t)3;
		require(data_len <= archive->len - at, "data");
		at = (at + data_len + 3) & ~(size_t)3;
		if (strcmp(header + CPIO_HEADER, "TRAILER!!!") == 0 && at == archive->len)
			return n;
		require(at < archive->len, "an archive without an end");
	}
}

static void cpio(const uint8_t *data, size_t len)
{
	struct input in = { data, data + len };
	autobuf archive = BUF_INIT;
	unsigned int added = 0;
	struct cpio c;

	cpio_init(&c, &archive);
	for (; in.at < in.end; added++) {
		uint8_t kind = (uint8_t)input_take(&in, 1);
		size_t name_len, text_len;
		const uint8_t *name_bytes = input_bytes(&in, input_take(&in, 2) % 5000, &name_len);
		const uint8_t *text_bytes = input_bytes(&in, input_take(&in, 1), &text_len);
		autofree char *name = strndup((const char *)name_bytes, name_len);
		autofree char *text = strndup((const char *)text_bytes, text_len);

		require(name != NULL && text != NULL, "memory");
		if (kind % 4 == 0)
			cpio_add_dir(&c, name, kind);
		else if (kind % 4 == 1)
			cpio_add_file(&c, name, kind, text_bytes, text_len);
		else if (kind % 4 == 2)
			cpio_add_symlink(&c, name, text);
		else
			cpio_add_char_device(&c, name, kind, kind, (unsigned int)text_len);
	}
	if (cpio_finish(&c) == 0)
		require(cpio_count(&archive) == added, "an archive with other entries than were added");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (f.in < 0)
		set_up();
	switch (data[0] % 4) {
	case 0:
		bzimage(data + 1, size - 1);
		break;
	case 1:
		bzimage_packed(data + 1, size - 1);
		break;
	case 2:
		elf(data + 1, size - 1);
		break;
	default:
		cpio(data + 1, size - 1);
		break;
	}
	return 0;
}
