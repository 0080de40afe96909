/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-net (virtio 1.2 §5.1): one or more pairs of queues over a tap. */
#ifndef VM_VIRTIO_NET_H
#define VM_VIRTIO_NET_H

#include <stdbool.h>

#include "vm/virtio/device.h"
#include "vm/virtio/netthreads.h"
#include "vm/vm.h"

struct virtio_net_counters {
	uint64_t rx_dropped; /* packets that were too long for the guest's buffers */
	uint64_t tx_dropped; /* packets that were malformed, or that the tap refused */
};

/*
 * Makes the device of @nic, which is borrowed for the call; its descriptors are taken, also on failure, and made
 * non-blocking. They are the queues of one tap made with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR (with several: |
 * IFF_MULTI_QUEUE, and all of them attached), or datagram sockets whose packets are frames behind a struct
 * virtio_net_hdr_v1, or one stream socket of frames as netstream.h says. With more than one pair it offers the driver
 * VIRTIO_NET_F_MQ and the control queue. @threads (borrowed until virtio_free(); NULL: the main loop) serve all pairs but
 * the first. 0 with *@ret_dev for virtio_free(), or -errno with a message.
 */
must_check int virtio_net_new(const struct mem *mem, const struct vm_nic *nic, struct netthreads *threads,
	struct virtio_dev **ret_dev, struct err *err);

/* Tells the guest that the link is up, as it is at first, or down. Any thread; takes the lock. */
void virtio_net_set_link(struct virtio_dev *dev, bool up);

/* Sums up the counters of its pairs since the device was made. Any thread; takes the locks of the pairs. */
void virtio_net_get_counters(struct virtio_dev *dev, struct virtio_net_counters *ret);

/* The requests of ioctl(2) that only a device with several pairs makes, on the loop and on vCPUs' threads; 0 at the end. */
extern const unsigned long virtio_net_pairs_ioctls[];

#endif
