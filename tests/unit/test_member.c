/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member of the monitor's VM, and two at a time, without a guest: the calls of guest.h and control_answer() that a
 * member makes are this file's own, and take the place of the real ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "monitor/member.h"

#define CLIENTS 4

/* One request that the guest has got, and its callback. */
struct asked {
	uint32_t process;
	int signo;
	guest_done_fn *done;
	void *arg;
};

struct guest {
	uint32_t last_process;
	struct asked create, start, signal;
};

/* The test's clients: how often each was answered, and with what. */
struct control_client {
	int answers;
	int errnum;
};

static struct control_client clients[CLIENTS];

uint32_t guest_next_process(struct guest *g)
{
	return ++g->last_process;
}

int guest_create(struct guest *g, const struct guest_container *c, const int stdio[3], guest_done_fn *done, void *arg,
	struct err *err)
{
	(void)stdio;
	(void)err;
	g->create = (struct asked){ .process = c->process.id, .done = done, .arg = arg };
	return 0;
}

int guest_start(struct guest *g, uint32_t process, guest_done_fn *done, void *arg, struct err *err)
{
	(void)err;
	g->start = (struct asked){ .process = process, .done = done, .arg = arg };
	return 0;
}

int guest_signal(
	struct guest *g, uint32_t process, int signo, bool all, guest_done_fn *done, void *arg, struct err *err)
{
	(void)all;
	(void)err;
	g->signal = (struct asked){ .process = process, .signo = signo, .done = done, .arg = arg };
	return 0;
}

int guest_winsize(struct guest *g, uint32_t process, uint16_t rows, uint16_t cols)
{
	(void)g;
	(void)process;
	(void)rows;
	(void)cols;
	return 0;
}

void control_answer(struct control_client *client, const struct err *err, const struct control_fds *fds)
{
	assert_null(fds);
	client->answers++;
	client->errnum = err ? err->errnum : 0;
}

static void answer(const struct asked *a, int errnum)
{
	const struct err err = { .errnum = errnum };

	assert_non_null(a->done);
	a->done(a->arg, &err, NULL, 0);
}

/* A member with all that it is made of, and what it has told. */
struct one {
	struct member *member;
	struct guest_container container;
	struct spec_process process;
	struct guestlog *log;
	int status_fd;
	int created, ended, failed, silent, warned, exit_status;
};

static void on_created(void *arg, struct member *m)
{
	struct one *o = arg;

	assert_ptr_equal(m, o->member);
	o->created++;
}

static void on_ended(void *arg, struct member *m, int exit_status)
{
	struct one *o = arg;

	member_end(m, NULL);
	o->ended++;
	o->exit_status = exit_status;
}

static void on_failed(void *arg, struct member *m, const struct err *err)
{
	struct one *o = arg;

	member_end(m, err);
	o->failed = err->errnum;
}

static void on_silence(void *arg, struct member *m, bool killed)
{
	struct one *o = arg;

	(void)m;
	(void)killed;
	o->silent++;
}

static void on_warning(void *arg, struct member *m, const struct err *err)
{
	struct one *o = arg;

	(void)m;
	assert_string_equal(err->msg, "the container's stdout: no space");
	o->warned++;
}

