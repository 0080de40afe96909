/* SPDX-License-Identifier: Apache-2.0 */
/* One message of a view: see view_message.h. */
#include "net/view_message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES_MAX 64 /* numbers of attributes that a mask can have */
#define BIT(n) (UINT64_C(1) << (n))

/* The attributes that are told, as masks by their numbers. */
#define ADDRESS_TOLD (BIT(IFA_ADDRESS) | BIT(IFA_LOCAL) | BIT(IFA_LABEL) | BIT(IFA_BROADCAST) | BIT(IFA_RT_PRIORITY))
#define ROUTE_TOLD                                                                                              \
	(BIT(RTA_DST) | BIT(RTA_SRC) | BIT(RTA_OIF) | BIT(RTA_GATEWAY) | BIT(RTA_PRIORITY) | BIT(RTA_PREFSRC) | \
		BIT(RTA_METRICS) | BIT(RTA_MULTIPATH) | BIT(RTA_TABLE) | BIT(RTA_VIA) | BIT(RTA_PREF))
#define NEIGHBOUR_TOLD (BIT(NDA_DST) | BIT(NDA_LLADDR))
#define RULE_TOLD                                                                                               \
	(BIT(FRA_DST) | BIT(FRA_SRC) | BIT(FRA_IIFNAME) | BIT(FRA_GOTO) | BIT(FRA_PRIORITY) | BIT(FRA_FWMARK) | \
		BIT(FRA_SUPPRESS_IFGROUP) | BIT(FRA_SUPPRESS_PREFIXLEN) | BIT(FRA_TABLE) | BIT(FRA_FWMASK) |    \
		BIT(FRA_OIFNAME) | BIT(FRA_UID_RANGE) | BIT(FRA_IP_PROTO) | BIT(FRA_SPORT_RANGE) |              \
		BIT(FRA_DPORT_RANGE))

/* The flags of an address that stay: what it is for, not what has become of it. */
#define ADDRESS_FLAGS (IFA_F_HOMEADDRESS | IFA_F_MCAUTOJOIN)

/* How an address has come to the interface: headers before Linux 5.18 do not name it. */
#ifndef IFAPROT_KERNEL_RA
#define IFA_PROTO 11
#define IFAPROT_KERNEL_RA 2
#endif

static bool told(const struct view *v, uint32_t ifindex)
{
	for (size_t i = 0; i < v->nics_n; i++) {
		if (v->nics[i].link.ifindex == ifindex)
			return true;
	}
	return false;
}

/* Makes a message of the header of @from, which has @header bytes, and those of its attributes that are in @mask. */
static int copy(const struct nlmsghdr *from, size_t header, uint64_t mask, struct view_message *ret)
{
	const struct nlattr *a;
	size_t len = MNL_ALIGN(header);
	char *body = calloc(1, mnl_nlmsg_get_payload_len(from) + 2 * sizeof(struct nlattr) + sizeof(uint32_t));

	if (!body)
		return -ENOMEM;
	memcpy(body, mnl_nlmsg_get_payload(from), header);
	mnl_attr_for_each (a, from, header) {
		uint16_t type = mnl_attr_get_type(a);

		if (type >= ATTRIBUTES_MAX || !(mask & BIT(type)))
			continue;
		memcpy(body + len, a, a->nla_len);
		len += MNL_ALIGN(a->nla_len);
	}
	*ret = (struct view_message){ .type = from->nlmsg_type, .len = (uint16_t)len, .body = body };
	return 1;
}

/* Appends an attribute of 32 bits, for which copy() has left room. */
static void append(struct view_message *m, uint16_t type, uint32_t value)
{
	const struct nlattr a = { .nla_len = sizeof(a) + sizeof(value), .nla_type = type };
	char *at = (char *)m->body + m->len;

	memcpy(at, &a, sizeof(a));
	memcpy(at + sizeof(a), &value, sizeof(value));
	m->len = (uint16_t)(m->len + a.nla_len);
}

