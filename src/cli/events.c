/* SPDX-License-Identifier: Apache-2.0 */
/* `vmrunc events`: prints a container's figures, and tells when its memory ran out. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/log.h"
#include "base/buf.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "json/gen.h"
#include "life/stats.h"

#define INTERVAL_DEFAULT_MS 5000
#define INTERVAL_MAX_MS (24ll * 3600 * 1000)
/* How often the OOM killer is asked for, at least. */
#define OOM_INTERVAL_MS 500

struct events_options {
	const char *interval;
	bool stats;
};

/* Reads a duration as Go writes it, such as 5s, 1m30s or 500ms; 0 needs no unit. Returns 0 with *@ret_ms, or -EINVAL with an error. */
static int parse_interval(const char *text, int64_t *ret_ms, struct err *err)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = { { "ms", 1 }, { "us", 0.001 }, { "ns", 0.000001 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 } };
	const char *at = text + (*text == '-' || *text == '+');
	double sum = 0;

	if (strcmp(at, "0") == 0)
		at = "0s";
	while (*at) {
		char *end;
		double n = strtod(at, &end);
		size_t i = 0;

		while (i < ARRAY_LEN(units) && strncmp(end, units[i].unit, strlen(units[i].unit)) != 0)
			i++;
		if (end == at || i == ARRAY_LEN(units) || !(n >= 0 && n < 1e9))
			return err_set(err, EINVAL, "--interval: \"%s\" is no duration such as 5s", text);
		sum += n * units[i].ms;
		at = end + strlen(units[i].unit);
	}
	if (!*text || !(sum > 0) || *text == '-')
		return err_set(err, EINVAL, "duration interval must be greater than 0");
	*ret_ms = (int64_t)MIN(MAX(sum, 1.0), (double)INTERVAL_MAX_MS);
	return 0;
}

/* Prints an event, with @data, JSON, if that is not NULL. Returns 0, or -EIO with an error: nobody reads any more. */
static int print_event(const char *type, const char *id, const char *data, struct err *err)
{
	autobuf line = BUF_INIT;

	buf_printf(&line, "{\"type\":\"%s\",\"id\":", type);
	gen_quote(&line, id, strlen(id));
	if (data)
		buf_printf(&line, ",\"data\":%s", data);
	if (buf_error(&line) < 0)
		return err_sys(err, ENOMEM, "events");
	(void)printf("%s}\n", line.data);
	return fflush(stdout) != 0 || ferror(stdout) ? err_set(err, EIO, "cannot write to standard output") : 0;
}

/* Prints the figures of now. Returns 0, or -errno with an error, as container_stats(). */
static int print_stats(const struct settings *settings, const char *id, struct err *err)
{
	autobuf data = BUF_INIT;
	int r = container_stats(settings, id, &data, err);

	return r < 0 ? r : print_event("stats", id, data.data, err);
}

/* Prints events until the container has stopped. */
static int follow(const struct settings *settings, const char *id, int64_t interval_ms, struct err *err)
{
	int64_t next = clock_now_ms() + interval_ms;
	uint64_t seen = 0, kills = 0;
	struct err state = ERR_INIT;
	int r = container_oom_kills(settings, id, &seen, err);

	if (r < 0 && r != -EAGAIN)
		return r == -ESRCH ? err_set(err, ESRCH, "container with id %s is not running", id) : r;
	do {
		int64_t now = clock_now_ms();
		int64_t pause = MIN(MAX(next - now, (int64_t)1), (int64_t)OOM_INTERVAL_MS);
		const struct timespec t = { .tv_sec = pause / 1000, .tv_nsec = pause % 1000 * 1000000 };

		(void)nanosleep(&t, NULL);
		r = container_oom_kills(settings, id, &kills, &state);
		/* of a stopped container it is only known whether there was one */
		if ((r == 0 && kills > seen) || (r == -ESRCH && kills && seen == 0)) {
			if (print_event("oom", id, NULL, err) < 0)
				return -EIO;
		}
		if (r == 0)
			seen = kills;
		if (r == 0 && clock_now_ms() >= next) {
			int printed = print_stats(settings, id, err);

			next = clock_now_ms() + interval_ms;
			if (printed == -EIO)
				return printed;
			if (printed < 0 && printed != -EAGAIN && printed != -ESRCH) /* the next turn says what is */
				log_warning("%s", err->msg);
		}
	} while (r == 0 || r == -EAGAIN);
	*err = (struct err)ERR_INIT;
	return 0; /* it has stopped, or was deleted */
}

static int events(struct call *call, struct err *err)
{
	const struct events_options *options = call->options;
	int64_t interval_ms = INTERVAL_DEFAULT_MS;
	struct settings settings;
	int r = global_settings(&call->global, &settings, err);

	if (r == 0 && options->interval)
		r = parse_interval(options->interval, &interval_ms, err);
	if (r < 0)
		return r;
	return options->stats ? print_stats(&settings, call->argv[0], err)
			      : follow(&settings, call->argv[0], interval_ms, err);
}

static const struct cli_option events_options[] = {
	CLI_STRING_OPTION(
		struct events_options, interval, "interval", 0, "DURATION", "between two figures (default 5s)"),
	CLI_FLAG_OPTION(struct events_options, stats, "stats", 0, "print the figures of now, once"),
	CLI_OPTIONS_END,
};

const struct command command_events = {
	.name = "events",
	.args = "ID",
	.min_args = 1,
	.max_args = 1,
	.help = "print a container's figures and OOM events as JSON",
	.options = events_options,
	.options_size = sizeof(struct events_options),
	.run = events,
};
