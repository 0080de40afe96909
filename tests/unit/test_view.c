/* SPDX-License-Identifier: Apache-2.0 */
/* What of a network namespace's messages a machine is told, and what of a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "monitor/telling.h"
#include "net/view.h"
#include "net/view_message.h"

#define TOLD 7  /* the interface that the machine has */
#define OTHER 8 /* one that it has not */

static struct view_nic nic = { .link = { .ifindex = TOLD, .flags = IFF_UP, .name = "eth0", .mtu = 1500 },
	.tap = { .ifindex = 20 } };
static const struct view view = { .nics_n = 1, .nics = &nic };
static char bytes[1024];

static struct nlmsghdr *begin_route(void)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(memset(bytes, 0, sizeof(bytes)));
	struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));

	h->nlmsg_type = RTM_NEWROUTE;
	*m = (struct rtmsg){ .rtm_family = AF_INET, .rtm_type = RTN_UNICAST, .rtm_table = RT_TABLE_MAIN };
	return h;
}

/* Puts a next hop by @ifindex, with the gateway 10.0.0.@last. */
static void put_hop(struct nlmsghdr *h, int ifindex, uint8_t flags, uint8_t last)
{
	struct rtnexthop *hop = mnl_nlmsg_get_payload_tail(h);
	struct nlattr *a = (struct nlattr *)(hop + 1);
	const uint8_t gateway[4] = { 10, 0, 0, last };

	*hop = (struct rtnexthop){ .rtnh_len = sizeof(*hop) + sizeof(*a) + sizeof(gateway),
		.rtnh_flags = flags,
		.rtnh_hops = 2,
		.rtnh_ifindex = ifindex };
	*a = (struct nlattr){ .nla_len = sizeof(*a) + sizeof(gateway), .nla_type = RTA_GATEWAY };
	memcpy(a + 1, gateway, sizeof(gateway));
	h->nlmsg_len += hop->rtnh_len;
}

/* Each hop by another interface is left out, wherever it stands, with the states of the others; what follows stays. */
static void hops_that_the_guest_has_stay(void **state)
{
	static const struct {
		int by[3];
		unsigned int want;
	} rows[] = {
		{ { TOLD, OTHER, TOLD }, 2 },
		{ { OTHER, TOLD, OTHER }, 1 },
		{ { TOLD, TOLD, OTHER }, 2 },
		{ { OTHER, OTHER, OTHER }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct nlmsghdr *h = begin_route();
		struct nlattr *nest = mnl_attr_nest_start(h, RTA_MULTIPATH);
		struct view_message m;
		unsigned int hops = 0;
		const struct nlattr *a;
		int r;

		for (uint8_t k = 0; k < 3; k++)
			put_hop(h, rows[i].by[k], RTNH_F_LINKDOWN | RTNH_F_DEAD | RTNH_F_ONLINK, k);
		mnl_attr_nest_end(h, nest);
		nest->nla_type = RTA_MULTIPATH; /* as the kernel has it, without a flag */
		mnl_attr_put_u32(h, RTA_PRIORITY, 77);
		r = view_message_make(&view, h, &m);
		assert_int_equal(r, rows[i].want > 0);
		if (r == 0)
			continue;
		assert_int_equal(m.len, sizeof(struct rtmsg) + sizeof(*a) + rows[i].want * 16 + 8);
		a = (const struct nlattr *)((const char *)m.body + MNL_ALIGN(sizeof(struct rtmsg)));
		assert_int_equal(a->nla_type, RTA_MULTIPATH);
		for (const char *at = mnl_attr_get_payload(a);
			at < (const char *)mnl_attr_get_payload(a) + mnl_attr_get_payload_len(a); at += 16, hops++) {
			const struct rtnexthop *hop = (const struct rtnexthop *)at;

			assert_int_equal(hop->rtnh_ifindex, TOLD);
			assert_int_equal(hop->rtnh_flags, RTNH_F_ONLINK);
			assert_int_equal(hop->rtnh_hops, 2);
		}
		assert_int_equal(hops, rows[i].want);
		a = mnl_attr_next(a);
		assert_int_equal(a->nla_type, RTA_PRIORITY);
		assert_int_equal(mnl_attr_get_u32(a), 77);
		free(m.body);
	}
}

/* A route through a tunnel of its own, one by another interface, and a rule of devices that the guest lacks are none. */
static void what_the_guest_cannot_have_is_left_out(void **state)
{
	struct nlmsghdr *h = begin_route();
	struct fib_rule_hdr *rule;
	struct view_message m;

	(void)state;
	mnl_attr_put_u32(h, RTA_OIF, TOLD);
	assert_int_equal(view_message_make(&view, h, &m), 1);
	free(m.body);
	mnl_attr_put_u16(h, RTA_ENCAP, 1);
	assert_int_equal(view_message_make(&view, h, &m), 0);
	h = begin_route();
	mnl_attr_put_u32(h, RTA_OIF, OTHER);
	assert_int_equal(view_message_make(&view, h, &m), 0);

	h = mnl_nlmsg_put_header(memset(bytes, 0, sizeof(bytes)));
	rule = mnl_nlmsg_put_extra_header(h, sizeof(*rule));
	h->nlmsg_type = RTM_NEWRULE;
	rule->family = AF_INET;
	mnl_attr_put_u32(h, FRA_PRIORITY, 1000);
	assert_int_equal(view_message_make(&view, h, &m), 1);
	free(m.body);
	mnl_attr_put_u8(h, FRA_L3MDEV, 1);
	assert_int_equal(view_message_make(&view, h, &m), 0);
}

/* What is told of @now after @before: how many interfaces and messages. */
static void tells(const struct view *before, const struct view *now, unsigned int nics, unsigned int messages)
{
	const uint32_t taps[] = { 20 };
	struct telling t;

	assert_int_equal(telling_make("c", taps, 1, before, now, &t), nics + messages > 0);
	assert_int_equal(t.net.nics.len, nics);
	assert_int_equal(t.net.messages.len, messages);
	telling_done(&t);
}

/* An interface that gets another name, or comes up, goes down in the guest for a moment: all is told anew. */
static void what_a_change_costs_is_told_again(void **state)
{
	char route[] = "route", address[] = "address";
	struct view_message messages[] = { { .type = RTM_NEWADDR, .len = sizeof(address), .body = address },
		{ .type = RTM_NEWROUTE, .len = sizeof(route), .body = route } };
	struct view_nic changed = nic;
	struct view before = view, now = { .nics_n = 1, .nics = &changed, .messages_n = 2, .messages = messages };

	(void)state;
	before.messages_n = 2;
	before.messages = messages;
	tells(&before, &now, 0, 0);
	changed.link.mtu = 1400;
	tells(&before, &now, 1, 0);
	changed.link.flags = 0;
	tells(&before, &now, 1, 0);
	tells(&now, &before, 1, 2);
	changed = nic;
	strcpy(changed.link.name, "front");
	tells(&before, &now, 1, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hops_that_the_guest_has_stay),
		cmocka_unit_test(what_the_guest_cannot_have_is_left_out),
		cmocka_unit_test(what_a_change_costs_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
