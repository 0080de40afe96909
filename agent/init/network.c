/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's network: see network.h. */
#include "init/network.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/container.h"
#include "init/localhost.h"
#include "init/process.h"
#include "init/resolver.h"
#include "init/rtnl.h"
#include "sys/log.h"

#define LOOPBACK_INDEX 1 /* of lo in each network namespace */

/* --- the parking place --- */

struct parking {
	int to;      /* the namespace where they go */
	int refused; /* how many could not be moved */
};

/* As rtnl_each_ethernet()'s: moves one device. */
static int park_one(void *arg, int ifindex, uint64_t mac)
{
	struct parking *p = arg;
	const struct ifinfomsg link = { .ifi_index = ifindex };
	autoclose int fd = rtnl_open(); /* the other one is in the middle of its list */
	const uint32_t ns = (uint32_t)p->to;
	struct rtnl_request q;
	int r = fd < 0 ? fd : rtnl_begin(&q, RTM_NEWLINK, 0, &link, sizeof(link));

	(void)mac;
	if (r == 0) {
		rtnl_put(&q, IFLA_NET_NS_FD, &ns, sizeof(ns));
		r = rtnl_ask(fd, &q);
	}
	if (r < 0)
		p->refused++;
	return 0;
}

/* As rtnl_each_ethernet()'s: there is one. */
static int find_any(void *arg, int ifindex, uint64_t mac)
{
	(void)arg;
	(void)ifindex;
	(void)mac;
	return 1;
}

void network_park(struct agent *agent)
{
	autoclose int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), here = rtnl_open();
	struct parking p = { .to = -1 };
	int r;

	if (here >= 0 && rtnl_each_ethernet(here, find_any, NULL) == 0)
		return;
	r = own < 0 || here < 0 || unshare(CLONE_NEWNET) < 0 ? -errno : 0;
	if (r == 0) {
		agent->net.park_ns = p.to = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		agent->net.park = rtnl_open();
		if (p.to < 0 || agent->net.park < 0)
			r = -EMFILE;
		if (setns(own, CLONE_NEWNET) < 0)
			r = -errno;
	}
	if (r == 0)
		r = rtnl_each_ethernet(here, park_one, &p);
	if (r < 0 || p.refused)
		log_write(
			agent, PROTO_LOG_WARN, "cannot park the network devices: %s", r < 0 ? strerror(-r) : "refused");
}

/* --- interfaces --- */

/* What NET works with, in the container's network namespace. */
struct work {
	struct agent *agent;
	const struct guest_net *net;
	pid_t target; /* a process in that namespace */
	int fd;       /* a socket in it */
};

static struct network_device *device_find(struct agent *agent, uint64_t device)
{
	for (size_t i = 0; i < ARRAY_LEN(agent->net.devices); i++) {
		if (agent->net.devices[i].device == device)
			return &agent->net.devices[i];
	}
	return NULL;
}

/* The guest's number for the interface with @ifindex on the host; 0: there is none. */
static uint32_t guest_index(const struct agent *agent, uint32_t ifindex)
{
	if (ifindex == LOOPBACK_INDEX)
		return LOOPBACK_INDEX;
	for (size_t i = 0; i < ARRAY_LEN(agent->net.devices); i++) {
		const struct network_device *d = &agent->net.devices[i];

		if (d->device && d->host == ifindex)
			return d->guest;
	}
	return 0;
}

struct search {
	uint64_t mac;
	int ifindex;
};

/* As rtnl_each_ethernet()'s. */
static int match_mac(void *arg, int ifindex, uint64_t mac)
{
	struct search *s = arg;

	if (mac != s->mac)
		return 0;
	s->ifindex = ifindex;
	return 1;
}

/* Takes a device from the parking place into the container's namespace under its name. 0 or -errno with @err set. */
static int take_device(const struct work *w, const struct guest_nic *nic, struct err *err)
{
	struct search s = { .mac = nic->device };
	struct network_device *d = device_find(w->agent, 0);
	struct ifinfomsg link = { .ifi_index = 0 };
	uint32_t target = (uint32_t)w->target;
	struct ifreq ifr = { .ifr_flags = 0 };
	struct rtnl_request q;
	int r = w->agent->net.park < 0 || !d ? -ENODEV : rtnl_each_ethernet(w->agent->net.park, match_mac, &s);

	if (r == 0)
		r = -ENODEV;
	if (r > 0) {
		link.ifi_index = s.ifindex;
		r = rtnl_begin(&q, RTM_NEWLINK, 0, &link, sizeof(link));
	}
	if (r == 0) {
		rtnl_put(&q, IFLA_NET_NS_PID, &target, sizeof(target));
		rtnl_put(&q, IFLA_IFNAME, nic->name, strlen(nic->name) + 1);
		r = rtnl_ask(w->agent->net.park, &q);
	}
	if (r < 0)
		return err_sys(err, r, "cannot make network interface \"%s\" of a virtual device%s", nic->name,
			r == -ENODEV ? " (does the kernel have virtio_net?)" : "");
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", nic->name);
	if (ioctl(w->fd, SIOCGIFINDEX, &ifr) < 0)
		return err_sys(err, errno, "cannot find network interface \"%s\"", nic->name);
	*d = (struct network_device){ .device = nic->device, .host = nic->ifindex, .guest = (uint32_t)ifr.ifr_ifindex };
	return 0;
}

