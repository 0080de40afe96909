/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/spec and src/json: what the text of a config must be, its bounds, and the warnings it gets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "json/json.h"
#include "json/warnings.h"
#include "spec/spec.h"

#define HEAD "{\"ociVersion\":\"1.2.0\",\n\"root\":{\"path\":\"r\"}"

static const struct {
	const char *json, *want;
} broken_json[] = {
	{ "", "c.json: the file is empty" },
	{ " \n ", "c.json:2: parse error: premature EOF" },
	{ "{", "c.json:1: parse error: premature EOF" },
	{ HEAD ",\n\n\n\"process\": { \"cwd\": @x\" }\n}", "c.json:5: lexical error: invalid char in json text." },
	{ HEAD ",\n\"process\": { \"cwd\" \"/\" }\n}",
		"c.json:3: parse error: object key and value must be separated by a colon (':')" },
	{ HEAD ",\n\"hostname\": 'x' }", "c.json:3: lexical error: invalid char in json text." },
	{ HEAD ",\n\"hostname\": \"a\nb\" }", "c.json:3: lexical error: invalid character inside string." },
	{ HEAD ",\n\"hostname\": \"\\u0000\" }", "c.json:3: a string contains a NUL character" },
	{ HEAD ",\n\"annotations\": {\n\"a\\u0000b\": \"\" } }", "c.json:4: a string contains a NUL character" },
	{ HEAD ",\n\"hostname\": \"\xff\xfe\" }", "c.json:3: lexical error: invalid bytes in UTF8 string." },
	{ HEAD ",}", "c.json:2: parse error: invalid object key (must be a string)" },
	{ HEAD "}\n}", "c.json:3: parse error: trailing garbage" },
	{ HEAD "}\n\nx", "c.json:4: parse error: trailing garbage" },
	{ HEAD ",\n// a comment\n\"hostname\":\"x\"}",
		"c.json:3: lexical error: probable comment found in input text, comments are not enabled." },
	{ HEAD ",\n\"hostname\": tru}", "c.json:3: lexical error: invalid string in json text." },
	{ "\xef\xbb\xbf{}", "c.json:1: lexical error: invalid char in json text." },
	{ "[]", "c.json:1: not an object" },
	{ "\n\n7", "c.json:3: not an object" },
	{ "7\n\n", "c.json:1: not an object" },
	{ HEAD ",\n\"hostname\":\n\"x\"\n\n", "c.json:6: parse error: premature EOF" },
	{ "null", "c.json:1: not an object" },
	{ "{}", "c.json:1: ociVersion: missing" },
	{ "{\n\"ociVersion\":\"1.0.0\"}", "c.json:1: root: missing" },
	{ "{\"ociVersion\":\"1.0.0\",\n\"root\":{}}", "c.json:2: root.path: missing" },
	{ "{\"ociVersion\":\"1.0.0\",\n\"root\":{\"path\":\"\"}}", "c.json:2: root.path: empty" },
};

static void broken_json_says_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken_json); i++) {
		struct err err = ERR_INIT;
		struct spec *s = NULL;

		assert_int_equal(spec_parse("c.json", broken_json[i].json, strlen(broken_json[i].json), &s, NULL, &err),
			-EINVAL);
		assert_string_equal(err.msg, broken_json[i].want);
		assert_null(s);
	}
}

static int parse_text(const char *json, size_t len, struct err *err)
{
	struct spec *s = NULL;
	int rc = spec_parse("c.json", json, len, &s, NULL, err);

	spec_free(s);
	return rc;
}

static void every_prefix_of_a_config_is_an_error(void **state)
{
	static const char json[] =
		HEAD ",\n\"hostname\":\"a\\u00e4\",\"annotations\":{\"n\":\"-1.5e3\"},\"x\":[true,null,-0]}";

	(void)state;
	for (size_t len = 0; len < sizeof(json) - 1; len++) {
		struct err err = ERR_INIT;

		/* a copy of its own, so that a sanitizer sees a read behind the end */
		char *copy = malloc(len + 1);

		memcpy(copy, json, len);
		assert_int_equal(parse_text(copy, len, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "c.json"));
		free(copy);
	}
	assert_int_equal(parse_text(json, sizeof(json) - 1, NULL), 0);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	for (size_t depth = JSON_DEPTH_MAX - 3; depth <= JSON_DEPTH_MAX + 1; depth++) {
		autobuf b = BUF_INIT;
		struct err err = ERR_INIT;

		buf_puts(&b, HEAD ",\n\"x\":");
		for (size_t i = 1; i < depth; i++) /* the object around it is the first level */
			buf_puts(&b, "[");
		for (size_t i = 1; i < depth; i++)
			buf_puts(&b, "]");
		buf_puts(&b, "}");
		if (depth <= JSON_DEPTH_MAX) {
			assert_int_equal(parse_text(b.data, b.len, &err), 0);
		} else {
			assert_int_equal(parse_text(b.data, b.len, &err), -E2BIG);
			assert_string_equal(err.msg, "c.json:3: nested deeper than 64 levels");
		}
	}
}

