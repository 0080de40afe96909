/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes a JSON tree into C structs, as const tables say: see decode.h.
 *
 * decode_object() goes through the members of a JSON object in the file's order, so the error that is reported is the
 * first one in the file. A table knows only the offset and the size of a struct's member; where the member's type is
 * not known either, the value is written with memcpy().
 */
#include "spec/decode.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "spec/spec.h"

/* How many bytes of a wrong value a message shows. */
#define DECODE_SHOW_MAX 64

/* The shape of all { n, v } structs; decode_store_array() has an assertion for it. */
struct any_array {
	size_t n;
	void *v;
};

/* Appends the path @at: "linux.devices[3].path". Control characters in keys become '?'. */
static void where_put(struct buf *b, const struct where *at)
{
	if (!at)
		return;
	where_put(b, at->up);
	if (!at->key) {
		buf_printf(b, "[%zu]", at->index);
		return;
	}
	if (at->up)
		buf_put(b, ".", 1);
	for (const char *c = at->key; *c; c++)
		buf_put(b, iscntrl((unsigned char)*c) ? "?" : c, 1);
}

/* `path: text` as a string that the caller frees, or NULL without memory. */
static char *where_message(const struct where *at, const char *fmt, va_list ap) printf_like(2, 0);
static char *where_message(const struct where *at, const char *fmt, va_list ap)
{
	autobuf b = BUF_INIT;
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return NULL;
	where_put(&b, at);
	if (b.len)
		buf_puts(&b, ": ");
	buf_puts(&b, text);
	free(text);
	return buf_steal(&b);
}

int decode_error(struct decode *d, const struct where *at, unsigned line, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = where_message(at, fmt, ap);
	va_end(ap);
	if (line)
		(void)err_set(d->err, EINVAL, "%s:%u: %s", d->name, line, text ? text : "not valid");
	else
		(void)err_set(d->err, EINVAL, "%s: %s", d->name, text ? text : "not valid");
	free(text);
	return -EINVAL;
}

void decode_warn(struct decode *d, const struct where *at, unsigned line, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = where_message(at, fmt, ap);
	va_end(ap);
	if (line)
		warnings_add(d->warnings, "%s:%u: %s", d->name, line, text ? text : "a warning that found no memory");
	else
		warnings_add(d->warnings, "%s: %s", d->name, text ? text : "a warning that found no memory");
	free(text);
}

int decode_oom(struct decode *d)
{
	(void)err_set(d->err, ENOMEM, "%s: out of memory", d->name);
	return -ENOMEM;
}

static void *member_of(void *to, const struct spec_field *f)
{
	return (char *)to + f->off;
}

/* The text of @j if it is a whole number. Else NULL: then the error is set. */
static const char *number_text(struct decode *d, const struct where *at, const struct json *j)
{
	if (j->type != JSON_NUMBER) {
		(void)decode_error(d, at, j->line, "not a number");
		return NULL;
	}
	if (strpbrk(j->text, ".eE")) {
		(void)decode_error(d, at, j->line, "%.*s is not a whole number", DECODE_SHOW_MAX, j->text);
		return NULL;
	}
	return j->text;
}

static int decode_signed(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_field *f, int64_t *ret)
{
	const char *text = number_text(d, at, j);
	int64_t max = (int64_t)f->max;

	if (!text)
		return -EINVAL;
	if (!json_i64(j, ret) || *ret < f->min || *ret > max)
		return decode_error(d, at, j->line, "%.*s is out of range (%lld to %lld)", DECODE_SHOW_MAX, text,
			(long long)f->min, (long long)max);
	return 0;
}

static int decode_unsigned(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_field *f, uint64_t *ret)
{
	const char *text = number_text(d, at, j);
	uint64_t min = (uint64_t)f->min;

	if (!text)
		return -EINVAL;
	if (!json_u64(j, ret) || *ret < min || *ret > f->max)
		return decode_error(d, at, j->line, "%.*s is out of range (%llu to %llu)", DECODE_SHOW_MAX, text,
			(unsigned long long)min, (unsigned long long)f->max);
	return 0;
}

