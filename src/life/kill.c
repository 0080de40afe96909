/* SPDX-License-Identifier: Apache-2.0 */
/* container_kill(): a signal for the container's processes. */
#include "life/life.h"

#include <errno.h>
#include <signal.h>

#include "life/inside.h"
#include "monitor/control.h"

/* How long the guest may take to pass a signal on. */
#define SIGNAL_TIMEOUT_MS 10000
/* The same for SIGKILL, which is sent to the monitor itself if the monitor has not passed it on by then. */
#define KILL_TIMEOUT_MS 3000
/* How long a monitor whose VM is paused may take; one that is frozen says nothing. */
#define PAUSED_TIMEOUT_MS 100

int container_kill(
	const struct settings *settings, const char *id, int signo, bool all, struct life_notes *notes, struct err *err)
{
	const struct control_request request = { .op = CONTROL_SIGNAL, .signal = signo, .all = all };
	int timeout_ms = signo == SIGKILL ? KILL_TIMEOUT_MS : SIGNAL_TIMEOUT_MS;
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	struct err refused = ERR_INIT;
	enum status status = STATUS_STOPPED;
	int r = life_open(settings, id, false, &dir, &s, &status, err);

	if (r < 0)
		return r;
	if (status == STATUS_PAUSED && signo != SIGKILL)
		timeout_ms = PAUSED_TIMEOUT_MS;
	if (status == STATUS_STOPPED || status == STATUS_CREATING)
		return all ? 0 : err_set(err, ESRCH, "container not running");
	/* a process dies in a paused container, too, and with it this one ends: its monitor must run for that */
	if (status == STATUS_PAUSED && signo == SIGKILL && cgroup_freeze(&s.cgroups, false, &refused) < 0)
		warnings_add(&notes->details, "kill: %s", refused.msg);
	r = control_call(&dir, &request, NULL, NULL, timeout_ms, &refused);
	if (r == 0)
		return 0;
	/* any other signal waits in the monitor's socket until the container is resumed, as one does in a frozen cgroup */
	if (r == -ETIMEDOUT && status == STATUS_PAUSED && signo != SIGKILL)
		return 0;
	if (state_pid_start(s.pid) != s.pid_start) /* it has ended meanwhile */
		return all || signo == SIGKILL ? 0 : err_set(err, ESRCH, "container not running");
	if (signo == SIGKILL) {
		warnings_add(&notes->details, "kill: %s: the monitor is killed instead", refused.msg);
		return life_kill_monitor(&s, 0, err);
	}
	*err = refused;
	return r;
}
