/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vCPU says of itself: the host's CPUID as KVM supports it, less what a
 * container's VM has no use for, with a plain topology and the hypervisor's leaves.
 */
#ifndef VM_KVM_X86_CPUID_H
#define VM_KVM_X86_CPUID_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/kvm.h>

#include "base/base.h"
#include "base/err.h"

/* What KVM supports here (KVM_GET_SUPPORTED_CPUID): the caller frees *ret. */
must_check int cpuid_supported(int kvm_fd, struct kvm_cpuid2 **ret, struct err *err);

/* The entry of a leaf, or NULL. */
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid2 *cpuid, uint32_t leaf, uint32_t index);

struct cpuid_shape {
	unsigned int vcpu, vcpus; /* one socket, one thread a core; APIC id = vcpu */
	bool tsc_deadline;        /* KVM_CAP_TSC_DEADLINE_TIMER */
};

/* @supported (borrowed) made into that of one vCPU: the caller frees *ret. 0 or -ENOMEM. */
must_check int cpuid_make(const struct kvm_cpuid2 *supported, const struct cpuid_shape *shape, struct kvm_cpuid2 **ret);

#endif