/* The attribute @type of 32 bits of a message with a @header; @missing if it has none. */
static uint32_t number(const struct nlmsghdr *from, size_t header, uint16_t type, uint32_t missing)
{
	const struct nlattr *a;

	mnl_attr_for_each (a, from, header) {
		if (mnl_attr_get_type(a) == type && mnl_attr_get_payload_len(a) >= sizeof(uint32_t))
			return mnl_attr_get_u32(a);
	}
	return missing;
}

/* Whether @address is one that each loopback interface has: 127.0.0.1/8 and ::1/128. */
static bool is_loopbacks(const struct nlmsghdr *from, const struct ifaddrmsg *h)
{
	static const uint8_t one[16] = { [15] = 1 }, first[4] = { 127, 0, 0, 1 };
	const struct nlattr *a;

	mnl_attr_for_each (a, from, sizeof(*h)) {
		const void *at = mnl_attr_get_payload(a);

		if (mnl_attr_get_type(a) != IFA_ADDRESS)
			continue;
		if (h->ifa_family == AF_INET)
			return memcmp(at, first, sizeof(first)) == 0;
		return memcmp(at, one, sizeof(one)) == 0;
	}
	return false;
}

/* Whether an address has been made of what a router announces. */
static bool is_announced(const struct nlmsghdr *from)
{
	const struct nlattr *a;

	mnl_attr_for_each (a, from, sizeof(struct ifaddrmsg)) {
		if (mnl_attr_get_type(a) == IFA_PROTO)
			return mnl_attr_get_u8(a) == IFAPROT_KERNEL_RA;
	}
	return false;
}

/*
 * An address. The guest need not ask whether somebody else has it: the host has done that. What routers announce it hears
 * itself, and makes the same addresses of it, for as long as they say.
 */
static int make_address(const struct view *v, const struct nlmsghdr *from, struct view_message *ret)
{
	const struct ifaddrmsg *h = mnl_nlmsg_get_payload(from);
	uint32_t flags = number(from, sizeof(*h), IFA_FLAGS, h->ifa_flags);
	struct ifaddrmsg *to;
	int r;

	if ((h->ifa_family != AF_INET && h->ifa_family != AF_INET6) || !told(v, h->ifa_index) || is_loopbacks(from, h))
		return 0;
	if (h->ifa_family == AF_INET6 && (flags & (IFA_F_TEMPORARY | IFA_F_DADFAILED)))
		return 0;
	if (is_announced(from) && !v->usermode)
		return 0;
	r = copy(from, sizeof(*h), ADDRESS_TOLD, ret);
	if (r <= 0)
		return r;
	flags = (flags & ADDRESS_FLAGS) | IFA_F_NODAD | IFA_F_NOPREFIXROUTE;
	to = ret->body;
	to->ifa_flags = (uint8_t)flags;
	append(ret, IFA_FLAGS, flags);
	return 1;
}

/* Whether a route is one that user mode tells of: in the main table, by the interface that is told of, and by no other. */
static bool is_usermodes(const struct view *v, const struct nlmsghdr *from, const struct rtmsg *h)
{
	const struct nlattr *a;
	bool out = false;

	mnl_attr_for_each (a, from, sizeof(*h)) {
		if (mnl_attr_get_type(a) == RTA_MULTIPATH)
			return false;
		out |= mnl_attr_get_type(a) == RTA_OIF && told(v, mnl_attr_get_u32(a));
	}
	return out && number(from, sizeof(*h), RTA_TABLE, h->rtm_table) == RT_TABLE_MAIN;
}

/*
 * Of the next hops of a route by several, those stay that go by an interface that is told of, without what has become of
 * them. How many.
 */
