/* SPDX-License-Identifier: Apache-2.0 */
/* The program that tells the host's packets from a machine's: see share.h. */
#include "net/share.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "base/bpf.h"
#include "base/fd.h"
#include "net/tap.h"

#define ARP_ANSWER 2

/* Where things are in a frame, from its beginning. */
#define AT_ARP_OPERATION (ETH_HLEN + 6)
#define AT_IPV4 ETH_HLEN
#define AT_IPV4_ADDRESSES (ETH_HLEN + 12)
#define IPV4_HEADER_MIN 20
#define AT_IPV6_NEXT (ETH_HLEN + 6)
#define AT_IPV6_ADDRESSES (ETH_HLEN + 8)
#define AT_IPV6_PAYLOAD (ETH_HLEN + 40)
#define IPV6_FRAGMENT_HEADER 8
#define AT_TCP_FLAGS 13 /* from the payload's beginning */

/* Where things are on the program's stack, from its frame pointer. */
#define TUPLE (-40)   /* addresses and ports, as lookups take them: struct bpf_sock_tuple */
#define SCRATCH (-56) /* what is read of a header */
#define TUPLE4_BYTES 12
#define TUPLE6_BYTES 36

/* What the registers hold that calls leave alone. */
#define CONTEXT BPF_REG_6
#define PAYLOAD BPF_REG_7  /* where the transport's header begins, in the frame */
#define PROTOCOL BPF_REG_8 /* of it; then the port */
#define SIZE BPF_REG_9     /* of the tuple; then the state */

/* Places of the program that are jumped to, all forwards. */
enum label {
	LABEL_OWN, /* it is addressed to the interface */
	LABEL_IPV4,
	LABEL_IPV6,
	LABEL_WHOLE6, /* an IPv6 packet that is no later fragment */
	LABEL_ICMP4,
	LABEL_ICMP6,
	LABEL_PORTS,
	LABEL_TCP,
	LABEL_BOTH,
	LABEL_STACK,
	LABEL_MACHINE,
	LABEL_COUNT
};

/*
 * Copies @bytes of the frame to @to on the stack, from @at on, or, without that, from the payload on; what is too short
 * is the machine's.
 */
static void load(struct bpf_code *c, int32_t at, int32_t to, int32_t bytes)
{
	bpf_copy(c, BPF_REG_1, CONTEXT);
	if (at)
		bpf_set(c, BPF_REG_2, at);
	else
		bpf_copy(c, BPF_REG_2, PAYLOAD);
	bpf_copy(c, BPF_REG_3, BPF_REG_10);
	bpf_compute(c, BPF_ADD, BPF_REG_3, to);
	bpf_set(c, BPF_REG_4, bytes);
	bpf_call(c, BPF_FUNC_skb_load_bytes);
	bpf_jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_MACHINE);
}

/* Looks for the socket of the tuple, by @function: with none the packet is the machine's. It is to be released. */
static void look_up(struct bpf_code *c, enum bpf_func_id function)
{
	bpf_prepare_lookup(c, CONTEXT, TUPLE);
	bpf_copy(c, BPF_REG_3, SIZE);
	bpf_call(c, function);
	bpf_jump(c, BPF_JEQ, BPF_REG_0, 0, LABEL_MACHINE);
}

/* --- the program --- */

/* What kind of packet it is. */
static void put_beginning(struct bpf_code *c)
{
	bpf_copy(c, CONTEXT, BPF_REG_1);
	bpf_read(c, BPF_W, BPF_REG_0, CONTEXT, offsetof(struct __sk_buff, vlan_present));
	bpf_jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_MACHINE);
	bpf_read(c, BPF_W, BPF_REG_0, CONTEXT, offsetof(struct __sk_buff, pkt_type));
	bpf_jump(c, BPF_JEQ, BPF_REG_0, PACKET_HOST, LABEL_OWN);
	/* of what is for several, all is the machine's, and what routers announce the stack's, too */
	bpf_jump(c, BPF_JNE, BPF_REG_0, PACKET_MULTICAST, LABEL_MACHINE);
	bpf_read(c, BPF_W, BPF_REG_0, CONTEXT, offsetof(struct __sk_buff, protocol));
	bpf_jump(c, BPF_JNE, BPF_REG_0, htons(ETH_P_IPV6), LABEL_MACHINE);
	load(c, AT_IPV6_NEXT, SCRATCH, 1);
	bpf_read(c, BPF_B, BPF_REG_0, BPF_REG_10, SCRATCH);
	bpf_jump(c, BPF_JNE, BPF_REG_0, IPPROTO_ICMPV6, LABEL_MACHINE);
	load(c, AT_IPV6_PAYLOAD, SCRATCH, 1);
	bpf_read(c, BPF_B, BPF_REG_0, BPF_REG_10, SCRATCH);
	bpf_jump(c, BPF_JEQ, BPF_REG_0, ND_ROUTER_ADVERT, LABEL_BOTH);
	bpf_jump(c, BPF_JA, 0, 0, LABEL_MACHINE);
	bpf_label(c, LABEL_OWN);
	bpf_read(c, BPF_W, BPF_REG_0, CONTEXT, offsetof(struct __sk_buff, protocol));
	bpf_jump(c, BPF_JEQ, BPF_REG_0, htons(ETH_P_IP), LABEL_IPV4);
	bpf_jump(c, BPF_JEQ, BPF_REG_0, htons(ETH_P_IPV6), LABEL_IPV6);
	bpf_jump(c, BPF_JNE, BPF_REG_0, htons(ETH_P_ARP), LABEL_MACHINE);
	load(c, AT_ARP_OPERATION, SCRATCH, 2);
	bpf_read(c, BPF_H, BPF_REG_0, BPF_REG_10, SCRATCH);
	bpf_jump(c, BPF_JEQ, BPF_REG_0, htons(ARP_ANSWER), LABEL_BOTH);
	bpf_jump(c, BPF_JA, 0, 0, LABEL_MACHINE);
}

