/* SPDX-License-Identifier: Apache-2.0 */
/* The container's network, as the monitor has it: see network.h. */
#include "monitor/network.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "monitor/lender.h"
#include "monitor/newcomers.h"
#include "monitor/ports.h"
#include "monitor/resolvers.h"
#include "monitor/telling.h"
#include "net/attach.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/share.h"
#include "net/tap.h"
#include "net/usermode.h"
#include "net/view.h"

/* What the guest follows. Neighbours are read with the rest, but their notices are far too many: of each that is learnt. */
#define NOTICES                                                                                          \
	(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE | \
		RTMGRP_IPV4_RULE | 1 << (RTNLGRP_IPV6_RULE - 1))
/* A change comes as several notices: the guest is told so much after the last one, of all. */
#define FOLLOW_DELAY_MS 50
/* But it is told at the latest so much after the first one: a namespace may never come to rest, as that of a router. */
#define FOLLOW_MAX_MS 1000
/*
 * A change that could not be told is tried again so much later, and each further time after twice as long, up to the maximum: a
 * lack of memory or of room in the channel passes, but what is too much for the guest may stay so.
 */
#define AGAIN_MS 1000
#define AGAIN_MAX_MS 60000
/* Of an interface for which there is no device. */
#define NO_DEVICE                                                                                         \
	"its virtual machine has %u network devices, and each has an interface already (vmrunc.json(5): " \
	"\"spare-interfaces\" are for what comes after create; there can be %d)"
#define NOTICES_AT_ONCE 256 /* messages that are taken away before the loop goes on */

_Static_assert(VM_NICS_MAX <= SHARE_TAPS_MAX, "each tap has a program");
_Static_assert(2 * VM_NICS_MAX + 1 <= PROTO_NICS_MAX, "all may go, and all may come");

struct network {
	const char *id; /* borrowed */
	struct rtnl rtnl;
	struct err no_tap;          /* why there are fewer taps than there should be; errnum 0: there are all */
	uint32_t taps[VM_NICS_MAX]; /* ifindex of each device's */
	unsigned int taps_len;
	struct resolvers resolvers;
	uint32_t process; /* the container's first, on the channel */
	int newcomers;    /* a socket to the process that ties later interfaces; -1: there is none */
	bool by_passt;    /* user mode: taps[0] is VIEW_USERMODE_TAP */
	struct usermode passt;
	struct ports *ports;
	struct lender lender; /* who joins the network later is told of its ports */

	/* following, from network_follow() on */
	struct rtnl notices; /* of the kernel, about the namespace */
	struct view told;    /* what the guest has been told last */
	bool started;        /* it has been told once */
	bool busy;           /* a telling is under way */
	bool again;          /* something has changed meanwhile */
	int64_t since_ms; /* of the first notice that has not been looked into, by clock_now_ms(); 0: there is none */
	char left_out[IFNAMSIZ]; /* of the view that was read last */
	struct err failed;       /* why the last change could not be told; errnum 0: it could */
	unsigned int again_ms;   /* how long the next try waits for; 0: none does */
	struct guest *guest;     /* borrowed, with the next one */
	struct guestlog *log;
	struct watch *notice_watch, *newcomers_watch, *passt_watch, *timer;
	struct loop *loop;
	guest_done_fn *done; /* of the first telling */
	void *done_arg;
};

/*
 * How many network devices the machine gets. An interface that is down now may be up at start, and one that the config
 * moves is on its way.
 */
static unsigned int devices_wanted(const struct monitor_job *job, const struct links *list)
{
	const struct spec_linux *l = job->spec->linux_;
	size_t interfaces = l ? l->net_devices.n : 0;

	for (size_t i = 0; i < list->n; i++)
		interfaces += attach_would_fit(&list->v[i]);
	return (unsigned int)MIN(MAX(interfaces, (size_t)1) + job->spare_interfaces, (size_t)VM_NICS_MAX);
}

/*
 * Makes the taps. Without them a container that has no interface goes well, so that a failure is kept for the moment
 * when there is one.
 */
