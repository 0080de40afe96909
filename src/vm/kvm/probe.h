/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is /dev/kvm of use on this machine? Only running guest kernel code tells:
 * some nested set-ups open /dev/kvm, create VMs, and then emulate the guest's
 * kernel a thousand times too slowly, or give up at its first odd instruction.
 */
#ifndef VM_KVM_PROBE_H
#define VM_KVM_PROBE_H

#include <stdbool.h>

#include "base/base.h"

#define PROBE_WHY_MAX 256

enum kvm_verdict_kind {
	KVM_VERDICT_USABLE,
	KVM_VERDICT_ABSENT,  /* no /dev/kvm, or not for us */
	KVM_VERDICT_FAILS,   /* it cannot run a guest's kernel */
	KVM_VERDICT_TOO_SLOW /* it runs one, but emulates it */
};

struct kvm_verdict {
	enum kvm_verdict_kind kind;
	unsigned int mips;       /* millions of guest instructions per second; 0: not measured */
	char why[PROBE_WHY_MAX]; /* a sentence part: "KVM runs a guest kernel at 2100 million instructions/s" */
};

/*
 * Runs some million instructions of kernel code (64-bit, paging, ring 0, with
 * cmpxchg16b, xsave, xrstor) in a VM of its own, for PROBE_RUN_MS at most, on
 * the calling thread, and leaves nothing behind. 0 with *@ret, or -errno if
 * this process lacks something (memory, descriptors) that says nothing of KVM.
 */
#define PROBE_RUN_MS 60
must_check int kvm_probe(struct kvm_verdict *ret);

#endif
