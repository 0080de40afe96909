/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container in the foreground: create, start, wait and delete in one process.
 *
 * This process is the subreaper of the monitor, and so gets its exit status. Meanwhile it passes signals on to the monitor,
 * prints the warnings that the monitor reports, and copies between the container's terminal and its own if the container
 * has one.
 */
#ifndef CLI_FOREGROUND_H
#define CLI_FOREGROUND_H

#include <stdbool.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"
#include "life/life.h"

/*
 * Runs the container of @request, whose console is set here, until it has stopped, and deletes it unless @keep is set.
 * Returns 0 with the container's exit code (128 + n after signal n) in *@ret_status, or -errno with an error. All signals
 * that can be passed on stay blocked.
 */
must_check int foreground_run(
	const struct settings *settings, struct create_request *request, bool keep, int *ret_status, struct err *err);

#endif
