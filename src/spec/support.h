/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What vmrunc does with each field of config.json, from one table.
 *
 * The features document, docs/spec-support.md, and the warnings and errors for fields that are not carried out all come
 * from the table. When the guest learns something, a row changes, and nothing else. Tests check that every field has a
 * row, and that the committed document is the one that the table makes.
 */
#ifndef SPEC_SUPPORT_H
#define SPEC_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/buf.h"
#include "spec/decode.h"

enum support_status {
	SUPPORT_DONE,
	SUPPORT_IGNORED, /* if the field is set, a warning gives the note */
	SUPPORT_REFUSED  /* if the field is set, an error gives the note */
};

/*
 * A row of the table. @path is "a.b" for a field, "a[].b" for a field of an array's elements, "a.*.b" for a field of a
 * map's values, and "a.b=word" or "a[]=word" for one value of a field. A row also stands for the fields below it that
 * have none.
 */
struct support_row {
	const char *path;
	enum support_status status;
	const char *note; /* never NULL unless the status is done */
};

/* Row @index of the table, or NULL behind the last. */
const struct support_row *support_row(size_t index);

/* The row of @field ("a[].b") or of its nearest parent; NULL if neither has one. */
const struct support_row *support_find(const char *field);

/* True if @value of @field is carried out, by the value's own row ("a.b=word") or else by the field's. */
bool support_has(const char *field, const char *value);

/*
 * Goes through the config whose tree is @root. Fields that are set and ignored become warnings; the first one that is
 * set and refused is an error, -ENOTSUP with a message. Else 0.
 */
must_check int support_check(struct decode *d, const struct json *root);

/* Appends the text of docs/spec-support.md to @out; the caller checks buf_error(). */
void support_markdown(struct buf *out);

#endif
