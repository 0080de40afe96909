/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's cgroups on the host: the monitor (and QEMU) is in them, and they have the limits of config.json.
 *
 *   cgroup_plan        decides on names and paths; only looks
 *                      (the caller writes the set to state.json)
 *   cgroup_start_unit  systemd alone: makes the unit around the process that is to be the monitor's parent
 *                      (the caller writes the set to state.json again if it has changed)
 *   cgroup_make        makes the directories that are missing, and writes the limits
 *   cgroup_join        that process enters the cgroups, before it forks the monitor
 *   cgroup_throttle    the quota of CPU time, which cgroup_make() has lifted, begins
 *   cgroup_freeze      a pause, and its end
 *   cgroup_remove      at the end
 *
 * Nothing is made that is not in state.json by then: `delete` finds all of it, however `create` has ended.
 *
 * Files: set.h is the set of cgroups that all of this is about; dirs.c makes directories in the hierarchies that
 * hierarchy.c finds; unit.c has systemd make some of them, through systemd.c; limit.c writes limits (values.c has the
 * numbers, file.c the way into the files); freezer.c stops and thaws what is in them.
 *
 * Names: cgroup_NAME is what this header offers to other rooms. Within the room a function begins with the stem of its
 * file; files whose stem is an everyday word (file, values, limit, io, devices) put "cgroup_" before it.
 */
#ifndef CGROUP_CGROUP_H
#define CGROUP_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"
#include "json/warnings.h"
#include "spec/spec.h"

enum cgroup_manager { CGROUPS_DISABLED, CGROUPS_CGROUPFS, CGROUPS_SYSTEMD };

/* What cgroups are made for. All pointers are borrowed. */
struct cgroup_request {
	enum cgroup_manager manager;
	const char *id;          /* the container's */
	const struct spec *spec; /* linux.cgroupsPath, linux.resources, and annotations for systemd are read */
	uint64_t memory_bytes;   /* what the VM needs: guest RAM and the VMM. No limit of memory is below it. */
};

/*
 * Fills the empty set @c, and makes nothing. With CGROUPS_DISABLED the set stays empty, and the calls below do nothing.
 * Returns 0, or -errno with an error.
 */
must_check int cgroup_plan(const struct cgroup_request *q, struct cgroups *c, struct err *err);

/*
 * The least limit of memory among the cgroups above those of @c, in bytes, or UINT64_MAX: there is none. With an empty
 * set, which leaves the monitor where its caller is, it is UINT64_MAX too.
 */
uint64_t cgroup_memory_room(const struct cgroups *c);

/*
 * Has systemd start the unit with @pid in it, and waits for that; does nothing for another manager. Returns 1 if @c
 * has changed, so that it must be saved before cgroup_make(); 0 if it has not; or -errno with an error: -EEXIST if
 * there is a scope of that name already (@c has changed: the unit is not ours to stop); -EINTR if @interrupt_fd became
 * readable.
 */
must_check int cgroup_start_unit(
	const struct cgroup_request *q, pid_t pid, int interrupt_fd, struct cgroups *c, struct err *err);

/*
 * Makes the cgroups of @c that are missing, and writes the limits to all of them, but lifts the quota of CPU time and a
 * small share of it until cgroup_throttle(). Adds to @warnings what the guest alone will enforce. Returns 0, or -errno
 * with an error.
 */
must_check int cgroup_make(
	const struct cgroup_request *q, const struct cgroups *c, struct warnings *warnings, struct err *err);

/*
 * Writes the quota and the share of CPU time that @spec has to the cgroups of @c, or if not @on, lifts them. A virtual
 * machine boots without: they are the container's, which does not run yet. Returns 0, or -errno with an error.
 */
must_check int cgroup_throttle(const struct cgroups *c, const struct spec *spec, bool on, struct err *err);

/* Moves the process @pid (0: the caller) into the cgroups of @c: 0, or -errno with an error. */
must_check int cgroup_join(const struct cgroups *c, pid_t pid, struct err *err);

/*
 * Writes the limits of @r to the cgroups of @c, which have others; what @r does not say stays. @memory_bytes as in
 * struct cgroup_request. Adds to @warnings what the guest alone will enforce. Returns 0, or -errno with an error, and
 * some may have been written.
 */
must_check int cgroup_update(const struct cgroups *c, const struct spec_resources *r, uint64_t memory_bytes,
	struct warnings *warnings, struct err *err);

/*
 * How many bytes of memory the cgroups of @c use that cannot be taken from them without their help; UINT64_MAX: that is
 * not known.
 */
uint64_t cgroup_memory_in_use(const struct cgroups *c);

/*
 * Freezes the processes in the cgroups of @c, or if not @on, thaws them; blocks until that is done, 10 s at most. Does
 * nothing where there is no freezer. Returns 0, or -errno with an error; what could not be frozen is thawed again.
 */
must_check int cgroup_freeze(const struct cgroups *c, bool on, struct err *err);

/* Whether the cgroups of @c are frozen, by whomever. */
bool cgroup_is_frozen(const struct cgroups *c);

/*
 * Appends the pids of the processes in the cgroups of @c and below to *@ret, an array of *@ret_n that the caller frees,
 * in no order. Returns 0, also if there are no cgroups, or -errno with an error.
 */
must_check int cgroup_pids(const struct cgroups *c, pid_t **ret, size_t *ret_n, struct err *err);

/* Removes the cgroups of @c in which nobody is, and nothing else. */
void cgroup_remove_empty(const struct cgroups *c);

/* Thaws the cgroups of @c where a killed process would not end before that (v1). */
void cgroup_thaw(const struct cgroups *c);

/*
 * Stops the unit of container @id, kills what is left in cgroups that vmrunc made, and removes them with those below
 * them. Parents that vmrunc made go if nobody else uses them. Blocks until all is gone: 0, or -errno with an error.
 */
must_check int cgroup_remove(const struct cgroups *c, const char *id, struct warnings *warnings, struct err *err);

#endif
