/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member: one container in the monitor's virtual machine.
 *
 * A member has its container's stage, its processes (their numbers on the channel), its streams or terminal, its file
 * `status`, and the clients that wait for something of it. It knows neither the VM nor create, and nothing in it
 * assumes that it is the only one: what concerns more than itself it tells the monitor by member_events, and the
 * monitor decides.
 *
 *      member_new()
 *          |
 *       [waiting]    the VM is built and boots
 *          |  member_create(): guest_create()
 *       [creating]
 *          |  on_created(): `status` says created, events->on_created()
 *       [created]
 *          |  member_start(): guest_start()
 *       [starting]
 *          |  on_started(): execve(2) has succeeded, `status` says running, the client is answered
 *       [running]
 *          |  member_exited(): the init has ended                          (from [created] and [starting], too)
 *       [ending]
 *          |  member_exited(): processes of exec have ended as well, or a little time is over: events->on_ended()
 *          |  member_end(): the VM has died, or the monitor ends           (from any stage)
 *       [over]
 *          |  member_stopped(): `status` says stopped, when all output is written and the VM is gone
 *      member_free()
 *
 * Invariants:
 * 1. The guest's events reach a member by number: the monitor asks member_has_process().
 * 2. A client is answered exactly once: with the guest's answer, with the reason of member_end(), or by guest_free().
 * 3. After member_end() the member sends no event and changes no file; member_stopped() alone writes once more.
 * 4. `stopped` is visible only after the last byte of output has been written.
 */
#ifndef MONITOR_MEMBER_H
#define MONITOR_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "app/timeline.h"
#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "channel/proto.h"
#include "guest/guest.h"
#include "jail/sockets.h"
#include "monitor/control.h"
#include "spec/spec.h"
#include "vm/guestlog.h"

struct member;

/* What a member tells the monitor. All calls come from the loop; @m may be ended, but not freed, in each of them. */
struct member_events {
	/* The container stands ready in the guest; the streams that member_new() got are not needed any more. */
	void (*on_created)(void *arg, struct member *m);
	/* The container's init has ended; @exit_status is its code, or 128 + n after signal n. */
	void (*on_ended)(void *arg, struct member *m, int exit_status);
	/* The container could not be made, or cannot go on; @err says why. */
	void (*on_failed)(void *arg, struct member *m, const struct err *err);
	/* The guest does not answer in time: it makes no container, or (@killed) does not carry out a SIGKILL. */
	void (*on_silence)(void *arg, struct member *m, bool killed);
	/* Something went wrong beside the container's life. */
	void (*on_warning)(void *arg, struct member *m, const struct err *err);
	void *arg;
};

/* What a member is made of. All of it is borrowed, and must outlive the member. */
struct member_config {
	struct guest_container *container; /* as the guest is told; the member fills in the init's number and size */
	const struct spec_process *process;
	int stdio[3];                  /* the container's streams, until on_created; unused with a terminal */
	const struct sockets *sockets; /* those of the container's relays, in their order */
	int console_fd;                /* the connected console socket, for a terminal; -1: none */
	int status_fd;                 /* the file `status` */
	struct guestlog *log;
	struct timeline *timeline; /* may be NULL */
};

/*
 * Makes a member, before the jail: its terminal, if it has one, is opened here and becomes the controlling terminal of
 * this process. 0, or -errno with an error. @config and @events are copied.
 */
must_check int member_new(
	const struct member_config *config, const struct member_events *events, struct member **ret, struct err *err);

/* Closes the member's terminal and frees it. It must have been ended, and the guest freed. Accepts NULL. */
void member_free(struct member *m);

/* Has @guest make the container; an event follows. Both are borrowed until member_end(). 0, or -errno with an error. */
must_check int member_create(struct member *m, struct loop *loop, struct guest *guest, struct err *err);

/*
 * Has the guest execute the program; not while the VM is paused. 0, and @client is answered later; or -errno with an
 * error, and it is not.
 */
must_check int member_start(struct member *m, struct control_client *client, struct err *err);

/*
 * Sends signal @signo to the init, or to @all processes. A container that does not end of SIGKILL is an event. 0, and
 * @client (may be NULL) is answered later, or at once if the VM is paused; or -errno with an error (-ESRCH: the
 * container does not run), and it is not.
 */
must_check int member_signal(struct member *m, int signo, bool all, struct control_client *client, struct err *err);

/*
 * Carries out a CONTROL_EXEC: one more process in the container (monitor/exec.h). 0, and @client is answered later; or -errno
 * with an error (-ESRCH: the container does not run), and it is not. @fds stay the caller's.
 */
must_check int member_exec(struct member *m, const struct control_request *request, const struct control_fds *fds,
	struct control_client *client, struct err *err);

/*
 * Carries out a CONTROL_PS, CONTROL_READ_CGROUP or CONTROL_UPDATE: the guest is asked (monitor/query.h). 0, and @client
 * is answered later; or -errno with an error (-ESRCH: the container does not run; -EAGAIN: it is paused), and it is not.
 */
must_check int member_query(struct member *m, const struct control_request *request, struct control_fds *fds,
	struct control_client *client, struct err *err);

/*
 * The VM has been paused, or (not @paused) runs again: the word in `status` says so, and what waits for the guest waits
 * from now on. 0 or -errno.
 */
must_check int member_set_paused(struct member *m, bool paused);

/* Passes the size of the member's terminal on to the guest, if it has one. */
void member_resize(struct member *m);

/* The number of the container's first process on the channel; 0: it is not created yet. */
uint32_t member_init(const struct member *m);

/* Whether the number @process of the channel is one of this member's. */
bool member_has_process(const struct member *m, uint32_t process);

/* The number of the container's first process on the channel; 0: it has none yet. */
uint32_t member_first_process(const struct member *m);

/*
 * One of the member's processes has ended with @status, as wait(2) gives it. @oom: the guest's OOM killer struck in it.
 */
void member_exited(struct member *m, uint32_t process, int status, bool oom);

/* A stream of one of the member's processes broke; @text says which one and why. */
void member_stream_broken(struct member *m, uint32_t process, const char *text);

/*
 * Ends the member, which may have been ended already. @err: what a client that waits for its start is told; NULL: it is
 * told by guest_free(), which answers everything that is under way.
 */
void member_end(struct member *m, const struct err *err);

/* Writes `stopped`, the last change of the file `status`. 0 or -errno. */
must_check int member_stopped(struct member *m);

#endif
