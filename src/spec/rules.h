/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rules for a config's meaning have in common: how a rule names the field that breaks it, and the rules that
 * hold for fields of several sections.
 */
#ifndef SPEC_RULES_H
#define SPEC_RULES_H

#include "spec/decode.h"
#include "spec/spec.h"

/* A longer field path is cut in messages: it still names the field's parents. */
#define RULES_PATH_MAX 256

/* One validation in hand. */
struct validation {
	struct decode *d;        /* receives the error and the warnings */
	const struct json *root; /* the file's tree, for the lines of its fields */
	struct spec *spec;       /* what was decoded from it; a rule may bring a value into its normal form */
	char path[RULES_PATH_MAX];
};

/* The formatted field path, such as "mounts[2].source". It is kept in @v until the next call. */
const char *rules_at(struct validation *v, const char *fmt, ...) printf_like(2, 3);

/* Sets the error `file:line: path: text`, with the line where @path stands in the file. Returns -EINVAL. */
int rules_bad(struct validation *v, const char *path, const char *fmt, ...) printf_like(3, 4);

/* Adds the warning `file:line: path: text`. */
void rules_warn(struct validation *v, const char *path, const char *fmt, ...) printf_like(3, 4);

/* Checks that @value begins with '/'; NULL passes. 0 or -EINVAL. */
must_check int rules_absolute(struct validation *v, const char *path, const char *value);

/* Checks that @value is a list as cpulist_parse() takes it; NULL passes. 0 or -EINVAL. */
must_check int rules_list(struct validation *v, const char *path, const char *value);

/* Checks the ID mappings at @path: no size is 0, ranges stay within 32 bits, no two overlap. 0, -EINVAL or -ENOMEM. */
must_check int rules_idmaps(struct validation *v, const char *path, const struct spec_idmaps *maps);

/* Turns the empty string at *@s into NULL, which means "absent". */
static inline void rules_drop_empty(char **s)
{
	if (*s && !**s)
		*s = NULL;
}

#endif
