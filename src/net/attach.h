/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ties between a container's interfaces and its taps, made and cut by commands that have the right to.
 *
 *   veth eth0 ──ingress: redirect──▶ vmtap0 ══ the machine's network device
 *        ◀──────────ingress: redirect── vmtap0
 *
 * An interface stays where it is, with its name, its addresses and its counters. One that a machine can be given is an
 * Ethernet interface that is up and is no port of a bridge or a bond (attach_fits()).
 */
#ifndef NET_ATTACH_H
#define NET_ATTACH_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "net/link.h"
#include "net/share.h"

/* Whether @l is of the kind that a machine can be given, up or not. */
bool attach_would_fit(const struct link *l);

/* Whether @l is an interface that a machine is given if it has a tap to spare. */
bool attach_fits(const struct link *l);

/* The tap that stands beside @l, or NULL. */
const struct link *attach_tap(const struct links *list, const struct link *l);

/*
 * Gives each fitting interface of the namespace @ns_fd that has none yet a spare tap of container @id's, as far as
 * there are any. A namespace without taps of that container is left alone. The caller is single-threaded. 0, or -errno
 * with an error; then some may have been given one, and a second call goes on.
 */
must_check int attach_all(int ns_fd, const char *id, struct err *err);

/*
 * Does the same for what has changed since in the namespace of @r: interfaces that have come, and those that have gone,
 * whose taps are spare again. @share has the programs of the taps, or fewer. 0, or -errno with an error; a second call goes on.
 */
must_check int attach_again(struct rtnl *r, const char *id, const struct share *share, struct err *err);

/*
 * Takes away what led to taps that are gone, from all interfaces of the namespace @ns_fd. The caller is
 * single-threaded. 0, or -errno with an error.
 */
must_check int attach_clean(int ns_fd, struct err *err);

#endif