static int make_taps(struct network *n, const struct monitor_job *job, struct err *err)
{
	autolinks list = LINKS_NONE;
	unsigned int wanted;
	int r = links_read(&n->rtnl, &list);

	if (r < 0)
		return err_sys(err, r, "network: cannot list the interfaces");
	wanted = devices_wanted(job, &list);
	for (unsigned int i = 0; i < wanted && !n->no_tap.errnum; i++) {
		struct vm_nic *nic = &job->vm->nics[i];

		*nic = (struct vm_nic){ .pairs = MIN(job->vm->vcpus, VM_NIC_PAIRS_MAX) };
		if (tap_make(&n->rtnl, n->id, nic->pairs, nic->fds, &n->taps[i], &n->no_tap) < 0)
			break;
		telling_device_mac(i, nic->mac);
		job->vm->nics_len = n->taps_len = i + 1;
	}
	for (size_t i = 0; n->no_tap.errnum && n->taps_len == 0 && i < list.n; i++) {
		if (attach_fits(&list.v[i])) {
			*err = n->no_tap;
			return err_prefix(err, "network: interface \"%s\"", list.v[i].name);
		}
	}
	return 0;
}

/*
 * Starts passt for the machine's one network device. Where there is no interface that it could stand in for, the
 * container has the loopback interface, as the namespace has.
 */
static int begin_usermode(struct network *n, const struct monitor_job *job, struct err *err)
{
	struct vm_nic *nic = &job->vm->nics[0];
	struct link l;
	int r = usermode_choose(&n->rtnl, &l, err);

	if (r <= 0)
		return r;
	r = usermode_start(&n->rtnl, &l, &n->passt, err);
	if (r < 0)
		return r;
	r = ports_new(n->id, job->spec, &n->resolvers, true, "the network that the container joins", &n->ports, err);
	if (r < 0)
		return r;
	*nic = (struct vm_nic){ .fds = { steal_fd(&n->passt.fd) }, .pairs = 1, .stream = true };
	telling_device_mac(0, nic->mac);
	job->vm->nics_len = n->taps_len = 1;
	n->taps[0] = VIEW_USERMODE_TAP;
	return 0;
}

/* Starts the processes beside the monitor of a machine with taps. 0, or -errno with an error. */
static int begin_beside(struct network *n, const struct monitor_job *job, struct err *err)
{
	n->lender.listen_fd = lender_listen();
	if (n->lender.listen_fd < 0 &&
		n->lender.listen_fd != -EADDRINUSE) /* another machine's: the interfaces are its, too */
		return err_sys(err, n->lender.listen_fd, "network: cannot listen for who joins it");
	n->newcomers = newcomers_start(n->id, job->ns->fresh[SPEC_NS_NETWORK] ? job->ns : NULL, err);
	if (n->newcomers < 0 || !job->inner_ports)
		return MIN(n->newcomers, 0);
	return ports_new(n->id, job->spec, &n->resolvers, false, "its network namespace on the host", &n->ports, err);
}

