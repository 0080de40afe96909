/* SPDX-License-Identifier: Apache-2.0 */
/* start, kill, delete: see container.h. create has create.c. */
#include "life/life.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/log.h"
#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "container/hooks.h"
#include "monitor/control.h"

/*
 * start returns when exec has succeeded in the guest: it reads the program over
 * 9P, on an emulated CPU perhaps.
 */
#define START_TIMEOUT_MS 60000 /* besides the startContainer hooks */
#define SIGNAL_TIMEOUT_MS 10000
/* A SIGKILL that the monitor does not pass on by then goes to the monitor itself. */
#define KILL_TIMEOUT_MS 3000
/* Memory of a killed VM is given back page by page. */
#define DEATH_TIMEOUT_MS 60000
/* A monitor that has written "stopped" has only to exit: with its own status, not with ours. */
#define EXIT_TIMEOUT_MS 5000

/* Opens, reads and judges the container. @dir and @s are the caller's to end in any case. */
static int load(const struct settings *settings, const char *id, bool lock, struct statedir *dir, struct state *s,
	enum status *ret_status, struct err *err)
{
	int r = statedir_check_id(id, err);

	/* what cannot be an ID is an unknown container: engines look for these words */
	if (r < 0)
		return err_set(err, ENOENT, "container does not exist: %s", err->msg);
	r = statedir_open(settings->root, id, dir, err);
	if (r == 0 && lock)
		r = statedir_lock(dir, err);
	if (r == 0)
		r = state_load(dir, s, err);
	if (r == 0)
		r = state_status(dir, s, ret_status, err);
	return r;
}

int container_load(
	const struct settings *settings, const char *id, struct state *s, enum status *ret_status, struct err *err)
{
	autostatedir dir = STATEDIR_NONE;

	*s = (struct state){ .id = NULL };
	return load(settings, id, false, &dir, s, ret_status, err);
}

/*
 * The hooks of the config as it was at create: NULL if there are none. The
 * caller frees *@ret_spec. A config that cannot be read any more is a warning:
 * start and delete must not depend on it.
 */
static const struct spec_hooks *load_hooks(const struct statedir *dir, struct spec **ret_spec)
{
	struct err err = ERR_INIT;

	if (spec_load(dir->fd, "config.json", ret_spec, NULL, &err) < 0) {
		log_warning("hooks are not run: %s", err.msg);
		return NULL;
	}
	return (*ret_spec)->hooks;
}

/* How long start may take: -1 without a bound, where a hook has none. */
static int start_timeout(const struct spec_hooks *hooks)
{
	int64_t ms = START_TIMEOUT_MS;

	for (size_t i = 0; hooks && i < hooks->start_container.n; i++) {
		const struct opt_i64 *timeout_s = &hooks->start_container.v[i].timeout_s;

		if (!timeout_s->set)
			return -1;
		ms = MIN(ms + timeout_s->v * 1000, (int64_t)INT32_MAX);
	}
	return (int)ms;
}

int container_start(const struct settings *settings, const char *id, struct err *err)
{
	const struct control_request request = { .op = CONTROL_START };
	const struct spec_hooks *hooks;
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	autospec struct spec *spec = NULL;
	struct warnings warnings = WARNINGS_INIT;
	enum status status = STATUS_STOPPED;
	int r = load(settings, id, true, &dir, &s, &status, err);

	if (r < 0)
		return r;
	if (status == STATUS_STOPPED)
		return err_set(err, EINVAL, "cannot start a container that has stopped");
	if (status != STATUS_CREATED)
		return err_set(err, EINVAL, "cannot start an already running container");
	hooks = load_hooks(&dir, &spec);
	r = control_call(&dir, &request, NULL, NULL, start_timeout(hooks), err);
	if (r == 0 && hooks)
		hooks_run_all(&hooks->poststart, "poststart", &s, STATUS_RUNNING, &warnings);
	log_warnings(&warnings);
	warnings_done(&warnings);
	return r;
}

static int wait_end(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	return r;
}

/* Kills the monitor, after @grace_ms, and with it the VM, and waits for the end of both. */
static int kill_monitor(const struct state *s, int grace_ms, struct err *err)
{
	autoclose int pidfd = state_pidfd(s);

	if (pidfd == -ESRCH)
		return 0;
	if (pidfd < 0)
		return err_sys(err, pidfd, "cannot reach the monitor, process %ld", (long)s->pid);
	if (grace_ms && wait_end(pidfd, grace_ms) > 0)
		return 0;
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return err_sys(err, errno, "cannot kill the monitor, process %ld", (long)s->pid);
	if (wait_end(pidfd, DEATH_TIMEOUT_MS) == 0)
		return err_set(err, ETIMEDOUT, "the killed monitor, process %ld, does not end", (long)s->pid);
	return 0;
}

int container_kill(const struct settings *settings, const char *id, int signo, bool all, struct err *err)
{
	const struct control_request request = { .op = CONTROL_SIGNAL, .signal = signo, .all = all };
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	struct err refused = ERR_INIT;
	enum status status = STATUS_STOPPED;
	int r = load(settings, id, false, &dir, &s, &status, err);

	if (r < 0)
		return r;
	if (status == STATUS_STOPPED || status == STATUS_CREATING)
		return all ? 0 : err_set(err, ESRCH, "container not running");
	r = control_call(&dir, &request, NULL, NULL, signo == SIGKILL ? KILL_TIMEOUT_MS : SIGNAL_TIMEOUT_MS, &refused);
	if (r == 0)
		return 0;
	if (state_pid_start(s.pid) != s.pid_start) /* it has ended meanwhile */
		return all || signo == SIGKILL ? 0 : err_set(err, ESRCH, "container not running");
	if (signo == SIGKILL) {
		log_debug("kill: %s: the monitor is killed instead", refused.msg);
		return kill_monitor(&s, 0, err);
	}
	*err = refused;
	return r;
}

/* A directory without a readable state: what a killed create has left. */
static int delete_wreck(struct statedir *dir, bool force, struct err *err)
{
	if (!force)
		return -err->errnum;
	return statedir_remove(dir, err);
}

int container_delete(const struct settings *settings, const char *id, bool force, struct err *err)
{
	const struct spec_hooks *hooks;
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	autospec struct spec *spec = NULL;
	struct warnings warnings = WARNINGS_INIT;
	enum status status = STATUS_STOPPED;
	bool half_made;
	int r = load(settings, id, true, &dir, &s, &status, err);

	if (r == -ENODATA)
		return delete_wreck(&dir, force, err);
	if (r == -ENOENT && force)
		return 0;
	if (r < 0)
		return r;
	/* holding the lock ourselves, "creating" means that its creator has died */
	half_made = status == STATUS_CREATING;
	if (half_made)
		status = STATUS_STOPPED;
	if (status != STATUS_STOPPED && !force)
		return err_set(
			err, EBUSY, "cannot delete container \"%s\" that is not stopped: %s", id, status_name(status));
	hooks = load_hooks(&dir, &spec);
	r = kill_monitor(&s, status == STATUS_STOPPED && !half_made ? EXIT_TIMEOUT_MS : 0, err);
	if (r == 0)
		r = cgroup_remove(&s.cgroups, s.id, &warnings, err);
	if (r == 0)
		r = statedir_remove(&dir, err);
	if (r == 0 && hooks)
		hooks_run_all(&hooks->poststop, "poststop", &s, STATUS_STOPPED, &warnings);
	log_warnings(&warnings);
	warnings_done(&warnings);
	return r;
}
