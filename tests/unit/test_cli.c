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

struct create_options {
	const char *bundle;
	bool detach;
};

static const struct cli_option create_options[] = {
	CLI_STRING_OPTION(struct create_options, bundle, "bundle", 'b', "DIR", ""),
	CLI_FLAG_OPTION(struct create_options, detach, "detach", 'd', ""),
	CLI_OPTIONS_END,
};

struct spec_options {
	bool rootless;
};

/* A global option has the same name, and takes a value. */
static const struct cli_option spec_options[] = {
	CLI_FLAG_OPTION(struct spec_options, rootless, "rootless", 0, ""),
	CLI_OPTIONS_END,
};

static const struct command create = { "create", "ID", 1, 1, false, true, "", create_options,
	sizeof(struct create_options), nothing };
static const struct command kill_command = { "kill", "ID [SIGNAL]", 1, 2, false, false, "", NULL, 0, nothing };
static const struct command spec = { "spec", "", 0, 0, false, false, "", spec_options, sizeof(struct spec_options),
	nothing };

struct exec_options {
	struct cli_strings env;
	bool tty;
};

static const struct cli_option exec_options[] = {
	CLI_STRINGS_OPTION(struct exec_options, env, "env", 'e', "NAME=VALUE", ""),
	CLI_FLAG_OPTION(struct exec_options, tty, "tty", 't', ""),
	CLI_OPTIONS_END,
};
static const struct command exec = { "exec", "ID COMMAND", 1, 0, true, false, "", exec_options,
	sizeof(struct exec_options), nothing };

static const struct command *const table[] = { &create, &kill_command, &spec, &exec, NULL };

#define ARGS_MAX 16
#define ARG_MAX_LEN 64

struct parsed {
	struct call call;
	struct err err;
	char text[ARGS_MAX][ARG_MAX_LEN];
	char *argv[ARGS_MAX];
};

static int parse(struct parsed *p, const char *const *words)
{
	int n = 0;

	cli_done(&p->call);
	p->err = (struct err)ERR_INIT;
	(void)strcpy(p->text[n], "vmrunc");
	p->argv[n] = p->text[n];
	for (n = 1; *words; words++, n++) {
		(void)strcpy(p->text[n], *words);
		p->argv[n] = p->text[n];
	}
	p->argv[n] = NULL;
	return cli_parse(table, n, p->argv, &p->call, &p->err);
}

static const struct create_options *own(const struct parsed *p)
{
	return p->call.options;
}

#define PARSE(p, ...) parse(p, (const char *const[]){ __VA_ARGS__, NULL })

/* A command whose arguments are another one's command line: options end at the first of them. */
static void test_words(void **state)
{
	struct parsed p = { .call = { .command = NULL } };
	const struct exec_options *o;

	(void)state;
	assert_int_equal(PARSE(&p, "exec", "-e", "A=1", "--env=B=2,3", "-eC", "id", "sh", "-t", "--env", "--", "x"), 0);
	o = p.call.options;
	assert_int_equal(o->env.n, 3);
	assert_string_equal(o->env.v[0], "A=1");
	assert_string_equal(o->env.v[1], "B=2,3");
	assert_string_equal(o->env.v[2], "C");
	assert_false(o->tty);
	assert_int_equal(p.call.argc, 6);
	assert_string_equal(p.call.argv[2], "-t");
	assert_string_equal(p.call.argv[4], "--");
	assert_int_equal(PARSE(&p, "exec", "--tty", "id"), 0);
	assert_int_equal(p.call.argc, 1);
	assert_int_equal(PARSE(&p, "exec"), -EINVAL);
	assert_string_equal(p.err.msg, "\"vmrunc exec\" needs more arguments: vmrunc exec [options] ID COMMAND");
	assert_int_equal(PARSE(&p, "exec", "-e"), -EINVAL);
	cli_done(&p.call);
}

static void test_forms(void **state)
{
	struct parsed p = { .call = { .command = NULL } };

	(void)state;
	assert_int_equal(
		PARSE(&p, "--root", "/r", "--log=/l", "--log-format", "json", "create", "--bundle", "/b", "-d", "id"),
		0);
	assert_string_equal(p.call.command->name, "create");
	assert_string_equal(p.call.global.root, "/r");
	assert_string_equal(p.call.global.log, "/l");
	assert_string_equal(p.call.global.log_format, "json");
	assert_string_equal(own(&p)->bundle, "/b");
	assert_true(own(&p)->detach);
	assert_string_equal(p.call.argv[0], "id");

	/* options of the command behind its arguments, global ones behind the command, letters with a value */
	assert_int_equal(PARSE(&p, "create", "id", "-b/b", "--detach=true", "--kernel=/k"), 0);
	assert_string_equal(own(&p)->bundle, "/b");
	assert_string_equal(p.call.global.kernel, "/k");
	assert_true(own(&p)->detach);
	assert_int_equal(p.call.argc, 1);

	/* the value of a flag in every word that runc takes; of several values the last one counts */
	assert_int_equal(PARSE(&p, "--debug=1", "create", "-d", "--detach=false", "id"), 0);
	assert_true(p.call.global.debug);
	assert_false(own(&p)->detach);
	assert_int_equal(PARSE(&p, "--debug=F", "create", "--detach=False", "--detach=T", "id"), 0);
	assert_false(p.call.global.debug);
	assert_true(own(&p)->detach);

	/* an ID that begins with a dash comes behind "--" */
	assert_int_equal(PARSE(&p, "kill", "--", "-id", "9"), 0);
	assert_string_equal(p.call.argv[0], "-id");
	assert_string_equal(p.call.argv[1], "9");

	assert_int_equal(PARSE(&p, "help", "create"), 0);
	assert_true(p.call.global.help);
	assert_string_equal(p.call.command->name, "create");
	assert_int_equal(PARSE(&p, "help"), 0);
	assert_true(p.call.global.help);
	assert_null(p.call.command);

	assert_int_equal(PARSE(&p, "--version"), 0);
	assert_true(p.call.global.version);
	assert_null(p.call.command);

	/* of two options with one name, the command's own is meant behind the command, and the global one before it */
	assert_int_equal(PARSE(&p, "--rootless", "auto", "spec", "--rootless"), 0);
	assert_string_equal(p.call.global.rootless, "auto");
	assert_true(((const struct spec_options *)p.call.options)->rootless);
	cli_done(&p.call);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *words[4];
		const char *want;
	} cases[] = {
		{ { "no-such-command" }, "unknown command \"no-such-command\"" },
		{ { "no-such-command", "-h" }, "No help topic for 'no-such-command'" },
		{ { "help", "no-such-command" }, "No help topic for 'no-such-command'" },
		{ { "checkpoint", "--help" }, "\"checkpoint\" is not supported" },
		{ { "restore", "id" }, "\"restore\" is not supported" },
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
		{ { "create", "--det", "a" }, "\"--detach\" has to be written whole" },
		{ { "create", "a", "--bund", "/b" }, "\"--bundle\" has to be written whole" },
		{ { "create", "a", "--bund=/b" }, "\"--bundle\" has to be written whole" },
		{ { "--deb", "spec" }, "\"--debug\" has to be written whole" },
	};
	struct parsed p = { .call = { .command = NULL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = parse(&p, (const char *const *)cases[i].words);

		if (r >= 0 || !strstr(p.err.msg, cases[i].want))
			fail_msg("case %zu: wanted an error with '%s', got %d with '%s'", i, cases[i].want, r,
				p.err.msg);
	}
	cli_done(&p.call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
