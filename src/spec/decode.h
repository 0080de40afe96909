/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes a JSON tree into C structs, as const tables say.
 *
 * A table (struct spec_object) lists the fields of an object: the name in JSON, the kind, where the value goes in the
 * struct, and which values are allowed. So a type is described once and checked everywhere in the same words. A new
 * field of the spec is one line in spec.h, one in a table, and one in the support table.
 */
#ifndef SPEC_DECODE_H
#define SPEC_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "json/arena.h"
#include "json/json.h"
#include "json/warnings.h"
#include "spec/names.h"

enum spec_kind {
	K_BOOL,     /* bool */
	K_OPT_BOOL, /* struct opt_bool */
	K_I32,      /* int32_t, min to max */
	K_U32,      /* uint32_t, min to max */
	K_I64,
	K_U64,
	K_OPT_U32,
	K_OPT_I64,
	K_OPT_U64,
	K_STR,        /* char * */
	K_NAME,       /* one of .names: int, enum, uint32_t or char */
	K_NAMES,      /* array of .names: struct spec_u32v of their values */
	K_NAME_BITS,  /* array of .names: struct opt_u32, their values ored */
	K_STRV,       /* struct spec_strv */
	K_U32V,       /* struct spec_u32v */
	K_MAP,        /* object of strings: struct spec_map */
	K_OBJECT,     /* pointer to a struct of .object */
	K_EMBEDDED,   /* that struct itself */
	K_OBJECTS,    /* array of such objects: { size_t n; struct x *v; } */
	K_OBJECT_MAP, /* object whose members are such objects: likewise, and the key goes to .object->key_off */
	K_FN          /* .fn decodes the value */
};

/* One decoding in hand. */
struct decode {
	const char *name; /* the file, for messages */
	struct arena *arena;
	struct warnings *warnings;
	struct err *err;
};

/* The path of the value in hand, innermost part first: a key, or an index where key is NULL. */
struct where {
	const struct where *up;
	const char *key;
	size_t index;
};

struct spec_object;

struct spec_field {
	const char *key;
	enum spec_kind kind;
	bool required;
	size_t off, size; /* of the struct's member */
	int64_t min;      /* of a number; unsigned kinds take it as unsigned */
	uint64_t max;     /* of a number; signed kinds take it as signed */
	const struct spec_name *names;
	const struct spec_object *object;
	const char *what; /* errors end in "(invalid WHAT)", which are runc's words; NULL: they say the place alone */
	int (*fn)(struct decode *d, const struct where *at, const struct json *j, void *member);
};

#define SPEC_NO_KEY SIZE_MAX

/* A table has at most this many fields; that of struct spec_linux has 17. */
#define DECODE_FIELDS_MAX 32

struct spec_object {
	size_t size; /* of the C struct */
	size_t n;
	const struct spec_field *fields;
	size_t key_off; /* K_OBJECT_MAP: the char * that gets the key; else SPEC_NO_KEY */
};

#define SPEC_FIELD(type, member, key_, kind_, ...)                                    \
	{                                                                             \
		.key = (key_), .kind = (kind_), .off = offsetof(struct type, member), \
		.size = sizeof(((struct type *)0)->member), __VA_ARGS__               \
	}
#define SPEC_OBJECT(type, table)                                                                              \
	{                                                                                                     \
		.size = sizeof(struct type), .n = ARRAY_LEN(table), .fields = (table), .key_off = SPEC_NO_KEY \
	}

/* Puts " (invalid @what)" behind the error of @d; NULL passes. */
void decode_words(struct decode *d, const char *what);

/* The number of the field of @object whose key is exactly @key; its n if there is none. */
size_t decode_field_index(const struct spec_object *object, const char *key);

/*
 * Fills the zeroed struct @to from the object @j, which stands at the path @at and has the tables' spelling of each key
 * (spelling.h). Unknown fields are warnings. 0, or -EINVAL or -ENOMEM with a message.
 */
must_check int decode_object(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_object *object, void *to);

/* Sets d->err to `file:line: path: ` and the formatted text; line 0 is left out: there is no file. Returns -EINVAL. */
int decode_error(struct decode *d, const struct where *at, unsigned line, const char *fmt, ...) printf_like(4, 5);

/* Adds a warning in the same form. */
void decode_warn(struct decode *d, const struct where *at, unsigned line, const char *fmt, ...) printf_like(4, 5);

/* Decodes an array of strings into @member, a struct spec_strv. 0, or -EINVAL or -ENOMEM with a message. */
must_check int decode_strv(struct decode *d, const struct where *at, const struct json *j, void *member);

/* The string @j, borrowed from the tree. NULL if it is no string: then the error is set. */
const char *decode_str(struct decode *d, const struct where *at, const struct json *j);

/* Sets the error for a failed allocation. Returns -ENOMEM. */
int decode_oom(struct decode *d);

#endif
