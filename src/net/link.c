/* SPDX-License-Identifier: Apache-2.0 */
/* The interfaces of a network namespace: see link.h. */
#include "net/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void links_done(struct links *l)
{
	free(l->v);
	*l = (struct links)LINKS_NONE;
}

const struct link *links_find(const struct links *l, uint32_t ifindex)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].ifindex == ifindex)
			return &l->v[i];
	}
	return NULL;
}

/* Copies the settings of one family, an array of 32-bit numbers. */
static void copy_conf(const struct nlattr *a, uint32_t *to, size_t max, unsigned int *ret_len)
{
	size_t n = MIN(mnl_attr_get_payload_len(a) / sizeof(*to), max);

	memcpy(to, mnl_attr_get_payload(a), n * sizeof(*to));
	*ret_len = (unsigned int)n;
}

/* IFLA_AF_SPEC: what each family says of the interface. */
static void take_families(const struct nlattr *spec, struct link *l)
{
	const struct nlattr *family, *a;

	mnl_attr_for_each_nested (family, spec) {
		uint16_t af = mnl_attr_get_type(family);

		if (af != AF_INET && af != AF_INET6)
			continue;
		mnl_attr_for_each_nested (a, family) {
			uint16_t type = mnl_attr_get_type(a);

			if (af == AF_INET && type == IFLA_INET_CONF)
				copy_conf(a, l->conf4, LINK_CONF4_MAX, &l->conf4_len);
			if (af == AF_INET6 && type == IFLA_INET6_CONF)
				copy_conf(a, l->conf6, LINK_CONF6_MAX, &l->conf6_len);
		}
	}
}

/* IFLA_LINKINFO: what kind of interface it is. */
static void take_kind(const struct nlattr *info, struct link *l)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested (a, info) {
		if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
			(void)snprintf(l->kind, sizeof(l->kind), "%s", mnl_attr_get_str(a));
	}
}

/* Takes one attribute of an interface. What is not asked for is passed over. *@elsewhere: its lower one is in another namespace. */
static void take_attribute(const struct nlattr *a, struct link *l, bool *elsewhere)
{
	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		(void)snprintf(l->name, sizeof(l->name), "%s", mnl_attr_get_str(a));
		break;
	case IFLA_IFALIAS:
		(void)snprintf(l->alias, sizeof(l->alias), "%s", mnl_attr_get_str(a));
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(l->mac))
			memcpy(l->mac, mnl_attr_get_payload(a), sizeof(l->mac));
		break;
	case IFLA_MTU:
		l->mtu = mnl_attr_get_u32(a);
		break;
	case IFLA_LINK:
		l->lower = mnl_attr_get_u32(a);
		break;
	case IFLA_LINK_NETNSID:
		*elsewhere = true;
		break;
	case IFLA_LINKINFO:
		take_kind(a, l);
		break;
	case IFLA_MASTER:
		l->master = mnl_attr_get_u32(a);
		break;
	case IFLA_GROUP:
		l->group = mnl_attr_get_u32(a);
		break;
	case IFLA_AF_SPEC:
		take_families(a, l);
		break;
	default:
		break;
	}
}

/* As rtnl_take_fn: one interface. */
static int take_link(void *arg, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct links *list = arg;
	const struct nlattr *a;
	struct link *v, *l;
	bool elsewhere = false;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (list->n == LINKS_MAX)
		return -E2BIG;
	v = reallocarray(list->v, list->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	list->v = v;
	l = &v[list->n++];
	*l = (struct link){ .ifindex = (uint32_t)info->ifi_index, .flags = info->ifi_flags, .type = info->ifi_type };
	mnl_attr_for_each (a, message, sizeof(*info))
		take_attribute(a, l, &elsewhere);
	if (elsewhere)
		l->lower = 0;
	return 0;
}

int links_read(struct rtnl *r, struct links *ret)
{
	int e = -EINTR;

	for (int tries = 0; e == -EINTR && tries < RTNL_TRIES; tries++) {
		struct rtnl_request q;
		struct ifinfomsg *info = rtnl_begin(&q, RTM_GETLINK, 0, sizeof(*info));

		links_done(ret);
		info->ifi_family = AF_UNSPEC;
		e = rtnl_dump(r, &q, take_link, ret);
	}
	return e;
}

int link_set_group(struct rtnl *r, uint32_t ifindex, uint32_t group, bool up)
{
	struct rtnl_request q;
	struct ifinfomsg *info = rtnl_begin(&q, RTM_NEWLINK, 0, sizeof(*info));

	info->ifi_index = (int)ifindex;
	info->ifi_flags = up ? IFF_UP : 0;
	info->ifi_change = IFF_UP;
	mnl_attr_put_u32(&q.head, IFLA_GROUP, group);
	return rtnl_ask(r, &q);
}
