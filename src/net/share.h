/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the packets that come in at an interface is the host's: a program for the kernel's BPF, which stands before the
 * filter that leads all to a machine's tap (redirect.h).
 *
 * The network namespace has a stack of its own beside the machine's, with the same addresses. Where a process of the host has a
 * socket there, such as passt for a container that has joined, or an engine's resolver that asks another one, it can send; what
 * is answered is for that socket, and not for the machine. Of what is addressed to the interface's MAC address
 *
 *   the stack alone gets  TCP for which it has a connection, and the first packet of one to a socket that listens; UDP for which it has a connected one,
 *                         or any at a port from SHARE_PORTS_FIRST on
 *   both get              answers of ARP and neighbour discovery, what routers announce, to all or to one, echo replies, errors by
 *                         ICMP, and the later fragments of packets, of which nobody can say whose they are
 *   the machine gets      everything else
 *
 * What both get nobody answers. What a stack gets without having a socket for it is dropped there without a word.
 */
#ifndef NET_SHARE_H
#define NET_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "net/link.h"

/*
 * The host's share of the ports, from which its sockets choose theirs where a container has joined: those that Linux
 * chooses by default, 32768 to 60999, are the machine's.
 */
#define SHARE_PORTS_FIRST 61440
#define SHARE_PORTS_LAST 65535

#define SHARE_TAPS_MAX 24 /* of one machine: more than it has */

/* The programs of one machine's taps. */
struct share {
	size_t n;
	struct {
		uint32_t tap; /* its ifindex */
		int fd;       /* owned */
	} at[SHARE_TAPS_MAX];
};

#define SHARE_NONE     \
	{              \
		.n = 0 \
	}

/*
 * Loads a program for each tap of container @id's in @list. 0 with *@ret; or -errno: -EPERM where the caller has no right to,
 * which only the host's root has, or of a kernel without BPF. Then *@ret is empty.
 */
must_check int share_load(const struct links *list, const char *id, struct share *ret);

/* Closes the programs; those that an interface has stay with it. */
void share_done(struct share *s);

#define autoshare __attribute__((cleanup(share_done))) struct share

/* The program of the tap with ifindex @tap, which stays @s's, or -1. */
int share_find(const struct share *s, uint32_t tap);

#endif