/* Gives a device back to the parking place, as it was. */
static int return_device(const struct work *w, struct network_device *d, struct err *err)
{
	const struct ifinfomsg link = { .ifi_index = (int)d->guest, .ifi_change = IFF_UP };
	uint32_t ns = (uint32_t)w->agent->net.park_ns;
	uint8_t mac[6];
	struct rtnl_request q;
	char name[IFNAMSIZ];
	int r;

	for (size_t i = 0; i < sizeof(mac); i++)
		mac[i] = (uint8_t)(d->device >> (8 * i));
	(void)snprintf(name, sizeof(name), "spare%02x", mac[sizeof(mac) - 1]);
	r = rtnl_begin(&q, RTM_NEWLINK, 0, &link, sizeof(link));
	if (r == 0)
		r = rtnl_ask(w->fd, &q); /* its addresses and routes go with its being up */
	if (r == 0)
		r = rtnl_begin(&q, RTM_NEWLINK, 0, &link, sizeof(link));
	if (r == 0) {
		rtnl_put(&q, IFLA_NET_NS_FD, &ns, sizeof(ns));
		rtnl_put(&q, IFLA_IFNAME, name, strlen(name) + 1);
		rtnl_put(&q, IFLA_ADDRESS, mac, sizeof(mac));
		r = rtnl_ask(w->fd, &q);
	}
	if (r < 0)
		return err_sys(err, r, "cannot take a network interface away");
	*d = (struct network_device){ .device = 0 };
	return 0;
}

/*
 * Gives the interface @index another name, for which it has to be down; raise_nic() brings it up again, and the host tells
 * all addresses and routes anew. 0 or -errno.
 */
static int rename_link(const struct work *w, uint32_t index, const char *name)
{
	const struct ifinfomsg link = { .ifi_index = (int)index, .ifi_change = IFF_UP };
	struct ifreq ifr = { .ifr_ifindex = (int)index };
	struct rtnl_request q;
	int r;

	if (ioctl(w->fd, SIOCGIFNAME, &ifr) < 0)
		return -errno;
	if (strcmp(ifr.ifr_name, name) == 0)
		return 0;
	r = rtnl_begin(&q, RTM_NEWLINK, 0, &link, sizeof(link));
	if (r == 0)
		r = rtnl_ask(w->fd, &q);
	if (r == 0)
		r = rtnl_begin(&q, RTM_NEWLINK, 0, &link, sizeof(link));
	if (r == 0) {
		rtnl_put(&q, IFLA_IFNAME, name, strlen(name) + 1);
		r = rtnl_ask(w->fd, &q);
	}
	return r;
}

/*
 * Takes the names away from the interfaces that are to have other ones: two of them may have changed theirs with each
 * other. A failure is told where an interface does not get its name.
 */
static void free_names(const struct work *w)
{
	for (uint32_t i = 0; i < w->net->nics.len; i++) {
		const struct guest_nic *nic = &w->net->nics.at[i];
		const struct network_device *d = nic->device && !nic->gone ? device_find(w->agent, nic->device) : NULL;
		struct ifreq ifr = { .ifr_ifindex = d ? (int)d->guest : 0 };
		char between[IFNAMSIZ];

		if (!d || ioctl(w->fd, SIOCGIFNAME, &ifr) < 0 || strcmp(ifr.ifr_name, nic->name) == 0)
			continue;
		(void)snprintf(between, sizeof(between), "between%u", d->guest);
		(void)!rename_link(w, d->guest, between);
	}
}

