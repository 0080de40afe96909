/* SPDX-License-Identifier: Apache-2.0 */
/* container_delete(): nothing is left of the container. */
#include "life/life.h"

#include <errno.h>

#include "cgroup/cgroup.h"
#include "container/hooks.h"
#include "life/inside.h"

/* A monitor that has written "stopped" has only to exit. It gets this long to do that with its own exit status. */
#define EXIT_TIMEOUT_MS 5000

/* Removes a directory without a readable state, which a killed create has left, if @force; else @err stands. */
static int delete_wreck(struct statedir *dir, bool force, struct err *err)
{
	return force ? statedir_remove(dir, err) : -err->errnum;
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
		return delete_wreck(&dir, force, err);
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
	if (r == 0)
		r = cgroup_remove(&s.cgroups, s.id, &notes->warnings, err);
	if (r == 0)
		r = statedir_remove(&dir, err);
	if (r == 0 && hooks)
		hooks_run_all(&hooks->poststop, "poststop", &s, STATUS_STOPPED, &notes->warnings);
	return r;
}
