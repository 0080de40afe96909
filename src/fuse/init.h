/* SPDX-License-Identifier: Apache-2.0 */
/* The first request on /dev/fuse: both ends say which version of the protocol they speak, and the older one is spoken. */
#ifndef FUSE_INIT_H
#define FUSE_INIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "fuse/kernel.h"

/*
 * The reply to the INIT with the @len bytes at @body, for writes of @max_write bytes at most; of @flags (FUSE_*) those that
 * the kernel has. 0 with *@ret, or -EPROTO.
 */
must_check int init_answer(const char *body, size_t len, uint32_t max_write, uint32_t flags, struct fuse_init_out *ret);

#endif
