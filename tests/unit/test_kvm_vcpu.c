/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of a vCPU, with a false KVM behind ioctl(2), of which KVM_RUN returns when the test lets it. */
#include <errno.h>
#include <linux/kvm.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vm/kvm/vcpu.h"

#define LONG_MS 60000

static sem_t entered, let_go;

int __wrap_ioctl(int fd, unsigned long request, ...);

static bool is_kicked(void)
{
	sigset_t pending;

	(void)sigpending(&pending); /* cannot fail with a set of ours */
	return sigismember(&pending, VCPU_KICK) == 1;
}

/* As of a vCPU's thread that is in a device's reset: no signal wakes it. But a kick that is pending ends each run, as KVM has it. */
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	(void)fd;
	if (request != KVM_RUN)
		return 0;
	if (!is_kicked()) {
		(void)sem_post(&entered); /* far from its maximum */
		while (sem_wait(&let_go) < 0 && errno == EINTR)
			;
	}
	errno = EINTR;
	return is_kicked() ? -1 : 0;
}

/* Whoever has a vCPU paused or ended does not wait for ever for one that waits for a file system. */
static void a_thread_that_does_not_come_is_not_waited_for(void **state)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_INTR };
	struct vcpu v = {
		.fd = -1, .run = &run, .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(sem_init(&entered, 0, 0), 0);
	assert_int_equal(sem_init(&let_go, 0, 0), 0);
	assert_true(vcpu_await_pause(&v, 0)); /* it has no thread yet */
	assert_true(vcpu_join(&v, 0));

	assert_int_equal(vcpu_start(&v, &err), 0);
	assert_int_equal(sem_wait(&entered), 0);
	vcpu_ask_pause(&v);
	assert_false(vcpu_await_pause(&v, 1));
	vcpu_resume(&v);
	assert_int_equal(sem_post(&let_go), 0);
	assert_int_equal(sem_wait(&entered), 0); /* nothing is left of that: it runs the guest again */
	vcpu_ask_pause(&v);
	assert_int_equal(sem_post(&let_go), 0);
	assert_true(vcpu_await_pause(&v, LONG_MS));
	vcpu_resume(&v);

	assert_int_equal(sem_wait(&entered), 0);
	vcpu_stop(&v);
	assert_false(vcpu_join(&v, 1));
	assert_true(v.started);
	assert_int_equal(sem_post(&let_go), 0);
	assert_true(vcpu_join(&v, LONG_MS));
	assert_false(v.started);
	assert_true(vcpu_join(&v, 0));
	(void)sem_destroy(&entered);
	(void)sem_destroy(&let_go);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_that_does_not_come_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
