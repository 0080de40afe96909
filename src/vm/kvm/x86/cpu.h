/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of an x86 vCPU before it runs. */
#ifndef VM_KVM_X86_CPU_H
#define VM_KVM_X86_CPU_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/machine.h"

/* Gives vCPU @index of @vcpus, whose descriptor is @vcpu_fd, its CPUID and MSRs. 0 or -errno with a message. */
must_check int cpu_setup(const struct machine *m, int vcpu_fd, unsigned int index, unsigned int vcpus, struct err *err);

/*
 * Puts the first vCPU at the kernel's PVH entry point @entry as that protocol wants it: 32-bit, flat segments, no paging,
 * ebx = @start_info. (The other vCPUs wait until the guest starts them.) 0 or -errno with a message.
 */
must_check int cpu_enter_pvh(int vcpu_fd, uint32_t entry, uint32_t start_info, struct err *err);

/* The instruction pointer for an error message, 0 if it cannot be read. On the vCPU's own thread. */
uint64_t cpu_rip(int vcpu_fd);

#endif
