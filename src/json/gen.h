/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON: yajl's generator with a sticky error, so that a writer checks once.
 */
#ifndef JSON_GEN_H
#define JSON_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

struct yajl_gen_t;

struct gen {
	struct yajl_gen_t *yajl;
	bool failed;
};

/* 0, or -ENOMEM; indented with @indent (NULL: all on one line). */
must_check int gen_init(struct gen *g, const char *indent);

/*
 * Appends the finished text, with a line feed at its end, to @out and frees
 * @g. 0, -ENOMEM, or -EINVAL for JSON that does not nest or text that is not UTF-8.
 */
must_check int gen_finish(struct gen *g, struct buf *out, struct err *err);

void gen_open_object(struct gen *g);
void gen_close_object(struct gen *g);
void gen_open_array(struct gen *g);
void gen_close_array(struct gen *g);

void gen_string(struct gen *g, const char *text);
void gen_integer(struct gen *g, int64_t value);
void gen_bool(struct gen *g, bool value);

/* A member of the open object. */
void gen_key(struct gen *g, const char *key);
void gen_key_string(struct gen *g, const char *key, const char *text);
void gen_key_integer(struct gen *g, const char *key, int64_t value);
void gen_key_bool(struct gen *g, const char *key, bool value);
void gen_key_object(struct gen *g, const char *key);
void gen_key_array(struct gen *g, const char *key);

/* An array of @texts up to a NULL. */
void gen_key_strings(struct gen *g, const char *key, const char *const *texts);

#endif
