/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-rng (virtio 1.2 §5.4): random bytes of the host for the guest's pool. */
#ifndef VM_VIRTIO_RNG_H
#define VM_VIRTIO_RNG_H

#include "vm/virtio/device.h"

/* Makes the device. @mem is borrowed. 0 with *@ret_dev for virtio_free(), or -errno with a message. */
must_check int virtio_rng_new(const struct mem *mem, struct virtio_dev **ret_dev, struct err *err);

#endif
