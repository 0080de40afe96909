/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that need no container: spec and features. check has cmd_check.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "spec/default.h"
#include "spec/features.h"

static int cmd_spec(struct call *call, struct err *err)
{
	const char *bundle = call->options->bundle ? call->options->bundle : ".";
	autobuf text = BUF_INIT;
	autoclose int dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int fd = -1;
	int r;

	if (dir < 0)
		return err_sys(err, errno, "bundle \"%s\"", bundle);
	r = spec_default_json(&text, call->options->rootless_spec, err);
	if (r < 0)
		return r;
	fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return err_set(err, EEXIST, "\"%s/config.json\" exists: remove it first", bundle);
	if (fd < 0)
		return err_sys(err, errno, "cannot make \"%s/config.json\"", bundle);
	r = fd_write_full(fd, text.data, text.len);
	if (r < 0) {
		(void)unlinkat(dir, "config.json", 0); /* half a file helps nobody */
		return err_sys(err, r, "cannot write \"%s/config.json\"", bundle);
	}
	return 0;
}

static int cmd_features(struct call *call, struct err *err)
{
	autobuf text = BUF_INIT;
	int r = features_json(&text, err);

	(void)call;
	if (r == 0)
		(void)fwrite(text.data, 1, text.len, stdout);
	return r;
}

static int cmd_check(struct call *call, struct err *err)
{
	return check_run(call, err);
}

static const struct cli_option spec_options[] = {
	CLI_STRING_OPTION("bundle", 'b', "DIR", bundle, "where to write it (default: the current directory)"),
	CLI_FLAG_OPTION("rootless", 0, rootless_spec, "for a caller without privileges"),
	CLI_OPTIONS_END,
};

static const struct cli_option check_options[] = {
	CLI_STRING_OPTION("format", 'f', "text|json", format, "how to print"),
	CLI_OPTIONS_END,
};

const struct command cmd_info_table[] = {
	{ "spec", "", 0, 0, "write a config.json to start from", spec_options, cmd_spec },
	{ "features", "", 0, 0, "print what is supported, as the runtime spec's features document", NULL,
		cmd_features },
	{ "check", "", 0, 0, "say whether this machine can run containers, and what is missing", check_options,
		cmd_check },
	{ .name = NULL },
};