static void unclosed_depth_is_bounded(void **state)
{
	char *deep = malloc(1 << 20);
	struct err err = ERR_INIT;

	(void)state;
	memset(deep, '[', 1 << 20);
	assert_int_equal(parse_text(deep, 1 << 20, &err), -E2BIG);
	free(deep);
}

static void values_are_bounded(void **state)
{
	autobuf b = BUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	buf_puts(&b, HEAD ",\n\"x\":[0");
	for (size_t i = 0; i < JSON_NODES_MAX; i++)
		buf_puts(&b, ",0");
	buf_puts(&b, "]}");
	assert_int_equal(parse_text(b.data, b.len, &err), -E2BIG);
	assert_string_equal(err.msg, "c.json:3: more than 262144 values");
}

static void size_is_bounded(void **state)
{
	char *big = calloc(1, SPEC_FILE_MAX + 1);
	struct err err = ERR_INIT;

	(void)state;
	memset(big, ' ', SPEC_FILE_MAX + 1);
	assert_int_equal(parse_text(big, SPEC_FILE_MAX + 1, &err), -E2BIG);
	assert_string_equal(err.msg, "c.json: larger than 16 MiB");
	memcpy(big, HEAD "}", strlen(HEAD "}"));
	assert_int_equal(parse_text(big, SPEC_FILE_MAX, &err), 0);
	free(big);
}

static bool warned(const struct warnings *w, const char *text)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i], text) == 0)
			return true;
	for (size_t i = 0; i < w->n; i++)
		print_error("warning: %s\n", w->v[i]);
	return false;
}

static void the_last_of_equal_keys_counts_with_a_warning(void **state)
{
	static const char json[] = HEAD ",\n\"hostname\":\"a\",\n\"hostname\":17,\n\"hostname\":\"c\",\n"
					"\"annotations\":{\"k\":\"1\",\n\"j\":\"2\",\n\"k\":\"3\"}}";
	struct warnings w = WARNINGS_INIT;
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_parse("c.json", json, strlen(json), &s, &w, &err), 0);
	assert_string_equal(s->hostname, "c");
	assert_int_equal(s->annotations.n, 2);
	assert_string_equal(spec_annotation(s, "k"), "3");
	assert_true(warned(&w, "c.json:3: \"hostname\" is given again in line 4: the last one counts"));
	assert_true(warned(&w, "c.json:4: \"hostname\" is given again in line 5: the last one counts"));
	assert_true(warned(&w, "c.json:6: \"k\" is given again in line 8: the last one counts"));
	spec_free(s);
	warnings_done(&w);
}

static void unknown_fields_are_warnings(void **state)
{
	static const char json[] = HEAD ",\n\"frob\":1,\n\"mounts\":[{\"destination\":\"/a\",\"type\":\"tmpfs\",\n"
					"\"Option\":[]}],\n\"linux\":{\n\"x\\ny\":{}}}";
	struct warnings w = WARNINGS_INIT;
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_parse("c.json", json, strlen(json), &s, &w, &err), 0);
	assert_int_equal(w.n, 3);
	assert_true(warned(&w, "c.json:3: frob: unknown field, ignored"));
	assert_true(warned(&w, "c.json:5: mounts[0].Option: unknown field, ignored"));
	assert_true(warned(&w, "c.json:7: linux.x?y: unknown field, ignored"));
	spec_free(s);
	warnings_done(&w);
}

static void keys_in_another_case_are_taken_with_a_warning(void **state)
{
	static const char json[] =
		HEAD ",\n\"Hostname\":\"no\",\n\"hostname\":\"yes\",\n\"linux\":{\"resources\":{\"devices\":[{"
		     "\"allow\":false,"
		     "\n\"access\":\"rwa\"}],\n\"hugepageLimits\":[{\"pagesize\":\"2MB\",\"LIMIT\":5}]}}}";
	const struct spec_resources *r;
	struct warnings w = WARNINGS_INIT;
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_parse("c.json", json, strlen(json), &s, &w, &err), 0);
	assert_true(warned(&w, "c.json:3: Hostname: taken for \"hostname\""));
	assert_true(warned(&w, "c.json:3: hostname: given again in line 4: the last one counts"));
	assert_true(
		warned(&w, "c.json:6: linux.resources.devices[0].access: \"rwa\" is not made of r, w and m alone; the "
			   "rest is ignored"));
	assert_true(warned(&w, "c.json:7: linux.resources.hugepageLimits[0].pagesize: taken for \"pageSize\""));
	assert_true(warned(&w, "c.json:7: linux.resources.hugepageLimits[0].LIMIT: taken for \"limit\""));
	assert_string_equal(s->hostname, "yes");
	r = s->linux_->resources;
	assert_int_equal(r->devices.v[0].access, SPEC_DEVICE_READ | SPEC_DEVICE_WRITE);
	assert_string_equal(r->hugepage_limits.v[0].page_size, "2MB");
	assert_int_equal(r->hugepage_limits.v[0].limit, 5);
	spec_free(s);
	warnings_done(&w);
}

