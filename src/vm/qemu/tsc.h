/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frequency of the time stamp counter that a guest under TCG will see.
 *
 * TCG's TSC is the host's, but the guest finds nothing to calibrate it
 * against: ACPI on microvm has no PM timer, and the PIT loop fails on a loaded
 * host, after which the kernel hangs. So its command line says the frequency.
 * With KVM there is kvm-clock, and none of this is needed.
 */
#ifndef VM_QEMU_TSC_H
#define VM_QEMU_TSC_H

#include <stdint.h>

struct tsc_sample {
	uint64_t ticks;
	uint64_t ns;
};

struct tsc_sample tsc_sample(void);

/*
 * kHz since @from, which the caller took some time ago: waits until enough time
 * lies between (TSC_SPAN_MS in tsc.c). 0 if the counter does not run evenly.
 */
unsigned int tsc_khz_since(struct tsc_sample from);

#endif
