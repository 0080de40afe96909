/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What vCPUs and devices are put into: KVM's VM, its memory, its interrupt chips, its bus.
 *
 * A machine knows neither of them. It is made, and everything is tied to it, before the first vCPU runs; afterwards it is
 * only read, by any thread.
 */
#ifndef VM_MACHINE_MACHINE_H
#define VM_MACHINE_MACHINE_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/bus.h"
#include "vm/machine/mem.h"

struct machine {
	int kvm_fd, vm_fd; /* /dev/kvm (-1 after machine_made()), and the VM made by it; owned */
	struct mem mem;
	struct bus bus;
};

/*
 * Opens /dev/kvm, checks that it can do what this VMM needs, and makes a VM with @mem_bytes of RAM (a multiple of
 * VM_MEM_GRAIN) and KVM's own interrupt chips. 0 or -errno with a message; on error nothing is left.
 */
must_check int machine_init(struct machine *m, uint64_t mem_bytes, struct err *err);

/*
 * Closes /dev/kvm, when vCPUs and devices are made: what is left of KVM in this process is this VM, and no other one can
 * be made.
 */
void machine_made(struct machine *m);

/* Frees it. Everything else that holds the VM's descriptors (vCPUs) is gone by now. Accepts one with descriptors of -1. */
void machine_done(struct machine *m);

/*
 * Makes a guest's write of exactly @value, @len (1, 2, 4 or 8) bytes wide, at @gpa an event on the eventfd @fd (borrowed)
 * that wakes its reader without stopping the vCPU. 0 or -errno.
 */
must_check int machine_ioeventfd(
	const struct machine *m, uint64_t gpa, unsigned int len, uint64_t value, int fd, struct err *err);

#endif
