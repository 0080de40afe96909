/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine tells others of its ports: see lender.h. */
#include "monitor/lender.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "monitor/ports.h"

static void remove_at(struct lender *l, size_t i)
{
	watch_free(l->at[i].watch);
	fd_close(l->at[i].fd);
	l->at[i] = l->at[--l->n];
}

/* The loop's callback: one of them has gone, or says something, which nobody asked for. */
static void on_client(void *arg, uint32_t events)
{
	struct lender *l = arg;
	char byte;

	(void)events;
	/* the loop does not say which: the others have nothing to say */
	for (size_t i = l->n; i > 0; i--) {
		if (read(l->at[i - 1].fd, &byte, 1) >= 0 || (errno != EAGAIN && errno != EINTR))
			remove_at(l, i - 1);
	}
}

/* As guest_done_fn: passes the guest's list on. Who does not read it gets the next one. */
static void on_list(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct lender *l = arg;
	char head = LENDER_LIST;
	struct iovec v[] = { { .iov_base = &head, .iov_len = 1 },
		{ .iov_base = (void *)(uintptr_t)payload, .iov_len = len } };
	const struct msghdr message = { .msg_iov = v, .msg_iovlen = ARRAY_LEN(v) };

	l->asking = false;
	for (size_t i = 0; err->errnum == 0 && len < LENDER_BYTES_MAX && i < l->n; i++)
		(void)!sendmsg(l->at[i].fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (l->n > 0)
		(void)!timer_set(l->timer, PORTS_INTERVAL_MS); /* without it, they keep the list that they have */
}

/* The timer: asks the guest. */
static void ask(void *arg)
{
	struct lender *l = arg;
	struct err ignored = ERR_INIT; /* the channel is at its end, which is told elsewhere */

	if (!l->asking && l->n > 0)
		l->asking = guest_list_ports(l->guest, l->cid, on_list, l, &ignored) == 0;
}

int lender_add(struct lender *l, struct loop *loop, struct guest *guest, const char *cid, struct control_client *client,
	struct err *err)
{
	const struct err fine = ERR_INIT;
	int r = 0, fd;

	if (l->n == LENDER_CLIENTS_MAX)
		return err_set(err, EAGAIN,
			"network: %d containers have joined this one's; no more are told of its ports",
			LENDER_CLIENTS_MAX);
	l->loop = loop;
	l->guest = guest;
	l->cid = cid;
	if (!l->timer)
		r = timer_new(loop, 0, ask, l, &l->timer);
	if (r < 0)
		return err_sys(err, r, "network");
	fd = control_detach(client);
	if (watch_new(loop, fd, EPOLLIN, on_client, l, &l->at[l->n].watch) < 0) {
		fd_close(fd); /* which is the answer */
		return 0;
	}
	l->at[l->n++].fd = fd;
	(void)!send(fd, &fine, sizeof(fine), MSG_DONTWAIT | MSG_NOSIGNAL); /* who has gone is seen by that */
	ask(l);
	return 0;
}

void lender_done(struct lender *l)
{
	while (l->n > 0)
		remove_at(l, l->n - 1);
	watch_free(l->timer);
	l->timer = NULL;
}
