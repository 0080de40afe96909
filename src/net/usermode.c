/* SPDX-License-Identifier: Apache-2.0 */
/* User mode by passt: see usermode.h. */
#include "net/usermode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sig.h"
#include "base/text.h"
#include "net/redirect.h"
#include "net/tap.h"

/* The MAC address of whatever the guest speaks to: locally administered, and no device's of ours. */
#define PEER_MAC "02:76:6d:00:01:00"
#define ARGV_MAX 40
/*
 * What passt may have sent and the guest not yet read. It drops what does not fit, also acknowledgements, and
 * never repeats one: Debian 12's then resets the connection. More than the windows of a few busy connections.
 */
#define SEND_BYTES (16 * MIB)
#define WORDS_MAX 512       /* bytes of its last words */
#define WORDS_READS_MAX 256 /* pieces, twice what a pipe holds: who goes on writing is not passt, which has ended */

void usermode_done(struct usermode *u)
{
	fd_close(u->fd);
	fd_close(u->pidfd);
	fd_close(u->stderr_fd);
	*u = (struct usermode)USERMODE_NONE;
}

const char *usermode_program(void)
{
	static const char *const paths[] = { "/usr/local/bin/passt", "/usr/bin/passt" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (access(paths[i], X_OK) == 0 && stat(paths[i], &st) == 0 && S_ISREG(st.st_mode))
			return paths[i];
	}
	return NULL;
}

/* --- the interface --- */

/* The default routes of a namespace, as they are found. */
struct search {
	uint32_t best4, best6; /* the ifindex of the one with the lowest metric; 0: there is none */
	uint32_t metric4, metric6;
};

/* As rtnl_take_fn: remembers a default route by an interface. */
static int take_route(void *arg, const struct nlmsghdr *message)
{
	const struct rtmsg *h = mnl_nlmsg_get_payload(message);
	struct search *s = arg;
	uint32_t out = 0, metric = 0;
	const struct nlattr *a;

	if (message->nlmsg_type != RTM_NEWROUTE || h->rtm_dst_len || h->rtm_type != RTN_UNICAST ||
		h->rtm_table != RT_TABLE_MAIN)
		return 0;
	mnl_attr_for_each (a, message, sizeof(*h)) {
		if (mnl_attr_get_type(a) == RTA_OIF)
			out = mnl_attr_get_u32(a);
		if (mnl_attr_get_type(a) == RTA_PRIORITY)
			metric = mnl_attr_get_u32(a);
	}
	if (out && h->rtm_family == AF_INET && (!s->best4 || metric < s->metric4)) {
		s->best4 = out;
		s->metric4 = metric;
	}
	if (out && h->rtm_family == AF_INET6 && (!s->best6 || metric < s->metric6)) {
		s->best6 = out;
		s->metric6 = metric;
	}
	return 0;
}

/* Reads the default routes: 0 or -errno; -EINTR: they go on changing. */
static int read_routes(struct rtnl *r, struct search *ret)
{
	int e = -EINTR;

	for (int tries = 0; e == -EINTR && tries < RTNL_TRIES; tries++) {
		struct rtnl_request q;

		*ret = (struct search){ .best4 = 0 };
		(void)rtnl_begin(&q, RTM_GETROUTE, 0, sizeof(struct rtmsg));
		e = rtnl_dump(r, &q, take_route, ret);
	}
	return e;
}

int usermode_choose(struct rtnl *r, struct link *ret, struct err *err)
{
	autolinks list = LINKS_NONE;
	struct search s = { .best4 = 0 };
	const struct link *found;
	int e = links_read(r, &list);

	if (e == 0 || e == -EINTR) /* in a namespace that goes on changing, what has been read has to do */
		e = read_routes(r, &s);
	if (e < 0 && e != -EINTR)
		return err_sys(err, e, "network: cannot read the network namespace");
	found = links_find(&list, s.best4);
	if (!found || found->flags & IFF_LOOPBACK)
		found = links_find(&list, s.best6);
	for (size_t i = 0; (!found || found->flags & IFF_LOOPBACK) && i < list.n; i++)
		found = list.v[i].flags & IFF_UP ? &list.v[i] : NULL;
	if (!found || found->flags & IFF_LOOPBACK)
		return 0;
	*ret = *found;
	return 1;
}

