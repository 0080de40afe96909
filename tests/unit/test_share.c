/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the packets of a shared interface is the host's: the program runs on frames, in a network namespace of the
 * test's own with sockets and a tap.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "net/link.h"
#include "net/localports.h"
#include "net/rtnl.h"
#include "net/share.h"
#include "net/tap.h"

#define OURS "10.9.0.2"
#define OURS6 "fd09::2"
#define PEER "10.9.0.1"
#define PEER6 "fd09::1"
#define LATER 0x8000 /* with a number: an IPv6 packet's later fragment, of that protocol */
#define FIRST 0x4000 /* likewise: its first one */

static struct rtnl rtnl = RTNL_INIT;
static uint32_t tap;
static int tap_fd = -1;
static struct share share = SHARE_NONE;

/* Makes a namespace with a tap and its program, or skips the test where that cannot be. */
static void begin(void)
{
	struct err err = ERR_INIT;
	autolinks list = LINKS_NONE;
	int r;

	if (geteuid() != 0 || access(TAP_DEVICE, R_OK | W_OK) < 0 || unshare(CLONE_NEWNET) < 0 ||
		system("ip link set lo up && ip addr add " OURS "/24 dev lo && ip addr add " OURS6 "/64 dev lo") != 0) {
		print_message("needs root, " TAP_DEVICE " and iproute2\n");
		skip();
	}
	assert_int_equal(rtnl_open(-1, 0, &rtnl, &err), 0);
	assert_int_equal(tap_make(&rtnl, "one", 1, &tap_fd, &tap, &err), 0);
	assert_int_equal(link_set_group(&rtnl, tap, 0, true), 0);
	assert_int_equal(links_read(&rtnl, &list), 0);
	r = share_load(&list, "another", &share);
	assert_int_equal(share.n, 0);
	r = r < 0 ? r : share_load(&list, "one", &share);
	if (r == -EPERM || r == -ENOSYS) {
		print_message("needs bpf(2)\n");
		skip();
	}
	assert_int_equal(r, 0);
	assert_int_equal(share.n, 1);
	assert_int_equal(share_find(&share, tap + 1), -1);
}

static void end(void)
{
	share_done(&share);
	fd_close(tap_fd);
	rtnl_done(&rtnl);
}

/* A socket of @type (SOCK_x) at @address and @port; a stream's listens. */
static int listening(int type, const char *address, uint16_t port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd, on = 1;

	if (inet_pton(AF_INET, address, &four.sin_addr) == 1) {
		fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(fd, (struct sockaddr *)&four, sizeof(four)), 0);
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
		fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
		assert_int_equal(bind(fd, (struct sockaddr *)&six, sizeof(six)), 0);
	}
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* A connection to port 80, and which port it is from. */
static int connected(uint16_t *ret)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(80) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)inet_pton(AF_INET, OURS, &at.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*ret = ntohs(at.sin_port);
	return fd;
}

/* --- frames --- */

static uint8_t frame[128];
static uint8_t tcp_flags = TH_SYN;

/* Puts @protocol, and the frame's address: that of the loopback interface, by which the program is tried. */
static void put_ethernet(uint16_t protocol)
{
	memset(frame, 0, sizeof(frame));
	frame[6] = 2;
	frame[12] = (uint8_t)(protocol >> 8);
	frame[13] = (uint8_t)protocol;
}

/* The transport's header at @at: @a and @b are ports, or @a a type of ICMP. */
static void put_payload(uint8_t *at, unsigned int protocol, unsigned int a, unsigned int b)
{
	const uint16_t ports[2] = { htons((uint16_t)a), htons((uint16_t)b) };

	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		*at = (uint8_t)a;
	else
		memcpy(at, ports, sizeof(ports));
	if (protocol == IPPROTO_TCP)
		at[13] = tcp_flags;
}

static void put_ipv4(unsigned int protocol, unsigned int options, unsigned int offset, unsigned int a, unsigned int b)
{
	uint8_t *ip = frame + 14;

	put_ethernet(0x0800);
	ip[0] = (uint8_t)(0x45 + options);
	ip[6] = (uint8_t)(offset >> 8);
	ip[7] = (uint8_t)offset;
	ip[9] = (uint8_t)protocol;
	(void)inet_pton(AF_INET, PEER, ip + 12);
	(void)inet_pton(AF_INET, OURS, ip + 16);
	put_payload(ip + 20 + (size_t)4 * options, protocol, a, b);
}

/* @protocol may have FIRST or LATER in it. */
static void put_ipv6(unsigned int protocol, unsigned int a, unsigned int b)
{
	uint8_t *ip = frame + 14, *next = ip + 40;

	put_ethernet(0x86dd);
	ip[0] = 0x60;
	ip[6] = (uint8_t)protocol;
	(void)inet_pton(AF_INET6, PEER6, ip + 8);
	(void)inet_pton(AF_INET6, OURS6, ip + 24);
	if (protocol & (FIRST | LATER)) {
		ip[6] = IPPROTO_FRAGMENT;
		next[0] = (uint8_t)protocol;
		next[3] = protocol & LATER ? 8 | 1 : 1;
		next += 8;
	}
	put_payload(next, protocol & 0xff, a, b);
}

