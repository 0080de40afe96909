/* SPDX-License-Identifier: Apache-2.0 */
/* What leads packets from one interface to another: see redirect.h. */
#include "net/redirect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define INGRESS_HANDLE TC_H_MAKE(TC_H_INGRESS, 0)
#define INGRESS_PARENT TC_H_MAKE(TC_H_INGRESS, TC_H_MIN_INGRESS) /* of filters, for ingress and clsact alike */

/* The protocol of our filter with @preference. */
static uint16_t protocol_of(uint32_t preference)
{
	return preference == REDIRECT_VLAN_PREF       ? ETH_P_8021Q
	       : preference == REDIRECT_VLAN_PREF + 1 ? ETH_P_8021AD
						      : ETH_P_ALL;
}

/* Begins a request about the filter of ours at @from that has @preference. */
static void begin_filter(struct rtnl_request *q, uint16_t type, uint16_t flags, uint32_t from, uint32_t preference)
{
	struct tcmsg *tc = rtnl_begin(q, type, flags, sizeof(*tc));

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)from;
	tc->tcm_parent = INGRESS_PARENT;
	tc->tcm_info = TC_H_MAKE(preference << 16, htons(protocol_of(preference)));
}

/* Adds the one action of the filter, as the attribute @type of it; @to 0: none. */
static void put_mirred(struct nlmsghdr *head, uint16_t type, uint32_t to)
{
	const struct tc_mirred mirred = {
		.action = TC_ACT_STOLEN,
		.eaction = TCA_EGRESS_REDIR,
		.ifindex = to,
	};
	struct nlattr *actions, *first, *options;

	if (!to)
		return;
	actions = mnl_attr_nest_start(head, type);
	first = mnl_attr_nest_start(head, 1);
	mnl_attr_put_strz(head, TCA_ACT_KIND, "mirred");
	options = mnl_attr_nest_start(head, TCA_ACT_OPTIONS);
	mnl_attr_put(head, TCA_MIRRED_PARMS, sizeof(mirred), &mirred);
	mnl_attr_nest_end(head, options);
	mnl_attr_nest_end(head, first);
	mnl_attr_nest_end(head, actions);
}

/* What a filter without an action says of a packet: any class, and with it that no other filter is asked (TC_ACT_OK). */
#define PASS_CLASS TC_H_MAKE(1 << 16, 1)

/* u32 with one key, which compares nothing. */
static int add_u32(struct rtnl *r, uint32_t from, uint32_t preference, uint32_t to)
{
	union {
		struct tc_u32_sel sel;
		char bytes[sizeof(struct tc_u32_sel) + sizeof(struct tc_u32_key)]; /* its one key stands behind it */
	} all = { .bytes = { 0 } };
	struct rtnl_request q;
	struct nlattr *options;

	all.sel.flags = TC_U32_TERMINAL;
	all.sel.nkeys = 1;
	begin_filter(&q, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, from, preference);
	mnl_attr_put_strz(&q.head, TCA_KIND, "u32");
	options = mnl_attr_nest_start(&q.head, TCA_OPTIONS);
	mnl_attr_put(&q.head, TCA_U32_SEL, sizeof(all), &all);
	if (!to)
		mnl_attr_put_u32(&q.head, TCA_U32_CLASSID, PASS_CLASS);
	put_mirred(&q.head, TCA_U32_ACT, to);
	mnl_attr_nest_end(&q.head, options);
	return rtnl_ask(r, &q);
}

static int add_matchall(struct rtnl *r, uint32_t from, uint32_t preference, uint32_t to)
{
	struct rtnl_request q;
	struct nlattr *options;

	begin_filter(&q, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, from, preference);
	mnl_attr_put_strz(&q.head, TCA_KIND, "matchall");
	options = mnl_attr_nest_start(&q.head, TCA_OPTIONS);
	if (!to)
		mnl_attr_put_u32(&q.head, TCA_MATCHALL_CLASSID, PASS_CLASS);
	put_mirred(&q.head, TCA_MATCHALL_ACT, to);
	mnl_attr_nest_end(&q.head, options);
	return rtnl_ask(r, &q);
}

/* Deletes our filter with @preference: 1, 0 if there is none, or -errno. */
static int remove_filter(struct rtnl *r, uint32_t from, uint32_t preference)
{
	struct rtnl_request q;
	int e;

	begin_filter(&q, RTM_DELTFILTER, 0, from, preference);
	e = rtnl_ask(r, &q);
	if (e == -ENOENT || e == -EINVAL) /* EINVAL: it has no ingress */
		return 0;
	return e < 0 ? e : 1;
}

