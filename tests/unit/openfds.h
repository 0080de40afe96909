/* SPDX-License-Identifier: Apache-2.0 */
/* What a test leaves open. */
#ifndef TESTS_UNIT_OPENFDS_H
#define TESTS_UNIT_OPENFDS_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* How many descriptors this process has, with the one that counts them and two for "." and "..". */
static inline int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

#endif
