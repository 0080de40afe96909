/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: epoll, with timers as timerfds.
 *
 * One thread runs a loop and owns its watches; only loop_stop() may be called
 * from another thread or a signal handler. A callback may add, change and
 * remove any watch, its own too: a removed watch is freed when the batch of
 * events in hand is done, and gets no further call.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdint.h>
#include <sys/epoll.h>

#include "base/base.h"

struct loop;
struct watch;

/* @events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR as they came. */
typedef void watch_fn(void *arg, uint32_t events);
typedef void timer_fn(void *arg);

must_check int loop_new(struct loop **ret_loop); /* 0 or -errno */
void loop_free(struct loop *loop);               /* frees its watches too; their fds stay the callers' */

/* Runs until loop_stop(): 0, or -errno of epoll_wait(2). May be run again. */
must_check int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Watches @fd (borrowed, open until watch_free()) for @events (0: only hang-up and error). */
must_check int watch_new(struct loop *loop, int fd, uint32_t events, watch_fn *fn, void *arg, struct watch **ret_watch);
must_check int watch_set_events(struct watch *w, uint32_t events); /* does nothing if unchanged */
void watch_free(struct watch *w);                                  /* accepts NULL */

/* A one-shot timer in @delay_ms from now; re-armed with timer_set (0 disarms). The watch owns its fd. */
must_check int timer_new(struct loop *loop, uint64_t delay_ms, timer_fn *fn, void *arg, struct watch **ret_watch);
must_check int timer_set(struct watch *w, uint64_t delay_ms);

#endif
