/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/vm/image share: scratch directories, packed data, made-up kernels. */
#ifndef TESTS_IMAGE_FIXTURE_H
#define TESTS_IMAGE_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "vm/image/unpack.h"

#define STOCK_DIR "/var/cache/vmrunc/stock-kernel/current" /* contrib/get-kernel */

/* A fresh directory of mode 0755; the caller frees the name, and removes the tree with fixture_remove(). */
char *fixture_dir(void);
void fixture_remove(char *dir); /* frees @dir too */

/* Writes @dir/@name, making the directories above it. */
void fixture_write(const char *dir, const char *name, const void *data, size_t len);
char *fixture_path(const char *dir, const char *name); /* the caller frees it */

/* Packs with the libraries. For UNPACK_NONE a copy. */
void fixture_pack(enum unpack_format format, const void *data, size_t len, struct buf *ret);

/*
 * A vmlinux of @len (>= 4096) bytes: a banner for @release, @strings (each between NULs,
 * NULL at the end), and a long hole.
 */
void fixture_vmlinux(const char *release, const char *const *strings, size_t len, struct buf *ret);

/* A bzImage around @packed (@size: what it unpacks to; appended where @format wants it). */
void fixture_bzimage(
	const char *release, enum unpack_format format, const struct buf *packed, uint32_t size, struct buf *ret);

/*
 * The directory of the stock kernel's modules (its release is the last part), or
 * NULL: then the test is skipped. VMRUNC_MUST_WORK=1 makes that a failure.
 */
const char *fixture_stock_modules(void);

#endif
