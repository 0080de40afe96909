/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small kernel in the memory of a test: descriptors of sockets, pipes, eventfds, timers, epoll instances and files that
 * cost no system call.
 *
 * A program that is linked with KERNEL_WRAP (local.mk) makes these calls through __wrap_ functions (kernel.c). Between
 * kernel_begin() and kernel_end() what they make are descriptors of this kernel, from KERNEL_FIRST on; descriptors below
 * go to the real kernel as ever. The product's code is the same, and so is what it is told: tests/unit/test_kernel.c makes
 * the same calls of both kernels and compares.
 *
 * What a test gains beside time: a call that would wait for ever ends the run, as nobody else is there to end the wait; so
 * does a call with a descriptor that is not open, or that is closed twice, and a descriptor that is left open at the end.
 * The clock of timers goes on by a millisecond with each wait for events, and on to the next timer if nothing else comes.
 * Faults may be asked for: calls that do less than they are asked, that are to be made again, that find no descriptor.
 *
 * Large pieces of memory come from blocks that stay mapped (kernel_blocks.c), and must be freed by the end of the input.
 *
 * One thread at a time uses it.
 */
#ifndef TESTS_FUZZ_KERNEL_H
#define TESTS_FUZZ_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/fuzz/replay.h"

#define KERNEL_FIRST \
	0x1000 /* the lowest descriptor: the real kernel's limit of this process is lower, or they are not reached */
#define KERNEL_FDS 1024      /* how many there can be */
#define KERNEL_DIR "/kernel" /* paths from here on are sockets of this kernel, and directories of them */

/* Begins an input: nothing is open. Until kernel_end() descriptors are made here, as are the faults that are asked for. */
void kernel_begin(void);

/* Ends an input; a descriptor that is still open ends the run. */
void kernel_end(void);

/* Within an input: whether descriptors are made here from now on, or by the real kernel. */
void kernel_use(bool on);

/* How many descriptors are open. */
unsigned int kernel_open_fds(void);

#define KERNEL_FAULTS_MARK "\xfa\x17"

/*
 * Takes from the end of @in what faults it asks for, if it ends in KERNEL_FAULTS_MARK: an input without it means what it
 * has always meant. They come only while kernel_faults() lets them.
 */
void kernel_take_faults(struct input *in);

/* Lets faults come, or not, as after kernel_begin(): a test's own calls are to work. */
void kernel_faults(bool on);

/* Whether the input has asked for any faults. */
bool kernel_faulty(void);

#endif
