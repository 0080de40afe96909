/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON: see gen.h. */
#include "json/gen.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"

/* U+FFFD, which stands for a byte that is not UTF-8. */
#define REPLACEMENT "\xef\xbf\xbd"

static const struct {
	const char *indent; /* a level's; NULL: all on one line */
	const char *comma, *colon;
} styles[] = {
	[GEN_COMPACT] = { NULL, ",", ":" },
	[GEN_WIDE] = { NULL, ", ", ": " },
	[GEN_INDENT_2] = { "  ", ",\n", ": " },
	[GEN_INDENT_4] = { "    ", ",\n", ": " },
	[GEN_INDENT_TAB] = { "\t", ",\n", ": " },
};

/* --- strings --- */

void gen_quote(struct buf *out, const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text, *end = s + len;

	buf_put(out, "\"", 1);
	while (s < end) {
		const unsigned char *plain = s;
		size_t n;

		while (s < end && *s >= 0x20 && *s < 0x7f && *s != '"' && *s != '\\')
			s++;
		buf_put(out, plain, (size_t)(s - plain));
		if (s == end)
			break;
		n = text_utf8(s, (size_t)(end - s));
		if (n == 2 && text_is_c1(s))
			buf_printf(out, "\\u%04x", s[1]); /* U+0080 to U+009f end in that byte */
		else if (n > 1)
			buf_put(out, s, n);
		else if (n == 0)
			buf_puts(out, REPLACEMENT);
		else if (*s == '"' || *s == '\\')
			buf_printf(out, "\\%c", *s);
		else if (*s == '\n')
			buf_puts(out, "\\n");
		else if (*s == '\t')
			buf_puts(out, "\\t");
		else
			buf_printf(out, "\\u%04x", *s);
		s += MAX(n, (size_t)1);
	}
	buf_put(out, "\"", 1);
}

/* --- layout --- */

void gen_init(struct gen *g, struct buf *out, enum gen_style style)
{
	*g = (struct gen){ .out = out, .style = style };
}

int gen_finish(struct gen *g, struct err *err)
{
	assert(g->depth == 0 && !g->keyed);
	return buf_error(g->out) < 0 ? err_set(err, ENOMEM, "out of memory") : 0;
}

void gen_newline(struct gen *g, const char *indent)
{
	g->newline = indent;
}

/* Begins the line that gen_newline() or the style asks for. */
static void put_indent(struct gen *g)
{
	const char *indent = styles[g->style].indent;

	if (g->newline)
		buf_printf(g->out, "\n%s", g->newline);
	g->newline = NULL;
	for (unsigned i = 0; indent && i < g->depth; i++)
		buf_puts(g->out, indent);
}

/* Writes what stands between the last value and the next one. */
static void put_gap(struct gen *g)
{
	if (g->keyed) {
		g->keyed = false;
		return;
	}
	if (g->depth > 0 && !g->first)
		buf_puts(g->out, g->newline ? "," : styles[g->style].comma);
	g->first = false;
	put_indent(g);
}

static void open_bracket(struct gen *g, const char *bracket)
{
	put_gap(g);
	buf_puts(g->out, bracket);
	if (styles[g->style].indent)
		buf_puts(g->out, "\n");
	g->depth++;
	g->first = true;
}

static void close_bracket(struct gen *g, const char *bracket)
{
	assert(g->depth > 0 && !g->keyed);
	g->depth--;
	g->first = false;
	if (styles[g->style].indent)
		buf_puts(g->out, "\n");
	put_indent(g);
	buf_puts(g->out, bracket);
	if (styles[g->style].indent && g->depth == 0)
		buf_puts(g->out, "\n");
}

/* --- values --- */

void gen_open_object(struct gen *g)
{
	open_bracket(g, "{");
}

void gen_close_object(struct gen *g)
{
	close_bracket(g, "}");
}

void gen_open_array(struct gen *g)
{
	open_bracket(g, "[");
}

void gen_close_array(struct gen *g)
{
	close_bracket(g, "]");
}

void gen_string_len(struct gen *g, const char *text, size_t len)
{
	put_gap(g);
	gen_quote(g->out, text, len);
}

void gen_string(struct gen *g, const char *text)
{
	gen_string_len(g, text ? text : "", text ? strlen(text) : 0);
}

void gen_integer(struct gen *g, int64_t value)
{
	put_gap(g);
	buf_printf(g->out, "%" PRId64, value);
}

void gen_unsigned(struct gen *g, uint64_t value)
{
	put_gap(g);
	buf_printf(g->out, "%" PRIu64, value);
}

void gen_bool(struct gen *g, bool value)
{
	put_gap(g);
	buf_puts(g->out, value ? "true" : "false");
}

void gen_key(struct gen *g, const char *key)
{
	assert(g->depth > 0 && !g->keyed);
	gen_string(g, key);
	buf_puts(g->out, styles[g->style].colon);
	g->keyed = true;
}

void gen_json(struct gen *g, const struct json *j)
{
	bool object = j->type == JSON_OBJECT;

	switch (j->type) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		open_bracket(g, object ? "{" : "[");
		for (const struct json *c = j->first; c; c = c->next) { /* not deeper than JSON_DEPTH_MAX */
			if (object)
				gen_key(g, c->key);
			gen_json(g, c);
		}
		close_bracket(g, object ? "}" : "]");
		break;
	case JSON_STRING:
		gen_string(g, j->text);
		break;
	case JSON_BOOL:
		gen_bool(g, j->boolean);
		break;
	default:
		put_gap(g);
		buf_puts(g->out, j->type == JSON_NUMBER ? j->text : "null");
		break;
	}
}

void gen_key_string(struct gen *g, const char *key, const char *text)
{
	gen_key(g, key);
	gen_string(g, text);
}

void gen_key_integer(struct gen *g, const char *key, int64_t value)
{
	gen_key(g, key);
	gen_integer(g, value);
}

void gen_key_bool(struct gen *g, const char *key, bool value)
{
	gen_key(g, key);
	gen_bool(g, value);
}

void gen_key_object(struct gen *g, const char *key)
{
	gen_key(g, key);
	gen_open_object(g);
}

void gen_key_array(struct gen *g, const char *key)
{
	gen_key(g, key);
	gen_open_array(g);
}

void gen_key_strings(struct gen *g, const char *key, const char *const *texts)
{
	gen_key_array(g, key);
	for (; *texts; texts++)
		gen_string(g, *texts);
	gen_close_array(g);
}
