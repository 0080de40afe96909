/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each phase of a start has ended: the file of --timeline, for benchmarks.
 *
 * The marks live in memory that create and the monitor share, because the monitor cannot reach the file from its jail.
 * create writes the file: {"start": NS, "marks": [{"name": ..., "ns": NS since start}, ...]}. Times are CLOCK_REALTIME.
 */
#ifndef APP_TIMELINE_H
#define APP_TIMELINE_H

#include "base/base.h"
#include "base/err.h"

#define TIMELINE_MARKS_MAX 32 /* a start makes about ten */
#define TIMELINE_NAME_MAX 32  /* with the NUL; a longer name is cut */

struct timeline;

/*
 * Makes a timeline in memory that a fork shares; its time starts now. 0 or -errno with a message. For the other
 * functions NULL is a timeline that records nothing.
 */
must_check int timeline_new(struct timeline **ret, struct err *err);

/* Unmaps the memory in this process. */
void timeline_free(struct timeline *t);

/*
 * Records that the phase @name (cut to TIMELINE_NAME_MAX - 1 bytes) ends now; surplus marks are dropped. Any process
 * and any thread.
 */
void timeline_mark(struct timeline *t, const char *name);

/* Writes the marks to the file @path, which is replaced as a whole. 0 or -errno with a message. */
must_check int timeline_write(const struct timeline *t, const char *path, struct err *err);

#endif
