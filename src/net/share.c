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
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/tap.h"

#define CODE_MAX 256
#define JUMPS_MAX 96

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

/* A program in the making. */
struct code {
	struct bpf_insn at[CODE_MAX];
	size_t n;
	struct {
		size_t from;
		enum label to;
	} jumps[JUMPS_MAX];
	size_t jumps_n;
};

/* --- instructions --- */

static void put(struct code *c, unsigned int op, unsigned int to, unsigned int from, int offset, int32_t value)
{
	if (c->n < CODE_MAX) /* what is too long has no end, and is refused */
		c->at[c->n++] = (struct bpf_insn){
			.code = (uint8_t)op,
			.dst_reg = to & 15,
			.src_reg = from & 15,
			.off = (int16_t)offset,
			.imm = value,
		};
}

static void set(struct code *c, unsigned int reg, int32_t value)
{
	put(c, BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value);
}

static void copy(struct code *c, unsigned int reg, unsigned int from)
{
	put(c, BPF_ALU64 | BPF_MOV | BPF_X, reg, from, 0, 0);
}

/* @op: BPF_ADD and the like. */
static void compute(struct code *c, unsigned int op, unsigned int reg, int32_t value)
{
	put(c, BPF_ALU64 | op | BPF_K, reg, 0, 0, value);
}

/* Reads @size (BPF_B, BPF_H or BPF_W) at @offset from what @from points to. */
static void read_at(struct code *c, unsigned int size, unsigned int reg, unsigned int from, int offset)
{
	put(c, BPF_LDX | BPF_MEM | size, reg, from, offset, 0);
}

static void call(struct code *c, enum bpf_func_id function)
{
	put(c, BPF_JMP | BPF_CALL, 0, 0, 0, (int32_t)function);
}

/* @op: BPF_JEQ and the like, or BPF_JA, which compares nothing. */
static void jump(struct code *c, unsigned int op, unsigned int reg, int32_t value, enum label to)
{
	if (c->jumps_n < JUMPS_MAX) {
		c->jumps[c->jumps_n].from = c->n;
		c->jumps[c->jumps_n++].to = to;
	}
	put(c, BPF_JMP | op | BPF_K, reg, 0, 0, value);
}

/* The jumps to @to lead to what is put next. */
static void label(struct code *c, enum label to)
{
	for (size_t i = 0; i < c->jumps_n; i++) {
		if (c->jumps[i].to == to)
			c->at[c->jumps[i].from].off = (int16_t)(c->n - c->jumps[i].from - 1);
	}
}

/*
 * Copies @bytes of the frame to @to on the stack, from @at on, or, without that, from the payload on; what is too short
 * is the machine's.
 */
static void load(struct code *c, int32_t at, int32_t to, int32_t bytes)
{
	copy(c, BPF_REG_1, CONTEXT);
	if (at)
		set(c, BPF_REG_2, at);
	else
		copy(c, BPF_REG_2, PAYLOAD);
	copy(c, BPF_REG_3, BPF_REG_10);
	compute(c, BPF_ADD, BPF_REG_3, to);
	set(c, BPF_REG_4, bytes);
	call(c, BPF_FUNC_skb_load_bytes);
	jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_MACHINE);
}

/* Looks for the socket of the tuple, by @function: with none the packet is the machine's. It is to be released. */
static void look_up(struct code *c, enum bpf_func_id function)
{
	copy(c, BPF_REG_1, CONTEXT);
	copy(c, BPF_REG_2, BPF_REG_10);
	compute(c, BPF_ADD, BPF_REG_2, TUPLE);
	copy(c, BPF_REG_3, SIZE);
	set(c, BPF_REG_4, BPF_F_CURRENT_NETNS);
	set(c, BPF_REG_5, 0);
	call(c, function);
	jump(c, BPF_JEQ, BPF_REG_0, 0, LABEL_MACHINE);
}

/* --- the program --- */

