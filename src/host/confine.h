/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small process that stands beside a container and does one thing: what it gives up when it has all that it needs.
 */
#ifndef HOST_CONFINE_H
#define HOST_CONFINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

#define CONFINE_CALLS_MAX 24

/*
 * Of a child: keeps nothing of the caller's but the @n descriptors in @keep, which is sorted by it: no descriptor (the
 * standard streams are /dev/null then), no directory, no session. 0 or -errno.
 */
must_check int confine_leave(int *keep, size_t n);

/*
 * Gives up for good all capabilities, the bounding set and what execve(2) could bring, and leaves the calling process,
 * which must be single-threaded, @calls: @n numbers of system calls, CONFINE_CALLS_MAX at most, each with any arguments;
 * another one is deadly. Of ioctl(2) the request @ioctl alone is left (0: none), so it must not be among @calls. Its memory can be read by nobody and
 * leaves no core. 0 or -errno. The filter is made by hand, since libseccomp would take more memory than such a process
 * has.
 */
must_check int confine_self(const int *calls, size_t n, unsigned long ioctl);

/* As confine_self(), but the capabilities in @cap_mask (a bit each, of the first 32) stay in effect; -EPERM: it has not got them. */
must_check int confine_self_with(uint32_t cap_mask, const int *calls, size_t n, unsigned long ioctl);

#endif
