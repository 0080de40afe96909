/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine is told of a network namespace: see view.h. */
#include "net/view.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "net/attach.h"
#include "net/tap.h"
#include "net/view_message.h"

/* A namespace that changes under the reader is read again, so often at most. */
#define VIEW_TRIES 8

void view_done(struct view *v)
{
	for (size_t i = 0; i < v->messages_n; i++)
		free(v->messages[i].body);
	free(v->messages);
	free(v->nics);
	*v = (struct view)VIEW_NONE;
}

static int add_nic(struct view *v, const struct link *l, const struct link *tap)
{
	struct view_nic *nics = reallocarray(v->nics, v->nics_n + 1, sizeof(*nics));

	if (!nics)
		return -ENOMEM;
	v->nics = nics;
	nics[v->nics_n] = (struct view_nic){ .link = *l };
	if (tap)
		nics[v->nics_n].tap = *tap;
	v->nics_n++;
	return 0;
}

static bool has_spare(const struct links *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].group == 0 && tap_is(&list->v[i], id))
			return true;
	}
	return false;
}

/* Chooses the interfaces that are told of: the loopback interface, and those with a tap of container @id's. */
static int choose(const struct links *list, const char *id, bool all, struct view *v, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct link *l = &list->v[i];
		const struct link *tap = attach_tap(list, l);

		if (!(l->flags & IFF_LOOPBACK) && !tap && !attach_fits(l))
			continue;
		if (!(l->flags & IFF_LOOPBACK) && !tap && !v->left_out[0] && (all || !has_spare(list, id)))
			memcpy(v->left_out, l->name, sizeof(v->left_out));
		if (!all && !(l->flags & IFF_LOOPBACK) && (!tap || !tap_is(tap, id)))
			continue;
		if (!(l->flags & IFF_LOOPBACK) && !tap)
			return err_set(err, ENODEV, "network: interface \"%s\" has no tap", l->name);
		if (tap && !tap_is(tap, id))
			return err_set(err, EBUSY, "network: interface \"%s\" is that of container \"%s\" already",
				l->name, tap->alias + sizeof(TAP_ALIAS) - 1);
		if (add_nic(v, l, tap) < 0)
			return err_sys(err, ENOMEM, "network");
	}
	return 0;
}

/* Keeps a message, whose body becomes the view's. 0 or -errno. */
static int keep(struct view *v, const struct view_message *m)
{
	struct view_message *messages;

	messages = v->messages_n < VIEW_MESSAGES_MAX ? reallocarray(v->messages, v->messages_n + 1, sizeof(*messages))
						     : NULL;
	if (!messages) {
		free(m->body);
		return v->messages_n < VIEW_MESSAGES_MAX ? -ENOMEM : -E2BIG;
	}
	v->messages = messages;
	messages[v->messages_n++] = *m;
	return 0;
}

/* As rtnl_take_fn: keeps one message of a dump, if it is to be told. */
static int take_message(void *arg, const struct nlmsghdr *message)
{
	struct view *v = arg;
	struct view_message m;
	int r = view_message_make(v, message, &m);

	return r <= 0 ? r : keep(v, &m);
}

static int dump(struct rtnl *r, uint16_t type, size_t header, struct view *v)
{
	struct rtnl_request q;

	(void)rtnl_begin(&q, type, 0, header); /* its first byte is the family, of which 0 is any */
	return rtnl_dump(r, &q, take_message, v);
}

