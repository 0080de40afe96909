/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A caller's stdin, stdout or stderr as a descriptor that a pump can use.
 */
#ifndef GUEST_STDIO_H
#define GUEST_STDIO_H

#include <stdbool.h>

#include "base/base.h"
#include "channel/pump.h"

/*
 * A descriptor for the same pipe, socket, terminal or file as @fd (borrowed),
 * to be used without blocking and without a change of @fd's status flags, which
 * other processes share. @proc_fd: this process's /proc/self/fd, or -1: it is looked
 * up by that path. 0 or -errno; the caller owns *@ret_fd.
 */
must_check int stdio_open(int proc_fd, int fd, bool for_writing, int *ret_fd, enum pump_kind *ret_kind);

#endif
