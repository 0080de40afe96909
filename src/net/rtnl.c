/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations with rtnetlink: see rtnl.h. */
#include "net/rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exit.h"
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

/*
 * Of a child: enters the network namespace @ns_fd, by way of the user namespace that it belongs to if that is not ours, and
 * sends a new socket over @to, or the errno of what failed. A user who made that user namespace has all rights in it from
 * outside, but for entering others.
 */
static _Noreturn void open_there(int ns_fd, unsigned int groups, int to)
{
	int owner = ioctl(ns_fd, NS_GET_USERNS), error = 0, fd = -1;
	struct rtnl r = RTNL_INIT;

	if (setns(ns_fd, CLONE_NEWNET) < 0) {
		error = errno;
		if (error == EPERM && owner >= 0 && setns(owner, CLONE_NEWUSER) == 0 && setns(ns_fd, CLONE_NEWNET) == 0)
			error = 0;
	}
	if (!error)
		error = -open_here(groups, &r);
	if (!error)
		fd = rtnl_fd(&r);
	_exit(fd_send(to, &error, sizeof(error), &fd, fd < 0 ? 0 : 1) < 0);
}

/* A socket in the network namespace @ns_fd, made by a child, since there may be no way back from there: or -errno. */
static int open_by_child(int ns_fd, unsigned int groups)
{
	int ends[2], error = 0, fd = -1;
	ssize_t got;
	size_t n = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	(void)fflush(NULL); /* nothing may be written twice */
	pid = fork();
	if (pid == 0)
		open_there(ns_fd, groups, ends[1]);
	fd_close(ends[1]);
	got = pid < 0 ? -errno : fd_recv(ends[0], &error, sizeof(error), &fd, 1, &n);
	fd_close(ends[0]);
	if (pid > 0)
		(void)exit_wait(pid, NULL);
	if (got != (ssize_t)sizeof(error))
		return got < 0 ? (int)got : -EIO;
	if (error || n != 1)
		return error ? -error : -EIO;
	return fd;
}

/* Whether the namespace @ns_fd is the caller's own. */
static bool is_own(int ns_fd)
{
	struct stat own, theirs;

	return stat("/proc/self/ns/net", &own) == 0 && fstat(ns_fd, &theirs) == 0 && own.st_dev == theirs.st_dev &&
	       own.st_ino == theirs.st_ino;
}

int rtnl_open(int ns_fd, unsigned int groups, struct rtnl *ret, struct err *err)
{
	int fd, r;

	if (ns_fd < 0 || is_own(ns_fd)) {
		r = open_here(groups, ret);
		return r < 0 ? err_sys(err, r, "network: cannot talk to the kernel (netlink)") : 0;
	}
	fd = open_by_child(ns_fd, groups);
	if (fd < 0)
		return err_sys(err, fd, "network: cannot enter the container's network namespace");
	ret->sock = mnl_socket_fdopen(fd);
	if (!ret->sock) {
		fd_close(fd);
		return err_sys(err, ENOMEM, "network");
	}
	return 0;
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
