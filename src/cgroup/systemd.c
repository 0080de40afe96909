/* SPDX-License-Identifier: Apache-2.0 */
/* Transient units: see systemd.h. systemd_props.c has their properties. */
#include "cgroup/systemd.h"

#include <errno.h>

#include "config.h"

#ifdef HAVE_LIBSYSTEMD

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cgroup/systemd_props.h"
#include "host/privilege.h"

#define SERVICE "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER SERVICE ".Manager"
#define UNIT SERVICE ".Unit"
/* systemd's own socket, which root may use: it is there before the system bus is, and where there is no such bus. */
#define PRIVATE_ADDRESS "unix:path=/run/systemd/private"

#define ERROR_EXISTS SERVICE ".UnitExists"
#define ERROR_NO_UNIT SERVICE ".NoSuchUnit"
#define ERROR_NOT_LOADED SERVICE ".UnitNotLoaded"

/* A job that takes longer than this has gone wrong; runc waits as long. */
#define JOB_TIMEOUT_MS 30000
/* How long systemd may take to unload a unit that has stopped. */
#define FORGET_TIMEOUT_MS 5000

/* A job that we wait for, and its unit. Signals of the bus fill it in. */
struct job {
	const char *unit;
	char path[256];
	char result[32]; /* "done", "failed", "canceled" ... */
	bool ended;      /* the job has ended: @result says how */
	bool forgotten;  /* systemd has unloaded the unit */
};

/* Sets the error for a request that failed with @r: @e has systemd's words, if any. Returns @r. */
static int from_bus(struct err *err, int r, const sd_bus_error *e, const char *doing, const char *name)
{
	return err_set(err, -r, "systemd: cannot %s \"%s\": %s", doing, name, e->message ? e->message : strerror(-r));
}

bool systemd_built_in(void)
{
	return true;
}

bool systemd_runs(void)
{
	return sd_booted() > 0;
}

/* Connects to systemd: over the system bus, or directly if there is none. 0, or -errno with an error. */
static int connect_bus(sd_bus **ret, struct err *err)
{
	sd_bus *bus = NULL;
	int r, first;

	if (sd_booted() <= 0)
		return err_set(
			err, ENOTSUP, "--systemd-cgroup: systemd does not manage this host: use the cgroupfs manager");
	/* a user's units are his own systemd's */
	first = privilege_is_root() ? sd_bus_open_system(ret) : sd_bus_open_user(ret);
	if (first >= 0)
		return 0;
	if (!privilege_is_root())
		return err_sys(err, first,
			"--systemd-cgroup: cannot reach your own systemd over D-Bus ($DBUS_SESSION_BUS_ADDRESS, or $XDG_RUNTIME_DIR/bus)");
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_address(bus, PRIVATE_ADDRESS);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0) {
		sd_bus_unref(bus);
		return err_sys(err, first, "--systemd-cgroup: cannot reach systemd over D-Bus");
	}
	*ret = bus;
	return 0;
}

static void disconnect(sd_bus **bus)
{
	sd_bus_flush_close_unref(*bus);
}

static void unref_message(sd_bus_message **m)
{
	sd_bus_message_unref(*m);
}

#define autobus __attribute__((cleanup(disconnect))) sd_bus
#define automessage __attribute__((cleanup(unref_message))) sd_bus_message
#define autobuserror __attribute__((cleanup(sd_bus_error_free))) sd_bus_error

int systemd_root(char *path, size_t len, struct err *err)
{
	static const char scope[] = "/init.scope";
	autobuserror e = SD_BUS_ERROR_NULL;
	autobus *bus = NULL;
	char *text = NULL;
	size_t text_len;
	int r = connect_bus(&bus, err);

	if (r < 0)
		return r;
	r = sd_bus_get_property_string(bus, SERVICE, OBJECT, MANAGER, "ControlGroup", &e, &text);
	if (r < 0)
		return from_bus(err, r, &e, "read", "ControlGroup");
	text_len = strlen(text);
	if (text_len >= sizeof(scope) - 1 && strcmp(text + text_len - (sizeof(scope) - 1), scope) == 0)
		text_len -= sizeof(scope) - 1;
	if (text_len == 1 && *text == '/')
		text_len = 0;
	r = snprintf(path, len, "%.*s", (int)text_len, text) >= (int)len ? -ENAMETOOLONG : 0;
	free(text);
	return r < 0 ? err_sys(err, r, "systemd: ControlGroup") : 0;
}

