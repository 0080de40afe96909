/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of src/monitor: see syscalls.h. */
#include "monitor/syscalls.h"

#include <stddef.h>
#include <sys/ioctl.h>

const char *const monitor_syscalls[] = {
	"accept4",  /* control.c */
	"dup2",     /* monitor.c: /dev/null in the place of create's streams */
	"dup3",     /* what dup2(3) is where a kernel has only that */
	"pwrite64", /* member.c: the file `status`, by state_status_write() */
	"uname",    /* monitor.c: the host name for a container without one */
	NULL,
};

const unsigned long monitor_ioctls[] = {
	TIOCGWINSZ, /* member.c: the size of the terminal */
	0,
};
