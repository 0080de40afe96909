/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console (virtio 1.2 §5.3) with two ports: the guest's console, which goes to a log, and the channel to the agent,
 * which goes to a socket.
 */
#ifndef VM_VIRTIO_CONSOLE_H
#define VM_VIRTIO_CONSOLE_H

#include <stddef.h>

#include "vm/virtio/device.h"

/* Takes @len bytes of the guest's console. It must not block, and must bound what it keeps. On the loop's thread. */
typedef void virtio_log_fn(void *arg, const void *data, size_t len);

/*
 * Makes the device. @channel_fd is one end of a connected AF_UNIX stream socket, which it takes, also on failure;
 * @channel_name is the port's name, a literal; @log is called with @log_arg. Bytes from the guest wait in its ring while
 * the socket is full; bytes for it wait in the socket until the guest has opened the port and offers buffers. 0 with
 * *@ret_dev for virtio_free(), or -errno with a message.
 */
must_check int virtio_console_new(const struct mem *mem, int channel_fd, const char *channel_name, virtio_log_fn *log,
	void *log_arg, struct virtio_dev **ret_dev, struct err *err);

#endif
