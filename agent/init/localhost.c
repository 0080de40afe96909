/* SPDX-License-Identifier: Apache-2.0 */
/* localhost in user mode: see localhost.h. */
#include "init/localhost.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bpf.h"
#include "base/fd.h"
#include "sys/log.h"

#define AT(field) ((int)offsetof(struct bpf_sock_addr, field))
#define WORD 4 /* bytes of each of the four of an IPv6 address */

/* Where things are on a program's stack, from its frame pointer: addresses and ports, as lookups take them. */
#define TUPLE (-40)
#define TUPLE4(field) (TUPLE + (int)offsetof(struct bpf_sock_tuple, ipv4.field))
#define TUPLE6(field) (TUPLE + (int)offsetof(struct bpf_sock_tuple, ipv6.field))

/* What the registers hold that calls leave alone. */
#define CONTEXT BPF_REG_6  /* struct bpf_sock_addr */
#define ADDRESS BPF_REG_7  /* IPv4, of that which is asked for */
#define PROTOCOL BPF_REG_8 /* IPPROTO_x */
#define SOCKET BPF_REG_9   /* struct bpf_sock; then a port of it */

/* Places of the programs that are jumped to, all forwards. */
enum label {
	LABEL_AS_IT_IS,
	LABEL_FOUND, /* somebody in the guest listens there */
	LABEL_IPV4,
	LABEL_LOOPBACK4,
	LABEL_UDP4,
	LABEL_ASKED4,
	LABEL_UDP6,
	LABEL_ASKED6,
	LABEL_MAPPED,
};

/* The addresses that programs know, as they read them. */
#define LOOPBACK4 htonl(INADDR_LOOPBACK)
#define LOOPBACK4_NET htonl(INADDR_LOOPBACK &IN_CLASSA_NET)
#define LOOPBACK4_MASK htonl(IN_CLASSA_NET)
#define MAPPED htonl(0xffff) /* the third word of ::ffff:a.b.c.d */
#define LOOPBACK6 htonl(1)   /* the last one of ::1 */

static const struct {
	enum bpf_attach_type attach;
	bool six;  /* of sockets of IPv6 */
	bool back; /* an address is told, not asked for */
	bool send; /* of sendto(2), which may name a source, too; what sockets of IPv6 send to IPv4 is with it */
} kinds[LOCALHOST_PROGRAMS] = {
	{ BPF_CGROUP_INET4_CONNECT, false, false, false },
	{ BPF_CGROUP_INET6_CONNECT, true, false, false },
	{ BPF_CGROUP_UDP4_SENDMSG, false, false, true },
	{ BPF_CGROUP_UDP4_RECVMSG, false, true, false },
	{ BPF_CGROUP_UDP6_RECVMSG, true, true, false },
	{ BPF_CGROUP_INET4_GETPEERNAME, false, true, false },
	{ BPF_CGROUP_INET6_GETPEERNAME, true, true, false },
};

static bool is_set(const struct localhost_address *a)
{
	return a->words[0] || a->words[1] || a->words[2] || a->words[3];
}

/* --- what is asked for --- */

/* Leaves alone whatever has a source already, which another interface's address would not answer to. */
static void put_source(struct bpf_code *c, bool six, bool send)
{
	int at = six ? (int)offsetof(struct bpf_sock, src_ip6) : (int)offsetof(struct bpf_sock, src_ip4);

	bpf_read(c, BPF_W, PROTOCOL, CONTEXT, AT(protocol));
	if (send) {
		bpf_read(c, BPF_W, BPF_REG_1, CONTEXT, AT(msg_src_ip4));
		bpf_jump32(c, BPF_JNE, BPF_REG_1, 0, LABEL_AS_IT_IS);
	}
	bpf_read(c, BPF_DW, SOCKET, CONTEXT, AT(sk));
	bpf_read(c, BPF_W, BPF_REG_1, SOCKET, offsetof(struct bpf_sock, bound_dev_if));
	bpf_jump32(c, BPF_JNE, BPF_REG_1, 0, LABEL_AS_IT_IS);
	for (int i = 0; i < (six ? 4 : 1); i++) {
		bpf_read(c, BPF_W, BPF_REG_1, SOCKET, at + i * WORD);
		bpf_jump32(c, BPF_JNE, BPF_REG_1, 0, LABEL_AS_IT_IS);
	}
	bpf_read(c, BPF_W, SOCKET, SOCKET, offsetof(struct bpf_sock, src_port));
	bpf_put(c, BPF_ALU | BPF_END | BPF_TO_BE, SOCKET, 0, 0, 16);
}

