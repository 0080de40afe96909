/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of relays, for guest.c and ask.c alone: see relay.c. guest_relay_new() is in guest.h. */
#ifndef GUEST_RELAY_H
#define GUEST_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "guest/inside.h"

/* Makes @relays, each of which guest_relay_new() has made, those of the container that @owner is the first process of. */
must_check int relay_own(struct guest *g, const struct guest_relays *relays, uint32_t owner, struct err *err);

/* Acts on DIAL. 0, or -errno, which closes the channel. */
must_check int relay_take_dial(struct guest *g, const void *msg, size_t len);

/* Whether bytes that the container of @owner has sent may still be on their way to sockets of the host. */
must_check bool relay_owes(const struct guest *g, uint32_t owner);

/* Closes the connections of the container of @owner, or all with 0, and forgets its relays. */
void relay_drop(struct guest *g, uint32_t owner);

#endif
