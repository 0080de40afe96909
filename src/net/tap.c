/* SPDX-License-Identifier: Apache-2.0 */
/* The taps of a virtual machine: see tap.h. */
#include "net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/fd.h"

/* Packets that wait for the guest; what is more is dropped, as by any network. */
#define TAP_QUEUE 1000
/*
 * The largest MTU that a tap can have: the interface's own limits what comes, and a tap that takes everything need not
 * follow its changes.
 */
#define TAP_MTU 65521

/*
 * The host's IPv6 must not speak on the tap: the guest would hear it. A host without IPv6 has no such file, which is
 * in the caller's network namespace.
 */
static int silence(const char *name)
{
	char path[96];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name); /* fits: IFNAMSIZ */
	r = fd_write_existing(AT_FDCWD, path, "1");
	return r == -ENOENT ? 0 : r;
}

/* Gives the tap @ifindex its alias, its MTU and the length of its queue. 0 or -errno. */
static int configure(struct rtnl *r, uint32_t ifindex, const char *id)
{
	char alias[LINK_ALIAS_MAX];
	struct rtnl_request q;
	struct ifinfomsg *info = rtnl_begin(&q, RTM_NEWLINK, 0, sizeof(*info));

	/* an ID of the state directory is a file's name: what is cut here is longer than any */
	(void)snprintf(alias, sizeof(alias), TAP_ALIAS "%s", id);
	info->ifi_index = (int)ifindex;
	mnl_attr_put_strz(&q.head, IFLA_IFALIAS, alias);
	mnl_attr_put_u32(&q.head, IFLA_MTU, TAP_MTU);
	mnl_attr_put_u32(&q.head, IFLA_TXQLEN, TAP_QUEUE);
	return rtnl_ask(r, &q);
}

static int set_noqueue(struct rtnl *r, uint32_t ifindex)
{
	struct rtnl_request q;
	struct tcmsg *tc = rtnl_begin(&q, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*tc));

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	tc->tcm_parent = TC_H_ROOT;
	mnl_attr_put_strz(&q.head, TCA_KIND, "noqueue");
	return rtnl_ask(r, &q);
}

static void close_queues(unsigned int n, const int fds[])
{
	while (n > 0)
		fd_close(fds[--n]);
}

/* Opens the queues of a new tap, the name of which is in @ret_name then: 0 or -errno with an error, and nothing is open. */
static int open_queues(unsigned int queues, int ret_fds[], char ret_name[IFNAMSIZ], struct err *err)
{
	const short flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	struct ifreq ifr = { .ifr_name = "vmtap%d" };
	int r = 0;

	for (unsigned int i = 0; i < queues; i++) {
		ret_fds[i] = open(TAP_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		ifr.ifr_flags = (short)(flags | (queues > 1 ? IFF_MULTI_QUEUE : 0));
		if (ret_fds[i] < 0)
			r = err_sys(err, errno, "network: cannot open " TAP_DEVICE);
		else if (ioctl(ret_fds[i], TUNSETIFF, &ifr) <
			 0) /* of the second queue on it has the first one's name */
			r = err_sys(err, errno, "network: cannot make a tap");
		if (r < 0) {
			close_queues(i + 1, ret_fds);
			return r;
		}
	}
	memcpy(ret_name, ifr.ifr_name, IFNAMSIZ);
	return 0;
}

/* Sets up the new tap @name, and finds its ifindex: 0 or -errno with an error. */
static int set_up(struct rtnl *r, const char *id, const char *name, uint32_t *ret_ifindex, struct err *err)
{
	autoclose int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_flags = 0 };
	int e;

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name); /* fits: the kernel's */
	if (control < 0 || ioctl(control, SIOCGIFINDEX, &ifr) < 0)
		return err_sys(err, errno, "network: cannot find the tap \"%s\"", name);
	*ret_ifindex = (uint32_t)ifr.ifr_ifindex;
	if ((e = silence(name)) < 0)
		return err_sys(err, e, "network: cannot keep IPv6 off the tap \"%s\"", name);
	if ((e = configure(r, *ret_ifindex, id)) < 0)
		return err_sys(err, e, "network: cannot set up the tap \"%s\"", name);
	if ((e = set_noqueue(r, *ret_ifindex)) < 0)
		return err_sys(err, e, "network: cannot give the tap \"%s\" the queueing discipline noqueue", name);
	return 0;
}

int tap_make(struct rtnl *r, const char *id, unsigned int queues, int ret_fds[], uint32_t *ret_ifindex, struct err *err)
{
	char name[IFNAMSIZ];
	int e = open_queues(queues, ret_fds, name, err);

	if (e < 0)
		return e;
	e = set_up(r, id, name, ret_ifindex, err);
	if (e < 0)
		close_queues(queues, ret_fds);
	return e;
}

bool tap_is(const struct link *l, const char *id)
{
	const size_t prefix = sizeof(TAP_ALIAS) - 1;

	return l->type == ARPHRD_ETHER && strncmp(l->alias, TAP_ALIAS, prefix) == 0 &&
	       (!id || strncmp(l->alias + prefix, id, LINK_ALIAS_MAX - 1 - prefix) == 0);
}
