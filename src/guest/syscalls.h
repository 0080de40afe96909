/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that src/guest makes beyond those of src/base and src/channel. */
#ifndef GUEST_SYSCALLS_H
#define GUEST_SYSCALLS_H

/* Names of the system calls that guest.c and stdio.c make, for a process's filter; NULL at the end. */
extern const char *const guest_syscalls[];

#endif
