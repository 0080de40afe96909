/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system call filter that QEMU starts with, beside the one that it loads itself (argv.c).
 *
 * It is a list of what QEMU never does and a program that was broken into would: reaching other processes, whose user is
 * the same, and what makes rights anew. A list of all that QEMU does, with every accelerator, version and libc, would
 * be guessed, and a call that is missing in it kills a container months later.
 */
#ifndef VM_QEMU_FILTER_H
#define VM_QEMU_FILTER_H

#include "base/base.h"

/* Loads the filter into this process, for good; no_new_privs is set already. What it forbids gives EPERM. 0 or -errno. */
must_check int qemu_filter_load(void);

#endif
