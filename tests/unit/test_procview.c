/* SPDX-License-Identifier: Apache-2.0 */
/* The /proc of the container's processes, between a kernel that asks and a guest that says what it likes. */
#include "monitor/procview.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/guest.h"
#include "guest/procs.h"
#include "tests/unit/fuse_peer.h"
#include "tests/unit/guest_peer.h"

/* What the guest does with a PROCS. */
enum manner { HONEST, IN_PARTS, ENDLESS, REFUSES, GARBAGE, SILENT, PAUSED };

struct rig {
	struct loop *loop;
	struct guest_peer peer;
	struct commands commands;
	struct procview *view;
	struct fuse_peer kernel;
	enum manner manner;
	int questions;
	uint32_t kept_seq; /* SILENT: of the question that has no answer yet */
	struct proto_procs list;
};

static uint32_t groups[] = { 7, 8 };

/* Ticks here are half of the host's hundredths of a second, so that the host's own are made of them. */
static struct proto_proc first = {
	.pid = 1,
	.pgid = 1,
	.sid = 1,
	.tty = 0x8803,
	.state = 'S',
	.priority = 20,
	.nice = -5,
	.threads = 2,
	.user_ticks = 100,
	.system_ticks = 50,
	.start_ticks = 1000,
	.vsize = 8 << 20,
	.rss = 4 << 20,
	.uids = { 1000, 1001, 1002, 1003 },
	.gids = { 2000, 2001, 2002, 2003 },
	.groups = { 2, groups },
	.caps = { 1, 2, 4, 8, 16 },
	.no_new_privs = true,
	.seccomp = 2,
	.comm = "a b)c",
	.cmdline = { 10, "sh\0-c\0a b\0" },
	.label = "unconfined",
};
static struct proto_proc evil = {
	.pid = 7,
	.ppid = 1,
	.state = '\033',
	.start_ticks = UINT64_MAX,
	.user_ticks = UINT64_MAX,
	.system_ticks = UINT64_MAX,
	.vsize = UINT64_MAX,
	.comm = "x\nUid:\t0\t0\t0\t0",
	.cmdline = { 9, "\033[2J\0\n\200z" },
};

static void answer_list(struct rig *r, uint32_t seq, const struct proto_procs *list)
{
	autobuf payload = BUF_INIT;

	proto_put_procs(&payload, list);
	guest_peer_answer(&r->peer, seq, 0, payload.data, payload.len);
}

static int on_message(void *arg, const void *msg, size_t len)
{
	struct proto_arena arena = { 0 };
	struct rig *r = arg;
	struct proto_request request;
	struct proto_procs part = r->list;

	if (proto_type(msg, len) == PROTO_HELLO)
		return 0;
	assert_int_equal(proto_get_request(msg, len, &arena, &request), 0);
	assert_int_equal(request.type, PROTO_PROCS);
	assert_string_equal(request.cid, "c");
	r->questions++;
	switch (r->manner) {
	case HONEST:
		assert_int_equal(request.after, 0);
		answer_list(r, request.seq, &part);
		break;
	case IN_PARTS: /* one process each */
		part.at += request.after;
		part.len = 1;
		part.after = request.after + 1 < r->list.len ? request.after + 1 : 0;
		answer_list(r, request.seq, &part);
		break;
	case ENDLESS:
		part.after = 1;
		answer_list(r, request.seq, &part);
		break;
	case REFUSES:
		guest_peer_answer(&r->peer, request.seq, ENOENT, NULL, 0);
		break;
	case GARBAGE:
		guest_peer_answer(&r->peer, request.seq, 0, "garbage", 7);
		break;
	case PAUSED: /* just now: as commands.c and monitor.c do it */
		r->commands.paused = true;
		procview_abandon(r->view);
		break;
	case SILENT:
		r->kept_seq = request.seq;
		break;
	}
	proto_arena_done(&arena);
	return 0;
}

static const char *args[] = { "/bin/prog", "word" };
static struct guest_idmap map = { 0, 100000, 65536 };
static const struct guest_container container = {
	.cid = "c",
	.uids = { 1, &map },
	.process = { .args = { 2, args }, .uid = 5, .gid = 6, .caps = { 1, 1, 0, 1, 0 } },
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(loop_new(&r->loop), 0);
	guest_peer_begin(&r->peer, r->loop, on_message, r);
	fuse_peer_begin(&r->kernel, r->loop);
	r->commands = (struct commands){ .guest = r->peer.guest, .serving = true };
	r->list = (struct proto_procs){ .uptime_ticks = 2000, .ticks_per_second = 50, .len = 1, .at = &first };
	*state = r;
	return 0;
}

