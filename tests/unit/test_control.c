/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: requests and descriptors both ways, and clients that do not keep to the protocol. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "host/sock.h"
#include "monitor/control.h"
#include "tests/unit/group.h"
#include "tests/unit/openfds.h"

#define TIMEOUT_MS 10000
#define FDS_TAKEN 2 /* the most that the test's server takes in CONTROL_START */
#define LAST_SIGNAL 15
#define ORPHANS_MAX (CONTROL_CLIENTS_MAX + 2) /* that the test's server has of CONTROL_PS */
#define TURNS_MAX 1000                        /* of the loop, until what has happened is seen */

/* Below it lies a state directory whose path is longer than a socket's may be. */
static char tmp[64];
static char root[512];

/* The server's side, in the test's own process. */
struct server {
	struct loop *loop;
	struct control_request seen;
	size_t starts;                                                  /* requests that reached on_start() */
	int taken;                                                      /* the descriptor that it took, or -1 */
	struct control_client *owed[ORPHANS_MAX + CONTROL_CLIENTS_MAX]; /* those of on_ps() */
	size_t owed_len;
};

static bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

/* Takes the first descriptor, leaves the others, and answers with one end of a pipe that holds a word. */
static void on_start(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct server *s = arg;
	struct control_fds answer = { .n = 1 };
	int ends[2];

	s->seen = *request;
	s->starts++;
	for (size_t i = 0; i < fds->n; i++)
		assert_true(is_cloexec(fds->v[i]));
	if (fds->n == 0) {
		control_answer(client, NULL, NULL);
		return;
	}
	assert_int_equal(fds->n, FDS_TAKEN);
	s->taken = steal_fd(&fds->v[0]);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "answer", 6), 6);
	answer.v[0] = ends[0];
	control_answer(client, NULL, &answer);
	fd_close(ends[0]);
	fd_close(ends[1]);
}

/* Fails, and with LAST_SIGNAL ends the server. */
static void on_signal(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct server *s = arg;
	struct err err = ERR_INIT;

	assert_int_equal(fds->n, 0);
	s->seen = *request;
	(void)err_set(&err, ESRCH, "container not running");
	control_answer(client, &err, NULL);
	if (request->signal == LAST_SIGNAL)
		loop_stop(s->loop);
}

/* Answers later, and keeps the descriptor until then. */
static void on_ps(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct server *s = arg;

	(void)request;
	assert_int_equal(fds->n, 1);
	assert_int_equal(control_kept(client), -1);
	control_keep(client, steal_fd(&fds->v[0]));
	assert_true(s->owed_len < ARRAY_LEN(s->owed));
	s->owed[s->owed_len++] = client;
}

static const struct control_handler handlers[CONTROL_OPS] = {
	[CONTROL_START] = { .fn = on_start, .fds_max = FDS_TAKEN },
	[CONTROL_SIGNAL] = { .fn = on_signal },
	[CONTROL_PS] = { .fn = on_ps, .fds_max = 1, .orphans_max = ORPHANS_MAX },
};

/*
 * Serves while a child runs @client, which returns whether all was well, and then sends LAST_SIGNAL. Checks that the
 * server has as many descriptors at the end as at the beginning.
 */
static struct server serve(bool (*client)(const struct statedir *dir))
{
	const struct control_request last = { .op = CONTROL_SIGNAL, .signal = LAST_SIGNAL, .all = 1 };
	struct server s = { .taken = -1 };
	struct statedir dir = STATEDIR_NONE;
	struct err err = ERR_INIT;
	struct control *control;
	int before, fd, status;
	pid_t pid;

