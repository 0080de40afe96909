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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "monitor/exec.h"
#include "monitor/member.h"
#include "monitor/query.h"

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
	int queries;
	struct asked create, start, signal, exec;
	struct guest_process process; /* of the last exec; its arrays are gone */
	char program[32];             /* and its first argument */
	int stdio[3];
	int given;   /* its descriptor beside them, or -1 */
	int signals; /* that were sent */
	uint16_t rows, cols;
};

/* The test's clients: how often each was answered, and with what. */
struct control_client {
	int answers;
	int errnum;
	int fd; /* of its connection */
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
	g->signals++;
	return 0;
}

int guest_exec(struct guest *g, const char *cid, const struct guest_process *p, const int stdio[3], guest_done_fn *done,
	void *arg, struct err *err)
{
	(void)err;
	assert_string_equal(cid, "c");
	g->exec = (struct asked){ .process = p->id, .done = done, .arg = arg };
	g->process = *p;
	(void)snprintf(g->program, sizeof(g->program), "%s", p->args.at[0]);
	memcpy(g->stdio, stdio, sizeof(g->stdio));
	g->given = p->fds.len ? p->fds.at[0].fd : -1;
	return 0;
}

int query_begin(struct guest *guest, const char *cid, const struct control_request *request, struct control_fds *fds,
	struct control_client *client, struct err *err)
{
	(void)cid;
	(void)request;
	(void)fds;
	(void)client;
	(void)err;
	guest->queries++;
	return 0;
}

int guest_winsize(struct guest *g, uint32_t process, uint16_t rows, uint16_t cols)
{
	(void)process;
	g->rows = rows;
	g->cols = cols;
	return 0;
}

