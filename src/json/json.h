/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads JSON text into a tree that knows its lines.
 *
 * yajl's own tree forgets positions and turns numbers into doubles; this one keeps both as they stand in the file. All
 * of vmrunc reads JSON with it.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "json/arena.h"
#include "json/warnings.h"

/* The OCI runtime spec nests 7 levels deep; fields that we do not know may be deeper. */
#define JSON_DEPTH_MAX 64
/* A privileged container's config has about 2000 values. */
#define JSON_NODES_MAX (256u * 1024)

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	unsigned line;             /* where the value begins, or its last token does; from 1 */
	bool boolean;              /* JSON_BOOL */
	char *key;                 /* of a member of an object, else NULL */
	char *text;                /* JSON_STRING: unescaped, without NUL bytes; JSON_NUMBER: as written */
	size_t n;                  /* JSON_ARRAY, JSON_OBJECT: how many children */
	struct json *first, *last; /* children, in the file's order */
	struct json *next;         /* the parent's next child */
};

/* What json_parse() lets pass beyond plain JSON. */
enum json_flags {
	JSON_COMMENTS = 1, /* comments as in C and C++: for files that people write */
	JSON_OWN = 2 /* a file that we wrote ourselves: JSON_NODES_MAX does not apply, its length is bound enough */
};

/*
 * Parses @len bytes; @flags are enum json_flags. The tree lives in @arena. @name stands for the file in messages, which
 * begin with `name:line: `. Where an object has a key twice, the last one counts, with a warning. @warnings and @err
 * may be NULL. 0, -EINVAL (not JSON, a NUL in a string), -E2BIG (one of the limits above) or -ENOMEM.
 */
must_check int json_parse(const char *name, const char *text, size_t len, unsigned flags, struct arena *arena,
	struct json **ret, struct warnings *warnings, struct err *err);

/* The member @key of an object; NULL if there is none, or if @obj is NULL or no object. */
const struct json *json_get(const struct json *obj, const char *key);

/* The same, but NULL also if the member's type is not @type. */
const struct json *json_get_type(const struct json *obj, const char *key, enum json_type type);

/* The text of the string member @key, borrowed from the tree; NULL if there is none. */
const char *json_get_string(const struct json *obj, const char *key);

/* The whole number @key into *@ret; false, and *@ret untouched, if there is none or it does not fit. */
bool json_get_i64(const struct json *obj, const char *key, int64_t *ret);

/* The value of a number @j into *@ret; false if it is written with a fraction or an exponent, or does not fit. */
must_check bool json_i64(const struct json *j, int64_t *ret);
must_check bool json_u64(const struct json *j, uint64_t *ret);

/*
 * The line of the value at @path ("a.b[2].c") below @root; where there is none, the line of the nearest value that
 * would enclose it. Keys may contain dots.
 */
unsigned json_line(const struct json *root, const char *path);

/* False for null, false, 0, "", [] and {}: values that ask for nothing. */
bool json_is_set(const struct json *j);

#endif
