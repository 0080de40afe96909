/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings of a library, as sentences that its caller prints or drops: what a config asks for and does not get, for
 * example. Libraries do not write to the log themselves.
 */
#ifndef JSON_WARNINGS_H
#define JSON_WARNINGS_H

#include <stddef.h>

#include "base/base.h"

/* Further warnings are counted but not kept: a config with a million unknown fields must not fill the log. */
#define WARNINGS_MAX 128

struct warnings {
	size_t n;     /* sentences kept, <= WARNINGS_MAX */
	size_t extra; /* sentences not kept */
	char **v;     /* worded like the messages of struct err: `config.json:12: foo: unknown field` */
};

#define WARNINGS_INIT                         \
	{                                     \
		.n = 0, .extra = 0, .v = NULL \
	}

/* Frees the sentences and makes @w empty again. @w may be NULL. */
void warnings_done(struct warnings *w);

/* Appends a sentence. @w may be NULL: then the warning is dropped. A sentence that finds no memory counts as extra. */
void warnings_add(struct warnings *w, const char *fmt, ...) printf_like(2, 3);

#endif
