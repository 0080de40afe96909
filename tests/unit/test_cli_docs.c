/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/cli: what is told of the command line elsewhere, the manual and the completion, fits the table. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
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

#define COMPLETION BUILDDIR "/completion/vmrunc"

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

#define INHERITS "\nare options of this command" /* stands behind ".Xr vmrunc-COMMAND 8" */

/* A page of the manual. */
struct page {
	char path[PATH_MAX];
	char *text;
	struct buf items; /* the words behind each Fl of the lines that begin an item of a list (.It), a line each */
	struct buf flags; /* those of all lines */
};

/* Collects what the macro line @line says of options: in ".It Fl b , Fl -bundle Ar dir" these are "b" and "-bundle". */
static void page_add(struct page *p, const char *line)
{
	char text[256], *word, *rest = text;
	bool flag = false;

	(void)snprintf(text, sizeof(text), "%s", line);
	while ((word = strsep(&rest, " "))) {
		if (flag) {
			buf_printf(&p->flags, "%s\n", word);
			if (strncmp(line, ".It ", 4) == 0)
				buf_printf(&p->items, "%s\n", word);
		}
		flag = strcmp(word, "Fl") == 0 || strcmp(word, ".Fl") == 0;
	}
}

/* Reads the page of the command @name, or vmrunc(8) if that is NULL. */
static void page_read(struct page *p, const char *name)
{
	autofree char *lines = NULL;
	char *line, *rest;

	memset(p, 0, sizeof(*p));
	(void)snprintf(p->path, sizeof(p->path), SRCDIR "/man/vmrunc%s%s.8", name ? "-" : "", name ? name : "");
	if (fd_read_file(AT_FDCWD, p->path, 1 << 20, &p->text, NULL) < 0)
		fail_msg("%s is missing, or cannot be read", p->path);
	lines = strdup(p->text);
	assert_non_null(lines);
	for (rest = lines; (line = strsep(&rest, "\n"));) {
		if (line[0] == '.' && line[1] != '\\')
			page_add(p, line);
	}
	assert_false(buf_error(&p->items) || buf_error(&p->flags));
}

static void page_done(struct page *p)
{
	buf_done(&p->items);
	buf_done(&p->flags);
	free(p->text);
}

/* Fails the test if the words that are printed are not in the page. */
__attribute__((format(printf, 2, 3))) static void page_says(const struct page *p, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!strstr(p->text, text))
		fail_msg("%s does not say:\n%s", p->path, text);
}

/* The name of the command whose options the page takes over by a reference, in @name; false if it takes over none. */
static bool page_inherits(const struct page *p, char name[32])
{
	static const char reference[] = ".Xr vmrunc-";
	const char *end = strstr(p->text, INHERITS), *at;

	if (!end)
		return false;
	for (at = end; at > p->text && at[-1] != '\n';)
		at--;
	return strncmp(at, reference, strlen(reference)) == 0 && sscanf(at + strlen(reference), "%31s", name) == 1;
}

/* Whether the list items of the page, or of that whose options are its own as well, begin with @flag. */
static bool page_explains(const struct page *p, const char *flag)
{
	struct page other;
	char name[32];
	bool found = p->items.data && has_word(p->items.data, flag);

	if (found || !page_inherits(p, name))
		return found;
	page_read(&other, name);
	found = other.items.data && has_word(other.items.data, flag);
	page_done(&other);
	return found;
}

static void options_are_explained(const struct page *p, const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		char flag[64], letter[] = { o->letter, '\0' };

		(void)snprintf(flag, sizeof(flag), "-%s", o->name);
		if (!page_explains(p, flag))
			fail_msg("%s does not explain --%s", p->path, o->name);
		if (o->letter && !page_explains(p, letter))
			fail_msg("%s does not explain -%s", p->path, letter);
	}
}

static void the_manual_has_every_command_and_option(void **state)
{
	struct page main_page, p;

	(void)state;
	page_read(&main_page, NULL);
	options_are_explained(&main_page, global_options);
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		page_read(&p, c->name);
		page_says(&p, ".Nm vmrunc-%s\n.Nd %s\n", c->name, c->help);
		page_says(&p, ".Sh SYNOPSIS\n.Nm vmrunc %s\n", c->name);
		options_are_explained(&p, c->options);
		page_done(&p);
		page_says(&main_page, ".It Xr vmrunc-%s 8\n%c%s.\n", c->name, toupper((unsigned char)c->help[0]),
			c->help + 1);
	}
	page_done(&main_page);
}

