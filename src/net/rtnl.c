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

/* Pieces that are left of an answer: more than the longest dump has that any reader of ours takes whole. */
#define RTNL_LEFT_MAX 4096

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

bool rtnl_drop(struct rtnl *r, unsigned int n)
{
	struct msghdr nothing = { .msg_iov = NULL };

	/* an error stands for messages that are lost (ENOBUFS), or for a part of a dump that could not be made; it is told once */
	while (n-- > 0) {
		if (recvmsg(rtnl_fd(r), &nothing, MSG_DONTWAIT) < 0 && errno == EAGAIN)
			return true;
	}
	return false;
}

void *rtnl_begin(struct rtnl_request *q, uint16_t type, uint16_t flags, size_t size)
{
	memset(q, 0, sizeof(*q));
	(void)mnl_nlmsg_put_header(q->bytes);
	q->head.nlmsg_type = type;
	q->head.nlmsg_flags = NLM_F_REQUEST | flags;
	return mnl_nlmsg_put_extra_header(&q->head, size);
}

/* --- conversations --- */

/* What has been taken of an answer so far. */
struct taking {
	rtnl_take_fn *take;
	void *arg;
	int error; /* the first one: of @take, or what the answer ends with */
	bool changed;
};

/* What the message that ends an answer says: 0 or -errno. An end of a dump that is too short for a number tells of no error. */
static int read_end(const struct nlmsghdr *message)
{
	const int *number = mnl_nlmsg_get_payload(message); /* struct nlmsgerr begins with one, too */

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*number))
		return message->nlmsg_type == NLMSG_ERROR ? -EBADMSG : 0;
	return MIN(*number, 0);
}

/* Takes one message of the answer. True: it is the last one. */
static bool take_one(struct taking *t, const struct nlmsghdr *message)
{
	bool last = message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE;
	int e = 0;

	t->changed = t->changed || (message->nlmsg_flags & NLM_F_DUMP_INTR);
	if (last)
		e = read_end(message);
	else if (message->nlmsg_type >= NLMSG_MIN_TYPE && t->take && t->error == 0)
		e = t->take(t->arg, message);
	if (t->error == 0)
		t->error = e;
	return last;
}

/*
 * Takes the @len bytes at @part, which have come in one piece. True: the answer is at its end. What answers an earlier
 * request, or somebody else's, is passed over. libmnl's own loop is of no use here: it ends at the first message of a dump
 * that has changed meanwhile, whose rest stays in the socket.
 */
static bool take_part(const struct rtnl *r, struct taking *t, const void *part, size_t len)
{
	unsigned int port = mnl_socket_get_portid(r->sock);
	const struct nlmsghdr *message = part;
	int left = (int)len; /* RTNL_BYTES at most */
	bool last = false;

	for (; !last && mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (mnl_nlmsg_portid_ok(message, port) && mnl_nlmsg_seq_ok(message, r->seq))
			last = take_one(t, message);
	}
	return last;
}

/*
 * Sends @q, and reads up to the end of the answer, or of the dump, also if @t wants no more of it. Where the end cannot be
 * read, the next conversation begins with taking away what is left of this one: a socket is never lost. 0 or -errno.
 */
static int converse(struct rtnl *r, struct rtnl_request *q, struct taking *t)
{
	_Alignas(struct nlmsghdr) char part[RTNL_BYTES];
	bool last = false;

	if (r->unread && !rtnl_drop(r, RTNL_LEFT_MAX))
		return -EBUSY;
	r->unread = true;
	q->head.nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->sock, &q->head, q->head.nlmsg_len) < 0)
		return -errno;
	while (!last) {
		ssize_t n = mnl_socket_recvfrom(r->sock, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		last = take_part(r, t, part, (size_t)n);
	}
	/* that may say that an earlier dump is not at its end: having read this answer, the kernel goes on with it */
	r->unread = t->error == -EBUSY;
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