/* Decodes a number of any of the K_I..., K_U... and K_OPT_... kinds. */
static int decode_number(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_field *f, void *member)
{
	int64_t s = 0;
	uint64_t u = 0;
	bool is_signed = f->kind == K_I32 || f->kind == K_I64 || f->kind == K_OPT_I64;
	int rc = is_signed ? decode_signed(d, at, j, f, &s) : decode_unsigned(d, at, j, f, &u);

	if (rc < 0)
		return rc;
	switch (f->kind) {
	case K_I32:
		*(int32_t *)member = (int32_t)s;
		break;
	case K_I64:
		*(int64_t *)member = s;
		break;
	case K_OPT_I64:
		*(struct opt_i64 *)member = (struct opt_i64){ true, s };
		break;
	case K_U32:
		*(uint32_t *)member = (uint32_t)u;
		break;
	case K_U64:
		*(uint64_t *)member = u;
		break;
	case K_OPT_U32:
		*(struct opt_u32 *)member = (struct opt_u32){ true, (uint32_t)u };
		break;
	default:
		*(struct opt_u64 *)member = (struct opt_u64){ true, u };
		break;
	}
	return 0;
}

static int decode_bool(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_field *f, void *member)
{
	if (j->type != JSON_BOOL)
		return decode_error(d, at, j->line, "neither true nor false");
	if (f->kind == K_OPT_BOOL)
		*(struct opt_bool *)member = (struct opt_bool){ true, j->boolean };
	else
		*(bool *)member = j->boolean;
	return 0;
}

const char *decode_str(struct decode *d, const struct where *at, const struct json *j)
{
	if (j->type != JSON_STRING) {
		(void)decode_error(d, at, j->line, "not a string");
		return NULL;
	}
	return j->text;
}

static int decode_string(struct decode *d, const struct where *at, const struct json *j, void *member)
{
	const char *text = decode_str(d, at, j);
	char *copy;

	if (!text)
		return -EINVAL;
	copy = arena_strndup(d->arena, text, strlen(text));
	if (!copy)
		return decode_oom(d);
	memcpy(member, &copy, sizeof(copy));
	return 0;
}

/* The value of the name @j in @names. The error lists the names that would be right. */
static int decode_one_name(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_name *names, uint32_t *ret)
{
	const char *text = decode_str(d, at, j);
	autobuf known = BUF_INIT;

	if (!text)
		return -EINVAL;
	if (spec_name_find(names, text, ret))
		return 0;
	for (const struct spec_name *n = names; n->name; n++)
		if (*n->name)
			buf_printf(&known, "%s%s", known.len ? ", " : "", n->name);
	return decode_error(
		d, at, j->line, "\"%.*s\" is not one of %s", DECODE_SHOW_MAX, text, known.data ? known.data : "");
}

static int decode_name(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_field *f, void *member)
{
	uint32_t value = 0;
	int rc = decode_one_name(d, at, j, f->names, &value);

	if (rc < 0)
		return rc;
	if (f->size == sizeof(char))
		*(char *)member = (char)value;
	else
		memcpy(member, &value, sizeof(value));
	return 0;
}

/*
 * Allocates room for the elements of the array @j, and for @extra more. The result is never NULL, so that an empty
 * array differs from an absent one.
 */
static int decode_array(
	struct decode *d, const struct where *at, const struct json *j, size_t extra, size_t size, void **ret_v)
{
	if (j->type != JSON_ARRAY)
		return decode_error(d, at, j->line, "not an array");
	*ret_v = arena_array(d->arena, j->n + extra, size);
	return *ret_v ? 0 : decode_oom(d);
}

/* Writes { @n, @v } to @member. */
static void decode_store_array(void *member, size_t n, void *v)
{
	_Static_assert(sizeof(struct any_array) == sizeof(struct spec_strv) &&
			       offsetof(struct any_array, v) == offsetof(struct spec_strv, v),
		"arrays have one shape");
	memcpy(member, &n, sizeof(n));
	memcpy((char *)member + offsetof(struct any_array, v), &v, sizeof(v));
}

