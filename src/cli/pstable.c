/* SPDX-License-Identifier: Apache-2.0 */
/* The table of ps: see pstable.h. */
#include "cli/pstable.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/buf.h"
#include "base/fd.h"

#define DAY_S 86400u
#define PID_WIDTH 7
#define TTY_MAJOR 4
#define PTS_MAJOR 136

/* What a cell is made of. */
struct row {
	const struct proto_ps *list;
	const struct proto_ps_entry *e;
	uint64_t now_s; /* the host's clock */
};

typedef void pscell_fn(struct buf *out, const struct row *r);

struct pscolumn {
	const char *names; /* divided by blanks */
	const char *heading;
	bool right; /* numbers stand to the right */
	bool wide;  /* it is a pid's */
	pscell_fn *put;
};

/* --- cells --- */

static void put_pid(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu32, r->e->pid);
}

static void put_ppid(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu32, r->e->ppid);
}

static void put_pgid(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu32, r->e->pgid);
}

static void put_sid(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu32, r->e->sid);
}

/* The user's name on the host, as ps(1) there would have it. */
static void put_user(struct buf *out, const struct row *r)
{
	const struct passwd *pw = getpwuid(r->e->uid);

	if (pw)
		buf_puts(out, pw->pw_name);
	else
		buf_printf(out, "%" PRIu32, r->e->uid);
}

static void put_uid(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu32, r->e->uid);
}

static void put_comm(struct buf *out, const struct row *r)
{
	buf_puts(out, r->e->comm);
}

static void put_args(struct buf *out, const struct row *r)
{
	if (*r->e->args)
		buf_puts(out, r->e->args);
	else
		buf_printf(out, "[%s]", r->e->comm);
}

static void put_tty(struct buf *out, const struct row *r)
{
	unsigned int major_number = major(r->e->tty), minor_number = minor(r->e->tty);

	if (major_number == PTS_MAJOR)
		buf_printf(out, "pts/%u", minor_number);
	else if (major_number == TTY_MAJOR)
		buf_printf(out, "tty%u", minor_number);
	else
		buf_puts(out, "?");
}

static uint64_t cpu_s(const struct row *r)
{
	return r->e->cpu_ticks / r->list->ticks_per_second;
}

/* For how many seconds the process has lived. */
static uint64_t age_s(const struct row *r)
{
	uint64_t up = r->list->uptime_ticks, start = r->e->start_ticks;

	return up > start ? (up - start) / r->list->ticks_per_second : 0;
}

/* Writes @seconds as [DD-]HH:MM:SS. */
static void put_duration(struct buf *out, uint64_t seconds)
{
	if (seconds >= DAY_S)
		buf_printf(out, "%02" PRIu64 "-", seconds / DAY_S);
	buf_printf(
		out, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds % DAY_S / 3600, seconds / 60 % 60, seconds % 60);
}

static void put_time(struct buf *out, const struct row *r)
{
	put_duration(out, cpu_s(r));
}

static void put_bsdtime(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu64 ":%02" PRIu64, cpu_s(r) / 60, cpu_s(r) % 60);
}

static void put_etime(struct buf *out, const struct row *r)
{
	uint64_t age = age_s(r);

	if (age < 3600)
		buf_printf(out, "%02" PRIu64 ":%02" PRIu64, age / 60, age % 60);
	else
		put_duration(out, age);
}

static void put_etimes(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu64, age_s(r));
}

/* The hour and minute of the start, or its day if that was another one. */
static void put_stime(struct buf *out, const struct row *r)
{
	uint64_t age = age_s(r);
	time_t start = (time_t)(r->now_s > age ? r->now_s - age : 0);
	char text[16] = "?";
	struct tm tm;

	if (localtime_r(&start, &tm))
		(void)strftime(text, sizeof(text), age < DAY_S ? "%H:%M" : "%b%d", &tm);
	buf_puts(out, text);
}

/* Tenths of a percent that @part is of @whole, at most 9999. */
static unsigned int permille(uint64_t part, uint64_t whole)
{
	return whole ? (unsigned int)MIN((double)part * 1000 / (double)whole, 9999.0) : 0;
}

static void put_c(struct buf *out, const struct row *r)
{
	buf_printf(out, "%u", permille(cpu_s(r), age_s(r)) / 10);
}

static void put_pcpu(struct buf *out, const struct row *r)
{
	unsigned int n = permille(r->e->cpu_ticks, age_s(r) * r->list->ticks_per_second);

	buf_printf(out, "%u.%u", n / 10, n % 10);
}

static void put_pmem(struct buf *out, const struct row *r)
{
	unsigned int n = permille(r->e->rss, r->list->memory_bytes);

	buf_printf(out, "%u.%u", n / 10, n % 10);
}

static void put_vsz(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu64, r->e->vsize / 1024);
}

static void put_rss(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu64, r->e->rss / 1024);
}

