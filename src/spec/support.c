/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the support table, whose rows are in support_table.c: see support.h. */
#include "spec/support.h"

#include <errno.h>
#include <string.h>

#include "spec/support_table.h"

const struct support_row *support_row(size_t index)
{
	return support_table[index].path ? &support_table[index] : NULL;
}

/* The row whose path is the @len bytes of @path, or NULL. */
static const struct support_row *support_exact(const char *path, size_t len)
{
	for (const struct support_row *r = support_table; r->path; r++)
		if (strncmp(r->path, path, len) == 0 && !r->path[len])
			return r;
	return NULL;
}

const struct support_row *support_find(const char *field)
{
	size_t len = strlen(field);

	while (len) {
		const struct support_row *r = support_exact(field, len);

		if (r)
			return r;
		/* go on with the parent: the path without a "[]" at its end, or up to its last '.' */
		if (len > 2 && field[len - 1] == ']') {
			len -= 2;
			continue;
		}
		while (len && field[len - 1] != '.')
			len--;
		len -= len > 0;
	}
	return NULL;
}

bool support_has(const char *field, const char *value)
{
	size_t len = strlen(field);
	const struct support_row *r;

	for (r = support_table; r->path; r++)
		if (strncmp(r->path, field, len) == 0 && r->path[len] == '=' && strcmp(r->path + len + 1, value) == 0)
			return r->status == SUPPORT_DONE;
	r = support_find(field);
	return r && r->status == SUPPORT_DONE;
}

/* --- a config against the table --- */

/* A row that is looked for in a config. */
struct finding {
	const struct support_row *row;
	struct decode *d;
	int rc; /* 0: not found; 1: found, and a warning was added; negative: found, and this is the error */
};

/* Adds the warning or sets the error for the value @j, in which the row was found. */
static void finding_report(struct finding *f, const struct where *at, const struct json *j)
{
	const struct support_row *row = f->row;
	const char *value = strchr(row->path, '=');
	const char *quote = value ? "\"" : "";

	value = value ? value + 1 : "";
	if (row->status == SUPPORT_REFUSED) {
		(void)decode_error(f->d, at, j->line, "%s%s%s%snot supported: %s", quote, value, quote,
			*value ? " is " : "", row->note);
		if (f->d->err)
			f->d->err->errnum = ENOTSUP;
		f->rc = -ENOTSUP;
		return;
	}
	decode_warn(f->d, at, j->line, "%s%s%s%signored: %s", quote, value, quote, *value ? " is " : "", row->note);
	f->rc = 1;
}

static void finding_walk(struct finding *f, const struct where *at, const struct json *j, const char *path);

/* Looks for @rest of the path below the members @key of @j. "*" and "" stand for all members, and for all elements. */
static void finding_children(struct finding *f, const struct where *at, const struct json *j, const char *key,
	size_t key_len, const char *rest)
{
	struct where here = { .up = at };
	bool any = key_len == 0 || (key_len == 1 && *key == '*');

	for (const struct json *c = j->first; c && !f->rc; c = c->next, here.index++) {
		here.key = c->key;
		if (any || (strlen(c->key) == key_len && strncmp(c->key, key, key_len) == 0))
			finding_walk(f, &here, c, rest);
	}
}

/*
 * Looks below @j for @path, the part of the row's path that is left. It calls itself once for each part of the path,
 * which is one of our table's, so the depth does not depend on the config.
 */
static void finding_walk(struct finding *f, const struct where *at, const struct json *j, const char *path)
{
	if (!*path) {
		if (json_is_set(j))
			finding_report(f, at, j);
	} else if (*path == '=') {
		if (j->type == JSON_STRING && strcmp(j->text, path + 1) == 0)
			finding_report(f, at, j);
	} else if (strncmp(path, "[]", 2) == 0) {
		if (j->type == JSON_ARRAY)
			finding_children(f, at, j, "", 0, path + 2);
	} else if (j->type == JSON_OBJECT) {
		const char *key = path + (*path == '.');
		size_t len = strcspn(key, ".[=");

		finding_children(f, at, j, key, len, key + len);
	}
}

int support_check(struct decode *d, const struct json *root)
{
	for (const struct support_row *r = support_table; r->path; r++) {
		struct finding f = { .row = r, .d = d };

		if (r->status != SUPPORT_DONE)
			finding_walk(&f, NULL, root, r->path);
		if (f.rc < 0)
			return f.rc;
	}
	return 0;
}

/* --- the document --- */

static const char *const support_words[] = {
	[SUPPORT_DONE] = "done",
	[SUPPORT_IGNORED] = "ignored",
	[SUPPORT_REFUSED] = "refused",
};

/*
 * The length of the part of a path that names its group, for the headings: up to the first separator, or to the second
 * one in the two largest objects of linux.
 */
static size_t support_group(const char *path)
{
	size_t len = strcspn(path, ".[=");

	if (strncmp(path, "linux.resources", 15) == 0 || strncmp(path, "linux.seccomp", 13) == 0)
		len = 6 + strcspn(path + 6, ".[=");
	return len;
}

void support_markdown(struct buf *out)
{
	const char *group = "";
	size_t len = 0;

	buf_puts(out,
		"# What vmrunc does with each field of config.json\n\n"
		"Made from the table in src/spec/support_table.c by `make spec-support`; do not edit.\n\n"
		"The fields are those of runtime-spec 1.3; a file of any version 1.x is read. The type and the range of every field are\n"
		"checked, whatever its status. A field that is *ignored* makes a warning in the log if it has a value other than false, 0\n"
		"or empty. A field that is *refused* makes `create` fail if it has such a value. A path that ends in `=word` stands for\n"
		"that one value. Fields that the specification does not have are ignored with a warning.\n");
	for (const struct support_row *r = support_table; r->path; r++) {
		if (support_group(r->path) != len || strncmp(group, r->path, len) != 0) {
			group = r->path;
			len = support_group(group);
			buf_printf(out, "\n## %.*s\n\n| field | status | |\n|---|---|---|\n", (int)len, group);
		}
		buf_printf(out, "| `%s` | %s | %s |\n", r->path, support_words[r->status], r->note ? r->note : "");
	}
}
