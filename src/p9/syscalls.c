/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that the 9P server makes itself: see p9_syscalls in p9.h. All it does to files is src/fs's. */
#include <stddef.h>

#include "p9/p9.h"

const char *const p9_syscalls[] = {
	"clock_gettime", /* lock.c; only where the vDSO has none */
	"futex",         /* every lock and condition [pthread_*] */
	NULL,
};
