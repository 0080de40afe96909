/* SPDX-License-Identifier: Apache-2.0 */
/* Names of systemd units: see unitname.h. */
#include "cgroup/unitname.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SLICE_DEFAULT "system.slice"
#define PREFIX_DEFAULT "vmrunc"
#define SLICE_SUFFIX ".slice"

bool unitname_is_slice(const char *name)
{
	size_t len = strlen(name), suffix_len = strlen(SLICE_SUFFIX);

	return len >= suffix_len && strcmp(name + len - suffix_len, SLICE_SUFFIX) == 0;
}

/* Whether @text has only characters that systemd allows in the name of a unit, and one at least. */
static bool is_name(const char *text)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\";

	return *text && text[strspn(text, chars)] == '\0';
}

int unitname_expand_slice(const char *slice, char *path, size_t len, struct err *err)
{
	size_t name_len = strlen(slice), at = 0;

	if (!is_name(slice) || !unitname_is_slice(slice) || name_len == strlen(SLICE_SUFFIX))
		return err_set(err, EINVAL, "linux.cgroupsPath: invalid slice name \"%s\"", slice);
	name_len -= strlen(SLICE_SUFFIX);
	*path = '\0';
	if (name_len == 1 && *slice == '-')
		return 0;
	for (size_t start = 0, end = 0; end < name_len; start = end + 1) {
		end = MIN(start + strcspn(slice + start, "-"), name_len);
		if (end == start || end + 1 == name_len) /* a dash stands first, last, or beside another */
			return err_set(err, EINVAL, "linux.cgroupsPath: invalid slice name \"%s\"", slice);
		if (at + end + strlen(SLICE_SUFFIX) + 2 > len)
			return err_set(err, ENAMETOOLONG, "linux.cgroupsPath: slice \"%s\" is too deep", slice);
		at += (size_t)snprintf(path + at, len - at, "/%.*s" SLICE_SUFFIX, (int)end, slice);
	}
	return 0;
}

static int too_long(struct err *err)
{
	return err_set(err, ENAMETOOLONG, "linux.cgroupsPath: the unit's name is too long");
}

int unitname_parse(const char *path, const char *id, struct unitname *ret, struct err *err)
{
	const char *slice = SLICE_DEFAULT, *prefix = PREFIX_DEFAULT, *name = id;
	char copy[2 * UNITNAME_MAX], expanded[UNITNAME_PATH_MAX];
	struct unitname u = { .is_slice = false };
	char *first, *second;
	int r;

	if (path && *path) {
		if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
			return too_long(err);
		first = strchr(copy, ':');
		second = first ? strchr(first + 1, ':') : NULL;
		if (!second || strchr(second + 1, ':'))
			return err_set(err, EINVAL,
				"linux.cgroupsPath: expected to be of format \"slice:prefix:name\" for systemd cgroups, got \"%s\" instead",
				path);
		*first = *second = '\0';
		slice = *copy ? copy : SLICE_DEFAULT;
		prefix = first + 1;
		name = second[1] ? second + 1 : id;
	}
	u.is_slice = unitname_is_slice(name);
	if (snprintf(u.slice, sizeof(u.slice), "%s", slice) >= (int)sizeof(u.slice))
		return too_long(err);
	r = u.is_slice ? snprintf(u.unit, sizeof(u.unit), "%s", name)
		       : snprintf(u.unit, sizeof(u.unit), "%s%s%s.scope", prefix, *prefix ? "-" : "", name);
	if (r >= (int)sizeof(u.unit))
		return too_long(err);
	if (!is_name(u.unit))
		return err_set(err, EINVAL, "linux.cgroupsPath: \"%s\" is not a name of a systemd unit", u.unit);
	r = unitname_expand_slice(u.slice, expanded, sizeof(expanded), err);
	if (r == 0 && u.is_slice)
		r = unitname_expand_slice(u.unit, expanded, sizeof(expanded), err);
	if (r == 0)
		*ret = u;
	return r;
}

int unitname_path(const struct unitname *u, char *path, size_t len, struct err *err)
{
	int r = unitname_expand_slice(u->is_slice ? u->unit : u->slice, path, len, err);
	size_t at;

	if (r < 0 || u->is_slice)
		return r;
	at = strlen(path);
	if (snprintf(path + at, len - at, "/%s", u->unit) >= (int)(len - at))
		return err_set(err, ENAMETOOLONG, "linux.cgroupsPath: \"%s\" is too deep", u->slice);
	return 0;
}
