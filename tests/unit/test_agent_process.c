/* SPDX-License-Identifier: Apache-2.0 */
/* The agent without a virtual machine (tests/unit/agent_rig.h): processes from start to end, and their streams. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_rig.h"
#include "base/fd.h"

static void exit_codes_and_signals(void **state)
{
	(void)state;
	rig_need_root();
	box_init(&box, "exit 0");
	assert_int_equal(box_run(&box), 0);
	box_init(&box, "exit 7");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 7);
	box_init(&box, "sh -c 'kill -9 $$'; echo $?");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "137\n");
}

static void output_and_input(void **state)
{
	(void)state;
	rig_need_root();
	box_init(&box, "echo out; echo err >&2; cat; echo end");
	assert_int_equal(box_create(&box, true), 0);
	box_start(&box);
	assert_int_equal(write(box.in, "typed\n", 6), 6);
	fd_close(box.in);
	box.in = -1;
	box_wait_exit(&box);
	box_read(&box);
	box_expect_out(&box, "out\ntyped\nend\n");
	assert_string_equal(box.text[1], "err\n");
	box_delete(&box);
}

/* The pipe holds 64 KiB, and the test reads late: the exit must come after all of the output has been read. */
static void output_waits_for_a_slow_reader(void **state)
{
	static char chunk[65536];
	size_t total = 0;
	ssize_t n;
	pid_t reader;
	int status;

	(void)state;
	rig_need_root();
	box_init(&box, "busybox dd if=/dev/zero bs=65536 count=320 2>/dev/null; exit 3");
	box.devices[1] = (struct guest_device){ "/dev/zero", S_IFCHR | 0666, 1, 5, 0, 0 };
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	/* control messages get through while nothing is read */
	for (int i = 0; i < 20; i++) {
		struct err err = ERR_INIT;

		assert_int_equal(guest_sync(rig.guest, rig_on_done, &rig, &err), 0);
		assert_int_equal(rig_answer(), 0);
	}
	assert_false(rig.exited[box.c.process.id]);
	reader = fork();
	assert_true(reader >= 0);
	if (reader == 0) {
		/* the child closes all but its input: with the write end open, it would never read the end */
		assert_int_equal(dup2(box.out[0], 0), 0);
		(void)syscall(SYS_close_range, 3, ~0u, 0);
		while ((n = read(0, chunk, 1000)) > 0)
			total += (size_t)n;
		_exit(total == 320 * 65536 ? 0 : 1);
	}
	box_wait_exit(&box);
	assert_int_equal(WEXITSTATUS(rig.status), 3);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
	box_read(&box);
	box_delete(&box);
}

static void names_a_missing_program(void **state)
{
	static const struct {
		const char *program, *msg;
		int exit_status;
	} cases[] = {
		{ "nosuch", "exec: \"nosuch\": executable file not found in $PATH", 127 },
		{ "/bin/nosuch", "exec: \"/bin/nosuch\": stat /bin/nosuch: No such file or directory", 127 },
		{ "/etc/noexec", "exec: \"/etc/noexec\": permission denied", 126 },
		{ "/etc", "exec: \"/etc\": is a directory: permission denied", 126 },
	};

	(void)state;
	rig_need_root();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		box_init(&box, "");
		box.args[0] = cases[i].program;
		assert_int_not_equal(box_create(&box, true), 0);
		if (strcasecmp(rig.err.msg, cases[i].msg) != 0)
			fail_msg("wanted \"%s\", got \"%s\"", cases[i].msg, rig.err.msg);
		assert_int_equal(rig.err.exit_status, cases[i].exit_status);
		box_read(&box);
	}
	box_init(&box, "echo the id is free again");
	assert_int_equal(box_run(&box), 0);
}

static void names_what_is_missing_of_a_program(void **state)
{
	static const struct {
		const char *script, *msg;
	} cases[] = {
		{ "#!/no/such -x\n",
			"exec /bin/script: no such file or directory: its interpreter \"/no/such\" is missing" },
		{ "#!/bin/sh\r\necho\r\n",
			"exec /bin/script: no such file or directory: its interpreter \"/bin/sh\\r\" is "
			"missing: the file has DOS line ends (CR LF)" },
	};
	struct err err = ERR_INIT;

	(void)state;
	rig_need_root();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char command[256];

		box_init(&box, "");
		(void)snprintf(
			command, sizeof(command), "printf '%s' >bin/script; chmod 755 bin/script", cases[i].script);
		rig_in_rootfs(command);
		box.args[0] = "/bin/script";
		assert_int_equal(box_create(&box, false), 0);
		assert_int_equal(guest_start(rig.guest, box.c.process.id, rig_on_done, &rig, &err), 0);
		assert_int_equal(rig_answer(), ENOENT);
		assert_string_equal(rig.err.msg, cases[i].msg);
		assert_int_equal(rig.err.exit_status, 127);
		box_wait_exit(&box);
		box_read(&box);
		box_delete(&box);
	}
}