/* Gives the interface its name, its address and its MTU. */
static int set_link(const struct work *w, const struct guest_nic *nic, uint32_t index, struct err *err)
{
	const struct ifinfomsg link = { .ifi_index = (int)index };
	struct rtnl_request q;
	uint8_t mac[6];
	int r = rtnl_begin(&q, RTM_NEWLINK, 0, &link, sizeof(link));

	for (size_t i = 0; i < sizeof(mac); i++)
		mac[i] = (uint8_t)(nic->mac >> (8 * i));
	if (nic->device)
		rtnl_put(&q, IFLA_ADDRESS, mac, sizeof(mac));
	if (nic->mtu)
		rtnl_put(&q, IFLA_MTU, &nic->mtu, sizeof(nic->mtu));
	if (r == 0)
		r = rtnl_ask(w->fd, &q);
	if (r == 0 && nic->device)
		r = rename_link(w, index, nic->name);
	return r < 0 ? err_sys(err, r, "cannot set up network interface \"%s\" (MTU %u)", nic->name, nic->mtu) : 0;
}

/* Makes, changes or takes away the interface @nic: all but that it is up. */
static int apply_nic(const struct work *w, const struct guest_nic *nic, struct err *err)
{
	struct network_device *d = nic->device ? device_find(w->agent, nic->device) : NULL;
	int r;

	if (nic->gone)
		return d ? return_device(w, d, err) : 0;
	if (strlen(nic->name) >= IFNAMSIZ)
		return err_set(err, EINVAL, "\"%s\" is too long for a network interface", nic->name);
	if (!nic->device)
		return set_link(w, nic, LOOPBACK_INDEX, err);
	r = d ? 0 : take_device(w, nic, err);
	if (r == 0) {
		d = device_find(w->agent, nic->device);
		d->host = nic->ifindex;
		r = set_link(w, nic, d->guest, err);
	}
	return r;
}

/* Brings the interface up or down. */
static int raise_nic(const struct work *w, const struct guest_nic *nic, struct err *err)
{
	const struct ifinfomsg link = {
		.ifi_index = (int)(nic->device ? guest_index(w->agent, nic->ifindex) : LOOPBACK_INDEX),
		.ifi_flags = (nic->up ? IFF_UP : 0u) | (nic->noarp ? IFF_NOARP : 0u),
		.ifi_change = nic->device ? IFF_UP | IFF_NOARP : IFF_UP,
	};
	struct rtnl_request q;
	int r = nic->gone ? 0 : rtnl_begin(&q, RTM_NEWLINK, 0, &link, sizeof(link));

	if (r == 0 && !nic->gone)
		r = rtnl_ask(w->fd, &q);
	return r < 0 ? err_sys(err, r, "cannot bring network interface \"%s\" up", nic->name) : 0;
}

/* Writes a setting of an interface; one that this kernel lacks is no loss of what the container has on its network. */
static int apply_sysctl(const struct guest_value *v, struct err *err)
{
	autoclose int dir = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? -errno : fd_write_existing(dir, v->key, v->value);

	return r < 0 && r != -ENOENT ? err_sys(err, r, "cannot set %s to %s", v->key, v->value) : 0;
}

/* --- addresses, routes, neighbours, rules --- */

/* Puts the guest's number into the place of the host's at @at. */
static int rename_index(const struct agent *agent, void *at)
{
	uint32_t index;

	memcpy(&index, at, sizeof(index));
	index = index ? guest_index(agent, index) : 0;
	memcpy(at, &index, sizeof(index));
	return index ? 0 : -ENODEV;
}

/* The same in each of the next hops of a route by several. */
static int rename_hops(const struct agent *agent, struct rtattr *a)
{
	size_t left = RTA_PAYLOAD(a);
	struct rtnexthop *hop = RTA_DATA(a);
	int r = 0;

	while (r == 0 && left >= sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left) {
		size_t len = RTNH_ALIGN(hop->rtnh_len);

		r = rename_index(agent, &hop->rtnh_ifindex);
		left -= MIN(left, len);
		hop = (struct rtnexthop *)((char *)hop + len);
	}
	return r;
}

/* The same in the attributes of a route. */
static int rename_route(const struct agent *agent, struct rtnl_request *q)
{
	struct rtattr *a = (struct rtattr *)((char *)NLMSG_DATA(&q->head) + NLMSG_ALIGN(sizeof(struct rtmsg)));
	size_t left = q->head.nlmsg_len - NLMSG_SPACE(sizeof(struct rtmsg));
	int r = 0;

	for (; r == 0 && RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == RTA_OIF && RTA_PAYLOAD(a) == sizeof(uint32_t))
			r = rename_index(agent, RTA_DATA(a));
		if (a->rta_type == RTA_MULTIPATH)
			r = rename_hops(agent, a);
	}
	return r;
}

