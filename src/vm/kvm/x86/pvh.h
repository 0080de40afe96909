/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel entered by the PVH protocol finds in memory: start info, memory map, command line, initrd. */
#ifndef VM_KVM_X86_PVH_H
#define VM_KVM_X86_PVH_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/mem.h"

struct pvh_boot {
	const char *cmdline;
	int initrd_fd; /* regular file, borrowed; -1: none */
	const char *initrd_name;
	uint64_t kernel_end; /* the initrd goes above it */
	uint64_t rsdp_gpa;
};

/* Writes it all; *@ret_start_info is what %ebx holds at the entry. */
must_check int pvh_load(const struct mem *mem, const struct pvh_boot *boot, uint32_t *ret_start_info, struct err *err);

#endif
