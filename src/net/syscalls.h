/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of src/net that are made after the jail has been entered: reading, by view.c. */
#ifndef NET_SYSCALLS_H
#define NET_SYSCALLS_H

/* Names of the system calls that view_read() makes beyond those of src/base, for a process's filter; NULL at the end. */
extern const char *const net_syscalls[];

#endif
