/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of signals, for `kill`.
 */
#ifndef SPEC_SIGNAL_H
#define SPEC_SIGNAL_H

#include "base/base.h"

/* Linux has the signals 1 to 64; kill(2) with 0 asks whether the process is there. */
#define SIGNAL_MAX 64

/*
 * The number, 0 to SIGNAL_MAX, of a signal that is written as "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3" or
 * "RTMAX-1". RTMIN is 34, as kill(1) counts. -EINVAL for anything else.
 */
must_check int signal_parse(const char *text);

/* The name of a signal (15: "SIGTERM"); NULL for one without a name of its own. */
const char *signal_name(int signal);

#endif
