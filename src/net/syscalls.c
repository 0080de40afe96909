/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of src/net: see syscalls.h. */
#include "net/syscalls.h"

#include <stddef.h>

const char *const net_syscalls[] = {
	"sendto", /* rtnl.c: questions to the kernel; it can do nothing that sendmsg of src/base cannot */
	NULL,
};
