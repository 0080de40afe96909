/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in and out: layouts byte for byte, hostile strings, and what a reader takes and refuses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "json/gen.h"
#include "json/json.h"

/* --- writing --- */

static void write_sample(struct gen *g)
{
	static const char *const texts[] = { "x", "y", NULL };

	gen_open_object(g);
	gen_key_integer(g, "i", INT64_MIN);
	gen_key_bool(g, "t", true);
	gen_key_string(g, "s", NULL);
	gen_key_strings(g, "l", texts);
	gen_key_object(g, "o");
	gen_close_object(g);
	gen_key_array(g, "a");
	gen_open_array(g);
	gen_bool(g, false);
	gen_close_array(g);
	gen_string_len(g, "xyz", 1);
	gen_close_array(g);
	gen_close_object(g);
}

static void layouts(void **state)
{
	static const struct {
		enum gen_style style;
		const char *want;
	} cases[] = {
		{ GEN_COMPACT, "{\"i\":-9223372036854775808,\"t\":true,\"s\":\"\",\"l\":[\"x\",\"y\"],\"o\":{},"
			       "\"a\":[[false],\"x\"]}" },
		{ GEN_WIDE, "{\"i\": -9223372036854775808, \"t\": true, \"s\": \"\", \"l\": [\"x\", \"y\"], "
			    "\"o\": {}, \"a\": [[false], \"x\"]}" },
		{ GEN_INDENT_2, "{\n  \"i\": -9223372036854775808,\n  \"t\": true,\n  \"s\": \"\",\n  \"l\": [\n"
				"    \"x\",\n    \"y\"\n  ],\n  \"o\": {\n\n  },\n  \"a\": [\n    [\n"
				"      false\n    ],\n    \"x\"\n  ]\n}\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf b = BUF_INIT;
		struct gen g;

		gen_init(&g, &b, cases[i].style);
		write_sample(&g);
		assert_int_equal(gen_finish(&g, NULL), 0);
		assert_string_equal(b.data, cases[i].want);
	}
}

static void lines_where_they_are_asked_for(void **state)
{
	autobuf b = BUF_INIT;
	struct gen g;

	(void)state;
	gen_init(&g, &b, GEN_WIDE);
	gen_open_array(&g);
	for (int i = 0; i < 2; i++) {
		gen_newline(&g, "  ");
		gen_open_object(&g);
		gen_key_integer(&g, "i", i);
		gen_close_object(&g);
	}
	gen_newline(&g, "");
	gen_close_array(&g);
	assert_int_equal(gen_finish(&g, NULL), 0);
	assert_string_equal(b.data, "[\n  {\"i\": 0},\n  {\"i\": 1}\n]");
}

static void a_failed_buffer_is_an_error(void **state)
{
	autobuf b = BUF_INIT;
	struct gen g;

	(void)state;
	gen_init(&g, &b, GEN_COMPACT);
	gen_open_array(&g);
	b.error = -ENOMEM;
	gen_close_array(&g);
	assert_int_equal(gen_finish(&g, NULL), -ENOMEM);
}

#define BAD "\xef\xbf\xbd"

/* What comes from file names, environments and guests. */
static void strings_are_valid_whatever_is_in_them(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" }, { "plain ~", "plain ~" }, { "\"\\/", "\\\"\\\\/" },
		{ "\n\t\r\x01\x1f\x7f", "\\n\\t\\u000d\\u0001\\u001f\\u007f" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		/* a terminal obeys these control characters as it does ESC [ */
		{ "\xc2\x80 \xc2\x9b \xc2\x9f \x7f", "\\u0080 \\u009b \\u009f \\u007f" },
		{ "\xc2\xa0\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
			"\xc2\xa0\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf" },
		{ "a\xff"
		  "b",
			"a" BAD "b" },
		{ "\x80", BAD },         /* a second byte without a first */
		{ "\xc3", BAD },         /* cut off */
		{ "\xe2\x82", BAD BAD }, /* cut off */
		{ "\xf0\x9f\x98"
		  "x",
			BAD BAD BAD "x" },               /* cut off by another character */
		{ "\xc0\xaf", BAD BAD },                 /* '/' in more bytes than it needs */
		{ "\xe0\x80\xaf", BAD BAD BAD },         /* likewise */
		{ "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD }, /* likewise */
		{ "\xed\xa0\x80", BAD BAD BAD },         /* a surrogate */
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD }, /* above U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD },
		{ "\xe2\"\n", BAD "\\\"\\n" }, /* the quote is not swallowed */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf b = BUF_INIT, want = BUF_INIT;

		gen_quote(&b, cases[i].text, strlen(cases[i].text));
		buf_printf(&want, "\"%s\"", cases[i].want);
		if (strcmp(b.data, want.data) != 0)
			fail_msg("case %zu: wanted %s, got %s", i, want.data, b.data);
	}
}

