/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What vmrunc does with each field of config.json: one table.
 *
 * The features document, docs/spec-support.md, and the warnings and errors for what is not done all come from it. A
 * change of what the guest can do is a change of a row here (tests check that every field has a row, and that the
 * committed document is the table's).
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
	SUPPORT_IGNORED, /* a field that is set makes a warning with the note */
	SUPPORT_REFUSED  /* ... an error with the note */
};

/*
 * @path: "a.b" for fields, "a[].b" for fields of an array's elements, "a.*.b" for fields of a map's values, and
 * "a.b=word" or "a[]=word" for one value of a field. A row stands also for what lies below it and has no row.
 */
struct support_row {
	const char *path;
	enum support_status status;
	const char *note; /* NULL only where done */
};

/* Row @index of the table, or NULL behind the last. */
const struct support_row *support_row(size_t index);

/* What becomes of @field ("a[].b"): the row of it or of the nearest parent; NULL where there is none. */
const struct support_row *support_find(const char *field);

/* Whether @value of @field is done: its own row ("a.b=word") or else the field's. */
bool support_has(const char *field, const char *value);

/*
 * Goes through a whole config as JSON (@root): warnings for what is ignored and set, -ENOTSUP with a message for the
 * first that is refused and set.
 */
must_check int support_check(struct decode *d, const struct json *root);

/* docs/spec-support.md. Check buf_error(). */
void support_markdown(struct buf *out);

#endif
