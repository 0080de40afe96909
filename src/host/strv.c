/* SPDX-License-Identifier: Apache-2.0 */
/* A growing list of strings: see strv.h. */
#include "host/strv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int strv_add(struct strv *list, const char *text)
{
	char **grown = reallocarray(list->v, list->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->v = grown;
	list->v[list->n] = strdup(text);
	if (!list->v[list->n])
		return -ENOMEM;
	list->n++;
	return 0;
}

bool strv_has(const struct strv *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i], text) == 0)
			return true;
	}
	return false;
}

void strv_done(struct strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	*list = (struct strv)STRV_INIT;
}
