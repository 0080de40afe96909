/* SPDX-License-Identifier: Apache-2.0 */
/* The time stamp counter's frequency: see tsc.h. */
#include "vm/qemu/tsc.h"

#include <time.h>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

#include "base/base.h"

#define NS_PER_MS 1000000u
#define TSC_SPAN_MS 10 /* between the samples; an error of 100 ns in each of them makes 20 ppm */
#define TSC_TRIES 16   /* readings for one sample, the best of which counts: some are interrupted in the middle */
#define TSC_NEAR 2000  /* ticks; a reading that takes no longer is good */
/* The frequencies of x86 machines whose counter runs evenly lie between these. */
#define TSC_KHZ_MIN 400000u
#define TSC_KHZ_MAX 10000000u

/* The counter; on other machines than x86, which have none of that name, a constant, so that no frequency is found. */
static uint64_t tsc_read(void)
{
#ifdef __x86_64__
	return __rdtsc();
#else
	return 0;
#endif
}

static uint64_t tsc_now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC_RAW, &ts); /* cannot fail with this clock */
	return (uint64_t)ts.tv_sec * 1000u * NS_PER_MS + (uint64_t)ts.tv_nsec;
}

struct tsc_sample tsc_sample(void)
{
	struct tsc_sample best = { 0, 0 };
	uint64_t best_width = UINT64_MAX;

	for (int i = 0; i < TSC_TRIES && best_width > TSC_NEAR; i++) {
		uint64_t before = tsc_read();
		uint64_t ns = tsc_now_ns();
		uint64_t width = tsc_read() - before;

		if (width < best_width) {
			best_width = width;
			best = (struct tsc_sample){ .ticks = before + width / 2, .ns = ns };
		}
	}
	return best;
}

unsigned int tsc_khz_since(struct tsc_sample from)
{
	uint64_t span_ns = (uint64_t)TSC_SPAN_MS * NS_PER_MS, past_ns = tsc_now_ns() - from.ns;
	struct tsc_sample now;
	uint64_t khz;

	if (past_ns < span_ns) {
		struct timespec wait = { .tv_sec = 0, .tv_nsec = (long)(span_ns - past_ns) };

		(void)nanosleep(&wait, NULL); /* to wake early only costs accuracy */
	}
	now = tsc_sample();
	if (now.ticks <= from.ticks || now.ns <= from.ns)
		return 0;
	khz = (uint64_t)((double)(now.ticks - from.ticks) * NS_PER_MS / (double)(now.ns - from.ns));
	return khz >= TSC_KHZ_MIN && khz <= TSC_KHZ_MAX ? (unsigned int)khz : 0;
}