/* Puts the messages into their order, each rank in the order in which the kernel told them. */
static int sort(struct view *v)
{
	struct view_message *sorted = calloc(v->messages_n + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (int rank = 0; n < v->messages_n; rank++) {
		for (size_t i = 0; i < v->messages_n; i++) {
			if (view_message_rank(&v->messages[i]) == rank)
				sorted[n++] = v->messages[i];
		}
	}
	free(v->messages);
	v->messages = sorted;
	return 0;
}

/*
 * Chooses those of user mode. The guest's has the MAC address of the interface if that has one, and asks for those of its
 * peers, whatever kind of interface it is.
 */
static int choose_usermode(struct rtnl *r, struct view *v, struct err *err)
{
	autolinks list = LINKS_NONE;
	struct link l, tap;
	int e = links_read(r, &list);

	for (size_t i = 0; e == 0 && i < list.n; i++)
		e = list.v[i].flags & IFF_LOOPBACK ? add_nic(v, &list.v[i], NULL) : 0;
	if (e == 0)
		e = usermode_choose(r, &l, err);
	if (e <= 0)
		return e;
	l.flags &= ~(uint32_t)IFF_NOARP;
	tap = l; /* with the same settings: none of them is told */
	tap.ifindex = VIEW_USERMODE_TAP;
	return add_nic(v, &l, &tap);
}

/* Whether the guest's interface @ifindex is told an address of @family, from which it can ask for what stands for loopback. */
static bool has_address(const struct view *v, uint32_t ifindex, int family)
{
	for (size_t i = 0; i < v->messages_n; i++) {
		const struct ifaddrmsg *h = v->messages[i].body;

		if (v->messages[i].type == RTM_NEWADDR && h->ifa_index == ifindex && h->ifa_family == family &&
			h->ifa_scope < RT_SCOPE_LINK)
			return true;
	}
	return false;
}

/*
 * Adds the route to what stands for the loopback interface's address of @family, by interface @ifindex, if that has an
 * address to ask from. 0 or -errno.
 */
static int add_loopback_route(struct view *v, int family, uint32_t ifindex)
{
	struct view_message m;
	int r;

	if (!has_address(v, ifindex, family))
		return 0;
	r = view_message_loopback(family, ifindex, &m);
	return r < 0 ? r : keep(v, &m);
}

/* Adds these routes by the interface that user mode has chosen, for the families that @passt speaks. */
static int add_loopback(struct view *v, const struct usermode *passt)
{
	const struct link *l = v->nics_n > 0 ? &v->nics[v->nics_n - 1].link : NULL;
	int r = 0;

	if (!l || l->flags & IFF_LOOPBACK || !(l->flags & IFF_UP))
		return 0;
	if (passt->ip4)
		r = add_loopback_route(v, AF_INET, l->ifindex);
	if (r == 0 && passt->ip6)
		r = add_loopback_route(v, AF_INET6, l->ifindex);
	return r;
}

/* Reads it once, as read_once(). */
static int read_usermode(struct rtnl *r, const struct usermode *passt, struct view *v, struct err *err)
{
	int e;

	v->usermode = true;
	e = choose_usermode(r, v, err);
	if (e == 0)
		e = dump(r, RTM_GETADDR, sizeof(struct ifaddrmsg), v);
	if (e == 0)
		e = dump(r, RTM_GETROUTE, sizeof(struct rtmsg), v);
	if (e == 0)
		e = add_loopback(v, passt);
	return e == 0 ? sort(v) : e;
}

/* Reads it once: 0, or -errno; -EINTR: it has changed meanwhile. With @err set, that says why. */
static int read_once(struct rtnl *r, const char *id, bool all, struct view *v, struct err *err)
{
	autolinks list = LINKS_NONE;
	int e = links_read(r, &list);

	if (e < 0)
		return e;
	e = choose(&list, id, all, v, err);
	if (e == 0)
		e = dump(r, RTM_GETADDR, sizeof(struct ifaddrmsg), v);
	if (e == 0)
		e = dump(r, RTM_GETROUTE, sizeof(struct rtmsg), v);
	if (e == 0)
		e = dump(r, RTM_GETNEIGH, sizeof(struct ndmsg), v);
	if (e == 0)
		e = dump(r, RTM_GETRULE, sizeof(struct fib_rule_hdr), v);
	return e == 0 ? sort(v) : e;
}

/* Reads it as often as it changes meanwhile, within bounds; in user mode with @passt, else with @id. As view_read(). */
static int read_steady(
	struct rtnl *r, const struct usermode *passt, const char *id, bool all, struct view *ret, struct err *err)
{
	int e = -EINTR;

	for (int tries = 0; e == -EINTR && tries < VIEW_TRIES; tries++) {
		view_done(ret);
		e = passt ? read_usermode(r, passt, ret, err) : read_once(r, id, all, ret, err);
	}
	if (e < 0 && !err->errnum)
		return err_sys(err, e, "network: cannot read the container's network namespace");
	return e;
}

int view_read(struct rtnl *r, const char *id, bool all, struct view *ret, struct err *err)
{
	return read_steady(r, NULL, id, all, ret, err);
}

int view_read_usermode(struct rtnl *r, const struct usermode *passt, struct view *ret, struct err *err)
{
	return read_steady(r, passt, NULL, false, ret, err);
}
