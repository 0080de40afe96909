/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-9p (virtio 1.2 §5.10): one queue that carries messages to a 9P session. */
#ifndef VM_VIRTIO_P9DEV_H
#define VM_VIRTIO_P9DEV_H

#include "vm/virtio/device.h"

struct p9_server;

#define P9DEV_TAG_MAX 32 /* bytes of a mount tag at most; ours are single words */

/*
 * Makes a device with the mount tag @tag, and with a session of @server's (borrowed, outlives the device) that
 * virtio_free() ends. 0 with *@ret_dev for virtio_free(), or -errno with a message.
 */
must_check int virtio_p9dev_new(
	const struct mem *mem, struct p9_server *server, const char *tag, struct virtio_dev **ret_dev, struct err *err);

#endif
