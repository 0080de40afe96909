/* SPDX-License-Identifier: Apache-2.0 */
/* The qemu engine with a false QEMU that answers too late, or is not to be ended: what the VM is then, and for how long one waits. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/unit/qemu_bench.h"

#define ANSWER_MS 100  /* that the false QEMU has */
#define HANG_MS 20000  /* that a false QEMU hangs which cannot be killed */
#define BOUND_MS 10000 /* until when the VM has ended without it */
#define RESUMED "{\"event\": \"RESUME\"}\n"
#define SENT_AWAY "{\"id\": 4, \"error\": {\"class\": \"GenericError\", \"desc\": \"Resetting is required\"}}\n"

/* ---- the false QEMU ---- */

/* It stops when it has been told to go on again already. Then it is as any other, and ends of an error. */
static void fake_late_stop(int qmp, int agent)
{
	fake_hear(qmp, "stop");
	fake_hear(qmp, "cont");
	fake_say(qmp, STOPPED OK(3) RESUMED OK(4));
	fake_say(agent, "!");
	fake_hear(qmp, "stop");
	fake_say(qmp, STOPPED OK(5));
	fake_hear(qmp, "cont");
	fake_say(qmp, RESUMED OK(6) STOPPED);
}

/* It goes on when it has been told to stop again already. */
static void fake_late_cont(int qmp, int agent)
{
	fake_hear(qmp, "stop");
	fake_say(qmp, STOPPED OK(3));
	fake_hear(qmp, "cont");
	fake_hear(qmp, "stop");
	fake_say(qmp, RESUMED OK(4) STOPPED OK(5));
	fake_say(agent, "!");
	fake_hear(qmp, "cont");
	fake_say(qmp, RESUMED OK(6) STOPPED);
}

static int fake_main(const char *how, char **argv)
{
	int qmp = fake_fd(argv, "id=qmp"), agent = fake_fd(argv, "id=agent");

	fake_boot(qmp);
	if (!strcmp(how, "late-stop")) {
		fake_late_stop(qmp, agent);
	} else if (!strcmp(how, "late-cont")) {
		fake_late_cont(qmp, agent);
	} else if (!strcmp(how, "refuses")) {
		fake_hear(qmp, "stop");
		fake_hear(qmp, "cont");
		fake_say(qmp, STOPPED OK(3) SENT_AWAY);
	} else if (!strcmp(how, "hangs")) {
		fake_hear(qmp, "stop");
		(void)close(qmp);
		return poll(NULL, 0, HANG_MS);
	} else if (!strcmp(how, "babbles")) {
		fake_hear(qmp, "stop");
		fake_say(qmp, "STOP\n");
	}
	return pause(); /* until it is killed */
}

/* ---- the test's side ---- */

static struct vm *start(struct bench *b, const char *fake)
{
	struct vm *vm;

	bench_open(b, fake);
	b->cfg.answer_ms = ANSWER_MS;
	vm = bench_new(b);
	bench_start(b, vm);
	return vm;
}

static void on_word(void *arg, uint32_t events)
{
	struct bench *b = arg;

	(void)events;
	loop_stop(b->loop);
}

/* Runs the loop until the false QEMU has said a word to the agent's channel; what it has said over QMP is taken before. */
static void await_word(struct bench *b, struct vm *vm)
{
	struct watch *watch;
	char word;

	assert_int_equal(watch_new(b->loop, vm_channel_fd(vm), EPOLLIN, on_word, b, &watch), 0);
	assert_int_equal(loop_run(b->loop), 0);
	watch_free(watch);
	if (b->exits)
		fail_msg("the VM has ended: %s", b->detail);
	assert_int_equal(recv(vm_channel_fd(vm), &word, 1, 0), 1);
}

static void expect_end(struct bench *b, struct vm *vm, const char *detail)
{
	assert_int_equal(loop_run(b->loop), 0);
	assert_int_equal(b->exits, 1);
	assert_int_equal(b->how, VM_EXIT_FAILED);
	assert_string_equal(b->detail, detail);
	vm_free(vm);
	bench_close(b);
}

