/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-9p (virtio 1.2 §5.10): one queue that carries messages to a 9P session. */
#ifndef VM_VIRTIO_P9DEV_H
#define VM_VIRTIO_P9DEV_H

#include "vm/virtio/device.h"

struct p9_server;
struct p9_worker;

#define P9DEV_TAG_MAX 32 /* bytes of a mount tag at most; ours are single words */

/*
 * Makes a device with the mount tag @tag, and with a session of @server's (borrowed, outlives the device) that
 * virtio_free() ends. 0 with *@ret_dev for virtio_free(), or -errno with a message.
 */
must_check int virtio_p9dev_new(
	const struct mem *mem, struct p9_server *server, const char *tag, struct virtio_dev **ret_dev, struct err *err);

/*
 * For tests: does once what a thread of the device does at a kick. It takes the chains that wait, hands all but the last to
 * the server's threads, and serves the last with @worker, which is the calling thread's: whether there was one. The caller
 * calls again for what comes meanwhile, as the device's other thread would.
 */
bool virtio_p9dev_serve(struct virtio_dev *dev, struct p9_worker *worker);

#endif
