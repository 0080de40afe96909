/* SPDX-License-Identifier: Apache-2.0 */
/* Reports to a create or run that does not read them, or has gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "base/fd.h"
#include "base/loop.h"
#include "monitor/report.h"
#include "monitor/reporter.h"

#define HANG_S 20
#define MANY 1000 /* reports, of which no socket has room for so many */

struct fixture {
	int monitors, creates;
	struct loop *loop;
	struct reporter reporter;
	int ends; /* how often on_end() was called */
};

static void on_end(void *arg)
{
	struct fixture *f = arg;

	f->ends++;
	loop_stop(f->loop);
}

static void on_other(void *arg)
{
	loop_stop(((struct fixture *)arg)->loop);
}

static int setup(void **state)
{
	static struct fixture f;
	int ends[2];

	f = (struct fixture){ .ends = 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	f.monitors = ends[0];
	f.creates = ends[1];
	assert_int_equal(loop_new(&f.loop), 0);
	reporter_init(&f.reporter, f.monitors);
	assert_int_equal(reporter_watch(&f.reporter, f.loop, on_end, &f), 0);
	alarm(HANG_S);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	alarm(0);
	loop_free(f->loop);
	fd_close(f->reporter.sock);
	fd_close(f->creates);
	return 0;
}

static void close_creates(struct fixture *f)
{
	fd_close(steal_fd(&f->creates));
}

static const struct report notice = { .kind = REPORT_NOTICE, .err = { .errnum = ENOMEM, .msg = "notice" } };

static void expect(const struct fixture *f, enum report_kind kind)
{
	struct report got;
	struct err err = ERR_INIT;

	assert_int_equal(report_receive(f->creates, &got, &err), 0);
	assert_int_equal(got.kind, kind);
}

/* Nobody reads: sending returns, and the reports that say what has become of the container have their room. */
static void test_nobody_reads(void **state)
{
	const struct report ready = { .kind = REPORT_READY }, failed = { .kind = REPORT_FAILED };
	const struct fixture *f = *state;
	size_t sent = 0;

	for (size_t i = 0; i < MANY; i++) {
		int r = report_send(f->monitors, &notice);

		assert_true(r == 0 || r == -EAGAIN);
		sent += r == 0;
	}
	assert_in_range(sent, 8, MANY - 1);
	assert_int_equal(report_send(f->monitors, &ready), 0);
	assert_int_equal(report_send(f->monitors, &failed), 0);
	for (size_t i = 0; i < sent; i++)
		expect(f, REPORT_NOTICE);
	expect(f, REPORT_READY);
	expect(f, REPORT_FAILED);
	assert_int_equal(report_send(f->monitors, &notice), 0); /* it reads again */
	expect(f, REPORT_NOTICE);
	/* nor does any other report wait */
	for (size_t i = 0; i < MANY; i++) {
		int r = report_send(f->monitors, &failed);

		assert_true(r == 0 || r == -EAGAIN);
	}
}

static void test_gone(void **state)
{
	struct fixture *f = *state;

	close_creates(f);
	assert_int_equal(report_send(f->monitors, &notice), -EPIPE);
}

/* One that has gone with something unread resets the connection. */
static void test_gone_in_a_hurry(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(report_send(f->monitors, &notice), 0);
	close_creates(f);
	assert_int_equal(report_send(f->monitors, &notice), -EPIPE);
}

/* One that does not read is not taken for one that has gone. */
static void test_full_is_not_gone(void **state)
{
	struct fixture *f = *state;
	size_t n = 0;
	struct report got;

	assert_int_equal(reporter_ready(&f->reporter), 0);
	for (size_t i = 0; i < MANY; i++)
		reporter_tell(&f->reporter, REPORT_NOTICE, &notice.err);
	assert_int_equal(f->reporter.sock, f->monitors);
	reporter_tell(&f->reporter, REPORT_FAILED, &notice.err);
	expect(f, REPORT_READY);
	do {
		n++;
		assert_int_equal(recv(f->creates, &got, sizeof(got), MSG_DONTWAIT), sizeof(got));
	} while (got.kind == REPORT_NOTICE && n < MANY);
	assert_int_equal(got.kind, REPORT_FAILED);
}

/* A create that was killed before READY ends its monitor, also if something was to be told between the two. */
static void test_killed_before_ready(void **state)
{
	struct fixture *f = *state;

	close_creates(f);
	reporter_tell(&f->reporter, REPORT_WARNING, &notice.err);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->ends, 1);
	assert_int_equal(f->reporter.sock, -1);
	reporter_tell(&f->reporter, REPORT_WARNING, &notice.err); /* nobody is told any more */
}

/* Likewise one that is killed in the moment before READY: the monitor learns that nobody knows of the container. */
static void test_killed_at_ready(void **state)
{
	struct fixture *f = *state;

	close_creates(f);
	assert_int_equal(reporter_ready(&f->reporter), -EPIPE);
	assert_int_equal(loop_run(f->loop), 0);
	assert_int_equal(f->ends, 1);
	assert_int_equal(reporter_ready(&f->reporter), -EPIPE);
}

/* After READY the container lives on without the one that made it. */
static void test_gone_after_ready(void **state)
{
	struct fixture *f = *state;
	struct watch *timer = NULL;

	assert_int_equal(reporter_ready(&f->reporter), 0);
	expect(f, REPORT_READY);
	close_creates(f);
	assert_int_equal(timer_new(f->loop, 1, on_other, f, &timer), 0);
	assert_int_equal(loop_run(f->loop), 0);
	watch_free(timer);
	assert_int_equal(f->ends, 0);
	assert_int_equal(f->reporter.sock, -1);
}

static void test_told_after_ready(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(reporter_ready(&f->reporter), 0);
	close_creates(f);
	reporter_tell(&f->reporter, REPORT_NOTICE, &notice.err);
	assert_int_equal(f->reporter.sock, -1);
	assert_int_equal(f->ends, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nobody_reads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_in_a_hurry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_is_not_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_before_ready, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_at_ready, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone_after_ready, setup, teardown),
		cmocka_unit_test_setup_teardown(test_told_after_ready, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
