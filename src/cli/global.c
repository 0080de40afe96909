/* SPDX-License-Identifier: Apache-2.0 */
/* The options that every command takes: see global.h. */
#include "cli/global.h"

#include "app/log.h"
#include "json/warnings.h"

#define FLAG(field, name, letter, help) CLI_FLAG_OPTION(struct global_options, field, name, letter, help)
#define STRING(field, name, value, help) CLI_STRING_OPTION(struct global_options, field, name, 0, value, help)

const struct cli_option global_options[] = {
	STRING(root, "root", "DIR", "where the state of containers is kept"),
	STRING(log, "log", "FILE", "append messages to FILE"),
	STRING(log_format, "log-format", "text|json", "format of that file"),
	STRING(log_level, "log-level", "error|warning|info|debug", "the least important messages that are written"),
	FLAG(debug, "debug", 0, "the same as --log-level debug"),
	FLAG(systemd_cgroup, "systemd-cgroup", 0, "cgroups are units of systemd"),
	STRING(cgroup_manager, "cgroup-manager", "cgroupfs|systemd|disabled", "what makes the cgroups"),
	STRING(engine, "engine", "auto|kvm|qemu", "what runs the virtual machine"),
	STRING(kernel, "kernel", "FILE", "the guest's kernel (vmlinux or bzImage)"),
	STRING(timeline, "timeline", "FILE", "write when each phase of the start ended"),
	STRING(config, "config", "FILE", "settings instead of /etc/vmrunc.json"),
	STRING(rootless, "rootless", "VALUE", "accepted as an option of runc; means nothing"),
	STRING(criu, "criu", "FILE", "accepted as an option of runc; means nothing"),
	FLAG(help, "help", 'h', "print this help"),
	FLAG(version, "version", 'v', "print the version, and the runtime specification's"),
	CLI_OPTIONS_END,
};

int global_settings(const struct global_options *global, struct settings *ret, struct err *err)
{
	const struct settings_words words = {
		.config = global->config,
		.root = global->root,
		.engine = global->engine,
		.kernel = global->kernel,
	};
	struct warnings warnings = WARNINGS_INIT;
	int r = settings_load(ret, &words, &warnings, err);

	log_warnings(&warnings);
	warnings_done(&warnings);
	return r;
}