/* Who gets the frame: "stack", "machine" or "both". */
static const char *who(size_t len)
{
	union bpf_attr attr;
	uint8_t packet[256];
	bool copied;

	memset(&attr, 0, sizeof(attr));
	attr.test.prog_fd = (uint32_t)share_find(&share, tap);
	attr.test.data_in = (uint64_t)(uintptr_t)frame;
	attr.test.data_size_in = (uint32_t)len;
	assert_int_equal(syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)), 0);
	copied = read(tap_fd, packet, sizeof(packet)) > 0;
	if ((int)attr.test.retval == TC_ACT_UNSPEC)
		return copied ? "machine twice" : "machine";
	assert_int_equal(attr.test.retval, TC_ACT_OK);
	return copied ? "both" : "stack";
}

#define is(expected) assert_string_equal(who(sizeof(frame)), expected)

/* --- the tests --- */

static void tcp_by_its_sockets(void **state)
{
	static const uint8_t others[] = { TH_SYN | TH_ACK, TH_ACK, TH_RST, TH_FIN | TH_ACK, 0 };
	int fds[3];
	uint16_t remote;

	(void)state;
	begin();
	fds[0] = listening(SOCK_STREAM, OURS, 80);
	fds[1] = listening(SOCK_STREAM, "::", 81);
	put_ipv4(IPPROTO_TCP, 0, 0, 999, 80);
	is("stack");
	put_ipv4(IPPROTO_TCP, 10, 0, 999, 80); /* behind options */
	is("stack");
	put_ipv4(IPPROTO_TCP, 0, 0, 80, 999);
	is("machine");
	put_ipv6(IPPROTO_TCP, 999, 81);
	is("stack");
	put_ipv6(IPPROTO_TCP, 999, 80);
	is("machine");
	/* only a connection's first packet is for a socket that listens: the machine may have one from that port */
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		tcp_flags = others[i];
		put_ipv4(IPPROTO_TCP, 0, 0, 999, 80);
		is("machine");
		put_ipv6(IPPROTO_TCP, 999, 81);
		is("machine");
	}
	fds[2] = connected(&remote);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		tcp_flags = others[i];
		put_ipv4(IPPROTO_TCP, 0, 0, 80, remote);
		memcpy(frame + 14 + 12, frame + 14 + 16, 4); /* both ends of it are here */
		is("stack");
	}
	tcp_flags = TH_SYN;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_close(fds[i]);
	put_ipv4(IPPROTO_TCP, 0, 0, 999, 80);
	is("machine");
	end();
}

static void udp_by_its_sockets(void **state)
{
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(53) };
	int fds[4];

	(void)state;
	begin();
	fds[0] = listening(SOCK_DGRAM, "0.0.0.0", 5353);
	fds[1] = listening(SOCK_DGRAM, "0.0.0.0", SHARE_PORTS_FIRST);
	fds[2] = listening(SOCK_DGRAM, "::", SHARE_PORTS_LAST);
	fds[3] = listening(SOCK_DGRAM, OURS, 5354);
	(void)inet_pton(AF_INET, PEER, &peer.sin_addr);
	/* the peer's address is nobody's, but it is reached by the loopback interface */
	assert_int_equal(connect(fds[3], (struct sockaddr *)&peer, sizeof(peer)), 0);

	put_ipv4(IPPROTO_UDP, 0, 0, 53, 5353); /* a port of the machine's, whoever has bound it here */
	is("machine");
	put_ipv4(IPPROTO_UDP, 0, 0, 53, SHARE_PORTS_FIRST);
	is("stack");
	put_ipv4(IPPROTO_UDP, 0, 0, 53, SHARE_PORTS_FIRST + 1);
	is("machine");
	put_ipv4(IPPROTO_UDP, 0, 0, 53, 5354); /* the answer */
	is("stack");
	put_ipv4(IPPROTO_UDP, 0, 0, 54, 5354);
	is("machine");
	put_ipv6(IPPROTO_UDP, 53, SHARE_PORTS_LAST);
	is("stack");
	put_ipv6(IPPROTO_UDP, 53, 5353);
	is("machine");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fd_close(fds[i]);
	end();
}

