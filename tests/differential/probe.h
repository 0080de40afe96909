/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the differential test's probe share. */
#ifndef TESTS_DIFFERENTIAL_PROBE_H
#define TESTS_DIFFERENTIAL_PROBE_H

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct probe_call {
	const char *name;   /* as facts name it */
	long (*call)(void); /* below 0: refused, for the reason in errno */
};

/* All calls that are tried; ends with a NULL name. */
extern const struct probe_call probe_calls[];

#endif
