/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules of validate.c and validate_linux.c have in common: see rules.h. */
#include "spec/rules.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpulist.h"

const char *rules_at(struct validation *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(v->path, sizeof(v->path), fmt, ap); /* a cut path still names the field's parents */
	va_end(ap);
	return v->path;
}

int rules_bad(struct validation *v, const char *path, const char *fmt, ...)
{
	const struct where at = { .key = path };
	char text[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut, as struct err would cut it too */
	va_end(ap);
	return decode_error(v->d, &at, json_line(v->root, path), "%s", text);
}

void rules_warn(struct validation *v, const char *path, const char *fmt, ...)
{
	const struct where at = { .key = path };
	char text[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut, as struct err would cut it too */
	va_end(ap);
	decode_warn(v->d, &at, json_line(v->root, path), "%s", text);
}

int rules_absolute(struct validation *v, const char *path, const char *value)
{
	if (!value || *value == '/')
		return 0;
	return rules_bad(v, path, *value ? "not an absolute path: \"%s\"" : "empty, not an absolute path%s", value);
}

int rules_list(struct validation *v, const char *path, const char *value)
{
	struct cpulist l;
	int rc = value ? cpulist_parse(value, &l) : 0;

	if (rc == -ERANGE)
		return rules_bad(v, path, "\"%s\" has a number above %d", value, CPULIST_BITS - 1);
	if (rc < 0)
		return rules_bad(v, path, "\"%s\" is not a list like \"0-3,7\"", value);
	return 0;
}

static int idmap_cmp_container(const void *pa, const void *pb)
{
	const struct spec_idmap *a = pa, *b = pb;

	return a->container_id < b->container_id ? -1 : a->container_id > b->container_id;
}

static int idmap_cmp_host(const void *pa, const void *pb)
{
	const struct spec_idmap *a = pa, *b = pb;

	return a->host_id < b->host_id ? -1 : a->host_id > b->host_id;
}

int rules_idmaps(struct validation *v, const char *path, const struct spec_idmaps *maps)
{
	struct spec_idmap *sorted;
	int overlap = 0;

	for (size_t i = 0; i < maps->n; i++) {
		const struct spec_idmap *m = &maps->v[i];
		char at[RULES_PATH_MAX];

		(void)snprintf(at, sizeof(at), "%s[%zu]", path, i);
		if (!m->size)
			return rules_bad(v, at, "size is 0");
		if (m->size - 1 > UINT32_MAX - m->container_id || m->size - 1 > UINT32_MAX - m->host_id)
			return rules_bad(v, at, "%u ids from %u and %u go beyond the largest id", m->size,
				m->container_id, m->host_id);
	}
	if (maps->n < 2)
		return 0;
	sorted = calloc(maps->n, sizeof(*sorted));
	if (!sorted)
		return decode_oom(v->d);
	memcpy(sorted, maps->v, maps->n * sizeof(*sorted));
	qsort(sorted, maps->n, sizeof(*sorted), idmap_cmp_container);
	for (size_t i = 0; i + 1 < maps->n; i++)
		overlap |= sorted[i + 1].container_id - sorted[i].container_id < sorted[i].size;
	qsort(sorted, maps->n, sizeof(*sorted), idmap_cmp_host);
	for (size_t i = 0; i + 1 < maps->n; i++)
		overlap |= sorted[i + 1].host_id - sorted[i].host_id < sorted[i].size;
	free(sorted);
	return overlap ? rules_bad(v, path, "two mappings overlap") : 0;
}
