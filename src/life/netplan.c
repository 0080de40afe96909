/* SPDX-License-Identifier: Apache-2.0 */
/* How a container comes to somebody else's network: see netplan.h. */
#include "life/netplan.h"

#include <errno.h>

#include "jail/ns.h"
#include "net/localports.h"
#include "net/usermode.h"

int netplan_make(const struct spec *spec, int ns_fd, struct warnings *warnings, struct netplan *ret, struct err *err)
{
	struct err why = ERR_INIT;
	enum usermode_place place;
	int r = 0;

	*ret = (struct netplan)NETPLAN_NONE;
	if (ns_own_network(spec, ns_fd))
		return 0;
	if (spec->linux_ && spec->linux_->net_devices.n)
		return err_set(err, EINVAL,
			"linux.netDevices: the network namespace is the host's, or that of another process: needs one of the container's own");
	place = usermode_look(ns_fd, &why);
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
	if (ret->usermode && ret->shared && (r = localports_narrow(ns_fd)) < 0)
		(void)err_sys(err, r, "network: cannot set " LOCALPORTS_KEY " of the network namespace");
	return r;
}
