/* SPDX-License-Identifier: Apache-2.0 */
/* The container's cgroups as a unit of systemd: see unit.h. */
#include "cgroup/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/dirs.h"
#include "cgroup/file.h"
#include "cgroup/systemd.h"
#include "cgroup/unitname.h"
#include "cgroup/values.h"

/* An ID is a file name, of 255 bytes at most. */
#define DESCRIPTION_MAX 288

/* Writes the unit's description, by which unit_stop() tells our units from others. @text has DESCRIPTION_MAX bytes. */
static void describe(const char *id, char *text)
{
	(void)snprintf(text, DESCRIPTION_MAX, "vmrunc container %s", id);
}

int unit_plan(const char *path, const char *id, struct cgroups *c, struct err *err)
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
	free(c->unit);
	c->unit = strdup(name.unit);
	if (!c->unit)
		return err_sys(err, ENOMEM, "cgroups");
	return dirs_plan_at(full, c, err);
}

int unit_start(const struct unit_request *u, struct cgroups *c, struct err *err)
{
	char description[DESCRIPTION_MAX];
	struct cgroup_values values;
	struct unitname name;
	struct systemd_unit unit = {
		.name = name.unit,
		.slice = name.slice,
		.description = description,
		.pid = u->pid,
		.v2 = cgroup_file_is_v2(c),
		.values = &values,
		.devices = u->resources ? &u->resources->devices : NULL,
		.annotations = u->annotations,
	};
	int r = unitname_parse(u->path, u->id, &name, err);

	if (r == 0)
		r = cgroup_values_of(u->resources, u->memory_bytes, unit.v2, &values, err);
	if (r < 0)
		return r;
	describe(u->id, description);
	r = systemd_start_unit(&unit, u->interrupt_fd, err);
	cgroup_values_done(&values);
	if (r == -EEXIST) {
		c->unit[0] = '\0';   /* it is not ours to stop */
		if (name.is_slice) { /* a slice that is there is joined, as a cgroup of cgroupfs would be */
			*err = (struct err)ERR_INIT;
			r = 0;
		}
	}
	return r < 0 ? r : dirs_plan_missing(c, err);
}

int unit_update(const struct cgroups *c, const struct spec_resources *r, uint64_t memory_bytes, struct err *err)
{
	struct cgroup_values values;
	const struct systemd_unit unit = { .name = c->unit, .v2 = cgroup_file_is_v2(c), .values = &values };
	int ret = cgroup_values_of(r, memory_bytes, unit.v2, &values, err);

	if (ret < 0)
		return ret;
	ret = systemd_update_unit(&unit, err);
	cgroup_values_done(&values);
	return ret;
}

int unit_stop(const struct cgroups *c, const char *id, struct warnings *warnings, struct err *err)
{
	char description[DESCRIPTION_MAX];

	describe(id, description);
	return systemd_stop_unit(c->unit, description, warnings, err);
}
