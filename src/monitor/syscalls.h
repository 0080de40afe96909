/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that src/monitor makes beyond those of src/base. */
#ifndef MONITOR_SYSCALLS_H
#define MONITOR_SYSCALLS_H

#include "base/syscalls.h"

/* Names of the system calls that the monitor and its members make once they are enclosed; NULL at the end. */
extern const char *const monitor_syscalls[];

/* Request numbers of the ioctl(2)s that they make then; 0 at the end. */
extern const unsigned long monitor_ioctls[];

/* What they make then of calls that depend on arguments; a rule without a name at the end. */
extern const struct syscall_rule monitor_syscall_rules[];

#endif
