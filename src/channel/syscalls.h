/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that src/channel makes beyond those of src/base. */
#ifndef CHANNEL_SYSCALLS_H
#define CHANNEL_SYSCALLS_H

/* Names of the system calls that the pumps make, for a process's filter; NULL at the end. */
extern const char *const channel_syscalls[];

/* Request numbers of the ioctl(2)s that the pumps make, for a process's filter; 0 at the end. */
extern const unsigned long channel_ioctls[];

#endif