/* Serves the view; readers wait at most @answer_ms for the guest. */
static void begin(struct rig *r, unsigned int answer_ms)
{
	const struct procview_config config = { .fd = r->kernel.service,
		.pid_ns = "pid:[4026]",
		.container = &container,
		.commands = &r->commands,
		.loop = r->loop,
		.answer_ms = answer_ms };

	assert_int_equal(procview_new(&config, &r->view), 0);
}

static int teardown(void **state)
{
	struct rig *r = *state;

	r->commands.serving = false;
	guest_peer_end(&r->peer);
	procview_free(r->view);
	fuse_peer_end(&r->kernel);
	loop_free(r->loop);
	free(r);
	return 0;
}

static void expect_names(struct rig *r, const char *want)
{
	int error;
	const char *names = fuse_peer_names(&r->kernel, "", 4096, &error);

	assert_int_equal(error, 0);
	assert_string_equal(names, want);
}

static void expect_text(struct rig *r, const char *path, const char *want)
{
	int error;
	const char *text = fuse_peer_text(&r->kernel, path, 100, &error);

	if (error)
		fail_msg("%s: %d", path, error);
	assert_string_equal(text, want);
}

static void expect_error(struct rig *r, const char *path, int want)
{
	int error;

	assert_null(fuse_peer_text(&r->kernel, path, 100, &error));
	assert_int_equal(error, want);
}

static void a_process_has_the_files_of_procfs(void **state)
{
	struct rig *r = *state;
	static const char begins[] = "1 (a b)c) S 0 1 1 34819 -1 0 0 0 0 0 ";
	unsigned long long user, system, start, btime, host = (unsigned long long)sysconf(_SC_CLK_TCK);
	const char *text;
	uint64_t node;
	int error;

	begin(r, 0);
	expect_names(r, "1 stat uptime ");
	expect_text(r, "1/status",
		"Name:\ta b)c\nState:\tS (sleeping)\nTgid:\t1\nNgid:\t0\nPid:\t1\nPPid:\t0\nTracerPid:\t0\n"
		"Uid:\t1000\t1001\t1002\t1003\nGid:\t2000\t2001\t2002\t2003\nGroups:\t7 8 \n"
		"NStgid:\t1\nNSpid:\t1\nNSpgid:\t1\nNSsid:\t1\nVmSize:\t    8192 kB\nVmRSS:\t    4096 kB\nThreads:\t2\n"
		"CapInh:\t0000000000000004\nCapPrm:\t0000000000000008\nCapEff:\t0000000000000002\n"
		"CapBnd:\t0000000000000001\nCapAmb:\t0000000000000010\nNoNewPrivs:\t1\nSeccomp:\t2\n");
	expect_text(r, "1/comm", "a b)c\n");
	expect_text(r, "1/uid_map", "         0     100000      65536\n");
	expect_text(r, "1/gid_map", "         0          0 4294967295\n");
	expect_text(r, "1/attr/current", "unconfined\n");
	text = fuse_peer_text(&r->kernel, "1/cmdline", 4096, &error);
	assert_memory_equal(text, "sh\0-c\0a b\0", 11);
	/* times become the host's: two of its ticks for each of the guest's, and an age of 20 s */
	text = fuse_peer_text(&r->kernel, "1/stat", 4096, &error);
	assert_int_equal(strncmp(text, begins, strlen(begins)), 0);
	assert_int_equal(
		sscanf(text + strlen(begins), "%llu %llu 0 0 20 -5 2 0 %llu 8388608 ", &user, &system, &start), 3);
	assert_int_equal(user, 100 / 50 * host);
	assert_int_equal(system, 50 / 50 * host);
	assert_int_equal(fuse_peer_find(&r->kernel, "1/ns/pid", &node), 0);
	assert_int_equal(fuse_peer_ask(&r->kernel, FUSE_READLINK, node, NULL, 0), 0);
	assert_int_equal(r->kernel.len, 10);
	assert_memory_equal(r->kernel.body, "pid:[4026]", 10);
	text = fuse_peer_text(&r->kernel, "stat", 4096, &error);
	assert_int_equal(sscanf(text, "cpu  0 0 0 0 0 0 0 0 0 0\nbtime %llu\n", &btime), 1);
	assert_true((long long)(btime + start / host) <= time(NULL) - 19 && btime > 0);
	text = fuse_peer_text(&r->kernel, "uptime", 4096, &error);
	assert_true(strtod(text, NULL) > 0);
	expect_error(r, "2/stat", -ENOENT);
	expect_error(r, "1/environ", -ENOENT);
	expect_error(r, "01/stat", -ENOENT);
	expect_error(r, "99999999999999999999/stat", -ENOENT);
	expect_error(r, "self/stat", -ENOENT);
	assert_int_equal(fuse_peer_ask(&r->kernel, FUSE_GETATTR, UINT64_MAX, NULL, 0), -ENOENT);
}

