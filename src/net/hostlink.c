/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces of the host for a container: see hostlink.h. */
#include "net/hostlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "net/link.h"
#include "net/rtnl.h"

#define CANNOT_MOVE "linux.netDevices: cannot move interface \"%s\" into the container's network namespace as \"%s\""
/* The addresses that an interface takes along: a bound for memory. */
#define ADDRESSES_MAX 1024

/* The attributes of an address that go with it. */
static const uint16_t attributes_kept[] = { IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_RT_PRIORITY };

struct address {
	struct ifaddrmsg head;
	size_t len; /* of the attributes, as they stand behind the head of a message */
	char attributes[256];
};

/* The interface on its way. */
struct moving {
	const char *host_name, *name;
	uint32_t ifindex; /* where it was */
	uint32_t there;   /* in the container's namespace; 0: not there yet */
	bool was_up;
	size_t addresses_n;
	struct address *addresses; /* owned */
};

static bool is_kept(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(attributes_kept); i++) {
		if (attributes_kept[i] == type)
			return true;
	}
	return false;
}

/* As rtnl_take_fn: keeps an address of the interface that somebody has set for good, and that is not of the link alone. */
static int take_address(void *arg, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
	struct moving *m = arg;
	const struct nlattr *a;
	struct address *to;

	if (message->nlmsg_type != RTM_NEWADDR || head->ifa_index != m->ifindex ||
		!(head->ifa_flags & IFA_F_PERMANENT) || head->ifa_scope != RT_SCOPE_UNIVERSE)
		return 0;
	if (m->addresses_n == ADDRESSES_MAX)
		return -E2BIG;
	to = reallocarray(m->addresses, m->addresses_n + 1, sizeof(*to));
	if (!to)
		return -ENOMEM;
	m->addresses = to;
	to += m->addresses_n++;
	*to = (struct address){ .head = *head };
	to->head.ifa_flags = 0;
	mnl_attr_for_each (a, message, sizeof(*head)) {
		size_t len = MNL_ALIGN(a->nla_len);

		if (!is_kept(mnl_attr_get_type(a)) || to->len + len > sizeof(to->attributes))
			continue;
		memcpy(to->attributes + to->len, a, a->nla_len);
		to->len += len;
	}
	return 0;
}

