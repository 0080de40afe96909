/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: commands to a running monitor.
 *
 * control.sock in the state directory is a SEQPACKET socket. A connection carries one message each way: a struct
 * control_request, and as the answer a struct err, whose errnum is 0 on success. Either may bring descriptors along
 * (SCM_RIGHTS). The socket is bound before the monitor enters its jail, so it stays reachable under the host's path.
 * Only root, or the owner of the state directory, can connect.
 *
 *   command: control_call()  ---request, descriptors--->  monitor: on_client() -> the operation's handler
 *            returns         <--struct err, descriptors--          control_answer(), at once or later
 *
 * Invariants:
 * 1. A client that says nothing, or not what a request is, costs one of CONTROL_CLIENTS_MAX places at most, and no
 *    longer than until others need it: the one that has been silent for the longest time goes first.
 * 2. While there is no descriptor for a connection, it waits and costs no time.
 * 3. A descriptor that came is either taken by the handler or closed when the handler returns. One that no
 *    handler was to have is closed, and its request refused.
 * 4. A client that hangs up gives back its place and its descriptors at once, also while its request is under way. The
 *    request takes its course as an orphan: it costs a record until its control_answer(), which sends nothing then, and an
 *    operation that is answered by the guest has a bound for its orphans.
 */
#ifndef MONITOR_CONTROL_H
#define MONITOR_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "container/statedir.h"

#define CONTROL_SOCKET "control.sock"
/* How many clients are connected at a time until they are answered: a monitor's commands come from one engine. */
#define CONTROL_CLIENTS_MAX 64
/* How long no connection is taken after one for which there was no descriptor or no memory. */
#define CONTROL_PAUSE_MS 100
/* The descriptors of one message: standard streams, a console socket, and some that a process is to inherit. */
#define CONTROL_FDS_MAX 15

/* Bytes of the name of a file in a cgroup, with its NUL. */
#define CONTROL_FILE_MAX 64

enum control_op {
	CONTROL_START = 1,
	CONTROL_SIGNAL, /* signal, all; in a paused VM it is answered before the guest has it */
	CONTROL_EXEC, /* stdio; the first descriptor is a file with the process: see monitor/exec.h. The connection stays. */
	CONTROL_PAUSE,
	CONTROL_PS,          /* these three bring files: see monitor/query.h */
	CONTROL_READ_CGROUP, /* file */
	CONTROL_UPDATE,      /* memory_bytes */
	CONTROL_RESUME,      /* answered when the guest's clock is right again */
	CONTROL_OPS
};

struct control_request {
	uint32_t op; /* enum control_op */
	int32_t signal;
	uint32_t all;   /* boolean: to all processes of the container, not only to its init */
	uint32_t stdio; /* bit n: a descriptor comes for standard stream n; with a terminal only 0, the pty's slave */
	uint64_t memory_bytes;       /* of the guest's RAM that it is to have; 0: it has what it had */
	char file[CONTROL_FILE_MAX]; /* a file's name, with a NUL */
};

/* Descriptors that come with a message. */
struct control_fds {
	size_t n;                   /* <= CONTROL_FDS_MAX */
	int v[CONTROL_FDS_MAX + 1]; /* the last place is there so that one too many is noticed */
};

/* Makes and binds the socket in @dir: an fd, or -errno with an error. */
must_check int control_listen(const struct statedir *dir, struct err *err);

/* --- the monitor's side --- */

struct control;
struct control_client;

/*
 * Carries out @request. It owes @client a control_answer(), at once or at any later time. It takes a descriptor of
 * @fds by steal_fd(); what it leaves is closed when it returns.
 */
typedef void control_fn(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client);

/* What the monitor does for one operation. */
struct control_handler {
	control_fn *fn; /* NULL: there is no such operation */
	size_t fds_max; /* the most descriptors that its request brings; one with more is refused */
	/*
	 * While so many requests of the operation are under way whose clients have gone, further ones are refused with
	 * -EAGAIN; 0: they have no bound here.
	 */
	unsigned int orphans_max;
};

/*
 * Serves @listen_fd (owned on success) on @loop. @handlers has CONTROL_OPS entries, indexed by enum control_op; it is
 * borrowed until control_free(). @arg goes to the handlers. 0 or -errno.
 */
must_check int control_new(
	struct loop *loop, int listen_fd, const struct control_handler *handlers, void *arg, struct control **ret);

/* Closes the socket and all connections: clients that still wait see -ECONNRESET. Accepts NULL. */
void control_free(struct control *c);

/*
 * Has @client own @fd, for the answer that comes later: it is closed when @client is answered, or hangs up before that.
 * Once a client.
 */
void control_keep(struct control_client *client, int fd);

/* The descriptor of control_keep(), borrowed; -1: @client has hung up, and nobody waits for what would be done with it. */
int control_kept(const struct control_client *client);

/*
 * Sends the answer @err (NULL: success) with the descriptors @fds (NULL: none; they stay the caller's), unless @client has
 * hung up, and forgets @client.
 */
void control_answer(struct control_client *client, const struct err *err, const struct control_fds *fds);

/*
 * Hands the connection to the caller, who answers on it and closes it, and forgets @client: a nonblocking SEQPACKET
 * socket, or -1 if @client has hung up.
 */
must_check int control_detach(struct control_client *client);

/* --- the commands' side --- */

/*
 * Sends @request with the descriptors @give (NULL: none; they stay the caller's), and waits for the answer for at most
 * @timeout_ms (-1: without a bound), and as long for a place in the queue of a monitor that is frozen. On success @ret_fds
 * gets the descriptors of the answer, which are the caller's then (NULL: they are closed). Returns 0, or -errno with the
 * answer's error; -ECONNREFUSED, -ENOENT and -ECONNRESET: no monitor serves the socket (any more); -ETIMEDOUT.
 */
must_check int control_call(const struct statedir *dir, const struct control_request *request,
	const struct control_fds *give, struct control_fds *ret_fds, int timeout_ms, struct err *err);

/*
 * The same without descriptors; -EINTR with an error as soon as @cancel_fd (-1: none; borrowed, not read) is readable
 * and no answer has come. The operation goes on.
 */
must_check int control_call_cancellable(const struct statedir *dir, const struct control_request *request,
	int timeout_ms, int cancel_fd, struct err *err);

/*
 * As control_call() for an operation whose connection stays: on success it is in *@ret_fd, blocking, and the caller's.
 */
must_check int control_open(const struct statedir *dir, const struct control_request *request,
	const struct control_fds *give, int timeout_ms, int *ret_fd, struct err *err);

/*
 * Asks the kernel which process answers on the control socket: a pidfd of the monitor, which the caller closes, or
 * -errno with an error, as from control_call(). What else is known of the container does not matter.
 */
must_check int control_monitor(const struct statedir *dir, int timeout_ms, struct err *err);

#endif
