/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each phase of a start ended: --timeline FILE, for benchmarks.
 *
 * The marks live in memory shared by create and the monitor (which cannot
 * reach the file from its jail); whoever ends last on the host side writes the
 * file: {"start": NS, "marks": [{"name": ..., "ns": NS since start}, ...]}.
 * Times are CLOCK_REALTIME.
 */
#ifndef APP_TIMELINE_H
#define APP_TIMELINE_H

#include "base/base.h"
#include "base/err.h"

#define TIMELINE_MARKS_MAX 32
#define TIMELINE_NAME_MAX 32

struct timeline;

/* Shared memory that a fork inherits; time starts now. NULL is a timeline that records nothing. */
must_check int timeline_new(struct timeline **ret, struct err *err);
void timeline_free(struct timeline *t);

/* Records that @name ends now; surplus marks are dropped. Any process, any thread. */
void timeline_mark(struct timeline *t, const char *name);

must_check int timeline_write(const struct timeline *t, const char *path, struct err *err);

#endif
