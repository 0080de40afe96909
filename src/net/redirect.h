/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What leads packets from one interface to another: a filter at the interface's ingress that takes each packet, and
 * sends it out of the other (tc-mirred(8)). The network stack of the host sees nothing of what has been taken, so that
 * it answers nothing; the interface's counters count it.
 *
 * The filter is one of u32 that matches everything, or, where the kernel has no u32, of matchall. It stands in the
 * interface's ingress or clsact queueing discipline, which is made if there is none, under a preference of its own, REDIRECT_PREF.
 * Before it may stand one that leaves the host's own stack what is for it, a program for BPF (share.h).
 */
#ifndef NET_REDIRECT_H
#define NET_REDIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "net/rtnl.h"

#define REDIRECT_PREF \
	30317 /* behind the filters that people make themselves, which tc(8) numbers down from 49152: "vm" */

#define REDIRECT_SHARE_PREF (REDIRECT_PREF - 1)
#define REDIRECT_VLAN_PREF (REDIRECT_PREF - 3) /* and the one behind it */
#define REDIRECT_SHARE_NAME "vmrunc"

/* Leads all that comes in at @from out at @to, in the place of an earlier filter of ours. 0 or -errno. */
must_check int redirect_add(struct rtnl *r, uint32_t from, uint32_t to);

/*
 * Has @program, a descriptor that stays the caller's, decide first what of it the host's stack gets, in the place of an
 * earlier one; -1: nothing. 0 or -errno: -ENOENT or -EOPNOTSUPP of a kernel without such filters.
 */
must_check int redirect_share(struct rtnl *r, uint32_t from, int program);

/*
 * Leaves packets with a tag of a VLAN that come in at @from to the host's stack, before all other filters of ours: it has
 * interfaces for them. Does nothing if that is so already. 0 or -errno.
 */
must_check int redirect_pass_vlans(struct rtnl *r, uint32_t from);

/* Whether a program decides so at @from. */
bool redirect_is_shared(struct rtnl *r, uint32_t from);

/*
 * Takes our filters away from the ingress of @from, and the queueing discipline ingress if nothing else is in it. 0,
 * also if there is none, or -errno.
 */
must_check int redirect_remove(struct rtnl *r, uint32_t from);

#endif
