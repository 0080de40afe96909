/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors that the caller passes on to a process: --preserve-fds, and those of socket activation. */
#ifndef CLI_GIVEN_H
#define CLI_GIVEN_H

#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "life/life.h"

/*
 * Reads --preserve-fds @preserve (NULL: not given) and, if @listen, LISTEN_FDS and LISTEN_PID (sd_listen_fds(3)), and
 * checks that all of these descriptors, from 3 on, are open. As with runc, those of LISTEN_FDS come first, and the others
 * are counted behind them. 0 with *@ret, or -errno with an error.
 */
must_check int given_read(const char *preserve, bool listen, struct given_fds *ret, struct err *err);

#endif