static void put_state(struct buf *out, const struct row *r)
{
	buf_printf(out, "%c", r->e->state);
}

/* The state with what is special of the process: a session leader, more threads than one, priority. */
static void put_stat(struct buf *out, const struct row *r)
{
	const struct proto_ps_entry *e = r->e;

	buf_printf(out, "%c%s%s%s", e->state, e->nice < 0 ? "<" : (e->nice > 0 ? "N" : ""), e->sid == e->pid ? "s" : "",
		e->threads > 1 ? "l" : "");
}

static void put_nice(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRId32, r->e->nice);
}

static void put_priority(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRId32, r->e->priority);
}

static void put_threads(struct buf *out, const struct row *r)
{
	buf_printf(out, "%" PRIu32, r->e->threads);
}

static const struct pscolumn columns[] = {
	{ "user uname euser ruser", "USER", false, false, put_user },
	{ "uid euid ruid", "UID", true, false, put_uid },
	{ "pid tgid", "PID", true, true, put_pid },
	{ "ppid", "PPID", true, true, put_ppid },
	{ "pgid pgrp", "PGID", true, true, put_pgid },
	{ "sid sess session", "SID", true, true, put_sid },
	{ "c", "C", true, false, put_c },
	{ "%cpu pcpu", "%CPU", true, false, put_pcpu },
	{ "%mem pmem", "%MEM", true, false, put_pmem },
	{ "vsz vsize", "VSZ", true, false, put_vsz },
	{ "rss rssize rsz", "RSS", true, false, put_rss },
	{ "tty tt tname", "TTY", false, false, put_tty },
	{ "stat", "STAT", false, false, put_stat },
	{ "s state", "S", false, false, put_state },
	{ "stime start start_time bsdstart", "STIME", false, false, put_stime },
	{ "time cputime", "TIME", true, false, put_time },
	{ "bsdtime", "TIME", true, false, put_bsdtime },
	{ "etime", "ELAPSED", true, false, put_etime },
	{ "etimes", "ELAPSED", true, false, put_etimes },
	{ "ni nice", "NI", true, false, put_nice },
	{ "pri priority", "PRI", true, false, put_priority },
	{ "nlwp thcount", "NLWP", true, false, put_threads },
	{ "comm ucmd ucomm", "COMMAND", false, false, put_comm },
	{ "cmd args command", "CMD", false, false, put_args },
};

/* --- options --- */

static bool has_word(const char *words, const char *word, size_t len)
{
	for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ') {
		if (strcspn(at, " ") == len && strncmp(at, word, len) == 0)
			return true;
	}
	return false;
}

/* Adds the column named by the first @len bytes of @name, with @heading (NULL: its own). 0, or -EINVAL with an error. */
static int add_column(struct pstable *t, const char *name, size_t len, const char *heading, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		if (!has_word(columns[i].names, name, len))
			continue;
		if (t->n == PSTABLE_COLUMNS_MAX)
			return err_set(err, EINVAL, "ps: more than %d columns", PSTABLE_COLUMNS_MAX);
		t->columns[t->n] = &columns[i];
		t->headings[t->n++] = heading ? heading : columns[i].heading;
		return 0;
	}
	return err_set(err, EINVAL, "ps: unknown column \"%.*s\"", (int)len, name);
}

/* Adds a list of columns as -o has it: divided by commas or blanks, and "NAME=HEADING" as the last one. */
static int add_list(struct pstable *t, const char *list, struct err *err)
{
	int r = 0;

	while (r == 0 && *(list += strspn(list, ", "))) {
		size_t len = strcspn(list, ", =");
		const char *heading = list[len] == '=' ? list + len + 1 : NULL;

		r = add_column(t, list, len, heading, err);
		list += heading ? strlen(list) : len;
	}
	return r;
}

/* What the options so far have asked for. */
struct wishes {
	bool every, full, user, bsd, own;
};

/* Takes the letters of one word. @bsd: it has no dash. @next: the word behind it; *@ret_taken: it was used. */
static int take_letters(struct pstable *t, struct wishes *w, const char *word, bool bsd, const char *next,
	bool *ret_taken, struct err *err)
{
	for (const char *c = word; *c; c++) {
		if (*c == 'o') {
			const char *list = c[1] ? c + 1 : next;

			*ret_taken = !c[1];
			w->own = true;
			return list ? add_list(t, list, err)
				    : err_set(err, EINVAL, "ps: option \"o\" needs a list of columns");
		}
		if (*c == 'u' && (bsd || !next || *next == '-'))
			w->user = true;
		else if (*c == 'f' && !bsd)
			w->full = true;
		else if (*c == 'e' || *c == 'A')
			w->every = true;
		else if (*c == 'x' || *c == 'a')
			w->bsd = w->bsd || bsd || *c == 'x';
		else if (*c == 'h' && bsd)
			t->no_heading = true;
		else if (*c != 'w' && *c != 'f') /* wide, and the forest of BSD: lines are as long as they are */
			return err_set(
				err, EINVAL, "ps: option \"%c\" of ps(1) is not supported for a guest's processes", *c);
	}
	return 0;
}