/* Each sequence of up to three bytes, written and read back: yajl's reader checks UTF-8 on its own. */
static void every_short_string_is_read_back(void **state)
{
	static const unsigned char bytes[] = { 0x01, '"', '\\', 'a', 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
		0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xfe, 0xff };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bytes) * ARRAY_LEN(bytes) * ARRAY_LEN(bytes); i++) {
		const char text[] = { (char)bytes[i % ARRAY_LEN(bytes)],
			(char)bytes[i / ARRAY_LEN(bytes) % ARRAY_LEN(bytes)],
			(char)bytes[i / ARRAY_LEN(bytes) / ARRAY_LEN(bytes)] };
		autobuf b = BUF_INIT;
		autoarena struct arena *arena = NULL;
		struct json *root = NULL;
		struct err err = ERR_INIT;

		gen_quote(&b, text, sizeof(text));
		assert_int_equal(arena_new(&arena), 0);
		if (json_parse("x", b.data, b.len, 0, arena, &root, NULL, &err) != 0)
			fail_msg("%02x %02x %02x: %s", (unsigned char)text[0], (unsigned char)text[1],
				(unsigned char)text[2], err.msg);
		assert_int_equal(root->type, JSON_STRING);
	}
}

/* --- reading --- */

static struct json *parse(struct arena *arena, const char *text, unsigned flags)
{
	struct json *root = NULL;
	struct err err = ERR_INIT;

	if (json_parse("x", text, strlen(text), flags, arena, &root, NULL, &err) != 0)
		fail_msg("%s: %s", text, err.msg);
	return root;
}

static void members_by_type(void **state)
{
	autoarena struct arena *arena = NULL;
	const struct json *root;
	int64_t n = 7;

	(void)state;
	assert_int_equal(arena_new(&arena), 0);
	root = parse(arena,
		"{\"s\": \"x\", \"i\": -3, \"f\": 1.5, \"e\": 1e3, \"big\": 9223372036854775808, \"z\": null}", 0);
	assert_string_equal(json_get_string(root, "s"), "x");
	assert_null(json_get_string(root, "i"));
	assert_null(json_get_string(root, "none"));
	assert_null(json_get_string(NULL, "s"));
	assert_null(json_get(json_get(root, "s"), "s"));
	assert_non_null(json_get_type(root, "z", JSON_NULL));
	assert_null(json_get_type(root, "z", JSON_BOOL));
	assert_false(json_get_i64(root, "f", &n));
	assert_false(json_get_i64(root, "e", &n));
	assert_false(json_get_i64(root, "big", &n));
	assert_false(json_get_i64(root, "s", &n));
	assert_false(json_get_i64(root, "none", &n));
	assert_int_equal(n, 7);
	assert_true(json_get_i64(root, "i", &n));
	assert_int_equal(n, -3);
}

static void numbers_at_their_bounds(void **state)
{
	static const struct {
		const char *text;
		bool is_i64, is_u64;
	} cases[] = {
		{ "0", true, true },
		{ "-0", true, true },
		{ "-1", true, false },
		{ "9223372036854775807", true, true },
		{ "9223372036854775808", false, true },
		{ "-9223372036854775808", true, false },
		{ "-9223372036854775809", false, false },
		{ "18446744073709551615", false, true },
		{ "18446744073709551616", false, false },
		{ "1.0", false, false },
		{ "1e1", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autoarena struct arena *arena = NULL;
		const struct json *j;
		uint64_t u;
		int64_t s;

		assert_int_equal(arena_new(&arena), 0);
		j = parse(arena, cases[i].text, 0);
		if (json_i64(j, &s) != cases[i].is_i64 || json_u64(j, &u) != cases[i].is_u64)
			fail_msg("%s", cases[i].text);
	}
}

static void flags_widen_what_is_taken(void **state)
{
	autoarena struct arena *arena = NULL;
	autobuf many = BUF_INIT;
	struct json *root = NULL;
	struct err err = ERR_INIT;
	static const char commented[] = "/* one */ {} // two";

	(void)state;
	assert_int_equal(arena_new(&arena), 0);
	assert_int_equal(json_parse("x", commented, strlen(commented), 0, arena, &root, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "x:1: "));
	assert_int_equal(parse(arena, commented, JSON_COMMENTS)->type, JSON_OBJECT);
	buf_puts(&many, "[0");
	for (size_t i = 0; i < JSON_NODES_MAX; i++)
		buf_puts(&many, ",0");
	buf_puts(&many, "]");
	assert_int_equal(json_parse("x", many.data, many.len, 0, arena, &root, NULL, &err), -E2BIG);
	assert_int_equal(parse(arena, many.data, JSON_OWN)->n, JSON_NODES_MAX + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts),
		cmocka_unit_test(lines_where_they_are_asked_for),
		cmocka_unit_test(a_failed_buffer_is_an_error),
		cmocka_unit_test(strings_are_valid_whatever_is_in_them),
		cmocka_unit_test(every_short_string_is_read_back),
		cmocka_unit_test(members_by_type),
		cmocka_unit_test(numbers_at_their_bounds),
		cmocka_unit_test(flags_widen_what_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
