/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolvers of names that the host's network namespace has on a loopback address (Docker's 127.0.0.11): the guest's
 * loopback is another one, so that the agent listens there in their place.
 *
 *   process       agent                                            monitor
 *     question --> UDP 127.0.0.11:53: question with its length --> relay: TCP to 127.0.0.11:53 in the namespace
 *     answer <---- cut to what the asker takes <----------------- answer with its length
 *     TCP -------> a link of the relay, as it is
 *
 * A question by UDP becomes one by TCP (RFC 1035 4.2.2), a link of its own; an answer that is longer than the asker takes is
 * cut, and says so (TC), so that the asker asks by TCP. At most RESOLVER_QUESTIONS_MAX wait for their answers: one more, and the oldest of
 * them is given up, whose asker asks again, as it does when a datagram is lost.
 */
#ifndef AGENT_INIT_RESOLVER_H
#define AGENT_INIT_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "sys/agent.h"

#define RESOLVER_QUESTIONS_MAX 64

/*
 * Listens at the addresses of @to for the container whose first process is @owner, in the network namespace that the
 * caller is in, and no more at those that are not in there. An address that the container has taken is logged, and left to it.
 */
void resolver_apply(struct agent *agent, uint32_t owner, const struct guest_resolvers *to);

/* Process @owner has ended: what listens for it is closed. */
void resolver_end(struct agent *agent, uint32_t owner);

/*
 * Cuts the answer of @len bytes at @answer to what its asker takes, who asked the @question_len bytes at @question: the
 * length that it has then, at most @len.
 */
size_t resolver_cut(const uint8_t *question, size_t question_len, uint8_t *answer, size_t len);

#endif
