/* SPDX-License-Identifier: Apache-2.0 */
/* One edge-triggered interrupt line of a device. */
#include <errno.h>
#include <linux/kvm.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "vm/machine/irq.h"
#include "vm/machine/machine.h"

int irq_init(struct irq *irq, const struct machine *machine, uint32_t gsi, struct err *err)
{
	struct kvm_irqfd arg = { .gsi = gsi };
	autoclose int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	*irq = (struct irq)IRQ_INIT;
	if (fd < 0)
		return err_sys(err, errno, "eventfd for interrupt %u", gsi);
	arg.fd = (uint32_t)fd;
	if (ioctl(machine->vm_fd, KVM_IRQFD, &arg) < 0)
		return err_sys(err, errno, "KVM_IRQFD for interrupt %u", gsi);
	irq->fd = steal_fd(&fd);
	irq->gsi = gsi;
	return 0;
}

void irq_done(struct irq *irq)
{
	fd_close(irq->fd); /* KVM unties an eventfd that is closed */
	*irq = (struct irq)IRQ_INIT;
}

void irq_raise(const struct irq *irq)
{
	const uint64_t one = 1;

	/* It may fail with EAGAIN when 2^64 - 2 interrupts are pending; then one is on its way anyhow. */
	ssize_t written unused = write(irq->fd, &one, sizeof(one));
}
