/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc features`: prints what this runtime supports. */
#include <stdio.h>

#include "base/buf.h"
#include "cli/commands.h"
#include "spec/features.h"

static int print_features(struct call *call, struct err *err)
{
	autobuf text = BUF_INIT;
	int r = features_json(&text, err);

	(void)call; /* nothing that a caller says changes them */
	if (r == 0)
		(void)fwrite(text.data, 1, text.len, stdout); /* main() checks stdout at the end */
	return r;
}

const struct command command_features = {
	.name = "features",
	.args = "",
	.help = "print what is supported, as the runtime spec's features document",
	.run = print_features,
};
