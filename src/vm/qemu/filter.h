/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system call filter that QEMU starts with, beside the one that it loads itself (argv.c): a list of what it may call, as
 * the monitor's is (jail/seccomp.c).
 *
 * What is not on the list gives ENOSYS, as a kernel does that does not have the call: then libc and QEMU take an older one,
 * which is on it. It does not end QEMU, since another version of QEMU or libc may try what this one does not, and
 * manage without; and who has broken in gains nothing by an error.
 */
#ifndef VM_QEMU_FILTER_H
#define VM_QEMU_FILTER_H

#include "base/base.h"

/* Loads the filter into this process, for good; no_new_privs is set already. execve(2) keeps the process. 0 or -errno. */
must_check int qemu_filter_load(void);

#endif