/* The VM runs on, as the caller is told: it may be paused again, and only a stop that nobody has asked for is an error. */
static void a_late_stop_is_undone(void **state)
{
	struct err err = ERR_INIT;
	struct bench b;
	struct vm *vm;

	(void)state;
	vm = start(&b, "late-stop");
	assert_int_equal(vm_pause(vm, &err), -ETIMEDOUT);
	await_word(&b, vm);
	assert_int_equal(vm_pause(vm, &err), 0);
	assert_int_equal(vm_resume(vm, &err), 0);
	assert_int_equal(b.exits, 0);
	expect_end(&b, vm, "qemu: stopped the guest on an internal error");
}

/* The VM stays paused, and can be resumed. */
static void a_late_cont_is_undone(void **state)
{
	struct err err = ERR_INIT;
	struct bench b;
	struct vm *vm;

	(void)state;
	vm = start(&b, "late-cont");
	assert_int_equal(vm_pause(vm, &err), 0);
	assert_int_equal(vm_resume(vm, &err), -ETIMEDOUT);
	await_word(&b, vm);
	assert_int_equal(vm_pause(vm, &err), 0); /* it is */
	assert_int_equal(vm_resume(vm, &err), 0);
	assert_int_equal(b.exits, 0);
	expect_end(&b, vm, "qemu: stopped the guest on an internal error");
}

/* A guest that stands still for good does not count as one that runs. */
static void what_cannot_be_undone_is_the_end(void **state)
{
	struct err err = ERR_INIT;
	struct bench b;
	struct vm *vm;

	(void)state;
	vm = start(&b, "refuses");
	assert_int_equal(vm_pause(vm, &err), -ETIMEDOUT);
	expect_end(&b, vm, "qemu: cannot undo what it has not done in time");
}

/* What is no QMP is the end, also in the place of an answer. */
static void nonsense_is_no_answer(void **state)
{
	struct err err = ERR_INIT;
	struct bench b;
	struct vm *vm;

	(void)state;
	vm = start(&b, "babbles");
	assert_int_equal(vm_pause(vm, &err), -EBADMSG);
	expect_end(&b, vm, "qemu: sent something that is not QMP");
}

/* As syscall(2), of a kernel in which a process cannot be killed: it waits for a file system that does not answer. */
static bool unkillable;
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long args[6];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < ARRAY_LEN(args); i++)
		args[i] = va_arg(ap, long);
	va_end(ap);
	if (unkillable && number == SYS_pidfd_send_signal)
		return 0;
	return __real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

/* Who waits for QEMU on the loop does not wait for its end: the container ends without it. */
static void one_that_cannot_end_is_not_waited_for(void **state)
{
	struct err err = ERR_INIT;
	int64_t begin = clock_now_ms();
	struct bench b;
	struct vm *vm;

	(void)state;
	vm = start(&b, "hangs");
	unkillable = true;
	assert_int_equal(vm_pause(vm, &err), -EIO);
	assert_int_equal(loop_run(b.loop), 0);
	assert_in_range(clock_now_ms() - begin, 0, BOUND_MS);
	assert_int_equal(b.exits, 1);
	assert_int_equal(b.how, VM_EXIT_FAILED);
	assert_non_null(strstr(b.detail, "cannot end"));
	assert_false(vm_end(vm, 0));
	unkillable = false;
	vm_free(vm);
	bench_close(&b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_stop_is_undone),
		cmocka_unit_test(a_late_cont_is_undone),
		cmocka_unit_test(what_cannot_be_undone_is_the_end),
		cmocka_unit_test(nonsense_is_no_answer),
		cmocka_unit_test(one_that_cannot_end_is_not_waited_for),
	};

	(void)argc;
	bench_begin(argv, fake_main);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
