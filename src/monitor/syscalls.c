/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of src/monitor: see syscalls.h. */
#include "monitor/syscalls.h"

#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

const char *const monitor_syscalls[] = {
	"accept4",  /* control.c */
	"pwrite64", /* member.c: the file `status`, by state_status_write() */
	"uname",    /* monitor.c: the host name for a container without one */
	NULL,
};

const unsigned long monitor_ioctls[] = {
	TIOCGWINSZ, /* member.c, exec.c: the size of a terminal */
	0,
};

/* monitor.c: /dev/null in the place of create's streams; dup3(2) is what dup2(2) is where a kernel has only that. */
const struct syscall_rule monitor_syscall_rules[] = {
	{ "dup2", { { 1, SYSCALL_INT, STDIN_FILENO } } },
	{ "dup2", { { 1, SYSCALL_INT, STDOUT_FILENO } } },
	{ "dup2", { { 1, SYSCALL_INT, STDERR_FILENO } } },
	{ "dup3", { { 1, SYSCALL_INT, STDIN_FILENO } } },
	{ "dup3", { { 1, SYSCALL_INT, STDOUT_FILENO } } },
	{ "dup3", { { 1, SYSCALL_INT, STDERR_FILENO } } },
	{ .name = NULL },
};
