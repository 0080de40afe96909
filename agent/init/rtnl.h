/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink(7), as far as the guest's network is set up with it: requests and their answers, no library. */
#ifndef AGENT_INIT_RTNL_H
#define AGENT_INIT_RTNL_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* Bytes of one request: a message of the channel's has at most 64 KiB, but none of the kernel's is near that. */
#define RTNL_REQUEST_MAX 16384

struct rtnl_request {
	union {
		struct nlmsghdr head;
		char bytes[RTNL_REQUEST_MAX];
	};
};

/* A socket in the network namespace that the caller is in: a descriptor or -errno. */
must_check int rtnl_open(void);

/* Begins a request of @type with @flags (NLM_F_x) and the @len bytes @body behind its header. 0 or -EMSGSIZE. */
must_check int rtnl_begin(struct rtnl_request *q, uint16_t type, uint16_t flags, const void *body, size_t len);

/* Appends an attribute. The caller keeps below RTNL_REQUEST_MAX: with few and short ones behind a header. */
void rtnl_put(struct rtnl_request *q, uint16_t type, const void *data, size_t len);

/* Sends @q over @fd and waits for the kernel's answer, which comes at once: 0 or -errno. */
must_check int rtnl_ask(int fd, struct rtnl_request *q);

/*
 * Calls @take with the ifindex and the MAC address (its first byte the lowest) of each Ethernet interface, until that
 * returns something else than 0, which is the result; or 0, or -errno.
 */
must_check int rtnl_each_ethernet(int fd, int (*take)(void *arg, int ifindex, uint64_t mac), void *arg);

#endif