int network_new(const struct monitor_job *job, struct network **ret, struct err *err)
{
	struct network *n;
	int r;

	*ret = NULL;
	if (!job->own_network && !job->usermode)
		return 0;
	n = calloc(1, sizeof(*n));
	if (!n)
		return err_sys(err, ENOMEM, "network");
	n->id = job->id;
	n->newcomers = -1;
	n->lender = (struct lender)LENDER_NONE;
	n->resolvers.file = -1;
	n->by_passt = job->usermode;
	n->passt = (struct usermode)USERMODE_NONE;
	n->rtnl = n->notices = (struct rtnl)RTNL_INIT;
	r = rtnl_open(-1, 0, &n->rtnl, err);
	if (r == 0)
		r = rtnl_open(-1, NOTICES, &n->notices, err);
	if (r == 0)
		r = n->by_passt ? begin_usermode(n, job, err) : make_taps(n, job, err);
	if (r == 0 && (r = resolvers_open(job, &n->resolvers)) < 0)
		(void)err_sys(err, r, "network: cannot open the container's resolv.conf");
	if (r == 0 && n->taps_len > 0 && !n->by_passt)
		r = begin_beside(n, job, err);
	if (r < 0 || (n->by_passt && n->taps_len == 0)) {
		network_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

void network_free(struct network *n)
{
	if (!n)
		return;
	watch_free(n->notice_watch);
	watch_free(n->newcomers_watch);
	fd_close(n->newcomers);
	resolvers_done(&n->resolvers);
	watch_free(n->timer);
	watch_free(n->passt_watch);
	usermode_done(&n->passt);
	ports_free(n->ports);
	lender_done(&n->lender);
	rtnl_done(&n->notices);
	rtnl_done(&n->rtnl);
	view_done(&n->told);
	free(n);
}

/* --- telling --- */

static void on_told(void *arg, const struct err *err, const void *payload, size_t len);

/* Reads the namespace: 0, or -errno with an error. The caller ends *@ret in any case. */
static int look(struct network *n, struct view *ret, struct err *err)
{
	int r = n->by_passt ? view_read_usermode(&n->rtnl, &n->passt, ret, err)
			    : view_read(&n->rtnl, n->id, !n->started, ret, err);

	if (r == -ENODEV && n->no_tap.errnum)
		*err = n->no_tap;
	else if (r == -ENODEV)
		(void)err_set(err, ENODEV, "network: interface \"%s\" cannot be in the container: " NO_DEVICE,
			ret->left_out, n->taps_len, VM_NICS_MAX);
	if (r < 0)
		return r;
	if (ret->left_out[0] && strcmp(ret->left_out, n->left_out) != 0)
		guestlog_say(n->log, "vmrunc: network: interface \"%s\" is not in the container: " NO_DEVICE,
			ret->left_out, n->taps_len, VM_NICS_MAX);
	memcpy(n->left_out, ret->left_out, sizeof(n->left_out));
	return 0;
}

/*
 * Reads the namespace and tells the guest what is new. 1: it is being told; 0: nothing is; or -errno with an error, and what
 * is new then is new the next time, too.
 */
static int tell(struct network *n, struct err *err)
{
	autoview now = VIEW_NONE;
	struct telling t;
	int r = look(n, &now, err), other = 0;

	if (r < 0)
		return r;
	r = telling_make(n->id, n->taps, n->taps_len, n->started ? &n->told : NULL, &now, &t);
	if (r >= 0)
		other = resolvers_find(&n->resolvers, n->guest, n->process);
	if (r < 0 || other < 0) {
		r = err_sys(err, MIN(r, other), "network");
	} else if (r > 0 || other > 0) {
		t.net.resolvers.len = (uint32_t)n->resolvers.now_len;
		t.net.resolvers.at = n->resolvers.now;
		r = guest_net(n->guest, &t.net, on_told, n, err);
		n->busy = r == 0;
	}
	telling_done(&t);
	if (r < 0)
		return r;
	resolvers_told(&n->resolvers);
	view_done(&n->told);
	n->told = now;
	now = (struct view)VIEW_NONE;
	return n->busy;
}

/*
 * Has the guest told later what could not be told now, since the kernel may have no further notice for us. @err says why, which
 * is said once.
 */
static void tell_later(struct network *n, const struct err *err)
{
	if (strcmp(err->msg, n->failed.msg) != 0)
		guestlog_say(n->log, "vmrunc: %s", err->msg);
	n->failed = *err;
	n->again_ms = MIN(MAX(2 * n->again_ms, AGAIN_MS), AGAIN_MAX_MS);
	if (timer_set(n->timer, n->again_ms) < 0)
		guestlog_say(n->log, "vmrunc: network: a change is told with the next one");
}

/* Tells the guest what has changed. What it cannot do is in its log: there is nobody else to hear it. */
static void follow(void *arg)
{
	struct network *n = arg;
	struct err err = ERR_INIT;

	n->again = n->busy;
	n->since_ms = 0;
	if (!n->started || n->busy)
		return;
	if (tell(n, &err) < 0) {
		tell_later(n, &err);
		return;
	}
	n->failed = (struct err)ERR_INIT;
	n->again_ms = 0;
}

/* The loop's callback: the process that ties interfaces says why it cannot, or has ended. */
static void on_newcomers(void *arg, uint32_t events)
{
	struct network *n = arg;
	char text[NEWCOMERS_TEXT_MAX];
	int len = newcomers_hear(n->newcomers, text);

	(void)events;
	if (len == -EAGAIN)
		return;
	if (len > 0) {
		guestlog_say(n->log, "vmrunc: %s", text);
		return;
	}
	guestlog_say(n->log,
		"vmrunc: network: interfaces that come from now on are not in the container: vmrunc-net has ended");
	watch_free(n->newcomers_watch);
	n->newcomers_watch = NULL;
	fd_close(steal_fd(&n->newcomers));
}

/* As guest_done_fn: the guest has done it, or says why not. */
static void on_told(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct network *n = arg;
	guest_done_fn *done = n->done;

	n->busy = false;
	n->done = NULL;
	if (done) {
		n->started = err->errnum == 0;
		if (n->started && n->newcomers >= 0 && newcomers_begin(n->newcomers) < 0)
			on_newcomers(n, 0);
		if (n->started && n->ports && ports_begin(n->ports, n->loop, n->guest, n->log, n->process) < 0)
			guestlog_say(n->log, "vmrunc: network: what the container listens on is not opened");
		done(n->done_arg, err, payload, len);
	} else if (err->errnum) {
		guestlog_say(n->log, "vmrunc: network: %s", err->msg);
	}
	if (n->again && n->timer && timer_set(n->timer, FOLLOW_DELAY_MS) < 0)
		guestlog_say(n->log, "vmrunc: network: a change is told with the next one");
}

/* The loop's callback: something has changed in the namespace. What it is, is read when it has come to rest, or does not. */
static void on_notice(void *arg, uint32_t events)
{
	struct network *n = arg;
	int64_t now = clock_now_ms(), left;

	(void)events;
	n->since_ms = n->since_ms ? n->since_ms : now;
	left = n->since_ms + FOLLOW_MAX_MS - now;
	rtnl_drop(&n->notices, NOTICES_AT_ONCE);
	n->again_ms = 0; /* what has failed may not fail again */
	if (left <= 0 || timer_set(n->timer, (uint64_t)MIN(left, FOLLOW_DELAY_MS)) < 0)
		follow(n);
}

/* The loop's callback: passt has ended, which is no end of the container's. Nobody collects it but the monitor's own end. */
static void on_passt_ended(void *arg, uint32_t events)
{
	struct network *n = arg;
	struct err err = ERR_INIT;

	(void)events;
	watch_free(n->passt_watch);
	n->passt_watch = NULL;
	usermode_last_words(&n->passt, &err);
	guestlog_say(n->log, "vmrunc: %s", err.msg);
	n->passt.ip4 = n->passt.ip6 = false; /* localhost is the guest's own again */
	follow(n);
}

int network_follow(struct network *n, struct loop *loop, struct guest *guest, struct guestlog *log, struct err *err)
{
	int r;

	if (!n)
		return 0;
	n->loop = loop;
	n->guest = guest;
	n->log = log;
	r = timer_new(loop, 0, follow, n, &n->timer);
	if (r == 0)
		r = watch_new(loop, rtnl_fd(&n->notices), EPOLLIN, on_notice, n, &n->notice_watch);
	if (r == 0 && n->newcomers >= 0)
		r = watch_new(loop, n->newcomers, EPOLLIN, on_newcomers, n, &n->newcomers_watch);
	if (r == 0 && n->passt.pidfd >= 0)
		r = watch_new(loop, n->passt.pidfd, EPOLLIN, on_passt_ended, n, &n->passt_watch);
	if (r == 0)
		r = lender_begin(&n->lender, loop, guest, n->id);
	return r < 0 ? err_sys(err, r, "network: cannot watch the namespace") : 0;
}

int network_tell(struct network *n, uint32_t process, guest_done_fn *done, void *arg, struct err *err)
{
	int r;

	if (!n)
		return 0;
	n->process = process;
	n->done = done;
	n->done_arg = arg;
	n->started = false;
	r = tell(n, err);
	if (r <= 0)
		n->done = NULL;
	return r;
}
