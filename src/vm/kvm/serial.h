/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 16550A serial port that only sends: the console of the guest's kernel.
 *
 * What the guest writes goes into its log (guestlog.h); it never receives anything. The registers are plain data, so
 * that they can be saved.
 */
#ifndef VM_KVM_SERIAL_H
#define VM_KVM_SERIAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "vm/guestlog.h"
#include "vm/machine/bus.h"
#include "vm/machine/irq.h"

struct serial_regs {
	uint8_t ier, lcr, mcr, scr, dll, dlm;
	bool fifo;
	bool thre_pending; /* "transmitter empty" interrupt not yet acknowledged */
};

struct serial {
	struct guestlog *log;  /* borrowed */
	const struct irq *irq; /* borrowed; NULL: none */
	pthread_mutex_t lock;
	struct serial_regs regs; /* LOCK: lock */
};

/* The port's LAYOUT_SERIAL_PORTS registers for bus_add_pio(), whose @arg is the struct serial. On any thread. */
extern const struct bus_ops serial_ops;

/* Makes a port as it is after a reset. @log and @irq are borrowed and outlive it; @log NULL: what is written vanishes. */
void serial_init(struct serial *s, struct guestlog *log, const struct irq *irq);

/* Frees the lock; no vCPU runs any more. */
void serial_done(struct serial *s);

#endif
