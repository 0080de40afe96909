/* SPDX-License-Identifier: Apache-2.0 */
/* One message of a view: what of a kernel's message a machine is told. Only view.c includes this. */
#ifndef NET_VIEW_MESSAGE_H
#define NET_VIEW_MESSAGE_H

#include <libmnl/libmnl.h>
#include <stdint.h>

#include "base/base.h"
#include "net/view.h"

/*
 * Makes of @from, an RTM_NEWADDR, NEWROUTE, NEWNEIGH or NEWRULE, what is told of it: 1 with *@ret, whose body the caller
 * frees; 0 if nothing is to be told; or -ENOMEM. @v says which interfaces are told of.
 */
must_check int view_message_make(const struct view *v, const struct nlmsghdr *from, struct view_message *ret);

/*
 * Makes the route by interface @ifindex to what stands for the loopback interface's address of @family (usermode.h): 0 with *@ret, whose body the
 * caller frees, or -ENOMEM.
 */
must_check int view_message_loopback(int family, uint32_t ifindex, struct view_message *ret);

/*
 * A number by which messages stand in their order: addresses, then routes to what is on a link, then those by a gateway, then
 * neighbours and rules.
 */
int view_message_rank(const struct view_message *m);

#endif
