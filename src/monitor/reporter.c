/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's end of the report socket: see reporter.h. */
#include "monitor/reporter.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/fd.h"

static void leave(struct reporter *r)
{
	watch_free(r->watch);
	r->watch = NULL;
	fd_close(steal_fd(&r->sock));
}

static void on_event(void *arg, uint32_t events)
{
	struct reporter *r = arg;

	if (!(events & (EPOLLHUP | EPOLLERR)))
		return;
	leave(r);
	if (!r->ready)
		r->on_end(r->arg);
}

void reporter_init(struct reporter *r, int sock)
{
	*r = (struct reporter){ .sock = sock };
}

int reporter_watch(struct reporter *r, struct loop *loop, void (*on_end)(void *arg), void *arg)
{
	r->on_end = on_end;
	r->arg = arg;
	return watch_new(loop, r->sock, 0, on_event, r, &r->watch);
}

void reporter_tell(struct reporter *r, enum report_kind kind, const struct err *err)
{
	const struct report report = { .kind = kind, .err = *err };
	int error = r->sock < 0 ? 0 : report_send(r->sock, &report);

	/* before READY the socket stays, with its watch: on_event() has to see its end */
	if (error == -EPIPE && r->ready)
		leave(r);
}

int reporter_ready(struct reporter *r)
{
	const struct report report = { .kind = REPORT_READY };
	int error = r->sock < 0 ? -EPIPE : report_send(r->sock, &report);

	if (error == 0)
		r->ready = true;
	return error;
}
