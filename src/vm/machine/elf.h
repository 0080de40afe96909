/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading an uncompressed kernel (ELF64 vmlinux) into guest memory.
 *
 * Nothing in the file is trusted: it may come from a cache or an image.
 */
#ifndef VM_MACHINE_ELF_H
#define VM_MACHINE_ELF_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/mem.h"

struct elf_image {
	uint64_t start, end; /* guest-physical span of all segments */
	uint32_t pvh_entry;  /* 32-bit entry point of the PVH note */
};

/*
 * Copies the PT_LOAD segments of @fd (a regular file, borrowed) to their
 * physical addresses, all of which must be RAM at or above @min_gpa. @mem is
 * fresh (zero): stored zeros are not copied, so they cost no memory.
 * @name is for messages. -ENOEXEC: not a kernel that can be booted.
 */
must_check int elf_load(const struct mem *mem, int fd, const char *name, uint64_t min_gpa, struct elf_image *ret_image,
	struct err *err);

#endif
