/* SPDX-License-Identifier: Apache-2.0 */
/* The QEMU program: where it is. */
#ifndef VM_QEMU_PROGRAM_H
#define VM_QEMU_PROGRAM_H

#include <stddef.h>

#include "base/base.h"

/*
 * Writes the path of the QEMU to run to @ret_path: @wanted (a path, or a name
 * to look for; NULL: qemu-system-x86_64) in $PATH and then in the usual
 * directories. 0; -ENOENT: not installed; -EACCES: there, but not executable;
 * -ENAMETOOLONG.
 */
must_check int qemu_program_find(const char *wanted, char *ret_path, size_t size);

#endif
