/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that src/base and libc make in a process whose filter lets nothing else through. */
#ifndef BASE_SYSCALLS_H
#define BASE_SYSCALLS_H

#include <stdint.h>

/* The mask of an argument that the kernel takes as an int: what is in its upper half is nobody's concern. */
#define SYSCALL_INT UINT32_MAX
#define SYSCALL_TESTS 2

/*
 * Of openat(2): its first argument is a descriptor, which AT_FDCWD is not. A path that libc looks up for itself (free(3) asks
 * /proc/sys/vm/overcommit_memory when an arena shrinks) leads into the container's root, and there into file systems that this
 * process serves itself: a thread that waits for them holds a lock of malloc(3), and can be killed by nobody.
 */
#define SYSCALL_AT_DESCRIPTOR  \
	{                      \
		0, 1u << 31, 0 \
	}

/* A test of a system call's argument number @arg (0 to 5): masked with @mask it is @value. Without a mask it is none. */
struct syscall_test {
	unsigned int arg;
	uint64_t mask, value;
};

/*
 * A system call that a filter allows where all of @tests hold, for calls whose name alone would allow too much. A call
 * may have several rules, each of which is enough; it must be in no list of names then.
 */
struct syscall_rule {
	const char *name; /* NULL at the end of a list */
	struct syscall_test tests[SYSCALL_TESTS];
};

/*
 * Names of the system calls that the loop, descriptors, timers and buffers of
 * src/base make, and those that libc makes for any program with threads (memory,
 * locks, the end); NULL at the end. Left out on purpose: what src/base/hook.c
 * and src/base/netif.c call, since a filtered process runs no hooks and brings
 * up no interfaces.
 */
extern const char *const base_syscalls[];

/* What these make of calls that depend on arguments; a rule without a name at the end. */
extern const struct syscall_rule base_syscall_rules[];

#endif
