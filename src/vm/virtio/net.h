/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-net (virtio 1.2 §5.1): one pair of queues over a tap. */
#ifndef VM_VIRTIO_NET_H
#define VM_VIRTIO_NET_H

#include <stdbool.h>

#include "vm/virtio/device.h"

struct virtio_net_counters {
	uint64_t rx_dropped; /* packets that were too long for the guest's buffers */
	uint64_t tx_dropped; /* packets that were malformed, or that the tap refused */
};

/*
 * Makes the device. @fd is a tap made with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, or a datagram socket whose packets are
 * frames behind a struct virtio_net_hdr_v1, or a stream socket of frames as netstream.h says. The device takes it, also on failure, and makes it non-blocking. @mtu is in
 * bytes; 0: none is offered. 0 with *@ret_dev for virtio_free(), or -errno with a message.
 */
must_check int virtio_net_new(const struct mem *mem, int fd, const uint8_t mac[6], uint16_t mtu,
	struct virtio_dev **ret_dev, struct err *err);

/* Tells the guest that the link is up, as it is at first, or down. Any thread; takes the lock. */
void virtio_net_set_link(struct virtio_dev *dev, bool up);

/* Copies the counters since the device was made. Any thread; takes the lock. */
void virtio_net_get_counters(struct virtio_dev *dev, struct virtio_net_counters *ret);

#endif
