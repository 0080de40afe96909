/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of what asks the guest: a channel, whose other end is the test, as the agent. */
#ifndef TESTS_UNIT_GUEST_PEER_H
#define TESTS_UNIT_GUEST_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "base/loop.h"
#include "channel/mux.h"
#include "guest/guest.h"

struct guest_peer {
	int channel[2];
	struct guest *guest;
	struct mux *agent;
};

/* Makes the channel, on which the agent has said HELLO; @on_message(@arg) has what the host says. A failure ends the test, here as below. */
void guest_peer_begin(
	struct guest_peer *p, struct loop *loop, int (*on_message)(void *arg, const void *msg, size_t len), void *arg);

/* Ends both ends of it. */
void guest_peer_end(struct guest_peer *p);

/* The agent's answer to the request @seq: the error @errnum, or, if that is 0, @len bytes of @payload. */
void guest_peer_answer(const struct guest_peer *p, uint32_t seq, uint32_t errnum, const void *payload, size_t len);

#endif
