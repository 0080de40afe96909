/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd_notify(3) of a container for whoever started vmrunc: a service manager, which takes messages of vmrunc's commands
 * alone for those of its service.
 *
 * If NOTIFY_SOCKET is set, create gives the container a socket of its own, and `start` and `run` have the host's end of
 * it in the state directory. As with runc they wait for READY, tell it on with the pid that stands for the container as
 * MAINPID, and wait until that has been read.
 */
#ifndef LIFE_NOTIFY_H
#define LIFE_NOTIFY_H

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"

#define NOTIFY_DIR "notify"       /* in the state directory */
#define NOTIFY_NAME "notify.sock" /* in that one, and in the container */
#define NOTIFY_ENV "NOTIFY_SOCKET"

struct notify;

/* The path of the service manager's socket, or NULL: nobody wants to be told. */
const char *notify_wanted(void);

/*
 * Listens for container @id, before it is started: 0, or -errno with an error. *@ret is NULL if nobody wants to be told,
 * or the container was created when nobody did. The caller frees it.
 */
must_check int notify_new(const struct settings *settings, const char *id, struct notify **ret, struct err *err);

/* Closes and frees @n, which may be NULL. */
void notify_free(struct notify *n);

/* The descriptor that becomes readable when a message has come. */
int notify_fd(const struct notify *n);

/*
 * Takes messages that have come, NOTIFY_AT_ONCE at most: of more, notify_fd() tells again. True: READY was among them and has
 * been told on, without a MAINPID.
 */
bool notify_take(struct notify *n);

/*
 * Blocks until READY has come and been told on, with MAINPID, or the container has ended. 0, or -errno with an error:
 * -EINTR if a signal has come to @cancel_fd, which is interrupt_open()'s (-1: none). @n may be NULL.
 */
must_check int notify_wait(struct notify *n, int cancel_fd, struct err *err);

#endif
