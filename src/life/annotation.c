/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations of a container that choose something of its VM: see annotation.h. */
#include "life/annotation.h"

#include <stdio.h>
#include <string.h>

const char *annotation_get(const struct settings *s, const struct spec *spec, enum settings_annotation which)
{
	return s->annotations[which] ? spec_annotation(spec, settings_annotation_name(which)) : NULL;
}

void annotations_warn(const struct settings *s, const struct spec *spec, struct warnings *warnings)
{
	const size_t prefix = sizeof(SETTINGS_ANNOTATION_PREFIX) - 1;

	for (size_t i = 0; i < spec->annotations.n; i++) {
		const char *key = spec->annotations.v[i].key;
		int which = 0;

		if (strncmp(key, SETTINGS_ANNOTATION_PREFIX, prefix) != 0)
			continue;
		while (which < SETTINGS_ANNOTATIONS &&
			strcmp(key, settings_annotation_name((enum settings_annotation)which)) != 0)
			which++;
		if (which == SETTINGS_ANNOTATIONS)
			warnings_add(warnings, "annotation \"%s\": ignored: there is no such one", key);
		else if (!s->annotations[which])
			warnings_add(warnings,
				"annotation \"%s\": ignored: \"annotations\" in the host's vmrunc.json does not have \"%s\"",
				key, key + prefix);
	}
}

int annotation_number(const struct settings *s, const struct spec *spec, enum settings_annotation which, uint64_t min,
	uint64_t max, uint64_t *ret, struct err *err)
{
	const char *text = annotation_get(s, spec, which);
	char where[64];
	int r;

	if (!text)
		return 0;
	(void)snprintf(where, sizeof(where), "annotation \"%s\"", settings_annotation_name(which));
	r = settings_number(text, where, min, max, ret, err);
	return r < 0 ? r : 1;
}
