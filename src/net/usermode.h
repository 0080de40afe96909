/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User mode: a machine on a network namespace whose interfaces are somebody else's, by passt(1).
 *
 *   guest ═ virtio-net ══ socket pair ══ passt ── connect(2), sendto(2) ── the namespace's network stack
 *
 * passt takes the guest's frames, and does with sockets of its own what they ask for: TCP, UDP and ICMP echo. It needs
 * no interface of its own and no privilege, so that the owner of the interfaces loses nothing. It answers ARP
 * and neighbour solicitations for every address but the guest's, so that the guest can have the address and the routes of the
 * interface that it stands in for.
 *
 * Rights: it is started as root in the namespace, and gives up everything by itself, before it reads the first frame: it
 * becomes nobody, in a user namespace of its own, in an empty mount namespace, without capabilities, under its own filter
 * of system calls. It ends when the other end of the socket pair is closed, however that comes.
 */
#ifndef NET_USERMODE_H
#define NET_USERMODE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "net/link.h"
#include "net/rtnl.h"

#define USERMODE_PACKAGE "passt"

/*
 * Addresses that stand for the namespace's 127.0.0.1 and ::1 to the guest, and which nobody else has. The guest is told of
 * them (view_read_usermode()), and turns localhost into them where nobody in it listens.
 */
#define USERMODE_LOOPBACK4 "169.254.118.109"
#define USERMODE_LOOPBACK6 "fd76:6d72:756e:63::1"

struct usermode {
	int fd;        /* the machine's end, a stream socket of frames */
	int pidfd;     /* readable when passt has ended */
	int stderr_fd; /* what it says, non-blocking */
	bool ip4, ip6; /* which of the families it speaks */
};

#define USERMODE_NONE                                  \
	{                                              \
		.fd = -1, .pidfd = -1, .stderr_fd = -1 \
	}

/* Closes what @u has open, which ends passt if @u->fd is. */
void usermode_done(struct usermode *u);

/* Where passt is installed; NULL: it is not. */
const char *usermode_program(void);

/*
 * Chooses the interface that the guest's stands in for: that of the first default route, IPv4 before IPv6, or the first
 * that is up and is not the loopback interface. 1 with *@ret; 0: there is none; or -errno with an error.
 */
must_check int usermode_choose(struct rtnl *r, struct link *ret, struct err *err);

enum usermode_place {
	USERMODE_ALONE, /* no machine but this one has to do with the namespace's interfaces */
	USERMODE_SHARED, /* they are, or are to be, another machine's, which leaves the namespace's stack what is for it (share.h) */
	USERMODE_CUT_OFF, /* what comes in by the one that user mode would stand in for is led to another machine, whole */
};

/*
 * What user mode finds in network namespace @ns_fd (-1: the caller's). Of a namespace that is of no use *@why says so. USERMODE_ALONE, too, where it cannot be read. The
 * caller is single-threaded.
 */
enum usermode_place usermode_look(int ns_fd, struct err *why);

/*
 * Starts passt in the caller's network namespace, which is also that of @r, to stand in for interface @l. The caller is
 * single-threaded, and sees the host's files. 0 with *@ret; or -errno with an error: -ENOENT if it is not installed.
 */
must_check int usermode_start(struct rtnl *r, const struct link *l, struct usermode *ret, struct err *err);

/*
 * Makes of what passt has said last, after its end, an error: why it has ended, as far as it says so. Makes only calls
 * of base_syscalls.
 */
void usermode_last_words(const struct usermode *u, struct err *err);

#endif
