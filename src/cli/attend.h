/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of exec in the foreground: this process passes signals on to it, copies between its terminal and our own if it
 * has one, and takes its exit status.
 */
#ifndef CLI_ATTEND_H
#define CLI_ATTEND_H

#include "base/base.h"
#include "base/err.h"
#include "life/exec.h"

/*
 * Attends to the process @x, whose descriptors are owned from here on, until it has ended. Returns 0 with its exit code
 * (128 + n after signal n) in *@ret_status, or -errno with an error. All signals that can be passed on stay blocked.
 */
must_check int attend(const struct exec_started *x, int *ret_status, struct err *err);

#endif