int decode_strv(struct decode *d, const struct where *at, const struct json *j, void *member)
{
	struct where here = { .up = at };
	void *p = NULL;
	char **v;
	int rc = decode_array(d, at, j, 1, sizeof(*v), &p);

	if (rc < 0)
		return rc;
	v = p;
	for (const struct json *c = j->first; c; c = c->next, here.index++) {
		rc = decode_string(d, &here, c, &v[here.index]);
		if (rc < 0)
			return rc;
	}
	decode_store_array(member, j->n, p);
	return 0;
}

/* Decodes an array of numbers (K_U32V) or of names (K_NAMES). */
static int decode_u32v(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_field *f, void *member)
{
	struct where here = { .up = at };
	void *p = NULL;
	uint32_t *v;
	int rc = decode_array(d, at, j, 0, sizeof(*v), &p);

	if (rc < 0)
		return rc;
	v = p;
	for (const struct json *c = j->first; c; c = c->next, here.index++) {
		uint64_t u = 0;

		if (f->kind == K_NAMES) {
			rc = decode_one_name(d, &here, c, f->names, &v[here.index]);
		} else {
			rc = decode_unsigned(d, &here, c, f, &u);
			v[here.index] = (uint32_t)u;
		}
		if (rc < 0)
			return rc;
	}
	decode_store_array(member, j->n, p);
	return 0;
}

/* Decodes an array of names into the or of their values (K_NAME_BITS). */
static int decode_name_bits(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_field *f, void *member)
{
	struct where here = { .up = at };
	struct opt_u32 bits = { .set = true };

	if (j->type != JSON_ARRAY)
		return decode_error(d, at, j->line, "not an array");
	for (const struct json *c = j->first; c; c = c->next, here.index++) {
		uint32_t value = 0;
		int rc = decode_one_name(d, &here, c, f->names, &value);

		if (rc < 0)
			return rc;
		bits.v |= value;
	}
	*(struct opt_u32 *)member = bits;
	return 0;
}

/* Allocates room for an object's members as an array (K_MAP, K_OBJECT_MAP). */
static int decode_members(struct decode *d, const struct where *at, const struct json *j, size_t size, void **ret_v)
{
	if (j->type != JSON_OBJECT)
		return decode_error(d, at, j->line, "not an object");
	*ret_v = arena_array(d->arena, j->n, size);
	return *ret_v ? 0 : decode_oom(d);
}

/* A copy of the name of the member @j, which must not be empty. */
static int decode_key(struct decode *d, const struct where *at, const struct json *j, char **ret)
{
	if (!*j->key)
		return decode_error(d, at->up, j->line, "has an empty name in it");
	*ret = arena_strndup(d->arena, j->key, strlen(j->key));
	return *ret ? 0 : decode_oom(d);
}

/* Decodes an object of strings (K_MAP). */
static int decode_map(struct decode *d, const struct where *at, const struct json *j, void *member)
{
	struct where here = { .up = at };
	void *p = NULL;
	int rc = decode_members(d, at, j, sizeof(struct spec_pair), &p);
	struct spec_pair *v = p;

	for (const struct json *c = rc < 0 ? NULL : j->first; c; c = c->next, v++) {
		here.key = c->key;
		rc = decode_key(d, &here, c, &v->key);
		if (rc >= 0)
			rc = decode_string(d, &here, c, &v->value);
		if (rc < 0)
			return rc;
	}
	if (rc >= 0)
		decode_store_array(member, j->n, p);
	return rc;
}

