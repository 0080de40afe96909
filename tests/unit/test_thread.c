/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/host/thread.c: which signals a thread may get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/thread.h"

/* Reads the calling thread's set of blocked signals (proc(5), status) into the uint64_t at @arg. */
static void *read_blocked(void *arg)
{
	unsigned long long *blocked = arg;
	char line[128];
	FILE *f = fopen("/proc/thread-self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "SigBlk: %llx", blocked) == 1)
			break;
	if (f)
		(void)fclose(f);
	return NULL;
}

/* All but SIGKILL and SIGSTOP, libc's own 32 and 33 too: also in the first thread of a process, which this one makes. */
static void blocks_all_signals(void **state)
{
	const unsigned long long all = ~(1ull << (9 - 1) | 1ull << (19 - 1));

	(void)state;
	for (int i = 0; i < 3; i++) {
		unsigned long long blocked = 0, before = 0, after = 0;
		pthread_t thread;

		(void)read_blocked(&before);
		assert_int_equal(thread_start(THREAD_FILES, &thread, read_blocked, &blocked), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_true(blocked == all);
		(void)read_blocked(&after);
		assert_true(before == after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_all_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