static void signals_reach_the_init(void **state)
{
	struct err err = ERR_INIT;
	char ready[6];

	(void)state;
	rig_need_root();
	box_init(&box, "trap 'echo term; exit 9' TERM; echo ready; while :; do busybox sleep 1; done");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	/* any request makes the loop run, which fills the pipe */
	do {
		assert_int_equal(guest_sync(rig.guest, rig_on_done, &rig, &err), 0);
		assert_int_equal(rig_answer(), 0);
		assert_int_equal(fd_set_nonblock(box.out[0], 1), 0);
	} while (read(box.out[0], ready, 6) < 0 && errno == EAGAIN);
	assert_int_equal(fd_set_nonblock(box.out[0], 0), 0);
	assert_int_equal(guest_signal(rig.guest, box.c.process.id, SIGTERM, false, rig_on_done, &rig, &err), 0);
	assert_int_equal(rig_answer(), 0);
	box_wait_exit(&box);
	assert_int_equal(WEXITSTATUS(rig.status), 9);
	box_read(&box);
	box_expect_out(&box, "term\n");
	assert_int_equal(guest_signal(rig.guest, box.c.process.id, SIGTERM, false, rig_on_done, &rig, &err), 0);
	assert_int_equal(rig_answer(), ESRCH);
	assert_string_equal(rig.err.msg, "container not running");
	box_delete(&box);
}

/* A SIGTERM comes right after START; the exit status of @script must be @wanted. */
static void early_term(const char *script, int wanted)
{
	struct err err = ERR_INIT;

	rig_need_root();
	box_init(&box, script);
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	assert_int_equal(guest_signal(rig.guest, box.c.process.id, SIGTERM, false, rig_on_done, &rig, &err), 0);
	assert_int_equal(rig_answer(), 0);
	box_wait_exit(&box);
	assert_true(WIFEXITED(rig.status));
	assert_int_equal(WEXITSTATUS(rig.status), wanted);
	box_read(&box);
	box_delete(&box);
}

static void early_signals_wait_for_a_handler(void **state)
{
	(void)state;
	early_term("busybox sleep 0.1; trap 'exit 9' TERM; while :; do busybox sleep 0.05; done", 9);
	/* once the time to get ready is over, the kernel discards the signal, for which pid 1 has no handler */
	early_term("busybox sleep 4; trap 'exit 9' TERM; busybox sleep 0.1; exit 4", 4);
}

/* The masks of its signals stand behind its groups, of which there may be many. */
static void a_signal_waits_for_one_with_many_groups(void **state)
{
	static uint32_t groups[3000];
	struct err err = ERR_INIT;

	(void)state;
	rig_need_root();
	for (uint32_t i = 0; i < ARRAY_LEN(groups); i++)
		groups[i] = 1000000 + i;
	box_init(&box, "busybox sleep 0.3; trap 'exit 9' TERM; busybox sleep 0.5; exit 4");
	box.c.process.groups = (struct guest_ids){ ARRAY_LEN(groups), groups };
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	assert_int_equal(guest_signal(rig.guest, box.c.process.id, SIGTERM, false, rig_on_done, &rig, &err), 0);
	assert_int_equal(rig_answer(), 0);
	box_wait_exit(&box);
	assert_int_equal(WEXITSTATUS(rig.status), 9);
	box_read(&box);
	box_delete(&box);
}

/* The answer to START comes before the exit, however soon that is. */
static void ends_at_once(void **state)
{
	(void)state;
	rig_need_root();
	for (int i = 0; i < PROCESSES_MAX - 2; i++) {
		box_init(&box, "exit 3");
		box.args[0] = "busybox"; /* without a shell: no program ends sooner */
		box.args[1] = "false";
		box.c.process.args.len = 2;
		assert_int_equal(box_create(&box, false), 0);
		box_start(&box);
		box_wait_exit(&box);
		assert_int_equal(WEXITSTATUS(rig.status), 1);
		box_read(&box);
		box_delete(&box);
	}
}

/* A process that waits for its start is ended by @signo, after @before has not ended it. */
static void ended_before_its_start(int before, int signo)
{
	struct err err = ERR_INIT;

	rig_need_root();
	box_init(&box, "echo never");
	assert_int_equal(box_create(&box, false), 0);
	if (before) {
		assert_int_equal(guest_signal(rig.guest, box.c.process.id, before, false, rig_on_done, &rig, &err), 0);
		assert_int_equal(rig_answer(), 0);
	}
	assert_int_equal(guest_signal(rig.guest, box.c.process.id, signo, false, rig_on_done, &rig, &err), 0);
	assert_int_equal(rig_answer(), 0);
	box_wait_exit(&box);
	assert_true(WIFSIGNALED(rig.status));
	assert_int_equal(WTERMSIG(rig.status), signo);
	box_read(&box);
	box_expect_out(&box, "");
	assert_int_equal(guest_start(rig.guest, box.c.process.id, rig_on_done, &rig, &err), 0);
	assert_int_equal(rig_answer(), ESRCH);
	box_delete(&box);
}

static void killed_before_its_start(void **state)
{
	(void)state;
	ended_before_its_start(0, SIGKILL);
}

