/* SPDX-License-Identifier: Apache-2.0 */
/* What an update makes of a config: zeros change nothing, lists are replaced, all else stays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spec/merge.h"

/* The config @config after @update; an error's text instead. */
static const char *merged(const char *config, const char *update)
{
	static char text[512];
	struct err err = ERR_INIT;
	autobuf out = BUF_INIT;
	int r = merge_resources(config, strlen(config), update, strlen(update), &out, &err);

	assert_true(out.len < sizeof(text));
	(void)strcpy(text, r < 0 ? err.msg : out.data);
	return text;
}

static void what_is_set_is_changed_and_the_rest_stays(void **state)
{
	static const struct {
		const char *config, *update, *want;
	} cases[] = {
		{ "{\"x\":1.50}", "{}", "{\"x\":1.50,\"linux\":{\"resources\":{}}}" },
		{ "{\"linux\":null}", "{\"pids\":{\"limit\":7}}",
			"{\"linux\":{\"resources\":{\"pids\":{\"limit\":7}}}}" },
		{ "{\"linux\":{\"resources\":{\"memory\":{\"limit\":5,\"swap\":9},\"cpu\":{\"cpus\":\"0\"}},\"y\":["
		  "true]}}",
			"{\"memory\":{\"limit\":6,\"swap\":0},\"cpu\":{\"cpus\":\"\",\"shares\":0,\"idle\":0},\"pids\":"
			"{\"limit\":-1}}",
			"{\"linux\":{\"resources\":{\"memory\":{\"limit\":6,\"swap\":9},\"cpu\":{\"cpus\":\"0\","
			"\"idle\":0},"
			"\"pids\":{\"limit\":-1}},\"y\":[true]}}" },
		/* a list takes the place of the old one, an empty one does not, and devices never do */
		{ "{\"linux\":{\"resources\":{\"devices\":[{\"allow\":false}],\"hugepageLimits\":[{\"a\":1}],"
		  "\"unified\":{\"k\":\"1\"}}}}",
			"{\"devices\":[{\"allow\":true}],\"hugepageLimits\":[{\"b\":2}],\"unified\":{\"l\":\"2\",\"k\":"
			"\"\"}}",
			"{\"linux\":{\"resources\":{\"devices\":[{\"allow\":false}],\"hugepageLimits\":[{\"b\":2}],"
			"\"unified\":{\"k\":\"1\",\"l\":\"2\"}}}}" },
		{ "{\"linux\":{\"resources\":{\"hugepageLimits\":[{\"a\":1}],\"n\":\"\\u00e9\\n\"}}}",
			"{\"hugepageLimits\":[],\"cpu\":null}",
			"{\"linux\":{\"resources\":{\"hugepageLimits\":[{\"a\":1}],\"n\":\"\xc3\xa9\\n\"}}}" },
		/* a key in another case is the field's, on either side */
		{ "{\"linux\":{\"resources\":{\"cpu\":{\"shares\":1024}}}}", "{\"CPU\":{\"Shares\":512}}",
			"{\"linux\":{\"resources\":{\"cpu\":{\"shares\":512}}}}" },
		{ "{\"Linux\":{\"RESOURCES\":{\"Cpu\":{\"SHARES\":1024}}}}", "{\"cpu\":{\"shares\":512,\"IDLE\":0}}",
			"{\"linux\":{\"resources\":{\"cpu\":{\"shares\":512,\"idle\":0}}}}" },
		{ "{}", "{\"Devices\":[{\"allow\":true}],\"pids\":{\"limit\":1},\"Pids\":{\"limit\":2}}",
			"{\"linux\":{\"resources\":{\"pids\":{\"limit\":2}}}}" },
		/* the keys of a map are names */
		{ "{}", "{\"Unified\":{\"a\":\"1\",\"A\":\"2\"}}",
			"{\"linux\":{\"resources\":{\"unified\":{\"a\":\"1\",\"A\":\"2\"}}}}" },
		{ "{}", "[]", "resources: not an object" },
		{ "{}", "7", "resources: not an object" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(merged(cases[i].config, cases[i].update), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_set_is_changed_and_the_rest_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
