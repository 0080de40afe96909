/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-balloon (virtio 1.2 §5.5): memory that the guest does not use goes back to the host, either because the guest
 * reports free pages (always offered) or because the host asks it to inflate the balloon.
 */
#ifndef VM_VIRTIO_BALLOON_H
#define VM_VIRTIO_BALLOON_H

#include "vm/virtio/device.h"

/* Makes the device, which asks for no pages at first. @mem is borrowed. 0 with *@ret_dev for virtio_free(), or -errno with a message. */
must_check int virtio_balloon_new(const struct mem *mem, struct virtio_dev **ret_dev, struct err *err);

/* Asks the guest to keep @pages pages of 4 KiB in the balloon. Any thread; takes the lock. */
void virtio_balloon_set_target(struct virtio_dev *dev, uint32_t pages);

/* How many pages the guest says are in the balloon: for display only, as it may say anything. Any thread. */
uint32_t virtio_balloon_actual(struct virtio_dev *dev);

#endif
