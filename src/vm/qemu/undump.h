/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a program that was just executed undumpable, so that its memory belongs to nobody but itself.
 *
 * execve(2) makes every process dumpable again, and QEMU has no option against it. So the parent traces its child across
 * execve(2), and before the program's first instruction lets it make one system call, prctl(PR_SET_DUMPABLE, 0), with
 * the instruction of that name that the kernel's vDSO has. Nothing is written into its memory.
 *
 *   parent                        child
 *   undump_trace(child)           waits for a word of its parent
 *   the word ------------------>  ..., execve(2): stopped
 *   undump_executed(child)        prctl(2), and goes on, traced no more
 */
#ifndef VM_QEMU_UNDUMP_H
#define VM_QEMU_UNDUMP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/base.h"

/* Begins to trace @child: 0 or -errno (a debugger traces it already, or the host forbids it). */
must_check int undump_trace(pid_t child);

/*
 * Waits until @child, which is traced, has executed its program, and makes that undumpable. 0; or -errno, and it runs as
 * it is. *@ret_ended says whether it has ended instead, and then *@ret_status is its status: it is reaped.
 */
must_check int undump_executed(pid_t child, bool *ret_ended, int *ret_status);

#endif
