/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/vm/image share: scratch directories, packed data, made-up kernels. */
#ifndef TESTS_IMAGE_FIXTURE_H
#define TESTS_IMAGE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "vm/image/unpack.h"

#define STOCK_DIR "/var/cache/vmrunc/stock-kernel/current" /* contrib/get-kernel */

/* Makes a directory of mode 0755: its name, for fixture_remove(). */
char *fixture_dir(void);
/* Removes the tree @dir, and frees the name. */
void fixture_remove(char *dir);

/* Writes the file @dir/@name and makes the directories above it. */
void fixture_write(const char *dir, const char *name, const void *data, size_t len);
/* The path @dir/@name, which the caller frees. */
char *fixture_path(const char *dir, const char *name);

/* Packs @data with the format's library; UNPACK_NONE copies it. */
void fixture_pack(enum unpack_format format, const void *data, size_t len, struct buf *ret);

/* Makes a vmlinux of @len (>= 4096) bytes with a banner for @release, @strings (NULL is the last), and a long hole. */
void fixture_vmlinux(const char *release, const char *const *strings, size_t len, struct buf *ret);

/* Makes a bzImage of @packed, which unpacks to @size bytes; the size is appended if @format wants that. */
void fixture_bzimage(
	const char *release, enum unpack_format format, const struct buf *packed, uint32_t size, struct buf *ret);

/*
 * The directory of the stock kernel's modules, whose last part is the release, or NULL: then the test is skipped, or
 * fails with VMRUNC_MUST_WORK=1.
 */
const char *fixture_stock_modules(void);

#endif
