/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of what goes by a loopback interface, for tests/bats/76-user-network.bats: in a container, whose root is a busybox,
 * and beside it. It is static.
 *
 *   localend serve ADDRESS PORT NAME   TCP and UDP there: answers each connection and each datagram with NAME; says
 *                                      "serving" when it does
 *   localend ask HOW ADDRESS PORT      asks once, and says "NAME by PEER", or why there is no answer
 *
 * HOW: "tcp"; "bound", of a socket that is bound to the address before; "sent", a datagram by sendto(2), where PEER is whom
 * recvfrom(2) names; "connected", one of a connected socket. Else PEER is getpeername(2)'s.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 5 /* for one answer: a datagram may get lost */
#define TRIES 12
#define TEXT_MAX 64

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t len_of(const union address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static union address parse(const char *text, const char *port)
{
	union address a = { .v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) } };

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1)
		return a;
	a = (union address){ .v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port)) } };
	if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1)
		return a;
	(void)fprintf(stderr, "\"%s\" is no address\n", text);
	exit(2);
}

static int say(const char *what)
{
	(void)printf("%s\n", what);
	return 1;
}

static void serve(const union address *at, const char *name)
{
	int tcp = socket(at->any.sa_family, SOCK_STREAM, 0), udp = socket(at->any.sa_family, SOCK_DGRAM, 0), one = 1;
	struct pollfd p[] = { { .fd = tcp, .events = POLLIN }, { .fd = udp, .events = POLLIN } };

	if (setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 || bind(tcp, &at->any, len_of(at)) < 0 ||
		listen(tcp, 16) < 0 || bind(udp, &at->any, len_of(at)) < 0) {
		(void)say(strerror(errno));
		exit(1);
	}
	(void)say("serving");
	(void)fflush(stdout);
	while (poll(p, 2, -1) >= 0) {
		union address from;
		socklen_t len = sizeof(from);
		char text[TEXT_MAX];

		if (p[0].revents) {
			int fd = accept(tcp, NULL, NULL);

			(void)!send(fd, name, strlen(name), MSG_NOSIGNAL);
			(void)close(fd);
		}
		if (p[1].revents && recvfrom(udp, text, sizeof(text), 0, &from.any, &len) >= 0)
			(void)!sendto(udp, name, strlen(name), 0, &from.any, len);
	}
	exit(1);
}

/* Asks once: 0 if there was an answer, which is told; or -1 with errno. */
static int try_once(const char *how, const union address *at)
{
	bool tcp = strcmp(how, "tcp") == 0 || strcmp(how, "bound") == 0, sent = strcmp(how, "sent") == 0;
	const struct timeval patience = { .tv_sec = tcp ? PATIENCE_S * TRIES : PATIENCE_S };
	char text[TEXT_MAX], peer[INET6_ADDRSTRLEN];
	union address own = *at, from = { .any = { .sa_family = AF_UNSPEC } };
	int fd = socket(at->any.sa_family, tcp ? SOCK_STREAM : SOCK_DGRAM, 0), e;
	socklen_t len = sizeof(from);
	ssize_t n = -1;

	own.v4.sin_port = 0; /* which is where IPv6 has it, too */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
		(strcmp(how, "bound") == 0 && bind(fd, &own.any, len_of(&own)) < 0))
		return -1;
	if (sent) {
		n = sendto(fd, "?", 1, 0, &at->any, len_of(at));
	} else {
		n = connect(fd, &at->any, len_of(at));
		if (n == 0 && !tcp)
			n = send(fd, "?", 1, 0);
	}
	if (n >= 0)
		n = sent ? recvfrom(fd, text, sizeof(text) - 1, 0, &from.any, &len)
			 : recv(fd, text, sizeof(text) - 1, 0);
	if (n >= 0 && !sent && getpeername(fd, &from.any, &len) < 0)
		n = -1;
	e = errno;
	(void)close(fd);
	errno = e;
	if (n < 0)
		return -1;
	text[n] = '\0';
	(void)inet_ntop(from.any.sa_family,
		from.any.sa_family == AF_INET ? (void *)&from.v4.sin_addr : (void *)&from.v6.sin6_addr, peer,
		sizeof(peer));
	(void)printf("%s by %s %u\n", n ? text : "nobody", peer, ntohs(from.v4.sin_port));
	return 0;
}

int main(int argc, char *argv[])
{
	union address at;

	if (argc != 5) {
		(void)fprintf(stderr, "usage: see the top of localend.c\n");
		return 2;
	}
	at = strcmp(argv[1], "serve") == 0 ? parse(argv[2], argv[3]) : parse(argv[3], argv[4]);
	if (strcmp(argv[1], "serve") == 0)
		serve(&at, argv[4]);
	for (int i = 0; i < TRIES; i++) {
		if (try_once(argv[2], &at) == 0)
			return 0;
		if (errno != EAGAIN)
			break;
	}
	return say(strerror(errno));
}
