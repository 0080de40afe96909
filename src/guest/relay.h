/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of relays, for guest.c and ask.c alone: see relay.c. guest_relay_new() is in guest.h. */
#ifndef GUEST_RELAY_H
#define GUEST_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "guest/inside.h"

/* Makes @relays, each of which guest_relay_new() has made, those of the container that @owner is the first process of, and opens the streams of those that have any. */
must_check int relay_own(struct guest *g, struct guest_relays *relays, uint32_t owner, struct err *err);

/* Acts on DIAL. 0, or -errno, which closes the channel. */
must_check int relay_take_dial(struct guest *g, const void *msg, size_t len);

/*
 * Opens the streams of @fd, one of the descriptors of process @owner, and names them in it; fd->fd is borrowed. 0 or
 * -errno.
 */
must_check int relay_give(struct guest *g, uint32_t owner, struct guest_fd *fd);

enum relay_debt {
	RELAY_OWES_NOTHING,
	RELAY_OWES_PEER,   /* who is connected through a socket */
	RELAY_OWES_READER, /* who reads a pipe */
};

/* To whom bytes that process @owner has sent, or its container if it is the first, may still be on their way. */
must_check enum relay_debt relay_owes(const struct guest *g, uint32_t owner);

/* Closes the connections of process @owner and of its container if it is the first, or all with 0, and forgets the relays. */
void relay_drop(struct guest *g, uint32_t owner);

#endif
