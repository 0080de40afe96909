/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that are refused in user mode. passt refuses one by a reset that lacks the flag ACK, though it has the number (that of Debian 12 does), which a
 * socket that waits for its connection has to pass over (RFC 9293, 3.10.7.3): it would wait until it gives up. What comes so is
 * said again, with the flag, by way of the loopback interface. For connections that stand it says nothing new.
 *
 *   passt ── RST ──▶ the interface ──▶ a packet socket ──▶ PID 1 ──▶ a raw socket ── RST, ACK ──▶ lo ──▶ the program's socket
 */
#ifndef AGENT_INIT_REFUSAL_H
#define AGENT_INIT_REFUSAL_H

#include "sys/agent.h"

struct refusal {
	int packet_fd, raw_fd; /* -1 */
	struct watch *watch;
};

#define REFUSAL_NONE                           \
	{                                      \
		.packet_fd = -1, .raw_fd = -1, \
	}

/*
 * Begins, for AF_INET or AF_INET6, in the network namespace that the caller is in. @r is REFUSAL_NONE, and stays where it is until
 * refusal_end(). 0 or -errno.
 */
must_check int refusal_begin(struct agent *agent, int family, struct refusal *r);

/* Ends; of REFUSAL_NONE nothing. */
void refusal_end(struct refusal *r);

#endif
