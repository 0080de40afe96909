/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_pause() and container_resume().
 *
 * The monitor stops the VM's vCPUs and writes "paused", then the host's freezer stops the monitor; a resume goes the
 * other way round. A container counts as paused from the first of these steps to the last one, so a command that was
 * killed in between has left a container that can be resumed. On a host without the freezer the monitor's part is all.
 */
#include "life/life.h"

#include <errno.h>

#include "life/inside.h"
#include "monitor/control.h"

/* How long the monitor may take to stop the VM or to let it run. */
#define PAUSE_TIMEOUT_MS 20000
/* How long the guest may take to set its clock, which is all that is left to do then. */
#define RESUME_TIMEOUT_MS 10000

int container_pause(const struct settings *settings, const char *id, struct err *err)
{
	struct control_request request = { .op = CONTROL_PAUSE };
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	struct err ignored = ERR_INIT;
	enum status status = STATUS_STOPPED;
	int r = life_open(settings, id, true, &dir, &s, &status, err);

	if (r < 0)
		return r;
	if (status != STATUS_CREATED && status != STATUS_RUNNING)
		return err_set(err, EINVAL, "container not running or created: %s", status_name(status));
	r = control_call(&dir, &request, NULL, NULL, PAUSE_TIMEOUT_MS, err);
	if (r < 0)
		return r;
	r = cgroup_freeze(&s.cgroups, true, err);
	request.op = CONTROL_RESUME;
	/* what stays paused when this fails can still be resumed by a command */
	if (r < 0)
		(void)!control_call(&dir, &request, NULL, NULL, RESUME_TIMEOUT_MS, &ignored);
	return r;
}

int container_resume(const struct settings *settings, const char *id, struct life_notes *notes, struct err *err)
{
	const struct control_request request = { .op = CONTROL_RESUME };
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	struct err late = ERR_INIT;
	enum status status = STATUS_STOPPED;
	int r = life_open(settings, id, true, &dir, &s, &status, err);

	if (r < 0)
		return r;
	if (status != STATUS_PAUSED)
		return err_set(err, EINVAL, "container not paused");
	r = cgroup_freeze(&s.cgroups, false, err);
	if (r < 0)
		return r;
	r = control_call(&dir, &request, NULL, NULL, RESUME_TIMEOUT_MS, err);
	/* a container that a signal has ended at once was resumed all the same */
	if (r < 0 && (state_status(&dir, &s, &status, &late) < 0 || status == STATUS_PAUSED))
		return r;
	if (r < 0 && status != STATUS_STOPPED)
		warnings_add(&notes->warnings, "the guest may show a wrong time for some seconds: %s", err->msg);
	*err = (struct err)ERR_INIT;
	return 0;
}
