/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of the channel against a guest that lies: what it may do, and what closes the channel. */
#include "guest/guest.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/syscalls.h"
#include "channel/mux.h"
#include "channel/syscalls.h"
#include "guest/stdio.h"
#include "guest/syscalls.h"
#include "tests/unit/filter.h"

#define NOT_CLOSED 12345

struct seen {
	struct loop *loop;
	struct guest *guest;
	int ready, exits, status, logs, closed, answers, last_errno, last_exit_status, answers_before_exit;
	char last_text[PROTO_TEXT_MAX], last_msg[ERR_MSG_MAX];
	bool free_in_ready;
};

static void on_ready(void *arg, const struct proto_hello *hello)
{
	struct seen *s = arg;

	s->ready++;
	(void)strncpy(s->last_text, hello->build, sizeof(s->last_text) - 1);
	if (s->free_in_ready) {
		guest_free(s->guest);
		s->guest = NULL;
		loop_stop(s->loop);
	}
}

static void on_exited(void *arg, uint32_t process, int status, bool oom)
{
	struct seen *s = arg;

	assert_int_equal(process, 1);
	assert_true(oom);
	s->exits++;
	s->status = status;
	s->answers_before_exit = s->answers;
}

static void on_log(void *arg, enum proto_log level, const char *text)
{
	struct seen *s = arg;

	assert_true(level <= PROTO_LOG_DEBUG);
	assert_true(strlen(text) < PROTO_TEXT_MAX);
	(void)strcpy(s->last_text, text);
	s->logs++;
}

static void on_closed(void *arg, int error, const char *detail)
{
	struct seen *s = arg;

	assert_int_equal(s->closed, NOT_CLOSED);
	assert_true(strlen(detail) > 0);
	s->closed = error;
	loop_stop(s->loop);
}

static void on_done(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct seen *s = arg;

	(void)payload;
	(void)len;
	s->answers++;
	s->last_errno = err->errnum;
	s->last_exit_status = err->exit_status;
	(void)strcpy(s->last_msg, err->msg);
}

/* --- what the guest sends --- */

static void put_frame(struct buf *b, uint8_t type, uint32_t stream, const void *data, size_t len)
{
	uint8_t head[MUX_HEADER] = { type };
	uint32_t id = htole32(stream), n = htole32((uint32_t)len);

	memcpy(head + 4, &id, 4);
	memcpy(head + 8, &n, 4);
	buf_put(b, head, sizeof(head));
	buf_put(b, data, len);
}

static void put_message(struct buf *b, const struct buf *msg)
{
	uint32_t n = htole32((uint32_t)msg->len);
	autobuf whole = BUF_INIT;

	buf_put(&whole, &n, 4);
	buf_put(&whole, msg->data, msg->len);
	put_frame(b, MUX_DATA, MUX_CONTROL, whole.data, whole.len);
}

static void say_hello(struct buf *b, uint32_t version, const char *build)
{
	struct proto_hello hello = { .version = version, .build = build, .kernel = "k" };
	autobuf msg = BUF_INIT;

	proto_put_hello(&msg, &hello);
	put_message(b, &msg);
}

static void say_result(struct buf *b, uint32_t seq, uint32_t errnum, uint32_t exit_status, const char *text)
{
	struct proto_result res = { .seq = seq, .errnum = errnum, .exit_status = exit_status, .msg = text };
	autobuf msg = BUF_INIT;

	proto_put_result(&msg, &res);
	put_message(b, &msg);
}

static void say_exited(struct buf *b, uint32_t process, uint32_t status)
{
	struct proto_exited e = { .process = process, .status = status, .oom = true };
	autobuf msg = BUF_INIT;

	proto_put_exited(&msg, &e);
	put_message(b, &msg);
}

static void say_log(struct buf *b, uint8_t level, const char *text)
{
	autobuf msg = BUF_INIT;

	proto_put_log(&msg, level, text);
	put_message(b, &msg);
}

/* The number of the SANDBOX that the host has sent when the guest speaks; 2 is a CREATE, of process 1. */
#define SANDBOX 1
#define CREATE 2

