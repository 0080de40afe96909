/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroups of one container: see set.h. */
#include "cgroup/set.h"

#include <stdlib.h>

void cgroups_done(struct cgroups *c)
{
	free(c->unit);
	strv_done(&c->dirs);
	strv_done(&c->made);
	*c = (struct cgroups)CGROUPS_INIT;
}
