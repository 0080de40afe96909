/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: commands to a running monitor.
 *
 * control.sock in the state directory, SEQPACKET: one message is one request,
 * one message the answer (a struct err; errnum 0 is success). The socket is
 * bound before the monitor enters its jail, so it stays reachable under the
 * host's path. Only root, or the owner of the state directory, can connect.
 * Each connection carries one request.
 */
#ifndef MONITOR_CONTROL_H
#define MONITOR_CONTROL_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "container/statedir.h"

#define CONTROL_SOCKET "control.sock"
/* Commands that wait at a time; a monitor's commands come from one engine. */
#define CONTROL_CLIENTS_MAX 64

enum control_op {
	CONTROL_START = 1,
	CONTROL_SIGNAL, /* signal, all */
};

struct control_request {
	uint32_t op;
	int32_t signal;
	uint32_t all;
};

/* --- the monitor's side --- */

struct control;
struct control_client;

/* The request came; the answer is owed by control_answer(), at any later time. */
typedef void control_fn(void *arg, const struct control_request *request, struct control_client *client);

/* Makes and binds the socket: an fd or -errno with an error. */
must_check int control_listen(const struct statedir *dir, struct err *err);

/* Serves @listen_fd (owned) on @loop. */
must_check int control_new(struct loop *loop, int listen_fd, control_fn *fn, void *arg, struct control **ret);
void control_free(struct control *c); /* clients that wait get ECONNRESET by the closing */

/* Answers and forgets @client. @err NULL: success. */
void control_answer(struct control_client *client, const struct err *err);

/* --- the commands' side --- */

/*
 * Sends @request and waits at most @timeout_ms for the answer: 0 or -errno of
 * it (-1: no matter how long). -ECONNREFUSED, -ENOENT, -ECONNRESET: no monitor serves it; -ETIMEDOUT.
 */
must_check int control_call(
	const struct statedir *dir, const struct control_request *request, int timeout_ms, struct err *err);

#endif
