/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings as a bounded list of sentences. */
#include "json/warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void warnings_done(struct warnings *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	*w = (struct warnings)WARNINGS_INIT;
}

void warnings_add(struct warnings *w, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	if (!w)
		return;
	if (!w->v)
		w->v = calloc(WARNINGS_MAX, sizeof(*w->v));
	if (!w->v || w->n == WARNINGS_MAX) {
		w->extra++;
		return;
	}
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		w->extra++;
	else
		w->v[w->n++] = text;
}
