/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vCPU says of itself: the host's CPUID as far as KVM supports it, without what a container's VM has no use for,
 * with a plain topology, and with the leaves by which a guest knows its hypervisor.
 */
#ifndef VM_KVM_X86_CPUID_H
#define VM_KVM_X86_CPUID_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/kvm.h>

#include "base/base.h"
#include "base/err.h"

/* Asks KVM what it supports here (KVM_GET_SUPPORTED_CPUID). 0 with *@ret, which the caller frees, or -errno with a message. */
must_check int cpuid_supported(int kvm_fd, struct kvm_cpuid2 **ret, struct err *err);

/* The entry of leaf @leaf, sub-leaf @index (ignored by leaves without sub-leaves), in @cpuid; NULL: it has none. */
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid2 *cpuid, uint32_t leaf, uint32_t index);

struct cpuid_shape {
	unsigned int vcpu, vcpus; /* one socket, one thread a core; APIC id = vcpu */
	bool tsc_deadline;        /* KVM_CAP_TSC_DEADLINE_TIMER */
};

/* Makes of @supported (borrowed) the CPUID of one vCPU. 0 with *@ret, which the caller frees, or -ENOMEM. */
must_check int cpuid_make(const struct kvm_cpuid2 *supported, const struct cpuid_shape *shape, struct kvm_cpuid2 **ret);

#endif
