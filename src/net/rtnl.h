/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations with the kernel's rtnetlink (rtnetlink(7)): questions with one answer, and dumps.
 *
 * A socket belongs to the network namespace in which it was opened, whatever namespace its owner is in later. Reading
 * needs no privilege, so that a socket that was opened before the jail still serves behind it.
 */
#ifndef NET_RTNL_H
#define NET_RTNL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

#define RTNL_BYTES 32768 /* of one answer of a dump, whose parts the kernel makes as large as the reader's buffer */
#define RTNL_REQUEST_BYTES 2048 /* of a request of ours, the largest of which is a filter's */
#define RTNL_TRIES 8            /* a dump that changes under the reader is read again, so often at most */

struct rtnl {
	struct mnl_socket *sock; /* owned; NULL: closed */
	uint32_t seq;
	bool unread; /* the end of the last answer has not been read */
};

#define RTNL_INIT             \
	{                     \
		.sock = NULL, \
	}

/* A request in the making. */
struct rtnl_request {
	union {
		struct nlmsghdr head;
		char bytes[RTNL_REQUEST_BYTES];
	};
};

/*
 * Opens a socket in the network namespace of the process that @pidfd stands for, or in the caller's (-1). The caller is
 * single-threaded, and is in its own namespace again afterwards. @groups: the notices that it gets (RTMGRP_x); 0: none.
 * 0, or -errno with an error.
 */
must_check int rtnl_open(int ns_fd, unsigned int groups, struct rtnl *ret, struct err *err);

/* Closes it. Accepts one that is closed. */
void rtnl_done(struct rtnl *r);

#define autortnl __attribute__((cleanup(rtnl_done))) struct rtnl

/* The descriptor, which is readable when there are notices. It stays @r's. */
int rtnl_fd(const struct rtnl *r);

/* Takes up to @n notices away without looking at them. Never waits. True: there are no more. */
bool rtnl_drop(struct rtnl *r, unsigned int n);

/* Begins a request of @type with @flags (NLM_F_x) and a zeroed header of @size bytes, which is returned. */
void *rtnl_begin(struct rtnl_request *q, uint16_t type, uint16_t flags, size_t size);

/* Sends @q and waits for the kernel's answer, which comes at once: 0 or -errno. */
must_check int rtnl_ask(struct rtnl *r, struct rtnl_request *q);

/* Takes one message of a dump: 0 to go on, or -errno to end. */
typedef int rtnl_take_fn(void *arg, const struct nlmsghdr *message);

/*
 * Sends @q, which asks for a dump, and hands each message of it to @take: 0 or -errno. -EINTR: @take has had all of it, but it
 * has changed meanwhile, so that something may be missing or be there twice. The socket serves on, whatever has failed.
 */
must_check int rtnl_dump(struct rtnl *r, struct rtnl_request *q, rtnl_take_fn *take, void *arg);

#endif
