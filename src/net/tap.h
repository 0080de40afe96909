/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The taps of a virtual machine, one a network device of it.
 *
 * They are made in create, in the container's network namespace, when nobody knows yet which interfaces there will be:
 * the devices of a machine are fixed when it boots (QEMU cannot give a device another backend later), and engines add
 * interfaces up to start, and afterwards. Until then a tap is spare: down, nothing leads to it. It is not persistent:
 * when the machine's last descriptor is closed, however that comes, it is gone, and with it all that hangs on it.
 *
 * Whose a tap is says its alias, TAP_ALIAS and the container's ID, as `ip link` shows it. Which interface it stands beside
 * says its group, which is that interface's ifindex.
 *
 * A tap has the queueing discipline noqueue, whatever the host's default is. With fq a packet that carries the time of
 * its receipt, as all do once any program on the host has asked for that, is taken for one that is to be sent at
 * that time, and is dropped if that seems too far away.
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "net/link.h"
#include "net/rtnl.h"

#define TAP_ALIAS "vmrunc " /* the container's ID follows */
#define TAP_DEVICE "/dev/net/tun"

/*
 * Makes a spare tap with @queues queues (at least 1) in the caller's network namespace, which is also that of @r, for
 * container @id: 0 with a descriptor for each queue, which are the caller's, and its ifindex, or -errno with an error.
 * Packets have a struct virtio_net_hdr_v1 before them. With one queue it is a tap that can have no second one.
 */
must_check int tap_make(
	struct rtnl *r, const char *id, unsigned int queues, int ret_fds[], uint32_t *ret_ifindex, struct err *err);

/* Whether @l is a tap that was made for container @id (NULL: for any). */
bool tap_is(const struct link *l, const char *id);

#endif
