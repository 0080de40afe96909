/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 16550A serial port that only speaks: the guest kernel's console.
 *
 * What the guest writes goes into its log (guestlog.h); nothing is ever
 * received. The registers are plain data that could be saved.
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

extern const struct bus_ops serial_ops; /* 8 ports, arg: struct serial */

void serial_init(struct serial *s, struct guestlog *log, const struct irq *irq);
void serial_done(struct serial *s);

#endif
