/* SPDX-License-Identifier: Apache-2.0 */
/* The asking end of a network path: see netend.c. */
#include <errno.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
/* this one takes struct timespec from those above */
#include <linux/errqueue.h>

#include "netend.h"

/* A result of a check: @why is NULL if it went well. */
static void say(const char *what, const char *why)
{
	(void)printf("%s=%s\n", what, why ? why : "ok");
	(void)fflush(stdout);
}

/* Sends, ends its direction, and hears what the server says of it. */
static const char *upload(struct bulk b)
{
	static char answer[64];
	int fd = dial(SOCK_STREAM, PORT_SINK);
	ssize_t n;

	if (fd < 0)
		return strerror(errno);
	if (!write_all(fd, &b, sizeof(b)) || !give_bulk(fd, b) || shutdown(fd, SHUT_WR) < 0)
		n = -1;
	else
		n = read_all(fd, answer, sizeof(answer) - 1);
	if (n < 0)
		(void)snprintf(answer, sizeof(answer), "%s", strerror(errno));
	else
		answer[n] = '\0';
	close(fd);
	return strcmp(answer, "ok") == 0 ? NULL : answer;
}

static const char *download(struct bulk b)
{
	static char why[64];
	int fd = dial(SOCK_STREAM, PORT_SOURCE), r;

	if (fd < 0)
		return strerror(errno);
	if (!write_all(fd, &b, sizeof(b)))
		return strerror(errno);
	r = take_bulk(fd, b, why);
	close(fd);
	return r == 0 ? NULL : why;
}

static void check_bulk(uint64_t bytes)
{
	const struct bulk b = { .seed = 0x2545f4914f6cdd1d, .bytes = bytes };
	int status = 1;
	pid_t pid;

	say("up", upload(b));
	say("down", download(b));
	pid = fork();
	if (pid == 0) {
		const char *why = upload(b);

		if (why)
			say("up-beside", why);
		_exit(why ? 1 : 0);
	}
	say("down-beside", download(b));
	(void)waitpid(pid, &status, 0);
	if (status == 0)
		say("up-beside", NULL);
}

static void check_short(unsigned long times)
{
	char got[64], why[64];

	for (unsigned long i = 0; i < times; i++) {
		int fd = dial(SOCK_STREAM, PORT_LINE);
		ssize_t n = fd < 0 ? -1 : read_all(fd, got, sizeof(got));

		if (n != sizeof(LINE) - 1 || memcmp(got, LINE, sizeof(LINE) - 1) != 0) {
			(void)snprintf(why, sizeof(why), "connection %lu: %s", i, n < 0 ? strerror(errno) : "no line");
			say("short", why);
			return;
		}
		close(fd);
	}
	say("short", NULL);
}

static uint64_t ask_count(void)
{
	uint64_t n = 0;
	int fd = dial(SOCK_STREAM, PORT_COUNT);

	if (fd < 0 || read_all(fd, &n, sizeof(n)) != sizeof(n))
		die("count");
	close(fd);
	return n;
}

static void check_resets(void)
{
	char byte = 'x';
	uint64_t before;
	int fd = dial(SOCK_STREAM, PORT_RESET);

	if (fd < 0 || !write_all(fd, &byte, 1))
		say("reset", strerror(errno));
	else if (read_all(fd, &byte, 1) >= 0)
		say("reset", "the end, and no reset");
	else
		say("reset", errno == ECONNRESET ? NULL : strerror(errno));
	close(fd);
	before = ask_count();
	fd = dial(SOCK_STREAM, PORT_WATCH);
	if (fd < 0 || read_all(fd, &byte, 1) != 1)
		say("resetting", strerror(errno));
	reset(fd);
	for (int i = 0; i < PATIENCE_S * 50 && ask_count() == before; i++)
		(void)usleep(20000);
	say("resetting", ask_count() == before ? "the server has not seen it" : NULL);
	fd = dial(SOCK_STREAM, PORT_NOBODY);
	say("refused", fd < 0 && errno == ECONNREFUSED ? NULL : "somebody is there");
}

/* Sends a datagram of @bytes until it comes back: how many bytes did, 0 for none; -1: it could not be sent. */
static ssize_t udp_try(int fd, size_t bytes, uint64_t seed)
{
	static uint8_t sent[CHUNK], got[CHUNK];
	uint64_t state = seed;

	fill(sent, bytes, &state);
	for (int i = 0; i < UDP_TRIES; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (send(fd, sent, bytes, 0) < 0)
			return -1;
		while (poll(&p, 1, 1000) > 0) {
			ssize_t n = recv(fd, got, sizeof(got), 0);

			if (n == (ssize_t)bytes && memcmp(sent, got, bytes) == 0)
				return n;
		}
	}
	errno = ETIMEDOUT;
	return 0;
}

static void check_udp(size_t mtu)
{
	const size_t headers = is6() ? 48 : 28;
	const size_t sizes[] = { 1, 512, mtu - headers, mtu - headers + 1, 8000, 60000 };
	const int probe = is6() ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;
	char why[64], *at = why;
	int fd = dial(SOCK_DGRAM, PORT_ECHO);

	*why = '\0';
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (udp_try(fd, sizes[i], 77 + i) <= 0)
			at += snprintf(at, (size_t)(why + sizeof(why) - at), "%zu bytes ", sizes[i]);
	say("udp", *why ? why : NULL);
	/* whole packets: as large as the MTU, and not a byte more */
	if (setsockopt(fd, is6() ? IPPROTO_IPV6 : IPPROTO_IP, is6() ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &probe,
		    sizeof(probe)) < 0)
		die("probe");
	say("whole", udp_try(fd, mtu - headers, 5) > 0 ? NULL : strerror(errno));
	say("larger", udp_try(fd, mtu - headers + 1, 5) < 0 && errno == EMSGSIZE ? NULL : "it was sent");
	close(fd);
}

