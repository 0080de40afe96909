/* SPDX-License-Identifier: Apache-2.0 */
/* A 16550A serial port that only sends (registers: National Semiconductor PC16550D data sheet). */
#include "vm/kvm/serial.h"

enum serial_reg {     /* read / write */
	REG_DATA = 0, /* RBR / THR; divisor low with DLAB */
	REG_IER = 1,  /* divisor high with DLAB */
	REG_IIR = 2,  /* IIR / FCR */
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCR = 7,
};

#define IER_THRE 0x02
#define IER_MASK 0x0f
#define IIR_NONE 0x01
#define IIR_THRE 0x02
#define IIR_FIFO 0xc0
#define FCR_ENABLE 0x01
#define LCR_DLAB 0x80
#define MCR_MASK 0x1f
#define MCR_LOOP 0x10
#define LSR_EMPTY 0x60 /* holding register and transmitter */
#define MSR_READY 0xb0 /* carrier, data set ready, clear to send */

void serial_init(struct serial *s, struct guestlog *log, const struct irq *irq)
{
	*s = (struct serial){ .log = log, .irq = irq };
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail without attributes */
}

void serial_done(struct serial *s)
{
	(void)pthread_mutex_destroy(&s->lock);
}

/* The transmitter is empty again, as it always is after a write: raises an interrupt if the guest wants one. */
static void serial_thre(struct serial *s)
{
	s->regs.thre_pending = true;
	if ((s->regs.ier & IER_THRE) && s->irq)
		irq_raise(s->irq);
}

static uint8_t serial_read_iir(struct serial *s)
{
	uint8_t fifo = s->regs.fifo ? IIR_FIFO : 0;

	if (!(s->regs.ier & IER_THRE) || !s->regs.thre_pending)
		return fifo | IIR_NONE;
	s->regs.thre_pending = false; /* reading the register acknowledges it */
	return fifo | IIR_THRE;
}

static uint8_t serial_read_msr(const struct serial_regs *r)
{
	if (!(r->mcr & MCR_LOOP))
		return MSR_READY;
	/* In loop-back mode, by which drivers probe, RTS, DTR, OUT1 and OUT2 come back as CTS, DSR, RI and DCD. */
	return (uint8_t)((r->mcr & 0x02) << 3 | (r->mcr & 0x01) << 5 | (r->mcr & 0x0c) << 4);
}

/* Reads register @reg; the lock is held. */
static uint8_t serial_read_reg(struct serial *s, uint64_t reg)
{
	struct serial_regs *r = &s->regs;

	switch (reg) {
	case REG_DATA:
		return r->lcr & LCR_DLAB ? r->dll : 0;
	case REG_IER:
		return r->lcr & LCR_DLAB ? r->dlm : r->ier;
	case REG_IIR:
		return serial_read_iir(s);
	case REG_LCR:
		return r->lcr;
	case REG_MCR:
		return r->mcr;
	case REG_LSR:
		return LSR_EMPTY;
	case REG_MSR:
		return serial_read_msr(r);
	case REG_SCR:
		return r->scr;
	default:
		return 0xff;
	}
}

static void serial_write_data(struct serial *s, uint8_t value)
{
	if (s->regs.lcr & LCR_DLAB) {
		s->regs.dll = value;
		return;
	}
	if (!(s->regs.mcr & MCR_LOOP))
		guestlog_put(s->log, &value, sizeof(value));
	serial_thre(s);
}

static void serial_write_ier(struct serial *s, uint8_t value)
{
	uint8_t old = s->regs.ier;

	if (s->regs.lcr & LCR_DLAB) {
		s->regs.dlm = value;
		return;
	}
	s->regs.ier = value & IER_MASK;
	if (s->regs.ier & ~old & IER_THRE)
		serial_thre(s);
}

/* Writes register @reg; the lock is held. */
static void serial_write_reg(struct serial *s, uint64_t reg, uint8_t value)
{
	switch (reg) {
	case REG_DATA:
		serial_write_data(s, value);
		break;
	case REG_IER:
		serial_write_ier(s, value);
		break;
	case REG_IIR:
		s->regs.fifo = value & FCR_ENABLE;
		break;
	case REG_LCR:
		s->regs.lcr = value;
		break;
	case REG_MCR:
		s->regs.mcr = value & MCR_MASK;
		break;
	case REG_SCR:
		s->regs.scr = value;
		break;
	default:
		break; /* LSR and MSR are read-only */
	}
}

/* GUEST: an access wider than a byte reaches the first register only. */
static uint64_t serial_read(void *arg, uint64_t offset, unsigned int len unused)
{
	struct serial *s = arg;
	uint8_t value;

	pthread_mutex_lock(&s->lock);
	value = serial_read_reg(s, offset);
	pthread_mutex_unlock(&s->lock);
	return value;
}

static void serial_write(void *arg, uint64_t offset, unsigned int len unused, uint64_t value)
{
	struct serial *s = arg;

	pthread_mutex_lock(&s->lock);
	serial_write_reg(s, offset, (uint8_t)value);
	pthread_mutex_unlock(&s->lock);
}

const struct bus_ops serial_ops = { .read = serial_read, .write = serial_write };
