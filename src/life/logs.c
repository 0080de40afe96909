/* SPDX-License-Identifier: Apache-2.0 */
/* container_logs(): the console of a container's guest. */
#include "life/life.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "life/inside.h"

int container_logs(const struct settings *settings, const char *id, enum status *ret_status, struct err *err)
{
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	int r = life_open(settings, id, false, &dir, &s, ret_status, err);
	int fd;

	if (r < 0)
		return r;
	fd = openat(dir.fd, LIFE_LOG, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? err_sys(err, errno, "cannot read \"%s/%s\"", dir.path, LIFE_LOG) : fd;
}