/* Looks for who would be asked, in the tuple of @bytes, which lacks its ports: at @source and @port of the stack. */
static void put_look_up(
	struct bpf_code *c, int source, int port, int32_t bytes, enum label label_udp, enum label label_asked)
{
	bpf_write(c, BPF_H, BPF_REG_10, source, SOCKET);
	bpf_read(c, BPF_W, BPF_REG_1, CONTEXT, AT(user_port));
	bpf_write(c, BPF_H, BPF_REG_10, port, BPF_REG_1);
	bpf_prepare_lookup(c, CONTEXT, TUPLE);
	bpf_set(c, BPF_REG_3, bytes);
	bpf_jump32(c, BPF_JEQ, PROTOCOL, IPPROTO_UDP, label_udp);
	bpf_jump32(c, BPF_JNE, PROTOCOL, IPPROTO_TCP, LABEL_AS_IT_IS);
	bpf_call(c, BPF_FUNC_sk_lookup_tcp);
	bpf_jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_FOUND);
	bpf_jump(c, BPF_JA, 0, 0, label_asked);
	bpf_label(c, label_udp);
	bpf_call(c, BPF_FUNC_sk_lookup_udp);
	bpf_jump(c, BPF_JNE, BPF_REG_0, 0, LABEL_FOUND);
	bpf_label(c, label_asked);
}

/* The IPv4 address in ADDRESS: if it is the loopback interface's and nobody listens there, @to at @at takes its place. */
static void put_ask4(struct bpf_code *c, const struct localhost_address *to, int at)
{
	bpf_label(c, LABEL_IPV4);
	if (!is_set(to)) {
		bpf_end(c, 1);
		return;
	}
	bpf_copy(c, BPF_REG_1, ADDRESS);
	bpf_put(c, BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, (int32_t)LOOPBACK4_MASK);
	bpf_jump32(c, BPF_JEQ, BPF_REG_1, LOOPBACK4_NET, LABEL_LOOPBACK4);
	bpf_jump32(c, BPF_JNE, ADDRESS, INADDR_ANY, LABEL_AS_IT_IS);
	bpf_set(c, ADDRESS, (int32_t)LOOPBACK4); /* as the kernel understands that */
	bpf_label(c, LABEL_LOOPBACK4);
	bpf_write(c, BPF_W, BPF_REG_10, TUPLE4(daddr), ADDRESS);
	bpf_set(c, BPF_REG_1, (int32_t)LOOPBACK4);
	bpf_write(c, BPF_W, BPF_REG_10, TUPLE4(saddr), BPF_REG_1);
	put_look_up(c, TUPLE4(sport), TUPLE4(dport), sizeof(((struct bpf_sock_tuple *)NULL)->ipv4), LABEL_UDP4,
		LABEL_ASKED4);
	bpf_set(c, BPF_REG_1, (int32_t)to->words[0]);
	bpf_write(c, BPF_W, CONTEXT, at, BPF_REG_1);
	bpf_end(c, 1);
}

/*
 * The same of an IPv6 address; one of IPv4 in it goes on at LABEL_IPV4. Of TCP alone: what comes by UDP from ::1, passt gives another source than
 * it has been asked at.
 */
static void put_ask6(struct bpf_code *c, const struct localhost_address *to)
{
	for (int i = 0; i < 2; i++) {
		bpf_read(c, BPF_W, BPF_REG_1, CONTEXT, AT(user_ip6) + i * WORD);
		bpf_jump32(c, BPF_JNE, BPF_REG_1, 0, LABEL_AS_IT_IS);
	}
	bpf_read(c, BPF_W, ADDRESS, CONTEXT, AT(user_ip6) + 3 * WORD);
	bpf_read(c, BPF_W, BPF_REG_1, CONTEXT, AT(user_ip6) + 2 * WORD);
	bpf_jump32(c, BPF_JEQ, BPF_REG_1, MAPPED, LABEL_IPV4);
	if (!is_set(to)) {
		bpf_end(c, 1);
		return;
	}
	bpf_jump32(c, BPF_JNE, BPF_REG_1, 0, LABEL_AS_IT_IS);
	bpf_jump32(c, BPF_JNE, PROTOCOL, IPPROTO_TCP, LABEL_AS_IT_IS);
	bpf_put(c, BPF_ALU | BPF_AND | BPF_K, ADDRESS, 0, 0, (int32_t)~LOOPBACK6);
	bpf_jump32(
		c, BPF_JNE, ADDRESS, 0, LABEL_AS_IT_IS); /* neither ::1 nor ::, which the kernel understands as that */
	bpf_set(c, BPF_REG_1, 0);
	bpf_set(c, BPF_REG_2, (int32_t)LOOPBACK6);
	for (int i = 0; i < 4; i++) {
		unsigned int word = i < 3 ? BPF_REG_1 : BPF_REG_2;

		bpf_write(c, BPF_W, BPF_REG_10, TUPLE6(saddr) + i * WORD, word);
		bpf_write(c, BPF_W, BPF_REG_10, TUPLE6(daddr) + i * WORD, word);
	}
	put_look_up(c, TUPLE6(sport), TUPLE6(dport), sizeof(((struct bpf_sock_tuple *)NULL)->ipv6), LABEL_UDP6,
		LABEL_ASKED6);
	for (int i = 0; i < 4; i++) {
		bpf_set(c, BPF_REG_1, (int32_t)to->words[i]);
		bpf_write(c, BPF_W, CONTEXT, AT(user_ip6) + i * WORD, BPF_REG_1);
	}
	bpf_end(c, 1);
}