/* --- jobs --- */

/* The signal JobRemoved. */
static int on_job_removed(sd_bus_message *m, void *arg, sd_bus_error *e)
{
	const char *path, *unit, *result;
	struct job *job = arg;
	uint32_t id;
	int r = sd_bus_message_read(m, "uoss", &id, &path, &unit, &result);

	(void)e;
	if (r >= 0 && strcmp(path, job->path) == 0)
		job->ended = snprintf(job->result, sizeof(job->result), "%s", result) >= 0;
	return 0;
}

/* The signal UnitRemoved. */
static int on_unit_removed(sd_bus_message *m, void *arg, sd_bus_error *e)
{
	struct job *job = arg;
	const char *unit;

	(void)e;
	if (sd_bus_message_read(m, "s", &unit) >= 0 && strcmp(unit, job->unit) == 0)
		job->forgotten = true;
	return 0;
}

/* Subscribes to the signals that fill in @job. */
static int watch_jobs(sd_bus *bus, struct job *job, struct err *err)
{
	/* messages over systemd's own socket have no sender */
	const char *sender = sd_bus_is_bus_client(bus) > 0 ? SERVICE : NULL;
	int r = sd_bus_match_signal(bus, NULL, sender, OBJECT, MANAGER, "JobRemoved", on_job_removed, job);

	if (r >= 0)
		r = sd_bus_match_signal(bus, NULL, sender, OBJECT, MANAGER, "UnitRemoved", on_unit_removed, job);
	if (r >= 0)
		r = sd_bus_call_method(bus, SERVICE, OBJECT, MANAGER, "Subscribe", NULL, NULL, "");
	return r < 0 ? err_sys(err, r, "systemd: cannot watch its jobs") : 0;
}

/*
 * Waits until the bus has work for us: 0, -ETIMEDOUT, -EINTR if @interrupt_fd became readable, or an error of poll(2).
 */
static int wait_bus(sd_bus *bus, int interrupt_fd, long long deadline_ms)
{
	struct pollfd p[] = {
		{ .fd = sd_bus_get_fd(bus), .events = (short)sd_bus_get_events(bus) },
		{ .fd = interrupt_fd, .events = POLLIN },
	};
	long long left = deadline_ms - clock_now_ms();
	int r = left > 0 ? poll(p, ARRAY_LEN(p), (int)left) : 0;

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	if (r == 0)
		return -ETIMEDOUT;
	return p[1].revents ? -EINTR : 0;
}

/*
 * Works on the bus until *@flag is true, which one of its signals makes it. Returns 0, an error of wait_bus() or the
 * bus's.
 */
static int wait_flag(sd_bus *bus, const bool *flag, int interrupt_fd, int timeout_ms)
{
	long long deadline = clock_now_ms() + timeout_ms;
	int r = 0;

	while (!*flag && r >= 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = wait_bus(bus, interrupt_fd, deadline);
	}
	return MIN(r, 0);
}

/* Waits for the end of @job. */
static int wait_job(sd_bus *bus, const struct job *job, int interrupt_fd, struct err *err)
{
	int r = wait_flag(bus, &job->ended, interrupt_fd, JOB_TIMEOUT_MS);

	if (r == -EINTR)
		return err_set(err, EINTR, "interrupted while systemd worked on \"%s\"", job->unit);
	if (r == -ETIMEDOUT)
		return err_set(err, ETIMEDOUT, "systemd: its job for \"%s\" has not ended within %d s", job->unit,
			JOB_TIMEOUT_MS / 1000);
	return r < 0 ? err_sys(err, r, "systemd: cannot wait for its job for \"%s\"", job->unit) : 0;
}

