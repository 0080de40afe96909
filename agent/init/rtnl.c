/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink for the guest's network: see rtnl.h. */
#include "init/rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_BYTES 32768
#define MAC_BYTES 6

int rtnl_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? -errno : fd;
}

int rtnl_begin(struct rtnl_request *q, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	if (len > sizeof(q->bytes) - NLMSG_HDRLEN)
		return -EMSGSIZE;
	memset(&q->head, 0, sizeof(q->head));
	q->head.nlmsg_type = type;
	q->head.nlmsg_flags = NLM_F_REQUEST | flags;
	q->head.nlmsg_len = NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(&q->head), body, len);
	return 0;
}

void rtnl_put(struct rtnl_request *q, uint16_t type, const void *data, size_t len)
{
	size_t at = NLMSG_ALIGN(q->head.nlmsg_len);
	struct rtattr a = { .rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = type };

	memset(q->bytes + at, 0, RTA_SPACE(len));
	memcpy(q->bytes + at, &a, sizeof(a));
	memcpy(q->bytes + at + RTA_LENGTH(0), data, len);
	q->head.nlmsg_len = (uint32_t)(at + RTA_LENGTH(len));
}

static int rtnl_send(int fd, const struct rtnl_request *q)
{
	return send(fd, q->bytes, q->head.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* Receives one part of an answer: its length or -errno. */
static ssize_t rtnl_receive(int fd, void *answer, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, answer, size, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int rtnl_ask(int fd, struct rtnl_request *q)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
	const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
	ssize_t n;
	int r;

	q->head.nlmsg_flags |= NLM_F_ACK;
	r = rtnl_send(fd, q);
	if (r < 0)
		return r;
	n = rtnl_receive(fd, answer, sizeof(answer));
	if (n < 0)
		return (int)n;
	if (!NLMSG_OK(h, (size_t)n) || h->nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
}

/* The MAC address of an interface, or 0. */
static uint64_t mac_of(const struct nlmsghdr *h)
{
	const struct rtattr *a = IFLA_RTA((const struct ifinfomsg *)NLMSG_DATA(h));
	size_t left = IFLA_PAYLOAD(h);
	uint64_t mac = 0;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		const uint8_t *bytes = RTA_DATA(a);

		if (a->rta_type != IFLA_ADDRESS || RTA_PAYLOAD(a) != MAC_BYTES)
			continue;
		for (unsigned int i = 0; i < MAC_BYTES; i++)
			mac |= (uint64_t)bytes[i] << (8 * i);
	}
	return mac;
}

int rtnl_each_ethernet(int fd, int (*take)(void *arg, int ifindex, uint64_t mac), void *arg)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
	const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	struct rtnl_request q;
	int r = rtnl_begin(&q, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any)), taken = 0;

	if (r == 0)
		r = rtnl_send(fd, &q);
	while (r == 0) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)answer;
		ssize_t n = rtnl_receive(fd, answer, sizeof(answer));
		size_t left = n < 0 ? 0 : (size_t)n;

		if (n < 0)
			return (int)n;
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			const struct ifinfomsg *info = NLMSG_DATA(h);

			if (h->nlmsg_type == NLMSG_ERROR)
				return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (h->nlmsg_type == NLMSG_DONE)
				return taken;
			if (h->nlmsg_type == RTM_NEWLINK && info->ifi_type == ARPHRD_ETHER && taken == 0)
				taken = take(arg, info->ifi_index, mac_of(h));
		}
	}
	return r;
}
