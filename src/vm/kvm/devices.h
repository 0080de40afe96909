/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio devices of a machine, in their slots (machine.h):
 *
 *   0 console with the agent's channel   1 9p "private"   2 9p "shared"
 *   3 rng   4 balloon   5.. one for each nic
 *
 * and, behind the 9p devices, a file service and a 9P server each.
 */
#ifndef VM_KVM_DEVICES_H
#define VM_KVM_DEVICES_H

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "vm/guestlog.h"
#include "vm/machine/layout.h"
#include "vm/machine/machine.h"
#include "vm/vm.h"

struct virtio_dev;
struct fs;
struct p9_server;

struct devices {
	struct virtio_dev *list[LAYOUT_VIRTIO_MAX]; /* by slot; owned, as is the rest */
	unsigned int len;
	struct fs *fs[VM_SHARES];
	struct p9_server *p9[VM_SHARES];
};

/*
 * Makes the devices and ties them to @m, which outlives them; so does @log.
 * @channel_fd (the guest's end) and the taps of @cfg are taken, also on failure.
 * A zeroed struct devices is what devices_done() accepts beside a made one.
 */
must_check int devices_init(struct devices *d, struct machine *m, const struct vm_config *cfg, int channel_fd,
	struct guestlog *log, struct err *err);

/* Copies what each device names for the jail (struct virtio_ops) to @ret_calls, which has room for LAYOUT_VIRTIO_MAX. */
void devices_calls(const struct devices *d, struct vm_calls *ret_calls);

/* Serves them on @loop and on threads of their own. */
must_check int devices_start(struct devices *d, struct loop *loop, struct err *err);

/* Stops and frees them: no vCPU runs any more. */
void devices_done(struct devices *d);

#endif
