/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that src/base and libc make in a process whose filter lets nothing else through. */
#ifndef BASE_SYSCALLS_H
#define BASE_SYSCALLS_H

/*
 * Names of the system calls that the loop, descriptors, timers and buffers of
 * src/base make, and those that libc makes for any program with threads (memory,
 * locks, the end); NULL at the end. Left out on purpose: what src/base/hook.c
 * and src/base/netif.c call, since a filtered process runs no hooks and brings
 * up no interfaces.
 */
extern const char *const base_syscalls[];

#endif
