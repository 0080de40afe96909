/* SPDX-License-Identifier: Apache-2.0 */
/* A place for sockets that have the names of the host's: see place.h. */
#include "init/place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/netif.h"
#include "sys/sandbox.h"

#define PLACE_BACKLOG 128
#define PLACE_LOOPBACK 1 /* the index of lo in a new network namespace */
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif

/* An address that is aligned as bind(2) wants it. */
union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* Where the agent was before place_enter(). */
struct outside {
	int ns, root, cwd; /* -1: the same as inside */
};

/* --- the network namespace --- */

/* Has the kernel take every address of @family for the machine's own: 0 or -errno. */
static int place_own_all(int netlink, unsigned char family)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
		struct rtattr attr;
		int index;
	} req = {
		.head = { .nlmsg_len = sizeof(req),
			.nlmsg_type = RTM_NEWROUTE,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK },
		.route = { .rtm_family = family,
			.rtm_table = RT_TABLE_LOCAL,
			.rtm_protocol = RTPROT_BOOT,
			.rtm_scope = RT_SCOPE_HOST,
			.rtm_type = RTN_LOCAL },
		.attr = { .rta_len = RTA_LENGTH(sizeof(int)), .rta_type = RTA_OIF },
		.index = PLACE_LOOPBACK,
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char rest[256];
	} answer;

	if (send(netlink, &req, sizeof(req), 0) < 0 || recv(netlink, &answer, sizeof(answer), 0) < 0)
		return -errno;
	return answer.head.nlmsg_type == NLMSG_ERROR ? answer.err.error : -EPROTO;
}

/* In the new network namespace: brings it up. 0 or -errno. */
static int place_furnish(void)
{
	autoclose int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct err err = ERR_INIT;
	int r = netif_loopback_up(&err);

	if (r < 0)
		return r;
	if (netlink < 0)
		return -errno;
	r = place_own_all(netlink, AF_INET);
	(void)place_own_all(netlink, AF_INET6); /* a kernel without IPv6 has no sockets of it either */
	return r;
}

/* Enters the agent's network namespace for sockets, and makes it if it is not there. 0 or -errno. */
static int place_enter_ns(struct agent *agent)
{
	int r;

	if (agent->place_ns >= 0)
		return setns(agent->place_ns, CLONE_NEWNET) < 0 ? -errno : 0;
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	r = place_furnish();
	if (r < 0)
		return r;
	agent->place_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return agent->place_ns < 0 ? -errno : 0;
}

/* --- going in and out --- */

static void place_path(const struct agent *agent, uint32_t id, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s/" SANDBOX_RELAYS "/fd%u", agent->shares, id); /* shares is short */
}

/* Whether @a, of @len bytes, is a path. */
static bool place_is_path(const union address *a, size_t len)
{
	return a->any.sa_family == AF_UNIX && len > offsetof(struct sockaddr_un, sun_path) && a->un.sun_path[0];
}

/* Makes the directory of socket @id the root. 0 or -errno. */
static int place_enter_root(const struct agent *agent, uint32_t id)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/" SANDBOX_RELAYS, agent->shares);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	place_path(agent, id, path, sizeof(path));
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	return chroot(path) < 0 || chdir("/") < 0 ? -errno : 0;
}

/* Goes back. 0 or -errno. */
static int place_leave(const struct outside *o)
{
	int r = 0;

	if (o->root >= 0 && (fchdir(o->root) < 0 || chroot(".") < 0 || fchdir(o->cwd) < 0))
		r = -errno;
	if (o->ns >= 0 && setns(o->ns, CLONE_NEWNET) < 0)
		r = -errno;
	fd_close(o->ns);
	fd_close(o->root);
	fd_close(o->cwd);
	return r;
}

/* Goes where the socket @id with the address @a is, or is to be. 0, or -errno: place_leave() is needed all the same. */
static int place_enter(struct agent *agent, uint32_t id, const union address *a, size_t len, struct outside *o)
{
	int r;

	*o = (struct outside){ .ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), .root = -1, .cwd = -1 };
	if (o->ns < 0)
		return -errno;
	r = place_enter_ns(agent);
	if (r < 0 || !place_is_path(a, len))
		return r;
	o->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	o->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (o->root < 0 || o->cwd < 0)
		return -errno;
	return place_enter_root(agent, id);
}

/* Copies the address in @blob to @a. Its length, or -EINVAL if it is none. */
static int place_take(const struct guest_blob *blob, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (blob->len < sizeof(a->any.sa_family) || blob->len > sizeof(*a))
		return -EINVAL;
	memcpy(a, blob->at, blob->len);
	return (int)blob->len;
}

