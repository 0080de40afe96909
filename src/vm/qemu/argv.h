/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's command line: the machine of vm.h as QEMU's options.
 *
 * Every file and socket is handed over as a descriptor under the number that
 * stands here, so no path of the caller's is parsed by QEMU.
 */
#ifndef VM_QEMU_ARGV_H
#define VM_QEMU_ARGV_H

#include <stdbool.h>

#include "base/err.h"
#include "vm/vm.h"

struct qemu_plan {
	const char *program;
	const struct vm_config *cfg;
	bool kvm;             /* -accel kvm, else tcg */
	unsigned int tsc_khz; /* of the host, for TCG; 0: unknown */
	int kernel_fd;
	int initrd_fd;
	int qmp_fd;
	int agent_fd;
	int serial_fd; /* the guest's console */
};

/* A NULL-terminated argument list in one allocation, or NULL (no memory). Caller frees it. */
char **qemu_argv_make(const struct qemu_plan *plan);

#endif
