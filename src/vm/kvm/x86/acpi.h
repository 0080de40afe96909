/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ACPI tables: the only description of the platform that every
 * distribution's kernel understands (virtio-mmio too: LNRO0005 devices).
 *
 * Hardware-reduced ACPI 6.3: RSDP, XSDT, FADT, MADT, DSDT; no FACS, no timers,
 * no legacy devices but one serial port.
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

/* Appends to the empty @tables what is to lie at @gpa (16-aligned, below 4 GiB), RSDP first. 0 or -ENOMEM. */
must_check int acpi_build(const struct acpi_platform *p, uint32_t gpa, struct buf *tables);

#endif
