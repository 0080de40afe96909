/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of a container: see stats.h. They come from the files of its cgroup (v2) in the guest, one question each.
 * GUEST: nothing of their text is printed; numbers are read, and keys that have the form of a kernel's.
 */
#include "life/stats.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "json/gen.h"
#include "life/inside.h"
#include "monitor/query.h"

/* How long the guest may take to answer a question. */
#define STATS_TIMEOUT_MS 5000
/* Lines of a file of the guest's that are looked at, and bytes of their keys. */
#define LINES_MAX 256
#define KEY_MAX 48
/* runc's figures of time are in nanoseconds, the kernel's in microseconds. */
#define NS_PER_US 1000u
/* What the monitor writes into guest.log, when a container whose memory ran out has ended. */
#define OOM_LINE "vmrunc: the guest's OOM killer struck in the container"
#define LOG_FILE_MAX (64 * MIB)

/* Who asks the guest for one file after the other. The first error is kept, and nothing more is asked then. */
struct reader {
	const struct statedir *dir;
	struct err *err;
	int r;
};

/* The text of @file in the guest's cgroup, which the caller frees; NULL after an error, and if there is no such file. */
static char *read_file(struct reader *from, const char *file)
{
	struct control_request request = { .op = CONTROL_READ_CGROUP };
	struct err err = ERR_INIT;
	char *text = NULL;
	size_t len;
	int r;

	if (from->r < 0)
		return NULL;
	(void)snprintf(request.file, sizeof(request.file), "%s", file); /* fits */
	r = query_ask(from->dir, &request, NULL, 0, STATS_TIMEOUT_MS, &text, &len, &err);
	if (r < 0 && r != -ENOENT) {
		from->r = r;
		*from->err = err;
	}
	return r < 0 ? NULL : text;
}

/* The same for a file that every cgroup has: if there is none, no container of this guest's answers, which is an error. */
static char *need_file(struct reader *from, const char *file)
{
	char *text = read_file(from, file);

	if (!text && from->r == 0)
		from->r = err_set(from->err, ESRCH, "the guest has no file \"%s\" for the container", file);
	return text;
}

/* The number that @text begins with; "max" and what is none are UINT64_MAX. */
static uint64_t number_of(const char *text)
{
	return text && *text >= '0' && *text <= '9' ? (uint64_t)strtoull(text, NULL, 10) : UINT64_MAX;
}

/* The number in @file; @none if there is none. */
static uint64_t read_number(struct reader *from, const char *file, uint64_t none)
{
	autofree char *text = read_file(from, file);
	uint64_t n = number_of(text);

	return n == UINT64_MAX ? none : n;
}

/* The number behind @key in the lines "KEY NUMBER" of @text (may be NULL); 0 if there is none. */
static uint64_t value_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = text; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		if (strncmp(at, key, len) == 0 && at[len] == ' ')
			return number_of(at + len + 1);
	}
	return 0;
}

/* gen_integer() has a sign, which no figure needs: what is above its range is "no limit". */
static void put(struct gen *g, const char *key, uint64_t n)
{
	gen_key(g, key);
	gen_unsigned(g, n);
}

/* CPU time, and how often the quota held it up. */
static void put_cpu(struct gen *g, struct reader *from)
{
	autofree char *text = need_file(from, "cpu.stat");

	gen_key_object(g, "cpu");
	gen_key_object(g, "usage");
	put(g, "total", value_of(text, "usage_usec") * NS_PER_US);
	put(g, "kernel", value_of(text, "system_usec") * NS_PER_US);
	put(g, "user", value_of(text, "user_usec") * NS_PER_US);
	gen_close_object(g);
	gen_key_object(g, "throttling");
	put(g, "periods", value_of(text, "nr_periods"));
	put(g, "throttledPeriods", value_of(text, "nr_throttled"));
	put(g, "throttledTime", value_of(text, "throttled_usec") * NS_PER_US);
	gen_close_object(g);
	gen_close_object(g);
}

/* A usage with its limit. */
static void put_entry(struct gen *g, const char *key, uint64_t limit, uint64_t usage, uint64_t max, uint64_t failures)
{
	gen_key_object(g, key);
	put(g, "limit", limit);
	put(g, "usage", usage);
	put(g, "max", max);
	put(g, "failcnt", failures);
	gen_close_object(g);
}

