/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ACPI tables. They are the only description of a platform that the kernels of all distributions understand, and
 * they can announce virtio-mmio devices too (as LNRO0005).
 *
 * This is hardware-reduced ACPI 6.3 with RSDP, XSDT, FADT, MADT and DSDT. There is no FACS, no timer, and no legacy device
 * but one serial port.
 */
#ifndef VM_KVM_X86_ACPI_H
#define VM_KVM_X86_ACPI_H

#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"

struct acpi_device { /* one virtio-mmio window */
	uint32_t gpa, size;
	uint32_t gsi; /* edge-triggered, active high */
};

struct acpi_platform {
	unsigned int vcpus; /* APIC ids 0 to vcpus - 1 */
	const struct acpi_device *devices;
	unsigned int devices_len; /* at most 1000: they are named V000 to V999 */
};

/*
 * Appends to the empty @tables what is to lie at guest-physical @gpa (a multiple of 16, below 4 GiB); the RSDP comes
 * first. 0 or -ENOMEM.
 */
must_check int acpi_build(const struct acpi_platform *p, uint32_t gpa, struct buf *tables);

#endif