	assert_int_equal(statedir_create(root, "id", &dir, &err), 0);
	before = open_fds();
	fd = control_listen(&dir, &err);
	assert_true(fd >= 0);
	pid = fork();
	if (pid == 0) {
		bool well;

		fd_close(fd);
		well = client(&dir);
		if (control_call(&dir, &last, NULL, NULL, TIMEOUT_MS, &err) != -ESRCH)
			well = false;
		well = well && strcmp(err.msg, "container not running") == 0;
		_exit(well ? 0 : 1);
	}
	assert_int_equal(loop_new(&s.loop), 0);
	assert_int_equal(control_new(s.loop, fd, handlers, &s, &control), 0);
	assert_int_equal(loop_run(s.loop), 0);
	control_free(control);
	loop_free(s.loop);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd_close(steal_fd(&s.taken));
	assert_int_equal(open_fds(), before);
	assert_int_equal(s.seen.signal, LAST_SIGNAL);
	assert_int_equal(s.seen.all, 1);
	assert_int_equal(control_call(&dir, &last, NULL, NULL, TIMEOUT_MS, &err), -ECONNREFUSED);
	assert_int_equal(open_fds(), before);
	assert_int_equal(statedir_remove(&dir, &err), 0);
	statedir_close(&dir);
	return s;
}

/* Calls CONTROL_START with @n descriptors of /dev/null. */
static int start_with(const struct statedir *dir, size_t n, struct control_fds *ret_fds, struct err *err)
{
	const struct control_request start = { .op = CONTROL_START };
	struct control_fds give = { .n = n };
	int r;

	for (size_t i = 0; i < n; i++)
		give.v[i] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	r = control_call(dir, &start, &give, ret_fds, TIMEOUT_MS, err);
	for (size_t i = 0; i < n; i++)
		fd_close(give.v[i]);
	return r;
}

static bool call_plainly(const struct statedir *dir)
{
	struct err err = ERR_INIT;

	return start_with(dir, 0, NULL, &err) == 0;
}

static void requests_and_answers(void **state)
{
	struct server s;

	(void)state;
	s = serve(call_plainly);
	assert_int_equal(s.starts, 1);
}

/* What comes is close-on-exec, works, and is the only descriptor that is new; without a place for it, it is closed. */
static bool call_with_descriptors(const struct statedir *dir)
{
	struct control_fds got = { .n = 0 };
	struct err err = ERR_INIT;
	char word[8] = "";
	int before = open_fds();

	if (start_with(dir, FDS_TAKEN, &got, &err) != 0 || got.n != 1 || !is_cloexec(got.v[0]))
		return false;
	if (read(got.v[0], word, sizeof(word)) != 6 || strcmp(word, "answer") != 0)
		return false;
	fd_close(got.v[0]);
	return open_fds() == before;
}

static bool call_and_want_none(const struct statedir *dir)
{
	struct err err = ERR_INIT;
	int before = open_fds();

	return start_with(dir, FDS_TAKEN, NULL, &err) == 0 && open_fds() == before;
}

static void descriptors_go_both_ways(void **state)
{
	struct server s;

	(void)state;
	s = serve(call_with_descriptors);
	assert_int_equal(s.starts, 1);
	s = serve(call_and_want_none);
	assert_int_equal(s.starts, 1);
}

/* More than the operation takes, more than any takes, and some for one that takes none. */
static bool call_with_too_many(const struct statedir *dir)
{
	const struct control_request sig = { .op = CONTROL_SIGNAL, .signal = 1 };
	struct control_fds one = { .n = 1, .v = { STDERR_FILENO } };
	struct err err = ERR_INIT;

	for (size_t n = FDS_TAKEN + 1; n <= CONTROL_FDS_MAX + 1; n++) {
		err = (struct err)ERR_INIT;
		if (start_with(dir, n, NULL, &err) != -EINVAL || !strstr(err.msg, "at most 2 are expected"))
			return false;
	}
	if (control_call(dir, &sig, &one, NULL, TIMEOUT_MS, &err) != -EINVAL)
		return false;
	return strstr(err.msg, "brings 1 descriptors where at most 0 are expected") != NULL;
}

static void too_many_descriptors_are_refused(void **state)
{
	struct server s;

	(void)state;
	s = serve(call_with_too_many);
	assert_int_equal(s.starts, 0);
}

static bool call_of_other_versions(const struct statedir *dir)
{
	static const uint32_t ops[] = { 0, CONTROL_OPS, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		const struct control_request unknown = { .op = ops[i] };
		struct err err = ERR_INIT;

		if (control_call(dir, &unknown, NULL, NULL, TIMEOUT_MS, &err) != -EINVAL ||
			!strstr(err.msg, "another version"))
			return false;
	}
	return true;
}