/* What kind of packet it is. */
static void put_beginning(struct code *c)
{
	copy(c, CONTEXT, BPF_REG_1);
	read_at(c, BPF_W, BPF_REG_0, CONTEXT, offsetof(struct __sk_buff, vlan_present));
	jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_MACHINE);
	read_at(c, BPF_W, BPF_REG_0, CONTEXT, offsetof(struct __sk_buff, pkt_type));
	jump(c, BPF_JEQ, BPF_REG_0, PACKET_HOST, LABEL_OWN);
	/* of what is for several, all is the machine's, and what routers announce the stack's, too */
	jump(c, BPF_JNE, BPF_REG_0, PACKET_MULTICAST, LABEL_MACHINE);
	read_at(c, BPF_W, BPF_REG_0, CONTEXT, offsetof(struct __sk_buff, protocol));
	jump(c, BPF_JNE, BPF_REG_0, htons(ETH_P_IPV6), LABEL_MACHINE);
	load(c, AT_IPV6_NEXT, SCRATCH, 1);
	read_at(c, BPF_B, BPF_REG_0, BPF_REG_10, SCRATCH);
	jump(c, BPF_JNE, BPF_REG_0, IPPROTO_ICMPV6, LABEL_MACHINE);
	load(c, AT_IPV6_PAYLOAD, SCRATCH, 1);
	read_at(c, BPF_B, BPF_REG_0, BPF_REG_10, SCRATCH);
	jump(c, BPF_JEQ, BPF_REG_0, ND_ROUTER_ADVERT, LABEL_BOTH);
	jump(c, BPF_JA, 0, 0, LABEL_MACHINE);
	label(c, LABEL_OWN);
	read_at(c, BPF_W, BPF_REG_0, CONTEXT, offsetof(struct __sk_buff, protocol));
	jump(c, BPF_JEQ, BPF_REG_0, htons(ETH_P_IP), LABEL_IPV4);
	jump(c, BPF_JEQ, BPF_REG_0, htons(ETH_P_IPV6), LABEL_IPV6);
	jump(c, BPF_JNE, BPF_REG_0, htons(ETH_P_ARP), LABEL_MACHINE);
	load(c, AT_ARP_OPERATION, SCRATCH, 2);
	read_at(c, BPF_H, BPF_REG_0, BPF_REG_10, SCRATCH);
	jump(c, BPF_JEQ, BPF_REG_0, htons(ARP_ANSWER), LABEL_BOTH);
	jump(c, BPF_JA, 0, 0, LABEL_MACHINE);
}

/* An IPv4 packet: an answer of ICMP and a later fragment end here, of others the tuple is made. */
static void put_ipv4(struct code *c)
{
	label(c, LABEL_IPV4);
	load(c, AT_IPV4, SCRATCH, 12);
	read_at(c, BPF_B, PAYLOAD, BPF_REG_10, SCRATCH);
	compute(c, BPF_AND, PAYLOAD, 15);
	compute(c, BPF_LSH, PAYLOAD, 2);
	jump(c, BPF_JLT, PAYLOAD, IPV4_HEADER_MIN, LABEL_MACHINE);
	compute(c, BPF_ADD, PAYLOAD, AT_IPV4);
	read_at(c, BPF_B, PROTOCOL, BPF_REG_10, SCRATCH + 9);
	read_at(c, BPF_H, BPF_REG_0, BPF_REG_10, SCRATCH + 6);
	compute(c, BPF_AND, BPF_REG_0, htons(0x1fff)); /* how far from the beginning of the whole packet it is */
	jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_BOTH);
	jump(c, BPF_JEQ, PROTOCOL, IPPROTO_ICMP, LABEL_ICMP4);
	load(c, AT_IPV4_ADDRESSES, TUPLE, 8);
	load(c, 0, TUPLE + 8, 4);
	set(c, SIZE, TUPLE4_BYTES);
	jump(c, BPF_JA, 0, 0, LABEL_PORTS);
}

/* The same of IPv6. Of headers before that of the transport a fragment's alone is looked at. */
static void put_ipv6(struct code *c)
{
	label(c, LABEL_IPV6);
	load(c, AT_IPV6_NEXT, SCRATCH, 1);
	read_at(c, BPF_B, PROTOCOL, BPF_REG_10, SCRATCH);
	set(c, PAYLOAD, AT_IPV6_PAYLOAD);
	jump(c, BPF_JNE, PROTOCOL, IPPROTO_FRAGMENT, LABEL_WHOLE6);
	load(c, AT_IPV6_PAYLOAD, SCRATCH, 4);
	read_at(c, BPF_B, PROTOCOL, BPF_REG_10, SCRATCH);
	set(c, PAYLOAD, AT_IPV6_PAYLOAD + IPV6_FRAGMENT_HEADER);
	read_at(c, BPF_H, BPF_REG_0, BPF_REG_10, SCRATCH + 2);
	compute(c, BPF_AND, BPF_REG_0, htons(0xfff8)); /* as above */
	jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_BOTH);
	label(c, LABEL_WHOLE6);
	jump(c, BPF_JEQ, PROTOCOL, IPPROTO_ICMPV6, LABEL_ICMP6);
	load(c, AT_IPV6_ADDRESSES, TUPLE, 32);
	load(c, 0, TUPLE + 32, 4);
	set(c, SIZE, TUPLE6_BYTES);
}

