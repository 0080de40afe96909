/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations with rtnetlink: see rtnl.h. */
#include "net/rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

/* The socket, in the namespace that the caller is in. */
static int open_here(unsigned int groups, struct rtnl *ret)
{
	const int on = 1;
	struct rtnl r = { .sock = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC) };

	if (!r.sock)
		return -errno;
	/* a dump says no more than it is asked for, and an error says no more than its number */
	(void)setsockopt(mnl_socket_get_fd(r.sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	if (mnl_socket_bind(r.sock, groups, MNL_SOCKET_AUTOPID) < 0) {
		int error = errno;

		rtnl_done(&r);
		return -error;
	}
	*ret = r;
	return 0;
}

int rtnl_open(int ns_fd, unsigned int groups, struct rtnl *ret, struct err *err)
{
	autoclose int own = -1;
	int r;

	if (ns_fd >= 0) {
		own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (own < 0 || setns(ns_fd, CLONE_NEWNET) < 0)
			return err_sys(err, errno, "network: cannot enter the container's network namespace");
	}
	r = open_here(groups, ret);
	if (own >= 0 && setns(own, CLONE_NEWNET) < 0) {
		if (r == 0)
			rtnl_done(ret);
		return err_sys(err, errno, "network: cannot return from the container's network namespace");
	}
	return r < 0 ? err_sys(err, r, "network: cannot talk to the kernel (netlink)") : 0;
}

void rtnl_done(struct rtnl *r)
{
	if (r->sock)
		(void)mnl_socket_close(r->sock);
	r->sock = NULL;
}

int rtnl_fd(const struct rtnl *r)
{
	return mnl_socket_get_fd(r->sock);
}

void rtnl_drop(struct rtnl *r, unsigned int n)
{
	struct msghdr nothing = { .msg_iov = NULL };

	/* too many at once are an error, ENOBUFS, which stands for those that are lost */
	while (n-- > 0 && (recvmsg(rtnl_fd(r), &nothing, MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR))
		;
}

void *rtnl_begin(struct rtnl_request *q, uint16_t type, uint16_t flags, size_t size)
{
	memset(q, 0, sizeof(*q));
	(void)mnl_nlmsg_put_header(q->bytes);
	q->head.nlmsg_type = type;
	q->head.nlmsg_flags = NLM_F_REQUEST | flags;
	return mnl_nlmsg_put_extra_header(&q->head, size);
}

struct taking {
	rtnl_take_fn *take;
	void *arg;
	int error;
	bool changed;
};

/* As mnl_cb_t. */
static int take_one(const struct nlmsghdr *message, void *arg)
{
	struct taking *t = arg;

	t->changed = t->changed || (message->nlmsg_flags & NLM_F_DUMP_INTR);
	if (t->take && t->error == 0)
		t->error = t->take(t->arg, message);
	return MNL_CB_OK; /* the rest is read all the same: it stands in the socket */
}

/* Sends @q, and reads up to the end of the answer, or of the dump. 0 or -errno. */
static int converse(struct rtnl *r, struct rtnl_request *q, struct taking *t)
{
	unsigned int port = mnl_socket_get_portid(r->sock);
	_Alignas(struct nlmsghdr) char answer[RTNL_BYTES];
	int more = MNL_CB_OK;

	q->head.nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->sock, &q->head, q->head.nlmsg_len) < 0)
		return -errno;
	while (more > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(r->sock, answer, sizeof(answer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		more = mnl_cb_run(answer, (size_t)n, r->seq, port, take_one, t);
		if (more < 0)
			return errno == EINTR ? -EINTR : -errno;
	}
	return t->error;
}

int rtnl_ask(struct rtnl *r, struct rtnl_request *q)
{
	struct taking nothing = { .take = NULL };

	q->head.nlmsg_flags |= NLM_F_ACK;
	return converse(r, q, &nothing);
}

int rtnl_dump(struct rtnl *r, struct rtnl_request *q, rtnl_take_fn *take, void *arg)
{
	struct taking t = { .take = take, .arg = arg };
	int e;

	q->head.nlmsg_flags |= NLM_F_DUMP;
	e = converse(r, q, &t);
	return e == 0 && t.changed ? -EINTR : e;
}