static unsigned int keep_hops(const struct view *v, struct nlattr *hops)
{
	char *from = mnl_attr_get_payload(hops), *to = from, *end = from + mnl_attr_get_payload_len(hops);
	unsigned int n = 0;

	while (end - from >= (ptrdiff_t)sizeof(struct rtnexthop)) {
		struct rtnexthop *hop = (struct rtnexthop *)from;
		size_t len = RTNH_ALIGN(hop->rtnh_len);

		if (len < sizeof(*hop) || len > (size_t)(end - from))
			break;
		from += len;
		if (!told(v, (uint32_t)hop->rtnh_ifindex))
			continue;
		hop->rtnh_flags &= RTNH_F_ONLINK;
		memmove(to, hop, len);
		to += len;
		n++;
	}
	memset(to, 0, (size_t)(end - to)); /* a hop without length is the last */
	hops->nla_len = (uint16_t)(to - (char *)hops);
	return n;
}

/* Whether the guest can have the next hops of a route; leaves out of @m those that it cannot. */
static bool settle_hops(const struct view *v, struct view_message *m)
{
	char *at = (char *)m->body + MNL_ALIGN(sizeof(struct rtmsg)), *end = (char *)m->body + m->len;

	while (end - at >= (ptrdiff_t)sizeof(struct nlattr)) {
		struct nlattr *a = (struct nlattr *)at;
		size_t len = MNL_ALIGN(a->nla_len);

		if (a->nla_type != RTA_MULTIPATH) {
			at += len;
			continue;
		}
		if (keep_hops(v, a) == 0)
			return false;
		memmove(at + MNL_ALIGN(a->nla_len), at + len, (size_t)(end - at) - len);
		m->len = (uint16_t)(m->len - (len - MNL_ALIGN(a->nla_len)));
		return true;
	}
	return true;
}

static bool has(const struct nlmsghdr *from, size_t header, uint16_t type)
{
	const struct nlattr *a;

	mnl_attr_for_each (a, from, header) {
		if (mnl_attr_get_type(a) == type)
			return true;
	}
	return false;
}

/* A route. Those that routers announce are not told: the guest hears the announcements itself. */
static int make_route(const struct view *v, const struct nlmsghdr *from, struct view_message *ret)
{
	const struct rtmsg *h = mnl_nlmsg_get_payload(from);
	uint32_t out = number(from, sizeof(*h), RTA_OIF, 0);
	struct rtmsg *to;
	int r;

	if ((h->rtm_family != AF_INET && h->rtm_family != AF_INET6) || (h->rtm_flags & RTM_F_CLONED))
		return 0;
	if (v->usermode && !is_usermodes(v, from, h))
		return 0;
	if (has(from, sizeof(*h), RTA_ENCAP)) /* without its tunnel it would be another one */
		return 0;
	if (number(from, sizeof(*h), RTA_TABLE, h->rtm_table) == RT_TABLE_LOCAL ||
		(h->rtm_protocol == RTPROT_RA && !v->usermode))
		return 0;
	if (h->rtm_type < RTN_UNICAST || h->rtm_type == RTN_LOCAL || h->rtm_type == RTN_BROADCAST ||
		h->rtm_type == RTN_ANYCAST || h->rtm_type == RTN_MULTICAST || (out && !told(v, out)))
		return 0;
	r = copy(from, sizeof(*h), ROUTE_TOLD, ret);
	if (r <= 0)
		return r;
	to = ret->body;
	to->rtm_flags &= RTNH_F_ONLINK;
	if (settle_hops(v, ret))
		return 1;
	free(ret->body);
	return 0;
}

/* A neighbour that somebody has set for good; the others are learnt. */
static int make_neighbour(const struct view *v, const struct nlmsghdr *from, struct view_message *ret)
{
	const struct ndmsg *h = mnl_nlmsg_get_payload(from);

	if ((h->ndm_family != AF_INET && h->ndm_family != AF_INET6) || h->ndm_state != NUD_PERMANENT ||
		(h->ndm_flags & NTF_PROXY) || !told(v, (uint32_t)h->ndm_ifindex))
		return 0;
	return copy(from, sizeof(*h), NEIGHBOUR_TOLD, ret);
}