/* TCP and UDP: whether the stack has a socket of that tuple, and which. */
static void put_ports(struct code *c)
{
	label(c, LABEL_PORTS);
	jump(c, BPF_JEQ, PROTOCOL, IPPROTO_TCP, LABEL_TCP);
	jump(c, BPF_JNE, PROTOCOL, IPPROTO_UDP, LABEL_MACHINE);
	/* the port that it is for stands at the tuple's end */
	copy(c, BPF_REG_1, BPF_REG_10);
	put(c, BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_1, SIZE, 0, 0);
	read_at(c, BPF_H, PROTOCOL, BPF_REG_1, TUPLE - 2);
	put(c, BPF_ALU | BPF_END | BPF_TO_BE, PROTOCOL, 0, 0, 16);
	look_up(c, BPF_FUNC_sk_lookup_udp);
	read_at(c, BPF_W, SIZE, BPF_REG_0, offsetof(struct bpf_sock, state));
	copy(c, BPF_REG_1, BPF_REG_0);
	call(c, BPF_FUNC_sk_release);
	jump(c, BPF_JEQ, SIZE, TCP_ESTABLISHED, LABEL_STACK); /* it is connected */
	jump(c, BPF_JGE, PROTOCOL, SHARE_PORTS_FIRST, LABEL_STACK);
	jump(c, BPF_JA, 0, 0, LABEL_MACHINE);

	/* of what comes to a port of a socket that listens, the machine may have connections from the same port */
	label(c, LABEL_TCP);
	look_up(c, BPF_FUNC_skc_lookup_tcp);
	read_at(c, BPF_W, SIZE, BPF_REG_0, offsetof(struct bpf_sock, state));
	copy(c, BPF_REG_1, BPF_REG_0);
	call(c, BPF_FUNC_sk_release);
	jump(c, BPF_JNE, SIZE, TCP_LISTEN, LABEL_STACK);
	compute(c, BPF_ADD, PAYLOAD, AT_TCP_FLAGS);
	load(c, 0, SCRATCH, 1);
	read_at(c, BPF_B, BPF_REG_0, BPF_REG_10, SCRATCH);
	compute(c, BPF_AND, BPF_REG_0, TH_SYN | TH_ACK);
	jump(c, BPF_JEQ, BPF_REG_0, TH_SYN, LABEL_STACK);
	jump(c, BPF_JA, 0, 0, LABEL_MACHINE);
}

/* Messages of ICMP at @at whose type is in @types (@n) are for both. */
static void put_icmp(struct code *c, enum label at, const uint8_t *types, size_t n)
{
	label(c, at);
	load(c, 0, SCRATCH, 1);
	read_at(c, BPF_B, BPF_REG_0, BPF_REG_10, SCRATCH);
	for (size_t i = 0; i < n; i++)
		jump(c, BPF_JEQ, BPF_REG_0, types[i], LABEL_BOTH);
	jump(c, BPF_JA, 0, 0, LABEL_MACHINE);
}

/* The three ends. */
static void put_ends(struct code *c, uint32_t tap)
{
	label(c, LABEL_BOTH);
	copy(c, BPF_REG_1, CONTEXT);
	set(c, BPF_REG_2, (int32_t)tap);
	set(c, BPF_REG_3, 0);
	call(c, BPF_FUNC_clone_redirect); /* to a tap that has gone with its machine, it does nothing */
	label(c, LABEL_STACK);
	set(c, BPF_REG_0, TC_ACT_OK);
	put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	label(c, LABEL_MACHINE);
	set(c, BPF_REG_0, TC_ACT_UNSPEC); /* the next filter's */
	put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Puts the whole program together. */
static void make_code(struct code *c, uint32_t tap)
{
	static const uint8_t icmp4[] = { ICMP_ECHOREPLY, ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB };
	static const uint8_t icmp6[] = { ICMP6_DST_UNREACH, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED, ICMP6_PARAM_PROB,
		ICMP6_ECHO_REPLY, ND_NEIGHBOR_ADVERT, ND_ROUTER_ADVERT };

	c->n = c->jumps_n = 0;
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
	static const char license[] = "Apache-2.0";
	union bpf_attr attr;
	struct code c;
	long fd;

	make_code(&c, tap);
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insns = (uint64_t)(uintptr_t)c.at;
	attr.insn_cnt = (uint32_t)c.n;
	attr.license = (uint64_t)(uintptr_t)license;
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
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
