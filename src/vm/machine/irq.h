/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One edge-triggered interrupt line of a device: an eventfd that KVM turns into a pulse on a pin of the IOAPIC.
 *
 * Unit tests make a struct irq from a bare eventfd (gsi 0): raising it then adds 1 to the eventfd's counter.
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

/* Makes the eventfd and ties it to pin @gsi of @machine's IOAPIC (KVM_IRQFD). 0 or -errno; on error @irq is IRQ_INIT. */
must_check int irq_init(struct irq *irq, const struct machine *machine, uint32_t gsi, struct err *err);

/* Unties and closes it. Accepts IRQ_INIT. */
void irq_done(struct irq *irq);

/* Sends one interrupt. Never blocks; on any thread. */
void irq_raise(const struct irq *irq);

#endif
