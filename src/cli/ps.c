/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc ps`: lists the processes of a container. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "cli/pstable.h"
#include "life/ps.h"

struct ps_options {
	const char *format;
};

/* The pids on the host, which an engine knows its processes by. */
static int print_pids(const struct settings *settings, const char *id, struct err *err)
{
	autofree pid_t *pids = NULL;
	size_t n = 0;
	struct warnings warnings = WARNINGS_INIT;
	int r = container_pids(settings, id, &pids, &n, &warnings, err);

	log_warnings(&warnings);
	warnings_done(&warnings);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		(void)printf("%s%ld", i ? "," : "[", (long)pids[i]);
	(void)puts(n ? "]" : "[]"); /* main() checks stdout at the end */
	return 0;
}

/* The guest's processes, as ps(1) with the options @words would print them. */
static int print_table(const struct settings *settings, const char *id, const char *const *words, struct err *err)
{
	struct guest_ps ps = GUEST_PS_NONE;
	struct pstable table;
	int r = pstable_parse(&table, words, err);

	if (r == 0)
		r = container_ps(settings, id, &ps, err);
	if (r == 0)
		r = pstable_print(&table, &ps.list, err);
	if (r == 0 && ps.list.cut)
		log_warning("ps: the container has more processes than its guest can list");
	guest_ps_done(&ps);
	return r;
}

static int ps(struct call *call, struct err *err)
{
	const struct ps_options *options = call->options;
	struct settings settings;
	int r = global_settings(&call->global, &settings, err);

	if (r < 0)
		return r;
	if (!options->format || strcmp(options->format, "table") == 0)
		return print_table(&settings, call->argv[0], (const char *const *)(call->argv + 1), err);
	if (strcmp(options->format, "json") == 0)
		return print_pids(&settings, call->argv[0], err);
	return err_set(err, EINVAL, "--format: \"%s\" is neither table nor json", options->format);
}

static const struct cli_option ps_options[] = {
	CLI_STRING_OPTION(
		struct ps_options, format, "format", 'f', "table|json", "how to print; json is pids on the host"),
	CLI_OPTIONS_END,
};

const struct command command_ps = {
	.name = "ps",
	.args = "ID [PS-OPTIONS]",
	.min_args = 1,
	.words = true,
	.help = "list the processes of a container",
	.options = ps_options,
	.options_size = sizeof(struct ps_options),
	.run = ps,
};