/* /proc/self/fd as the monitor has it, opened before its filter is loaded; -1: it is opened when it is needed. */
static int proc_fd = -1;

/* Lets a guest send @bytes and hang up. Returns what the host made of it. @out: where stdout and stderr go. */
static struct seen listen_to(const struct buf *bytes, int out, bool free_in_ready)
{
	static const char *args[] = { "x" };
	struct guest_container c = { .cid = "c", .rootfs = "c/rootfs", .process = { .args = { 1, args } } };
	struct guest_events events = {
		.on_ready = on_ready, .on_exited = on_exited, .on_log = on_log, .on_closed = on_closed
	};
	struct seen *s = calloc(1, sizeof(*s));
	struct guest_sandbox sb = { .hostname = "" };
	struct err err = ERR_INIT;
	struct seen result;
	int sv[2], big = 1 << 20;

	assert_non_null(s);
	*s = (struct seen){ .closed = NOT_CLOSED, .free_in_ready = free_in_ready };
	events.arg = s;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	(void)setsockopt(sv[1], SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	assert_int_equal(fd_set_nonblock(sv[0], 1), 0);
	assert_int_equal(loop_new(&s->loop), 0);
	assert_int_equal(guest_new(s->loop, sv[0], &events, &s->guest, &err), 0);
	guest_use_proc(s->guest, proc_fd);
	assert_int_equal(guest_sandbox(s->guest, &sb, on_done, s, &err), 0);
	c.process.id = guest_next_process(s->guest);
	assert_int_equal(guest_create(s->guest, &c, (int[3]){ -1, out, out }, on_done, s, &err), 0);
	assert_int_equal(fd_write_full(sv[1], bytes->data, bytes->len), 0);
	assert_int_equal(shutdown(sv[1], SHUT_WR), 0);
	assert_int_equal(loop_run(s->loop), 0);
	guest_free(s->guest);
	loop_free(s->loop);
	fd_close(sv[0]);
	fd_close(sv[1]);
	result = *s;
	free(s);
	return result;
}

static void expect_closed(const char *what, const struct buf *bytes, int want)
{
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct seen s = listen_to(bytes, null, false);

	if (s.closed != want)
		fail_msg("%s: wanted %d, got %d", what, want, s.closed);
	if (s.answers != 2)
		fail_msg("%s: both requests want an answer, there were %d", what, s.answers);
}

enum said_kind { SAID_NOTHING, SAID_HELLO, SAID_RESULT, SAID_EXITED, SAID_LOG, SAID_START, SAID_GARBAGE };

/* What a guest says, and what becomes of the channel. The numbers are the message's first fields. */
static const struct lie {
	const char *what;
	int closed;
	bool greets; /* an honest HELLO comes first */
	struct said {
		enum said_kind kind;
		uint32_t a, b, c;
	} said[2];
} lies[] = {
	{ "nothing", 0, false, { { SAID_NOTHING, 0, 0, 0 } } },
	{ "another version", -EPROTO, false, { { SAID_HELLO, PROTO_VERSION + 1, 0, 0 } } },
	{ "a result before HELLO", -EPROTO, false, { { SAID_RESULT, SANDBOX, 0, 0 } } },
	{ "HELLO twice", -EPROTO, true, { { SAID_HELLO, PROTO_VERSION, 0, 0 } } },
	{ "an answer to nothing", -EPROTO, true, { { SAID_RESULT, 77, 0, 0 } } },
	{ "an answer twice", -EPROTO, true, { { SAID_RESULT, SANDBOX, 0, 0 }, { SAID_RESULT, SANDBOX, 0, 0 } } },
	{ "an errno that does not exist", -EPROTO, true, { { SAID_RESULT, SANDBOX, 4096, 0 } } },
	{ "an exit status that does not exist", -EPROTO, true, { { SAID_RESULT, SANDBOX, 1, 256 } } },
	{ "the exit of nobody", -EPROTO, true, { { SAID_EXITED, 9, 0, 0 } } },
	{ "an exit twice", -EPROTO, true, { { SAID_EXITED, 1, 0, 0 }, { SAID_EXITED, 1, 0, 0 } } },
	{ "a status that wait(2) cannot give", -EPROTO, true, { { SAID_EXITED, 1, 0x10000, 0 } } },
	{ "a log level that does not exist", -EPROTO, true, { { SAID_LOG, 4, 0, 0 } } },
	{ "a request to the host", -EPROTO, true, { { SAID_START, 1, 1, 0 } } },
	{ "garbage", -EPROTO, true, { { SAID_GARBAGE, 0, 0, 0 } } },
};

static void say(struct buf *b, const struct said *said)
{
	static const char garbage[] = "\x40\x00 this is not a result";
	autobuf msg = BUF_INIT;

	switch (said->kind) {
	case SAID_NOTHING:
		break;
	case SAID_HELLO:
		say_hello(b, said->a, "b");
		break;
	case SAID_RESULT:
		say_result(b, said->a, said->b, said->c, "");
		break;
	case SAID_EXITED:
		say_exited(b, said->a, said->b);
		break;
	case SAID_LOG:
		say_log(b, (uint8_t)said->a, "x");
		break;
	case SAID_START:
		proto_put_start(&msg, said->a, said->b);
		put_message(b, &msg);
		break;
	case SAID_GARBAGE:
		buf_put(&msg, garbage, sizeof(garbage));
		put_message(b, &msg);
		break;
	}
}

static void lies_close_the_channel(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		autobuf b = BUF_INIT;

		if (lies[i].greets)
			say_hello(&b, PROTO_VERSION, "b");
		for (size_t k = 0; k < ARRAY_LEN(lies[i].said); k++)
			say(&b, &lies[i].said[k]);
		expect_closed(lies[i].what, &b, lies[i].closed);
	}
}

