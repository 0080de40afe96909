/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of the guest's log: its file and the file's limit, its tail, what reaches a terminal, threads. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "vm/guestlog.h"

struct fixture {
	struct guestlog *log;
	int fd; /* the log's file, our own way to it */
};

static void open_log(struct fixture *f, size_t max)
{
	f->fd = memfd_create("guest.log", MFD_CLOEXEC);
	assert_true(f->fd >= 0);
	assert_int_equal(guestlog_new(dup(f->fd), max, &f->log), 0);
}

static void close_log(struct fixture *f)
{
	guestlog_free(f->log);
	close(f->fd);
}

static size_t file_len(const struct fixture *f)
{
	struct stat st;

	assert_int_equal(fstat(f->fd, &st), 0);
	return (size_t)st.st_size;
}

/* The file's text; the caller frees it. */
static char *file_text(const struct fixture *f)
{
	size_t len = file_len(f);
	char *text = malloc(len + 1);

	assert_non_null(text);
	assert_int_equal(pread(f->fd, text, len, 0), (ssize_t)len);
	text[len] = '\0';
	return text;
}

static void put(struct guestlog *log, const char *text)
{
	guestlog_put(log, text, strlen(text));
}

/* Puts the lines "line @from" to "line @to - 1" as a guest does whose monitor keeps up with it. */
static void put_lines(struct guestlog *log, unsigned int from, unsigned int to)
{
	char line[64];

	for (unsigned int i = from; i < to; i++) {
		(void)snprintf(line, sizeof(line), "line %u\n", i); /* fits */
		put(log, line);
		if (i % 1000 == 0)
			guestlog_flush(log);
	}
	guestlog_flush(log);
}

/* Whether @text, from its first whole line on, is a run of put_lines() that ends before @to: the run's length. */
static size_t expect_run(const char *text, unsigned int to)
{
	const char *at = strstr(text, "line ");
	unsigned int first, n = 0;

	assert_non_null(at);
	first = (unsigned int)strtoul(at + strlen("line "), NULL, 10);
	for (; *at; at = strchr(at, '\n') + 1, n++)
		assert_int_equal(strtoul(at + strlen("line "), NULL, 10), first + n);
	assert_int_equal(first + n, to);
	return n;
}

static void a_log_below_its_limit_is_whole(void **state)
{
	enum { LINES = 600000 }; /* more than 6 MiB of them */
	struct fixture f;

	(void)state;
	open_log(&f, 8 * MIB);
	put_lines(f.log, 0, LINES);
	assert_in_range(file_len(&f), 6 * MIB, 8 * MIB);
	autofree char *text = file_text(&f);
	assert_int_equal(expect_run(text, LINES), LINES);
	close_log(&f);
}

static void at_the_limit_the_oldest_lines_go(void **state)
{
	static const size_t limits[] = { GUESTLOG_FILE_MIN, 128 * KIB, 5 * MIB };
	unsigned int lines = 900000;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct fixture f;
		char last[64], want[64];

		open_log(&f, limits[i]);
		for (unsigned int n = 0; n < lines; n += lines / 10) {
			put_lines(f.log, n, n + lines / 10);
			assert_in_range(file_len(&f), 1, limits[i]);
			autofree char *text = file_text(&f);
			assert_in_range(expect_run(text, n + lines / 10), 2000, lines);
		}
		guestlog_last(f.log, 1, last, sizeof(last));
		(void)snprintf(want, sizeof(want), "line %u", lines - 1); /* fits */
		assert_string_equal(last, want);
		close_log(&f);
	}
}

static void a_limit_that_is_too_small_is_refused(void **state)
{
	struct guestlog *log;

	(void)state;
	assert_int_equal(guestlog_new(-1, GUESTLOG_FILE_MIN - 1, &log), -EINVAL);
}

static void a_guest_that_is_faster_than_the_file_loses_its_oldest_lines(void **state)
{
	struct fixture f;
	char line[32];

	(void)state;
	open_log(&f, MIB);
	for (unsigned int i = 0; i < 300000; i++) {
		(void)snprintf(line, sizeof(line), "line %u\n", i); /* fits */
		put(f.log, line);
	}
	assert_int_equal(file_len(&f), 0); /* nobody has written yet, and nobody waited for it */
	guestlog_flush(f.log);
	autofree char *text = file_text(&f);
	assert_non_null(strstr(text, "messages are missing here"));
	assert_in_range(expect_run(strstr(text, "]\n"), 300000), 2000, 299999);
	assert_true(guestlog_find(f.log, "", line, sizeof(line)));
	assert_string_equal(line, "line 299999");
	close_log(&f);
}

