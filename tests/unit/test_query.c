/* SPDX-License-Identifier: Apache-2.0 */
/* Questions for the guest: the answer in a command's file, and a guest that answers nobody in time. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "channel/proto.h"
#include "host/sock.h"
#include "monitor/control.h"
#include "monitor/query.h"
#include "tests/unit/guest_peer.h"
#include "tests/unit/openfds.h"
#include "tests/unit/tempdir.h"

#define TURNS_MAX 1000 /* of the loop, until what has happened is seen */
#define ASKED_MAX (QUERY_ORPHANS_MAX + 2)

/* The monitor's side, with a guest. */
static struct {
	char dir[64];
	struct statedir state;
	struct loop *loop;
	struct control *control;
	struct guest_peer peer;
	int tick;                /* it is always readable, so that each turn of the loop ends */
	uint32_t seq[ASKED_MAX]; /* of what the guest was asked */
	size_t asked;
} b;

static void on_tick(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	loop_stop(b.loop);
}

static int on_message(void *arg, const void *msg, size_t len)
{
	struct proto_arena arena = { .blocks = NULL };
	struct proto_request request;

	(void)arg;
	if (proto_get_request(msg, len, &arena, &request) == 0 && request.type == PROTO_READ_CGROUP) {
		assert_string_equal(request.file, "memory.events");
		assert_true(b.asked < ASKED_MAX);
		b.seq[b.asked++] = request.seq;
	}
	proto_arena_done(&arena);
	return 0;
}

static void on_query(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct err err = ERR_INIT;

	(void)arg;
	if (query_begin(b.peer.guest, "c", request, fds, client, &err) < 0)
		control_answer(client, &err, NULL);
}

