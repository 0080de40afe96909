/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: callers of the control socket that say what they like, with any descriptors, and hang up at any time.
 *
 * The input is a small program of many clients; its end may ask for faults of calls (kernel.h). What must hold: a handler gets only whole requests of its own operation,
 * and with no more descriptors than it is to have; each request is answered once; never more clients are served than
 * there are places, beside orphans up to their bound; and no descriptor is left when all is over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "monitor/control.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/replay.h"

#define CALLERS (CONTROL_CLIENTS_MAX + 8)
#define MESSAGE_FDS 24
#define OPS_MAX 256
#define CONNECTS_MAX (2 * CALLERS) /* of an input: enough to go beyond the places twice */
#define ORPHANS_MAX 8              /* of CONTROL_START */
#define TURNS 3                    /* of the loop: a batch of events may end before all are served */

const struct fuzz_target fuzz_target = { .corpus = "control", .variants = 100 };

static const size_t fds_max[CONTROL_OPS] = { [CONTROL_START] = 2, [CONTROL_SIGNAL] = 0 };

static struct {
	struct loop *loop;
	struct control *control;
	struct sockaddr_un address;
	socklen_t address_len;
	int null_fd;
	int callers[CALLERS]; /* -1: none */
	struct owed {
		struct control_client *client;
		uint32_t op;
	} asked[CONNECTS_MAX]; /* to whom an answer is owed */
	unsigned int asked_len, connects;
	bool answer_at_once, take_first;
} f;

/* How many of them have asked for @op. */
static unsigned int owed_of(uint32_t op)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < f.asked_len; i++)
		n += f.asked[i].op == op;
	return n;
}

static void on_request(const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	struct control_fds give = { .n = 1, .v = { f.null_fd } };

	require(request->op < CONTROL_OPS && fds->n <= fds_max[request->op], "a request that is not the handler's");
	for (size_t i = 0; i < fds->n; i++)
		require(fcntl(fds->v[i], F_GETFD) == FD_CLOEXEC, "a descriptor that is not open or would be inherited");
	if (fds->n > 0 && f.take_first)
		control_keep(client, steal_fd(&fds->v[0]));
	if (f.answer_at_once) {
		control_answer(client, NULL, &give);
		return;
	}
	require(f.asked_len < CONNECTS_MAX, "more requests than connections");
	f.asked[f.asked_len++] = (struct owed){ client, request->op };
	require(owed_of(CONTROL_START) <= CONTROL_CLIENTS_MAX + ORPHANS_MAX, "more clients than there are places");
}

static void on_start(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	(void)arg;
	require(request->op == CONTROL_START, "start");
	on_request(request, fds, client);
}

static void on_signal(
	void *arg, const struct control_request *request, struct control_fds *fds, struct control_client *client)
{
	(void)arg;
	require(request->op == CONTROL_SIGNAL, "signal");
	on_request(request, fds, client);
}

static void on_tick(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	loop_stop(f.loop);
}

static void turn(void)
{
	kernel_faults(true);
	for (int i = 0; i < TURNS; i++)
		require(loop_run(f.loop) == 0, "loop_run");
	kernel_faults(false);
}

/* Sends @len bytes of @data from the caller with @n descriptors; whether that succeeds is the kernel's affair. */
static void message_send(int fd, const void *data, size_t len, unsigned int n)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
	} control;
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		for (unsigned int i = 0; i < n; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &f.null_fd, sizeof(int));
	}
	(void)!sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void caller_connect(int *caller)
{
	fd_close(*caller);
	*caller = -1;
	if (f.connects++ >= CONNECTS_MAX)
		return;
	*caller = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	require(*caller >= 0, "socket");
	if (connect(*caller, (struct sockaddr *)&f.address, f.address_len) < 0) {
		close(*caller); /* the backlog is full */
		*caller = -1;
	}
}

static void answer_one(unsigned int which)
{
	struct control_client *client;
	struct err err = ERR_INIT;

	if (f.asked_len == 0)
		return;
	which %= f.asked_len;
	client = f.asked[which].client;
	f.asked[which] = f.asked[--f.asked_len];
	require(control_kept(client) < 0 || fcntl(control_kept(client), F_GETFD) == FD_CLOEXEC,
		"what was kept is open");
	(void)err_set(&err, ENOSYS, "no");
	kernel_faults(true);
	control_answer(client, &err, NULL);
	kernel_faults(false);
}

static void one_op(struct input *in)
{
	uint8_t op = (uint8_t)input_take(in, 1);
	int *caller = &f.callers[input_take(in, 1) % CALLERS];
	struct control_request request;
	size_t len;

	f.answer_at_once = op & 0x40;
	f.take_first = op & 0x80;
	switch (op % 8) {
	case 0:
		caller_connect(caller);
		break;
	case 1: /* a whole request */
	case 2:
		request.op = (uint32_t)input_take(in, 1) % (CONTROL_OPS + 2);
		request.signal = (int32_t)input_take(in, 4);
		request.all = (uint32_t)input_take(in, 1);
		message_send(*caller, &request, sizeof(request), op & 8 ? (op >> 4 & 3) : 0);
		break;
	case 3: { /* anything else */
		const uint8_t *bytes = input_bytes(in, input_take(in, 1) % 64, &len);

		message_send(*caller, bytes, len, (op >> 3) % MESSAGE_FDS);
		break;
	}
	case 4:
		fd_close(*caller);
		*caller = -1;
		break;
	case 5:
		answer_one(op >> 3);
		break;
	case 6: /* as many as fit at once */
		for (int i = 0; i < CALLERS; i++) {
			if (f.callers[i] < 0)
				caller_connect(&f.callers[i]);
		}
		break;
	default:
		turn();
		break;
	}
}

static int listen_anywhere(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	f.address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	f.address_len = sizeof(sa_family_t); /* the kernel chooses an abstract address */
	require(fd >= 0 && bind(fd, (struct sockaddr *)&f.address, f.address_len) == 0, "bind");
	f.address_len = sizeof(f.address);
	require(getsockname(fd, (struct sockaddr *)&f.address, &f.address_len) == 0, "getsockname");
	require(listen(fd, CONTROL_CLIENTS_MAX) == 0, "listen");
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct control_handler handlers[CONTROL_OPS] = {
		[CONTROL_START] = { .fn = on_start, .fds_max = 2, .orphans_max = ORPHANS_MAX },
		[CONTROL_SIGNAL] = { .fn = on_signal },
	};
	struct input in = { data, data + size };
	struct watch *watch;
	int tick;

	kernel_begin();
	tick = eventfd(1, EFD_CLOEXEC); /* always readable: it ends every turn */
	f.null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	require(tick >= 0 && f.null_fd >= 0 && loop_new(&f.loop) == 0, "set up");
	require(control_new(f.loop, listen_anywhere(), handlers, NULL, &f.control) == 0, "control_new");
	require(watch_new(f.loop, tick, EPOLLIN, on_tick, NULL, &watch) == 0, "watch_new");
	for (int i = 0; i < CALLERS; i++)
		f.callers[i] = -1;
	f.asked_len = f.connects = 0;
	kernel_take_faults(&in);
	for (int i = 0; i < OPS_MAX && in.at < in.end; i++)
		one_op(&in);
	turn();
	while (f.asked_len > 0 && size % 2 == 0) /* else they are still owed when the monitor ends */
		answer_one(0);
	control_free(f.control);
	for (int i = 0; i < CALLERS; i++)
		fd_close(f.callers[i]);
	watch_free(watch);
	loop_free(f.loop);
	close(tick);
	close(f.null_fd);
	kernel_end();
	return 0;
}