static void unknown_operations_are_refused(void **state)
{
	(void)state;
	(void)serve(call_of_other_versions);
}

/* A new connection to the server. */
static int connect_to(const struct statedir *dir)
{
	char path[PATH_MAX + sizeof(CONTROL_SOCKET)];

	(void)snprintf(path, sizeof(path), "%s/%s", dir->path, CONTROL_SOCKET);
	return sock_connect_path(path, SOCK_SEQPACKET);
}

/* Messages of any other length than a request's end the connection, and their descriptors are closed. */
static bool send_other_lengths(const struct statedir *dir)
{
	static const size_t lengths[] = { 1, sizeof(struct control_request) - 1, sizeof(struct control_request) + 1,
		4096 };
	const int fds[FD_PASS_MAX] = { 0 };
	char message[4096] = { CONTROL_START };

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		int fd = connect_to(dir);
		char byte;

		if (fd < 0 || fd_send(fd, message, lengths[i], fds, i % 2 ? FD_PASS_MAX : 1) < 0)
			return false;
		if (recv(fd, &byte, sizeof(byte), 0) != 0)
			return false;
	}
	return true;
}

/* More silent clients than there are places do not keep others out. */
static bool stay_silent(const struct statedir *dir)
{
	struct err err = ERR_INIT;

	for (int i = 0; i < 3 * CONTROL_CLIENTS_MAX; i++) {
		if (connect_to(dir) < 0)
			return false;
		if (i % 16 == 0 && start_with(dir, 0, NULL, &err) != 0)
			return false;
	}
	return start_with(dir, 0, NULL, &err) == 0;
}

/* The answer to a client that has gone reaches nobody. */
static bool ask_and_go(const struct statedir *dir)
{
	const struct control_request start = { .op = CONTROL_START };
	int fd = connect_to(dir);
	bool well = fd >= 0 && fd_send(fd, &start, sizeof(start), NULL, 0) == 0;

	fd_close(fd);
	return well;
}

static void bad_clients_do_no_harm(void **state)
{
	struct server s;

	(void)state;
	s = serve(send_other_lengths);
	assert_int_equal(s.starts, 0);
	(void)serve(stay_silent);
	s = serve(ask_and_go);
	assert_int_equal(s.starts, 1);
}

/* ---- callers that do not wait for their answers ---- */

/* A server in a process with its callers. */
struct bench {
	struct server s;
	struct statedir dir;
	struct control *control;
	int tick; /* it is always readable, so that each turn of the loop ends */
};

static void on_tick(void *arg, uint32_t events)
{
	struct bench *b = arg;

	(void)events;
	loop_stop(b->s.loop);
}

static void bench_open(struct bench *b)
{
	struct err err = ERR_INIT;
	struct watch *watch;
	int fd;

	*b = (struct bench){ .s = { .taken = -1 }, .dir = STATEDIR_NONE, .tick = eventfd(1, EFD_CLOEXEC) };
	assert_int_equal(statedir_create(root, "id", &b->dir, &err), 0);
	fd = control_listen(&b->dir, &err);
	assert_true(fd >= 0);
	assert_int_equal(loop_new(&b->s.loop), 0);
	assert_int_equal(control_new(b->s.loop, fd, handlers, &b->s, &b->control), 0);
	assert_int_equal(watch_new(b->s.loop, b->tick, EPOLLIN, on_tick, b, &watch), 0); /* the loop frees it */
}

static void bench_close(struct bench *b)
{
	struct err err = ERR_INIT;

	control_free(b->control);
	loop_free(b->s.loop);
	fd_close(b->tick);
	assert_int_equal(statedir_remove(&b->dir, &err), 0);
	statedir_close(&b->dir);
}

/* Serves what has happened, or some of it. */
static void turn(struct bench *b)
{
	assert_int_equal(loop_run(b->s.loop), 0);
}