/* An IPv4 packet: an answer of ICMP and a later fragment end here, of others the tuple is made. */
static void put_ipv4(struct bpf_code *c)
{
	bpf_label(c, LABEL_IPV4);
	load(c, AT_IPV4, SCRATCH, 12);
	bpf_read(c, BPF_B, PAYLOAD, BPF_REG_10, SCRATCH);
	bpf_compute(c, BPF_AND, PAYLOAD, 15);
	bpf_compute(c, BPF_LSH, PAYLOAD, 2);
	bpf_jump(c, BPF_JLT, PAYLOAD, IPV4_HEADER_MIN, LABEL_MACHINE);
	bpf_compute(c, BPF_ADD, PAYLOAD, AT_IPV4);
	bpf_read(c, BPF_B, PROTOCOL, BPF_REG_10, SCRATCH + 9);
	bpf_read(c, BPF_H, BPF_REG_0, BPF_REG_10, SCRATCH + 6);
	bpf_compute(c, BPF_AND, BPF_REG_0, htons(0x1fff)); /* how far from the beginning of the whole packet it is */
	bpf_jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_BOTH);
	bpf_jump(c, BPF_JEQ, PROTOCOL, IPPROTO_ICMP, LABEL_ICMP4);
	load(c, AT_IPV4_ADDRESSES, TUPLE, 8);
	load(c, 0, TUPLE + 8, 4);
	bpf_set(c, SIZE, TUPLE4_BYTES);
	bpf_jump(c, BPF_JA, 0, 0, LABEL_PORTS);
}

/* The same of IPv6. Of headers before that of the transport a fragment's alone is looked at. */
static void put_ipv6(struct bpf_code *c)
{
	bpf_label(c, LABEL_IPV6);
	load(c, AT_IPV6_NEXT, SCRATCH, 1);
	bpf_read(c, BPF_B, PROTOCOL, BPF_REG_10, SCRATCH);
	bpf_set(c, PAYLOAD, AT_IPV6_PAYLOAD);
	bpf_jump(c, BPF_JNE, PROTOCOL, IPPROTO_FRAGMENT, LABEL_WHOLE6);
	load(c, AT_IPV6_PAYLOAD, SCRATCH, 4);
	bpf_read(c, BPF_B, PROTOCOL, BPF_REG_10, SCRATCH);
	bpf_set(c, PAYLOAD, AT_IPV6_PAYLOAD + IPV6_FRAGMENT_HEADER);
	bpf_read(c, BPF_H, BPF_REG_0, BPF_REG_10, SCRATCH + 2);
	bpf_compute(c, BPF_AND, BPF_REG_0, htons(0xfff8)); /* as above */
	bpf_jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_BOTH);
	bpf_label(c, LABEL_WHOLE6);
	bpf_jump(c, BPF_JEQ, PROTOCOL, IPPROTO_ICMPV6, LABEL_ICMP6);
	load(c, AT_IPV6_ADDRESSES, TUPLE, 32);
	load(c, 0, TUPLE + 32, 4);
	bpf_set(c, SIZE, TUPLE6_BYTES);
}

