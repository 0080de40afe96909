/* SPDX-License-Identifier: Apache-2.0 */
/* From a view of the host's network namespace to what the guest is told: all of it, or what has changed. */
#ifndef MONITOR_TELLING_H
#define MONITOR_TELLING_H

#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"
#include "channel/proto.h"
#include "net/view.h"

/* What is made of views for the channel; the names and the messages stay the views'. */
struct telling {
	struct guest_net net;
	struct buf texts; /* of net.sysctl, each with its NUL */
};

/* The MAC address that network device @i of a machine has until it becomes an interface: a locally administered one. */
void telling_device_mac(unsigned int i, uint8_t mac[LINK_MAC_BYTES]);

/*
 * Makes what takes container @id's guest from @before (NULL: from a network with nothing but lo) to @now. @taps are the
 * @taps_len ifindexes of the taps of devices 0, 1 and so on. 1; 0: nothing is to be told; or -ENOMEM. The strings of @id
 * and the views must outlive *@ret, which telling_done() ends in any case.
 */
must_check int telling_make(const char *id, const uint32_t *taps, unsigned int taps_len, const struct view *before,
	const struct view *now, struct telling *ret);

/* Frees it. */
void telling_done(struct telling *t);

#endif
