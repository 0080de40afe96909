/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine around the vCPUs: KVM's VM, its memory, its interrupt chips, its bus.
 *
 * Everything is made and tied together before the first vCPU runs; afterwards
 * a machine is read-only but for the end report (end.h).
 */
#ifndef VM_MACHINE_MACHINE_H
#define VM_MACHINE_MACHINE_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/machine/bus.h"
#include "vm/machine/mem.h"

/* virtio-mmio windows: device i sits at MACHINE_VIRTIO_GPA(i) and has the line MACHINE_VIRTIO_GSI(i). */
#define MACHINE_VIRTIO_STRIDE 0x1000ull
#define MACHINE_VIRTIO_GPA(i) (0xd0000000ull + (uint64_t)(i)*MACHINE_VIRTIO_STRIDE)
#define MACHINE_VIRTIO_SIZE 0x200ull
#define MACHINE_VIRTIO_GSI(i) (5u + (i))
#define MACHINE_VIRTIO_MAX 19u /* IOAPIC pins 5 to 23 */

struct machine {
	int kvm_fd, vm_fd;
	struct mem mem;
	struct bus bus;
	unsigned int vcpus; /* how many there will be */
};

/*
 * Opens /dev/kvm, checks what this VMM needs of it, makes the VM with RAM and
 * the in-kernel interrupt chips. @vcpus: 1..VM_VCPUS_MAX.
 */
must_check int machine_init(struct machine *m, uint64_t mem_bytes, unsigned int vcpus, struct err *err);
void machine_done(struct machine *m);

/*
 * A write of exactly @value, @len (1, 2, 4 or 8) bytes wide, at @gpa is an
 * event on @fd (borrowed) and no exit.
 */
must_check int machine_ioeventfd(
	const struct machine *m, uint64_t gpa, unsigned int len, uint64_t value, int fd, struct err *err);

#endif
