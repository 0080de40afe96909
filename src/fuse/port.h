/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of /dev/fuse: requests come in, each with one read(2), and replies go out, each with one write(2), when and in
 * whatever order those who serve them can. fuse.h stands on it with a tree that is known here; whoever has to ask elsewhere for each
 * answer uses it as it is.
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

struct fuse_port;

/*
 * A request, whose header has been checked; @body is valid during the call, and followed by a NUL. Those by which the kernel forgets nodes,
 * or ends the mount, are not among them: nobody here remembers any.
 */
struct fuse_request {
	uint32_t opcode;
	uint64_t unique, node;
	uint32_t uid, gid;
	const char *body;
	size_t len;
};

/* @r is to be answered by fuse_port_reply(), now or later, unless it is an INTERRUPT. */
typedef void fuse_request_fn(void *arg, const struct fuse_request *r);

/*
 * Calls @fn(@arg) for each request on @fd, a non-blocking descriptor of /dev/fuse that has been mounted, or whatever keeps
 * messages apart as it does (borrowed until fuse_port_free()). @data_max, at least 4096, is how many bytes a WRITE has at most: the option
 * max_read of the mount should say the same. @flags (FUSE_*) are what INIT accepts of what the kernel has. 0 or -errno.
 */
must_check int fuse_port_new(struct loop *loop, int fd, uint32_t data_max, uint32_t flags, fuse_request_fn *fn,
	void *arg, struct fuse_port **ret);

/* Ends it; what has not been answered is not. Accepts NULL. */
void fuse_port_free(struct fuse_port *p);

/* Leaves requests with the kernel (@on), or takes them again: also from within @fn. */
void fuse_port_hold(struct fuse_port *p, bool on);

/*
 * Answers the request @unique with @error, a -errno, or, if that is 0, with @len bytes of @data. A reader that has been interrupted
 * meanwhile gets none, and a mount that has ended takes none: the next read says so, too.
 */
void fuse_port_reply(struct fuse_port *p, uint64_t unique, int error, const void *data, size_t len);

#endif