enum usermode_place usermode_look(int ns_fd, struct err *why)
{
	autolinks list = LINKS_NONE;
	autortnl r = RTNL_INIT;
	struct err ignored = ERR_INIT; /* who is to be in that namespace meets the same error there */
	enum usermode_place place = USERMODE_ALONE;
	const struct link *of = NULL;
	struct link l;

	if (rtnl_open(ns_fd, 0, &r, &ignored) < 0 || usermode_choose(&r, &l, &ignored) <= 0 ||
		links_read(&r, &list) < 0)
		return USERMODE_ALONE;
	for (size_t i = 0; place != USERMODE_CUT_OFF && i < list.n; i++) {
		const struct link *tap = &list.v[i];

		if (!tap_is(tap, NULL))
			continue;
		place = tap->group == l.ifindex && !redirect_is_shared(&r, l.ifindex) ? USERMODE_CUT_OFF
										      : USERMODE_SHARED;
		of = tap;
	}
	if (place == USERMODE_CUT_OFF)
		(void)err_set(why, EADDRINUSE,
			"interface \"%s\" of the network namespace is led to the virtual machine of container \"%s\" whole, since the kernel has no filters by BPF, or did not allow its owner any",
			l.name, of->alias + strlen(TAP_ALIAS));
	return place;
}

/* --- its command line --- */

/* The command line, and the texts in it. */
struct command {
	uint32_t ifindex;
	char fd[16], prefix[8], ip4[INET_ADDRSTRLEN], ip6[INET6_ADDRSTRLEN];
	const char *argv[ARGV_MAX];
	size_t n;
};

/* As rtnl_take_fn: the first address of each family that is more than the link's own. */
static int take_address(void *arg, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *h = mnl_nlmsg_get_payload(message);
	struct command *c = arg;
	const struct nlattr *a;
	const void *at = NULL;

	if (message->nlmsg_type != RTM_NEWADDR || h->ifa_index != c->ifindex || h->ifa_scope >= RT_SCOPE_LINK)
		return 0;
	mnl_attr_for_each (a, message, sizeof(*h)) {
		uint16_t type = mnl_attr_get_type(a);

		if (type == IFA_LOCAL || (type == IFA_ADDRESS && !at))
			at = mnl_attr_get_payload(a);
	}
	if (at && h->ifa_family == AF_INET && !*c->ip4) {
		(void)inet_ntop(AF_INET, at, c->ip4, sizeof(c->ip4));
		(void)snprintf(c->prefix, sizeof(c->prefix), "%u", h->ifa_prefixlen);
	}
	if (at && h->ifa_family == AF_INET6 && !*c->ip6)
		(void)inet_ntop(AF_INET6, at, c->ip6, sizeof(c->ip6));
	return 0;
}

static void put(struct command *c, const char *option, const char *value)
{
	if (c->n + 3 > ARRAY_LEN(c->argv)) /* it never is: the options are a fixed set */
		return;
	c->argv[c->n++] = option;
	if (value)
		c->argv[c->n++] = value;
}