static void put_ask_ends(struct bpf_code *c)
{
	bpf_label(c, LABEL_FOUND);
	bpf_copy(c, BPF_REG_1, BPF_REG_0);
	bpf_call(c, BPF_FUNC_sk_release);
	bpf_label(c, LABEL_AS_IT_IS);
	bpf_end(c, 1);
}

/* --- what is told --- */

/* What stands for the loopback interface becomes its address again; @at: of IPv4's. */
static void put_tell4(struct bpf_code *c, const struct localhost_address *from, int at)
{
	if (is_set(from)) {
		bpf_read(c, BPF_W, ADDRESS, CONTEXT, at);
		bpf_jump32(c, BPF_JNE, ADDRESS, from->words[0], LABEL_AS_IT_IS);
		bpf_set(c, BPF_REG_1, (int32_t)LOOPBACK4);
		bpf_write(c, BPF_W, CONTEXT, at, BPF_REG_1);
	}
	bpf_label(c, LABEL_AS_IT_IS);
	bpf_end(c, 1);
}

/* The same for sockets of IPv6, which may speak to an IPv4 address. */
static void put_tell6(struct bpf_code *c, const struct localhost *l)
{
	for (int i = 0; i < 4; i++) {
		bpf_read(c, BPF_W, BPF_REG_1, CONTEXT, AT(user_ip6) + i * WORD);
		bpf_jump32(c, BPF_JNE, BPF_REG_1, is_set(&l->v6) ? l->v6.words[i] : 0, LABEL_MAPPED);
	}
	for (int i = 0; is_set(&l->v6) && i < 4; i++) {
		bpf_set(c, BPF_REG_1, i < 3 ? 0 : (int32_t)LOOPBACK6);
		bpf_write(c, BPF_W, CONTEXT, AT(user_ip6) + i * WORD, BPF_REG_1);
	}
	bpf_end(c, 1);
	bpf_label(c, LABEL_MAPPED);
	for (int i = 0; i < 3; i++) {
		bpf_read(c, BPF_W, BPF_REG_1, CONTEXT, AT(user_ip6) + i * WORD);
		bpf_jump32(c, BPF_JNE, BPF_REG_1, i < 2 ? 0 : MAPPED, LABEL_AS_IT_IS);
	}
	put_tell4(c, &l->v4, AT(user_ip6) + 3 * WORD);
}

/* --- all of them --- */

/* Makes the program kinds[@kind] and gives it to the kernel: a descriptor or -errno. */
static int load_program(const struct localhost *l, size_t kind)
{
	bool six = kinds[kind].six;
	struct bpf_code c = BPF_CODE_INIT;
	int at = six ? AT(user_ip6) + 3 * WORD : AT(user_ip4);

	bpf_copy(&c, CONTEXT, BPF_REG_1);
	if (kinds[kind].back && six) {
		put_tell6(&c, l);
	} else if (kinds[kind].back) {
		put_tell4(&c, &l->v4, at);
	} else {
		put_source(&c, six, kinds[kind].send);
		if (six)
			put_ask6(&c, &l->v6);
		else
			bpf_read(&c, BPF_W, ADDRESS, CONTEXT, at);
		put_ask4(&c, &l->v4, at);
		put_ask_ends(&c);
	}
	return bpf_load(&c, BPF_PROG_TYPE_CGROUP_SOCK_ADDR, kinds[kind].attach);
}

