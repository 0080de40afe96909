/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals by name, for `kill`.
 */
#ifndef SPEC_SIGNAL_H
#define SPEC_SIGNAL_H

#include "base/base.h"

/* Linux has signals 1 to 64; 0 asks whether the process is there. */
#define SIGNAL_MAX 64

/*
 * "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3", "RTMAX-1" (as kill(1) counts them:
 * RTMIN is 34) -> its number, 0 to SIGNAL_MAX; -EINVAL for anything else.
 */
must_check int signal_parse(const char *text);

/* 15 -> "SIGTERM"; NULL for those without a name of their own. */
const char *signal_name(int signal);

#endif
