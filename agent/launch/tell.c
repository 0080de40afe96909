/* SPDX-License-Identifier: Apache-2.0 */
/* The socket between the agent and a process that is being made: see tell.h. */
#include "launch/tell.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

int tell_pair(int *ret_agent, int *ret_process)
{
	int sv[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	r = fd_set_nonblock(sv[0], true);
	if (r < 0) {
		fd_close(sv[0]);
		fd_close(sv[1]);
		return r;
	}
	*ret_agent = sv[0];
	*ret_process = sv[1];
	return 0;
}

int tell_send(int sock, const struct tell *msg, int fd)
{
	return fd_send(sock, msg, sizeof(*msg), &fd, fd >= 0 ? 1 : 0);
}

int tell_say(int sock, enum tell_kind kind, int fd)
{
	struct tell msg = { .kind = (uint32_t)kind };

	return tell_send(sock, &msg, fd);
}

int tell_wait(int sock, char letter)
{
	char got = 0;
	ssize_t n;

	do
		n = read(sock, &got, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 && got == letter ? 0 : -EPIPE;
}

int tell_letter(int sock, char letter)
{
	return send(sock, &letter, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -EPIPE;
}

int tell_next(int sock, struct tell *ret, int *ret_fd)
{
	struct tell msg;
	int fds[1] = { -1 };
	size_t nfds = 0;
	ssize_t n = fd_recv(sock, &msg, sizeof(msg), fds, 1, &nfds);

	if (n == -EAGAIN)
		return 0;
	if (n != (ssize_t)sizeof(msg)) {
		if (n >= 0 && nfds == 1)
			fd_close(fds[0]);
		return -EPIPE;
	}
	msg.err.msg[sizeof(msg.err.msg) - 1] = '\0';
	*ret = msg;
	*ret_fd = nfds == 1 ? fds[0] : -1;
	return 1;
}
