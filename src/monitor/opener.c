/* SPDX-License-Identifier: Apache-2.0 */
/* The process that opens ports: see opener.h. */
#include "monitor/opener.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "monitor/beside.h"
#include "monitor/lender.h"

#define BACKLOG 128
#define OWNER 0 /* the version of a "port" that is the way to the namespace's owner */

/* --- its side --- */

/* Binds @fd, of @family, to @port: 0 or -errno. */
static int bind_port(int fd, int family, const struct proto_port *port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port->port) };
	int e;

	if (family == AF_INET) {
		memcpy(&four.sin_addr, port->addr, sizeof(four.sin_addr));
		e = bind(fd, (struct sockaddr *)&four, sizeof(four));
	} else {
		memcpy(&six.sin6_addr, port->addr, sizeof(six.sin6_addr));
		e = bind(fd, (struct sockaddr *)&six, sizeof(six));
	}
	return e < 0 ? -errno : 0;
}

/*
 * A socket that listens at @port, or -errno. An IPv6 socket is one for IPv4 as well, as it is by default in the guest
 * (@six_only: it is not).
 */
static int open_port(const struct proto_port *port, int six_only)
{
	int family = port->version == 4 ? AF_INET : AF_INET6, on = 1, r;
	autoclose int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &six_only, sizeof(six_only)) < 0)
		return -errno;
	r = bind_port(fd, family, port);
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	return r < 0 ? r : steal_fd(&fd);
}

/* Sees nothing of the host's files, and gives up all but what it is for: 0 or -errno. */
static int drop(bool low)
{
	static const int calls[] = {
		SYS_recvmsg,
		SYS_sendmsg, /* the monitor */
		SYS_socket,
		SYS_setsockopt,
		SYS_bind,
		SYS_listen,
		SYS_close, /* a port */
		SYS_connect,
		SYS_getsockopt,
		SYS_geteuid, /* the namespace's owner */
		SYS_exit_group,
	};

	/* a caller that has not got it cannot hand it on */
	low = low && prctl(PR_CAPBSET_READ, CAP_NET_BIND_SERVICE, 0, 0, 0) == 1;
	return beside_drop(NULL, low ? CAP_TO_MASK(CAP_NET_BIND_SERVICE) : 0, calls, ARRAY_LEN(calls));
}

/* The process's own main: nothing of what it has inherited but @socket stays. */
static _Noreturn void serve(int socket, bool low)
{
	struct proto_port port;
	int keep[] = { socket };
	size_t none;

	if (beside_begin("vmrunc-ports", keep, ARRAY_LEN(keep)) < 0 || drop(low) < 0)
		_exit(1);
	while (fd_recv(socket, &port, sizeof(port), NULL, 0, &none) == (ssize_t)sizeof(port)) {
		int fd = port.version == OWNER ? lender_connect() : open_port(&port, 0), error;

		/* a socket of the guest's for IPv4 alone has the port, beside this one for IPv6 */
		if (fd == -EADDRINUSE && port.version == 6)
			fd = open_port(&port, 1);
		error = fd < 0 ? -fd : 0;
		if (fd_send(socket, &error, sizeof(error), &fd, fd >= 0) < 0)
			break;
		fd_close(fd);
	}
	_exit(0);
}

/* --- the monitor's side --- */

int opener_start(bool low)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		serve(ends[1], low);
	fd_close(ends[1]);
	if (pid > 0)
		return ends[0];
	fd_close(ends[0]);
	return -EAGAIN;
}

int opener_ask(int socket, const struct proto_port *port)
{
	int error = EPIPE, fd = -1;
	size_t got = 0;

	if (fd_send(socket, port, sizeof(*port), NULL, 0) < 0 ||
		fd_recv(socket, &error, sizeof(error), &fd, 1, &got) != (ssize_t)sizeof(error))
		return -EPIPE;
	return got == 1 ? fd : error ? -error : -EPIPE;
}

int opener_ask_owner(int socket)
{
	const struct proto_port owner = { .version = OWNER };

	return opener_ask(socket, &owner);
}