/* Whether a message has a time stamp of software; 0: none. */
static int stamp_of(int fd, int flags)
{
	char data[64], control[512];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};

	if (recvmsg(fd, &msg, flags) < 0)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		struct scm_timestamping stamp;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPING)
			continue;
		memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
		return stamp.ts[0].tv_sec != 0;
	}
	return 0;
}

static void check_stamps(void)
{
	const int how = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	int fd = dial(SOCK_DGRAM, PORT_ECHO), in = -1, out = -1;

	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &how, sizeof(how)) < 0)
		die("SO_TIMESTAMPING");
	/* the kernel begins to stamp packets a little later than it is asked to */
	for (int i = 0; i < UDP_TRIES && in < 1; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		(void)send(fd, "stamp", 5, 0);
		while (in < 1 && poll(&p, 1, 1000) > 0) {
			if (p.revents & POLLERR)
				out = stamp_of(fd, MSG_ERRQUEUE);
			if (p.revents & POLLIN)
				in = stamp_of(fd, 0);
		}
	}
	say("stamp-in", in == 1 ? NULL : in == 0 ? "no stamp" : "no packet");
	say("stamp-out", out == 1 ? NULL : "no stamp");
	close(fd);
}

int check(char *argv[])
{
	server = argv[0];
	check_bulk(strtoull(argv[1], NULL, 10) << 20);
	check_short(strtoul(argv[2], NULL, 10));
	check_resets();
	check_udp(strtoul(argv[3], NULL, 10));
	check_stamps();
	say("checked", NULL);
	return 0;
}

/* ---- datagrams that are sent as one ---- */

#define SEGMENT 1000
#define SEGMENTS 31
#define SEGMENTS_BYTES (SEGMENT * (SEGMENTS - 1) + 100) /* the last one is short */

/* Which datagram of @all @got is, by its length and content; SEGMENTS: none. */
static unsigned int segment_of(const uint8_t *all, const uint8_t *got, ssize_t bytes)
{
	for (unsigned int k = 0; k < SEGMENTS; k++) {
		ssize_t want = k < SEGMENTS - 1 ? SEGMENT : SEGMENTS_BYTES % SEGMENT;

		if (bytes == want && memcmp(all + k * SEGMENT, got, (size_t)bytes) == 0)
			return k;
	}
	return SEGMENTS;
}

/* Each of them comes back, and no other one; what got lost is sent again, with all the rest. */
int segments(char *argv[])
{
	static uint8_t all[SEGMENTS_BYTES], got[CHUNK];
	const int segment = SEGMENT;
	bool seen[SEGMENTS] = { false };
	unsigned int n = 0, others = 0;
	uint64_t state = 4711;
	int fd;

	server = argv[0];
	fd = dial(SOCK_DGRAM, PORT_ECHO);
	if (fd < 0 || setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0)
		die("UDP_SEGMENT");
	fill(all, sizeof(all), &state);
	for (int i = 0; i < UDP_TRIES && n < SEGMENTS; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (send(fd, all, sizeof(all), 0) != (ssize_t)sizeof(all))
			die("send");
		while (n < SEGMENTS && poll(&p, 1, 1000) > 0) {
			unsigned int k = segment_of(all, got, recv(fd, got, sizeof(got), 0));

			others += k == SEGMENTS;
			n += k < SEGMENTS && !seen[k];
			if (k < SEGMENTS)
				seen[k] = true;
		}
	}
	(void)printf("segments=%u\nothers=%u\n", n, others);
	close(fd);
	return 0;
}

/* ---- groups ---- */

/* Sends to a group by the interface @name, and counts the addresses that answer until @want have, or none does any more. */
static unsigned int answers(const char *group, const char *name, unsigned int want)
{
	struct sockaddr_storage from[16], address;
	socklen_t len;
	const int on = 1;
	struct ip_mreqn by = { .imr_ifindex = (int)if_nametoindex(name) };
	unsigned int n = 0;
	int fd;

	server = group;
	server_at(PORT_ECHO, &address, &len);
	fd = socket(address.ss_family, SOCK_DGRAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0)
		die("socket");
	if (is6() ? setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &by.imr_ifindex, sizeof(by.imr_ifindex)) < 0
		  : setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)) < 0)
		die("interface");
	for (int i = 0; i < UDP_TRIES && n < want; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (sendto(fd, "group", 5, 0, (struct sockaddr *)&address, len) < 0)
			die(group);
		while (n < want && poll(&p, 1, 1000) > 0) {
			char data[16];
			unsigned int k = 0;
			socklen_t got = sizeof(from[0]);

			memset(&from[n], 0, sizeof(from[n]));
			if (recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from[n], &got) != 5)
				continue;
			while (memcmp(&from[k], &from[n], sizeof(from[k])) != 0)
				k++;
			n += k == n;
		}
	}
	close(fd);
	return n;
}

int groups(char *argv[])
{
	unsigned int want = (unsigned int)strtoul(argv[2], NULL, 10);

	(void)printf("broadcast=%u\n", answers(argv[1], argv[0], want));
	(void)printf("multicast4=%u\n", answers(GROUP4, argv[0], want));
	(void)printf("multicast6=%u\n", answers(GROUP6, argv[0], want));
	return 0;
}
