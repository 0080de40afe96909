/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text as a tree that knows its lines.
 *
 * yajl's own tree forgets positions and turns numbers into doubles; this one
 * keeps both as they stood in the file.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "json/arena.h"
#include "json/warnings.h"

/* The spec's own structure is 7 deep; what is unknown to us may be deeper. */
#define JSON_DEPTH_MAX 64
/* A privileged container's config has about 2000 values. */
#define JSON_NODES_MAX (256u * 1024)

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	unsigned line; /* 1... */
	bool boolean;
	char *key;  /* inside an object, else NULL */
	char *text; /* string: unescaped, without NUL bytes; number: as written */
	size_t n;   /* children */
	struct json *first, *last, *next;
};

/*
 * Parses @len bytes; the tree lives in @arena. @name stands for the file in
 * messages. Where an object has a key twice, the last one counts, with a warning.
 * 0, -EINVAL (not JSON, a NUL in a string), -E2BIG (a limit above) or -ENOMEM.
 */
must_check int json_parse(const char *name, const char *text, size_t len, struct arena *arena, struct json **ret,
	struct warnings *warnings, struct err *err);

/* The member @key of an object, or NULL (also where @obj is none). */
const struct json *json_get(const struct json *obj, const char *key);

/*
 * The line of what stands at @path ("a.b[2].c") below @root, or of the
 * nearest enclosing value where there is none. Keys may contain dots.
 */
unsigned json_line(const struct json *root, const char *path);

/* False for null, false, 0, "", [] and {}: values that ask for nothing. */
bool json_is_set(const struct json *j);

#endif
