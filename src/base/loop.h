/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: epoll, with timers as timerfds.
 *
 * One thread runs a loop and owns its watches; only loop_stop() may be called from another thread or a signal handler.
 * A callback may add, change and remove any watch, its own too: a removed watch is freed when the batch of events in
 * hand is done, and gets no further call.
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

/* Makes a loop that watches nothing. 0 or -errno. */
must_check int loop_new(struct loop **ret_loop);

/* Frees @loop (may be NULL) and its watches, from outside loop_run(); watched descriptors stay the callers'. */
void loop_free(struct loop *loop);

/* Calls back what happens until loop_stop(): 0, or -errno of epoll_wait(2). May be run again afterwards. */
must_check int loop_run(struct loop *loop);

/* Makes loop_run() return, after the events in hand or at once if it is called later. Any thread or signal handler. */
void loop_stop(struct loop *loop);

/*
 * Calls @fn(@arg) whenever one of @events is there for @fd (borrowed, open until watch_free()); hang-up and error are
 * always told, also with @events 0. 0 or -errno.
 */
must_check int watch_new(struct loop *loop, int fd, uint32_t events, watch_fn *fn, void *arg, struct watch **ret_watch);

/* Waits for @events from now on; a call that changes nothing costs nothing. 0 or -errno. */
must_check int watch_set_events(struct watch *w, uint32_t events);

/* Ends the watch @w or the timer @w (may be NULL); there is no further call. */
void watch_free(struct watch *w);

/* Calls @fn(@arg) once, @delay_ms from now (0: not until timer_set()). The watch owns its timerfd. 0 or -errno. */
must_check int timer_new(struct loop *loop, uint64_t delay_ms, timer_fn *fn, void *arg, struct watch **ret_watch);

/* Arms the timer @w anew, to call once in @delay_ms from now; 0 disarms it. 0 or -errno. */
must_check int timer_set(struct watch *w, uint64_t delay_ms);

#endif
