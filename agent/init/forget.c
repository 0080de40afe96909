/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgetting names: see forget.h.
 *
 * The client of 9P has no way to be told that a name is stale, and one that is in use cannot be dropped by whoever
 * drops caches. But when a process of the guest itself removes or renames an entry, the kernel takes the name out of
 * its cache at once, whoever has it open. So that is what is done here, as a user (TAG_FORGETTER_UID) for whom the
 * server says yes and does nothing. What has been moved by the host is moved to a name in the share's root that
 * nothing else has: it lives on there as long as it is in use, with its working directories and what is yet to be
 * written. What nobody has written is removed, so that the kernel forgets its contents as well. Watchers (inotify) in
 * the guest see just that.
 *
 * The child needs its capabilities to remove what belongs to others, and keeps them under another fsuid.
 */
#include "init/forget.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/tags.h"
#include "sys/log.h"

/* How many names there are for what was moved; one that is used again belongs to a file of long ago. */
#define GONE_NAMES 4096

/*
 * Moves @path, below the directory @shares, out of the way: to name number @n in the root of its share. With @drop that
 * is removed as well. (Removed at once, it would not be there for whoever looks for it in that moment.)
 */
static void forget_name(int shares, const char *path, unsigned int n, bool drop)
{
	char to[64];
	size_t share = strcspn(path, "/");

	if ((size_t)snprintf(to, sizeof(to), "%.*s/" TAG_GONE "%u", (int)share, path, n % GONE_NAMES) >= sizeof(to))
		return;
	if (renameat(shares, path, shares, to) < 0)
		return; /* the kernel does not know the name */
	if (drop)
		(void)unlinkat(shares, to, 0);
}

/* In the child: forgets. @first: the number of the first name for what was moved. */
static void forget_all(const struct agent *agent, const struct guest_forget *f, unsigned int first)
{
	autoclose int shares = open(agent->shares, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (shares < 0 || prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0)
		r = -errno;
	if (r == 0 && (f->all || f->idle)) /* names and inodes, or contents as well */
		r = fd_write_existing(AT_FDCWD, "/proc/sys/vm/drop_caches", f->all ? "3" : "2");
	if (r < 0) {
		log_write(agent, PROTO_LOG_ERROR, "cannot forget what the host has changed: %s", strerror(-r));
		return;
	}
	(void)setfsuid(TAG_FORGETTER_UID);
	for (uint32_t i = 0; i < f->moved.len; i++)
		forget_name(shares, f->moved.at[i], first++, false);
	for (uint32_t i = 0; i < f->gone.len; i++)
		forget_name(shares, f->gone.at[i], first++, true);
}

/* What the child is given. */
struct forget_work {
	const struct guest_forget *names;
	unsigned int first;
};

static void forget_work(struct agent *agent, const void *arg)
{
	const struct forget_work *work = arg;

	forget_all(agent, work->names, work->first);
}

void forget_names(struct agent *agent, const struct guest_forget *f, sync_fn *done, void *arg, uint32_t number)
{
	const struct forget_work work = { .names = f, .first = agent->gone_names };

	agent->gone_names += f->moved.len + f->gone.len;
	if (agent->native || !agent->shares_mounted) {
		done(arg, number);
	} else if (!sync_by_child(agent, forget_work, &work, done, arg, number)) {
		log_write(agent, PROTO_LOG_WARN, "no memory to forget what the host has changed");
		done(arg, number);
	}
}
