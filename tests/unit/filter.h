/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a test under the system call lists of the code that it tests: see filter.c.
 */
#ifndef TESTS_UNIT_FILTER_H
#define TESTS_UNIT_FILTER_H

/* Whether the test is built with a sanitizer, whose runtime makes calls of its own. */
#ifndef __has_feature /* clang says by this what gcc says by macros */
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
	__has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/*
 * Each test program that is linked with filter.c defines this: the system calls that the test itself makes in threads
 * that serve, NULL at the end.
 */
extern const char *const harness_syscalls[];

#endif
