/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle: the directory that has config.json in it and, usually, the root file system. */
#ifndef CONTAINER_BUNDLE_H
#define CONTAINER_BUNDLE_H

#include <limits.h>

#include "base/base.h"
#include "base/err.h"
#include "json/warnings.h"
#include "spec/spec.h"

struct bundle {
	char path[PATH_MAX];   /* absolute, without symbolic links */
	char rootfs[PATH_MAX]; /* absolute */
	char *config;          /* the bytes of config.json, which the state directory keeps */
	size_t config_len;
	struct spec *spec;
};

#define BUNDLE_NONE          \
	{                    \
		.spec = NULL \
	}

/* Frees what @b owns and makes it BUNDLE_NONE. */
void bundle_done(struct bundle *b);
#define autobundle __attribute__((cleanup(bundle_done))) struct bundle

/*
 * Reads and checks the bundle at @path (NULL: the current directory) into @b, which is BUNDLE_NONE. Adds to @warnings
 * what the config asks for and does not get. Returns 0, or -errno with an error. The caller calls bundle_done() in any
 * case.
 */
must_check int bundle_load(const char *path, struct bundle *b, struct warnings *warnings, struct err *err);

#endif
