/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that serve: small stacks, and no signals.
 */
#ifndef HOST_THREAD_H
#define HOST_THREAD_H

#include <pthread.h>

#include "base/base.h"
#include "base/syscalls.h"

/*
 * Starts a thread that runs @run(@arg): 0 or -errno. All signals are blocked in it, because they are the main thread's
 * to handle; its stack has THREAD_STACK bytes. The caller joins *@ret_thread.
 */
must_check int thread_start(pthread_t *ret_thread, void *(*run)(void *), void *arg);

/*
 * The system calls that libc makes to start, run, join and end such a thread and to give it an arena to allocate from:
 * names, NULL at the end, and rules for those that depend on arguments. A filter has to allow clone beside these (or clone3, whose flags it cannot see).
 */
extern const char *const thread_syscalls[];
extern const struct syscall_rule thread_syscall_rules[];

#endif
