/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroups, by directories or by a unit of systemd: see cgroup.h. */
#include "cgroup/cgroup.h"

#include "cgroup/dirs.h"
#include "cgroup/file.h"
#include "cgroup/freezer.h"
#include "cgroup/limit.h"
#include "cgroup/rights.h"
#include "cgroup/unit.h"
#include "host/privilege.h"

static const char *path_of(const struct cgroup_request *q)
{
	return q->spec->linux_ ? q->spec->linux_->cgroups_path : NULL;
}

static const struct spec_resources *resources_of(const struct cgroup_request *q)
{
	return q->spec->linux_ ? q->spec->linux_->resources : NULL;
}

/* Plans cgroups as directories; of a caller who may make none, the set stays empty. */
static int plan_dirs(const struct cgroup_request *q, struct cgroups *c, struct err *err)
{
	int r = dirs_plan(path_of(q), q->id, c, err);

	if (r == 0 && !privilege_is_root() && !rights_suffice(c)) {
		strv_done(&c->dirs);
		strv_done(&c->made);
	}
	return r;
}

/* Says which limits nobody but the guest holds the container to, when the caller may make no cgroup for it. */
static void warn_without(const struct cgroup_request *q, struct warnings *warnings)
{
	const struct spec_resources *r = resources_of(q);

	if (r && (r->memory || r->cpu || r->pids || r->block_io || r->unified.n))
		warnings_add(warnings,
			"linux.resources: in the guest only: you may make no cgroup for the container on this host, where somebody must delegate one to you");
}

int cgroup_plan(const struct cgroup_request *q, struct cgroups *c, struct err *err)
{
	switch (q->manager) {
	case CGROUPS_CGROUPFS:
		return plan_dirs(q, c, err);
	case CGROUPS_SYSTEMD:
		return unit_plan(path_of(q), q->id, c, err);
	case CGROUPS_DISABLED:
		break;
	}
	return 0;
}

uint64_t cgroup_memory_room(const struct cgroups *c)
{
	/* "max", and the limit above all others that v1 has where none is set, are none */
	return MIN(cgroup_file_least_above(c, "memory.max"), cgroup_file_least_above(c, "memory.limit_in_bytes"));
}

int cgroup_start_unit(const struct cgroup_request *q, pid_t pid, int interrupt_fd, struct cgroups *c, struct err *err)
{
	const struct unit_request u = {
		.path = path_of(q),
		.id = q->id,
		.resources = resources_of(q),
		.annotations = &q->spec->annotations,
		.memory_bytes = q->memory_bytes,
		.pid = pid,
		.interrupt_fd = interrupt_fd,
	};
	int r = q->manager == CGROUPS_SYSTEMD ? unit_start(&u, c, err) : 0;

	return r < 0 || q->manager != CGROUPS_SYSTEMD ? r : 1;
}

int cgroup_make(const struct cgroup_request *q, const struct cgroups *c, struct warnings *warnings, struct err *err)
{
	int r;

	if (c->dirs.n == 0 && q->manager == CGROUPS_CGROUPFS && !privilege_is_root())
		warn_without(q, warnings);
	r = dirs_make(c, err);
	/* the quota is written as well: a wrong one is an error now */
	if (r == 0)
		r = cgroup_limit(c, resources_of(q), q->memory_bytes, warnings, err);
	return r < 0 ? r : cgroup_throttle(c, q->spec, false, err);
}

int cgroup_throttle(const struct cgroups *c, const struct spec *spec, bool on, struct err *err)
{
	return cgroup_limit_cpu_time(c, spec->linux_ ? spec->linux_->resources : NULL, !on, err);
}

int cgroup_join(const struct cgroups *c, pid_t pid, struct err *err)
{
	return dirs_join(c, pid, err);
}

void cgroup_remove_empty(const struct cgroups *c)
{
	dirs_remove_empty(c);
}

int cgroup_update(const struct cgroups *c, const struct spec_resources *r, uint64_t memory_bytes,
	struct warnings *warnings, struct err *err)
{
	int ret = c->unit && *c->unit ? unit_update(c, r, memory_bytes, err) : 0;

	return ret < 0 ? ret : cgroup_limit(c, r, memory_bytes, warnings, err);
}

uint64_t cgroup_memory_in_use(const struct cgroups *c)
{
	uint64_t used = cgroup_file_number(c, "memory.usage_in_bytes", NULL), files;

	if (used == UINT64_MAX)
		used = cgroup_file_number(c, "memory.current", NULL);
	if (used == UINT64_MAX)
		return used;
	files = cgroup_file_number(c, "memory.stat", "active_file") +
		cgroup_file_number(c, "memory.stat", "inactive_file");
	return used > files ? used - files : 0;
}

int cgroup_freeze(const struct cgroups *c, bool on, struct err *err)
{
	return freezer_set(c, on, err);
}

bool cgroup_is_frozen(const struct cgroups *c)
{
	return freezer_is_on(c);
}

int cgroup_pids(const struct cgroups *c, pid_t **ret, size_t *ret_n, struct err *err)
{
	return dirs_pids(c, ret, ret_n, err);
}

void cgroup_thaw(const struct cgroups *c)
{
	dirs_thaw(c);
}

int cgroup_remove(const struct cgroups *c, const char *id, struct warnings *warnings, struct err *err)
{
	int r = c->unit && *c->unit ? unit_stop(c, id, warnings, err) : 0;

	return r < 0 ? r : dirs_remove(c, err);
}
