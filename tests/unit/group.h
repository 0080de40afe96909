/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of tests with a teardown that counts: the status of cmocka_run_group_tests() does not say that it failed. */
#ifndef TESTS_UNIT_GROUP_H
#define TESTS_UNIT_GROUP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static CMFixtureFunction group_teardown;
static int group_teardown_failed;

/* Runs the group's teardown. An assertion that fails in there does not come back. */
static inline int group_note_teardown(void **state)
{
	group_teardown_failed = 1;
	group_teardown_failed = group_teardown(state) != 0;
	return group_teardown_failed;
}

/* As cmocka_run_group_tests(), with 1 more in the status if @teardown fails. Once in a program. */
#define run_counted_tests(tests, setup, teardown) \
	(group_teardown = (teardown), cmocka_run_group_tests(tests, setup, group_note_teardown) + group_teardown_failed)

#endif