/* memory.stat as it is. */
static void put_raw(struct gen *g, const char *text)
{
	int lines = 0;

	gen_key_object(g, "raw");
	for (const char *at = text; at && *at && lines < LINES_MAX; lines++) {
		size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
		char key[KEY_MAX];

		if (len > 0 && len < sizeof(key) && at[len] == ' ') {
			(void)snprintf(key, sizeof(key), "%.*s", (int)len, at);
			put(g, key, number_of(at + len + 1));
		}
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	gen_close_object(g);
}

/* Memory: what runc takes from the same files of a v2 host. */
static void put_memory(struct gen *g, struct reader *from)
{
	autofree char *stat = read_file(from, "memory.stat");
	autofree char *events = read_file(from, "memory.events");
	uint64_t usage = read_number(from, "memory.current", 0), swap = read_number(from, "memory.swap.current", 0);
	uint64_t limit = read_number(from, "memory.max", UINT64_MAX);
	uint64_t swap_limit = read_number(from, "memory.swap.max", UINT64_MAX);

	gen_key_object(g, "memory");
	put(g, "cache", value_of(stat, "file"));
	put_entry(g, "usage", limit, usage, read_number(from, "memory.peak", 0), value_of(events, "max"));
	/* as runc has it: memory and swap together */
	put_entry(g, "swap", limit == UINT64_MAX || swap_limit == UINT64_MAX ? UINT64_MAX : limit + swap_limit,
		usage + swap, 0, 0);
	put_entry(g, "kernel", UINT64_MAX, value_of(stat, "kernel"), 0, 0);
	put_entry(g, "kernelTCP", UINT64_MAX, value_of(stat, "sock"), 0, 0);
	put_raw(g, stat);
	gen_close_object(g);
}

int container_stats(const struct settings *settings, const char *id, struct buf *out, struct err *err)
{
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	struct reader from = { .dir = &dir, .err = err };
	enum status status = STATUS_STOPPED;
	struct gen g;
	uint64_t limit;
	int r = life_open(settings, id, false, &dir, &s, &status, err);

	if (r < 0)
		return r;
	if (status == STATUS_STOPPED || status == STATUS_CREATING)
		return err_set(err, ESRCH, "container with id %s is not running", id);
	if (status == STATUS_PAUSED)
		return err_set(err, EAGAIN, "the container is paused: its figures can be read when it is resumed");
	gen_init(&g, out, GEN_COMPACT);
	gen_open_object(&g);
	put_cpu(&g, &from);
	put_memory(&g, &from);
	gen_key_object(&g, "pids");
	put(&g, "current", read_number(&from, "pids.current", 0));
	limit = read_number(&from, "pids.max", UINT64_MAX);
	if (limit != UINT64_MAX) /* runc leaves it out where there is none */
		put(&g, "limit", limit);
	gen_close_object(&g);
	gen_key_object(&g, "blkio"); /* the disks are the host's, and so are their figures: docs/cgroups.md */
	gen_close_object(&g);
	gen_key_object(&g, "hugetlb");
	gen_close_object(&g);
	gen_key_object(&g, "intel_rdt");
	gen_close_object(&g);
	gen_key_array(&g, "network_interfaces");
	gen_close_array(&g);
	gen_close_object(&g);
	return from.r < 0 ? from.r : gen_finish(&g, err);
}

int container_oom_kills(const struct settings *settings, const char *id, uint64_t *ret, struct err *err)
{
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	autofree char *text = NULL;
	struct err why = ERR_INIT;
	struct reader from = { .dir = &dir, .err = &why };
	enum status status = STATUS_STOPPED;
	int r = life_open(settings, id, false, &dir, &s, &status, err);

	if (r < 0)
		return r;
	if (status == STATUS_PAUSED)
		return err_set(err, EAGAIN, "the container is paused");
	if (status != STATUS_STOPPED)
		text = read_file(&from, "memory.events");
	if (text) {
		*ret = value_of(text, "oom_kill");
		return 0;
	}
	if (status != STATUS_STOPPED) /* no such file: the container's cgroup has gone already */
		return err_set(
			err, EAGAIN, "the container ends, or does not answer%s%s", from.r < 0 ? ": " : "", why.msg);
	r = fd_read_file(dir.fd, LIFE_LOG, LOG_FILE_MAX, &text, NULL);
	*ret = r == 0 && strstr(text, OOM_LINE);
	return err_set(err, ESRCH, "container not running");
}