static void control_characters_do_not_reach_a_terminal(void **state)
{
	struct fixture f;
	char all[256];

	(void)state;
	open_log(&f, MIB);
	for (unsigned int i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	guestlog_put(f.log, all, sizeof(all));
	put(f.log, "\n\033[2Ja\x01\x7f\tb\302\2332J\303\251\r\n");
	guestlog_say(f.log, "of the agent: \033]0;\a\r\303\251");
	autofree char *text = file_text(&f);
	for (const char *p = text; *p; p++)
		assert_true((*p >= ' ' && *p <= '~') || *p == '\n' || *p == '\t');
	assert_int_equal(strlen(text), file_len(&f)); /* no NUL either */
	assert_non_null(strstr(text, "\n?[2Ja??\tb??2J??\nof the agent: ?]0;???\n"));
	close_log(&f);
}

static void our_lines_do_not_cut_those_of_the_guest(void **state)
{
	struct fixture f;

	(void)state;
	open_log(&f, MIB);
	put(f.log, "one\ntw");
	guestlog_say(f.log, "vmrunc: %d", 7);
	put(f.log, "o\nthr");
	guestlog_say(f.log, "vmrunc: 8");
	guestlog_flush(f.log);
	autofree char *text = file_text(&f);
	assert_string_equal(text, "one\nvmrunc: 7\ntwo\nvmrunc: 8\nthr");
	close_log(&f);
}

static void lines_of_the_tail_are_found(void **state)
{
	struct guestlog *log;
	char line[32];

	(void)state;
	assert_int_equal(guestlog_new(-1, SIZE_MAX, &log), 0);
	assert_false(guestlog_find(log, "", line, sizeof(line)));
	put(log, "\n\n");
	assert_false(guestlog_find(log, "", line, sizeof(line)));
	for (int i = 0; i < 10000; i++)
		put(log, "[    1.000000] Kernel panic - old\n");
	put(log, "[   12.345678] Kernel panic - new\n[    1.2] last\n\n");
	assert_true(guestlog_find(log, "panic", line, sizeof(line)));
	assert_string_equal(line, "Kernel panic - new");
	assert_true(guestlog_find(log, "", line, sizeof(line)));
	assert_string_equal(line, "last");
	assert_false(guestlog_find(log, "absent", line, sizeof(line)));
	assert_true(guestlog_find(log, "new", line, 7));
	assert_string_equal(line, "Kernel");
	put(log, "[not a stamp] x\n[");
	assert_true(guestlog_find(log, "stamp", line, sizeof(line)));
	assert_string_equal(line, "[not a stamp] x");
	assert_true(guestlog_find(log, "", line, sizeof(line)));
	assert_string_equal(line, "[");
	assert_false(guestlog_find(NULL, "", line, sizeof(line)));
	guestlog_put(NULL, "x", 1);
	guestlog_flush(NULL);
	guestlog_free(log);
}

static void a_reset_is_explained_by_the_guest(void **state)
{
	struct guestlog *log;
	char detail[64] = "guest reset";

	(void)state;
	guestlog_explain_reset(NULL, detail, sizeof(detail));
	assert_string_equal(detail, "guest reset");
	assert_int_equal(guestlog_new(-1, SIZE_MAX, &log), 0);
	guestlog_explain_reset(log, detail, sizeof(detail));
	assert_string_equal(detail, "guest reset");
	put(log, "[    0.5] PCI: Fatal: No config space access function found\n");
	guestlog_explain_reset(log, detail, sizeof(detail));
	assert_string_equal(detail, "guest reset"); /* every guest says so: it is no reason */
	put(log, "[    1.0] reboot: Restarting system\n[    1.1] PCI: Fatal: No config space access function found\n");
	guestlog_explain_reset(log, detail, sizeof(detail));
	assert_string_equal(detail, "guest reset; its last line: reboot: Restarting system");
	put(log, "[    2.0] Kernel panic - not syncing: Oh dear\n[    2.1] ---[ end ]---\n");
	guestlog_explain_reset(log, detail, sizeof(detail));
	assert_string_equal(detail, "guest kernel panicked: Kernel panic - not syncing: Oh dear");
	guestlog_explain_reset(log, detail, 30);
	assert_string_equal(detail, "guest kernel panicked: Kernel");
	guestlog_free(log);
}

static void the_last_lines_make_an_error(void **state)
{
	struct guestlog *log;
	char last[128];

	(void)state;
	assert_int_equal(guestlog_new(-1, SIZE_MAX, &log), 0);
	guestlog_last(log, 3, last, sizeof(last));
	assert_string_equal(last, "");
	put_lines(log, 0, 1000);
	guestlog_say(log, "one");
	guestlog_say(log, "two %d", 2);
	guestlog_last(log, 2, last, sizeof(last));
	assert_string_equal(last, "one; two 2");
	guestlog_last(log, 1, last, sizeof(last));
	assert_string_equal(last, "two 2");
	guestlog_last(log, 3, last, sizeof(last));
	assert_string_equal(last, "line 999; one; two 2");
	guestlog_last(log, 100, last, 8);
	assert_string_equal(last, "; two 2");
	guestlog_last(log, 100, last, 1);
	assert_string_equal(last, "");
	put(log, "unfinished ");
	guestlog_last(log, 1, last, sizeof(last));
	assert_string_equal(last, "unfinished");
	guestlog_free(log);
}

static void a_full_disk_loses_lines_only(void **state)
{
	struct fixture f = { .fd = open("/dev/full", O_WRONLY | O_CLOEXEC) };
	char line[32];

	(void)state;
	assert_true(f.fd >= 0);
	assert_int_equal(guestlog_new(dup(f.fd), 128 * KIB, &f.log), 0);
	put_lines(f.log, 0, 20000);
	assert_true(guestlog_find(f.log, "", line, sizeof(line)));
	assert_string_equal(line, "line 19999");
	close_log(&f);
}

#define THREADS 4
struct flood {
	struct fixture f;
	struct loop *loop;
	pthread_mutex_t lock;
	int running; /* LOCK: lock */
	_Atomic bool ticked;
};

static void *flood_thread(void *arg)
{
	struct flood *flood = arg;

	while (!flood->ticked)
		put(flood->f.log, "a line of text\n");
	pthread_mutex_lock(&flood->lock);
	if (--flood->running == 0) {
		put(flood->f.log, "the end\n");
		loop_stop(flood->loop);
	}
	pthread_mutex_unlock(&flood->lock);
	return NULL;
}

/* The threads go on until the loop has come to this, so a log that keeps the loop to itself fails the test. */
static void flood_tick(void *arg)
{
	struct flood *flood = arg;

	flood->ticked = true;
}

static void the_loop_writes_what_threads_put(void **state)
{
	struct flood flood = { .running = THREADS, .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[THREADS];
	struct watch *timer;

	(void)state;
	open_log(&flood.f, 2 * MIB);
	assert_int_equal(loop_new(&flood.loop), 0);
	assert_int_equal(guestlog_watch(flood.f.log, flood.loop), 0);
	assert_int_equal(timer_new(flood.loop, 20, flood_tick, &flood, &timer), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, flood_thread, &flood), 0);
	assert_int_equal(loop_run(flood.loop), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	guestlog_flush(flood.f.log);
	autofree char *text = file_text(&flood.f);
	size_t len = strlen(text);
	bool gap = strstr(text, "messages are missing here"); /* threads may be faster than the loop */
	assert_string_equal(text + len - strlen("the end\n"), "the end\n");
	/* Lines are torn at a gap only. */
	for (char *at = text, *next; *at; at = next) {
		next = strchr(at, '\n');
		assert_non_null(next);
		*next++ = '\0';
		assert_true(gap || !strcmp(at, "a line of text") || !strcmp(at, "the end"));
	}
	watch_free(timer);
	close_log(&flood.f);
	loop_free(flood.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_below_its_limit_is_whole),
		cmocka_unit_test(at_the_limit_the_oldest_lines_go),
		cmocka_unit_test(a_limit_that_is_too_small_is_refused),
		cmocka_unit_test(a_guest_that_is_faster_than_the_file_loses_its_oldest_lines),
		cmocka_unit_test(control_characters_do_not_reach_a_terminal),
		cmocka_unit_test(our_lines_do_not_cut_those_of_the_guest),
		cmocka_unit_test(lines_of_the_tail_are_found),
		cmocka_unit_test(a_reset_is_explained_by_the_guest),
		cmocka_unit_test(the_last_lines_make_an_error),
		cmocka_unit_test(a_full_disk_loses_lines_only),
		cmocka_unit_test(the_loop_writes_what_threads_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
