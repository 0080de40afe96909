/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-mmio transport, version 2 (virtio 1.2 §4.2): a device as its driver sees it.
 *
 * The two access functions need no KVM, so tests and fuzzers drive them directly.
 */
#ifndef VM_VIRTIO_MMIO_H
#define VM_VIRTIO_MMIO_H

#include <stdint.h>

#include "base/err.h"
#include "vm/machine/bus.h"
#include "vm/machine/machine.h"
#include "vm/virtio/device.h"

/*
 * GUEST: a vCPU reads from a device's window, with any offset and width. The registers below 0x100 are 4 bytes wide and
 * aligned (§4.2.2.2); any other access to them reads 0. On any thread; takes the lock.
 */
uint64_t virtio_mmio_read(struct virtio_dev *dev, uint64_t offset, unsigned int len);

/*
 * GUEST: a vCPU writes to it, any value. Accesses that read 0 write nothing. A write of 0 to Status returns when no
 * thread touches the guest's buffers any more. On any thread; takes the lock.
 */
void virtio_mmio_write(struct virtio_dev *dev, uint64_t offset, unsigned int len, uint64_t value);

/*
 * Ties @dev to slot @slot of @machine (LAYOUT_VIRTIO_GPA and _GSI): its window goes on the bus, its interrupt line to KVM,
 * and each queue's QueueNotify becomes an event on its kick_fd. To be called before the bus is frozen; the device outlives
 * the vCPUs. 0 or -errno with a message.
 */
must_check int virtio_mmio_attach(struct virtio_dev *dev, struct machine *machine, unsigned int slot, struct err *err);

#endif
