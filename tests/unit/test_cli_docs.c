/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/cli: what is told of the command line elsewhere, the manual and the completion, fits the table. */
#include <ctype.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "cli/commands.h"

#define MANUAL SRCDIR "/man/vmrunc.8"
#define COMPLETION BUILDDIR "/completion/vmrunc"
#define GLOBAL_SECTION "Global options"

/* Whether @word stands in @text, with no letter, digit or dash beside it. */
static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = text; (at = strstr(at, word)); at += len) {
		bool begins = at == text || (!isalnum((unsigned char)at[-1]) && at[-1] != '-');

		if (begins && !isalnum((unsigned char)at[len]) && at[len] != '-')
			return true;
	}
	return false;
}

/* Whether one of @options is written like @flag: "-NAME", or its letter. */
static bool has_option(const struct cli_option *options, const char *flag)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		if (flag[0] == '-' ? strcmp(o->name, flag + 1) == 0 : o->letter && flag[0] == o->letter && !flag[1])
			return true;
	}
	return false;
}

/* --- the manual --- */

/* A subsection of the manual: "Ss TITLE" and the lines up to the next heading. */
struct section {
	char title[80];
	struct buf items; /* its lines that begin an item of a list (.It), which is where options are explained */
	struct buf flags; /* the words behind each Fl of all its lines, a line each */
};

#define SECTIONS_MAX 40

struct manual {
	struct section sections[SECTIONS_MAX];
	size_t n;
};

/* Collects what the macro line @line says of options: in ".It Fl b , Fl -bundle Ar dir" these are "b" and "-bundle". */
static void section_add(struct section *s, const char *line)
{
	char text[256], *word, *rest = text;
	bool flag = false;

	(void)snprintf(text, sizeof(text), "%s", line);
	while ((word = strsep(&rest, " "))) {
		if (flag) {
			buf_printf(&s->flags, "%s\n", word);
			if (strncmp(line, ".It ", 4) == 0)
				buf_printf(&s->items, "%s\n", word);
		}
		flag = strcmp(word, "Fl") == 0 || strcmp(word, ".Fl") == 0;
	}
}

static void manual_read(struct manual *m)
{
	autofree char *text = NULL;
	struct section *s = m->sections;
	char *line, *rest;

	memset(m, 0, sizeof(*m));
	assert_int_equal(fd_read_file(AT_FDCWD, MANUAL, 1 << 20, &text, NULL), 0);
	m->n = 1; /* what stands before the first heading */
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (strncmp(line, ".Ss ", 4) == 0 || strncmp(line, ".Sh ", 4) == 0) {
			assert_true(m->n < SECTIONS_MAX);
			s = &m->sections[m->n++];
			(void)snprintf(s->title, sizeof(s->title), "%s", line + 4);
		} else if (line[0] == '.' && line[1] != '\\') {
			section_add(s, line);
		}
	}
	for (size_t i = 0; i < m->n; i++)
		assert_false(buf_error(&m->sections[i].items) || buf_error(&m->sections[i].flags));
}

static void manual_done(struct manual *m)
{
	for (size_t i = 0; i < m->n; i++) {
		buf_done(&m->sections[i].items);
		buf_done(&m->sections[i].flags);
	}
}

/* Whether the list items of the sections with @name in their titles begin with @flag. */
static bool manual_explains(const struct manual *m, const char *name, const char *flag)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct section *s = &m->sections[i];

		if (has_word(s->title, name) && s->items.data && has_word(s->items.data, flag))
			return true;
	}
	return false;
}

static void options_are_explained(const struct manual *m, const char *name, const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		char flag[64], letter[] = { o->letter, '\0' };

		(void)snprintf(flag, sizeof(flag), "-%s", o->name);
		if (!manual_explains(m, name, flag))
			fail_msg("%s does not explain --%s under \"%s\"", MANUAL, o->name, name);
		if (o->letter && !manual_explains(m, name, letter))
			fail_msg("%s does not explain -%s under \"%s\"", MANUAL, letter, name);
	}
}

static void the_manual_has_every_command_and_option(void **state)
{
	struct manual m;

	(void)state;
	manual_read(&m);
	for (size_t i = 0; commands[i]; i++) {
		size_t k = 0;

		while (k < m.n && strcmp(m.sections[k].title, commands[i]->name) != 0)
			k++;
		if (k == m.n)
			fail_msg("%s has no \".Ss %s\"", MANUAL, commands[i]->name);
		options_are_explained(&m, commands[i]->name, commands[i]->options);
	}
	options_are_explained(&m, GLOBAL_SECTION, global_options);
	manual_done(&m);
}

/* Whether @flag is an option that the section @title may speak of. */
static bool may_have(const char *title, const char *flag)
{
	bool any = false;

	for (size_t i = 0; commands[i]; i++) {
		if (!has_word(title, commands[i]->name))
			continue;
		any = true;
		if (has_option(commands[i]->options, flag))
			return true;
	}
	for (size_t i = 0; !any && commands[i] && strcmp(title, GLOBAL_SECTION) != 0; i++) {
		if (has_option(commands[i]->options, flag))
			return true;
	}
	return has_option(global_options, flag);
}

/* A section that a command's name is in the title of names options of that command, and global ones; others any option. */
static void the_manual_names_no_other_option(void **state)
{
	struct manual m;

	(void)state;
	manual_read(&m);
	for (size_t i = 0; i < m.n; i++) {
		char *flag, *rest = m.sections[i].flags.data;

		while (rest && (flag = strsep(&rest, "\n"))) {
			if (*flag && !may_have(m.sections[i].title, flag))
				fail_msg("%s names an option \"-%s\" under \"%s\" that does not exist there", MANUAL,
					flag, m.sections[i].title);
		}
	}
	manual_done(&m);
}

