/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of the channel: one guest, its containers and processes.
 *
 * Everything is asynchronous on one loop: a call sends a request, and its
 * callback comes later, exactly once, also if the guest dies first (with
 * ECONNRESET). Nothing here blocks the loop, neither a slow reader of a
 * container's output nor a slow writer of its input.
 *
 *   guest_new -> on_ready -> guest_sandbox -> guest_create -> guest_start
 *             -> on_exited -> guest_delete
 *
 * Order: on_exited comes when the process has ended in the guest, everything
 * that it wrote into the shares is on the host, and the last byte of its output
 * has been written to the host's descriptors (or nobody reads them any more); and
 * after the answer to the request that has made it, whenever the guest says what.
 *
 * The guest is taken for hostile: an answer to no request, the exit of a process
 * that does not exist, or a frame out of order closes the channel; texts are cut
 * and cleaned; a flood of log messages is dropped beyond GUEST_LOGS_PER_SECOND, one
 * of questions for the time beyond GUEST_TIMES_PER_SECOND.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "channel/proto.h"

#define GUEST_LOGS_PER_SECOND 100
/*
 * Requests that the guest has not answered: several times what all who ask have under way, the most of which are for
 * processes of exec (at most 1024). Beyond them wait those whose askers have given up, such as signals.
 */
#define GUEST_REQUESTS_MAX 4096
#define GUEST_TIMES_PER_SECOND 20 /* an honest agent asks some eight times at its start, and then every ten seconds */

struct guest;

struct guest_events {
	/* The agent has answered; @hello is valid during the call. */
	void (*on_ready)(void *arg, const struct proto_hello *hello);
	/* @status: as wait(2) gives it; "Order" above. @oom: the guest's OOM killer has struck in this container. */
	void (*on_exited)(void *arg, uint32_t process, int status, bool oom);
	/* The agent has something to say: a line of printable text, valid during the call. */
	void (*on_log)(void *arg, enum proto_log level, const char *text);
	/*
	 * A process's stream broke, and not because its reader is gone (the disk may be
	 * full): @text says which and why. May be NULL.
	 */
	void (*on_stream_broken)(void *arg, uint32_t process, const char *text);
	/*
	 * The channel is gone: @error is 0 if the guest closed it, else -errno (-EPROTO:
	 * it broke the protocol); @detail says so in words. After it the requests under
	 * way end with ECONNRESET, and then there is no further call.
	 */
	void (*on_closed)(void *arg, int error, const char *detail);
	void *arg;
};

/*
 * The outcome of a request. @err->errnum is 0 on success; @err->exit_status is the
 * guest's hint at what the command should exit with (126, 127), or 0. @payload and
 * @err are valid during the call.
 */
typedef void guest_done_fn(void *arg, const struct err *err, const void *payload, size_t len);

/*
 * Opens the channel on @fd, a connected, non-blocking stream socket (borrowed until
 * guest_free()), and sends HELLO. @events is copied. 0 or -errno with @err set.
 */
must_check int guest_new(
	struct loop *loop, int fd, const struct guest_events *events, struct guest **ret_guest, struct err *err);

/* Frees @g (may be NULL), with the streams; callbacks that are still owed come with ECONNRESET, during the call. */
void guest_free(struct guest *g);

/*
 * Gives @g a descriptor of this process's /proc/self/fd (borrowed until
 * guest_free()), for processes in which no path leads to it: see stdio.h.
 */
void guest_use_proc(struct guest *g, int proc_fd);

/* A number for guest_process.id that was not used yet. */
uint32_t guest_next_process(struct guest *g);

/*
 * Requests. Each is queued at once, and sent when the guest reads, also before
 * on_ready. The result is 0, or -errno with @err set (-EAGAIN: GUEST_REQUESTS_MAX), and
 * then there will be no callback. @done may be NULL: then the outcome is dropped.
 */

/* SANDBOX: mounts the shares in the guest and names it; comes first, and once. */
must_check int guest_sandbox(
	struct guest *g, const struct guest_sandbox *s, guest_done_fn *done, void *arg, struct err *err);

/*
 * Lets the guest connect or send to a unix socket of the host of @type (SOCK_STREAM or SOCK_DGRAM): @fd, an O_PATH
 * descriptor of it, or, if @entry is not NULL, what has this name in the directory @fd then. Both are borrowed until
 * guest_free(). It is for the container that names the number *@ret_id in its relays. 0 or -errno.
 */
must_check int guest_relay_new(struct guest *g, int fd, const char *entry, int type, uint32_t *ret_id);

/*
 * The same for a TCP address, @to, which the monitor reaches in the container's network namespace: for the container whose
 * first process is @process. 0 or -errno.
 */
