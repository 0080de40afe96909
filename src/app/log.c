/* SPDX-License-Identifier: Apache-2.0 */
/* The log of one command: see log.h. */
#include "app/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "app/progress.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "json/gen.h"

/* The log of this process. */
static struct {
	enum log_level level;
	bool level_asked; /* the user has named the level */
	bool json;
	bool detached;
	bool quiet;         /* stderr is, or will be, a container's: log_share_stderr() */
	int fd;             /* of the file; -1: there is none */
	struct buf waiting; /* lines for the file that wait for log_finish() */
	struct buf held;    /* lines that stderr gets only if the command fails */
} state = { .level = LOG_LEVEL_WARNING, .fd = -1 };

static const char *const level_names[] = { "error", "warning", "info", "debug" };

/* The level of a name, or -1. */
static int level_find(const char *name)
{
	/* engines pass the names of logrus, which has more levels than we have */
	static const struct {
		const char *name;
		enum log_level level;
	} known[] = {
		{ "panic", LOG_LEVEL_ERROR },
		{ "fatal", LOG_LEVEL_ERROR },
		{ "error", LOG_LEVEL_ERROR },
		{ "warn", LOG_LEVEL_WARNING },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
		{ "trace", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].name, name) == 0)
			return (int)known[i].level;
	}
	return -1;
}

int log_open(const char *path, const char *format, const char *level, struct err *err)
{
	if (level) {
		int found = level_find(level);

		if (found < 0)
			return err_set(
				err, EINVAL, "--log-level: \"%s\" is none of error, warning, info, debug", level);
		state.level = (enum log_level)found;
		state.level_asked = true;
	}
	if (format) {
		state.json = strcmp(format, "json") == 0;
		if (!state.json && strcmp(format, "text") != 0)
			return err_set(err, EINVAL, "--log-format: \"%s\" is neither text nor json", format);
	}
	if (path && *path) {
		state.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
		if (state.fd < 0)
			return err_sys(err, errno, "--log: cannot open \"%s\"", path);
	}
	return 0;
}

void log_share_stderr(void)
{
	state.quiet = !isatty(STDERR_FILENO);
}

/* Writes the time to @text in the form of RFC 3339. */
static void format_time(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	*text = '\0';
	if (gmtime_r(&now, &tm))
		(void)strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Appends a line of JSON as logrus writes it; engines parse that. */
static void put_json(struct buf *b, enum log_level level, const char *message, const char *now)
{
	struct gen g;

	gen_init(&g, b, GEN_COMPACT);
	gen_open_object(&g);
	gen_key_string(&g, "level", level_names[level]);
	gen_key_string(&g, "msg", message);
	gen_key_string(&g, "time", now);
	gen_close_object(&g);
	buf_puts(b, "\n");
}

/* Appends a line of words as logrus writes it: its strings are quoted like those of JSON. */
static void put_text(struct buf *b, enum log_level level, const char *message, const char *now)
{
	buf_puts(b, "time=");
	gen_quote(b, now, strlen(now));
	buf_printf(b, " level=%s msg=", level_names[level]);
	gen_quote(b, message, strlen(message));
	buf_puts(b, "\n");
}

static void put_line(struct buf *b, enum log_level level, const char *message)
{
	char now[64];

	format_time(now, sizeof(now));
	if (state.json)
		put_json(b, level, message, now);
	else
		put_text(b, level, message, now);
}

/* Writes @b to the file, if there is one. */
static void file_write(const struct buf *b)
{
	int r = 0;

	if (state.fd >= 0 && b->len > 0 && buf_error(b) == 0)
		r = fd_write_full(state.fd, b->data, b->len);
	if (r < 0)
		(void)fprintf(stderr, "vmrunc: cannot write to the log: %s\n", strerror(-r));
}

/*
 * Appends a line of words for stderr to @b. What is not of this host may be in them: a guest's error, a file's name, an
 * annotation; a terminal must not obey it.
 */
static void put_words(struct buf *b, enum log_level level, const char *message)
{
	char text[ERR_MSG_MAX];

	(void)snprintf(text, sizeof(text), "%s", message);
	text_clean(text, strlen(text));
	if (level == LOG_LEVEL_ERROR)
		buf_printf(b, "vmrunc: %s\n", text);
	else
		buf_printf(b, "vmrunc: %s: %s\n", level_names[level], text);
}

/* Whether stderr is a terminal that is raw, as it is while a container's terminal is shown there. */
static bool stderr_is_raw(void)
{
	struct termios modes;

	return tcgetattr(STDERR_FILENO, &modes) == 0 && !(modes.c_oflag & OPOST);
}

/* Writes @b, whole lines, to stderr and empties it. A raw terminal does not go back to the first column by itself. */
static void words_write(struct buf *b)
{
	const char *end = stderr_is_raw() ? "\r\n" : "\n";

	progress_make_room();
	buf_put(b, "", 1);
	if (buf_error(b) == 0) {
		for (char *line = b->data, *stop; (stop = strchr(line, '\n')); line = stop + 1)
			(void)fprintf(stderr, "%.*s%s", (int)(stop - line), line, end);
	}
	buf_done(b);
}

/* Says @message on stderr now. */
static void say_words(enum log_level level, const char *message)
{
	autobuf line = BUF_INIT;

	put_words(&line, level, message);
	words_write(&line);
}

/* Says the error on stderr, behind the warnings that have led up to it, and in the file, which has it alone. */
static void say_error(const char *message)
{
	autobuf line = BUF_INIT;

	put_words(&state.held, LOG_LEVEL_ERROR, message);
	words_write(&state.held);
	put_line(&line, LOG_LEVEL_ERROR, message);
	file_write(&line);
}

/*
 * Says @message in the file, where there is one, and else on stderr. The file's lines wait for the end of the command,
 * and so do those of stderr where the command's success makes stderr a container's.
 */
static void say(enum log_level level, const char *message)
{
	bool file = state.fd >= 0;

	if (state.detached || level > state.level)
		return;
	if (file)
		put_line(&state.waiting, level, message);
	if (file || (state.quiet && !state.level_asked))
		put_words(&state.held, level, message);
	else
		say_words(level, message);
}

void log_error(const char *message)
{
	if (!state.detached)
		say_error(message);
}

void log_warning(const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	say(LOG_LEVEL_WARNING, message);
}

void log_notice(const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (state.detached || state.level < LOG_LEVEL_WARNING)
		return;
	say_words(LOG_LEVEL_WARNING, message);
	if (state.fd >= 0)
		put_line(&state.waiting, LOG_LEVEL_WARNING, message);
}

void log_warnings(const struct warnings *w)
{
	for (size_t i = 0; i < w->n; i++)
		log_warning("%s", w->v[i]);
	if (w->extra)
		log_warning("%zu more warnings", w->extra);
}

void log_debug(const char *fmt, ...)
{
	char message[ERR_MSG_MAX];
	va_list ap;

	if (state.level < LOG_LEVEL_DEBUG)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	say(LOG_LEVEL_DEBUG, message);
}

void log_finish(bool failed)
{
	if (!failed)
		file_write(&state.waiting);
	buf_done(&state.waiting);
	buf_done(&state.held);
	fd_close(state.fd);
	state.fd = -1;
}

void log_detach(void)
{
	state.detached = true;
	buf_done(&state.waiting);
	buf_done(&state.held);
	fd_close(state.fd);
	state.fd = -1;
}