/* Attaches program @fd, or takes it away (@command: BPF_PROG_DETACH). Programs below, of the container's own, are left a place. */
static int ask_cgroup(int command, int cgroup_fd, size_t kind, int fd)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = kinds[kind].attach;
	attr.attach_flags = command == BPF_PROG_ATTACH ? BPF_F_ALLOW_MULTI : 0;
	return syscall(SYS_bpf, command, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/* Puts programs that know the present addresses into the place of those before. 0 or -errno: the first failure. */
static int replace_programs(struct localhost *l, int cgroup_fd)
{
	int first = 0;

	for (size_t i = 0; i < LOCALHOST_PROGRAMS; i++) {
		bool needed =
			is_set(&l->v4) || (kinds[i].six && is_set(&l->v6)); /* of IPv6's sockets, some speak IPv4 */
		autoclose int fd = needed ? load_program(l, i) : -1;
		int r = needed ? MIN(fd, 0) : 0;

		if (l->programs[i] >= 0) {
			(void)!ask_cgroup(
				BPF_PROG_DETACH, cgroup_fd, i, l->programs[i]); /* the container may have done it */
			fd_close(steal_fd(&l->programs[i]));
		}
		if (fd >= 0)
			r = ask_cgroup(BPF_PROG_ATTACH, cgroup_fd, i, fd);
		if (fd >= 0 && r == 0)
			l->programs[i] = steal_fd(&fd);
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

void localhost_init(struct localhost *l)
{
	*l = (struct localhost){ .refused4 = REFUSAL_NONE, .refused6 = REFUSAL_NONE };
	for (size_t i = 0; i < LOCALHOST_PROGRAMS; i++)
		l->programs[i] = -1;
}

void localhost_done(struct localhost *l)
{
	for (size_t i = 0; i < LOCALHOST_PROGRAMS; i++)
		fd_close(steal_fd(&l->programs[i]));
	refusal_end(&l->refused4);
	refusal_end(&l->refused6);
}

/* Begins or ends to make refusals known, as there is an address or not; without them there is none, as who is refused would wait. */
static int settle_refusals(struct agent *agent, int family, struct localhost_address *a, struct refusal *r)
{
	int e = 0;

	if (!is_set(a))
		refusal_end(r);
	else if (!r->watch)
		e = refusal_begin(agent, family, r);
	if (e < 0)
		*a = (struct localhost_address){ .words = { 0 } };
	return e;
}

/* Takes what a message says of one of the addresses. Whether it does. */
static bool take_message(struct localhost *l, const struct guest_net_message *m)
{
	size_t at = NLMSG_ALIGN(sizeof(struct rtmsg));
	struct localhost_address *to;
	struct rtmsg h;
	struct rtattr a;

	if ((m->type != RTM_NEWROUTE && m->type != RTM_DELROUTE) || m->body.len < at)
		return false;
	memcpy(&h, m->body.at, sizeof(h));
	if (h.rtm_table != RT_TABLE_LOCAL || h.rtm_type != RTN_UNICAST)
		return false;
	to = h.rtm_family == AF_INET ? &l->v4 : &l->v6;
	*to = (struct localhost_address){ .words = { 0 } };
	while (m->type == RTM_NEWROUTE && m->body.len - at >= sizeof(a)) {
		size_t len;

		memcpy(&a, (const char *)m->body.at + at, sizeof(a));
		len = a.rta_len;
		if (len < sizeof(a) || len > m->body.len - at)
			break;
		if (a.rta_type == RTA_DST)
			memcpy(to->words, (const char *)m->body.at + at + sizeof(a),
				MIN(len - sizeof(a), sizeof(to->words)));
		at += MIN(RTA_ALIGN(len), m->body.len - at);
	}
	return true;
}

void localhost_follow(
	struct agent *agent, struct localhost *l, int cgroup_fd, const struct guest_net_messages *messages)
{
	bool changed = false;
	int r;

	for (uint32_t i = 0; i < messages->len; i++)
		changed |= take_message(l, &messages->at[i]);
	if (!changed)
		return;
	r = settle_refusals(agent, AF_INET, &l->v4, &l->refused4);
	r = MIN(settle_refusals(agent, AF_INET6, &l->v6, &l->refused6), r);
	if (r == 0)
		r = cgroup_fd < 0 ? -EOPNOTSUPP : replace_programs(l, cgroup_fd);
	if (r < 0)
		log_write(agent, PROTO_LOG_DEBUG,
			"localhost is the guest's own: the kernel does not take the programs that lead to the host's: %s",
			strerror(-r));
}