/* Decodes an array of objects (K_OBJECTS), or an object of them (K_OBJECT_MAP). */
static int decode_objects(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_field *f, void *member)
{
	const struct spec_object *o = f->object;
	bool keyed = f->kind == K_OBJECT_MAP;
	struct where here = { .up = at };
	void *p = NULL;
	int rc = keyed ? decode_members(d, at, j, o->size, &p) : decode_array(d, at, j, 0, o->size, &p);

	for (const struct json *c = rc < 0 ? NULL : j->first; c; c = c->next, here.index++) {
		char *to = (char *)p + here.index * o->size;

		here.key = c->key;
		if (keyed)
			rc = decode_key(d, &here, c, (char **)(void *)(to + o->key_off));
		if (rc >= 0)
			rc = decode_object(d, &here, c, o, to);
		if (rc < 0)
			return rc;
	}
	if (rc >= 0)
		decode_store_array(member, j->n, p);
	return rc;
}

/* Decodes an object that the struct points to (K_OBJECT). */
static int decode_pointer(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_object *o, void *member)
{
	void *to = arena_alloc(d->arena, o->size);
	int rc;

	if (!to)
		return decode_oom(d);
	rc = decode_object(d, at, j, o, to);
	if (rc >= 0)
		memcpy(member, &to, sizeof(to));
	return rc;
}

/* Decodes @j by the kind of its field @f, into @member of the struct. */
static int decode_field(
	struct decode *d, const struct where *at, const struct json *j, const struct spec_field *f, void *member)
{
	switch (f->kind) {
	case K_BOOL:
	case K_OPT_BOOL:
		return decode_bool(d, at, j, f, member);
	case K_I32:
	case K_U32:
	case K_I64:
	case K_U64:
	case K_OPT_U32:
	case K_OPT_I64:
	case K_OPT_U64:
		return decode_number(d, at, j, f, member);
	case K_STR:
		return decode_string(d, at, j, member);
	case K_NAME:
		return decode_name(d, at, j, f, member);
	case K_NAMES:
	case K_U32V:
		return decode_u32v(d, at, j, f, member);
	case K_NAME_BITS:
		return decode_name_bits(d, at, j, f, member);
	case K_STRV:
		return decode_strv(d, at, j, member);
	case K_MAP:
		return decode_map(d, at, j, member);
	case K_OBJECT:
		return decode_pointer(d, at, j, f->object, member);
	case K_EMBEDDED:
		return decode_object(d, at, j, f->object, member);
	case K_OBJECTS:
	case K_OBJECT_MAP:
		return decode_objects(d, at, j, f, member);
	case K_FN:
		return f->fn(d, at, j, member);
	}
	return decode_error(d, at, j->line, "cannot be read"); /* no such kind: a broken table */
}

size_t decode_field_index(const struct spec_object *o, const char *key)
{
	size_t i = 0;

	while (i < o->n && strcmp(o->fields[i].key, key) != 0)
		i++;
	return i;
}

void decode_words(struct decode *d, const char *what)
{
	struct err error = d->err ? *d->err : (struct err)ERR_INIT;

	if (what && d->err)
		(void)err_set(d->err, error.errnum, "%s (invalid %s)", error.msg, what);
}

int decode_object(struct decode *d, const struct where *at, const struct json *j, const struct spec_object *o, void *to)
{
	bool seen[DECODE_FIELDS_MAX] = { false };
	struct where here = { .up = at };

	assert(o->n <= DECODE_FIELDS_MAX);
	if (j->type != JSON_OBJECT)
		return decode_error(d, at, j->line, "not an object");
	for (const struct json *c = j->first; c; c = c->next) {
		size_t i;
		int rc;

		here.key = c->key;
		i = decode_field_index(o, c->key);
		if (i == o->n)
			decode_warn(d, &here, c->line, "unknown field, ignored");
		if (i == o->n || c->type == JSON_NULL)
			continue;
		seen[i] = true;
		rc = decode_field(d, &here, c, &o->fields[i], member_of(to, &o->fields[i]));
		if (rc < 0) {
			decode_words(d, o->fields[i].what);
			return rc;
		}
	}
	for (size_t i = 0; i < o->n; i++) {
		here.key = o->fields[i].key;
		if (o->fields[i].required && !seen[i]) {
			int rc = decode_error(d, &here, j->line, "missing");

			decode_words(d, o->fields[i].what);
			return rc;
		}
	}
	return 0;
}
