/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads an uncompressed kernel (an ELF64 vmlinux) into guest memory.
 *
 * Nothing in the file is trusted, because it may come from a cache or out of a container's image.
 */
#ifndef VM_MACHINE_ELF_H
#define VM_MACHINE_ELF_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/mem.h"

struct elf_image {
	uint64_t start, end; /* guest-physical span of all segments */
	uint32_t pvh_entry;  /* 32-bit entry point, from the PVH note */
};

/*
 * Copies the PT_LOAD segments of @fd (a regular file, borrowed) to their physical addresses, all of which must be RAM at
 * or above @min_gpa. @mem must still be zero: pages of zeros in the file are not copied, so that they cost no memory.
 * @name is for messages. 0, -ENOEXEC if the file is no kernel that can be booted, -ENOMEM if it does not fit, or -errno.
 */
must_check int elf_load(const struct mem *mem, int fd, const char *name, uint64_t min_gpa, struct elf_image *ret_image,
	struct err *err);

#endif
