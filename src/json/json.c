/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads JSON text into a tree that knows its lines, from yajl's events.
 *
 * yajl says how many bytes it has consumed. In a callback that is the end of the token that the callback is about, and
 * no token spans lines (JSON strings hold no raw line feed), so the line feeds up to there give the token's line. The
 * stack of open objects and arrays is an array of JSON_DEPTH_MAX pointers.
 */
#include "json/json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define YAJL_CONTINUE 1
#define YAJL_STOP 0

struct reader {
	const char *name;
	const char *text;
	size_t len;
	bool at_end; /* yajl has been given the whole text: what it reports from now on stands at the end */
	yajl_handle yajl;
	struct arena *arena;
	struct warnings *warnings;
	struct err *err;
	int error; /* why a callback has stopped yajl; 0: none has */

	size_t counted; /* the line feeds before this offset are counted in line */
	unsigned line;

	size_t nodes, nodes_max;
	size_t depth;
	struct json *open[JSON_DEPTH_MAX];
	char *key; /* of the member whose value comes next */
	struct json *root;
};

/* The line of the token that yajl has just consumed. */
static unsigned reader_line(struct reader *r)
{
	size_t end = r->at_end ? r->len : yajl_get_bytes_consumed(r->yajl);

	for (; r->counted < end; r->counted++)
		r->line += r->text[r->counted] == '\n';
	return r->line;
}

static int reader_stop(struct reader *r, int error)
{
	r->error = error;
	return YAJL_STOP;
}

/* Adds a new value to the innermost open object or array. NULL after an error, which r->error holds. */
static struct json *reader_add(struct reader *r, enum json_type type)
{
	struct json *parent = r->depth ? r->open[r->depth - 1] : NULL;
	unsigned line = reader_line(r);
	struct json *j;

	if (++r->nodes > r->nodes_max) {
		r->error = err_set(r->err, E2BIG, "%s:%u: more than %u values", r->name, line, JSON_NODES_MAX);
		return NULL;
	}
	j = arena_alloc(r->arena, sizeof(*j));
	if (!j) {
		r->error = err_set(r->err, ENOMEM, "%s: out of memory", r->name);
		return NULL;
	}
	j->type = type;
	j->line = line;
	j->key = r->key;
	r->key = NULL;
	if (!parent) {
		r->root = j;
		return j;
	}
	if (parent->last)
		parent->last->next = j;
	else
		parent->first = j;
	parent->last = j;
	parent->n++;
	return j;
}

/* A copy of the string @s in the arena. NULL after an error, which r->error holds. */
static char *reader_text(struct reader *r, const char *s, size_t len)
{
	char *text;

	if (memchr(s, 0, len)) {
		r->error = err_set(r->err, EINVAL, "%s:%u: a string contains a NUL character", r->name, reader_line(r));
		return NULL;
	}
	text = arena_strndup(r->arena, s, len);
	if (!text)
		r->error = err_set(r->err, ENOMEM, "%s: out of memory", r->name);
	return text;
}

static int on_null(void *ctx)
{
	return reader_add(ctx, JSON_NULL) ? YAJL_CONTINUE : YAJL_STOP;
}

static int on_boolean(void *ctx, int value)
{
	struct json *j = reader_add(ctx, JSON_BOOL);

	if (!j)
		return YAJL_STOP;
	j->boolean = value;
	return YAJL_CONTINUE;
}

static int on_scalar(struct reader *r, enum json_type type, const char *s, size_t len)
{
	struct json *j = reader_add(r, type);

	if (!j)
		return YAJL_STOP;
	j->text = reader_text(r, s, len);
	return j->text ? YAJL_CONTINUE : YAJL_STOP;
}

static int on_number(void *ctx, const char *s, size_t len)
{
	return on_scalar(ctx, JSON_NUMBER, s, len);
}

static int on_string(void *ctx, const unsigned char *s, size_t len)
{
	return on_scalar(ctx, JSON_STRING, (const char *)s, len);
}

