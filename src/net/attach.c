/* SPDX-License-Identifier: Apache-2.0 */
/* The ties between interfaces and taps: see attach.h. */
#include "net/attach.h"

#include <errno.h>
#include <linux/if.h>
#include <net/if_arp.h>
#include <string.h>

#include "net/redirect.h"
#include "net/rtnl.h"
#include "net/share.h"
#include "net/tap.h"

bool attach_would_fit(const struct link *l)
{
	return l->type == ARPHRD_ETHER && l->master == 0 && !tap_is(l, NULL);
}

bool attach_fits(const struct link *l)
{
	return attach_would_fit(l) && (l->flags & IFF_UP);
}

const struct link *attach_tap(const struct links *list, const struct link *l)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].group == l->ifindex && tap_is(&list->v[i], NULL))
			return &list->v[i];
	}
	return NULL;
}

/* A spare tap of container @id's, or NULL. */
static struct link *spare_tap(const struct links *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].group == 0 && tap_is(&list->v[i], id))
			return &list->v[i];
	}
	return NULL;
}

/*
 * Ties @l and @tap together. The interface's own filter comes last, so that it leads nowhere before there is somewhere
 * to go; the group says that it is done. Where the host's stack cannot be left its own, it gets nothing.
 */
static int tie(struct rtnl *r, const struct link *l, struct link *tap, const struct share *share, struct err *err)
{
	int e = link_set_group(r, tap->ifindex, 0, true);

	if (e == 0)
		e = redirect_add(r, tap->ifindex, l->ifindex);
	if (e < 0)
		return err_sys(
			err, e, "network: cannot lead packets from \"%s\" to interface \"%s\"", tap->name, l->name);
	e = redirect_share(r, l->ifindex, share_find(share, tap->ifindex));
	if (e == -ENOENT || e == -EOPNOTSUPP || e == 0)
		e = redirect_add(r, l->ifindex, tap->ifindex);
	if (e == 0)
		e = link_set_group(r, tap->ifindex, l->ifindex, true);
	if (e < 0)
		return err_sys(
			err, e, "network: cannot lead packets from interface \"%s\" to \"%s\"", l->name, tap->name);
	tap->group = l->ifindex;
	return 0;
}

/* Opens a socket in @ns_fd and reads its interfaces. The caller ends both, also on failure. */
static int look(int ns_fd, struct rtnl *r, struct links *list, struct err *err)
{
	int e = rtnl_open(ns_fd, 0, r, err);

	if (e < 0)
		return e;
	e = links_read(r, list);
	return e < 0 ? err_sys(err, e, "network: cannot list the interfaces") : 0;
}

/*
 * Packets of a VLAN come in at the interface that the VLAN's stands on: where that is one of container @id's, they are left to
 * the host's stack, which leads them to the VLAN's own.
 */
static int pass_vlans(struct rtnl *r, const char *id, const struct links *list, struct err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < list->n; i++) {
		const struct link *lower =
			strcmp(list->v[i].kind, "vlan") == 0 ? links_find(list, list->v[i].lower) : NULL;
		const struct link *tap = lower ? attach_tap(list, lower) : NULL;

		if (!tap || !tap_is(tap, id))
			continue;
		e = redirect_pass_vlans(r, lower->ifindex);
		if (e < 0)
			return err_sys(err, e, "network: cannot leave \"%s\" its packets, which come in at \"%s\"",
				list->v[i].name, lower->name);
	}
	return e;
}

/* Gives each fitting interface of @list that has none a spare tap of container @id's, as far as there are any. */
static int tie_new(struct rtnl *r, const char *id, const struct share *share, struct links *list, struct err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < list->n; i++) {
		const struct link *l = &list->v[i];
		struct link *tap = spare_tap(list, id);

		if (!tap)
			break;
		if (attach_fits(l) && !attach_tap(list, l))
			e = tie(r, l, tap, share, err);
	}
	return e == 0 ? pass_vlans(r, id, list, err) : e;
}

/*
 * Makes each tap of container @id's spare again whose interface has gone: it is as it was made, and what waits in it for
 * the guest is dropped.
 */
static int free_taps(struct rtnl *r, const char *id, struct links *list, struct err *err)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < list->n; i++) {
		struct link *tap = &list->v[i];

		if (tap->group == 0 || !tap_is(tap, id) || links_find(list, tap->group))
			continue;
		e = redirect_remove(r, tap->ifindex);
		if (e == 0)
			e = link_set_group(r, tap->ifindex, 0, false);
		if (e < 0)
			return err_sys(err, e, "network: cannot free \"%s\"", tap->name);
		tap->group = 0;
	}
	return e;
}

int attach_all(int ns_fd, const char *id, struct err *err)
{
	autortnl r = RTNL_INIT;
	autolinks list = LINKS_NONE;
	autoshare share = SHARE_NONE;
	int e = look(ns_fd, &r, &list, err);

	if (e < 0)
		return e;
	(void)!share_load(&list, id, &share); /* without, who is to share the network later is told (usermode_look()) */
	return tie_new(&r, id, &share, &list, err);
}

int attach_again(struct rtnl *r, const char *id, const struct share *share, struct err *err)
{
	autolinks list = LINKS_NONE;
	int e = links_read(r, &list);

	if (e < 0)
		return err_sys(err, e, "network: cannot list the interfaces");
	e = free_taps(r, id, &list, err);
	return e < 0 ? e : tie_new(r, id, share, &list, err);
}

int attach_clean(int ns_fd, struct err *err)
{
	autortnl r = RTNL_INIT;
	autolinks list = LINKS_NONE;
	int e = look(ns_fd, &r, &list, err);

	for (size_t i = 0; e == 0 && i < list.n; i++) {
		const struct link *l = &list.v[i];

		if (tap_is(l, NULL) || attach_tap(&list, l))
			continue;
		e = redirect_remove(&r, l->ifindex);
		if (e < 0)
			return err_sys(err, e, "network: cannot free interface \"%s\"", l->name);
	}
	return e;
}
