/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands ask of the monitor, with a VM whose engine is the test: its members and its guest are this file's own, and
 * take the place of the real ones.
 */
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
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "host/sock.h"
#include "monitor/commands.h"
#include "tests/unit/tempdir.h"
#include "vm/engine.h"

/* The monitor's side, and what it was told. */
static struct bench {
	char dir[64];
	struct statedir state;
	struct loop *loop;
	struct vm vm;
	struct member *member;
	struct commands commands;
	int status_error; /* of member_set_paused(true); 0: none */
	int resume_error; /* of the engine */
	bool member_paused;
	int broken, pauses, resumes;
} b;

/* ---- in the place of others ---- */

uint32_t member_first_process(const struct member *m)
{
	(void)m;
	return 1;
}

int member_start(struct member *m, struct control_client *client, struct err *err)
{
	(void)m;
	(void)client;
	return err_set(err, EINVAL, "no start here");
}

int member_signal(struct member *m, int signo, bool all, struct control_client *client, struct err *err)
{
	(void)m;
	(void)signo;
	(void)all;
	(void)err;
	control_answer(client, NULL, NULL);
	return 0;
}

int member_exec(struct member *m, const struct control_request *request, const struct control_fds *fds,
	struct control_client *client, struct err *err)
{
	(void)m;
	(void)request;
	(void)fds;
	(void)client;
	return err_set(err, EINVAL, "no exec here");
}

int member_query(struct member *m, const struct control_request *request, struct control_fds *fds,
	struct control_client *client, struct err *err)
{
	(void)m;
	(void)request;
	(void)fds;
	(void)client;
	return err_set(err, EINVAL, "no query here");
}

int member_set_paused(struct member *m, bool paused)
{
	(void)m;
	if (paused && b.status_error)
		return b.status_error;
	b.member_paused = paused;
	return 0;
}

int network_tell(struct network *n, uint32_t process, guest_done_fn *done, void *arg, struct err *err)
{
	(void)n;
	(void)process;
	(void)done;
	(void)arg;
	(void)err;
	return 0;
}

int guest_resumed(struct guest *g, guest_done_fn *done, void *arg, struct err *err)
{
	const struct err fine = ERR_INIT;

	(void)g;
	(void)err;
	done(arg, &fine, NULL, 0);
	return 0;
}

static int engine_pause(struct vm *vm, struct err *err)
{
	(void)vm;
	(void)err;
	b.pauses++;
	return 0;
}

static int engine_resume(struct vm *vm, struct err *err)
{
	(void)vm;
	b.resumes++;
	return b.resume_error ? err_set(err, -b.resume_error, "the engine does not answer") : 0;
}

static const struct vm_ops ops = { .name = "test", .pause = engine_pause, .resume = engine_resume };

static void on_broken(void *arg, const struct err *err)
{
	(void)arg;
	assert_string_equal(err->msg, "the engine does not answer");
	b.broken++;
}

static void on_paused(void *arg)
{
	(void)arg;
}

/* ---- the bench ---- */

static int set_up(void **state)
{
	struct err err = ERR_INIT;
	int fd;

	(void)state;
	b = (struct bench){ .state = STATEDIR_NONE, .vm = { .ops = &ops } };
	(void)strcpy(b.dir, "/tmp/test_commands.XXXXXX");
	assert_non_null(mkdtemp(b.dir));
	assert_int_equal(statedir_create(b.dir, "id", &b.state, &err), 0);
	fd = control_listen(&b.state, &err);
	assert_true(fd >= 0);
	assert_int_equal(loop_new(&b.loop), 0);
	b.commands = (struct commands){
		.id = "id",
		.loop = b.loop,
		.vm = &b.vm,
		.members = &b.member,
		.members_len = 1,
		.serving = true,
		.on_broken = on_broken,
		.on_paused = on_paused,
	};
	assert_int_equal(commands_listen(&b.commands, fd), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	commands_done(&b.commands);
	loop_free(b.loop);
	statedir_close(&b.state);
	tempdir_remove(b.dir);
	return 0;
}

static void on_answer(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	loop_stop(b.loop);
}

/* A caller's request: what it is answered, as an errno. */
static int ask(enum control_op op, int signo)
{
	const struct control_request request = { .op = (uint32_t)op, .signal = signo };
	char path[PATH_MAX + sizeof(CONTROL_SOCKET)];
	struct err answer = ERR_INIT;
	struct watch *watch;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", b.state.path, CONTROL_SOCKET);
	fd = sock_connect_path(path, SOCK_SEQPACKET);
	assert_true(fd >= 0);
	assert_int_equal(fd_send(fd, &request, sizeof(request), NULL, 0), 0);
	assert_int_equal(watch_new(b.loop, fd, EPOLLIN, on_answer, NULL, &watch), 0);
	assert_int_equal(loop_run(b.loop), 0);
	watch_free(watch);
	assert_int_equal(recv(fd, &answer, sizeof(answer), 0), sizeof(answer));
	fd_close(fd);
	return answer.errnum;
}

/* ---- the tests ---- */

static void a_pause_and_a_resume(void **state)
{
	(void)state;
	assert_int_equal(ask(CONTROL_PAUSE, 0), 0);
	assert_true(b.member_paused && b.commands.paused);
	assert_int_equal(ask(CONTROL_RESUME, 0), 0);
	assert_false(b.member_paused || b.commands.paused);
	assert_int_equal(b.broken, 0);
}

/* A VM whose pause cannot be told is to run; if it cannot be made to, it is at its end, and does not stand still unseen. */
static void a_pause_that_nobody_can_see(void **state)
{
	(void)state;
	b.status_error = -ENOSPC;
	assert_int_equal(ask(CONTROL_PAUSE, 0), ENOSPC);
	assert_int_equal(b.resumes, 1);
	assert_int_equal(b.broken, 0);
	b.resume_error = -ETIMEDOUT;
	assert_int_equal(ask(CONTROL_PAUSE, 0), ENOSPC);
	assert_int_equal(b.broken, 1);
	assert_false(b.commands.paused);
}

/* A VM that does not go on is still a paused one, until it is to be killed. */
static void a_resume_that_fails(void **state)
{
	(void)state;
	assert_int_equal(ask(CONTROL_PAUSE, 0), 0);
	b.resume_error = -ETIMEDOUT;
	assert_int_equal(ask(CONTROL_RESUME, 0), ETIMEDOUT);
	assert_true(b.member_paused && b.commands.paused);
	assert_int_equal(ask(CONTROL_SIGNAL, SIGTERM), 0);
	assert_int_equal(b.broken, 0);
	assert_int_equal(ask(CONTROL_SIGNAL, SIGKILL), 0);
	assert_int_equal(b.broken, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pause_and_a_resume, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pause_that_nobody_can_see, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_resume_that_fails, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
