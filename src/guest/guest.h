/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of the channel: one guest, its containers and processes.
 *
 * Everything is asynchronous on one loop: a call sends a request and its
 * callback comes later, exactly once, also when the guest dies first
 * (ECONNRESET). Nothing here blocks the loop: neither a slow reader of a
 * container's output nor a writer of its input.
 *
 *   guest_new -> on_ready -> guest_sandbox -> guest_create -> guest_start
 *             -> on_exited -> guest_delete
 *
 * Order: on_exited comes when the process has ended in the guest, everything
 * it wrote into the shares is on the host, and the last byte of its output has
 * been written to the host's descriptors (or they were closed to us).
 *
 * The guest is hostile: an answer to nothing, an exit of nobody, a text too
 * long or a frame out of order closes the channel; a flood of log messages is
 * cut at GUEST_LOGS_PER_SECOND.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "channel/proto.h"

#define GUEST_LOGS_PER_SECOND 100

struct guest;

struct guest_events {
	/* The agent has answered; @hello is valid during the call. */
	void (*on_ready)(void *arg, const struct proto_hello *hello);
	/* @status as wait(2) gives it; see "Order" above. @oom: the guest's OOM killer struck in this container. */
	void (*on_exited)(void *arg, uint32_t process, int status, bool oom);
	void (*on_log)(void *arg, enum proto_log level, const char *text);
	/* A process's stream broke other than by its reader's end (a full disk): @text says which and why. May be NULL. */
	void (*on_stream_broken)(void *arg, uint32_t process, const char *text);
	/*
	 * The channel is gone: 0 if the guest closed it, else -errno (-EPROTO: it broke
	 * the protocol); @detail is a sentence. Requests under way end with ECONNRESET
	 * behind it; then there is no further call.
	 */
	void (*on_closed)(void *arg, int error, const char *detail);
	void *arg;
};

/* The outcome of a request. @err->errnum is 0 on success; err->exit_status as the guest hints (126, 127). */
typedef void guest_done_fn(void *arg, const struct err *err, const void *payload, size_t len);

/*
 * Takes the channel's @fd (borrowed until guest_free(), a connected,
 * non-blocking stream socket) and sends HELLO. 0 or -errno.
 */
must_check int guest_new(
	struct loop *loop, int fd, const struct guest_events *events, struct guest **ret_guest, struct err *err);
void guest_free(struct guest *g); /* accepts NULL; callbacks still owed come with ECONNRESET */

/* This process's /proc/self/fd (borrowed, until guest_free()), where no path leads to it: see stdio.h. */
void guest_use_proc(struct guest *g, int proc_fd);

/* The next number for a guest_process.id. */
uint32_t guest_next_process(struct guest *g);

/*
 * Requests. Each sends at once (before on_ready they wait) and returns 0, or -errno with
 * @err set and no callback to come. @done may be NULL.
 */
must_check int guest_sandbox(
	struct guest *g, const struct guest_sandbox *s, guest_done_fn *done, void *arg, struct err *err);

/*
 * @stdio: three descriptors, -1 for /dev/null in the guest; borrowed during
 * the call (they are duplicated). With a terminal the first two are used, both
 * may be the same tty. They may be pipes, sockets, ttys or regular files,
 * blocking or not, shared with other processes: their status flags are not
 * changed. c->process.id must come from guest_next_process(); the stream
 * numbers are set here.
 */
must_check int guest_create(struct guest *g, const struct guest_container *c, const int stdio[3], guest_done_fn *done,
	void *arg, struct err *err);
must_check int guest_exec(struct guest *g, const char *cid, const struct guest_process *p, const int stdio[3],
	guest_done_fn *done, void *arg, struct err *err);

must_check int guest_start(struct guest *g, uint32_t process, guest_done_fn *done, void *arg, struct err *err);
must_check int guest_signal(
	struct guest *g, uint32_t process, int signo, bool all, guest_done_fn *done, void *arg, struct err *err);
must_check int guest_update(struct guest *g, const char *cid, const struct guest_values *values, guest_done_fn *done,
	void *arg, struct err *err);
must_check int guest_delete(struct guest *g, const char *cid, guest_done_fn *done, void *arg, struct err *err);
must_check int guest_sync(struct guest *g, guest_done_fn *done, void *arg, struct err *err);
must_check int guest_ps(struct guest *g, const char *cid, guest_done_fn *done, void *arg, struct err *err);
must_check int guest_read_cgroup(
	struct guest *g, const char *cid, const char *file, guest_done_fn *done, void *arg, struct err *err);

/* Not answered. */
must_check int guest_poweroff(struct guest *g, struct err *err);
must_check int guest_winsize(struct guest *g, uint32_t process, uint16_t rows, uint16_t cols);

#endif