/* Whether @flag may be spoken of in the page of @command: its options and the global ones, or any if it is NULL. */
static bool may_have(const struct command *command, const char *flag)
{
	for (size_t i = 0; commands[i]; i++) {
		if ((!command || commands[i] == command) && has_option(commands[i]->options, flag))
			return true;
	}
	return has_option(global_options, flag);
}

/* Whether @flag is an option of the command whose options the page takes over. */
static bool inherited(const struct page *p, const char *flag)
{
	char name[32];

	for (size_t i = 0; page_inherits(p, name) && commands[i]; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return may_have(commands[i], flag);
	}
	return false;
}

static void the_manual_names_no_other_option(void **state)
{
	const struct command *c = NULL;
	size_t next = 0;

	(void)state;
	do {
		struct page p;
		char *flag, *rest;

		page_read(&p, c ? c->name : NULL);
		for (rest = p.flags.data; rest && (flag = strsep(&rest, "\n"));) {
			if (*flag && !may_have(c, flag) && !inherited(&p, flag))
				fail_msg("%s names an option \"-%s\" that does not exist there", p.path, flag);
		}
		page_done(&p);
	} while ((c = commands[next++]));
}

/* The pages in man/ are those of the commands, and all of them are installed. */
static void the_manual_names_no_other_command(void **state)
{
	autofree char *installed = NULL;
	DIR *dir = opendir(SRCDIR "/man");
	const struct dirent *entry;

	(void)state;
	assert_non_null(dir);
	assert_int_equal(fd_read_file(AT_FDCWD, SRCDIR "/man/local.mk", 1 << 16, &installed, NULL), 0);
	while ((entry = readdir(dir))) {
		char name[32] = "", page[64];
		size_t i = 0;

		if (sscanf(entry->d_name, "vmrunc-%31[^.].8", name) != 1)
			continue;
		while (commands[i] && strcmp(commands[i]->name, name) != 0)
			i++;
		if (!commands[i])
			fail_msg("man/%s: \"%s\" is no command", entry->d_name, name);
		(void)snprintf(page, sizeof(page), "\tman/vmrunc-%s.8 \\\n", name);
		if (!strstr(installed, page))
			fail_msg("man/local.mk does not install man/%s", entry->d_name);
	}
	(void)closedir(dir);
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

/* --- the completions of zsh and fish --- */

/* A shell that completes many lines in one run of it; each line stands between single quotes behind @command. */
struct shell {
	const char *name, *file, *command;
};

static const struct shell zsh = { "zsh", BUILDDIR "/completion/_vmrunc",
	"zsh -f " SRCDIR "/tests/unit/complete.zsh " BUILDDIR "/completion/_vmrunc" };
static const struct shell fish = { "fish", BUILDDIR "/completion/vmrunc.fish",
	"fish -N -c 'source " BUILDDIR "/completion/vmrunc.fish; function vmrunc; echo called: $argv; end; "
	"for line in $argv; complete -C $line | string replace -r \"\\t.*\" \"\"; echo ==; end'" };

/* What the shell offers for each of several lines, in their order. */
struct offers {
	struct buf text;
	char *next; /* of what is in @text */
};

/* Leaves the test if it cannot run. */
static void need_shell(const struct shell *shell)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "%s -c : >/dev/null 2>&1", shell->name);
	if (access(shell->file, R_OK) < 0 || system(command) != 0)
		skip();
}

/* Completes the lines, which @lines has between single quotes. */
static void offers_get(struct offers *o, const struct shell *shell, const struct buf *lines)
{
	autobuf command = BUF_INIT;
	char part[4096];
	FILE *pipe;
	size_t n;

	*o = (struct offers){ .text = BUF_INIT };
	buf_printf(&command, "%s %s", shell->command, lines->data);
	assert_false(buf_error(&command));
	pipe = popen(command.data, "r");
	assert_non_null(pipe);
	while ((n = fread(part, 1, sizeof(part), pipe)) > 0)
		buf_put(&o->text, part, n);
	if (pclose(pipe) != 0)
		fail_msg("%s fails to complete %s", shell->name, lines->data);
	assert_false(buf_error(&o->text));
	o->next = o->text.data;
}

