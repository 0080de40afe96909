/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of /dev/fuse as FILE has them, and the answers to FILE as replies. What the guest says is checked here: a reply
 * has what was asked for, and no more.
 */
#ifndef MONITOR_TMPFUSE_H
#define MONITOR_TMPFUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"
#include "channel/proto.h"
#include "fuse/port.h"

struct tmpfuse_ask {
	struct guest_file file; /* without its place; texts and data are the request's */
	uint32_t type;          /* which type the answer's file has (S_IFMT); 0: any */
};

/* Reads @r: 0 with *@ret; -EOPNOTSUPP: an attribute that is not
 * served; -ENOSYS: there is no such operation, or the kernel does it alone; -EINVAL: it is none. */
must_check int tmpfuse_read(const struct fuse_request *r, struct tmpfuse_ask *ret);

/* Whether the answer to @op has a handle. */
bool tmpfuse_gives_handle(uint8_t op);

/* GUEST: 0 if @answer can be one to @ask, else -EIO. */
must_check int tmpfuse_check(const struct tmpfuse_ask *ask, const struct proto_file *answer);

/* Appends the reply to @ask that @answer is, which has been checked. 0 or -EIO. */
must_check int tmpfuse_write(const struct tmpfuse_ask *ask, const struct proto_file *answer, struct buf *out);

#endif