/* Reads the addresses of interface c->ifindex: 0 or -errno; -EINTR: they go on changing. */
static int read_addresses(struct rtnl *r, struct command *c)
{
	int e = -EINTR;

	for (int tries = 0; e == -EINTR && tries < RTNL_TRIES; tries++) {
		struct rtnl_request q;

		*c->ip4 = *c->ip6 = *c->prefix = '\0';
		(void)rtnl_begin(&q, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
		e = rtnl_dump(r, &q, take_address, c);
	}
	return e;
}

/*
 * Makes the command line. passt gets the addresses of the interface, since a guest has them, and would find an interface
 * unusable that has no default route; it hands out none itself, as the agent sets them.
 */
static int make_command(struct rtnl *r, const struct link *l, const char *program, int fd, struct command *c)
{
	static const char *const silent[] = { "--quiet", "--no-dhcp", "--no-dhcpv6", "--no-ra" };
	int e;

	*c = (struct command){ .ifindex = l->ifindex };
	e = read_addresses(r, c);
	if (e < 0 && e != -EINTR) /* as in usermode_choose() */
		return e;
	(void)snprintf(c->fd, sizeof(c->fd), "%d", fd);
	put(c, program, "--foreground");
	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		put(c, silent[i], NULL);
	put(c, "--fd", c->fd);
	put(c, "--interface", l->name);
	put(c, "--mac-addr", PEER_MAC);
	put(c, "--dns", "none");
	put(c, "--tcp-ports", "none");
	put(c, "--udp-ports", "none");
	if (*c->ip4) {
		put(c, "--address", c->ip4);
		put(c, "--netmask", c->prefix);
		put(c, "--gateway", USERMODE_LOOPBACK4);
	}
	if (*c->ip6) {
		put(c, "--address", c->ip6);
		put(c, "--gateway", USERMODE_LOOPBACK6);
	}
	return 0;
}

/* --- its process --- */

/* Turns the child, a copy of the monitor, into passt. What goes wrong is told on stderr, as its last words. */
static _Noreturn void run(const struct command *c, int fd, int null_fd, int err_fd)
{
	static char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", locale[] = "LC_ALL=C";
	char *const env[] = { path, locale, NULL };
	const struct rlimit no_core = { 0, 0 }; /* the guest's traffic would be in it */
	int keep[] = { fd };

	sig_reset();
	if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0 || dup2(err_fd, STDERR_FILENO) < 0)
		_exit(127);
	if (fd_close_others(keep, ARRAY_LEN(keep)) == 0 && fcntl(fd, F_SETFD, 0) == 0 &&
		setrlimit(RLIMIT_CORE, &no_core) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		(void)execve(c->argv[0], (char *const *)c->argv, env); /* returns only if it fails */
	(void)dprintf(STDERR_FILENO, "%s\n", strerror(errno));
	_exit(127);
}

/* Forks it with its end of the sockets. 0, or -errno. */
static int launch(const struct command *c, int fd, struct usermode *u)
{
	autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), err_fd = -1;
	int pipes[2];
	pid_t pid;

	/* it says more than its errors where nobody reads a system log: it must not wait for a reader */
	if (null_fd < 0 || pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	u->stderr_fd = pipes[0];
	err_fd = pipes[1];
	pid = fork();
	if (pid == 0)
		run(c, fd, null_fd, err_fd);
	if (pid < 0)
		return -errno;
	u->pidfd = fd_open_pid(pid); /* it is our child, which nobody has waited for */
	return u->pidfd < 0 ? u->pidfd : 0;
}

/* Gives passt's end of the sockets room. Who has no right to so much has what the host's limit lets him have. */
static void widen(int fd)
{
	const int bytes = SEND_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int usermode_start(struct rtnl *r, const struct link *l, struct usermode *ret, struct err *err)
{
	const char *program = usermode_program();
	struct usermode u = USERMODE_NONE;
	autoclose int theirs = -1;
	struct command c;
	int ends[2], e;

	if (!program)
		return err_set(err, ENOENT, "network: passt is not installed (package " USERMODE_PACKAGE ")");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, errno, "network: cannot make a socket pair");
	u.fd = ends[0];
	theirs = ends[1];
	widen(theirs);
	e = make_command(r, l, program, theirs, &c);
	if (e == 0)
		e = launch(&c, theirs, &u);
	if (e < 0) {
		usermode_done(&u);
		return err_sys(err, e, "network: cannot run \"%s\"", program);
	}
	u.ip4 = *c.ip4;
	u.ip6 = *c.ip6;
	*ret = u;
	return 0;
}

/* The last line of @words that says more than that there is no system log; its NUL is put behind it. */
static const char *last_line(char *words)
{
	static const char no_log[] = "Failed to send", no_root[] = "Don't run as root"; /* it says so each time */
	char *line = words + strlen(words);

	do {
		*line = '\0';
		while (line > words && line[-1] != '\n')
			line--;
		if (*line && strncmp(line, no_log, sizeof(no_log) - 1) != 0 &&
			strncmp(line, no_root, sizeof(no_root) - 1) != 0)
			return line;
	} while (line > words && line--);
	return "";
}

void usermode_last_words(const struct usermode *u, struct err *err)
{
	char words[WORDS_MAX + 1], clean[WORDS_MAX + 1];
	ssize_t n, len = 0;
	const char *line;

	/* what came last is what is kept */
	for (int i = 0; i < WORDS_READS_MAX && (n = read(u->stderr_fd, words, WORDS_MAX)) > 0; i++)
		len = n;
	words[len] = '\0';
	line = last_line(words);
	(void)snprintf(clean, sizeof(clean), "%s", line);
	text_clean(clean, strlen(clean));
	(void)err_set(err, ENETDOWN,
		"network: passt has ended: the container reaches nothing outside of its virtual machine any more%s%s",
		*clean ? ": " : "", clean);
}
