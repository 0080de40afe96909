/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localhost in user mode: a container that shares a network namespace of the host reaches what listens on the loopback
 * interface of that namespace by 127.0.0.0/8 and ::1, as a process there does.
 *
 *   connect(127.0.0.1:5432)  ── nobody in the guest listens there ──▶  connect(the address that stands for 127.0.0.1)
 *
 * Programs for the kernel's BPF at the container's cgroup do that when an address is given to connect(2) or sendto(2),
 * and turn it back where one is told, by getpeername(2) and recvfrom(2). Who is the guest's root may take them away
 * or do without: they give no right, as the addresses can be named by anybody in the guest.
 *
 * Which addresses stand for those, NET says: by unicast routes of the table "local" to them (proto.h).
 */
#ifndef AGENT_INIT_LOCALHOST_H
#define AGENT_INIT_LOCALHOST_H

#include <stdint.h>

#include "init/refusal.h"
#include "sys/agent.h"

/* An address: the four bytes of IPv4, or the sixteen of IPv6, as they are sent; all 0: there is none. */
struct localhost_address {
	uint32_t words[4];
};

#define LOCALHOST_PROGRAMS 7

struct localhost {
	struct localhost_address v4, v6;
	int programs[LOCALHOST_PROGRAMS];  /* that are attached; -1 */
	struct refusal refused4, refused6; /* what makes refused connections known */
};

/* Makes *@l one without addresses, of which nothing is open. */
void localhost_init(struct localhost *l);

/* Closes what it has open: @l stays where it is until then. The programs stay where they are, for as long as the cgroup is there. */
void localhost_done(struct localhost *l);

/*
 * Takes the addresses from @messages, which have been carried out, and attaches to the cgroup @cgroup_fd (-1: there is none) the programs for
 * those that there are now. The caller is in the container's network namespace. Where the guest's kernel has none, localhost is the guest's alone, and the log says why.
 */
void localhost_follow(
	struct agent *agent, struct localhost *l, int cgroup_fd, const struct guest_net_messages *messages);

#endif
