/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that every command takes. They may stand before the command or behind it.
 */
#ifndef CLI_GLOBAL_H
#define CLI_GLOBAL_H

#include <stdbool.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"
#include "cli/option.h"

struct global_options {
	const char *root, *log, *log_format, *log_level;
	const char *cgroup_manager, *engine, *kernel, *timeline, *config;
	bool debug, systemd_cgroup, help, version;
	const char *rootless, *criu; /* options of runc that mean nothing here */
};

/* Their rows: the fields are those of struct global_options. Ends with CLI_OPTIONS_END. */
extern const struct cli_option global_options[];

/*
 * Loads the settings, with what @global says about them, and prints the warnings of that. Returns 0 or -errno with an
 * error.
 */
must_check int global_settings(const struct global_options *global, struct settings *ret, struct err *err);

#endif