/* Between "Sh COMMANDS" and the next Sh, each Ss is a command, or a list of options. */
static void the_manual_names_no_other_command(void **state)
{
	struct manual m;
	size_t i = 0;

	(void)state;
	manual_read(&m);
	while (i < m.n && strcmp(m.sections[i].title, "COMMANDS") != 0)
		i++;
	assert_true(i < m.n);
	for (i++; i < m.n && !isupper((unsigned char)m.sections[i].title[1]); i++) {
		bool found = strstr(m.sections[i].title, "ptions") != NULL;

		for (size_t k = 0; !found && commands[k]; k++)
			found = strcmp(commands[k]->name, m.sections[i].title) == 0;
		if (!found)
			fail_msg("%s: \".Ss %s\" is no command", MANUAL, m.sections[i].title);
	}
	manual_done(&m);
}

/* --- the completion --- */

/*
 * What bash would offer behind the words @line, the last of which is being written, as " a b c ". Where a container's ID
 * may stand, "vmrunc" is a function that prints its own arguments.
 */
static void complete(const char *line, struct buf *ret)
{
	char script[1024], part[4096];
	size_t n;
	FILE *pipe;

	(void)snprintf(script, sizeof(script),
		"exec bash -uc '. %s; vmrunc() { echo \"called: $*\"; }; COMP_WORDS=(vmrunc %s); "
		"COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vmrunc; printf \" %%s \" \"${COMPREPLY[*]-}\"'",
		COMPLETION, line);
	pipe = popen(script, "r");
	assert_non_null(pipe);
	while ((n = fread(part, 1, sizeof(part), pipe)) > 0)
		buf_put(ret, part, n);
	if (pclose(pipe) != 0)
		fail_msg("bash fails to complete: vmrunc %s", line);
	assert_false(buf_error(ret));
}

static void completes(const char *line, const char *want)
{
	autobuf got = BUF_INIT;

	complete(line, &got);
	if (strcmp(got.data, want) != 0)
		fail_msg("vmrunc %s: wanted \"%s\", got \"%s\"", line, want, got.data);
}

/* Checks that all of @options are in @offer, and counts them. */
static size_t offered(const char *line, const char *offer, const struct cli_option *options)
{
	size_t n = 0;

	for (const struct cli_option *o = options; o && o->name; o++) {
		char word[64];

		(void)snprintf(word, sizeof(word), " --%s ", o->name);
		if (!strstr(offer, word))
			fail_msg("vmrunc %s: no%sin \"%s\"", line, word, offer);
		(void)snprintf(word, sizeof(word), " -%c ", o->letter);
		if (o->letter && !strstr(offer, word))
			fail_msg("vmrunc %s: no%sin \"%s\"", line, word, offer);
		n += o->letter ? 2 : 1;
	}
	return n;
}

static size_t count_words(const char *text)
{
	size_t n = 0;

	for (const char *c = text; (c = strchr(c, '-')); c += strcspn(c, " "))
		n++;
	return n;
}

/* Leaves the test if it cannot run: the completion is not built for another system, and bash may not be there. */
static void need_completion(void)
{
	if (access(COMPLETION, R_OK) < 0 || system("bash -c :") != 0)
		skip();
}

static void the_completion_has_every_command_and_option(void **state)
{
	autobuf offer = BUF_INIT;

	(void)state;
	need_completion();
	complete("\"\"", &offer);
	for (size_t i = 0; commands[i]; i++) {
		autobuf options = BUF_INIT;
		char line[64];
		size_t n;

		(void)snprintf(line, sizeof(line), "%s -", commands[i]->name);
		if (!has_word(offer.data, commands[i]->name))
			fail_msg("no \"%s\" in \"%s\"", commands[i]->name, offer.data);
		complete(line, &options);
		n = offered(line, options.data, commands[i]->options);
		n += offered(line, options.data, global_options);
		if (count_words(options.data) != n)
			fail_msg("vmrunc %s: wanted %zu options, got \"%s\"", line, n, options.data);
	}
}

static void the_completion_knows_values_and_arguments(void **state)
{
	(void)state;
	need_completion();
	completes("st", " start state ");
	completes("help fe", " features ");
	completes("--engine \"\"", " auto kvm qemu ");
	completes("--engine = k", " kvm ");
	completes("list --format =", " table json ");
	completes("list -f j", " json ");
	completes("run --detach = f", " false ");
	completes("--root /r --engine = kvm kill --al", " --all ");
	completes("--preserve-fds run --det", " --detach "); /* unknown there, so it takes no value */
	completes("run -b /usr/shar", " /usr/share ");
	completes("kill x SIGTE", " SIGTERM ");
	completes("-- sp", " spec ");
	completes("kill -- c", " called: ");
	completes("kill -- --al", "  "); /* behind "--" there are no options */
	/* IDs are those of the same root; one that run or create makes cannot be known */
	completes("state \"\"", " called: list --quiet ");
	completes("--root /r --debug kill --config = c \"\"", " called: --root /r --config c list --quiet ");
	completes("--root=/r delete c", " called: ");
	completes("run \"\"", "  ");
	completes("list \"\"", "  ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_every_command_and_option),
		cmocka_unit_test(the_manual_names_no_other_option),
		cmocka_unit_test(the_manual_names_no_other_command),
		cmocka_unit_test(the_completion_has_every_command_and_option),
		cmocka_unit_test(the_completion_knows_values_and_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
