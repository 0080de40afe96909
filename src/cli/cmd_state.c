/* SPDX-License-Identifier: Apache-2.0 */
/* The commands state and list. */
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/log.h"
#include "base/buf.h"
#include "base/fd.h"
#include "cli/cli.h"
#include "host/strv.h"
#include "json/gen.h"
#include "life/life.h"

static int cmd_state(struct call *call, struct err *err)
{
	struct settings settings;
	struct state s = { .id = NULL };
	autofree char *text = NULL;
	enum status status;
	int r = settings_load(&settings, call->options, err);

	if (r == 0)
		r = container_load(&settings, call->argv[0], &s, &status, err);
	if (r == 0)
		r = state_json(&s, status, true, &text, err);
	if (r == 0)
		(void)fputs(text, stdout);
	state_done(&s);
	return r;
}

/*
 * The list as runc lays it out: a column is as wide as its longest cell and a
 * gap, and at least a minimum; the last one ends with its cell.
 */
#define COLUMNS 6
#define COLUMN_GAP 3
#define COLUMN_MIN 12

static const char *const column_names[COLUMNS] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };

/* The containers of the list, in each of the three forms. */
struct listing {
	struct buf cells; /* of the table: strings end to end, COLUMNS a container */
	int widths[COLUMNS];
	struct buf json, ids;
	struct gen gen; /* writes json: an array */
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

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char *owner_name(uid_t uid, char *text, size_t len)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw)
		(void)snprintf(text, len, "%s", pw->pw_name);
	else
		(void)snprintf(text, len, "#%u", (unsigned int)uid);
	return text;
}

static int list_one(struct listing *l, const struct settings *settings, const char *id, struct err *err)
{
	struct state s = { .id = NULL };
	char owner[64], pid[32];
	enum status status;
	int r = container_load(settings, id, &s, &status, err);

	if (r < 0) { /* deleted meanwhile, or a wreck */
		if (r != -ENOENT)
			log_warning("%s", err->msg);
		state_done(&s);
		return 0;
	}
	buf_printf(&l->ids, "%s\n", id);
	state_gen(&l->gen, &s, status);
	(void)snprintf(pid, sizeof(pid), "%ld", status == STATUS_STOPPED ? 0 : (long)s.pid);
	add_row(l, (const char *const[COLUMNS]){ id, pid, status_name(status), s.bundle, s.created,
			   owner_name(s.owner, owner, sizeof(owner)) });
	state_done(&s);
	return 0;
}

/* The IDs below the root, sorted. */
static int read_ids(const char *root, struct strv *ids, struct err *err)
{
	DIR *dir = opendir(root);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : err_sys(err, errno, "cannot read \"%s\"", root);
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_type == DT_DIR && statedir_check_id(entry->d_name, err) == 0)
			r = strv_add(ids, entry->d_name);
	}
	(void)closedir(dir);
	if (ids->n)
		qsort(ids->v, ids->n, sizeof(*ids->v), compare_names);
	return r < 0 ? err_sys(err, r, "cannot read \"%s\"", root) : 0;
}

static int cmd_list(struct call *call, struct err *err)
{
	const char *format = call->options->format;
	struct listing l;
	autostrv ids = STRV_INIT;
	struct settings settings;
	int r = settings_load(&settings, call->options, err);

	listing_init(&l);
	add_row(&l, column_names);
	if (r == 0 && format && strcmp(format, "table") != 0 && strcmp(format, "json") != 0)
		r = err_set(err, EINVAL, "--format: \"%s\" is neither table nor json", format);
	if (r == 0)
		r = read_ids(settings.root, &ids, err);
	for (size_t i = 0; r == 0 && i < ids.n; i++)
		r = list_one(&l, &settings, ids.v[i], err);
	gen_close_array(&l.gen);
	if (r == 0 && (gen_finish(&l.gen, err) < 0 || buf_error(&l.ids) || buf_error(&l.cells)))
		r = err_sys(err, ENOMEM, "list");
	if (r == 0) {
		if (call->options->quiet)
			(void)fputs(l.ids.data ? l.ids.data : "", stdout);
		else if (format && strcmp(format, "json") == 0)
			(void)puts(l.json.data);
		else
			print_table(&l);
	}
	listing_done(&l);
	return r;
}

static const struct cli_option list_options[] = {
	CLI_STRING_OPTION("format", 'f', "table|json", format, "how to print"),
	CLI_FLAG_OPTION("quiet", 'q', quiet, "IDs only"),
	CLI_OPTIONS_END,
};

const struct command cmd_state_table[] = {
	{ "state", "ID", 1, 1, "print the container's state as JSON", NULL, cmd_state },
	{ "list", "", 0, 0, "print all containers of the root", list_options, cmd_list },
	{ .name = NULL },
};
