/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: the forms in which engines write options, and mistakes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

static int nothing(struct call *call, struct err *err)
{
	(void)call;
	(void)err;
	return 0;
}

static const struct cli_option run_options[] = {
	CLI_STRING_OPTION("bundle", 'b', "DIR", bundle, ""),
	CLI_FLAG_OPTION("detach", 'd', detach, ""),
	CLI_OPTIONS_END,
};

const struct command cmd_run_table[] = {
	{ "create", "ID", 1, 1, "", run_options, nothing },
	{ .name = NULL },
};
const struct command cmd_kill_table[] = {
	{ "kill", "ID [SIGNAL]", 1, 2, "", NULL, nothing },
	{ .name = NULL },
};
const struct command cmd_state_table[] = { { .name = NULL } };
const struct command cmd_info_table[] = { { .name = NULL } };

#define ARGS_MAX 16
#define ARG_MAX_LEN 64

struct parsed {
	struct options options;
	const struct command *command;
	struct call call;
	struct err err;
	char text[ARGS_MAX][ARG_MAX_LEN];
	char *argv[ARGS_MAX];
};

static int parse(struct parsed *p, const char *const *words)
{
	int n = 0;

	p->err = (struct err)ERR_INIT;
	(void)strcpy(p->text[n], "vmrunc");
	p->argv[n] = p->text[n];
	for (n = 1; *words; words++, n++) {
		(void)strcpy(p->text[n], *words);
		p->argv[n] = p->text[n];
	}
	p->argv[n] = NULL;
	return cli_parse(n, p->argv, &p->options, &p->command, &p->call, &p->err);
}

#define PARSE(p, ...) parse(p, (const char *const[]){ __VA_ARGS__, NULL })

static void test_forms(void **state)
{
	struct parsed p;

	(void)state;
	assert_int_equal(
		PARSE(&p, "--root", "/r", "--log=/l", "--log-format", "json", "create", "--bundle", "/b", "-d", "id"),
		0);
	assert_string_equal(p.command->name, "create");
	assert_string_equal(p.options.root, "/r");
	assert_string_equal(p.options.log, "/l");
	assert_string_equal(p.options.log_format, "json");
	assert_string_equal(p.options.bundle, "/b");
	assert_true(p.options.detach);
	assert_string_equal(p.call.argv[0], "id");

	/* options of the command behind its arguments, global ones behind the command, letters with
	 * a value */
	assert_int_equal(PARSE(&p, "create", "id", "-b/b", "--detach=true", "--kernel=/k"), 0);
	assert_string_equal(p.options.bundle, "/b");
	assert_string_equal(p.options.kernel, "/k");
	assert_true(p.options.detach);
	assert_int_equal(p.call.argc, 1);

	/* a flag's value in every word that runc takes; a later one counts */
	assert_int_equal(PARSE(&p, "--debug=1", "create", "-d", "--detach=false", "id"), 0);
	assert_true(p.options.debug);
	assert_false(p.options.detach);
	assert_int_equal(PARSE(&p, "--debug=F", "create", "--detach=False", "--detach=T", "id"), 0);
	assert_false(p.options.debug);
	assert_true(p.options.detach);

	/* an ID that begins with a dash comes behind "--" */
	assert_int_equal(PARSE(&p, "kill", "--", "-id", "9"), 0);
	assert_string_equal(p.call.argv[0], "-id");
	assert_string_equal(p.call.argv[1], "9");

	assert_int_equal(PARSE(&p, "--version"), 0);
	assert_true(p.options.version);
	assert_null(p.command);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *words[4];
		const char *want;
	} cases[] = {
		{ { "no-such-command" }, "\"no-such-command\"" },
		{ { "create" }, "more arguments" },
		{ { "create", "a", "b" }, "fewer arguments" },
		{ { "create", "--no-such-option", "a" }, "\"--no-such-option\"" },
		{ { "--no-such-option", "create", "a" }, "\"--no-such-option\"" },
		{ { "create", "a", "--bundle" }, "needs a value" },
		{ { "create", "a", "--detach=maybe" }, "\"--detach\": \"maybe\" is neither true nor false" },
		{ { "create", "a", "--detach=" }, "is neither true nor false" },
		{ { "create", "a", "-b" }, "\"-b\" needs a value" },
		{ { "--root" }, "\"--root\" needs a value" },
		{ { "kill", "id", "-x" }, "\"-x\"" },
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = parse(&p, (const char *const *)cases[i].words);

		if (r != -EINVAL || !strstr(p.err.msg, cases[i].want))
			fail_msg(
				"case %zu: wanted -EINVAL with '%s', got %d with '%s'", i, cases[i].want, r, p.err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
