/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of src/guest: see syscalls.h. */
#include "guest/syscalls.h"

#include <stddef.h>
#include <sys/socket.h>

const char *const guest_syscalls[] = {
	/* stdio.c: what the caller's descriptor is, and opening it again; openat(2) and fcntl(2) as src/base allows them */
	"fstat",
	"fstatfs",
	"newfstatat",

	/* relay.c: a connection to a listening descriptor, which an exec may bring, and its name */
	"accept4",
	"getsockname",

	/* guest.c: the seed in HELLO */
	"getrandom",
	NULL,
};

const char *const relay_syscalls[] = {
	"connect", /* to the host's socket */
	"fchdir",  /* to where its path begins */
	NULL,
};

const char *const resolver_syscalls[] = {
	"connect", /* relay.c: to a resolver of the network namespace */
	NULL,
};

const struct syscall_rule resolver_syscall_rules[] = {
	{ "socket", { { 0, SYSCALL_INT, AF_INET }, { 1, SYSCALL_INT, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC } } },
	{ .name = NULL },
};

const struct syscall_rule relay_syscall_rules[] = {
	{ "socket", { { 0, SYSCALL_INT, AF_UNIX } } },
	{ .name = NULL },
};