static void words_are_cleaned_and_a_flood_is_cut(void **state)
{
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char long_text[3000];
	autobuf b = BUF_INIT;
	struct seen s;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	say_hello(&b, PROTO_VERSION, "b\033[2J\nuild\302\2332J\303\251");
	say_result(&b, SANDBOX, ENOENT, 127, "no\nsuch\033]0;thing");
	say_result(&b, CREATE, EIO, 0, long_text);
	s = listen_to(&b, null, false);
	assert_int_equal(s.ready, 1);
	assert_string_equal(
		s.last_text, "b [2J uild  2J\303\251"); /* 0xc2 0x9b begins escape sequences, as ESC [ does */
	assert_int_equal(s.closed, 0);
	assert_int_equal(s.answers, 2);
	assert_int_equal(strlen(s.last_msg), ERR_MSG_MAX - 1);

	for (int i = 0; i < 5000; i++)
		say_log(&b, PROTO_LOG_INFO, "flood");
	s = listen_to(&b, null, false);
	assert_int_equal(s.closed, 0);
	assert_true(s.logs >= GUEST_LOGS_PER_SECOND && s.logs <= 3 * GUEST_LOGS_PER_SECOND);
}

#define ASKED 0x1122334455667788u /* what the guest says when it asks for the time */
#define QUESTIONS 2000

/* A guest that asks for the time, and reads what it is told. */
struct asker {
	struct seen seen;
	int fd, times, wanted;
	struct buf told;
};

