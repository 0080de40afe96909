/* SPDX-License-Identifier: Apache-2.0 */
/* Where the program QEMU is. */
#ifndef VM_QEMU_PROGRAM_H
#define VM_QEMU_PROGRAM_H

#include <stddef.h>

#include "base/base.h"

/*
 * Finds the QEMU to run. @wanted is a path, or a name to look for (NULL: qemu-system-x86_64) in $PATH and then in the
 * usual directories. 0 with the path in @ret_path, which has @size bytes; -ENOENT: QEMU is not installed; -EACCES: it
 * is there, but cannot be executed; -ENAMETOOLONG.
 */
must_check int qemu_program_find(const char *wanted, char *ret_path, size_t size);

#endif