static void what_nobody_answers_is_for_both(void **state)
{
	static const uint8_t errors4[] = { 0, 3, 11, 12 }, others4[] = { 5, 8, 13 };
	static const uint8_t errors6[] = { 1, 2, 3, 4, 129, 134, 136 }, others6[] = { 128, 130, 133, 135, 137 };

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_LEN(errors4); i++) {
		put_ipv4(IPPROTO_ICMP, 0, 0, errors4[i], 0);
		is("both");
	}
	for (size_t i = 0; i < ARRAY_LEN(others4); i++) {
		put_ipv4(IPPROTO_ICMP, 0, 0, others4[i], 0);
		is("machine");
	}
	for (size_t i = 0; i < ARRAY_LEN(errors6); i++) {
		put_ipv6(IPPROTO_ICMPV6, errors6[i], 0);
		is("both");
	}
	for (size_t i = 0; i < ARRAY_LEN(others6); i++) {
		put_ipv6(IPPROTO_ICMPV6, others6[i], 0);
		is("machine");
	}
	/* to all: what a router announces, and a neighbour's answer, which is for the machine then */
	put_ipv6(IPPROTO_ICMPV6, 134, 0);
	memcpy(frame, "\x33\x33\0\0\0\x01", 6);
	is("both");
	put_ipv6(IPPROTO_ICMPV6, 136, 0);
	memcpy(frame, "\x33\x33\0\0\0\x01", 6);
	is("machine");
	put_ipv6(IPPROTO_UDP, 134 << 8, SHARE_PORTS_FIRST);
	memcpy(frame, "\x33\x33\0\0\0\x01", 6);
	is("machine");
	/* ARP: a question and an answer */
	put_ethernet(0x0806);
	frame[14 + 7] = 1;
	is("machine");
	frame[14 + 7] = 2;
	is("both");
	frame[0] = 0xff; /* to everybody */
	is("machine");
	end();
}

static void fragments(void **state)
{
	int fd, fd6;

	(void)state;
	begin();
	fd = listening(SOCK_DGRAM, "0.0.0.0", SHARE_PORTS_FIRST);
	fd6 = listening(SOCK_DGRAM, "::", SHARE_PORTS_FIRST);
	put_ipv4(IPPROTO_UDP, 0, 0x2000, 53, SHARE_PORTS_FIRST); /* the first, by its ports */
	is("stack");
	put_ipv4(IPPROTO_UDP, 0, 0x2000, 53, 1000);
	is("machine");
	put_ipv4(IPPROTO_UDP, 0, 0x2001, 0, 0); /* a later one has none */
	is("both");
	put_ipv4(IPPROTO_UDP, 0, 1, 0, 0); /* the last */
	is("both");
	put_ipv6(FIRST | IPPROTO_UDP, 53, SHARE_PORTS_FIRST);
	is("stack");
	put_ipv6(FIRST | IPPROTO_UDP, 53, 1000);
	is("machine");
	put_ipv6(LATER | IPPROTO_UDP, 53, SHARE_PORTS_FIRST);
	is("both");
	fd_close(fd);
	fd_close(fd6);
	end();
}

static void what_is_malformed_is_the_machines(void **state)
{
	int fd;

	(void)state;
	begin();
	fd = listening(SOCK_STREAM, OURS, 80);
	put_ipv4(IPPROTO_TCP, 0, 0, 999, 80);
	assert_string_equal(who(14 + 20 + 14), "stack");
	assert_string_equal(who(14 + 20 + 13), "machine"); /* no flags */
	assert_string_equal(who(14 + 20 + 3), "machine");  /* no ports */
	frame[14] = 0x44;                                  /* a header that is too short to be one */
	is("machine");
	put_ipv6(IPPROTO_TCP, 999, 80);
	assert_string_equal(who(14 + 40), "machine");
	put_ipv6(LATER | IPPROTO_TCP, 999, 80);
	assert_string_equal(who(14 + 40 + 3), "machine");
	put_ipv4(IPPROTO_SCTP, 0, 0, 999, 80);
	is("machine");
	put_ethernet(0x8100);
	is("machine");
	fd_close(fd);
	end();
}

/* Reads the range of the namespace that the test is in. */
static void range(char ret[64])
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned int from, to;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u %u", &from, &to), 2); /* NOLINT(cert-err34-c): the kernel's own numbers */
	(void)fclose(f);
	(void)snprintf(ret, 64, "%u %u", from, to);
}

static void ports_are_narrowed_and_given_back(void **state)
{
	int ns;
	char now[64];

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0)
		skip();
	ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(ns >= 0);
	assert_int_equal(localports_narrow(ns), 0);
	range(now);
	assert_string_equal(now, LOCALPORTS_SHARED);
	assert_int_equal(localports_narrow(-1), 0);
	assert_int_equal(localports_restore(ns), 0);
	range(now);
	assert_string_equal(now, "32768 60999");
	/* what somebody has set stays */
	assert_int_equal(system("echo 20000 30000 >/proc/sys/net/ipv4/ip_local_port_range"), 0);
	assert_int_equal(localports_narrow(-1), 0);
	assert_int_equal(localports_restore(ns), 0);
	range(now);
	assert_string_equal(now, "20000 30000");
	fd_close(ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_by_its_sockets),
		cmocka_unit_test(udp_by_its_sockets),
		cmocka_unit_test(what_nobody_answers_is_for_both),
		cmocka_unit_test(fragments),
		cmocka_unit_test(what_is_malformed_is_the_machines),
		cmocka_unit_test(ports_are_narrowed_and_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
