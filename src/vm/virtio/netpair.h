/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pair of queues of a network device, and the descriptor that its packets go to and come from.
 *
 * A pair knows nothing of the device's negotiation: net.c decides when it may take a turn. A turn is taken under the
 * pair's own lock, without the device's, so that pairs which different threads serve do not wait for each other:
 *
 *   the device's lock ── is the driver ready, the queue too, the pair in use? ── the pair's lock ── release the device's ── turn
 *
 * Whoever changes one of these holds the device's lock, and has taken and released the pair's since (netpair_quiesce()): then
 * no turn is under way that has seen the old answer.
 */
#ifndef VM_VIRTIO_NETPAIR_H
#define VM_VIRTIO_NETPAIR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
/* these come before virtio_net.h, which defines what they only name */
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include "base/base.h"
#include "base/loop.h"
#include "vm/virtio/device.h"

#define NETPAIR_QUEUE 256 /* entries of each of its queues */
#define NETPAIR_HDR_BYTES sizeof(struct virtio_net_hdr_v1)
#define NETPAIR_ETH_BYTES 18 /* Ethernet's header with a VLAN tag */
/* the largest segmentation-offload packet */
#define NETPAIR_PACKET_MAX (NETPAIR_HDR_BYTES + NETPAIR_ETH_BYTES + 65535)

struct netstream;

struct netpair {
	struct virtio_dev *dev;   /* borrowed */
	unsigned int rx, tx;      /* its queues */
	int fd;                   /* owned */
	struct netstream *stream; /* owned; NULL: the descriptor has a packet a call */
	struct watch *watch;      /* of fd; of the thread that serves the pair */
	bool in_use;              /* LOCK: the device's. The driver has enabled it. */

	/* LOCK: all below, and the taking side of both queues. Taken behind the device's. */
	pthread_mutex_t lock;
	bool dead;              /* the interface is gone: nothing is read until a reset */
	bool want_in, want_out; /* receiving, sending wait for the descriptor */
	uint64_t rx_dropped, tx_dropped;
	size_t kept; /* bytes of the packet in spill that waits for chains; 0: there is none */
	struct iovec iov[NETPAIR_QUEUE + 1];
	struct vring_used_elem taken[NETPAIR_QUEUE]; /* the chains of the packet in hand */
	uint8_t spill[NETPAIR_PACKET_MAX];
};

/*
 * Sets up the zeroed pair @p of queues @rx and @rx + 1 of @dev, over @fd, which it takes: a tap, or a socket. The caller
 * makes that non-blocking, and sets @p->stream where frames come as netstream.h says.
 */
void netpair_init(struct netpair *p, struct virtio_dev *dev, unsigned int rx, int fd);

/* Frees it; nobody serves it any more. */
void netpair_done(struct netpair *p);

/*
 * Receive, or send, packets within the budget of a turn: enum virtio_more, or -EINVAL if the guest has broken a rule. The
 * pair's lock is held, and the queue is ready. Sending does nothing while the descriptor is full.
 */
must_check int netpair_receive(struct netpair *p);
must_check int netpair_send(struct netpair *p);

/*
 * Takes the turns that @events of the descriptor ask for, where @rx_ready and @tx_ready say that the queue may be served;
 * what waits for events of a queue that may not does so no more: the driver's next kick sets that again. Ends the watch of
 * an interface that has gone. 0, or -errno as above; a turn that has more left has poked its queue. The pair's lock is
 * held.
 */
must_check int netpair_event(struct netpair *p, uint32_t events, bool rx_ready, bool tx_ready);

/* Lets the loop wait for what the turns wait for: 0 or -errno. The pair's lock is held; on the loop's thread. */
must_check int netpair_adjust(struct netpair *p);

/* Waits for the end of a turn that is under way. The device's lock is held, so that none begins. */
void netpair_quiesce(struct netpair *p);

/* Forgets the packet that waits, and that the interface had gone. The device's lock is held, and the pair is quiet. */
void netpair_reset(struct netpair *p);

#endif
