/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses, as its cgroup in the guest counts it. */
#ifndef LIFE_STATS_H
#define LIFE_STATS_H

#include <stdint.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Appends the figures of container @id to @out, as the JSON object that runc has in the "data" of its events. 0, or
 * -errno with an error (-ESRCH: it does not run; -EAGAIN: it is paused, and its guest does not answer; -ETIMEDOUT: the
 * guest does not answer all the same). @out may have a part of them then.
 */
must_check int container_stats(const struct settings *settings, const char *id, struct buf *out, struct err *err);

/*
 * How many processes of container @id the guest's OOM killer has killed so far, in *@ret. Of one that has stopped only
 * whether that was so at its end: 0 or 1. 0, or -errno with an error (-ESRCH: it has stopped, and *@ret is set; -EAGAIN:
 * it is paused, ends, or does not answer).
 */
must_check int container_oom_kills(const struct settings *settings, const char *id, uint64_t *ret, struct err *err);

#endif
