/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's clock, kept right by the host's.
 *
 * A guest's clock goes wrong: it starts with what the machine's firmware says, it
 * stands while the host is suspended, and it drifts where the counter's frequency
 * was measured in a moment. So the agent asks the host for the time (ASK_TIME) at
 * its start and every TIMEKEEPER_INTERVAL_MS. The answer (TIME) was read somewhere
 * between question and arrival, so that the middle of the two is wrong by half of
 * what lies between them, at most. What is within this error is left alone. Beyond
 * it, a small difference is slewed away, which no program sees as a jump, and a large
 * one is set at once. After a pause of the VM the host tells the time by itself.
 */
#ifndef AGENT_INIT_TIMEKEEPER_H
#define AGENT_INIT_TIMEKEEPER_H

#include "base/base.h"
#include "channel/proto.h"
#include "sys/agent.h"

/* Asks for the first time, and from then on at intervals; the channel must be open. 0 or -errno. */
must_check int timekeeper_start(struct agent *agent);

/* Corrects CLOCK_REALTIME by @answer. */
void timekeeper_take(struct agent *agent, const struct proto_time *answer);

/*
 * The VM has stood still, and the host's clock said @realtime_ns when it went on: sets a clock that stood, too, and asks
 * for the exact time.
 */
void timekeeper_resumed(struct agent *agent, uint64_t realtime_ns);

#endif
