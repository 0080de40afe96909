/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the containers of tests/bats/48-sockets.bats do with sockets. It is static: their root is a busybox.
 *
 *   peer connect stream|seqpacket PATH TEXT [TIMES]
 *                         connects, sends TEXT, ends its direction, prints what comes until the end; TIMES in turn, of
 *                         which only the last prints. "ERRNO: WHAT" if something fails.
 *   peer hold PATH N      connects N times at once, and says "all" when each has had a byte
 *   peer send PATH TEXT   a datagram for each TEXT
 *   peer accept FD N      accepts N connections on the descriptor, each answered by "got " and what came until its end
 *   peer talk FD TEXT     as connect, on a descriptor
 *   peer kind FD          the domain, type and name of a socket
 *   peer records FD       prints "[LENGTH]" and the text of each record that comes until an empty one, and sends it back
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int fail(const char *what)
{
	(void)printf("%s: %s\n", what, strerror(errno));
	(void)fflush(stdout);
	return 1;
}

static int dial(int type, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

/* Sends @text, ends the direction, and prints, if @loud, what comes until the end. 0 or 1. */
static int talk(int fd, const char *text, int loud)
{
	char buf[65536];
	ssize_t n;

	if (write(fd, text, strlen(text)) < 0)
		return fail("write");
	if (shutdown(fd, SHUT_WR) < 0)
		return fail("shutdown");
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		if (loud)
			(void)fwrite(buf, 1, (size_t)n, stdout);
	}
	(void)fflush(stdout);
	return n < 0 ? fail("read") : 0;
}

static int do_connect(int type, const char *path, const char *text, int times)
{
	int r = 0;

	for (int i = 1; i <= times && r == 0; i++) {
		int fd = dial(type, path);

		if (fd < 0)
			return fail("connect");
		r = talk(fd, text, i == times);
		close(fd);
	}
	return r;
}

static int do_hold(const char *path, int n)
{
	int *fds = calloc((size_t)n, sizeof(*fds));
	char c;

	for (int i = 0; i < n; i++) {
		fds[i] = dial(SOCK_STREAM, path);
		if (fds[i] < 0)
			return fail("connect");
	}
	for (int i = 0; i < n; i++) {
		if (read(fds[i], &c, 1) != 1)
			return fail("read");
		close(fds[i]);
	}
	free(fds);
	(void)puts("all");
	return 0;
}

static int do_send(const char *path, char **texts)
{
	int fd = dial(SOCK_DGRAM, path);

	if (fd < 0)
		return fail("connect");
	for (; *texts; texts++) {
		if (send(fd, *texts, strlen(*texts), 0) < 0)
			return fail("send");
	}
	return 0;
}

static int do_accept(int listener, int n)
{
	char buf[65536];

	while (n-- > 0) {
		int fd = accept(listener, NULL, NULL);
		size_t len = 0;
		ssize_t r;

		if (fd < 0)
			return fail("accept");
		while ((r = read(fd, buf + len, sizeof(buf) - len)) > 0)
			len += (size_t)r;
		(void)dprintf(fd, "got %.*s", (int)len, buf);
		close(fd);
	}
	return 0;
}

static int do_kind(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
	} addr = { .any.sa_family = 0 };
	socklen_t len = sizeof(addr), size = sizeof(int);
	int domain, type, listening;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0 ||
		getsockname(fd, &addr.any, &len) < 0)
		return fail("kind");
	(void)printf("%s %s%s",
		domain == AF_UNIX   ? "unix"
		: domain == AF_INET ? "inet"
				    : "other",
		type == SOCK_STREAM  ? "stream"
		: type == SOCK_DGRAM ? "dgram"
				     : "seqpacket",
		listening ? " listening" : "");
	if (domain == AF_INET)
		(void)printf(" %s:%d", inet_ntoa(addr.in.sin_addr), ntohs(addr.in.sin_port));
	(void)puts("");
	return 0;
}

static int do_records(int fd)
{
	static char buf[1 << 20];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		(void)printf("[%zd]%.8s\n", n, buf);
		if (send(fd, buf, (size_t)n, 0) < 0)
			return fail("send");
	}
	return n < 0 ? fail("recv") : 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc >= 5 && strcmp(verb, "connect") == 0)
		return do_connect(strcmp(argv[2], "seqpacket") == 0 ? SOCK_SEQPACKET : SOCK_STREAM, argv[3], argv[4],
			argc > 5 ? atoi(argv[5]) : 1);
	if (argc == 4 && strcmp(verb, "hold") == 0)
		return do_hold(argv[2], atoi(argv[3]));
	if (argc >= 4 && strcmp(verb, "send") == 0)
		return do_send(argv[2], argv + 3);
	if (argc == 4 && strcmp(verb, "accept") == 0)
		return do_accept(atoi(argv[2]), atoi(argv[3]));
	if (argc == 4 && strcmp(verb, "talk") == 0)
		return talk(atoi(argv[2]), argv[3], 1);
	if (argc == 3 && strcmp(verb, "kind") == 0)
		return do_kind(atoi(argv[2]));
	if (argc == 3 && strcmp(verb, "records") == 0)
		return do_records(atoi(argv[2]));
	(void)fprintf(stderr, "usage: see tests/sockets/peer.c\n");
	return 2;
}
