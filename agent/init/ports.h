/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP ports that a container listens on, for a monitor that opens them elsewhere, and connections to them. */
#ifndef AGENT_INIT_PORTS_H
#define AGENT_INIT_PORTS_H

#include "base/buf.h"
#include "sys/agent.h"

/* Lists what listens in the network namespace of container @cid: proto_port, one behind the other. 0 or -errno with @err set. */
must_check int ports_list(struct agent *agent, const char *cid, struct buf *out, struct err *err);

/* LINK of a connection to a port: connects to the socket of the container, the only one of the machine, at msg->addr, or has it closed. */
void ports_link(struct agent *agent, const struct proto_link *msg);

#endif
