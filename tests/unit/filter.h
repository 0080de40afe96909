/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a test under the system call lists of the code that it tests: see filter.c.
 */
#ifndef TESTS_UNIT_FILTER_H
#define TESTS_UNIT_FILTER_H

/*
 * Each test program that is linked with filter.c defines this: the system calls that the test itself makes in threads
 * that serve, NULL at the end.
 */
extern const char *const harness_syscalls[];

#endif
