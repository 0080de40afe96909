/* SPDX-License-Identifier: Apache-2.0 */
/* How a container comes to somebody else's network: see netplan.h. */
#include "life/netplan.h"

#include <errno.h>

#include "base/fd.h"
#include "container/statedir.h"
#include "jail/ns.h"
#include "monitor/control.h"
#include "net/localports.h"
#include "net/usermode.h"

/* In which a monitor whose network is joined says that it will tell of its ports. */
#define OWNER_TIMEOUT_MS 10000

void netplan_done(struct netplan *p)
{
	fd_close(p->owner_fd);
	*p = (struct netplan)NETPLAN_NONE;
}

/*
 * Prepares to be on the network of the virtual machine of container @owner's: each has ports of its own. 0 or -errno with
 * an error.
 */
static int share(const struct settings *settings, const char *owner, int ns_fd, struct warnings *warnings,
	struct netplan *p, struct err *err)
{
	const struct control_request request = { .op = CONTROL_PORTS };
	autostatedir dir = STATEDIR_NONE;
	struct err why = ERR_INIT;
	int r = localports_narrow(ns_fd);

	if (r < 0)
		return err_sys(err, r, "network: cannot set " LOCALPORTS_KEY " of the network namespace");
	r = statedir_open(settings->root, owner, &dir, &why);
	if (r == 0)
		r = control_open(&dir, &request, NULL, OWNER_TIMEOUT_MS, &p->owner_fd, &why);
	if (r < 0)
		warnings_add(warnings,
			"linux.namespaces: network: it is not known which ports the virtual machine of container \"%s\" has, whose network it is: %s",
			owner, why.msg);
	return 0;
}

int netplan_make(const struct settings *settings, const struct spec *spec, int ns_fd, struct warnings *warnings,
	struct netplan *ret, struct err *err)
{
	char owner[LINK_ALIAS_MAX];
	struct err why = ERR_INIT;
	enum usermode_place place;

	*ret = (struct netplan)NETPLAN_NONE;
	if (ns_own_network(spec, ns_fd))
		return 0;
	if (spec->linux_ && spec->linux_->net_devices.n)
		return err_set(err, EINVAL,
			"linux.netDevices: the network namespace is the host's, or that of another process: needs one of the container's own");
	place = usermode_look(ns_fd, owner, &why);
	ret->shared = place == USERMODE_SHARED;
	if (place == USERMODE_CUT_OFF)
		warnings_add(warnings,
			"linux.namespaces: network: %s: this container's virtual machine has the loopback interface alone",
			why.msg);
	else if (!usermode_program())
		warnings_add(warnings,
			"linux.namespaces: network: it is the host's, or that of another process, which needs passt: install the package \"" USERMODE_PACKAGE
			"\"; without it the container's virtual machine has the loopback interface alone");
	else
		ret->usermode = true;
	return ret->usermode && ret->shared ? share(settings, owner, ns_fd, warnings, ret, err) : 0;
}
