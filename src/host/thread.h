/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that serve: small stacks, no signals, and of the process's system calls those of their role.
 *
 * The process has a filter that lets through what any of its threads needs. A thread of a role has another one on top, from
 * its first step on, as soon as thread_filter_set() has said which; the kernel takes the stricter answer of the two. A
 * thread that one of the same role starts inherits it.
 */
#ifndef HOST_THREAD_H
#define HOST_THREAD_H

#include <linux/filter.h>
#include <pthread.h>

#include "base/base.h"
#include "base/syscalls.h"

/* What a thread is for, which decides what calls it may make. The main thread has the loop;
 * the one that watches files serves none; those of the network serve the further queues of its devices. */
enum thread_role { THREAD_LOOP, THREAD_VCPU, THREAD_FILES, THREAD_WATCH, THREAD_NET, THREAD_ROLES };

/*
 * Says, before any thread is started, what threads of @role may call from then on: @filter is borrowed for ever. The
 * process must have a filter already that allows seccomp(2), and no_new_privs.
 */
void thread_filter_set(enum thread_role role, const struct sock_fprog *filter);

/*
 * The same for the Landlock ruleset @fd, which it takes (-1: none); a thread restricts itself to it before it loads its
 * filter.
 */
void thread_rules_set(enum thread_role role, int fd);

/* Makes the calling thread one of @role for good: 0 (also if there is nothing for it) or -errno. */
must_check int thread_become(enum thread_role role);

/*
 * Starts a thread of @role that runs @run(@arg): 0 or -errno. All signals are blocked in it, because they are the main thread's
 * to handle; its stack has THREAD_STACK bytes. The caller joins *@ret_thread.
 */
must_check int thread_start(enum thread_role role, pthread_t *ret_thread, void *(*run)(void *), void *arg);

/*
 * The system calls that libc makes to start, run, join and end such a thread and to give it an arena to allocate from:
 * names, NULL at the end, and rules for those that depend on arguments. A filter has to allow clone beside these (or
 * clone3, whose flags it cannot see).
 */
extern const char *const thread_syscalls[];
extern const struct syscall_rule thread_syscall_rules[];

#endif
