/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON into a buffer.
 *
 * The buffer's error is sticky, so a writer checks once at the end. That values nest as they should is up to the
 * caller: wrong nesting is our own mistake and ends in an assertion. Text may hold any bytes: what is not UTF-8 is
 * replaced, so the output is valid JSON whatever a file name or a guest has put into a string.
 */
#ifndef JSON_GEN_H
#define JSON_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "json/json.h"

/* How values are laid out. An indented text ends with a line feed, the others do not. */
enum gen_style {
	GEN_COMPACT,  /* {"a":1,"b":[2,3]} */
	GEN_WIDE,     /* {"a": 1, "b": [2, 3]} */
	GEN_INDENT_2, /* a line each, indented by two blanks a level */
	GEN_INDENT_4, /* by four blanks */
	GEN_INDENT_TAB
};

struct gen {
	struct buf *out; /* borrowed */
	enum gen_style style;
	unsigned depth;      /* of objects and arrays that are open */
	bool first;          /* the innermost one has no member yet */
	bool keyed;          /* a key has been written and waits for its value */
	const char *newline; /* see gen_newline() */
};

/* Starts a text that is appended to @out, which must live as long as @g. Needs no undoing. */
void gen_init(struct gen *g, struct buf *out, enum gen_style style);

/* Ends the text. 0, or -ENOMEM if the buffer has failed. */
must_check int gen_finish(struct gen *g, struct err *err);

/* Opens or closes an object or an array, as a value of its own. */
void gen_open_object(struct gen *g);
void gen_close_object(struct gen *g);
void gen_open_array(struct gen *g);
void gen_close_array(struct gen *g);

/* Writes a value: into an array, or after gen_key(). A string may be NULL, which counts as "". */
void gen_string(struct gen *g, const char *text);
void gen_string_len(struct gen *g, const char *text, size_t len); /* @len bytes, which may include NUL */
void gen_integer(struct gen *g, int64_t value);
void gen_unsigned(struct gen *g, uint64_t value);
void gen_bool(struct gen *g, bool value);

/* Writes the value @j as it was read; numbers keep their text. */
void gen_json(struct gen *g, const struct json *j);

/* Writes the name of the open object's next member; its value must follow. */
void gen_key(struct gen *g, const char *key);

/* Write a whole member of the open object; the last two open it, and the caller closes it. */
void gen_key_string(struct gen *g, const char *key, const char *text);
void gen_key_integer(struct gen *g, const char *key, int64_t value);
void gen_key_bool(struct gen *g, const char *key, bool value);
void gen_key_object(struct gen *g, const char *key);
void gen_key_array(struct gen *g, const char *key);

/* Writes a member that is an array of @texts, up to a NULL. */
void gen_key_strings(struct gen *g, const char *key, const char *const *texts);

/* In a style without lines: the next value or closing bracket goes on a new line that begins with @indent. */
void gen_newline(struct gen *g, const char *indent);

/* Appends @len bytes of @text to @out as a JSON string, in quotes and escaped. */
void gen_quote(struct buf *out, const char *text, size_t len);

#endif
