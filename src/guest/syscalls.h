/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that src/guest makes beyond those of src/base and src/channel. */
#ifndef GUEST_SYSCALLS_H
#define GUEST_SYSCALLS_H

#include "base/syscalls.h"

/* Names of the system calls that guest.c and stdio.c make, for a process's filter; NULL at the end. */
extern const char *const guest_syscalls[];

/* Those that relay.c makes beyond them, for a monitor that has relays. */
extern const char *const relay_syscalls[];
extern const struct syscall_rule relay_syscall_rules[];

/* Those that guest_relay_inet() needs, for a monitor that may have such relays. */
extern const char *const resolver_syscalls[];
extern const struct syscall_rule resolver_syscall_rules[];

#endif