static int set_up(void **state)
{
	static const struct control_handler handlers[CONTROL_OPS] = {
		[CONTROL_READ_CGROUP] = { .fn = on_query, .fds_max = QUERY_FDS_MAX, .orphans_max = QUERY_ORPHANS_MAX },
	};
	struct err err = ERR_INIT;
	struct watch *watch;
	int fd;

	(void)state;
	b.asked = 0;
	b.state = (struct statedir)STATEDIR_NONE;
	b.tick = eventfd(1, EFD_CLOEXEC);
	(void)strcpy(b.dir, "/tmp/test_query.XXXXXX");
	assert_non_null(mkdtemp(b.dir));
	assert_int_equal(statedir_create(b.dir, "id", &b.state, &err), 0);
	fd = control_listen(&b.state, &err);
	assert_true(fd >= 0);
	assert_int_equal(loop_new(&b.loop), 0);
	assert_int_equal(watch_new(b.loop, b.tick, EPOLLIN, on_tick, NULL, &watch), 0); /* the loop frees it */
	guest_peer_begin(&b.peer, b.loop, on_message, NULL);
	assert_int_equal(control_new(b.loop, fd, handlers, NULL, &b.control), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	guest_peer_end(&b.peer); /* answers what is under way, as the monitor's end does */
	control_free(b.control);
	loop_free(b.loop);
	fd_close(b.tick);
	statedir_close(&b.state);
	tempdir_remove(b.dir);
	return 0;
}

static void turn(void)
{
	assert_int_equal(loop_run(b.loop), 0);
}

/* A caller's question with @file for the answer: its connection. */
static int ask(int file)
{
	const struct control_request request = { .op = CONTROL_READ_CGROUP, .file = "memory.events" };
	char path[PATH_MAX + sizeof(CONTROL_SOCKET)];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", b.state.path, CONTROL_SOCKET);
	fd = sock_connect_path(path, SOCK_SEQPACKET);
	assert_true(fd >= 0);
	assert_int_equal(fd_send(fd, &request, sizeof(request), &file, 1), 0);
	return fd;
}

/* Waits until the guest has @n questions. */
static void await_asked(size_t n)
{
	for (int i = 0; i < TURNS_MAX && b.asked < n; i++)
		turn();
	assert_int_equal(b.asked, n);
}

/* Waits for the answer on @fd, and closes it. */
static struct err take_answer(int fd)
{
	struct err err = ERR_INIT;
	ssize_t n = -1;

	for (int i = 0; i < TURNS_MAX && n < 0; i++) {
		turn();
		n = recv(fd, &err, sizeof(err), MSG_DONTWAIT);
	}
	fd_close(fd);
	assert_int_equal(n, sizeof(err));
	return err;
}

static void the_answer_is_in_the_file(void **state)
{
	autoclose int file = memfd_create("answer", MFD_CLOEXEC);
	char text[16] = "";
	int fd;

	(void)state;
	fd = ask(file);
	await_asked(1);
	guest_peer_answer(&b.peer, b.seq[0], 0, "oom 1\n", 6);
	assert_int_equal(take_answer(fd).errnum, 0);
	assert_int_equal(pread(file, text, sizeof(text) - 1, 0), 6);
	assert_string_equal(text, "oom 1\n");
}

/*
 * As the commands of a container whose guest does not answer: each caller asks, gives up and goes. Their files are not kept,
 * the guest is asked no more than it may be, and when it answers after all nobody is there, and it is asked again.
 */
static void a_silent_guest_is_asked_no_more(void **state)
{
	autoclose int file = -1;
	int before = open_fds(), fd;

	(void)state;
	for (size_t i = 0; i < QUERY_ORPHANS_MAX; i++) {
		file = memfd_create("answer", MFD_CLOEXEC);
		fd = ask(file);
		await_asked(i + 1);
		fd_close(fd);
		fd_close(steal_fd(&file));
	}
	for (int i = 0; i < TURNS_MAX && open_fds() > before; i++)
		turn();
	assert_int_equal(open_fds(), before);
	file = memfd_create("answer", MFD_CLOEXEC);
	assert_int_equal(take_answer(ask(file)).errnum, EAGAIN);
	assert_int_equal(b.asked, QUERY_ORPHANS_MAX);
	for (size_t i = 0; i < QUERY_ORPHANS_MAX; i++)
		guest_peer_answer(&b.peer, b.seq[i], i % 2 ? EIO : 0, "late", 4);
	for (int i = 0; i < TURNS_MAX; i++)
		turn();
	fd = ask(file);
	await_asked(QUERY_ORPHANS_MAX + 1);
	guest_peer_answer(&b.peer, b.seq[QUERY_ORPHANS_MAX], 0, "now", 3);
	assert_int_equal(take_answer(fd).errnum, 0);
	assert_int_equal(lseek(file, 0, SEEK_END), 3);
}

/* ---- what a guest leaves unanswered ---- */

struct waiter {
	struct loop *loop;
	struct guest_peer peer;
	uint32_t last; /* the request that has come last */
	int come, answers;
};

static int on_signal_request(void *arg, const void *msg, size_t len)
{
	struct proto_arena arena = { .blocks = NULL };
	struct proto_request request;
	struct waiter *w = arg;

	if (proto_get_request(msg, len, &arena, &request) == 0 && request.type == PROTO_SIGNAL) {
		w->last = request.seq;
		if (++w->come == GUEST_REQUESTS_MAX)
			loop_stop(w->loop);
	}
	proto_arena_done(&arena);
	return 0;
}

static void on_signalled(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct waiter *w = arg;

	(void)payload;
	(void)len;
	w->answers++;
	if (err->errnum == 0)
		loop_stop(w->loop);
}

/* What is asked of it has a bound, and each request that it answers makes room for one. */
static void unanswered_requests_are_bounded(void **state)
{
	struct waiter w = { .come = 0 };
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(loop_new(&w.loop), 0);
	guest_peer_begin(&w.peer, w.loop, on_signal_request, &w);
	for (int i = 0; i < GUEST_REQUESTS_MAX; i++)
		assert_int_equal(guest_signal(w.peer.guest, 1, SIGTERM, false, on_signalled, &w, &err), 0);
	assert_int_equal(guest_signal(w.peer.guest, 1, SIGTERM, false, on_signalled, &w, &err), -EAGAIN);
	assert_int_equal(loop_run(w.loop), 0);
	assert_int_equal(w.come, GUEST_REQUESTS_MAX);
	guest_peer_answer(&w.peer, w.last, 0, NULL, 0);
	assert_int_equal(loop_run(w.loop), 0);
	assert_int_equal(w.answers, 1);
	assert_int_equal(guest_signal(w.peer.guest, 1, SIGTERM, false, on_signalled, &w, &err), 0);
	assert_int_equal(guest_signal(w.peer.guest, 1, SIGTERM, false, on_signalled, &w, &err), -EAGAIN);
	guest_peer_end(&w.peer);
	assert_int_equal(w.answers, 1 + GUEST_REQUESTS_MAX);
	loop_free(w.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_answer_is_in_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_silent_guest_is_asked_no_more, set_up, tear_down),
		cmocka_unit_test(unanswered_requests_are_bounded),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as main.c has it: a caller may go before its answer comes */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