/* Reads the addresses of interface m->ifindex: 0 or -errno; -EINTR: the host's go on changing. */
static int read_addresses(struct rtnl *r, struct moving *m)
{
	int e = -EINTR;

	for (int tries = 0; e == -EINTR && tries < RTNL_TRIES; tries++) {
		struct rtnl_request q;

		m->addresses_n = 0;
		(void)rtnl_begin(&q, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
		e = rtnl_dump(r, &q, take_address, m);
	}
	return e;
}

/* Reads what there is to know of the interface. */
static int look(struct rtnl *r, struct moving *m, struct err *err)
{
	autolinks list = LINKS_NONE;
	int e = links_read(r, &list);

	for (size_t i = 0; e == 0 && i < list.n; i++) {
		if (strcmp(list.v[i].name, m->host_name) == 0) {
			m->ifindex = list.v[i].ifindex;
			m->was_up = list.v[i].flags & IFF_UP;
		}
	}
	if (e == 0 && m->ifindex == 0)
		return err_set(err, ENODEV, "linux.netDevices: there is no network interface \"%s\" on the host",
			m->host_name);
	if (e == 0)
		e = read_addresses(r, m);
	return e < 0 ? err_sys(err, e, "linux.netDevices: cannot read interface \"%s\"", m->host_name) : 0;
}

/* Brings @ifindex up or down. 0 or -errno. */
static int set_up(struct rtnl *r, uint32_t ifindex, bool up)
{
	struct rtnl_request q;
	struct ifinfomsg *info = rtnl_begin(&q, RTM_NEWLINK, 0, sizeof(*info));

	info->ifi_index = (int)ifindex;
	info->ifi_flags = up ? IFF_UP : 0;
	info->ifi_change = IFF_UP;
	return rtnl_ask(r, &q);
}

/* Moves @ifindex from where @r is to the namespace that @type and @where say (IFLA_NET_NS_x), as @name. 0 or -errno. */
static int move(struct rtnl *r, uint32_t ifindex, uint16_t type, uint32_t where, const char *name)
{
	struct rtnl_request q;
	struct ifinfomsg *info = rtnl_begin(&q, RTM_NEWLINK, 0, sizeof(*info));

	info->ifi_index = (int)ifindex;
	mnl_attr_put_u32(&q.head, type, where);
	mnl_attr_put_strz(&q.head, IFLA_IFNAME, name);
	return rtnl_ask(r, &q);
}

/* The ifindex of @name where @r is; 0: there is none. 0 or -errno. */
static int find(struct rtnl *r, const char *name, uint32_t *ret)
{
	autolinks list = LINKS_NONE;
	int e = links_read(r, &list);

	*ret = 0;
	for (size_t i = 0; e == 0 && i < list.n; i++) {
		if (strcmp(list.v[i].name, name) == 0)
			*ret = list.v[i].ifindex;
	}
	return e;
}

/* Gives the interface its addresses again, which it has lost on its way, and brings it up. */
static int settle(struct rtnl *r, const struct moving *m)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < m->addresses_n; i++) {
		const struct address *a = &m->addresses[i];
		struct rtnl_request q;
		struct ifaddrmsg *head = rtnl_begin(&q, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*head));

		*head = a->head;
		head->ifa_index = m->there;
		memcpy(mnl_nlmsg_get_payload_tail(&q.head), a->attributes, a->len);
		q.head.nlmsg_len += (uint32_t)a->len;
		e = rtnl_ask(r, &q);
	}
	return e < 0 ? e : set_up(r, m->there, true);
}

/*
 * Gives the interface back that could not be moved or set up, wherever it is by now: the kernel moves it before it renames
 * it. The first error is what counts.
 */
static void move_back(struct rtnl *here, struct rtnl *there, struct moving *m)
{
	autoclose int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	uint32_t at = m->there;

	if (at == 0)
		(void)find(there, m->host_name, &at);
	if (at) {
		(void)set_up(there, at, false);
		(void)move(there, at, IFLA_NET_NS_FD, (uint32_t)own, m->host_name);
	}
	if (m->was_up && find(here, m->host_name, &m->there) == 0 && m->there)
		(void)settle(here, m);
}

/* The steps, with a socket on each side. */
static int carry_over(struct rtnl *here, struct rtnl *there, pid_t pid, struct moving *m, struct err *err)
{
	uint32_t taken = 0;
	int e = look(here, m, err);

	if (e < 0)
		return e;
	e = find(there, m->name, &taken);
	if (e == 0 && taken)
		e = -EEXIST;
	if (e < 0)
		return err_sys(err, e, CANNOT_MOVE, m->host_name, m->name);
	e = set_up(here, m->ifindex, false);
	if (e == 0)
		e = move(here, m->ifindex, IFLA_NET_NS_PID, (uint32_t)pid, m->name);
	if (e == 0)
		e = find(there, m->name, &m->there);
	if (e == 0)
		e = m->there ? settle(there, m) : -ENODEV;
	if (e == 0)
		return 0;
	(void)err_sys(err, e, CANNOT_MOVE, m->host_name, m->name);
	move_back(here, there, m);
	return e;
}

int hostlink_move(pid_t pid, const char *host_name, const char *name, struct err *err)
{
	struct moving m = { .host_name = host_name, .name = name };
	autoclose int pidfd = fd_open_pid(pid);
	autortnl here = RTNL_INIT, there = RTNL_INIT;
	int e = pidfd < 0 ? err_sys(err, pidfd, "linux.netDevices: the monitor has ended")
			  : rtnl_open(-1, 0, &here, err);

	if (e == 0)
		e = rtnl_open(pidfd, 0, &there, err);
	if (e == 0)
		e = carry_over(&here, &there, pid, &m, err);
	free(m.addresses);
	return e;
}
