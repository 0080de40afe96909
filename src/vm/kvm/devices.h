/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtio devices of a machine in their slots, and behind the 9p devices a file service and a 9P server each.
 * devices.c says which slot is whose, and what else a new device must be added to.
 */
#ifndef VM_KVM_DEVICES_H
#define VM_KVM_DEVICES_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "vm/guestlog.h"
#include "vm/machine/layout.h"
#include "vm/machine/machine.h"
#include "vm/kvm/stale.h"
#include "vm/vm.h"

struct virtio_dev;
struct fs;
struct p9_server;
struct netthreads;

struct devices {
	struct virtio_dev *list[LAYOUT_VIRTIO_MAX]; /* by slot; owned, as is the rest */
	unsigned int len;
	struct virtio_dev *balloon; /* that of @list */
	struct fs *fs[VM_SHARES];
	struct p9_server *p9[VM_SHARES];
	struct netthreads *netthreads; /* NULL: no nic has several pairs of queues */
	struct stale stale;
};

/*
 * Makes the devices that @cfg wants and ties them to @m. @m and @log are borrowed and outlive them. @channel_fd (the
 * guest's end of the agent's channel) and the taps of @cfg are taken, also on failure. 0 or -errno with a message; on
 * error devices_done() frees what is there, as it does with a zeroed struct devices.
 */
must_check int devices_init(struct devices *d, struct machine *m, const struct vm_config *cfg, int channel_fd,
	struct guestlog *log, struct err *err);

/* The lists of system calls of all devices: three each (struct virtio_ops). */
#define DEVICES_CALLS_MAX (3 * LAYOUT_VIRTIO_MAX)

/* Copies what each device names for the jail to @ret_calls, which has room for DEVICES_CALLS_MAX: how many lists. */
size_t devices_calls(const struct devices *d, struct vm_calls *ret_calls);

/* Lets them serve the guest, on @loop and on threads of their own. 0 or -errno with a message. On the loop's thread. */
must_check int devices_start(struct devices *d, struct loop *loop, struct err *err);

/*
 * Waits some seconds until no request for files is served any more. False: one of them is for a file system that hangs,
 * and devices_done() would wait for it. No vCPU runs any more. On the loop's thread.
 */
must_check bool devices_drain(struct devices *d);

/* Stops and frees them. No vCPU runs any more. On the loop's thread. */
void devices_done(struct devices *d);

#endif
