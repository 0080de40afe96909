/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of an x86 vCPU before it runs. */
#ifndef VM_KVM_X86_CPU_H
#define VM_KVM_X86_CPU_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/machine.h"

/* CPUID and MSRs of vCPU @index. */
must_check int cpu_setup(const struct machine *m, int vcpu_fd, unsigned int index, struct err *err);

/*
 * PVH entry state: 32-bit, flat, no paging, ebx = start info. Of the first vCPU
 * only: the others wait for the guest's SIPI.
 */
must_check int cpu_enter_pvh(int vcpu_fd, uint32_t entry, uint32_t start_info, struct err *err);

/* The instruction pointer, 0 if it cannot be read: for error messages, from the vCPU's own thread. */
uint64_t cpu_rip(int vcpu_fd);

#endif
