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
	int initrd_fd;           /* regular file, borrowed; -1: none */
	const char *initrd_name; /* for messages */
	uint64_t kernel_end;     /* guest-physical; the initrd must lie above it */
	uint64_t rsdp_gpa;       /* of the ACPI tables */
};

/*
 * Writes all of it to the places of layout.h, the initrd to the top of low RAM. *@ret_start_info is what the protocol wants
 * in ebx. 0, -ENOMEM if the initrd does not fit, -E2BIG if the command line is too long, or -errno; with a message.
 */
must_check int pvh_load(const struct mem *mem, const struct pvh_boot *boot, uint32_t *ret_start_info, struct err *err);

#endif