/* A rule, but for the three that each namespace has from its beginning. */
static int make_rule(const struct nlmsghdr *from, struct view_message *ret)
{
	const struct fib_rule_hdr *h = mnl_nlmsg_get_payload(from);
	uint32_t priority = number(from, sizeof(*h), FRA_PRIORITY, 0);
	uint32_t table = number(from, sizeof(*h), FRA_TABLE, h->table);
	struct fib_rule_hdr *to;
	int r;

	if (h->family != AF_INET && h->family != AF_INET6)
		return 0;
	if (has(from, sizeof(*h), FRA_L3MDEV) || has(from, sizeof(*h), FRA_TUN_ID)) /* there are no such devices */
		return 0;
	if ((priority == 0 && table == RT_TABLE_LOCAL) || (priority == 32766 && table == RT_TABLE_MAIN) ||
		(priority == 32767 && table == RT_TABLE_DEFAULT))
		return 0;
	r = copy(from, sizeof(*h), RULE_TOLD, ret);
	if (r <= 0)
		return r;
	to = ret->body;
	to->flags &= FIB_RULE_INVERT;
	return 1;
}

int view_message_make(const struct view *v, const struct nlmsghdr *from, struct view_message *ret)
{
	switch (from->nlmsg_type) {
	case RTM_NEWADDR:
		return make_address(v, from, ret);
	case RTM_NEWROUTE:
		return make_route(v, from, ret);
	case RTM_NEWNEIGH:
		return make_neighbour(v, from, ret);
	case RTM_NEWRULE:
		return make_rule(from, ret);
	default:
		return 0;
	}
}

int view_message_loopback(int family, uint32_t ifindex, struct view_message *ret)
{
	size_t len = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	const struct rtmsg h = {
		.rtm_family = (uint8_t)family,
		.rtm_dst_len = (uint8_t)(8 * len),
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST,
	};
	const struct nlattr dst = { .nla_len = (uint16_t)(sizeof(dst) + len), .nla_type = RTA_DST };
	char *body = calloc(1, MNL_ALIGN(sizeof(h)) + 2 * sizeof(dst) + sizeof(struct in6_addr) + sizeof(ifindex));

	if (!body)
		return -ENOMEM;
	memcpy(body, &h, sizeof(h));
	*ret = (struct view_message){ .type = RTM_NEWROUTE, .len = MNL_ALIGN(sizeof(h)), .body = body };
	memcpy(body + ret->len, &dst, sizeof(dst));
	/* it cannot fail: they are addresses */
	(void)inet_pton(
		family, family == AF_INET ? USERMODE_LOOPBACK4 : USERMODE_LOOPBACK6, body + ret->len + sizeof(dst));
	ret->len = (uint16_t)(ret->len + dst.nla_len);
	append(ret, RTA_OIF, ifindex);
	return 0;
}

/* Whether a route of a view goes by a gateway. */
static bool has_gateway(const struct view_message *m)
{
	const char *at = (const char *)m->body + MNL_ALIGN(sizeof(struct rtmsg));
	const char *end = (const char *)m->body + m->len;

	while (end - at >= (ptrdiff_t)sizeof(struct nlattr)) {
		struct nlattr a;

		memcpy(&a, at, sizeof(a));
		if (a.nla_type == RTA_GATEWAY || a.nla_type == RTA_VIA || a.nla_type == RTA_MULTIPATH)
			return true;
		at += MNL_ALIGN(a.nla_len);
	}
	return false;
}

int view_message_rank(const struct view_message *m)
{
	switch (m->type) {
	case RTM_NEWADDR:
		return 0;
	case RTM_NEWROUTE:
		return has_gateway(m) ? 2 : 1;
	case RTM_NEWNEIGH:
		return 3;
	default:
		return 4;
	}
}
