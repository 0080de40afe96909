/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of a network path: in containers, whose root is a busybox, and in network namespaces beside them. It is static.
 *
 *   netend serve IF            serves on the ports below and in the groups of interface IF, and says "serving"
 *   netend check ADDRESS MIB SHORT MTU
 *                              tries a path to a server: MIB each way, alone and both ways at once; SHORT short
 *                              connections; ends, resets and refusals; datagrams of many sizes, and no larger ones than
 *                              the MTU where they must not be cut into fragments; time stamps of packets
 *   netend groups IF BROADCAST WANT
 *                              how many servers answer a broadcast, and a multicast of IPv4 and IPv6, WANT at most
 *   netend segments ADDRESS    datagrams that are sent as one, for the kernel or the card to cut (UDP_SEGMENT)
 *   netend offloads IF [uso]   which offloads IF has; first that of UDP's segmentation, which Linux leaves off, is turned on if it can be
 *   netend rate ADDRESS SECONDS
 *                              requests and answers of a byte, then connections with one each: how many a second
 *
 * Each result is a line WHAT=RESULT; of a check it is "ok", or why it is not.
 *
 * Ports, TCP: SINK takes what the generator makes until the end, and says what has come; SOURCE makes it, as asked for; LINE answers
 * each connection with a line; RESET resets it; WATCH counts those that are reset, and COUNT says how many;
 * ECHO sends each byte back. UDP: ECHO sends each datagram back.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "netend.h"

/* ---- common ---- */

void fill(uint8_t *to, size_t bytes, uint64_t *state)
{
	for (size_t i = 0; i < bytes; i += sizeof(*state)) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		memcpy(to + i, state, bytes - i < sizeof(*state) ? bytes - i : sizeof(*state));
	}
}

bool write_all(int fd, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes) {
		ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		bytes -= (size_t)n;
	}
	return true;
}

