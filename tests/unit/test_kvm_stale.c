/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest is to forget: the way from the threads of the file services to the loop. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/loop.h"
#include "fs/fs.h"
#include "vm/kvm/stale.h"

#define BOUND (UINT64_C(4) << 20) /* the least that counts; half of it is for nodes */
#define PIECE 512u

struct end {
	struct loop *loop;
	struct stale stale;
	struct vm_stale got;
};

static void on_stale(void *arg)
{
	struct end *e = arg;

	stale_take(&e->stale, &e->got);
	loop_stop(e->loop);
}

/* As a thread that serves the guest: takes memory until there is no more. */
static void *take_all(void *arg)
{
	size_t *taken = arg;

	while (fs_memory_take(PIECE) == 0)
		*taken += PIECE;
	return NULL;
}

static void too_many_names_are_told(void **state)
{
	struct end e = { .loop = NULL };
	struct fs *fs[VM_SHARES] = { NULL };
	struct err err = ERR_INIT;
	size_t taken = 0;
	pthread_t thread;

	(void)state;
	if (loop_new(&e.loop) < 0 || stale_new(&e.stale, BOUND, &err) < 0 || fs_new(-1, &fs[0], &err) < 0 ||
		fs_new(-1, &fs[1], &err) < 0)
		fail_msg("%s", err.msg);
	stale_init(&e.stale, fs, NULL);
	assert_int_equal(stale_start(&e.stale, fs[0], e.loop, on_stale, &e), 0);
	stale_take(&e.stale, &e.got);
	assert_false(e.got.idle);
	assert_int_equal(pthread_create(&thread, NULL, take_all, &taken), 0);
	assert_int_equal(loop_run(e.loop), 0);
	assert_true(e.got.idle);
	assert_false(e.got.all);
	assert_int_equal(e.got.moved.n + e.got.gone.n, 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(taken, BOUND / 2);
	fs_memory_give(taken);
	assert_int_equal(fs_memory_held(), 0);
	vm_stale_done(&e.got);
	stale_stop(&e.stale);
	fs_free(fs[0]);
	fs_free(fs[1]);
	stale_done(&e.stale);
	/* nobody is asked any more, and nothing is bounded */
	assert_int_equal(fs_memory_take(2 * BOUND), 0);
	fs_memory_give(2 * BOUND);
	loop_free(e.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_many_names_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
