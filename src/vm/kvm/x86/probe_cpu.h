/* SPDX-License-Identifier: Apache-2.0 */
/* The probe's vCPU as far as it is an x86 one: its CPUID, its registers, and the page tables of its guest program. */
#ifndef VM_KVM_X86_PROBE_CPU_H
#define VM_KVM_X86_PROBE_CPU_H

#include <stdint.h>

#include "base/base.h"

/*
 * Puts the guest program and its page tables into @mem (PROBE_MEM bytes, the VM's memory from 0 on), and @vcpu_fd into the
 * state that a kernel sets up for itself: long mode, paging, ring 0, our VMM's CPUID. 0, or -errno: with *@ret_call the
 * name of the KVM call that failed; without (NULL), -ENOTSUP means a processor that lacks cmpxchg16b, -ENOMEM itself.
 */
must_check int probe_cpu_set_up(int kvm_fd, int vcpu_fd, uint8_t *mem, const char **ret_call);

#endif