/* Counts the TIMEs that have come, each of which must repeat ASKED and tell the time. Hangs up when there are enough. */
static void asker_on_told(void *arg, uint32_t events)
{
	struct asker *a = arg;
	struct timespec now;
	uint8_t bytes[65536];
	ssize_t n = recv(a->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	autobuf want = BUF_INIT;

	(void)events;
	if (n > 0)
		buf_put(&a->told, bytes, (size_t)n);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	proto_put_time(&want, &(struct proto_time){ .asked_ns = ASKED });
	a->times = 0;
	for (size_t i = 0; i + want.len <= a->told.len; i++) {
		uint64_t ns;

		if (memcmp(a->told.data + i, want.data, want.len - sizeof(ns)) != 0)
			continue;
		memcpy(&ns, a->told.data + i + want.len - sizeof(ns), sizeof(ns));
		ns = le64toh(ns) / 1000000000u;
		assert_true(ns <= (uint64_t)now.tv_sec && ns + 60 > (uint64_t)now.tv_sec);
		a->times++;
	}
	if (a->times >= a->wanted && a->seen.logs > 0)
		(void)shutdown(a->fd, SHUT_WR);
}

static void asker_on_timeout(void *arg)
{
	struct asker *a = arg;

	fail_msg("%d answers came, %d were wanted", a->times, a->wanted);
}

/* Lets a guest ask @questions times, and returns how many answers it had when @wanted had come. */
static int ask_for_time(int questions, int wanted)
{
	struct asker a = { .seen = { .closed = NOT_CLOSED }, .wanted = wanted, .told = BUF_INIT };
	struct guest_events events = {
		.on_ready = on_ready, .on_exited = on_exited, .on_log = on_log, .on_closed = on_closed, .arg = &a.seen
	};
	struct watch *told, *timeout;
	struct err err = ERR_INIT;
	int sv[2], big = 1 << 20;
	autobuf b = BUF_INIT;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	(void)setsockopt(sv[1], SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	assert_int_equal(fd_set_nonblock(sv[0], 1), 0);
	a.fd = sv[1];
	assert_int_equal(loop_new(&a.seen.loop), 0);
	assert_int_equal(guest_new(a.seen.loop, sv[0], &events, &a.seen.guest, &err), 0);
	assert_int_equal(watch_new(a.seen.loop, sv[1], EPOLLIN, asker_on_told, &a, &told), 0);
	assert_int_equal(timer_new(a.seen.loop, 30000, asker_on_timeout, &a, &timeout), 0);
	say_hello(&b, PROTO_VERSION, "b");
	say_log(&b, PROTO_LOG_INFO, "I ask");
	for (int i = 0; i < questions; i++) {
		autobuf ask = BUF_INIT;

		proto_put_ask_time(&ask, ASKED);
		put_message(&b, &ask);
	}
	assert_int_equal(fd_write_full(sv[1], b.data, b.len), 0);
	assert_int_equal(loop_run(a.seen.loop), 0);
	assert_int_equal(a.seen.closed, 0);
	asker_on_told(&a, 0);
	watch_free(told);
	watch_free(timeout);
	guest_free(a.seen.guest);
	loop_free(a.seen.loop);
	fd_close(sv[0]);
	fd_close(sv[1]);
	buf_done(&a.told);
	return a.times;
}

static void questions_for_the_time_are_answered_but_no_flood(void **state)
{
	int times;

	(void)state;
	assert_int_equal(ask_for_time(1, 1), 1);
	times = ask_for_time(QUESTIONS, GUEST_TIMES_PER_SECOND);
	assert_true(times >= GUEST_TIMES_PER_SECOND && times <= 3 * GUEST_TIMES_PER_SECOND);
}

/* A guest that tells the exit of a process before it says that it has made it: who asked for it hears of that first. */
static void exit_comes_after_the_answer(void **state)
{
	autobuf b = BUF_INIT;
	struct seen s;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	say_hello(&b, PROTO_VERSION, "b");
	say_result(&b, SANDBOX, 0, 0, "");
	put_frame(&b, MUX_EOF, 1, NULL, 0);
	put_frame(&b, MUX_EOF, 2, NULL, 0);
	say_exited(&b, 1, 3 << 8);
	s = listen_to(&b, fds[1], false);
	assert_int_equal(s.exits, 0); /* only the end of the channel has answered */
	assert_int_equal(s.answers, 2);

	say_result(&b, CREATE, 0, 0, "");
	s = listen_to(&b, fds[1], false);
	assert_int_equal(s.exits, 1);
	assert_int_equal(s.status, 3 << 8);
	assert_int_equal(s.answers_before_exit, 2);
	fd_close(fds[0]);
	fd_close(fds[1]);
}

/* EXITED overtakes the output, since control is sent first; on_exited must not. */
static void exit_comes_after_the_output(void **state)
{
	autobuf b = BUF_INIT;
	struct seen s;
	char got[64];
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	say_hello(&b, PROTO_VERSION, "b");
	say_result(&b, SANDBOX, 0, 0, "");
	say_result(&b, CREATE, 0, 0, "");
	say_exited(&b, 1, 3 << 8);
	s = listen_to(&b, fds[1], false);
	assert_int_equal(s.exits, 0); /* the channel has ended, but the streams have not */

	put_frame(&b, MUX_DATA, 1, "out", 3);
	put_frame(&b, MUX_EOF, 1, NULL, 0);
	put_frame(&b, MUX_DATA, 2, "err", 3);
	put_frame(&b, MUX_EOF, 2, NULL, 0);
	s = listen_to(&b, fds[1], false);
	assert_int_equal(s.exits, 1);
	assert_int_equal(s.status, 3 << 8);
	assert_int_equal(read(fds[0], got, sizeof(got)), 6);
	assert_memory_equal(got, "outerr", 6);
	assert_int_equal(s.answers, 2);
	fd_close(fds[0]);
	fd_close(fds[1]);
}

/* What the tests themselves call, in listen_to(). */
static const char *const test_syscalls[] = { "socketpair", "setsockopt", "shutdown", NULL };

/* Lets through only what base, channel and guest say that they call; anything else ends the process. 0 or -errno. */
static int filter_load(void)
{
	const char *const *const lists[] = { base_syscalls, channel_syscalls, guest_syscalls, test_syscalls };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		for (const char *const *name = lists[i]; r == 0 && *name; name++) {
			int call = seccomp_syscall_resolve_name(*name);

			r = call == __NR_SCMP_ERROR ? -EINVAL : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 0);
			r = r == -EEXIST ? 0 : r; /* several lists may have it */
		}
	}
	for (const unsigned long *request = channel_ioctls; r == 0 && *request; request++)
		r = seccomp_rule_add(
			ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)*request, 0));
	for (const struct syscall_rule *rule = base_syscall_rules; r == 0 && rule->name; rule++) {
		const struct syscall_test *t = rule->tests; /* none of these has two */

		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(rule->name), 1,
			SCMP_CMP(t->arg, SCMP_CMP_MASKED_EQ, t->mask, t->value));
	}
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