ssize_t read_all(int fd, void *to, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n = recv(fd, (char *)to + done, bytes - done, 0);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int take_bulk(int fd, struct bulk b, char why[64])
{
	static uint8_t want[CHUNK], got[CHUNK];
	uint64_t state = b.seed, done = 0;

	for (;;) {
		ssize_t n = read_all(fd, got, sizeof(got));

		if (n < 0) {
			(void)snprintf(why, 64, "%s after %llu bytes", strerror(errno), (unsigned long long)done);
			return -1;
		}
		fill(want, sizeof(want), &state);
		if (memcmp(want, got, (size_t)n) != 0) {
			(void)snprintf(why, 64, "others than sent after %llu bytes", (unsigned long long)done);
			return -1;
		}
		done += (uint64_t)n;
		if (n < (ssize_t)sizeof(got))
			break;
	}
	(void)snprintf(why, 64, "%llu of %llu bytes", (unsigned long long)done, (unsigned long long)b.bytes);
	return done == b.bytes ? 0 : -1;
}

bool give_bulk(int fd, struct bulk b)
{
	static uint8_t data[CHUNK];
	uint64_t state = b.seed;

	while (b.bytes) {
		size_t now = b.bytes < sizeof(data) ? (size_t)b.bytes : sizeof(data);

		fill(data, sizeof(data), &state);
		if (!write_all(fd, data, now))
			return false;
		b.bytes -= now;
	}
	return true;
}

static void patience(int fd)
{
	const struct timeval tv = { .tv_sec = PATIENCE_S };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

void reset(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

_Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

const char *server;

bool is6(void)
{
	return strchr(server, ':') != NULL;
}

void server_at(uint16_t port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *in = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = is6() ? AF_INET6 : AF_INET;
	if (inet_pton(ret->ss_family, server, is6() ? (void *)&in6->sin6_addr : (void *)&in->sin_addr) != 1)
		die(server);
	in->sin_port = htons(port); /* at the same place in both */
	*ret_len = is6() ? sizeof(*in6) : sizeof(*in);
}

int dial(int type, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t len;
	const int on = 1;
	int fd;

	server_at(port, &address, &len);
	fd = socket(address.ss_family, type, 0);
	if (fd < 0)
		die("socket");
	patience(fd);
	if (connect(fd, (struct sockaddr *)&address, len) < 0) {
		int e = errno;

		close(fd);
		errno = e;
		return -1;
	}
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* ---- offloads ---- */

/* Turns the feature @what of interface @name, as ethtool(8) names it, on if @on and it can be: whether it is on then. */
static const char *feature(int fd, const char *name, const char *what, bool on)
{
	static union {
		struct ethtool_sset_info sets;
		struct ethtool_gstrings strings;
		struct ethtool_gfeatures features;
		struct ethtool_sfeatures set;
		uint32_t space[4096];
	} u;
	struct ifreq ifr = { .ifr_data = (void *)&u };
	uint32_t n, at = 0;

	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	u.sets = (struct ethtool_sset_info){ .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES };
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		return strerror(errno);
	n = u.sets.data[0];
	u.strings = (struct ethtool_gstrings){ .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = n };
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		return strerror(errno);
	while (at < n && strcmp((char *)u.strings.data + (size_t)at * ETH_GSTRING_LEN, what) != 0)
		at++;
	if (at == n)
		return "off"; /* the kernel does not know it */
	if (on) {
		memset(&u, 0, sizeof(u));
		u.set = (struct ethtool_sfeatures){ .cmd = ETHTOOL_SFEATURES, .size = (n + 31) / 32 };
		u.set.features[at / 32].valid = u.set.features[at / 32].requested = 1u << at % 32;
		if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
			return strerror(errno);
	}
	u.features = (struct ethtool_gfeatures){ .cmd = ETHTOOL_GFEATURES, .size = (n + 31) / 32 };
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		return strerror(errno);
	return u.features.features[at / 32].active & (1u << at % 32) ? "on" : "off";
}

static int offloads(const char *name, bool uso)
{
	static const struct {
		uint32_t command;
		const char *name;
	} asked[] = {
		{ ETHTOOL_GTXCSUM, "tx-checksum" },
		{ ETHTOOL_GRXCSUM, "rx-checksum" },
		{ ETHTOOL_GSG, "scatter-gather" },
		{ ETHTOOL_GTSO, "tso" },
		{ ETHTOOL_GGSO, "gso" },
		{ ETHTOOL_GGRO, "gro" },
	};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct ethtool_value value = { .cmd = asked[i].command };
		struct ifreq ifr = { .ifr_data = (void *)&value };

		(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
		if (fd < 0 || ioctl(fd, SIOCETHTOOL, &ifr) < 0)
			(void)printf("%s=%s\n", asked[i].name, strerror(errno));
		else
			(void)printf("%s=%s\n", asked[i].name, value.data ? "on" : "off");
	}
	if (fd >= 0)
		(void)printf("uso=%s\n", feature(fd, name, "tx-udp-segmentation", uso));
	return 0;
}

/* ---- rates ---- */

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A request and its answer, of a byte each. */
static void ask_once(int fd)
{
	char byte = 'r';

	if (!write_all(fd, &byte, 1) || read_all(fd, &byte, 1) != 1)
		die("ask");
}

static int rate(char *argv[])
{
	double seconds = strtod(argv[1], NULL), start;
	unsigned long n = 0;
	char line[64];
	int fd;

	server = argv[0];
	fd = dial(SOCK_STREAM, PORT_ECHO);
	if (fd < 0)
		die("dial");
	ask_once(fd);
	for (start = now(); now() - start < seconds; n++)
		ask_once(fd);
	(void)printf("requests=%.1f\n", (double)n / (now() - start));
	close(fd);
	n = 0;
	for (start = now(); now() - start < seconds; n++) {
		fd = dial(SOCK_STREAM, PORT_LINE);
		if (fd < 0 || read_all(fd, line, sizeof(line)) != sizeof(LINE) - 1)
			die("line");
		close(fd);
	}
	(void)printf("connections=%.1f\n", (double)n / (now() - start));
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	if (argc == 6 && strcmp(argv[1], "check") == 0)
		return check(argv + 2);
	if (argc == 5 && strcmp(argv[1], "groups") == 0)
		return groups(argv + 2);
	if (argc == 3 && strcmp(argv[1], "segments") == 0)
		return segments(argv + 2);
	if (argc >= 3 && strcmp(argv[1], "offloads") == 0)
		return offloads(argv[2], argc == 4 && strcmp(argv[3], "uso") == 0);
	if (argc == 4 && strcmp(argv[1], "rate") == 0)
		return rate(argv + 2);
	(void)fprintf(stderr, "usage: see the top of netend.c\n");
	return 2;
}
