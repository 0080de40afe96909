/* SPDX-License-Identifier: Apache-2.0 */
/* The standard streams of a caller of the runtime, as descriptors that a pump can use. */
#ifndef GUEST_STDIO_H
#define GUEST_STDIO_H

#include <stdbool.h>

#include "base/base.h"
#include "channel/pump.h"

/*
 * Opens or duplicates @fd (borrowed), a pipe, socket, terminal or file, so that it can be used without blocking, in the
 * way of *@ret_kind, and without a change of @fd's status flags, which other processes share. The caller owns *@ret_fd.
 * @proc_fd is a descriptor of this process's /proc/self/fd; -1: it is opened by that path. 0 or -errno.
 */
must_check int stdio_open(int proc_fd, int fd, bool for_writing, int *ret_fd, enum pump_kind *ret_kind);

#endif