/* Begins a request about the ingress queueing discipline of @from. */
static void begin_ingress(struct rtnl_request *q, uint16_t type, uint16_t flags, uint32_t from)
{
	struct tcmsg *tc = rtnl_begin(q, type, flags, sizeof(*tc));

	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)from;
	tc->tcm_parent = TC_H_INGRESS;
	tc->tcm_handle = INGRESS_HANDLE;
}

/* Gives @from the queueing discipline that filters stand in, if it has none. */
static int add_ingress(struct rtnl *r, uint32_t from)
{
	struct rtnl_request q;
	int e;

	begin_ingress(&q, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, from);
	mnl_attr_put_strz(&q.head, TCA_KIND, "ingress");
	e = rtnl_ask(r, &q);
	return e == -EEXIST ? 0 : e;
}

/* Adds a filter that leads each packet of its protocol to @to; 0: to the host's stack. 0 or -errno. */
static int add_filter(struct rtnl *r, uint32_t from, uint32_t preference, uint32_t to)
{
	int e = add_u32(r, from, preference, to);

	return e == -ENOENT || e == -EOPNOTSUPP ? add_matchall(r, from, preference, to) : e;
}

int redirect_add(struct rtnl *r, uint32_t from, uint32_t to)
{
	int e = add_ingress(r, from);

	if (e == 0)
		e = remove_filter(r, from, REDIRECT_PREF);
	return e < 0 ? e : add_filter(r, from, REDIRECT_PREF, to);
}

int redirect_pass_vlans(struct rtnl *r, uint32_t from)
{
	int e = 0;

	for (uint32_t preference = REDIRECT_VLAN_PREF; e == 0 && preference < REDIRECT_SHARE_PREF; preference++) {
		e = add_filter(r, from, preference, 0);
		if (e == -EEXIST)
			e = 0;
	}
	return e;
}

int redirect_share(struct rtnl *r, uint32_t from, int program)
{
	struct rtnl_request q;
	struct nlattr *options;
	int e = add_ingress(r, from);

	if (e == 0)
		e = remove_filter(r, from, REDIRECT_SHARE_PREF);
	if (e < 0 || program < 0)
		return e < 0 ? e : 0;
	begin_filter(&q, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, from, REDIRECT_SHARE_PREF);
	mnl_attr_put_strz(&q.head, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(&q.head, TCA_OPTIONS);
	mnl_attr_put_u32(&q.head, TCA_BPF_FD, (uint32_t)program);
	mnl_attr_put_strz(&q.head, TCA_BPF_NAME, REDIRECT_SHARE_NAME);
	mnl_attr_put_u32(&q.head, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(&q.head, options);
	return rtnl_ask(r, &q);
}

/* Which filters an interface has. */
struct filters {
	bool any, share;
};

/* As rtnl_take_fn: one filter. */
static int take_filter(void *arg, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct filters *f = arg;

	if (message->nlmsg_type != RTM_NEWTFILTER)
		return 0;
	f->any = true;
	f->share = f->share || TC_H_MAJ(tc->tcm_info) >> 16 == REDIRECT_SHARE_PREF;
	return 0;
}

/* Reads which filters there are at the ingress of @from. 0, also if it has none, or -errno. */
static int read_filters(struct rtnl *r, uint32_t from, struct filters *ret)
{
	struct rtnl_request q;

	*ret = (struct filters){ .any = false };
	begin_filter(&q, RTM_GETTFILTER, 0, from, 0);
	((struct tcmsg *)mnl_nlmsg_get_payload(&q.head))->tcm_info = 0; /* of any preference */
	return rtnl_dump(r, &q, take_filter, ret);
}

bool redirect_is_shared(struct rtnl *r, uint32_t from)
{
	struct filters all;

	return read_filters(r, from, &all) == 0 && all.share;
}

int redirect_remove(struct rtnl *r, uint32_t from)
{
	struct filters left;
	struct rtnl_request q;
	bool any = false;
	int e = 0;

	for (uint32_t preference = REDIRECT_VLAN_PREF; e >= 0 && preference <= REDIRECT_PREF; preference++) {
		e = remove_filter(r, from, preference);
		any = any || e > 0;
	}
	if (e < 0 || !any)
		return e;
	e = read_filters(r, from, &left);
	if (e < 0 || left.any)
		return e;
	begin_ingress(&q, RTM_DELQDISC, 0, from);
	mnl_attr_put_strz(&q.head, TCA_KIND, "ingress"); /* a clsact may have more in it */
	e = rtnl_ask(r, &q);
	return e == -EINVAL || e == -ENOENT ? 0 : e;
}