/* Adds the columns of ps(1)'s own formats. */
static int add_format(struct pstable *t, const struct wishes *w, struct err *err)
{
	static const char stime[] = "START", command[] = "COMMAND", uid[] = "UID";
	int r;

	if (w->own)
		return 0;
	if (w->user) {
		r = add_list(t, "user,pid,%cpu,%mem,vsz,rss,tty,stat,stime,bsdtime,args", err);
		t->headings[8] = stime;
		t->headings[10] = command;
	} else if (w->bsd) {
		r = add_list(t, "pid,tty,stat,bsdtime,args", err);
		t->headings[4] = command;
	} else if (w->full) {
		r = add_list(t, "user,pid,ppid,c,stime,tty,time,args", err);
		t->headings[0] = uid;
	} else {
		r = add_list(t, "pid,tty,time,comm", err);
		t->headings[3] = "CMD";
	}
	return r;
}

int pstable_parse(struct pstable *t, const char *const *words, struct err *err)
{
	struct wishes w = { .every = false };
	int r = 0;

	*t = (struct pstable){ .n = 0 };
	w.full = !*words;
	for (; r == 0 && *words; words++) {
		const char *word = *words;
		bool taken = false;

		if (strncmp(word, "--format=", 9) == 0 || strcmp(word, "--format") == 0) {
			taken = word[8] == '\0';
			w.own = true;
			r = taken && !words[1] ? err_set(err, EINVAL, "ps: option \"--format\" needs a list of columns")
					       : add_list(t, taken ? words[1] : word + 9, err);
		} else if (strcmp(word, "--no-headers") == 0 || strcmp(word, "--no-heading") == 0) {
			t->no_heading = true;
		} else if (word[0] == '-' && word[1] == '-') {
			r = err_set(err, EINVAL, "ps: option \"%s\" of ps(1) is not supported for a guest's processes",
				word);
		} else {
			r = take_letters(t, &w, word + (word[0] == '-'), word[0] != '-', words[1], &taken, err);
		}
		words += taken && words[1];
	}
	return r < 0 ? r : add_format(t, &w, err);
}

/* --- printing --- */

/* All cells, each a string with its NUL, row by row, with the widths of the columns. */
struct cells {
	struct buf text;
	size_t widths[PSTABLE_COLUMNS_MAX];
	size_t rows;
};

/* Ends the cell that was appended to @c behind @from, as one of column @i. */
static void end_cell(struct cells *c, size_t i, size_t from)
{
	c->widths[i] = MAX(c->widths[i], c->text.len - from);
	buf_put(&c->text, "", 1);
}

/* Makes the heading, if there is to be one, and a row for each process of @list. */
static void make_cells(const struct pstable *t, const struct proto_ps *list, struct cells *c)
{
	bool headings = false;

	for (size_t i = 0; i < t->n; i++)
		headings = headings || *t->headings[i];
	/* a program that counts blanks finds ps(1)'s: its pids have a width */
	for (size_t i = 0; i < t->n; i++)
		c->widths[i] = t->columns[i]->wide ? PID_WIDTH : 0;
	for (size_t i = 0; headings && !t->no_heading && i < t->n; i++) {
		size_t from = c->text.len;

		buf_puts(&c->text, t->headings[i]);
		end_cell(c, i, from);
		c->rows = 1;
	}
	for (uint32_t p = 0; p < list->len; p++) {
		const struct row row = { .list = list, .e = &list->at[p], .now_s = (uint64_t)time(NULL) };

		for (size_t i = 0; i < t->n; i++) {
			size_t from = c->text.len;

			t->columns[i]->put(&c->text, &row);
			end_cell(c, i, from);
		}
		c->rows++;
	}
}

int pstable_print(const struct pstable *t, const struct proto_ps *list, struct err *err)
{
	struct cells c = { .text = BUF_INIT };
	const char *cell;

	make_cells(t, list, &c);
	if (buf_error(&c.text) < 0) {
		buf_done(&c.text);
		return err_sys(err, ENOMEM, "ps");
	}
	cell = c.text.data;
	for (size_t row = 0; row < c.rows; row++) {
		for (size_t i = 0; i < t->n; i++) {
			int width = (int)c.widths[i];

			if (t->columns[i]->right)
				(void)printf("%*s", width, cell);
			else
				(void)printf("%-*s", i + 1 < t->n ? width : 0, cell);
			(void)putchar(i + 1 < t->n ? ' ' : '\n'); /* main() checks stdout at the end */
			cell += strlen(cell) + 1;
		}
	}
	buf_done(&c.text);
	return 0;
}
