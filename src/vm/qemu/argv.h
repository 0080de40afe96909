/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's command line: the machine of vm.h as QEMU's options.
 *
 * QEMU inherits every file and socket as a descriptor, whose number stands in an option: it parses no path of the
 * caller's.
 */
#ifndef VM_QEMU_ARGV_H
#define VM_QEMU_ARGV_H

#include <stdbool.h>

#include "base/err.h"
#include "vm/vm.h"

/* What the options say. All is borrowed; the descriptors have the same numbers in QEMU. */
struct qemu_plan {
	const char *program;
	const struct vm_config *cfg;
	bool kvm;             /* -accel kvm, else tcg */
	unsigned int tsc_khz; /* without KVM: the frequency of the host's time stamp counter; 0: unknown */
	int kernel_fd;
	int initrd_fd;
	int qmp_fd;
	int agent_fd;
	int serial_fd; /* the guest's console */
};

/* Makes the argument list, NULL at its end, in one allocation, which the caller frees. NULL: out of memory. */
char **qemu_argv_make(const struct qemu_plan *plan);

#endif
