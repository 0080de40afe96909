/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of src/guest: see syscalls.h. */
#include "guest/syscalls.h"

#include <stddef.h>

const char *const guest_syscalls[] = {
	/* stdio.c: what the caller's descriptor is, and opening it again; fcntl(2) as src/base allows it */
	"fstat",
	"fstatfs",
	"newfstatat",
	"openat",

	/* guest.c: the seed in HELLO */
	"getrandom",
	NULL,
};
