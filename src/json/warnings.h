/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a config asks for and does not get, in sentences for the log.
 */
#ifndef JSON_WARNINGS_H
#define JSON_WARNINGS_H

#include <stddef.h>

#include "base/base.h"

/* More are counted, not kept: a file of a million unknown fields must not fill the log. */
#define SPEC_WARNINGS_MAX 128

struct spec_warnings {
	size_t n;     /* kept, <= SPEC_WARNINGS_MAX */
	size_t extra; /* not kept */
	char **v;     /* like err messages: `config.json:12: foo: unknown field` */
};

#define SPEC_WARNINGS_INIT                    \
	{                                     \
		.n = 0, .extra = 0, .v = NULL \
	}

void spec_warnings_done(struct spec_warnings *w);

/* Adds a sentence; @w may be NULL. A failed allocation counts it as extra. */
void spec_warn(struct spec_warnings *w, const char *fmt, ...) printf_like(2, 3);

#endif