/* Resets a unit that has failed: until then systemd keeps it loaded. If this fails, the unit is not there any more. */
static void reset_failed(sd_bus *bus, const char *unit)
{
	autobuserror e = SD_BUS_ERROR_NULL;

	(void)sd_bus_call_method(bus, SERVICE, OBJECT, MANAGER, "ResetFailedUnit", &e, NULL, "s", unit);
}

/* Takes the path of the job out of the answer to a request that starts one. */
static int read_job(sd_bus_message *answer, struct job *job, struct err *err)
{
	const char *path;
	int r = sd_bus_message_read(answer, "o", &path);

	if (r >= 0 && snprintf(job->path, sizeof(job->path), "%s", path) >= (int)sizeof(job->path))
		r = -ENAMETOOLONG;
	return r < 0 ? err_sys(err, r, "systemd: its answer names no job") : 0;
}

/* Asks for a property of the unit @name that is a string. The caller frees it. NULL: there is no such unit. */
static char *unit_property(sd_bus *bus, const char *name, const char *property)
{
	automessage *answer = NULL;
	const char *path;
	char *text = NULL;

	if (sd_bus_call_method(bus, SERVICE, OBJECT, MANAGER, "GetUnit", NULL, &answer, "s", name) < 0 ||
		sd_bus_message_read(answer, "o", &path) < 0 ||
		sd_bus_get_property_string(bus, SERVICE, path, UNIT, property, NULL, &text) < 0)
		return NULL;
	return text;
}

/* --- start --- */

/* systemd's version, as 252; 0 if it does not tell. */
static unsigned int version(sd_bus *bus)
{
	unsigned int n = 0;
	char *text = NULL;

	if (sd_bus_get_property_string(bus, SERVICE, OBJECT, MANAGER, "Version", NULL, &text) < 0)
		return 0;
	/* forms that exist: "252.38-1~deb12u1", "v245", "systemd 244 (...)" */
	(void)sscanf(text + strcspn(text, "0123456789"), "%u", &n);
	free(text);
	return n;
}

/* Requests the start of @u. Returns 0 with the job, -EEXIST without an error's message, or -errno with an error. */
static int call_start(sd_bus *bus, const struct systemd_unit *u, struct job *job, struct err *err)
{
	autobuserror e = SD_BUS_ERROR_NULL;
	automessage *call = NULL, *answer = NULL;
	int r = sd_bus_message_new_method_call(bus, &call, SERVICE, OBJECT, MANAGER, "StartTransientUnit");

	if (r >= 0)
		r = sd_bus_message_append(call, "ss", u->name, "replace");
	if (r < 0)
		return err_sys(err, r, "systemd: StartTransientUnit");
	r = systemd_props_append(call, u, version(bus), err);
	if (r < 0)
		return r;
	r = sd_bus_message_append(call, "a(sa(sv))", 0); /* no auxiliary units */
	if (r < 0)
		return err_sys(err, r, "systemd: StartTransientUnit");
	r = sd_bus_call(bus, call, 0, &e, &answer);
	if (r < 0 && sd_bus_error_has_name(&e, ERROR_EXISTS))
		return -EEXIST;
	if (r < 0)
		return from_bus(err, r, &e, "make the unit", u->name);
	return read_job(answer, job, err);
}

/* Whether the unit @name runs. systemd itself would let us start a slice anew that runs but has no file. */
static bool is_active(sd_bus *bus, const char *name)
{
	autofree char *text = unit_property(bus, name, "ActiveState");

	return text && strcmp(text, "inactive") != 0 && strcmp(text, "failed") != 0;
}

/* call_start(), but a unit that runs already is -EEXIST whatever systemd says. */
static int start(sd_bus *bus, const struct systemd_unit *u, struct job *job, struct err *err)
{
	return is_active(bus, u->name) ? -EEXIST : call_start(bus, u, job, err);
}

