/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-rng (virtio 1.2 §5.4): the host's random bytes for the guest's pool. */
#ifndef VM_VIRTIO_RNG_H
#define VM_VIRTIO_RNG_H

#include "vm/virtio/device.h"

must_check int virtio_rng_new(const struct mem *mem, struct virtio_dev **ret_dev, struct err *err);

#endif