/* Sends @op with the descriptor @give (-1: none): the connection. */
static int ask(struct bench *b, enum control_op op, int give)
{
	const struct control_request request = { .op = (uint32_t)op };
	int fd = connect_to(&b->dir);

	assert_true(fd >= 0);
	assert_int_equal(fd_send(fd, &request, sizeof(request), &give, give >= 0), 0);
	return fd;
}

/* Serves until there is an answer on @fd, which is closed: its errnum; or -1: the connection was closed without one. */
static int served(struct bench *b, int fd)
{
	struct err answer;
	ssize_t n = -1;

	for (int i = 0; i < TURNS_MAX && n < 0; i++) {
		turn(b);
		n = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT);
		if (n < 0 && errno == ECONNRESET) /* nobody has read what was asked */
			n = 0;
	}
	fd_close(fd);
	assert_true(n == 0 || n == (ssize_t)sizeof(answer));
	return n ? answer.errnum : -1;
}

/* Has @n callers ask what is not answered, each with a descriptor of its own, and hang up. */
static void ask_and_hang_up(struct bench *b, size_t n)
{
	size_t before = b->s.owed_len;
	int fds[CONTROL_CLIENTS_MAX], open_before = open_fds();
	int give = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < n; i++) {
		fds[i] = ask(b, CONTROL_PS, give);
		for (int k = 0; k < TURNS_MAX && b->s.owed_len <= before + i; k++)
			turn(b);
		assert_int_equal(b->s.owed_len, before + i + 1);
		assert_true(control_kept(b->s.owed[before + i]) >= 0);
	}
	fd_close(give);
	if (n == CONTROL_CLIENTS_MAX)
		assert_int_equal(served(b, ask(b, CONTROL_START, -1)), -1); /* all places are taken */
	for (size_t i = 0; i < n; i++)
		fd_close(fds[i]);
	for (int k = 0; k < TURNS_MAX && open_fds() > open_before; k++)
		turn(b);
	assert_int_equal(open_fds(), open_before); /* the server's ends and what it has kept are closed, too */
}

/* Who has asked and gone keeps no place from others; the answers that come later find nobody. */
static void orphans_have_no_place(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	ask_and_hang_up(&b, CONTROL_CLIENTS_MAX);
	assert_int_equal(served(&b, ask(&b, CONTROL_START, -1)), 0);
	for (size_t i = 0; i < b.s.owed_len; i++) {
		assert_int_equal(control_kept(b.s.owed[i]), -1);
		control_answer(b.s.owed[i], NULL, NULL);
	}
	b.s.owed_len = 0;
	ask_and_hang_up(&b, CONTROL_CLIENTS_MAX); /* and the places are no more and no fewer */
	assert_int_equal(control_detach(b.s.owed[--b.s.owed_len]), -1);
	bench_close(&b); /* those that are still owed end with the server */
}

/* A guest that answers nothing is asked no more, until it answers; the bound of one operation is not another one's. */
static void orphans_are_bounded(void **state)
{
	struct bench b;
	int fd;

	(void)state;
	bench_open(&b);
	ask_and_hang_up(&b, CONTROL_CLIENTS_MAX);
	ask_and_hang_up(&b, ORPHANS_MAX - CONTROL_CLIENTS_MAX);
	assert_int_equal(served(&b, ask(&b, CONTROL_PS, STDERR_FILENO)), EAGAIN);
	assert_int_equal(served(&b, ask(&b, CONTROL_START, -1)), 0);
	control_answer(b.s.owed[0], NULL, NULL);
	fd = ask(&b, CONTROL_PS, STDERR_FILENO);
	for (int k = 0; k < TURNS_MAX && b.s.owed_len == ORPHANS_MAX; k++)
		turn(&b);
	assert_int_equal(b.s.owed_len, ORPHANS_MAX + 1);
	control_answer(b.s.owed[ORPHANS_MAX], NULL, NULL);
	assert_int_equal(served(&b, fd), 0);
	bench_close(&b);
}

/* ---- no descriptor for a connection ---- */

#define STARVED_MS 500

static struct rlimit plenty;

static void end_famine(void *arg)
{
	(void)arg;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &plenty), 0);
}

