/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's clock: see timekeeper.h. */
#include "init/timekeeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "base/buf.h"
#include "base/loop.h"
#include "init/pace.h"
#include "sys/log.h"

#define NS_PER_S 1000000000ll
#define NS_PER_US 1000

/* How long a clock can be wrong after the host's has jumped, or the host has woken up. A question costs a message each way. */
#define TIMEKEEPER_INTERVAL_MS 10000

/*
 * An answer that took no longer is exact enough. After one that took longer the question is repeated at once, that many
 * times: at the start the first answer waits behind SANDBOX and CREATE, and a busy host delays some answers more than others.
 */
#define TIMEKEEPER_GOOD_NS 4000000
#define TIMEKEEPER_TRIES 8

/* From here on a difference is set at once: slewing goes 500 us a second, and would take minutes. */
#define TIMEKEEPER_STEP_NS 20000000

static int64_t timekeeper_read(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now); /* cannot fail for these clocks */
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* Sends ASK_TIME, and arms the timer for the next one. */
static void timekeeper_ask(struct agent *agent)
{
	autobuf out = BUF_INIT;

	pace_request(agent);
	agent->time.asked_ns = (uint64_t)timekeeper_read(CLOCK_MONOTONIC);
	proto_put_ask_time(&out, agent->time.asked_ns);
	if (buf_error(&out) < 0 || !agent->mux || mux_send(agent->mux, out.data, out.len) < 0)
		log_write(agent, PROTO_LOG_WARN, "cannot ask for the time"); /* the next question may get through */
	if (timer_set(agent->time.timer, TIMEKEEPER_INTERVAL_MS) < 0)
		log_write(agent, PROTO_LOG_WARN, "the clock is not corrected any more: no timer");
}

/* Sets the clock ahead by @diff_ns, which may be negative. */
static void timekeeper_step(const struct agent *agent, int64_t diff_ns)
{
	int64_t now = timekeeper_read(CLOCK_REALTIME) + diff_ns;
	struct timespec want = { .tv_sec = (time_t)(now / NS_PER_S), .tv_nsec = (long)(now % NS_PER_S) };

	if (clock_settime(CLOCK_REALTIME, &want) < 0)
		log_write(agent, PROTO_LOG_WARN, "cannot set the clock: %s", strerror(errno));
}

/* Has the kernel slew the clock by @diff_ns, instead of what is left of the slew before. */
static void timekeeper_slew(const struct agent *agent, int64_t diff_ns)
{
	struct timex t = { .modes = ADJ_OFFSET_SINGLESHOT, .offset = (long)(diff_ns / NS_PER_US) };

	if (adjtimex(&t) < 0)
		log_write(agent, PROTO_LOG_WARN, "cannot adjust the clock: %s", strerror(errno));
}

static void timekeeper_on_timer(void *arg)
{
	struct agent *agent = arg;

	agent->time.tries = 0;
	timekeeper_ask(agent);
}

void timekeeper_take(struct agent *agent, const struct proto_time *answer)
{
	int64_t way_ns, diff_ns;

	/* the answer to a question that was given up says nothing about the way */
	if (!agent->time.timer || answer->asked_ns != agent->time.asked_ns || answer->realtime_ns > INT64_MAX / 2)
		return;
	way_ns = timekeeper_read(CLOCK_MONOTONIC) - (int64_t)answer->asked_ns;
	diff_ns = (int64_t)answer->realtime_ns + way_ns / 2 - timekeeper_read(CLOCK_REALTIME);
	if (llabs(diff_ns) > way_ns / 2) {
		if (!agent->time.settled || llabs(diff_ns) >= TIMEKEEPER_STEP_NS)
			timekeeper_step(agent, diff_ns);
		else
			timekeeper_slew(agent, diff_ns);
	}
	if (way_ns > TIMEKEEPER_GOOD_NS && ++agent->time.tries < TIMEKEEPER_TRIES)
		timekeeper_ask(agent);
	else
		agent->time.settled = true;
}

int timekeeper_start(struct agent *agent)
{
	int r = timer_new(agent->loop, 0, timekeeper_on_timer, agent, &agent->time.timer);

	if (r == 0)
		timekeeper_ask(agent);
	return r;
}

void timekeeper_resumed(struct agent *agent, uint64_t realtime_ns)
{
	int64_t diff_ns;

	if (!agent->time.timer || realtime_ns > INT64_MAX / 2)
		return;
	diff_ns = (int64_t)realtime_ns - timekeeper_read(CLOCK_REALTIME);
	if (llabs(diff_ns) >= TIMEKEEPER_STEP_NS)
		timekeeper_step(agent, diff_ns);
	timekeeper_on_timer(agent);
}
