/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One edge-triggered interrupt line of a device: an eventfd that KVM turns
 * into a pulse on an IOAPIC pin.
 *
 * irq_raise() may be called on any thread. A struct irq made of a bare eventfd
 * (gsi 0) serves unit tests: raising it counts it up.
 */
#ifndef VM_MACHINE_IRQ_H
#define VM_MACHINE_IRQ_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

struct machine;

struct irq {
	int fd; /* eventfd, owned; -1: none */
	uint32_t gsi;
};

#define IRQ_INIT                   \
	{                          \
		.fd = -1, .gsi = 0 \
	}

/* Makes the eventfd and ties it to @gsi of @machine (KVM_IRQFD). 0 or -errno. */
must_check int irq_init(struct irq *irq, const struct machine *machine, uint32_t gsi, struct err *err);
void irq_done(struct irq *irq);
void irq_raise(const struct irq *irq);

#endif
