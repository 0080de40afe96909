/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are refused in user mode: see refusal.h. */
#include "init/refusal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define AT_ONCE 64 /* packets, before others have their turn */
#define PACKET_MAX 256
#define AT_FLAGS 13 /* in a header of TCP */
#define AT_FLAGS_WORD 12
#define AT_CHECKSUM 16
#define TAKE BPF_STMT(BPF_RET | BPF_K, PACKET_MAX)
#define LEAVE BPF_STMT(BPF_RET | BPF_K, 0)

/* What is taken: whole packets of TCP whose flags have RST and not ACK. */
static struct sock_filter filter4[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct iphdr, protocol)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 6),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct iphdr, frag_off)),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, IP_MF | IP_OFFMASK, 4, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_IND, AT_FLAGS),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_RST | TH_ACK),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_RST, 1, 0),
	LEAVE,
	TAKE,
};
static struct sock_filter filter6[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, offsetof(struct ip6_hdr, ip6_nxt)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 3),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, sizeof(struct ip6_hdr) + AT_FLAGS),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_RST | TH_ACK),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_RST, 1, 0),
	LEAVE,
	TAKE,
};

/* Sets the flag in the header of TCP at @h, and its checksum right (RFC 1624). */
static void set_ack(unsigned char *h)
{
	uint16_t before, after, checksum;
	uint32_t sum;

	memcpy(&before, h + AT_FLAGS_WORD, sizeof(before));
	h[AT_FLAGS] |= TH_ACK;
	memcpy(&after, h + AT_FLAGS_WORD, sizeof(after));
	memcpy(&checksum, h + AT_CHECKSUM, sizeof(checksum));
	sum = (uint32_t)(uint16_t)~checksum + (uint16_t)~before + after;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	checksum = (uint16_t)~sum;
	memcpy(h + AT_CHECKSUM, &checksum, sizeof(checksum));
}

/* Says the packet of @n bytes once more, if it acknowledges something. A failure leaves the program waiting, as it would without. */
static void say_again(int fd, unsigned char *packet, size_t n)
{
	bool six = packet[0] >> 4 == 6;
	size_t head = six ? sizeof(struct ip6_hdr) : (size_t)(packet[0] & 15) * 4;
	struct sockaddr_in to4 = { .sin_family = AF_INET };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	static const uint32_t none;

	if (head < sizeof(struct iphdr) || n < head + sizeof(struct tcphdr) ||
		memcmp(packet + head + offsetof(struct tcphdr, ack_seq), &none, sizeof(none)) == 0)
		return;
	set_ack(packet + head);
	memcpy(&to4.sin_addr, packet + offsetof(struct iphdr, daddr), sizeof(to4.sin_addr));
	memcpy(&to6.sin6_addr, packet + offsetof(struct ip6_hdr, ip6_dst), sizeof(to6.sin6_addr));
	(void)!sendto(fd, packet, n, 0, six ? (struct sockaddr *)&to6 : (struct sockaddr *)&to4,
		six ? sizeof(to6) : sizeof(to4));
}

/* The loop's callback: such packets have come. */
static void on_packets(void *arg, uint32_t events)
{
	unsigned char packet[PACKET_MAX];
	struct refusal *r = arg;
	ssize_t n;

	(void)events;
	for (int i = 0; i < AT_ONCE && (n = recv(r->packet_fd, packet, sizeof(packet), 0)) > 0; i++) {
		if ((size_t)n >= sizeof(struct ip6_hdr)) /* shorter than any of TCP's */
			say_again(r->raw_fd, packet, (size_t)n);
	}
}

int refusal_begin(struct agent *agent, int family, struct refusal *r)
{
	const int one = 1;
	bool six = family == AF_INET6;
	const struct sock_fprog filter = {
		.len = six ? ARRAY_LEN(filter6) : ARRAY_LEN(filter4),
		.filter = six ? filter6 : filter4,
	};
	const struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(six ? ETH_P_IPV6 : ETH_P_IP) };
	int e;

	/* it is bound when the filter is there, so that nothing else gets in */
	r->packet_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r->raw_fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (r->packet_fd < 0 || r->raw_fd < 0 ||
		setsockopt(r->packet_fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
		bind(r->packet_fd, (const struct sockaddr *)&all, sizeof(all)) < 0 ||
		setsockopt(r->raw_fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_HDRINCL : IP_HDRINCL, &one,
			sizeof(one)) < 0)
		e = -errno;
	else
		e = watch_new(agent->loop, r->packet_fd, EPOLLIN, on_packets, r, &r->watch);
	if (e < 0)
		refusal_end(r);
	return e;
}

void refusal_end(struct refusal *r)
{
	watch_free(r->watch);
	fd_close(r->packet_fd);
	fd_close(r->raw_fd);
	*r = (struct refusal)REFUSAL_NONE;
}
