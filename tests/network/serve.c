/* SPDX-License-Identifier: Apache-2.0 */
/* The serving end of a network path: see netend.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "netend.h"

static volatile uint64_t *resets; /* shared by all processes of a server */

static void serve_sink(int fd)
{
	struct bulk b;
	char why[64];

	if (read_all(fd, &b, sizeof(b)) != sizeof(b))
		return;
	if (take_bulk(fd, b, why) == 0)
		(void)write_all(fd, "ok", 2);
	else
		(void)write_all(fd, why, strlen(why));
}

static void serve_source(int fd)
{
	struct bulk b;

	if (read_all(fd, &b, sizeof(b)) == sizeof(b))
		(void)give_bulk(fd, b);
}

static void serve_line(int fd)
{
	(void)write_all(fd, LINE, sizeof(LINE) - 1);
}

static void serve_reset(int fd)
{
	char byte;

	(void)read_all(fd, &byte, 1);
	reset(dup(fd));
}

static void serve_watch(int fd)
{
	char byte;

	(void)write_all(fd, "w", 1);
	if (read_all(fd, &byte, 1) < 0 && errno == ECONNRESET)
		__atomic_fetch_add(resets, 1, __ATOMIC_SEQ_CST);
}

static void serve_count(int fd)
{
	uint64_t n = *resets;

	(void)write_all(fd, &n, sizeof(n));
}

static void serve_echo(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) == 1 && write_all(fd, &byte, 1))
		;
}

/* What a port does. @child: a connection may take long, and has a process of its own. */
static const struct service {
	uint16_t port;
	bool child;
	void (*serve)(int fd);
} services[] = {
	{ PORT_SINK, true, serve_sink },
	{ PORT_SOURCE, true, serve_source },
	{ PORT_LINE, false, serve_line },
	{ PORT_RESET, false, serve_reset },
	{ PORT_WATCH, true, serve_watch },
	{ PORT_COUNT, false, serve_count },
	{ PORT_ECHO, true, serve_echo },
};

static int listening(int type, uint16_t port)
{
	struct sockaddr_in6 sin = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const int on = 1, off = 0;
	int fd = socket(AF_INET6, type, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
		bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 || (type == SOCK_STREAM && listen(fd, 1024) < 0))
		die("listen");
	return fd;
}

static void serve_port(const struct service *s, int listener)
{
	const int on = 1;

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (!s->child) {
			s->serve(fd);
		} else if (fork() == 0) {
			s->serve(fd);
			_exit(0);
		}
		close(fd);
	}
}

/* Joins @fd to the groups on the interface @name. */
static void join(int fd, const char *name)
{
	struct group_req group = { .gr_interface = if_nametoindex(name) };
	struct sockaddr_in *in = (struct sockaddr_in *)&group.gr_group;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&group.gr_group;

	in->sin_family = AF_INET;
	(void)inet_pton(AF_INET, GROUP4, &in->sin_addr);
	if (setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &group, sizeof(group)) < 0)
		die(GROUP4);
	memset(in6, 0, sizeof(*in6));
	in6->sin6_family = AF_INET6;
	(void)inet_pton(AF_INET6, GROUP6, &in6->sin6_addr);
	if (setsockopt(fd, IPPROTO_IPV6, MCAST_JOIN_GROUP, &group, sizeof(group)) < 0)
		die(GROUP6);
}

_Noreturn void serve(const char *name)
{
	int listeners[sizeof(services) / sizeof(services[0])], udp = listening(SOCK_DGRAM, PORT_ECHO);
	static uint8_t data[CHUNK];

	join(udp, name);
	(void)signal(SIGCHLD, SIG_IGN);
	resets = mmap(NULL, sizeof(*resets), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (resets == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		listeners[i] = listening(SOCK_STREAM, services[i].port);
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* who ends the server ends all of it */
			serve_port(&services[i], listeners[i]);
		}
	}
	(void)printf("serving\n");
	(void)fflush(stdout);
	for (;;) {
		struct sockaddr_in6 from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(udp, data, sizeof(data), 0, (struct sockaddr *)&from, &len);

		if (n >= 0)
			(void)sendto(udp, data, (size_t)n, 0, (struct sockaddr *)&from, len);
	}
}