int systemd_start_unit(const struct systemd_unit *u, int interrupt_fd, struct err *err)
{
	struct job job = { .unit = u->name };
	autobus *bus = NULL;
	int r = connect_bus(&bus, err);

	if (r == 0)
		r = watch_jobs(bus, &job, err);
	if (r < 0)
		return r;
	r = start(bus, u, &job, err);
	if (r == -EEXIST) { /* it may have failed and be loaded still: then a reset makes room */
		reset_failed(bus, u->name);
		r = start(bus, u, &job, err);
		if (r == -EEXIST)
			return err_set(err, EEXIST, "systemd: there is a unit \"%s\" already", u->name);
	}
	if (r == 0)
		r = wait_job(bus, &job, interrupt_fd, err);
	if (r == 0 && strcmp(job.result, "done") != 0)
		r = err_set(err, EIO, "systemd: cannot make the unit \"%s\": its job ended with \"%s\"", u->name,
			job.result);
	if (r < 0)
		reset_failed(bus, u->name);
	return r;
}

/* --- stop --- */

/* Whether there is a unit of this name and description. */
static bool is_ours(sd_bus *bus, const char *name, const char *description)
{
	autofree char *text = unit_property(bus, name, "Description");

	return text && strcmp(text, description) == 0;
}

int systemd_update_unit(const struct systemd_unit *u, struct err *err)
{
	autobuserror e = SD_BUS_ERROR_NULL;
	automessage *m = NULL;
	autobus *bus = NULL;
	int r = connect_bus(&bus, err);

	if (r < 0)
		return r;
	r = sd_bus_message_new_method_call(bus, &m, SERVICE, OBJECT, MANAGER, "SetUnitProperties");
	if (r >= 0) /* true: until the unit stops, and not for one of that name that comes later */
		r = sd_bus_message_append(m, "sb", u->name, 1);
	if (r < 0)
		return err_sys(err, r, "systemd: cannot change \"%s\"", u->name);
	r = systemd_props_append_limits(m, u, version(bus), err);
	if (r < 0)
		return r;
	r = sd_bus_call(bus, m, 0, &e, NULL);
	return r < 0 ? from_bus(err, r, &e, "change the limits of", u->name) : 0;
}

int systemd_stop_unit(const char *name, const char *description, struct warnings *warnings, struct err *err)
{
	autobuserror e = SD_BUS_ERROR_NULL;
	automessage *answer = NULL;
	struct job job = { .unit = name };
	autobus *bus = NULL;
	int r;

	if (!systemd_runs())
		return 0; /* there is no systemd any more, and so no unit */
	r = connect_bus(&bus, err);
	if (r == 0)
		r = watch_jobs(bus, &job, err);
	if (r < 0)
		return r;
	if (!is_ours(bus, name, description))
		return 0;
	r = sd_bus_call_method(bus, SERVICE, OBJECT, MANAGER, "StopUnit", &e, &answer, "ss", name, "replace");
	if (r < 0 && (sd_bus_error_has_name(&e, ERROR_NO_UNIT) || sd_bus_error_has_name(&e, ERROR_NOT_LOADED)))
		return 0;
	if (r < 0)
		return from_bus(err, r, &e, "stop the unit", name);
	r = read_job(answer, &job, err);
	if (r == 0)
		r = wait_job(bus, &job, -1, err);
	if (r < 0)
		return r;
	reset_failed(bus, name);
	if (is_ours(bus, name, description) && wait_flag(bus, &job.forgotten, -1, FORGET_TIMEOUT_MS) < 0)
		warnings_add(warnings, "systemd: the unit \"%s\" has stopped, but stays loaded", name);
	return 0;
}

#else /* HAVE_LIBSYSTEMD */

static int not_built_in(struct err *err)
{
	return err_set(
		err, ENOTSUP, "--systemd-cgroup: this vmrunc was built without libsystemd: use the cgroupfs manager");
}

bool systemd_built_in(void)
{
	return false;
}

bool systemd_runs(void)
{
	return false;
}

int systemd_root(char *path unused, size_t len unused, struct err *err)
{
	return not_built_in(err);
}

int systemd_start_unit(const struct systemd_unit *u unused, int interrupt_fd unused, struct err *err)
{
	return not_built_in(err);
}

int systemd_update_unit(const struct systemd_unit *u unused, struct err *err)
{
	return not_built_in(err);
}

int systemd_stop_unit(
	const char *name unused, const char *description unused, struct warnings *warnings unused, struct err *err)
{
	return not_built_in(err);
}

#endif