/* The words that are offered for the next line, as " a b c ", in @ret. */
static void offers_next(struct offers *o, char *ret, size_t len)
{
	char *word;

	(void)snprintf(ret, len, " ");
	while ((word = strsep(&o->next, "\n")) && strcmp(word, "==") != 0) {
		size_t used = strlen(ret);

		/* zsh gives empty words for what it aligns, and quotes what needs it */
		if (*word)
			(void)snprintf(ret + used, len - used, "%s ", word);
	}
	assert_non_null(word);
}

/* All commands are offered, and all options of each. */
static void shell_knows_all(const struct shell *shell)
{
	autobuf lines = BUF_INIT;
	struct offers offers;
	char offer[8192], line[64];

	need_shell(shell);
	buf_printf(&lines, "'vmrunc '");
	for (size_t i = 0; commands[i]; i++)
		buf_printf(&lines, " 'vmrunc %s -' 'vmrunc %s --'", commands[i]->name, commands[i]->name);
	offers_get(&offers, shell, &lines);
	offers_next(&offers, offer, sizeof(offer));
	for (size_t i = 0; commands[i]; i++) {
		(void)snprintf(line, sizeof(line), " %s ", commands[i]->name);
		if (!strstr(offer, line))
			fail_msg("%s: no%sin \"%s\"", shell->name, line, offer);
	}
	for (size_t i = 0; commands[i]; i++) {
		size_t used;

		/* what begins with one dash may be letters alone */
		offers_next(&offers, offer, sizeof(offer));
		used = strlen(offer);
		offers_next(&offers, offer + used, sizeof(offer) - used);
		(void)snprintf(line, sizeof(line), "%s -", commands[i]->name);
		(void)offered(line, offer, commands[i]->options);
		(void)offered(line, offer, global_options);
	}
	buf_done(&offers.text);
}

/* Values, arguments and IDs. "vmrunc" is a function that prints its own arguments, for IDs. */
static void shell_knows_values(const struct shell *shell)
{
	static const struct {
		const char *line, *want, *hasnt;
	} cases[] = {
		{ "st", " start state ", "delete" },
		{ "help fe", " features ", NULL },
		{ "--engine ", " auto kvm qemu ", NULL },
		{ "list -f j", " json ", NULL },
		{ "--root /r --engine kvm kill --al", " --all ", "--detach" },
		{ "kill x SIGTE", " SIGTERM ", NULL },
		{ "--root /r --debug state ", "--root", "start" },
		{ "state ", "called:", "--root" },
		{ "run ", " ", "called" },
		{ "list ", " ", "called" },
	};
	autobuf lines = BUF_INIT;
	struct offers offers;
	char offer[8192];

	need_shell(shell);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		buf_printf(&lines, " 'vmrunc %s'", cases[i].line);
	offers_get(&offers, shell, &lines);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		offers_next(&offers, offer, sizeof(offer));
		if (!strstr(offer, cases[i].want) || (cases[i].hasnt && strstr(offer, cases[i].hasnt)))
			fail_msg("%s: vmrunc %s: wanted \"%s\", got \"%s\"", shell->name, cases[i].line, cases[i].want,
				offer);
	}
	buf_done(&offers.text);
}

static void zsh_has_every_command_and_option(void **state)
{
	(void)state;
	shell_knows_all(&zsh);
}

static void zsh_knows_values_and_arguments(void **state)
{
	(void)state;
	shell_knows_values(&zsh);
}

static void fish_has_every_command_and_option(void **state)
{
	(void)state;
	shell_knows_all(&fish);
}

static void fish_knows_values_and_arguments(void **state)
{
	(void)state;
	shell_knows_values(&fish);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_every_command_and_option),
		cmocka_unit_test(the_manual_names_no_other_option),
		cmocka_unit_test(the_manual_names_no_other_command),
		cmocka_unit_test(the_completion_has_every_command_and_option),
		cmocka_unit_test(the_completion_knows_values_and_arguments),
		cmocka_unit_test(zsh_has_every_command_and_option),
		cmocka_unit_test(zsh_knows_values_and_arguments),
		cmocka_unit_test(fish_has_every_command_and_option),
		cmocka_unit_test(fish_knows_values_and_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
