/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces: what a new network namespace needs. */
#ifndef BASE_NETIF_H
#define BASE_NETIF_H

#include "base/base.h"
#include "base/err.h"

/* Brings lo of the caller's network namespace up (SIOCSIFFLAGS, netdevice(7)). 0, or -errno with @err set. */
must_check int netif_loopback_up(struct err *err);

#endif
