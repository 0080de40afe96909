/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces that come while the container runs: see newcomers.h. */
#include "monitor/newcomers.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "monitor/beside.h"
#include "net/attach.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/share.h"

#define NOTICES_AT_ONCE 256
/* What has failed is tried again after so long: an interface that goes while it is being tied is one reason. */
#define AGAIN_S 1

/* --- the process --- */

struct newcomers {
	const char *id;
	int socket;                    /* to the monitor */
	struct rtnl rtnl, notices;     /* in the container's network namespace */
	struct share share;            /* the programs of the taps, which it could not load later */
	bool begun, failed;            /* the monitor has said its word; the last try has failed */
	char told[NEWCOMERS_TEXT_MAX]; /* the last text: what goes on failing is said once */
};

/* Sees nothing of the host's files, and gives up all rights but the one over its network namespace: 0 or -errno. */
static int drop(const struct ns_set *ns)
{
	static const int calls[] = {
		SYS_read, SYS_write,                       /* the monitor */
		SYS_sendto, SYS_recvmsg,                   /* the kernel, by netlink */
		SYS_ppoll, SYS_restart_syscall,            /* waiting */
		SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, /* lists of interfaces */
		SYS_getrandom, SYS_exit_group,             /* malloc(3), when it is new; the end */
	};

	return beside_drop(ns, CAP_TO_MASK(CAP_NET_ADMIN), calls, ARRAY_LEN(calls));
}

/* Tells the monitor why it could not be done, once. */
static void complain(struct newcomers *n, const struct err *err)
{
	size_t len = strnlen(err->msg, sizeof(n->told) - 1);

	if (strncmp(n->told, err->msg, len) == 0 && n->told[len] == '\0')
		return;
	memcpy(n->told, err->msg, len);
	n->told[len] = '\0';
	(void)!write(n->socket, n->told, len); /* a monitor that does not listen is told the next one */
}

static void tie(struct newcomers *n)
{
	struct err err = ERR_INIT;

	n->failed = attach_again(&n->rtnl, n->id, &n->share, &err) < 0;
	if (n->failed)
		complain(n, &err);
	else
		n->told[0] = '\0';
}

/* Waits for the monitor's word and for notices, until the monitor has gone. */
static void serve(struct newcomers *n)
{
	const struct timespec again = { .tv_sec = AGAIN_S };
	struct pollfd p[] = { { .fd = n->socket, .events = POLLIN }, { .fd = rtnl_fd(&n->notices), .events = POLLIN } };
	char word;

	for (;;) {
		int ready = ppoll(p, n->begun ? ARRAY_LEN(p) : 1, n->failed ? &again : NULL, NULL);

		if (ready < 0 && errno != EINTR)
			return;
		if (p[0].revents && read(n->socket, &word, 1) != 1)
			return;
		n->begun = n->begun || p[0].revents;
		if (!n->begun || ready < 0)
			continue;
		rtnl_drop(&n->notices, NOTICES_AT_ONCE);
		tie(n);
	}
}

/* Loads the programs of the taps; without them, an interface that comes is the machine's alone. 0 or -errno. */
static int load(struct newcomers *n)
{
	autolinks list = LINKS_NONE;
	int r = links_read(&n->rtnl, &list);

	if (r == 0)
		(void)!share_load(&list, n->id, &n->share);
	return r;
}

/* The process's own main: nothing of what it has inherited but @socket stays. */
static _Noreturn void process_main(const char *id, const struct ns_set *ns, int socket)
{
	struct newcomers n = {
		.id = id, .socket = socket, .rtnl = RTNL_INIT, .notices = RTNL_INIT, .share = SHARE_NONE
	};
	struct err ignored = ERR_INIT;
	int keep[] = { socket, ns ? ns->user_fd : -1 };

	if (beside_begin("vmrunc-net", keep, ARRAY_LEN(keep)) == 0 && rtnl_open(-1, 0, &n.rtnl, &ignored) == 0 &&
		rtnl_open(-1, RTMGRP_LINK, &n.notices, &ignored) == 0 && load(&n) == 0 && drop(ns) == 0)
		serve(&n);
	_exit(1);
}

/* --- the monitor's side --- */

int newcomers_start(const char *id, const struct ns_set *ns, struct err *err)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return err_sys(err, errno, "network: cannot make a socket");
	pid = fork();
	if (pid == 0)
		process_main(id, ns, ends[1]);
	fd_close(ends[1]);
	if (pid < 0) {
		fd_close(ends[0]);
		return err_sys(err, errno, "network: cannot make a process");
	}
	return ends[0];
}

int newcomers_begin(int socket)
{
	return write(socket, "", 1) < 0 ? -errno : 0;
}

int newcomers_hear(int socket, char ret[NEWCOMERS_TEXT_MAX])
{
	ssize_t n = read(socket, ret, NEWCOMERS_TEXT_MAX - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return (int)n;
}
