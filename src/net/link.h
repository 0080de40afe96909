/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces of a network namespace: their list, and what is set of them. */
#ifndef NET_LINK_H
#define NET_LINK_H

#include <linux/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "net/rtnl.h"

#define LINK_MAC_BYTES 6
#define LINK_ALIAS_MAX 256
#define LINK_KIND_MAX 16
#define LINKS_MAX 1024     /* interfaces of one namespace that are looked at: a bound for memory */
#define LINK_CONF4_MAX 64  /* settings of an interface for IPv4: IPV4_DEVCONF_x - 1 */
#define LINK_CONF6_MAX 128 /* likewise for IPv6 (DEVCONF_x) */

struct link {
	uint32_t ifindex;
	uint32_t group; /* of a tap of ours: the ifindex of the interface that it stands beside; 0: it is spare */
	uint32_t flags; /* IFF_x */
	uint32_t mtu;
	uint32_t lower;  /* the ifindex of what it stands on, if that is in the same namespace (IFLA_LINK); 0: none */
	uint32_t master; /* the ifindex of the bridge or bond that it is a port of; 0: none */
	uint16_t type;   /* ARPHRD_x */
	uint8_t mac[LINK_MAC_BYTES]; /* zero if the type has another length */
	char name[IFNAMSIZ];
	char alias[LINK_ALIAS_MAX];
	char kind[LINK_KIND_MAX]; /* "vlan", "veth" and the like, cut; "": the kernel does not say */
	uint32_t conf4[LINK_CONF4_MAX], conf6[LINK_CONF6_MAX];
	unsigned int conf4_len, conf6_len; /* how many the kernel told; 0: it has none */
};

struct links {
	size_t n;
	struct link *v;
};

#define LINKS_NONE                \
	{                         \
		.n = 0, .v = NULL \
	}

/* Frees the list. */
void links_done(struct links *l);

#define autolinks __attribute__((cleanup(links_done))) struct links

/* Reads all interfaces: 0, or -errno; -E2BIG: more than LINKS_MAX. The caller ends *@ret, also on failure. */
must_check int links_read(struct rtnl *r, struct links *ret);

/* The interface with @ifindex, or NULL. */
const struct link *links_find(const struct links *l, uint32_t ifindex);

/* Sets the group of @ifindex, and brings it up (@up) or down: 0 or -errno. */
must_check int link_set_group(struct rtnl *r, uint32_t ifindex, uint32_t group, bool up);

#endif
