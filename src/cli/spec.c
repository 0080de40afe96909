/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc spec`: writes a config.json to start from. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "spec/default.h"

struct spec_options {
	const char *bundle;
	bool rootless;
};

/* Makes config.json in the bundle. One that exists is never overwritten. */
static int write_spec(struct call *call, struct err *err)
{
	const struct spec_options *options = call->options;
	const char *bundle = options->bundle ? options->bundle : ".";
	autobuf text = BUF_INIT;
	autoclose int dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int fd = -1;
	int r;

	if (dir < 0)
		return err_sys(err, errno, "bundle \"%s\"", bundle);
	r = spec_default_json(&text, options->rootless, err);
	if (r < 0)
		return r;
	fd = openat(dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return err_set(err, EEXIST, "\"%s/config.json\" exists: remove it first", bundle);
	if (fd < 0)
		return err_sys(err, errno, "cannot make \"%s/config.json\"", bundle);
	r = fd_write_full(fd, text.data, text.len);
	if (r < 0) {
		(void)unlinkat(dir, "config.json", 0); /* half a file is worse than none */
		return err_sys(err, r, "cannot write \"%s/config.json\"", bundle);
	}
	return 0;
}

static const struct cli_option spec_options[] = {
	CLI_STRING_OPTION(struct spec_options, bundle, "bundle", 'b', "DIR",
		"where to write it (default: the current directory)"),
	CLI_FLAG_OPTION(struct spec_options, rootless, "rootless", 0, "write one for a caller without privileges"),
	CLI_OPTIONS_END,
};

const struct command command_spec = {
	.name = "spec",
	.args = "",
	.help = "write a config.json to start from",
	.options = spec_options,
	.options_size = sizeof(struct spec_options),
	.run = write_spec,
};
