/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in a loaded config. */
#include "spec/spec.h"

#include <string.h>

const struct spec_namespace *spec_namespace_find(const struct spec *spec, enum spec_ns type)
{
	if (!spec->linux_)
		return NULL;
	for (size_t i = 0; i < spec->linux_->namespaces.n; i++)
		if (spec->linux_->namespaces.v[i].type == type)
			return &spec->linux_->namespaces.v[i];
	return NULL;
}

bool spec_mount_has(const struct spec_mount *m, const char *option)
{
	for (size_t i = 0; i < m->options.n; i++)
		if (strcmp(m->options.v[i], option) == 0)
			return true;
	return false;
}

const char *spec_annotation(const struct spec *spec, const char *key)
{
	for (size_t i = 0; i < spec->annotations.n; i++)
		if (strcmp(spec->annotations.v[i].key, key) == 0)
			return spec->annotations.v[i].value;
	return NULL;
}
