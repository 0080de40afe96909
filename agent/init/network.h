/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's network: the machine's network devices become the interfaces of containers.
 *
 * A machine has more devices than its containers have interfaces yet. Those that are spare are parked in a network
 * namespace of their own, where no container sees them. NET takes one from there, and gives it the name, the address
 * and all else of the interface of the host that it stands for; what has gone on the host goes back.
 *
 * All is done by PID 1 itself, which enters the container's network namespace for the moment: a request is answered by the
 * kernel at once.
 */
#ifndef AGENT_INIT_NETWORK_H
#define AGENT_INIT_NETWORK_H

#include "sys/agent.h"

/* Parks the machine's network devices. A failure is logged: then containers see them, and NET finds none. */
void network_park(struct agent *agent);

/* NET: 0, or -errno with @err set; of the first thing that failed; the rest has been done. */
must_check int network_apply(struct agent *agent, const struct guest_net *net, struct err *err);

#endif