must_check int guest_relay_inet(struct guest *g, uint32_t process, const struct sockaddr_in *to, uint32_t *ret_id);

/*
 * CREATE: makes container @c and its first process, up to, not including,
 * execve(2). c->process.id must come from guest_next_process(); the stream numbers
 * are set here.
 *
 * @stdio has three descriptors, -1 for /dev/null in the guest; they are borrowed
 * during the call, which duplicates them. With a terminal the first two are used,
 * and may be the same tty. They may be pipes, sockets, ttys or regular files,
 * blocking or not, shared with other processes: their status flags are not
 * changed.
 */
must_check int guest_create(struct guest *g, const struct guest_container *c, const int stdio[3], guest_done_fn *done,
	void *arg, struct err *err);

/* EXEC: makes and starts one more process in container @cid; @p and @stdio as in guest_create(). */
must_check int guest_exec(struct guest *g, const char *cid, const struct guest_process *p, const int stdio[3],
	guest_done_fn *done, void *arg, struct err *err);

/* START: lets the first process @process execute its program; @done comes when it has, or has failed. */
must_check int guest_start(struct guest *g, uint32_t process, guest_done_fn *done, void *arg, struct err *err);

/* SIGNAL: sends @signo to @process, or with @all to everything in its container. */
must_check int guest_signal(
	struct guest *g, uint32_t process, int signo, bool all, guest_done_fn *done, void *arg, struct err *err);

/* UPDATE: writes @values to files of the container's cgroup in the guest, in order. */
must_check int guest_update(struct guest *g, const char *cid, const struct guest_values *values, guest_done_fn *done,
	void *arg, struct err *err);

/* NET: sets up, or changes, interfaces of the network of container net->cid. */
must_check int guest_net(struct guest *g, const struct guest_net *net, guest_done_fn *done, void *arg, struct err *err);

/* DELETE: kills what is left of the container and forgets it; @done comes when nothing of it is left. */
must_check int guest_delete(struct guest *g, const char *cid, guest_done_fn *done, void *arg, struct err *err);

/* SYNC: writes back what is only in the guest's memory so far; @done comes when it is on the host. */
must_check int guest_sync(struct guest *g, guest_done_fn *done, void *arg, struct err *err);

/* FORGET: has the guest's kernel forget names that are stale; @done comes when it has. */
must_check int guest_forget(
	struct guest *g, const struct guest_forget *names, guest_done_fn *done, void *arg, struct err *err);

/* PS: the payload is a list of the container's processes: ps.h. */
must_check int guest_ps(struct guest *g, const char *cid, guest_done_fn *done, void *arg, struct err *err);

/* PROCS: the payload is a list of the container's processes as it sees them, those behind @after: procs.h. */
must_check int guest_procs(
	struct guest *g, const char *cid, uint32_t after, guest_done_fn *done, void *arg, struct err *err);

/* FILE: does @f to a tmpfs of the container; the payload is for proto_get_file(). */
must_check int guest_file(
	struct guest *g, const char *cid, const struct guest_file *f, guest_done_fn *done, void *arg, struct err *err);

/* FILE_CLOSE: the host needs a handle of FILE no more. Not answered. 0 or -errno. */
must_check int guest_file_close(struct guest *g, const char *cid, uint64_t handle);

/* PORTS: the payload is a list for proto_get_port(). */
must_check int guest_list_ports(struct guest *g, const char *cid, guest_done_fn *done, void *arg, struct err *err);

/*
 * Leads what connects to @fd, a socket that listens, which the call takes also on failure, to what of process @process's container listens on @port.
 * 0 with a number for guest_port_close(), or -errno.
 */
must_check int guest_port_open(
	struct guest *g, uint32_t process, int fd, const struct proto_port *port, uint32_t *ret_id);

/* Closes that socket; connections go on. It may be closed already, since its process has ended. */
void guest_port_close(struct guest *g, uint32_t id);

/* READ_CGROUP: the payload is the text of @file in the container's cgroup in the guest. */
must_check int guest_read_cgroup(
	struct guest *g, const char *cid, const char *file, guest_done_fn *done, void *arg, struct err *err);

/*
 * RESUMED: the VM was paused and runs again, so the guest sets its clock to the host's, which is read now. @done comes
 * when it has.
 */
must_check int guest_resumed(struct guest *g, guest_done_fn *done, void *arg, struct err *err);

/* POWEROFF: the guest writes back and powers itself off, which ends the channel. Not answered. 0 or -errno. */
must_check int guest_poweroff(struct guest *g, struct err *err);

/* WINSIZE: the terminal of @process gets @rows and @cols. Not answered. 0 or -errno. */
must_check int guest_winsize(struct guest *g, uint32_t process, uint16_t rows, uint16_t cols);

#endif