static uint64_t cpu_ms(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* While the process has no descriptor left, a connection waits without a turn of the loop; afterwards it is served. */
static void a_connection_waits_for_a_descriptor(void **state)
{
	const struct control_request last = { .op = CONTROL_SIGNAL, .signal = LAST_SIGNAL };
	struct server s = { .taken = -1 };
	struct statedir dir = STATEDIR_NONE;
	struct err err = ERR_INIT, answer;
	struct control *control;
	struct watch *timer;
	struct rlimit none;
	uint64_t cpu;
	int fd, client;

	(void)state;
	assert_int_equal(statedir_create(root, "id", &dir, &err), 0);
	fd = control_listen(&dir, &err);
	assert_true(fd >= 0);
	assert_int_equal(loop_new(&s.loop), 0);
	assert_int_equal(control_new(s.loop, fd, handlers, &s, &control), 0);
	assert_int_equal(timer_new(s.loop, STARVED_MS, end_famine, NULL, &timer), 0);
	client = connect_to(&dir);
	assert_int_equal(fd_send(client, &last, sizeof(last), NULL, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &plenty), 0);
	none = (struct rlimit){ 0, plenty.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	cpu = cpu_ms();
	assert_int_equal(loop_run(s.loop), 0);
	assert_true(cpu_ms() - cpu < STARVED_MS / 4);
	assert_int_equal(recv(client, &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(answer.errnum, ESRCH);
	fd_close(client);
	watch_free(timer);
	control_free(control);
	loop_free(s.loop);
	assert_int_equal(statedir_remove(&dir, &err), 0);
	statedir_close(&dir);
}

static int make_root(void **state)
{
	size_t len;

	(void)state;
	(void)strcpy(tmp, "/tmp/test_control.XXXXXX");
	if (!mkdtemp(tmp))
		return -1;
	(void)snprintf(root, sizeof(root), "%s", tmp);
	for (char c = 'a'; c <= 'd'; c++) {
		len = strlen(root);
		(void)snprintf(root + len, sizeof(root) - len, "/%c-%060d", c, 0);
	}
	return 0;
}

static int remove_root(void **state)
{
	(void)state;
	while (strlen(root) >= strlen(tmp)) {
		if (rmdir(root) < 0)
			return -1;
		*strrchr(root, '/') = '\0';
	}
	return 0;
}

/* A monitor that does not answer: who calls may have something better to do than to wait for it. */
static void a_call_is_cancelled_by_a_descriptor(void **state)
{
	const struct control_request request = { .op = CONTROL_START };
	struct statedir dir = STATEDIR_NONE;
	struct err err = ERR_INIT;
	int never[2], now[2], listen_fd;

	(void)state;
	assert_int_equal(statedir_create(root, "id", &dir, &err), 0);
	listen_fd = control_listen(&dir, &err);
	assert_true(listen_fd >= 0);
	assert_int_equal(pipe(never) | pipe(now), 0);
	assert_int_equal(write(now[1], "", 1), 1);
	assert_int_equal(control_call_cancellable(&dir, &request, 1, -1, &err), -ETIMEDOUT);
	assert_int_equal(control_call_cancellable(&dir, &request, 1, never[0], &err), -ETIMEDOUT);
	assert_int_equal(control_call_cancellable(&dir, &request, -1, now[0], &err), -EINTR);
	fd_close(listen_fd);
	for (int i = 0; i < 2; i++) {
		fd_close(never[i]);
		fd_close(now[i]);
	}
	assert_int_equal(statedir_remove(&dir, &err), 0);
	statedir_close(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_answers),
		cmocka_unit_test(descriptors_go_both_ways),
		cmocka_unit_test(too_many_descriptors_are_refused),
		cmocka_unit_test(unknown_operations_are_refused),
		cmocka_unit_test(bad_clients_do_no_harm),
		cmocka_unit_test(orphans_have_no_place),
		cmocka_unit_test(orphans_are_bounded),
		cmocka_unit_test(a_connection_waits_for_a_descriptor),
		cmocka_unit_test(a_call_is_cancelled_by_a_descriptor),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as main.c has it: a client may go before its answer comes */
	return run_counted_tests(tests, make_root, remove_root);
}
