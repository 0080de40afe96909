/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc list`: prints the containers of the root, as a table, as JSON or as bare IDs. */
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "base/buf.h"
#include "base/fd.h"
#include "cli/commands.h"
#include "json/gen.h"
#include "life/life.h"

struct list_options {
	const char *format;
	bool quiet;
};

/*
 * The table looks like runc's: a column is as wide as its longest cell plus a gap, but not narrower than a minimum; after
 * the last column nothing is padded.
 */
#define COLUMNS 6
#define COLUMN_GAP 3
#define COLUMN_MIN 12

static const char *const column_names[COLUMNS] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };

/* The containers in each of the three forms. */
struct listing {
	struct buf cells; /* of the table, row by row: each cell is a string with its NUL */
	int widths[COLUMNS];
	struct buf json; /* an array, which @gen writes */
	struct gen gen;
	struct buf ids; /* a line each */
};

static void listing_init(struct listing *l)
{
	*l = (struct listing){ .cells = BUF_INIT, .json = BUF_INIT, .ids = BUF_INIT };
	for (size_t i = 0; i < COLUMNS; i++)
		l->widths[i] = COLUMN_MIN;
	gen_init(&l->gen, &l->json, GEN_COMPACT);
	gen_open_array(&l->gen);
}

static void listing_done(struct listing *l)
{
	buf_done(&l->cells);
	buf_done(&l->json);
	buf_done(&l->ids);
}

static void add_row(struct listing *l, const char *const cells[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++) {
		buf_put(&l->cells, cells[i], strlen(cells[i]) + 1);
		l->widths[i] = MAX(l->widths[i], (int)strlen(cells[i]) + COLUMN_GAP);
	}
}

static void print_table(const struct listing *l)
{
	const char *cell = l->cells.data, *end = l->cells.data + l->cells.len;

	while (cell < end) {
		for (size_t i = 0; i < COLUMNS; i++) {
			if (i + 1 < COLUMNS)
				(void)printf("%-*s", l->widths[i], cell);
			else
				(void)printf("%s\n", cell);
			cell += strlen(cell) + 1;
		}
	}
}

/* The name of a user, or "#UID" if there is none, in @text. */
static const char *owner_name(uid_t uid, char *text, size_t len)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		(void)snprintf(text, len, "%s", pw->pw_name);
	else
		(void)snprintf(text, len, "#%u", (unsigned int)uid);
	return text;
}

/*
 * Adds the container @id. One that has been deleted meanwhile is left out, and so is one whose state cannot be read, with
 * a warning.
 */
static int list_one(struct listing *l, const struct settings *settings, const char *id, struct err *err)
{
	autostate s = { .id = NULL };
	char owner[64], pid[32];
	enum status status;
	int r = container_load(settings, id, &s, &status, err);

	if (r < 0) {
		if (r != -ENOENT)
			log_warning("%s", err->msg);
		return 0;
	}
	buf_printf(&l->ids, "%s\n", id);
	state_gen(&l->gen, &s, status);
	(void)snprintf(pid, sizeof(pid), "%ld", status == STATUS_STOPPED ? 0 : (long)s.pid);
	add_row(l, (const char *const[COLUMNS]){ id, pid, status_name(status), s.bundle, s.created,
			   owner_name(s.owner, owner, sizeof(owner)) });
	return 0;
}

/* For scandir(3): whether an entry of the root is a container's directory. */
static int is_container(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && statedir_check_id(entry->d_name, NULL) == 0;
}

/*
 * Adds all containers below the settings' root, sorted by ID. A root that does not exist yet has none; but if the command
 * line names it (@named), it is more likely misspelled, and runc takes it for an error, too.
 */
static int list_all(struct listing *l, const struct settings *settings, bool named, struct err *err)
{
	struct dirent **entries = NULL;
	int n = scandir(settings->root, &entries, is_container, alphasort), r = 0;

	if (n < 0)
		return errno == ENOENT && !named ? 0 : err_sys(err, errno, "cannot read \"%s\"", settings->root);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = list_one(l, settings, entries[i]->d_name, err);
		free(entries[i]);
	}
	free((void *)entries);
	return r;
}

/* Completes the three forms. */
static int listing_finish(struct listing *l, struct err *err)
{
	gen_close_array(&l->gen);
	if (gen_finish(&l->gen, err) < 0)
		return err_prefix(err, "list");
	return buf_error(&l->ids) || buf_error(&l->cells) ? err_sys(err, ENOMEM, "list") : 0;
}

static void print_listing(const struct listing *l, bool quiet, bool json)
{
	if (quiet)
		(void)fputs(l->ids.data ? l->ids.data : "", stdout); /* main() checks stdout at the end */
	else if (json)
		(void)puts(l->json.data);
	else
		print_table(l);
}

/* Loads all containers first, so that an error leaves nothing half printed. */
static int list(struct call *call, struct err *err)
{
	const struct list_options *options = call->options;
	bool json = options->format && strcmp(options->format, "json") == 0;
	struct listing l;
	struct settings settings;
	int r = global_settings(&call->global, &settings, err);

	if (r == 0 && options->format && !json && strcmp(options->format, "table") != 0)
		r = err_set(err, EINVAL, "--format: \"%s\" is neither table nor json", options->format);
	if (r < 0)
		return r;
	listing_init(&l);
	add_row(&l, column_names);
	r = list_all(&l, &settings, call->global.root, err);
	if (r == 0)
		r = listing_finish(&l, err);
	if (r == 0)
		print_listing(&l, options->quiet, json);
	listing_done(&l);
	return r;
}

static const struct cli_option list_options[] = {
	CLI_STRING_OPTION(struct list_options, format, "format", 'f', "table|json", "how to print"),
	CLI_FLAG_OPTION(struct list_options, quiet, "quiet", 'q', "print IDs only"),
	CLI_OPTIONS_END,
};

const struct command command_list = {
	.name = "list",
	.args = "",
	.help = "print all containers of the root",
	.options = list_options,
	.options_size = sizeof(struct list_options),
	.run = list,
};
