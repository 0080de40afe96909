/* SPDX-License-Identifier: Apache-2.0 */
/* container_delete(): nothing is left of the container. */
#include "life/life.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "container/hooks.h"
#include "jail/ns.h"
#include "life/inside.h"
#include "monitor/control.h"
#include "net/attach.h"
#include "net/localports.h"

/* A monitor that has written "stopped" has only to exit. It gets this long to do that with its own exit status. */
#define EXIT_TIMEOUT_MS 5000
/* How long a monitor may take to answer who it is. */
#define WRECK_TIMEOUT_MS 10000

/*
 * Fills @c with the cgroups that the container's config asks for, as they may still be there. What its create was told
 * on the command line is not known any more: a unit of systemd ends with its last process.
 */
static void plan_wreck(const struct statedir *dir, const char *id, struct cgroups *c)
{
	autospec struct spec *spec = NULL;
	struct cgroup_request q = { .manager = CGROUPS_CGROUPFS, .id = id };
	struct err ignored = ERR_INIT;

	if (spec_load(dir->fd, LIFE_CONFIG, &spec, NULL, &ignored) < 0)
		return;
	q.spec = spec;
	(void)!cgroup_plan(
		&q, c, &ignored); /* it says that the dying monitor is in there, but has named them by then */
}

/*
 * Ends a container whose state cannot be read, if @force; else @err stands. A killed create has left no VM, but if
 * state.json was lost later, the monitor still answers on its socket.
 */
static int delete_wreck(struct statedir *dir, const char *id, bool force, struct life_notes *notes, struct err *err)
{
	struct cgroups cgroups = CGROUPS_INIT;
	struct err none = ERR_INIT;
	autoclose int pidfd = -1;
	int r = 0;

	if (!force)
		return -err->errnum;
	pidfd = control_monitor(dir, WRECK_TIMEOUT_MS, &none);
	if (pidfd < 0 && pidfd != -ECONNREFUSED && pidfd != -ENOENT) {
		*err = none;
		return err_prefix(err, "the container's state is lost, and its virtual machine may run");
	}
	if (pidfd >= 0) {
		warnings_add(&notes->warnings, "the state of container \"%s\" is lost: its monitor is killed", id);
		plan_wreck(dir, id, &cgroups);
		r = life_kill(pidfd, &cgroups, err);
		cgroup_remove_empty(&cgroups);
		cgroups_done(&cgroups);
	}
	return r < 0 ? r : statedir_remove(dir, err);
}

/*
 * Takes away what led the packets of a network namespace by path into the machine that is gone, and what containers needed
 * that joined it. A new one is gone with the monitor, or is what an engine has kept of it for its own end.
 */
static void free_network(const struct spec *spec, struct life_notes *notes)
{
	const struct spec_namespace *ns = spec_namespace_find(spec, SPEC_NS_NETWORK);
	autoclose int fd = ns && ns->path ? open(ns->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
	struct err err = ERR_INIT;
	int r;

	if (fd < 0 || ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET || !ns_own_network(spec, fd))
		return;
	if (attach_clean(fd, &err) < 0)
		warnings_add(&notes->warnings, "%s", err.msg);
	r = localports_restore(fd);
	if (r < 0)
		warnings_add(&notes->warnings, "network: cannot restore " LOCALPORTS_KEY ": %s", strerror(-r));
}

int container_delete(
	const struct settings *settings, const char *id, bool force, struct life_notes *notes, struct err *err)
{
	const struct spec_hooks *hooks;
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	autospec struct spec *spec = NULL;
	enum status status = STATUS_STOPPED;
	bool half_made;
	int r = life_open(settings, id, true, &dir, &s, &status, err);

	if (r == -ENODATA)
		return delete_wreck(&dir, id, force, notes, err);
	if (r == -ENOENT && force)
		return 0;
	if (r < 0)
		return r;
	/* We hold the lock, which a create holds all the time: "creating" means that it has died. */
	half_made = status == STATUS_CREATING;
	if (half_made)
		status = STATUS_STOPPED;
	if (status != STATUS_STOPPED && !force)
		return err_set(
			err, EBUSY, "cannot delete container \"%s\" that is not stopped: %s", id, status_name(status));
	hooks = life_hooks(&dir, &spec, notes);
	r = life_kill_monitor(&s, status == STATUS_STOPPED && !half_made ? EXIT_TIMEOUT_MS : 0, err);
	if (r == 0 && spec)
		free_network(spec, notes);
	if (r == 0)
		r = cgroup_remove(&s.cgroups, s.id, &notes->warnings, err);
	if (r == 0)
		r = statedir_remove(&dir, err);
	if (r == 0 && hooks)
		hooks_run_all(&hooks->poststop, "poststop", &s, STATUS_STOPPED, &notes->warnings);
	return r;
}