/* In a child: a whole conversation under the filter, with output to @out. Exits with 0 if it came to its end. */
static _Noreturn void converse_filtered(const struct buf *said, int out)
{
	struct seen s;

	if (filter_load() < 0)
		_exit(1);
	s = listen_to(said, out, false);
	_exit(s.exits == 1 && s.answers == 2 ? 0 : 2);
}

/* The lists beside the code are complete: a pipe, a socket and a file each make other calls. */
static void makes_only_calls_that_are_listed(void **state)
{
	autobuf b = BUF_INIT;
	int outs[3], pipe_fds[2], sv[2];

	(void)state;
	if (SANITIZED) /* its runtime makes calls of its own */
		skip();
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	outs[0] = pipe_fds[1];
	outs[1] = sv[0];
	outs[2] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(proc_fd >= 0);
	say_hello(&b, PROTO_VERSION, "b");
	say_result(&b, SANDBOX, 0, 0, "");
	say_result(&b, CREATE, 0, 0, "");
	say_log(&b, 1, "x");
	say_exited(&b, 1, 0);
	put_frame(&b, MUX_DATA, 1, "out", 3);
	put_frame(&b, MUX_EOF, 1, NULL, 0);
	put_frame(&b, MUX_EOF, 2, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(outs); i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			converse_filtered(&b, outs[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("output %zu: wait status 0x%x (strace -f shows the call)", i, (unsigned int)status);
		fd_close(outs[i]);
	}
	fd_close(steal_fd(&proc_fd));
	fd_close(pipe_fds[0]);
	fd_close(sv[1]);
}

static void freed_in_its_callback(void **state)
{
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	autobuf b = BUF_INIT;
	struct seen s;

	(void)state;
	say_hello(&b, PROTO_VERSION, "b");
	say_result(&b, SANDBOX, 0, 0, "");
	s = listen_to(&b, null, true);
	assert_int_equal(s.ready, 1);
	assert_int_equal(s.closed, NOT_CLOSED);
	assert_int_equal(s.answers, 2);
	assert_int_equal(s.last_errno, ECONNRESET);
}

/* The caller's descriptors keep their flags, whatever they are, and each is used in the way that does not block. */
static void stdio_is_not_changed(void **state)
{
	char path[] = "/tmp/vmrunc-stdio.XXXXXX";
	enum pump_kind kind;
	int fds[2], own;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(stdio_open(-1, fds[1], true, &own, &kind), 0);
	assert_int_equal(kind, PUMP_NONBLOCK);
	assert_false(fcntl(fds[1], F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(own, F_GETFL) & O_NONBLOCK);
	fd_close(own);
	fd_close(fds[0]);
	fd_close(fds[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(stdio_open(-1, fds[0], false, &own, &kind), 0);
	assert_int_equal(kind, PUMP_SOCKET);
	assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	fd_close(own);
	fd_close(fds[0]);
	fd_close(fds[1]);
	fds[0] = mkstemp(path);
	assert_true(fds[0] >= 0);
	assert_int_equal(stdio_open(-1, fds[0], true, &own, &kind), 0);
	assert_int_equal(kind, PUMP_FILE);
	assert_int_equal(write(own, "abc", 3), 3);
	assert_int_equal(
		lseek(fds[0], 0, SEEK_CUR), 3); /* the offset is shared, on which several writers of a log file rely */
	fd_close(own);
	fd_close(fds[0]);
	(void)unlink(path);
	fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(stdio_open(-1, fds[0], false, &own, &kind), 0);
	assert_int_equal(kind, PUMP_FILE);
	fd_close(own);
	fd_close(fds[0]);
	fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(stdio_open(-1, fds[0], true, &own, &kind), 0);
	assert_int_equal(kind, PUMP_CAREFUL); /* opening it again would give another terminal */
	fd_close(own);
	fd_close(fds[0]);
	assert_int_equal(stdio_open(-1, -1, true, &own, &kind), -EBADF);
}

/* 0 if nothing but the pipe was opened; 77 without the right to mount; else the number of the step that failed. */
static int stdio_open_below_a_false_proc(void)
{
	struct stat pipe_st, own_st;
	enum pump_kind kind;
	char path[64];
	int fds[2], own;

	if (pipe2(fds, O_CLOEXEC) < 0 || fstat(fds[1], &pipe_st) < 0)
		return 1;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0 ||
		mount("none", "/proc", "tmpfs", 0, NULL) < 0)
		return 77;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[1]);
	if (mkdir("/proc/self", 0755) < 0 || mkdir("/proc/self/fd", 0755) < 0 || mknod(path, S_IFREG | 0644, 0) < 0)
		return 2;
	if (stdio_open(-1, fds[1], true, &own, &kind) < 0 || fstat(own, &own_st) < 0)
		return 3;
	if (own_st.st_dev != pipe_st.st_dev || own_st.st_ino != pipe_st.st_ino)
		return 4;
	return kind == PUMP_CAREFUL ? 0 : 5;
}

/* At /proc of the monitor's root may lie files of the guest's; a device node among them is not opened. */
static void stdio_trusts_no_files_at_proc(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(stdio_open_below_a_false_proc());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lies_close_the_channel),
		cmocka_unit_test(words_are_cleaned_and_a_flood_is_cut),
		cmocka_unit_test(questions_for_the_time_are_answered_but_no_flood),
		cmocka_unit_test(exit_comes_after_the_answer),
		cmocka_unit_test(exit_comes_after_the_output),
		cmocka_unit_test(makes_only_calls_that_are_listed),
		cmocka_unit_test(freed_in_its_callback),
		cmocka_unit_test(stdio_is_not_changed),
		cmocka_unit_test(stdio_trusts_no_files_at_proc),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
