/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/spec: the process of an exec, from the config and the words of a command line or a process.json. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "spec/exec.h"

static const char config[] =
	"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"args\":[\"init\",\"x\"],\"cwd\":\"/"
	"home\","
	"\"terminal\":true,\"env\":[\"A=1\",\"B=2\"],\"user\":{\"uid\":1,\"gid\":2,\"umask\":7,\"additionalGids\":[3]},"
	"\"noNewPrivileges\":true,\"oomScoreAdj\":5,\"capabilities\":{\"bounding\":[\"CAP_KILL\"],"
	"\"inheritable\":[\"CAP_CHOWN\"]},\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":1,\"hard\":2}],"
	"\"execCPUAffinity\":{\"initial\":\"0\"}}}";

#define WORDS(...)                                                                                   \
	{                                                                                            \
		.n = sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), .v = (const char *[]) \
		{                                                                                    \
			__VA_ARGS__                                                                  \
		}                                                                                    \
	}

static struct spec *load(void)
{
	struct spec *s = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(spec_parse("config.json", config, strlen(config), &s, NULL, &err), 0);
	return s;
}

static void words_change_what_they_name(void **state)
{
	autospec struct spec *s = load();
	struct spec_exec words = { .args = WORDS("sh", "-c") };
	struct warnings warnings = WARNINGS_INIT;
	struct err err = ERR_INIT;
	struct spec_process *p;

	(void)state;
	assert_int_equal(spec_exec_words(s, &words, NULL, &err), 0);
	p = s->process;
	assert_int_equal(p->args.n, 2);
	assert_string_equal(p->args.v[0], "sh");
	assert_null(p->args.v[2]);
	assert_string_equal(p->cwd, "/home");
	assert_int_equal(p->env.n, 2);
	assert_int_equal(p->user.uid * 10 + p->user.gid, 12);
	assert_false(p->terminal); /* only --tty gives one */
	assert_true(p->no_new_privileges);
	words = (struct spec_exec){
		.args = WORDS("true"),
		.env = WORDS("B=3", "C=4", "C=5"),
		.cwd = "/tmp",
		.user = "10:11",
		.gids = WORDS("4", "5"),
		.caps = WORDS("CAP_CHOWN", "kill", "CAP_SYS_ADMIN"),
		.terminal = true,
		.new_privs_given = true,
	};
	assert_int_equal(spec_exec_words(s, &words, &warnings, &err), 0);
	assert_int_equal(warnings.n, 1);
	assert_string_equal(warnings.v[0], "--cap: \"kill\" is an unknown capability, ignored");
	warnings_done(&warnings);
	assert_int_equal(p->args.n, 1);
	assert_string_equal(p->cwd, "/tmp");
	assert_int_equal(p->env.n, 3);
	assert_string_equal(p->env.v[0], "A=1");
	assert_string_equal(p->env.v[1], "B=3");
	assert_string_equal(p->env.v[2], "C=5");
	assert_int_equal(p->user.uid, 10);
	assert_int_equal(p->user.gid, 11);
	assert_int_equal(p->user.additional_gids.n, 3);
	assert_int_equal(p->user.additional_gids.v[0] * 100 + p->user.additional_gids.v[2], 305);
	assert_true(p->terminal);
	assert_false(p->no_new_privileges);
	assert_int_equal(p->capabilities->bounding, 1u << 5 | 1u << 0 | 1u << 21);
	assert_int_equal(p->capabilities->effective, 1u << 0 | 1u << 21);
	assert_int_equal(p->capabilities->permitted, 1u << 0 | 1u << 21);
	assert_int_equal(p->capabilities->inheritable, 1u << 0);
	assert_int_equal(p->capabilities->ambient, 1u << 0); /* what is inheritable, and no more */
	words = (struct spec_exec){ .args = WORDS("true"), .user = "20" };
	assert_int_equal(spec_exec_words(s, &words, NULL, &err), 0);
	assert_int_equal(p->user.uid * 100 + p->user.gid, 2011);
}

static void wrong_words_are_named(void **state)
{
	const struct {
		struct spec_exec words;
		const char *msg;
	} rows[] = {
		{ { .user = "root" }, "--user: \"root\" is not UID or UID:GID in numbers" },
		{ { .user = "1:" }, "--user: \"1:\" is not UID or UID:GID in numbers" },
		{ { .user = "1:2:3" }, "--user: \"1:2:3\" is not UID or UID:GID in numbers" },
		{ { .user = "4294967295" }, "--user: \"4294967295\" is not UID or UID:GID in numbers" },
		{ { .user = "-1" }, "--user: \"-1\" is not UID or UID:GID in numbers" },
		{ { .gids = WORDS("7", "x") }, "--additional-gids: \"x\" is not a group's number" },
		{ { .cwd = "tmp" }, "exec: process.cwd: not an absolute path: \"tmp\"" },
		{ { .env = WORDS("=1") }, "exec: process.env[2]: \"=1\" has no name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autospec struct spec *s = load();
		struct spec_exec words = rows[i].words;
		struct err err = ERR_INIT;

		words.args = (struct spec_words)WORDS("true");
		assert_int_equal(spec_exec_words(s, &words, NULL, &err), -EINVAL);
		assert_string_equal(err.msg, rows[i].msg);
	}
}

static void a_file_leaves_out_what_the_config_has(void **state)
{
	static const char bare[] = "{\"args\":[\"true\"],\"cwd\":\"/\"}";
	static const char full[] =
		"{\"args\":[\"true\"],\"cwd\":\"/\",\"user\":{\"uid\":0,\"gid\":0,\"umask\":0},\"oomScoreAdj\":0,"
		"\"capabilities\":{},\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":3,\"hard\":3}],"
		"\"execCPUAffinity\":{\"final\":\"1\"}}";
	autospec struct spec *s = load();
	autospec struct spec *a = NULL, *b = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(spec_parse_process("a", bare, strlen(bare), &a, NULL, &err), 0);
	spec_exec_inherit(s, a->process);
	assert_ptr_equal(a->process->capabilities, s->process->capabilities);
	assert_int_equal(a->process->rlimits.n, 1);
	assert_int_equal(a->process->rlimits.v[0].hard, 2);
	assert_int_equal(a->process->user.umask.v, 7);
	assert_int_equal(a->process->oom_score_adj.v, 5);
	assert_string_equal(a->process->exec_cpu_affinity->initial, "0");
	assert_int_equal(a->process->user.uid, 0);
	assert_false(a->process->no_new_privileges);
	assert_int_equal(a->process->env.n, 0);
	assert_int_equal(spec_parse_process("b", full, strlen(full), &b, NULL, &err), 0);
	spec_exec_inherit(s, b->process);
	assert_int_equal(b->process->capabilities->bounding, 0);
	assert_int_equal(b->process->rlimits.v[0].hard, 3);
	assert_int_equal(b->process->user.umask.v, 0);
	assert_int_equal(b->process->oom_score_adj.v, 0);
	assert_string_equal(b->process->exec_cpu_affinity->final, "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_change_what_they_name),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(a_file_leaves_out_what_the_config_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
