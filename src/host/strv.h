/* SPDX-License-Identifier: Apache-2.0 */
/* A growing list of strings that owns its strings. */
#ifndef HOST_STRV_H
#define HOST_STRV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

struct strv {
	size_t n;
	char **v; /* @n strings; no NULL at the end */
};

#define STRV_INIT                 \
	{                         \
		.n = 0, .v = NULL \
	}

/* Appends a copy of @text: 0 or -ENOMEM, which leaves the list as it was. */
must_check int strv_add(struct strv *list, const char *text);

/* Whether @text is in the list. */
bool strv_has(const struct strv *list, const char *text);

/* Frees the strings and makes the list empty again. */
void strv_done(struct strv *list);
#define autostrv __attribute__((cleanup(strv_done))) struct strv

#endif
