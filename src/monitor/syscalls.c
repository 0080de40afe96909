/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of src/monitor: see syscalls.h. */
#include "monitor/syscalls.h"

#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "channel/syscalls.h"
#include "guest/syscalls.h"
#include "net/syscalls.h"
#include "vm/guestlog.h"

/* What src/monitor makes beyond src/base. */
static const char *const names[] = {
	"accept4",  /* control.c */
	"pwrite64", /* member.c: the file `status`, by state_status_write() */
	"uname",    /* monitor.c: the host name for a container without one */
	NULL,
};

static const unsigned long ioctls[] = {
	TIOCGWINSZ, /* member.c, exec.c: the size of a terminal */
	0,
};

/* monitor.c: /dev/null in the place of create's streams; dup3(2) is what dup2(2) is where a kernel has only that. */
static const struct syscall_rule rules[] = {
	{ "dup2", { { 1, SYSCALL_INT, STDIN_FILENO } } },
	{ "dup2", { { 1, SYSCALL_INT, STDOUT_FILENO } } },
	{ "dup2", { { 1, SYSCALL_INT, STDERR_FILENO } } },
	{ "dup3", { { 1, SYSCALL_INT, STDIN_FILENO } } },
	{ "dup3", { { 1, SYSCALL_INT, STDOUT_FILENO } } },
	{ "dup3", { { 1, SYSCALL_INT, STDERR_FILENO } } },
	{ .name = NULL },
};

const struct vm_calls monitor_calls[] = {
	{ .names = names, .ioctls = ioctls, .rules = rules },
	{ .names = net_syscalls },
	{ .names = guestlog_syscalls },
	{ .names = guest_syscalls },
	{ .names = channel_syscalls, .ioctls = channel_ioctls },
	{ .names = base_syscalls, .rules = base_syscall_rules },
	{ .names = NULL },
};

const struct vm_calls monitor_relay_calls[] = {
	{ .names = relay_syscalls, .rules = relay_syscall_rules },
	{ .names = NULL },
};

const struct vm_calls monitor_resolver_calls[] = {
	{ .names = resolver_syscalls, .rules = resolver_syscall_rules },
	{ .names = NULL },
};
