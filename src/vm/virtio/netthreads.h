/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that serve network devices with several pairs of queues.
 *
 * Pair 0 of every device is the main loop's, as a device with one pair is. Pair 1 of all devices has a thread, pair 2 another: so
 * a machine has as many as its devices have further pairs, however many devices wait for an interface. Each thread runs a loop
 * (base/loop.h), in which the devices have their watches; nothing else is different from the main one.
 *
 *   netthreads_new ── virtio_start of the devices: their watches ── netthreads_start ── netthreads_stop ── virtio_stop ── netthreads_free
 */
#ifndef VM_VIRTIO_NETTHREADS_H
#define VM_VIRTIO_NETTHREADS_H

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"

struct netthreads;

/* Makes the loops of the pairs 1 to @pairs - 1, and no thread yet. 0 with *@ret, or -errno with a message. */
must_check int netthreads_new(unsigned int pairs, struct netthreads **ret, struct err *err);

/* The loop of pair @pair, which is one of those; its watches are changed before the threads run, or on its thread. */
struct loop *netthreads_loop(const struct netthreads *t, unsigned int pair);

/* Starts the threads: 0 or -errno with a message. On the main loop's thread, which goes round only afterwards. */
must_check int netthreads_start(struct netthreads *t, struct err *err);

/* Ends them and waits for that, a turn at most. May be called twice, and without a start. */
void netthreads_stop(struct netthreads *t);

/* Stops them and frees all. The devices have ended their watches. Accepts NULL. */
void netthreads_free(struct netthreads *t);

/* The system calls of such a thread beside virtio_syscalls and thread_syscalls: names, NULL at the end. */
extern const char *const netthreads_syscalls[];

#endif
