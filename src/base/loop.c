/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: see loop.h.
 *
 * Watches form a list; a removed one is unlinked from epoll at once, marked dead, and freed after the batch, since an
 * event for it may be in hand.
 */
#include "base/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"

#define LOOP_BATCH 32 /* events taken by one epoll_wait */

struct watch {
	LIST_ENTRY(watch) link;
	struct loop *loop;
	int fd;
	uint32_t events;
	watch_fn *fn;
	timer_fn *timer; /* set: this is a timer, which owns @fd */
	void *arg;
	bool dead; /* removed: it gets no call, and is freed after the batch */
};

struct loop {
	int epfd;
	int stop_fd; /* an eventfd, by which loop_stop() wakes the loop */
	atomic_bool stop;
	bool in_batch;
	LIST_HEAD(, watch) watches;
	LIST_HEAD(, watch) dead;
};

int loop_new(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	int r;

	if (!loop)
		return -ENOMEM;
	LIST_INIT(&loop->watches);
	LIST_INIT(&loop->dead);
	loop->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epfd < 0 || loop->stop_fd < 0 || epoll_ctl(loop->epfd, EPOLL_CTL_ADD, loop->stop_fd, &ev) < 0) {
		r = -errno;
		loop_free(loop);
		return r;
	}
	*ret_loop = loop;
	return 0;
}

static void watch_destroy(struct watch *w)
{
	LIST_REMOVE(w, link);
	free(w);
}

/* Frees the watches that were removed during a batch. */
static void loop_bury(struct loop *loop)
{
	while (!LIST_EMPTY(&loop->dead))
		watch_destroy(LIST_FIRST(&loop->dead));
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop->in_batch = false;
	while (!LIST_EMPTY(&loop->watches))
		watch_free(LIST_FIRST(&loop->watches));
	loop_bury(loop);
	fd_close(loop->epfd);
	fd_close(loop->stop_fd);
	free(loop);
}

/* Calls back for @events, unless the watch was removed since they came. */
static void watch_dispatch(struct watch *w, uint32_t events)
{
	uint64_t ticks;

	if (w->dead)
		return;
	if (!w->timer) {
		w->fn(w->arg, events);
		return;
	}
	/* EAGAIN: the timer was armed anew after it fired, and is not due yet */
	if (read(w->fd, &ticks, sizeof(ticks)) == (ssize_t)sizeof(ticks))
		w->timer(w->arg);
}

/* Whether loop_stop() was called; forgets that, so that the loop can be run again. */
static bool loop_take_stop(struct loop *loop)
{
	uint64_t count;

	if (!atomic_exchange(&loop->stop, false))
		return false;
	if (read(loop->stop_fd, &count, sizeof(count)) < 0)
		count = 0; /* EAGAIN: an earlier call has taken this wake-up as well */
	return true;
}

int loop_run(struct loop *loop)
{
	struct epoll_event batch[LOOP_BATCH];

	while (!loop_take_stop(loop)) {
		int n = epoll_wait(loop->epfd, batch, LOOP_BATCH, -1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		loop->in_batch = true;
		for (int i = 0; i < n; i++) {
			if (batch[i].data.ptr)
				watch_dispatch(batch[i].data.ptr, batch[i].events);
		}
		loop->in_batch = false;
		loop_bury(loop);
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	uint64_t one = 1;

	/* The wake-up comes before the flag, since loop_take_stop() must find it when it finds the flag. */
	if (write(loop->stop_fd, &one, sizeof(one)) < 0)
		one = 0; /* EAGAIN: the counter is full, so the loop wakes anyway */
	atomic_store(&loop->stop, true);
}

int watch_new(struct loop *loop, int fd, uint32_t events, watch_fn *fn, void *arg, struct watch **ret_watch)
{
	struct watch *w = calloc(1, sizeof(*w));
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (!w)
		return -ENOMEM;
	*w = (struct watch){ .loop = loop, .fd = fd, .events = events, .fn = fn, .arg = arg };
	if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		int r = -errno;

		free(w);
		return r;
	}
	LIST_INSERT_HEAD(&loop->watches, w, link);
	*ret_watch = w;
	return 0;
}

int watch_set_events(struct watch *w, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = w };

	if (w->events == events)
		return 0;
	if (epoll_ctl(w->loop->epfd, EPOLL_CTL_MOD, w->fd, &ev) < 0)
		return -errno;
	w->events = events;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w || w->dead)
		return;
	(void)epoll_ctl(
		w->loop->epfd, EPOLL_CTL_DEL, w->fd, NULL); /* fails if the fd is closed, which has removed it */
	if (w->timer)
		fd_close(w->fd);
	w->dead = true;
	LIST_REMOVE(w, link);
	if (w->loop->in_batch)
		LIST_INSERT_HEAD(&w->loop->dead, w, link);
	else
		free(w);
}

int timer_new(struct loop *loop, uint64_t delay_ms, timer_fn *fn, void *arg, struct watch **ret_watch)
{
	autoclose int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	struct watch *w;
	int r;

	if (fd < 0)
		return -errno;
	r = watch_new(loop, fd, EPOLLIN, NULL, arg, &w);
	if (r < 0)
		return r;
	w->timer = fn;
	(void)steal_fd(&fd); /* the watch owns it now */
	r = timer_set(w, delay_ms);
	if (r < 0) {
		watch_free(w);
		return r;
	}
	*ret_watch = w;
	return 0;
}

int timer_set(struct watch *w, uint64_t delay_ms)
{
	struct itimerspec when = { .it_value = { .tv_sec = (time_t)(delay_ms / 1000),
					   .tv_nsec = (long)(delay_ms % 1000) * 1000000 } };

	return timerfd_settime(w->fd, 0, &when, NULL) < 0 ? -errno : 0;
}
