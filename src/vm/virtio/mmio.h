/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio-mmio transport, version 2 (virtio 1.2 §4.2): a driver's view of a device.
 *
 * The two access functions need no KVM: tests and fuzzers drive them directly.
 */
#ifndef VM_VIRTIO_MMIO_H
#define VM_VIRTIO_MMIO_H

#include <stdint.h>

#include "base/err.h"
#include "vm/machine/bus.h"
#include "vm/machine/machine.h"
#include "vm/virtio/device.h"

/*
 * GUEST: one access of a vCPU to a device's window, any offset, width, value.
 * Registers below 0x100 are 4 bytes wide and aligned (§4.2.2.2): anything else
 * reads 0 and writes nothing. On any thread. A write of 0 to Status returns
 * when the device has let go of the guest's memory.
 */
uint64_t virtio_mmio_read(struct virtio_dev *dev, uint64_t offset, unsigned int len);
void virtio_mmio_write(struct virtio_dev *dev, uint64_t offset, unsigned int len, uint64_t value);

/*
 * Ties @dev to slot @slot of @machine (LAYOUT_VIRTIO_GPA and _GSI): its window
 * on the bus, its interrupt, and an ioeventfd for each queue's QueueNotify.
 * Before the bus is frozen; the device outlives the vCPUs.
 */
must_check int virtio_attach(struct virtio_dev *dev, struct machine *machine, unsigned int slot, struct err *err);

#endif
