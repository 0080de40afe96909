/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine tells others of its ports: those that have joined its network namespace (net/usermode.h), and open what they
 * listen on there, must leave it what it has.
 *
 *   the other's create                      this monitor                          guest
 *     | --- CONTROL_PORTS ------------------> | lender_add()                         |
 *     | <-- struct err ---------------------- |                                      |
 *   its monitor (ports.h) has the connection  | -- PORTS, each PORTS_INTERVAL_MS --> |
 *     | <-- LENDER_LIST, the guest's list --- | <- RESULT -------------------------- |
 *
 * GUEST: the list is passed on unread; who gets it reads it as its own guest's.
 */
#ifndef MONITOR_LENDER_H
#define MONITOR_LENDER_H

#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "guest/guest.h"
#include "monitor/control.h"

#define LENDER_CLIENTS_MAX 64 /* those that listen: the containers of a pod, and more */
#define LENDER_LIST 'L'       /* the first byte of each message; entries for proto_get_port() are behind it */
#define LENDER_BYTES_MAX 32768

struct lender {
	struct loop *loop; /* borrowed, with the next two */
	struct guest *guest;
	const char *cid;
	struct watch *timer; /* NULL: nobody has asked yet */
	bool asking;         /* the guest owes an answer */
	size_t n;
	struct {
		int fd;
		struct watch *watch;
	} at[LENDER_CLIENTS_MAX];
};

/*
 * Answers @client, and tells it from now on which TCP ports container @cid of @guest listens on. What is borrowed lives
 * until lender_done(), which comes before the loop's end and behind the guest's. @l is zeroed before the first call. 0; or
 * -errno with an error, and @client is not answered.
 */
must_check int lender_add(struct lender *l, struct loop *loop, struct guest *guest, const char *cid,
	struct control_client *client, struct err *err);

/* Closes all connections. */
void lender_done(struct lender *l);

#endif