static int on_key(void *ctx, const unsigned char *s, size_t len)
{
	struct reader *r = ctx;

	r->key = reader_text(r, (const char *)s, len);
	return r->key ? YAJL_CONTINUE : YAJL_STOP;
}

static int on_open(struct reader *r, enum json_type type)
{
	struct json *j = reader_add(r, type);

	if (!j)
		return YAJL_STOP;
	if (r->depth == JSON_DEPTH_MAX)
		return reader_stop(r, err_set(r->err, E2BIG, "%s:%u: nested deeper than %d levels", r->name, j->line,
					      JSON_DEPTH_MAX));
	r->open[r->depth++] = j;
	return YAJL_CONTINUE;
}

static int on_start_map(void *ctx)
{
	return on_open(ctx, JSON_OBJECT);
}

static int on_start_array(void *ctx)
{
	return on_open(ctx, JSON_ARRAY);
}

static int on_end_array(void *ctx)
{
	struct reader *r = ctx;

	r->depth--;
	return YAJL_CONTINUE;
}

/* A member of an object, and its place there: for sorting by key. */
struct keyed {
	struct json *node;
	size_t place;
};

static int keyed_cmp(const void *pa, const void *pb)
{
	const struct keyed *a = pa, *b = pb;
	int c = strcmp(a->node->key, b->node->key);

	if (c)
		return c;
	return a->place < b->place ? -1 : 1;
}

/* Removes each member whose key comes again later in the object, with a warning. 0 or -ENOMEM. */
static int object_drop_repeated(struct reader *r, struct json *obj)
{
	struct keyed *sorted = calloc(obj->n, sizeof(*sorted));
	struct json **link = &obj->first;
	size_t i = 0, dropped = 0;

	if (!sorted)
		return err_set(r->err, ENOMEM, "%s: out of memory", r->name);
	for (struct json *j = obj->first; j; j = j->next, i++)
		sorted[i] = (struct keyed){ .node = j, .place = i };
	qsort(sorted, obj->n, sizeof(*sorted), keyed_cmp);
	for (i = 0; i + 1 < obj->n; i++) {
		if (strcmp(sorted[i].node->key, sorted[i + 1].node->key) != 0)
			continue;
		warnings_add(r->warnings, "%s:%u: \"%s\" is given again in line %u: the last one counts", r->name,
			sorted[i].node->line, sorted[i].node->key, sorted[i + 1].node->line);
		sorted[i].node->key = NULL; /* marks it for the loop below */
		dropped++;
	}
	free(sorted);
	if (!dropped)
		return 0;
	obj->last = NULL;
	while (*link) {
		if ((*link)->key) {
			obj->last = *link;
			link = &(*link)->next;
		} else {
			*link = (*link)->next;
		}
	}
	obj->n -= dropped;
	return 0;
}

static int on_end_map(void *ctx)
{
	struct reader *r = ctx;
	struct json *obj = r->open[--r->depth];
	int rc = obj->n > 1 ? object_drop_repeated(r, obj) : 0;

	return rc < 0 ? reader_stop(r, rc) : YAJL_CONTINUE;
}

static const yajl_callbacks reader_callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

/* Sets the error for text that is not JSON: yajl's words for what is wrong ("lexical error: ..."), cut to one line. */
static int reader_syntax_error(struct reader *r)
{
	unsigned char *text = yajl_get_error(r->yajl, 0, NULL, 0);
	unsigned line = reader_line(r);
	int rc;

	if (text)
		text[strcspn((char *)text, "\n")] = 0;
	rc = err_set(r->err, EINVAL, "%s:%u: %s", r->name, line, text ? (char *)text : "not JSON");
	if (text)
		yajl_free_error(r->yajl, text);
	return rc;
}

