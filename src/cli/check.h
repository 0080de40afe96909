/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `vmrunc check`: what this machine has and lacks, in words or JSON.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "base/base.h"
#include "base/err.h"
#include "cli/cli.h"

/* Prints; call->exit_status is 1 where no container could run. */
must_check int check_run(struct call *call, struct err *err);

#endif