/* As with runc: SIGTERM ends it, although the kernel would discard it for the first process of a pid namespace. */
static void terminated_before_its_start(void **state)
{
	(void)state;
	ended_before_its_start(SIGUSR1, SIGTERM);
	ended_before_its_start(SIGCHLD, SIGINT);
}

static void deleted_while_it_runs(void **state)
{
	(void)state;
	rig_need_root();
	/* nobody reads the output, which is more than all pipes and windows hold: DELETE does not wait for it */
	box_init(&box, "busybox yes");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	box_delete(&box);
	fd_close(box.out[0]);
	box.out[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	box_wait_exit(&box);
	assert_int_equal(WTERMSIG(rig.status), SIGKILL);
	box_read(&box);
}

/* Processes that the first one leaves behind are killed with it, and do not hold the output open. */
static void background_children_end_with_init(void **state)
{
	(void)state;
	rig_need_root();
	box_init(&box, "busybox sleep 1000 & echo started; exit 4");
	assert_int_equal(WEXITSTATUS(box_run(&box)), 4);
	box_expect_out(&box, "started\n");
}

static void executes_in_a_container(void **state)
{
	static struct box ex;

	(void)state;
	rig_need_root();
	box_init(&box, "busybox sleep 1000");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	box_init(&ex, "busybox hostname; test $$ != 1 && echo not one; busybox ls /; exit 5");
	ex.c.process.cwd = "/etc";
	if (box_exec(&ex, "c") != 0)
		fail_msg("exec: %s", rig.err.msg);
	box_wait_exit(&ex);
	assert_int_equal(WEXITSTATUS(rig.status), 5);
	box_read(&ex);
	rig_expect_in(ex.text[0], "boxed\nnot one\nbin\ndev\netc\n");
	/* a process that leaves a child with its output open: its exit does not wait for the child */
	box_init(&ex, "busybox sleep 1000 & echo left");
	assert_int_equal(box_exec(&ex, "c"), 0);
	box_wait_exit(&ex);
	box_read(&ex);
	box_expect_out(&ex, "left\n");
	/* a program that does not exist */
	box_init(&ex, "");
	ex.args[0] = "nosuch";
	assert_int_equal(box_exec(&ex, "c"), ENOENT);
	assert_int_equal(rig.err.exit_status, 127);
	box_read(&ex);
	assert_int_equal(box_exec(&ex, "other"), ESRCH);
	box_read(&ex);
	box_delete(&box);
	box_wait_exit(&box);
	box_read(&box);
}

/* A second container joins namespaces of the first, as the members of a pod do. */
static void joins_another_container(void **state)
{
	static struct box member;

	(void)state;
	rig_need_root();
	box_init(&box, "busybox sleep 1000");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	box_init(&member, "busybox hostname; test $$ != 1; echo $?; busybox ps | busybox grep -c 'slee[p] 1000'");
	member.c.cid = "member";
	member.c.hostname = "";
	member.c.ns[GUEST_NS_UTS] = (struct guest_namespace){ GUEST_NS_JOIN, "c" };
	member.c.ns[GUEST_NS_PID] = (struct guest_namespace){ GUEST_NS_JOIN, "c" };
	assert_int_equal(WEXITSTATUS(box_run(&member)), 0);
	box_expect_out(&member, "boxed\n0\n1\n");
	box_delete(&box);
	box_wait_exit(&box);
	box_read(&box);
}

/* The scheduling policy of the agent. */
static int agent_policy(void)
{
	return sched_getscheduler(rig_agent_pid());
}

/* Small output makes the agent a batch task, a request an ordinary one; no process inherits it. */
static void output_is_no_hurry(void **state)
{
	(void)state;
	rig_need_root();
	box_init(&box, "echo small; busybox cut -d ' ' -f 41 /proc/self/stat");
	assert_int_equal(box_create(&box, false), 0);
	assert_int_equal(agent_policy(), SCHED_OTHER);
	box_start(&box);
	box_wait_exit(&box);
	assert_int_equal(agent_policy(), SCHED_BATCH);
	box_read(&box);
	box_expect_out(&box, "small\n0\n");
	box_delete(&box);
	assert_int_equal(agent_policy(), SCHED_OTHER);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_rig(exit_codes_and_signals),
		in_a_rig(output_and_input),
		in_a_rig(output_waits_for_a_slow_reader),
		in_a_rig(output_is_no_hurry),
		in_a_rig(names_a_missing_program),
		in_a_rig(names_what_is_missing_of_a_program),
		in_a_rig(signals_reach_the_init),
		in_a_rig(early_signals_wait_for_a_handler),
		in_a_rig(a_signal_waits_for_one_with_many_groups),
		in_a_rig(ends_at_once),
		in_a_rig(killed_before_its_start),
		in_a_rig(terminated_before_its_start),
		in_a_rig(deleted_while_it_runs),
		in_a_rig(background_children_end_with_init),
		in_a_rig(executes_in_a_container),
		in_a_rig(joins_another_container),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