int control_detach(struct control_client *client)
{
	return steal_fd(&client->fd);
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

	*o = (struct one){ .status_fd = mkstemp(path), .container.cid = "c" };
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

/* --- exec --- */

/* A file of memory with the EXEC of "true", with a terminal or without. */
static int encoded(bool terminal)
{
	const char *args[] = { "true" };
	const struct guest_process process = { .terminal = terminal, .args = { .len = 1, .at = args }, .cwd = "/" };
	autobuf out = BUF_INIT;
	int fd = memfd_create("exec", MFD_CLOEXEC);

	proto_put_exec(&out, 0, "c", &process);
	assert_int_equal(buf_error(&out), 0);
	assert_true(fd >= 0 && fd_write_full(fd, out.data, out.len) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* An exec in @o, whose connection's other end is returned. */
static int begin_exec(struct one *o, bool terminal, struct control_client *client)
{
	struct control_fds fds = { .n = terminal ? 2 : 4, .v = { encoded(terminal), 0, 1, 2 } };
	const struct control_request request = { .op = CONTROL_EXEC, .stdio = terminal ? 1 : 7 };
	struct err err = ERR_INIT;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	client->fd = ends[0];
	assert_int_equal(member_exec(o->member, &request, &fds, client, &err), 0);
	assert_int_equal(client->fd, -1); /* it has been taken over */
	fd_close(fds.v[0]);
	return ends[1];
}

static void on_time(void *arg)
{
	loop_stop(arg);
}

/* Lets the loop see what has come. */
static void turn(struct loop *loop)
{
	struct watch *timer;

	assert_int_equal(timer_new(loop, 20, on_time, loop, &timer), 0);
	assert_int_equal(loop_run(loop), 0);
	watch_free(timer);
}

/* A container that has been created, for an exec. */
static void created(struct one *o, struct loop *loop, struct guest *guest)
{
	struct err err = ERR_INIT;

	memset(clients, 0, sizeof(clients));
	one_new(o);
	assert_int_equal(member_create(o->member, loop, guest, &err), 0);
	answer(&guest->create, 0);
}

static void an_exec_is_answered_and_ends(void **state)
{
	const struct exec_word usr1 = { .kind = EXEC_SIGNAL, .value = SIGUSR1 };
	const struct exec_word size = { .kind = EXEC_SIZE, .rows = 7, .cols = 9 };
	struct guest guest = { .last_process = 0 };
	struct exec_word word;
	struct loop *loop;
	struct err told;
	struct one a;
	int fd;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	created(&a, loop, &guest);
	fd = begin_exec(&a, false, &clients[0]);
	assert_int_equal(guest.exec.process, 2);
	assert_string_equal(guest.program, "true");
	assert_int_equal(guest.stdio[0] + 10 * guest.stdio[1] + 100 * guest.stdio[2], 210);
	assert_true(member_has_process(a.member, 2));
	answer(&guest.exec, 0);
	assert_int_equal(recv(fd, &told, sizeof(told), 0), sizeof(told));
	assert_int_equal(told.errnum, 0);
	assert_int_equal(send(fd, &usr1, sizeof(usr1), 0), sizeof(usr1));
	assert_int_equal(send(fd, &size, sizeof(size), 0), sizeof(size)); /* it has no terminal */
	turn(loop);
	assert_int_equal(guest.signal.process, 2);
	assert_int_equal(guest.signal.signo, SIGUSR1);
	assert_int_equal(guest.rows, 0);
	member_stream_broken(a.member, 2, "standard output cannot be written");
	assert_int_equal(a.warned, 0); /* the holder's concern, and nobody else's */
	member_exited(a.member, 2, 3 << 8, false);
	assert_int_equal(a.ended, 0);
	assert_int_equal(recv(fd, &word, sizeof(word), 0), sizeof(word));
	assert_int_equal(word.kind, EXEC_BROKEN);
	assert_string_equal(word.text, "standard output cannot be written");
	assert_int_equal(recv(fd, &word, sizeof(word), 0), sizeof(word));
	assert_int_equal(word.kind, EXEC_EXITED);
	assert_int_equal(word.value, 3 << 8);
	assert_int_equal(recv(fd, &word, sizeof(word), 0), 0);
	assert_false(member_has_process(a.member, 2));
	fd_close(fd);

	fd = begin_exec(&a, true, &clients[0]);
	assert_int_equal(guest.stdio[1], guest.stdio[0]); /* the slave is both */
	answer(&guest.exec, 0);
	assert_int_equal(send(fd, &size, sizeof(size), 0), sizeof(size));
	turn(loop);
	assert_int_equal(guest.rows * 10 + guest.cols, 79);
	member_end(a.member, NULL);
	one_free(&a); /* which closes the connection: without an exit status, the container has ended */
	assert_int_equal(recv(fd, &told, sizeof(told), 0), sizeof(told));
	assert_int_equal(recv(fd, &word, sizeof(word), 0), 0);
	fd_close(fd);
	loop_free(loop);
}

/* A process without a holder is killed, once it is there, and is remembered until it has ended. */
static void an_abandoned_exec_is_killed(void **state)
{
	struct guest guest = { .last_process = 0 };
	struct exec_word nonsense = { .kind = EXEC_SIGNAL, .value = SIGUSR1 };
	struct loop *loop;
	struct one a;
	int fd;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	created(&a, loop, &guest);
	for (int how = 0; how < 3; how++) {
		fd = begin_exec(&a, false, &clients[0]);
		guest.signals = 0;
		if (how == 0) { /* before it runs */
			fd_close(fd);
			turn(loop);
			assert_int_equal(guest.signals, 0);
			answer(&guest.exec, 0);
		} else {
			answer(&guest.exec, 0);
			if (how == 2) /* a word of another length */
				assert_int_equal(send(fd, &nonsense, sizeof(nonsense) - 1, 0), sizeof(nonsense) - 1);
			else
				fd_close(fd);
			turn(loop);
			if (how == 2)
				fd_close(fd);
		}
		assert_int_equal(guest.signals, 1);
		assert_int_equal(guest.signal.signo, SIGKILL);
		assert_int_equal(guest.signal.process, guest.exec.process);
		assert_true(member_has_process(a.member, guest.exec.process));
		member_exited(a.member, guest.exec.process, SIGKILL, false);
		assert_false(member_has_process(a.member, guest.exec.process));
	}
	/* one that cannot be made, with and without somebody who hears of it */
	fd = begin_exec(&a, false, &clients[0]);
	answer(&guest.exec, ENOENT);
	assert_false(member_has_process(a.member, guest.exec.process));
	fd_close(fd);
	fd_close(begin_exec(&a, false, &clients[0]));
	turn(loop);
	guest.signals = 0;
	answer(&guest.exec, ENOENT);
	assert_int_equal(guest.signals, 0);
	member_end(a.member, NULL);
	one_free(&a);
	loop_free(loop);
}

/* The container's end waits a little for processes of exec, so that their output and their ends are not lost. */
static void the_end_waits_for_execs(void **state)
{
	(void)state;
	for (int in_time = 0; in_time < 2; in_time++) {
		struct guest guest = { .last_process = 0 };
		const struct control_request request = { .op = CONTROL_EXEC };
		const struct control_fds none = { .n = 0 };
		struct err err = ERR_INIT;
		struct exec_word word;
		struct loop *loop;
		struct one a;
		int fd;

		assert_int_equal(loop_new(&loop), 0);
		created(&a, loop, &guest);
		fd = begin_exec(&a, false, &clients[0]);
		answer(&guest.exec, 0);
		member_exited(a.member, 1, 3 << 8, false);
		assert_int_equal(a.ended, 0);
		assert_int_equal(member_exec(a.member, &request, &none, &clients[1], &err), -ESRCH);
		if (in_time)
			member_exited(a.member, 2, SIGKILL, false);
		while (!a.ended)
			turn(loop); /* nothing but the timer ends this one */
		assert_int_equal(a.ended, 1);
		assert_int_equal(a.exit_status, 3);
		assert_int_equal(recv(fd, &err, sizeof(err), 0), sizeof(err));
		assert_int_equal(recv(fd, &word, sizeof(word), 0), in_time ? (ssize_t)sizeof(word) : -1);
		one_free(&a);
		fd_close(fd);
		loop_free(loop);
	}
}

/* A process that is given a descriptor beside its streams: the last ones are those. */
static void an_exec_gets_more_descriptors(void **state)
{
	const char *args[] = { "true" };
	struct guest_fd given = { .kind = GUEST_FD_IN };
	const struct guest_process process = {
		.args = { .len = 1, .at = args }, .cwd = "/", .fds = { .len = 1, .at = &given }
	};
	const struct control_request request = { .op = CONTROL_EXEC, .stdio = 3 };
	struct control_fds fds = { .n = 3, .v = { memfd_create("exec", MFD_CLOEXEC), 0, 1 } };
	struct guest guest = { .last_process = 0 };
	struct err err = ERR_INIT;
	autobuf out = BUF_INIT;
	struct loop *loop;
	int ends[2];
	struct one a;

	(void)state;
	proto_put_exec(&out, 0, "c", &process);
	assert_int_equal(fd_write_full(fds.v[0], out.data, out.len), 0);
	assert_int_equal(lseek(fds.v[0], 0, SEEK_SET), 0);
	assert_int_equal(loop_new(&loop), 0);
	created(&a, loop, &guest);
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), -EMFILE); /* it has not come */
	assert_int_equal(lseek(fds.v[0], 0, SEEK_SET), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	clients[0].fd = ends[0];
	fds.v[fds.n++] = 7;
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), 0);
	assert_int_equal(guest.given, 7);
	assert_int_equal(guest.stdio[2], -1);
	fd_close(fds.v[0]);
	answer(&guest.exec, 0);
	member_end(a.member, NULL);
	one_free(&a);
	fd_close(ends[1]);
	loop_free(loop);
}

