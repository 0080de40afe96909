/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a config means, checked after its types: each rule of the spec that a
 * table cannot say, and the few that every runtime adds. It also puts the spec
 * into its one normal form (absolute destinations, no empty paths).
 */
#ifndef SPEC_VALIDATE_H
#define SPEC_VALIDATE_H

#include "spec/cpulist.h"
#include "spec/decode.h"
#include "spec/spec.h"

#define VALIDATE_PATH_MAX 256

struct validate {
	struct decode *d;
	const struct json *root; /* for lines, and for "was it given" */
	struct spec *spec;
	char path[VALIDATE_PATH_MAX];
};

/* A whole config. 0 or -EINVAL with a message. */
must_check int validate_config(struct decode *d, const struct json *root, struct spec *spec);

/* spec->process (not NULL) alone; spec->linux_->resources (not NULL) alone. */
must_check int validate_process_only(struct decode *d, const struct json *root, struct spec *spec);
must_check int validate_resources_only(struct decode *d, const struct json *root, struct spec *spec);

/* --- between validate.c and validate_linux.c --- */

must_check int validate_linux(struct validate *v);
must_check int validate_resources(struct validate *v);

/* The formatted field path, kept in @v until the next call. */
const char *validate_at(struct validate *v, const char *fmt, ...) printf_like(2, 3);

/* `file:line: path: text`, with the line of @path. validate_bad returns -EINVAL. */
int validate_bad(struct validate *v, const char *path, const char *fmt, ...) printf_like(3, 4);
void validate_warn(struct validate *v, const char *path, const char *fmt, ...) printf_like(3, 4);

/* @value (NULL: nothing to check) begins with '/': 0 or -EINVAL. */
must_check int validate_absolute(struct validate *v, const char *path, const char *value);

/* @value (NULL: nothing to check) is a list of numbers. */
must_check int validate_list(struct validate *v, const char *path, const char *value);

/* Mappings at @path: sizes, ranges within 32 bits, no two that overlap. */
must_check int validate_idmaps(struct validate *v, const char *path, const struct spec_idmaps *maps);

/* Makes "" the same as absent. */
static inline void validate_drop_empty(char **s)
{
	if (*s && !**s)
		*s = NULL;
}

#endif