/* --- sockets --- */

/* Makes the directories above the path of @a. */
static void place_make_parents(const union address *a)
{
	char path[sizeof(a->un.sun_path) + 1] = "";

	memcpy(path, a->un.sun_path, sizeof(a->un.sun_path));
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(path, 0755); /* if one is missing, bind(2) says so */
		*p = '/';
	}
}

/* A stream socket of the family of @a that may be bound to any address: a descriptor or -errno. */
static int place_socket(const union address *a)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	if (a->any.sa_family == AF_UNIX)
		return fd;
	/* what these refuse, bind(2) refuses as well */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->any.sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	return fd;
}

/* A socket that listens at @a, where the agent is now: a descriptor or -errno. */
static int place_make(const union address *a, socklen_t len)
{
	autoclose int fd = place_socket(a);

	if (fd < 0)
		return fd;
	if (place_is_path(a, len))
		place_make_parents(a);
	if (bind(fd, &a->any, len) < 0 || listen(fd, PLACE_BACKLOG) < 0)
		return -errno;
	return steal_fd(&fd);
}

int place_listen(struct agent *agent, uint32_t id, const struct guest_blob *addr)
{
	struct outside outside;
	union address a;
	int len = place_take(addr, &a), fd, r;

	if (len < 0)
		return len;
	fd = place_enter(agent, id, &a, (size_t)len, &outside);
	if (fd == 0)
		fd = place_make(&a, (socklen_t)len);
	r = place_leave(&outside);
	if (r < 0 && fd >= 0)
		fd_close(fd);
	return r < 0 ? r : fd;
}

/* Connects to @a as @peer (its length 0: as nobody), where the agent is now: a descriptor or -errno. */
static int place_dial(const union address *a, socklen_t len, const union address *peer, int peer_len)
{
	autoclose int fd = place_socket(a);

	if (fd < 0)
		return fd;
	/* an address that cannot be had, as while a connection of the same name lingers, is given up */
	if (a->any.sa_family != AF_UNIX && peer_len > 0)
		(void)bind(fd, &peer->any, (socklen_t)peer_len);
	if (connect(fd, &a->any, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return steal_fd(&fd);
}

int place_connect(struct agent *agent, uint32_t id, const struct guest_blob *addr, const struct guest_blob *peer)
{
	struct outside outside;
	union address a, p;
	int len = place_take(addr, &a), peer_len = place_take(peer, &p), fd, r;

	if (len < 0)
		return len;
	fd = place_enter(agent, id, &a, (size_t)len, &outside);
	if (fd == 0)
		fd = place_dial(&a, (socklen_t)len, &p, peer_len);
	r = place_leave(&outside);
	if (r < 0 && fd >= 0)
		fd_close(fd);
	return r < 0 ? r : fd;
}

/* As place_pair(), of internet sockets, where the agent is now. */
static int place_make_pair(const union address *a, socklen_t len, const union address *peer, int peer_len, int fds[2])
{
	autoclose int listener = place_make(a, len);
	autoclose int ours = listener < 0 ? -1 : place_dial(a, len, peer, peer_len);
	int theirs;

	if (listener < 0)
		return listener;
	if (ours < 0)
		return ours;
	theirs =
		accept4(listener, NULL, NULL, SOCK_CLOEXEC); /* over lo a connection is there when connect(2) returns */
	if (theirs < 0)
		return -errno;
	fds[0] = steal_fd(&ours);
	fds[1] = theirs;
	return 0;
}

int place_pair(struct agent *agent, const struct guest_blob *addr, const struct guest_blob *peer, int ret_fds[2])
{
	struct outside outside;
	union address a, p;
	int len = place_take(addr, &a), peer_len = place_take(peer, &p), r, back;

	if (len < 0 || a.any.sa_family == AF_UNIX) /* its names are lost: both ends of a pair have none */
		return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret_fds) < 0 ? -errno : 0;
	r = place_enter(agent, 0, &a, (size_t)len, &outside);
	if (r == 0)
		r = place_make_pair(&a, (socklen_t)len, &p, peer_len, ret_fds);
	back = place_leave(&outside);
	return r < 0 ? r : back;
}

/* As nftw(3) calls it. */
static int place_remove(const char *path, const struct stat *st unused, int type unused, struct FTW *at unused)
{
	(void)remove(path);
	return 0;
}

void place_forget(const struct agent *agent, uint32_t id)
{
	char path[512];

	place_path(agent, id, path, sizeof(path));
	(void)nftw(path, place_remove, 8, FTW_DEPTH | FTW_PHYS); /* most have no directory */
}
