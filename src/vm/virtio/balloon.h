/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-balloon (virtio 1.2 §5.5): pages that the guest does not use go back
 * to the host, by free-page reporting (always offered) and by inflation.
 */
#ifndef VM_VIRTIO_BALLOON_H
#define VM_VIRTIO_BALLOON_H

#include "vm/virtio/device.h"

must_check int virtio_balloon_new(const struct mem *mem, struct virtio_dev **ret_dev, struct err *err);

/* Asks the guest to keep @pages 4-KiB pages in the balloon. Any thread. */
void virtio_balloon_set_target(struct virtio_dev *dev, uint32_t pages);

/* How many pages the guest says are in the balloon: its word, for display only. Any thread. */
uint32_t virtio_balloon_actual(struct virtio_dev *dev);

#endif
