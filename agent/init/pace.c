/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduling of the agent: see pace.h. */
#include "init/pace.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A frame of so many bytes was worth its way: output that comes like this is left alone. */
#define PACE_SMALL (16 * 1024)

static void pace_set(struct agent *agent, bool batch)
{
	const struct sched_param none = { .sched_priority = 0 };

	/* if the kernel refuses, output costs more frames, and is the same */
	if (agent->batch != batch)
		(void)syscall(SYS_sched_setscheduler, 0, batch ? SCHED_BATCH : SCHED_OTHER, &none); /* musl has none */
	agent->batch = batch;
}

void pace_output(struct agent *agent, size_t len)
{
	if (len < PACE_SMALL)
		pace_set(agent, true);
}

void pace_request(struct agent *agent)
{
	pace_set(agent, false);
}
