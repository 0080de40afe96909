/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded list of sentences. */
#include "json/warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void spec_warnings_done(struct spec_warnings *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	*w = (struct spec_warnings)SPEC_WARNINGS_INIT;
}

void spec_warn(struct spec_warnings *w, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	if (!w)
		return;
	if (!w->v)
		w->v = calloc(SPEC_WARNINGS_MAX, sizeof(*w->v));
	if (!w->v || w->n == SPEC_WARNINGS_MAX) {
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