static void a_list_is_new_and_its_processes_are_the_lists(void **state)
{
	struct rig *r = *state;

	begin(r, 0);
	expect_names(r, "1 stat uptime ");
	assert_int_equal(r->questions, 1);
	expect_text(r, "1/comm", "a b)c\n");
	assert_int_equal(r->questions, 1);
	expect_names(r, "1 stat uptime ");
	assert_int_equal(r->questions, 2);
}

/* Parts are one list, in the order of the numbers; a number that is no process's, or is there twice, is not shown. */
static void lists_come_in_parts(void **state)
{
	struct rig *r = *state;
	struct proto_proc at[] = { first, first, first, first, first };

	begin(r, 0);
	at[0].pid = 4194304;
	at[1].pid = 0;
	at[2].pid = 4194305;
	at[3].pid = 12;
	at[4].pid = 12;
	at[4].comm = "other";
	r->list.at = at;
	r->list.len = ARRAY_LEN(at);
	r->manner = IN_PARTS;
	expect_names(r, "12 4194304 stat uptime ");
	assert_int_equal(r->questions, ARRAY_LEN(at));
	r->manner = ENDLESS;
	expect_names(r, "12 4194304 stat uptime ");
	assert_int_equal(r->questions, ARRAY_LEN(at) + PROCVIEW_PARTS_MAX);
}

static void what_a_guest_says_commands_no_terminal_and_no_reader(void **state)
{
	char long_text[6000];
	struct proto_proc endless = { .pid = 7, .comm = long_text, .label = long_text };
	long long user, system, vsize;
	struct rig *r = *state;
	const char *text;
	uint64_t node;
	int error;

	begin(r, 0);
	r->list.at = &evil;
	expect_names(r, "7 stat uptime ");
	text = fuse_peer_text(&r->kernel, "7/status", 4096, &error);
	assert_int_equal(strncmp(text, "Name:\tx Uid: 0 0 0 0\nState:\t? (unknown)\n", 40), 0);
	text = fuse_peer_text(&r->kernel, "7/cmdline", 4096, &error);
	assert_memory_equal(text, " [2J\0 ?z", 9);
	text = fuse_peer_text(&r->kernel, "7/stat", 4096, &error);
	assert_int_equal(strncmp(text, "7 (x Uid: 0 0 0 0) ? 1 0 0 0 -1 ", 32), 0);
	assert_int_equal(
		sscanf(strrchr(text, ')'), ") ? %*u %*u %*u %*u -1 0 0 0 0 0 %lld %lld 0 0 %*d %*d %*u 0 %*u %lld",
			&user, &system, &vsize),
		3);
	assert_true(user > 0 && system > 0 && user <= INT64_MAX - system && vsize > 0);
	expect_error(r, "7/attr/current", -EINVAL);
	assert_int_equal(fuse_peer_find(&r->kernel, "7/ns/pid", &node), 0);
	assert_int_equal(fuse_peer_ask(&r->kernel, FUSE_READLINK, node, NULL, 0), 0);
	assert_memory_equal(r->kernel.body, "pid:[0]", 7);
	/* of what is held for whoever has a file open there is no more than a kernel would have */
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	r->list.at = &endless;
	expect_names(r, "7 stat uptime ");
	text = fuse_peer_text(&r->kernel, "7/comm", 8000, &error);
	assert_int_equal(strlen(text), 64 + 1);
	text = fuse_peer_text(&r->kernel, "7/attr/current", 8000, &error);
	assert_int_equal(strlen(text), 4096 + 1);
}

