/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's tmpfs, for those who look into the monitor's mount namespace (podman cp): each is a FUSE file system
 * there, whose requests the agent carries out on the tmpfs itself (agent/init/files.h).
 *
 *   reader -- stat, open, write --> kernel -- /dev/fuse --> tmpview -- FILE --> agent
 *
 * GUEST: everything that readers see comes from the guest. A reply answers a request that is held, once, with what was
 * asked for (tmpfuse.h). The numbers of nodes are the guest's: the host's kernel takes none for another type of file than
 * it had, as from any server of FUSE, which it does not trust. There are no notifications, and the kernel keeps neither
 * names nor attributes nor pages: timeouts are 0.
 * A reader waits TMPVIEW_ANSWER_MS at most; while the guest is paused, and when it has ended, not at all. What a link
 * leads to is looked up by the reader's kernel, in the monitor's tree.
 *
 * Bounds: TMPVIEW_HELD_MAX requests are with the guest, each with PROTO_FILE_DATA_MAX bytes at most; what is more waits
 * in the kernel, or is an error if the guest has let all of them wait for too long. Nothing is remembered of nodes, and of handles how much of a
 * directory has been read: a reader keeps all the names, and one without an end is an error after TMPVIEW_DIR_MAX.
 */
#ifndef MONITOR_TMPVIEW_H
#define MONITOR_TMPVIEW_H

#include <stddef.h>

#include "base/base.h"
#include "base/loop.h"
#include "channel/proto.h"
#include "monitor/commands.h"

#define TMPVIEW_ANSWER_MS 10000    /* as PROCVIEW_ANSWER_MS */
#define TMPVIEW_HELD_MAX 32        /* their data is half of what either end of the channel queues */
#define TMPVIEW_DIR_MAX (64 * MIB) /* bytes of a directory's entries, as getdents64(2) has them: a million and more */

struct tmpview;

/* What it needs; all of it is borrowed until tmpview_free(). */
struct tmpview_config {
	const int *fds; /* of /dev/fuse, each mounted: the places of guest_file, in their order */
	size_t len;     /* at most PROTO_FILE_PLACES_MAX */
	const char *cid;
	const struct commands *commands; /* whether the guest can be asked, and the guest */
	struct loop *loop;
	unsigned int answer_ms; /* 0: TMPVIEW_ANSWER_MS */
};

/* Serves them. 0 or -errno. */
must_check int tmpview_new(const struct tmpview_config *config, struct tmpview **ret);

/*
 * Nobody waits for the guest any more, whose answers may come yet: it stands still. A request that has reached this process
 * cannot be killed, so that a frozen one must have none. Accepts NULL.
 */
void tmpview_abandon(struct tmpview *v);

/* Ends it, after the guest has been freed, which answers what is under way. Accepts NULL. */
void tmpview_free(struct tmpview *v);

#endif
