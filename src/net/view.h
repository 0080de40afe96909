/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine is told of a network namespace: the interfaces that have taps, and all that is set of them.
 *
 * Addresses, routes, permanent neighbours and rules are kept as rtnetlink messages, each without what changes by itself
 * (times, counters, states), so that two views can be compared byte by byte. They name interfaces by the ifindex that
 * those have on the host.
 *
 * What the kernel makes by itself for an address is not told apart: each address says IFA_F_NOPREFIXROUTE, and the
 * routes to its network are told like all others. What stands in the table "local" follows from the addresses.
 */
#ifndef NET_VIEW_H
#define NET_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/usermode.h"

/* Messages of one view: routes of a router's size are no container's. */
#define VIEW_MESSAGES_MAX 16384

struct view_message {
	uint16_t type; /* RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNEIGH or RTM_NEWRULE */
	uint16_t len;  /* bytes of the header and the attributes behind it */
	void *body;    /* owned */
};

struct view_nic {
	struct link link; /* the interface */
	struct link tap;  /* its tap; ifindex 0: it is the loopback interface, which has none */
};

/* The ifindex of what is a tap's in user mode (usermode.h), where there is none. */
#define VIEW_USERMODE_TAP UINT32_MAX

struct view {
	size_t nics_n, messages_n;
	struct view_nic *nics;
	struct view_message *messages; /* in the order in which they can be carried out */
	char left_out
		[IFNAMSIZ]; /* an interface that fits, but has no tap, as all have one already; "": there is none */
	bool usermode;      /* one interface is told of, by its addresses and its routes in the main table */
};

#define VIEW_NONE             \
	{                     \
		.nics = NULL, \
	}

/* Frees what it has. */
void view_done(struct view *v);

#define autoview __attribute__((cleanup(view_done))) struct view

/*
 * Reads the namespace of @r, with the interfaces that stand beside taps of container @id. Makes only the calls of
 * net_syscalls. 0, or -errno with an error: with @all,
 * an interface that fits (attach.h) has no tap (-ENODEV, and left_out names it) or is another machine's; else such are passed over. The
 * caller ends *@ret in any case.
 */
must_check int view_read(struct rtnl *r, const char *id, bool all, struct view *ret, struct err *err);

/*
 * As view_read(), for user mode: the loopback interface, and the one that usermode_choose() chooses, if there is one, as a device
 * whose "tap" has the ifindex VIEW_USERMODE_TAP. Rules, neighbours and other tables are those of the namespace's owner, and
 * what routers have announced is told, as the guest hears none of them. With @passt's families, the addresses that stand for the
 * namespace's loopback interface are told by routes in the table "local".
 */
must_check int view_read_usermode(struct rtnl *r, const struct usermode *passt, struct view *ret, struct err *err);

#endif
