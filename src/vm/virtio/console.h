/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtio-console (virtio 1.2 §5.3) with two ports: the guest's console, which
 * goes to a log, and the channel to the agent, which is a socket.
 */
#ifndef VM_VIRTIO_CONSOLE_H
#define VM_VIRTIO_CONSOLE_H

#include <stddef.h>

#include "vm/virtio/device.h"

/* Takes a piece of the guest's console output: never blocks, and bounds what it keeps. On the loop's thread. */
typedef void virtio_log_fn(void *arg, const void *data, size_t len);

/*
 * @channel_fd: one end of a connected AF_UNIX stream socket, the device's from
 * the call on, also on failure. @channel_name: the port's name, a literal.
 * Bytes from the guest wait in its ring while the socket is full; bytes for it
 * wait in the socket until the guest has opened the port and offers buffers.
 */
must_check int virtio_console_new(const struct mem *mem, int channel_fd, const char *channel_name, virtio_log_fn *log,
	void *log_arg, struct virtio_dev **ret_dev, struct err *err);

#endif
