/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON. */
#include "json/gen.h"

#include <errno.h>
#include <string.h>
#include <yajl/yajl_gen.h>

int gen_init(struct gen *g, const char *indent)
{
	g->failed = false;
	g->yajl = yajl_gen_alloc(NULL);
	if (!g->yajl)
		return -ENOMEM;
	if (indent) {
		yajl_gen_config(g->yajl, yajl_gen_beautify, 1);
		yajl_gen_config(g->yajl, yajl_gen_indent_string, indent);
	}
	return 0;
}

int gen_finish(struct gen *g, struct buf *out, struct err *err)
{
	const unsigned char *text = NULL;
	size_t len = 0;
	int rc = 0;

	if (g->failed || yajl_gen_get_buf(g->yajl, &text, &len) != yajl_gen_status_ok) {
		rc = err_set(err, EINVAL, "JSON cannot be written");
	} else {
		buf_put(out, text, len);
		if (len && text[len - 1] != '\n')
			buf_put(out, "\n", 1);
		if (buf_error(out))
			rc = err_set(err, ENOMEM, "out of memory");
	}
	yajl_gen_free(g->yajl);
	g->yajl = NULL;
	return rc;
}

static void gen_check(struct gen *g, yajl_gen_status status)
{
	g->failed |= status != yajl_gen_status_ok && status != yajl_gen_generation_complete;
}

void gen_open_object(struct gen *g)
{
	gen_check(g, yajl_gen_map_open(g->yajl));
}

void gen_close_object(struct gen *g)
{
	gen_check(g, yajl_gen_map_close(g->yajl));
}

void gen_open_array(struct gen *g)
{
	gen_check(g, yajl_gen_array_open(g->yajl));
}

void gen_close_array(struct gen *g)
{
	gen_check(g, yajl_gen_array_close(g->yajl));
}

void gen_string(struct gen *g, const char *text)
{
	gen_check(g, yajl_gen_string(g->yajl, (const unsigned char *)text, strlen(text)));
}

void gen_integer(struct gen *g, int64_t value)
{
	gen_check(g, yajl_gen_integer(g->yajl, value));
}

void gen_bool(struct gen *g, bool value)
{
	gen_check(g, yajl_gen_bool(g->yajl, value));
}

void gen_key(struct gen *g, const char *key)
{
	gen_string(g, key);
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
