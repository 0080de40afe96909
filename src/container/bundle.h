/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle: the directory with config.json and, mostly, the root file system.
 */
#ifndef CONTAINER_BUNDLE_H
#define CONTAINER_BUNDLE_H

#include <limits.h>

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

struct bundle {
	char path[PATH_MAX];   /* absolute, as it was given */
	char rootfs[PATH_MAX]; /* absolute */
	char *config;          /* the bytes of config.json: what the state directory keeps */
	size_t config_len;
	struct spec *spec;
};

#define BUNDLE_NONE          \
	{                    \
		.spec = NULL \
	}

void bundle_done(struct bundle *b);
#define autobundle __attribute__((cleanup(bundle_done))) struct bundle

/* Loads and checks the bundle at @path (NULL: the current directory). Warnings go to the log. */
must_check int bundle_load(const char *path, struct bundle *b, struct err *err);

#endif
