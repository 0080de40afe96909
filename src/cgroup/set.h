/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroups of one container on the host: one directory in each hierarchy. state.json keeps them, so that `delete`
 * knows them however `create` ended.
 */
#ifndef CGROUP_SET_H
#define CGROUP_SET_H

#include "base/base.h"
#include "host/strv.h"

struct cgroups {
	char *unit;       /* name of systemd's transient unit that holds the directories; "" or NULL: there is none */
	struct strv dirs; /* absolute paths of the cgroups that the monitor joins, one in each hierarchy */
	struct strv made; /* absolute paths of the cgroups that vmrunc makes and `delete` removes, parents first */
};

#define CGROUPS_INIT                                               \
	{                                                          \
		.unit = NULL, .dirs = STRV_INIT, .made = STRV_INIT \
	}

/* Frees what @c owns and makes it empty again. */
void cgroups_done(struct cgroups *c);

#endif
