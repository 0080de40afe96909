/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's network, as the monitor has it: taps for the machine's network devices, and what the guest is told.
 *
 *   network_new()    before the jail, in the container's network namespace: makes the taps, opens what reads it later
 *   start (life)     attach_all(): ties interfaces and taps together, with rights that the monitor has given up
 *   network_tell()   reads the namespace, and has the guest set up the same
 *   network_follow() whatever changes there later the guest is told, some FOLLOW_DELAY_MS later; what could not be told, after AGAIN_MS
 *
 * A container has a network if its network namespace is not the caller's own, and is not one that belongs to another
 * process (by a path below /proc): there the interfaces are somebody else's.
 */
#ifndef MONITOR_NETWORK_H
#define MONITOR_NETWORK_H

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "guest/guest.h"
#include "monitor/job.h"
#include "vm/guestlog.h"

struct network;

/*
 * Makes the taps, and puts them into job->vm as its nics: one for each interface that the namespace has or the config moves
 * into it, at least one, and job->spare_interfaces more; VM_NICS_MAX at most. 0 with *@ret; *@ret is NULL if the container has no network of
 * its own. -errno with an error: there are interfaces, and no tap can be made.
 */
must_check int network_new(const struct monitor_job *job, struct network **ret, struct err *err);

/* Frees it. The taps are the machine's. Accepts NULL. */
void network_free(struct network *n);

/*
 * Begins to follow what changes in the namespace, for as long as @n lives: the guest is told of it from the first
 * network_tell() on. @loop, @guest and @log are borrowed until network_free(), which comes before theirs. 0, or -errno
 * with an error. @n may be NULL.
 */
must_check int network_follow(
	struct network *n, struct loop *loop, struct guest *guest, struct guestlog *log, struct err *err);

/*
 * Has the guest set up what the namespace has now, for the container whose first process is @process. 1, and @done is called later with @arg; 0: there is nothing to be set
 * up, and it is not called; or -errno with an error. @n may be NULL.
 */
must_check int network_tell(struct network *n, uint32_t process, guest_done_fn *done, void *arg, struct err *err);

#endif