static void an_exec_that_is_none_is_refused(void **state)
{
	struct guest guest = { .last_process = 0 };
	struct control_request request = { .op = CONTROL_EXEC, .stdio = 7 };
	struct control_fds fds = { .n = 3, .v = { encoded(false), 0, 1 } };
	struct err err = ERR_INIT;
	struct loop *loop;
	int ends[2];
	struct one a;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	one_new(&a);
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), -ESRCH);
	one_free(&a);
	created(&a, loop, &guest);
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), -EMFILE); /* a stream is missing */
	request.stdio = 1;
	assert_int_equal(lseek(fds.v[0], 0, SEEK_SET), 0);
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), -EMFILE); /* one too many */
	assert_int_equal(lseek(fds.v[0], 1, SEEK_SET), 1);
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), -EINVAL); /* no message */
	assert_int_equal(ftruncate(fds.v[0], 0), 0);
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), -E2BIG);
	assert_int_equal(ftruncate(fds.v[0], PROTO_TO_GUEST_MAX + 1), 0);
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), -E2BIG);
	fd_close(fds.v[0]);
	assert_int_equal(pipe(ends), 0);
	fds.v[0] = ends[0]; /* it would be waited for */
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), -EINVAL);
	fds.n = 0;
	assert_int_equal(member_exec(a.member, &request, &fds, &clients[0], &err), -EINVAL);
	assert_int_equal(clients[0].answers, 0);
	assert_false(member_has_process(a.member, 2));
	fd_close(ends[0]);
	fd_close(ends[1]);
	member_end(a.member, NULL);
	one_free(&a);
	loop_free(loop);
}