/* What is asked of a value after it has been read holds for one below a key in another case, too. */
static void keys_in_another_case_are_validated(void **state)
{
	static const char good[] = HEAD ",\"Linux\":{\"Devices\":[{\"type\":\"c\",\"path\":\"/x\",\"Major\":1,"
					"\"MINOR\":0}]}}";
	static const char bad[] = HEAD ",\"Linux\":{\"devices\":[{\"type\":\"c\",\"path\":\"/x\",\"major\":1}]}}";
	struct warnings w = WARNINGS_INIT;
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_parse("c.json", good, strlen(good), &s, &w, &err), 0);
	assert_int_equal(s->linux_->devices.n, 1);
	assert_int_equal(s->linux_->devices.v[0].major.v, 1);
	assert_true(s->linux_->devices.v[0].minor.set);
	spec_free(s);
	s = NULL;
	assert_true(spec_parse("c.json", bad, strlen(bad), &s, &w, &err) < 0);
	assert_non_null(strstr(err.msg, "linux.devices[0]: a device of type c needs major and minor"));
	warnings_done(&w);
}

/* The last of several spellings counts, as in Go, also where it is not the field's own; null is "not set" there, too. */
static void the_last_of_several_spellings_counts(void **state)
{
	static const char json[] = HEAD ",\"hostname\":\"no\",\"HOSTNAME\":\"nor this\",\"Hostname\":\"yes\","
					"\"domainname\":\"no\",\"Domainname\":null,"
					"\"annotations\":{\"a\":\"1\",\"A\":\"2\"}}";
	struct warnings w = WARNINGS_INIT;
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_parse("c.json", json, strlen(json), &s, &w, &err), 0);
	assert_string_equal(s->hostname, "yes");
	assert_null(s->domainname);
	assert_int_equal(s->annotations.n, 2);
	spec_free(s);
	warnings_done(&w);
}

/* What the support table says of a field holds for one whose key is in another case, too. */
static void keys_in_another_case_have_their_support(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
		{ HEAD ",\n\"linux\":{\"intelRDT\":{\"CLOSID\":\"x\"}}}",
			"c.json:3: linux.intelRdt.closID: not supported: " },
		{ HEAD ",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\n\"ListenerPath\":\"/x\"}}}",
			"c.json:3: linux.seccomp.listenerPath: not supported: " },
		{ HEAD ",\n\"Windows\":{\"x\":1}}", "c.json:3: windows: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct warnings w = WARNINGS_INIT;
		struct spec *s = NULL;
		struct err err = ERR_INIT;
		int r = spec_parse("c.json", cases[i].json, strlen(cases[i].json), &s, &w, &err);
		bool said = strncmp(err.msg, cases[i].want, strlen(cases[i].want)) == 0;

		for (size_t k = 0; k < w.n; k++)
			said |= strncmp(w.v[k], cases[i].want, strlen(cases[i].want)) == 0 &&
				!strstr(w.v[k], "taken for");
		if (!said)
			fail_msg("%s: wanted %s, got %d %s", cases[i].json, cases[i].want, r, err.msg);
		spec_free(s);
		warnings_done(&w);
	}
}

static void warnings_are_bounded(void **state)
{
	autobuf b = BUF_INIT;
	struct warnings w = WARNINGS_INIT;
	struct spec *s = NULL;

	(void)state;
	buf_puts(&b, HEAD);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, ",\"x%d\":0", i);
	buf_puts(&b, "}");
	assert_int_equal(spec_parse("c.json", b.data, b.len, &s, &w, NULL), 0);
	assert_int_equal(w.n, WARNINGS_MAX);
	assert_int_equal(w.extra, 1000 - WARNINGS_MAX);
	spec_free(s);
	warnings_done(&w);
	warnings_done(NULL);
}

static void numbers_are_exact(void **state)
{
	static const char json[] = HEAD
		",\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"rlimits\":[{\"type\":\"RLIMIT_CORE\","
		"\"soft\":18446744073709551614,\"hard\":18446744073709551615}]},"
		"\"linux\":{\"resources\":{\"memory\":{\"limit\":9007199254740993,\"swap\":-1,\"swappiness\":-0}}}}";
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_parse("c.json", json, strlen(json), &s, NULL, &err), 0);
	assert_true(s->process->rlimits.v[0].soft == UINT64_MAX - 1);
	assert_true(s->process->rlimits.v[0].hard == UINT64_MAX);
	assert_true(s->linux_->resources->memory->limit.v == 9007199254740993);
	assert_int_equal(s->linux_->resources->memory->swap.v, -1);
	assert_true(s->linux_->resources->memory->swappiness.set);
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_json_says_where),
		cmocka_unit_test(every_prefix_of_a_config_is_an_error),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(unclosed_depth_is_bounded),
		cmocka_unit_test(values_are_bounded),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(the_last_of_equal_keys_counts_with_a_warning),
		cmocka_unit_test(unknown_fields_are_warnings),
		cmocka_unit_test(keys_in_another_case_are_taken_with_a_warning),
		cmocka_unit_test(keys_in_another_case_are_validated),
		cmocka_unit_test(the_last_of_several_spellings_counts),
		cmocka_unit_test(keys_in_another_case_have_their_support),
		cmocka_unit_test(warnings_are_bounded),
		cmocka_unit_test(numbers_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
