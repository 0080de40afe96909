/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptors of a caller that a process gets beside its standard streams (--preserve-fds, LISTEN_FDS).
 *
 * A descriptor means something in its own kernel only. What is a stream of bytes has its like in the guest, joined by
 * streams of the channel: a pipe or a file that is read or written is a pipe there, a connected socket is one, and a
 * listening one accepts what connects to the host's. Everything else cannot be passed, which is an error before anything
 * starts.
 */
#ifndef GUEST_FDS_H
#define GUEST_FDS_H

#include "base/base.h"
#include "base/err.h"
#include "channel/proto.h"

struct fds {
	struct guest_fds list; /* for guest_process.fds */
	void *names;           /* what the blobs in it point to */
};

#define FDS_NONE              \
	{                     \
		.names = NULL \
	}

/* Frees what fds_take() has made, and makes @f empty again; the descriptors themselves stay open. */
void fds_done(struct fds *f);

/*
 * Describes the @n descriptors of @fds, which stay the caller's. @f: FDS_NONE; the caller ends it with fds_done() in any
 * case. 0, or -errno with an error that names the descriptor and its kind.
 */
must_check int fds_take(const int *fds, size_t n, struct fds *f, struct err *err);

#endif
