/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is /dev/kvm of use on this machine? Only running a guest's kernel code tells: some nested set-ups open /dev/kvm and
 * create VMs, and then emulate the guest's kernel a thousand times too slowly, or fail at its first unusual instruction.
 */
#ifndef VM_KVM_PROBE_H
#define VM_KVM_PROBE_H

#include <stdbool.h>

#include "base/base.h"

#define PROBE_WHY_MAX 256
#define PROBE_RUN_MS 60 /* how long the probe's guest runs at most */

enum probe_verdict_kind {
	PROBE_VERDICT_USABLE,
	PROBE_VERDICT_ABSENT,  /* there is no /dev/kvm, or this process may not open it */
	PROBE_VERDICT_FAILS,   /* it cannot run a guest's kernel */
	PROBE_VERDICT_TOO_SLOW /* it runs one, but emulates it */
};

struct probe_verdict {
	enum probe_verdict_kind kind;
	unsigned int mips;       /* millions of guest instructions per second; 0: not measured */
	char why[PROBE_WHY_MAX]; /* part of a sentence: "KVM runs a guest's kernel at 2100 million instructions/s" */
};

/*
 * Runs some million instructions of kernel code (64-bit, paging, ring 0, with cmpxchg16b, xsave and xrstor) in a VM of
 * its own on the calling thread, for PROBE_RUN_MS at most, and leaves nothing behind. 0 with *@ret, or -errno if this
 * process lacks memory or descriptors, which says nothing about KVM.
 */
must_check int probe_kvm(struct probe_verdict *ret);

#endif