int json_parse(const char *name, const char *text, size_t len, unsigned flags, struct arena *arena, struct json **ret,
	struct warnings *warnings, struct err *err)
{
	struct reader r = {
		.name = name,
		.text = text,
		.len = len,
		.nodes_max = flags & JSON_OWN ? SIZE_MAX : JSON_NODES_MAX,
		.arena = arena,
		.warnings = warnings,
		.err = err,
		.line = 1,
	};
	yajl_status status;
	int rc = 0;

	if (!len)
		return err_set(err, EINVAL, "%s: the file is empty", name);
	r.yajl = yajl_alloc(&reader_callbacks, NULL, &r);
	if (!r.yajl)
		return err_set(err, ENOMEM, "%s: out of memory", name);
	(void)yajl_config(r.yajl, yajl_allow_comments, flags & JSON_COMMENTS ? 1 : 0); /* an option that it knows */
	status = yajl_parse(r.yajl, (const unsigned char *)text, len);
	if (status == yajl_status_ok) {
		r.at_end = true;
		status = yajl_complete_parse(r.yajl);
	}
	if (r.error)
		rc = r.error;
	else if (status != yajl_status_ok)
		rc = reader_syntax_error(&r);
	yajl_free(r.yajl);
	if (!rc)
		*ret = r.root;
	return rc;
}

const struct json *json_get(const struct json *obj, const char *key)
{
	if (!obj || obj->type != JSON_OBJECT)
		return NULL;
	for (const struct json *j = obj->first; j; j = j->next)
		if (strcmp(j->key, key) == 0)
			return j;
	return NULL;
}

const struct json *json_get_type(const struct json *obj, const char *key, enum json_type type)
{
	const struct json *j = json_get(obj, key);

	return j && j->type == type ? j : NULL;
}

const char *json_get_string(const struct json *obj, const char *key)
{
	const struct json *j = json_get_type(obj, key, JSON_STRING);

	return j ? j->text : NULL;
}

bool json_get_i64(const struct json *obj, const char *key, int64_t *ret)
{
	const struct json *j = json_get_type(obj, key, JSON_NUMBER);

	return j && json_i64(j, ret);
}

bool json_i64(const struct json *j, int64_t *ret)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(j->text, &end, 10);
	if (errno || *end || end == j->text)
		return false;
	*ret = v;
	return true;
}

bool json_u64(const struct json *j, uint64_t *ret)
{
	const char *text = j->text;
	char *end;
	unsigned long long v;

	if (*text == '-') /* strtoull() would wrap a negative number around; "-0" is a zero */
		text += strcmp(text, "-0") == 0;
	if (*text == '-')
		return false;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || end == text)
		return false;
	*ret = v;
	return true;
}

/* The child of @j that @path begins with, or NULL; *@ret_rest is what of @path follows it. */
static const struct json *json_step(const struct json *j, const char *path, const char **ret_rest)
{
	if (j->type == JSON_OBJECT) {
		for (const struct json *c = j->first; c; c = c->next) {
			size_t len = strlen(c->key);

			if (strncmp(path, c->key, len) == 0 && strchr(".[", path[len])) {
				*ret_rest = path + len + (path[len] == '.');
				return c;
			}
		}
	} else if (j->type == JSON_ARRAY && *path == '[') {
		char *end;
		unsigned long index = strtoul(path + 1, &end, 10);
		const struct json *c = j->first;

		while (c && index--)
			c = c->next;
		*ret_rest = end + (*end == ']');
		*ret_rest += **ret_rest == '.';
		return c;
	}
	return NULL;
}

unsigned json_line(const struct json *root, const char *path)
{
	const struct json *at = root, *next;

	while (*path && (next = json_step(at, path, &path)))
		at = next;
	return at->line;
}

bool json_is_set(const struct json *j)
{
	switch (j->type) {
	case JSON_NULL:
		return false;
	case JSON_BOOL:
		return j->boolean;
	case JSON_NUMBER:
		return strcmp(j->text, "0") != 0;
	case JSON_STRING:
		return *j->text;
	case JSON_ARRAY:
	case JSON_OBJECT:
		return j->n > 0;
	}
	return false;
}