/* In a paused VM a signal is passed on and answered at once, since the guest does not; a start is refused. */
static void a_paused_member_does_not_keep_a_client_waiting(void **state)
{
	const struct control_request ps = { .op = CONTROL_PS }, update = { .op = CONTROL_UPDATE };
	struct guest guest = { .last_process = 0 };
	struct err err = ERR_INIT;
	struct loop *loop;
	struct one a;

	(void)state;
	memset(clients, 0, sizeof(clients));
	assert_int_equal(loop_new(&loop), 0);
	one_new(&a);
	assert_int_equal(member_create(a.member, loop, &guest, &err), 0);
	answer(&guest.create, 0);
	assert_int_equal(member_set_paused(a.member, true), 0);
	assert_true(says(&a, "paused"));
	assert_int_equal(member_start(a.member, &clients[0], &err), -EINVAL);
	assert_int_equal(member_set_paused(a.member, false), 0);
	assert_true(says(&a, "created"));
	assert_int_equal(member_start(a.member, &clients[0], &err), 0);
	answer(&guest.start, 0);
	assert_int_equal(member_set_paused(a.member, true), 0);
	assert_int_equal(member_signal(a.member, SIGUSR1, false, &clients[1], &err), 0);
	assert_int_equal(clients[1].answers, 1);
	assert_int_equal(clients[1].errnum, 0);
	assert_int_equal(guest.signal.signo, SIGUSR1);
	assert_null(guest.signal.done);
	assert_int_equal(member_query(a.member, &ps, NULL, &clients[2], &err), -EAGAIN);
	assert_int_equal(member_query(a.member, &update, NULL, &clients[2], &err), 0); /* for when it goes on */
	assert_int_equal(member_set_paused(a.member, false), 0);
	assert_true(says(&a, "running"));
	assert_int_equal(member_query(a.member, &ps, NULL, &clients[2], &err), 0);
	assert_int_equal(guest.queries, 2);
	one_free(&a);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_members_live_side_by_side),
		cmocka_unit_test(an_ended_member_is_silent),
		cmocka_unit_test(a_container_that_cannot_be_made_fails_once),
		cmocka_unit_test(an_exec_is_answered_and_ends),
		cmocka_unit_test(an_abandoned_exec_is_killed),
		cmocka_unit_test(the_end_waits_for_execs),
		cmocka_unit_test(an_exec_gets_more_descriptors),
		cmocka_unit_test(an_exec_that_is_none_is_refused),
		cmocka_unit_test(a_paused_member_does_not_keep_a_client_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