/* TCP and UDP: whether the stack has a socket of that tuple, and which. */
static void put_ports(struct bpf_code *c)
{
	bpf_label(c, LABEL_PORTS);
	bpf_jump(c, BPF_JEQ, PROTOCOL, IPPROTO_TCP, LABEL_TCP);
	bpf_jump(c, BPF_JNE, PROTOCOL, IPPROTO_UDP, LABEL_MACHINE);
	/* the port that it is for stands at the tuple's end */
	bpf_copy(c, BPF_REG_1, BPF_REG_10);
	bpf_put(c, BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_1, SIZE, 0, 0);
	bpf_read(c, BPF_H, PROTOCOL, BPF_REG_1, TUPLE - 2);
	bpf_put(c, BPF_ALU | BPF_END | BPF_TO_BE, PROTOCOL, 0, 0, 16);
	look_up(c, BPF_FUNC_sk_lookup_udp);
	bpf_read(c, BPF_W, SIZE, BPF_REG_0, offsetof(struct bpf_sock, state));
	bpf_copy(c, BPF_REG_1, BPF_REG_0);
	bpf_call(c, BPF_FUNC_sk_release);
	bpf_jump(c, BPF_JEQ, SIZE, TCP_ESTABLISHED, LABEL_STACK); /* it is connected */
	bpf_jump(c, BPF_JGE, PROTOCOL, SHARE_PORTS_FIRST, LABEL_STACK);
	bpf_jump(c, BPF_JA, 0, 0, LABEL_MACHINE);

	/* of what comes to a port of a socket that listens, the machine may have connections from the same port */
	bpf_label(c, LABEL_TCP);
	look_up(c, BPF_FUNC_skc_lookup_tcp);
	bpf_read(c, BPF_W, SIZE, BPF_REG_0, offsetof(struct bpf_sock, state));
	bpf_copy(c, BPF_REG_1, BPF_REG_0);
	bpf_call(c, BPF_FUNC_sk_release);
	bpf_jump(c, BPF_JNE, SIZE, TCP_LISTEN, LABEL_STACK);
	bpf_compute(c, BPF_ADD, PAYLOAD, AT_TCP_FLAGS);
	load(c, 0, SCRATCH, 1);
	bpf_read(c, BPF_B, BPF_REG_0, BPF_REG_10, SCRATCH);
	bpf_compute(c, BPF_AND, BPF_REG_0, TH_SYN | TH_ACK);
	bpf_jump(c, BPF_JEQ, BPF_REG_0, TH_SYN, LABEL_STACK);
	bpf_jump(c, BPF_JA, 0, 0, LABEL_MACHINE);
}

/* Messages of ICMP at @at whose type is in @types (@n) are for both. */
static void put_icmp(struct bpf_code *c, enum label at, const uint8_t *types, size_t n)
{
	bpf_label(c, at);
	load(c, 0, SCRATCH, 1);
	bpf_read(c, BPF_B, BPF_REG_0, BPF_REG_10, SCRATCH);
	for (size_t i = 0; i < n; i++)
		bpf_jump(c, BPF_JEQ, BPF_REG_0, types[i], LABEL_BOTH);
	bpf_jump(c, BPF_JA, 0, 0, LABEL_MACHINE);
}

/* The three ends. */
static void put_ends(struct bpf_code *c, uint32_t tap)
{
	bpf_label(c, LABEL_BOTH);
	bpf_copy(c, BPF_REG_1, CONTEXT);
	bpf_set(c, BPF_REG_2, (int32_t)tap);
	bpf_set(c, BPF_REG_3, 0);
	bpf_call(c, BPF_FUNC_clone_redirect); /* to a tap that has gone with its machine, it does nothing */
	bpf_label(c, LABEL_STACK);
	bpf_end(c, TC_ACT_OK);
	bpf_label(c, LABEL_MACHINE);
	bpf_end(c, TC_ACT_UNSPEC); /* the next filter's */
}

/* Puts the whole program together. */
static void make_code(struct bpf_code *c, uint32_t tap)
{
	static const uint8_t icmp4[] = { ICMP_ECHOREPLY, ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB };
	static const uint8_t icmp6[] = { ICMP6_DST_UNREACH, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED, ICMP6_PARAM_PROB,
		ICMP6_ECHO_REPLY, ND_NEIGHBOR_ADVERT, ND_ROUTER_ADVERT };

	put_beginning(c);
	put_ipv4(c);
	put_ipv6(c);
	put_ports(c);
	put_icmp(c, LABEL_ICMP4, icmp4, ARRAY_LEN(icmp4));
	put_icmp(c, LABEL_ICMP6, icmp6, ARRAY_LEN(icmp6));
	put_ends(c, tap);
}

/* Gives the kernel the program of @tap: a descriptor, or -errno. */
static int load_program(uint32_t tap)
{
	struct bpf_code c = BPF_CODE_INIT;

	make_code(&c, tap);
	return bpf_load(&c, BPF_PROG_TYPE_SCHED_CLS, 0);
}

int share_load(const struct links *list, const char *id, struct share *ret)
{
	*ret = (struct share)SHARE_NONE;
	for (size_t i = 0; i < list->n && ret->n < SHARE_TAPS_MAX; i++) {
		int fd = tap_is(&list->v[i], id) ? load_program(list->v[i].ifindex) : -ENODEV;

		if (fd == -ENODEV)
			continue;
		if (fd < 0) {
			share_done(ret);
			return fd;
		}
		ret->at[ret->n].tap = list->v[i].ifindex;
		ret->at[ret->n++].fd = fd;
	}
	return 0;
}

void share_done(struct share *s)
{
	while (s->n > 0)
		fd_close(s->at[--s->n].fd);
}

int share_find(const struct share *s, uint32_t tap)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->at[i].tap == tap)
			return s->at[i].fd;
	}
	return -1;
}