static void one_new(struct one *o)
{
	const struct member_events events = { .on_created = on_created,
		.on_ended = on_ended,
		.on_failed = on_failed,
		.on_silence = on_silence,
		.on_warning = on_warning,
		.arg = o };
	struct member_config config = { .container = &o->container, .process = &o->process, .console_fd = -1 };
	char path[] = "/tmp/test_member.XXXXXX";
	struct err err = ERR_INIT;

	*o = (struct one){ .status_fd = mkstemp(path) };
	assert_true(o->status_fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(guestlog_new(-1, SIZE_MAX, &o->log), 0);
	config.status_fd = o->status_fd;
	config.log = o->log;
	assert_int_equal(member_new(&config, &events, &o->member, &err), 0);
}

static void one_free(struct one *o)
{
	member_free(o->member);
	guestlog_free(o->log);
	fd_close(o->status_fd);
}

/* Whether the file `status` begins with @word. */
static bool says(const struct one *o, const char *word)
{
	char text[32] = "";

	return pread(o->status_fd, text, sizeof(text) - 1, 0) > 0 && strncmp(text, word, strlen(word)) == 0;
}

static void two_members_live_side_by_side(void **state)
{
	struct guest guest = { .last_process = 0 };
	struct err err = ERR_INIT;
	struct loop *loop;
	struct one a, b;

	(void)state;
	memset(clients, 0, sizeof(clients));
	assert_int_equal(loop_new(&loop), 0);
	one_new(&a);
	one_new(&b);
	assert_false(member_has_process(a.member, 0)); /* a number that no process has */
	assert_int_equal(member_start(a.member, &clients[0], &err), -EINVAL);
	assert_int_equal(member_signal(a.member, SIGTERM, false, &clients[0], &err), -ESRCH);

	assert_int_equal(member_create(a.member, loop, &guest, &err), 0);
	answer(&guest.create, 0);
	assert_int_equal(member_create(b.member, loop, &guest, &err), 0);
	answer(&guest.create, 0);
	assert_int_equal(a.created + b.created, 2);
	assert_true(says(&a, "created"));
	assert_true(member_has_process(a.member, 1) && !member_has_process(a.member, 2));
	assert_true(member_has_process(b.member, 2) && !member_has_process(b.member, 1));

	assert_int_equal(member_start(b.member, &clients[1], &err), 0);
	assert_int_equal(guest.start.process, 2);
	assert_int_equal(member_start(b.member, &clients[0], &err), -EINVAL);
	answer(&guest.start, 0);
	assert_int_equal(clients[1].answers, 1);
	assert_true(says(&b, "running"));
	assert_true(says(&a, "created"));

	assert_int_equal(member_signal(b.member, SIGUSR1, false, &clients[2], &err), 0);
	assert_int_equal(guest.signal.process, 2);
	assert_int_equal(guest.signal.signo, SIGUSR1);
	member_stream_broken(b.member, 2, "stdout: no space");
	assert_int_equal(b.warned, 1);
	member_exited(a.member, 2, 0, false); /* it is not one of a's */
	assert_int_equal(a.ended, 0);
	member_exited(b.member, 2, SIGKILL, false);
	assert_int_equal(b.ended, 1);
	assert_int_equal(b.exit_status, 128 + SIGKILL);
	answer(&guest.signal, ECONNRESET); /* as guest_free() ends what is under way */
	assert_int_equal(clients[2].answers, 1);
	assert_int_equal(clients[2].errnum, ECONNRESET);
	assert_int_equal(member_stopped(b.member), 0);
	assert_true(says(&b, "stopped"));
	assert_true(says(&a, "created"));
	assert_int_equal(clients[0].answers, 0); /* refused calls leave the answer to the caller */

	member_end(a.member, NULL);
	one_free(&a);
	one_free(&b);
	loop_free(loop);
}

/* A client that waits for a start is answered once, whether the end has a reason or the guest's answer comes later. */
static void an_ended_member_is_silent(void **state)
{
	const struct err died = { .errnum = EIO };

	(void)state;
	for (int with_reason = 0; with_reason < 2; with_reason++) {
		struct guest guest = { .last_process = 0 };
		struct err err = ERR_INIT;
		struct loop *loop;
		struct one a;

		memset(clients, 0, sizeof(clients));
		assert_int_equal(loop_new(&loop), 0);
		one_new(&a);
		assert_int_equal(member_create(a.member, loop, &guest, &err), 0);
		answer(&guest.create, 0);
		assert_int_equal(member_start(a.member, &clients[0], &err), 0);
		member_end(a.member, with_reason ? &died : NULL);
		assert_int_equal(clients[0].answers, with_reason);
		answer(&guest.start, ECONNRESET);
		assert_int_equal(clients[0].answers, 1);
		assert_int_equal(clients[0].errnum, with_reason ? EIO : ECONNRESET);
		member_exited(a.member, 1, 0, false);
		assert_int_equal(a.ended + a.failed + a.silent, 0);
		assert_true(says(&a, "created"));
		assert_int_equal(member_signal(a.member, SIGKILL, false, NULL, &err), -ESRCH);
		one_free(&a);
		loop_free(loop);
	}
}

static void a_container_that_cannot_be_made_fails_once(void **state)
{
	struct guest guest = { .last_process = 0 };
	struct err err = ERR_INIT;
	struct loop *loop;
	struct one a;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	one_new(&a);
	assert_int_equal(member_create(a.member, loop, &guest, &err), 0);
	answer(&guest.create, ENOENT);
	assert_int_equal(a.failed, ENOENT);
	assert_int_equal(a.created, 0);
	assert_false(says(&a, "created"));
	one_free(&a);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_members_live_side_by_side),
		cmocka_unit_test(an_ended_member_is_silent),
		cmocka_unit_test(a_container_that_cannot_be_made_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