static void a_guest_that_fails_is_an_error(void **state)
{
	struct rig *r = *state;
	int error;

	begin(r, 0);
	r->manner = REFUSES;
	assert_null(fuse_peer_names(&r->kernel, "", 4096, &error));
	assert_int_equal(error, -EIO);
	r->manner = GARBAGE;
	assert_null(fuse_peer_names(&r->kernel, "", 4096, &error));
	assert_int_equal(error, -EIO);
}

/* The reader has waited long enough, and so has the next one, who does not make it a second question. */
static void a_guest_that_is_silent_is_an_error(void **state)
{
	struct rig *r = *state;
	int error;

	begin(r, 1);
	r->manner = SILENT;
	assert_null(fuse_peer_names(&r->kernel, "", 4096, &error));
	assert_int_equal(error, -EIO);
	assert_null(fuse_peer_names(&r->kernel, "", 4096, &error));
	assert_int_equal(error, -EIO);
	assert_int_equal(r->questions, 1);
}

/* Who asks for a list while a question is under way gets one that was asked for later. */
static void a_late_answer_is_not_taken_for_a_new_list(void **state)
{
	const struct fuse_open_in in = { .flags = 0 };
	struct rig *r = *state;

	begin(r, 0);
	r->manner = SILENT;
	fuse_peer_send(&r->kernel, FUSE_OPENDIR, FUSE_ROOT, &in, sizeof(in));
	assert_int_equal(fuse_peer_ask(&r->kernel, FUSE_STATFS, FUSE_ROOT, NULL, 0), 0);
	fuse_peer_send(&r->kernel, FUSE_OPENDIR, FUSE_ROOT, &in, sizeof(in));
	do
		assert_int_equal(fuse_peer_ask(&r->kernel, FUSE_STATFS, FUSE_ROOT, NULL, 0), 0);
	while (r->questions < 1);
	r->manner = HONEST;
	answer_list(r, r->kept_seq, &r->list);
	assert_int_equal(fuse_peer_reply(&r->kernel), 0);
	assert_int_equal(r->kernel.header.unique, 1);
	assert_int_equal(fuse_peer_reply(&r->kernel), 0);
	assert_int_equal(r->kernel.header.unique, 3);
	assert_int_equal(r->questions, 2);
}

static void a_guest_that_cannot_be_asked_has_what_is_known(void **state)
{
	struct rig *r = *state;
	struct proto_proc two[] = { first, first };
	const char *text;
	int error;

	begin(r, 0);
	r->commands.paused = true;
	expect_names(r, "1 stat uptime ");
	text = fuse_peer_text(&r->kernel, "1/cmdline", 4096, &error);
	assert_memory_equal(text, "/bin/prog\0word\0", 16);
	text = fuse_peer_text(&r->kernel, "1/status", 4096, &error);
	assert_int_equal(strncmp(text, "Name:\tprog\nState:\tS (sleeping)\n", 31), 0);
	assert_non_null(strstr(text, "\nUid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\n"));
	assert_int_equal(r->questions, 0);
	r->commands.paused = false;
	two[1].pid = 2;
	r->list.at = two;
	r->list.len = 2;
	expect_names(r, "1 2 stat uptime ");
	r->commands.serving = false;
	expect_names(r, "1 2 stat uptime ");
	assert_int_equal(r->questions, 1);
}

/*
 * It is paused while a reader waits, and is not asked again meanwhile. No time ends the wait: the monitor may be frozen with
 * the guest, and a reader whose request it has taken cannot even be killed then.
 */
static void a_guest_that_is_paused_keeps_nobody_waiting(void **state)
{
	struct rig *r = *state;

	begin(r, 3600 * 1000);
	r->manner = PAUSED;
	expect_names(r, "1 stat uptime ");
	expect_names(r, "1 stat uptime ");
}

int main(void)
{
#define A_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		A_TEST(a_process_has_the_files_of_procfs),
		A_TEST(a_list_is_new_and_its_processes_are_the_lists),
		A_TEST(lists_come_in_parts),
		A_TEST(what_a_guest_says_commands_no_terminal_and_no_reader),
		A_TEST(a_guest_that_fails_is_an_error),
		A_TEST(a_guest_that_is_silent_is_an_error),
		A_TEST(a_late_answer_is_not_taken_for_a_new_list),
		A_TEST(a_guest_that_cannot_be_asked_has_what_is_known),
		A_TEST(a_guest_that_is_paused_keeps_nobody_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