/* What is known of each type of message. */
static const struct {
	uint16_t add, remove;
	size_t header;  /* bytes */
	uint16_t flags; /* with which it is added */
	const char *what;
} kinds[] = {
	{ RTM_NEWADDR, RTM_DELADDR, sizeof(struct ifaddrmsg), NLM_F_CREATE | NLM_F_REPLACE, "address" },
	{ RTM_NEWROUTE, RTM_DELROUTE, sizeof(struct rtmsg), NLM_F_CREATE, "route" },
	{ RTM_NEWNEIGH, RTM_DELNEIGH, sizeof(struct ndmsg), NLM_F_CREATE | NLM_F_REPLACE, "neighbour" },
	{ RTM_NEWRULE, RTM_DELRULE, sizeof(struct rtmsg), NLM_F_CREATE | NLM_F_EXCL, "rule" },
};

/* Carries out one message. What is there already, or is gone already, is as it should be. */
static int apply_message(const struct work *w, const struct guest_net_message *m, struct err *err)
{
	struct rtnl_request q;
	bool add = false;
	size_t k = 0;
	int r;

	while (k < ARRAY_LEN(kinds) && m->type != kinds[k].add && m->type != kinds[k].remove)
		k++;
	if (k == ARRAY_LEN(kinds) || m->body.len < NLMSG_ALIGN(kinds[k].header))
		return err_set(err, EINVAL, "a network message of type %u cannot be carried out", m->type);
	add = m->type == kinds[k].add;
	r = rtnl_begin(&q, m->type, add ? kinds[k].flags : 0, m->body.at, m->body.len);
	if (r == 0 && k == 0)
		r = rename_index(w->agent, &((struct ifaddrmsg *)NLMSG_DATA(&q.head))->ifa_index);
	if (r == 0 && k == 1)
		r = rename_route(w->agent, &q);
	if (r == 0 && k == 2)
		r = rename_index(w->agent, &((struct ndmsg *)NLMSG_DATA(&q.head))->ndm_ifindex);
	if (r == 0)
		r = rtnl_ask(w->fd, &q);
	if (r == -EEXIST && add)
		r = 0;
	if ((r == -ESRCH || r == -ENOENT || r == -EADDRNOTAVAIL || r == -ENODEV) && !add)
		r = 0;
	return r < 0 ? err_sys(err, r, "cannot %s %s of the network", add ? "make an" : "delete an", kinds[k].what) : 0;
}

/* --- the request --- */

/* Keeps the first failure of several steps, in *@first and @err. */
static void keep_first(int r, const struct err *why, int *first, struct err *err)
{
	if (r >= 0 || *first < 0)
		return;
	*first = r;
	*err = *why;
}

/*
 * Does all of it, in an order in which each step has what it needs: interfaces, their settings, their being up, and what
 * needs them up. What fails keeps nothing else from being done, and the first failure is told.
 */
static int apply_all(const struct work *w, struct err *err)
{
	const struct guest_net *net = w->net;
	struct err why = ERR_INIT;
	int first = 0;

	free_names(w);
	for (uint32_t i = 0; i < net->nics.len; i++)
		keep_first(apply_nic(w, &net->nics.at[i], &why), &why, &first, err);
	for (uint32_t i = 0; i < net->sysctl.len; i++)
		keep_first(apply_sysctl(&net->sysctl.at[i], &why), &why, &first, err);
	for (uint32_t i = 0; i < net->nics.len; i++)
		keep_first(raise_nic(w, &net->nics.at[i], &why), &why, &first, err);
	for (uint32_t i = 0; i < net->messages.len; i++)
		keep_first(apply_message(w, &net->messages.at[i], &why), &why, &first, err);
	return first;
}

int network_apply(struct agent *agent, const struct guest_net *net, struct err *err)
{
	struct container *k = container_find(agent, net->cid);
	autoclose int own = -1, fd = -1;
	struct work w = { .agent = agent, .net = net, .target = getpid() };
	int r;

	if (!container_is_running(k))
		return err_set(err, ESRCH, "container not running");
	if (k->own_ns[GUEST_NS_NET]) {
		own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		w.target = k->init->pid;
		if (own < 0 || setns(k->init_pidfd, CLONE_NEWNET) < 0)
			return err_sys(err, errno, "cannot enter the container's network namespace");
	}
	w.fd = fd = rtnl_open();
	r = fd < 0 ? err_sys(err, fd, "cannot talk to the kernel (netlink)") : apply_all(&w, err);
	localhost_follow(agent, &k->localhost, k->cgroup_fd, &net->messages);
	resolver_apply(agent, k->init->id, &net->resolvers);
	/* it cannot fail: nothing is taken from PID 1 that it had when it opened its own */
	if (own >= 0 && setns(own, CLONE_NEWNET) < 0)
		return err_sys(err, errno, "cannot return from the container's network namespace");
	return r;
}
