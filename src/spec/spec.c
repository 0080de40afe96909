/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a config:
 *
 *   text -json_parse-> tree -spelling_mend-> tree -decode_object-> structs -validate_x-> normal form
 *
 * and then support_check() goes through the tree, for fields that are set although vmrunc does not carry them out.
 *
 * The tree lives in an arena of its own, which is gone when the load is over; the structs and their strings live in the
 * spec's arena.
 */
#include "spec/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "spec/schema.h"
#include "spec/spelling.h"
#include "spec/support.h"
#include "spec/validate.h"

/* Which part of a config a text is. */
enum spec_part { PART_CONFIG, PART_PROCESS, PART_RESOURCES };

static int spec_new(struct arena *arena, struct spec **ret)
{
	struct spec *s = arena_alloc(arena, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->arena = arena;
	*ret = s;
	return 0;
}

void spec_free(struct spec *spec)
{
	if (spec)
		arena_free(spec->arena); /* the spec itself lies in it */
}

/*
 * Makes @inner the only member, @key, of a new object: so the fields of a part have the paths that they have in a
 * config. NULL without memory.
 */
static struct json *spec_wrap(struct arena *arena, struct json *inner, const char *key)
{
	struct json *outer = arena_alloc(arena, sizeof(*outer));

	if (!outer)
		return NULL;
	inner->key = arena_strndup(arena, key, strlen(key));
	if (!inner->key)
		return NULL;
	outer->type = JSON_OBJECT;
	outer->line = inner->line;
	outer->first = inner;
	outer->last = inner;
	outer->n = 1;
	return outer;
}

static int spec_decode_config(struct decode *d, struct json *root, struct spec *s)
{
	int rc;

	spelling_mend(d, NULL, root, &schema_config);
	rc = decode_object(d, NULL, root, &schema_config, s);
	if (!rc)
		rc = validate_config(d, root, s);
	return rc < 0 ? rc : support_check(d, root);
}

/* Decodes, validates and checks @j as the process of @s. @tree is the arena of @j. */
static int spec_decode_process(struct decode *d, struct json *j, struct arena *tree, struct spec *s)
{
	const struct where at = { .key = "process" };
	struct json *root = spec_wrap(tree, j, "process");
	int rc;

	s->process = arena_alloc(d->arena, sizeof(*s->process));
	if (!root || !s->process)
		return decode_oom(d);
	spelling_mend(d, &at, j, &schema_process);
	rc = decode_object(d, &at, j, &schema_process, s->process);
	if (!rc)
		rc = validate_process_only(d, root, s);
	return rc < 0 ? rc : support_check(d, root);
}

/* Decodes, validates and checks @j as linux.resources of @s. @tree is the arena of @j. */
static int spec_decode_resources(struct decode *d, struct json *j, struct arena *tree, struct spec *s)
{
	const struct where up = { .key = "linux" };
	const struct where at = { .up = &up, .key = "resources" };
	struct json *root = spec_wrap(tree, j, "resources");
	int rc;

	if (root)
		root = spec_wrap(tree, root, "linux");
	s->linux_ = arena_alloc(d->arena, sizeof(*s->linux_));
	if (!root || !s->linux_)
		return decode_oom(d);
	s->linux_->resources = arena_alloc(d->arena, sizeof(*s->linux_->resources));
	if (!s->linux_->resources)
		return decode_oom(d);
	spelling_mend(d, &at, j, &schema_resources);
	rc = decode_object(d, &at, j, &schema_resources, s->linux_->resources);
	if (!rc)
		rc = validate_resources_only(d, root, s);
	return rc < 0 ? rc : support_check(d, root);
}

/* Parses the text into a tree in @tree, and fills @s from it. */
static int spec_parse_into(
	struct decode *d, struct arena *tree, const char *json, size_t len, enum spec_part part, struct spec *s)
{
	struct json *root = NULL;
	int rc;

	if (len > SPEC_FILE_MAX)
		return err_set(d->err, E2BIG, "%s: larger than %llu MiB", d->name, SPEC_FILE_MAX / MIB);
	rc = json_parse(d->name, json, len, 0, tree, &root, d->warnings, d->err);
	if (rc < 0)
		return rc;
	switch (part) {
	case PART_PROCESS:
		return spec_decode_process(d, root, tree, s);
	case PART_RESOURCES:
		return spec_decode_resources(d, root, tree, s);
	default:
		return spec_decode_config(d, root, s);
	}
}

/* Makes the two arenas and the spec, and frees what is not handed out. */
static int spec_parse_part(const char *name, const char *json, size_t len, enum spec_part part, struct spec **ret,
	struct warnings *warnings, struct err *err)
{
	struct decode d = { .name = name, .warnings = warnings, .err = err };
	struct arena *tree = NULL;
	struct spec *s = NULL;
	int rc;

	if (arena_new(&d.arena) < 0 || arena_new(&tree) < 0 || spec_new(d.arena, &s) < 0)
		rc = decode_oom(&d);
	else
		rc = spec_parse_into(&d, tree, json, len, part, s);
	arena_free(tree);
	if (rc < 0) {
		arena_free(d.arena);
		return rc;
	}
	*ret = s;
	return 0;
}

static int spec_load_part(
	int dirfd, const char *path, enum spec_part part, struct spec **ret, struct warnings *warnings, struct err *err)
{
	autofree char *text = NULL;
	size_t len = 0;
	int rc = fd_read_file(dirfd, path, SPEC_FILE_MAX, &text, &len);

	if (rc == -EFBIG)
		return err_set(err, E2BIG, "%s: larger than %llu MiB", path, SPEC_FILE_MAX / MIB);
	if (rc < 0)
		return err_sys(err, rc, "\"%s\" cannot be read", path);
	return spec_parse_part(path, text, len, part, ret, warnings, err);
}

int spec_load(int dirfd, const char *path, struct spec **ret, struct warnings *warnings, struct err *err)
{
	return spec_load_part(dirfd, path, PART_CONFIG, ret, warnings, err);
}

int spec_parse(
	const char *name, const char *json, size_t len, struct spec **ret, struct warnings *warnings, struct err *err)
{
	return spec_parse_part(name, json, len, PART_CONFIG, ret, warnings, err);
}

int spec_load_process(int dirfd, const char *path, struct spec **ret, struct warnings *warnings, struct err *err)
{
	return spec_load_part(dirfd, path, PART_PROCESS, ret, warnings, err);
}

int spec_parse_process(
	const char *name, const char *json, size_t len, struct spec **ret, struct warnings *warnings, struct err *err)
{
	return spec_parse_part(name, json, len, PART_PROCESS, ret, warnings, err);
}

int spec_parse_resources(
	const char *name, const char *json, size_t len, struct spec **ret, struct warnings *warnings, struct err *err)
{
	return spec_parse_part(name, json, len, PART_RESOURCES, ret, warnings, err);
}
