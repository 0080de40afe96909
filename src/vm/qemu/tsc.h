/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frequency of the time stamp counter (TSC) that a guest under TCG sees.
 *
 * TCG shows the host's TSC, but the guest finds nothing to calibrate it against: ACPI on microvm has no PM timer, and
 * the loop with the PIT fails on a loaded host, after which the kernel hangs. So we measure the frequency, and the
 * kernel's command line says it. With KVM the guest has kvm-clock, and needs none of this.
 */
#ifndef VM_QEMU_TSC_H
#define VM_QEMU_TSC_H

#include <stdint.h>

/* Counter and clock at one moment. */
struct tsc_sample {
	uint64_t ticks;
	uint64_t ns; /* of CLOCK_MONOTONIC_RAW */
};

/* Reads counter and clock, close together. */
struct tsc_sample tsc_sample(void);

/*
 * Measures the frequency in kHz since @from, and waits first until enough time has passed since then (TSC_SPAN_MS in
 * tsc.c). 0 if the counter does not run evenly.
 */
unsigned int tsc_khz_since(struct tsc_sample from);

#endif
