/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/fuse for those who answer each request when they can, in any order: requests come in, replies go out. fuse.h is for
 * trees that are known here; this is for what has to be asked for elsewhere.
 *
 * INIT is answered here. One thread: the loop's.
 */
#ifndef FUSE_PORT_H
#define FUSE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/loop.h"

#define FUSE_PORT_DATA_MAX 65536 /* bytes of a WRITE; the option max_read of the mount should say the same */

struct fuse_port;

/* A request, whose header has been checked; @body is valid during the call, and followed by a NUL. */
struct fuse_request {
	uint32_t opcode;
	uint64_t unique, node;
	uint32_t uid, gid;
	const char *body;
	size_t len;
};

/* @r is to be answered by fuse_port_reply(), now or later, unless its opcode is one that has no answer. */
typedef void fuse_request_fn(void *arg, const struct fuse_request *r);

/*
 * Calls @fn(@arg) for each request on @fd, a non-blocking descriptor of /dev/fuse that has been mounted, or whatever keeps
 * messages apart as it does (borrowed until fuse_port_free()). 0 or -errno.
 */
must_check int fuse_port_new(struct loop *loop, int fd, fuse_request_fn *fn, void *arg, struct fuse_port **ret);

/* Ends it; what has not been answered is not. Accepts NULL. */
void fuse_port_free(struct fuse_port *p);

/* Leaves requests with the kernel (@on), or takes them again: also from within @fn. */
void fuse_port_hold(struct fuse_port *p, bool on);

/*
 * Answers the request @unique with @error, a -errno, or, if that is 0, with @len bytes of @data. A reader that has gone
 * meanwhile gets none.
 */
void fuse_port_reply(struct fuse_port *p, uint64_t unique, int error, const void *data, size_t len);

#endif
