/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroup as a unit of systemd: see cgroup_unit.h. */
#include "cgroup/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/cgroup.h"
#include "cgroup/file.h"
#include "cgroup/systemd.h"
#include "cgroup/unitname.h"
#include "cgroup/values.h"

#define DESCRIPTION_MAX (STATE_ID_MAX + 32)

/* By which the unit is known for ours. */
static void describe(const struct state *s, char *text)
{
	(void)snprintf(text, DESCRIPTION_MAX, "vmrunc container %s", s->id);
}

int cgroup_unit_plan(const char *path, const char *id, struct state *s, struct err *err)
{
	char below[UNITNAME_PATH_MAX], full[SYSTEMD_PATH_MAX + UNITNAME_PATH_MAX];
	struct unitname name;
	size_t at;
	int r = unitname_parse(path, id, &name, err);

	if (r == 0)
		r = unitname_path(&name, below, sizeof(below), err);
	if (r == 0)
		r = systemd_root(full, SYSTEMD_PATH_MAX, err);
	if (r < 0)
		return r;
	at = strlen(full);
	(void)snprintf(full + at, sizeof(full) - at, "%s", below);
	free(s->unit);
	s->unit = strdup(name.unit);
	if (!s->unit)
		return err_sys(err, ENOMEM, "state");
	return cgroup_plan_at(full, s, err);
}

int cgroup_unit_start(
	const struct spec *spec, uint64_t memory_bytes, pid_t pid, int interrupt_fd, struct state *s, struct err *err)
{
	const struct spec_resources *resources = spec->linux_ ? spec->linux_->resources : NULL;
	char description[DESCRIPTION_MAX];
	struct cgroup_values values;
	struct unitname name;
	struct systemd_unit unit = {
		.name = name.unit,
		.slice = name.slice,
		.description = description,
		.pid = pid,
		.v2 = cgroup_is_v2(s),
		.values = &values,
		.devices = resources ? &resources->devices : NULL,
		.annotations = &spec->annotations,
	};
	int r = unitname_parse(spec->linux_ ? spec->linux_->cgroups_path : NULL, s->id, &name, err);

	if (r == 0)
		r = cgroup_values_of(resources, memory_bytes, unit.v2, &values, err);
	if (r < 0)
		return r;
	describe(s, description);
	r = systemd_start_unit(&unit, interrupt_fd, err);
	cgroup_values_done(&values);
	if (r == -EEXIST) {
		s->unit[0] = '\0';   /* not ours to stop */
		if (name.is_slice) { /* a slice that is there is joined, as any cgroup is */
			*err = (struct err)ERR_INIT;
			r = 0;
		}
	}
	return r < 0 ? r : cgroup_plan_missing(s, err);
}

int cgroup_unit_stop(const struct state *s, struct err *err)
{
	char description[DESCRIPTION_MAX];

	describe(s, description);
	return systemd_stop_unit(s->unit, description, err);
}
