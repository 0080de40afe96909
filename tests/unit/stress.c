/* SPDX-License-Identifier: Apache-2.0 */
/* What the stress tests share: see stress.h. */
#include "stress.h"

#include <stdlib.h>
#include <unistd.h>

#define HANG_S 120 /* beyond the time of a test */

unsigned int stress_seconds(void)
{
	const char *text = getenv("STRESS_SECONDS");

	return text && atoi(text) > 0 ? (unsigned int)atoi(text) : 1;
}

unsigned int stress_rnd(unsigned int *seed, unsigned int below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 8) % below;
}

void stress_begin(void)
{
	alarm(stress_seconds() + HANG_S);
}

void stress_end(void)
{
	alarm(0);
}
