/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The /proc that engines find in the monitor's mount namespace: the container's processes, as the guest tells them.
 *
 *   podman top -- /proc/, /proc/N/stat ... --> src/fuse --> ask() -- PROCS --> guest
 *                                                 |                             |
 *                                                 | <-- fuse_continue() -- on_answer(), once or in parts
 *
 * A list that is asked for is always a new one. What is read of one process comes from the last list, if that is not older
 * than PROCVIEW_FRESH_MS. There is one question to the guest at a time; who comes meanwhile waits for it or the next one, and
 * nobody longer than PROCVIEW_ANSWER_MS: after that reading fails with EIO.
 *
 * A guest that cannot be asked, because it is paused, has not begun or has ended, has the processes of the last list; before
 * the first one, the container's first process, as the config has it. (Mostly the monitor is frozen with a paused guest, and
 * its readers wait for both.)
 */
#ifndef MONITOR_PROCVIEW_H
#define MONITOR_PROCVIEW_H

#include "base/base.h"
#include "base/loop.h"
#include "channel/proto.h"
#include "monitor/commands.h"

#define PROCVIEW_FRESH_MS 1000   /* a reader of a whole list takes some ms */
#define PROCVIEW_ANSWER_MS 10000 /* an emulated guest under load answers within a second or two */
#define PROCVIEW_PARTS_MAX 64    /* of a list: 16384 processes */
#define PROCVIEW_BYTES_MAX (4 * 1024 * 1024)

struct procview;

/* What it needs; all of it is borrowed until procview_free(). */
struct procview_config {
	int fd;                                  /* jail_mount_view()'s */
	const char *pid_ns;                      /* where /proc/N/ns/pid leads to */
	const struct guest_container *container; /* its first process, and its user namespace */
	const struct commands *commands;         /* whether the guest can be asked, and the guest */
	struct loop *loop;
	unsigned int answer_ms; /* how long a reader waits for the guest; 0: PROCVIEW_ANSWER_MS */
};

/* Serves the view. 0 or -errno. */
must_check int procview_new(const struct procview_config *config, struct procview **ret);

/*
 * Nobody waits for the guest any more, which stands still: who waits gets what is known. A request that has reached this
 * process cannot be killed, so that a frozen one must have none. Accepts NULL.
 */
void procview_abandon(struct procview *v);

/* Ends it, after the guest has been freed, which answers what is under way. Accepts NULL. */
void procview_free(struct procview *v);

#endif
