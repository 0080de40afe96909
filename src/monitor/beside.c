/* SPDX-License-Identifier: Apache-2.0 */
/* Small processes beside the monitor: see beside.h. */
#include "monitor/beside.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "app/proctitle.h"
#include "base/err.h"
#include "base/fd.h"
#include "host/confine.h"
#include "jail/jail.h"

int beside_begin(const char *name, int *keep, size_t n)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)close(fd);
	proctitle_clear_environment();
	return prctl(PR_SET_NAME, name, 0, 0, 0) < 0 ? -errno : fd_close_others(keep, n);
}

int beside_drop(const struct ns_set *ns, uint32_t cap_mask, const int *calls, size_t n)
{
	struct err ignored = ERR_INIT;
	int r = jail_chroot(-1, &ignored);

	if (r == 0 && ns && ns->user_fd >= 0) {
		r = jail_enter_user(ns->user_fd, &ns->owners, &ignored);
		fd_close(ns->user_fd);
	}
	/* not before: who becomes somebody else loses it */
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		r = -errno;
	return r < 0 ? r : confine_self_with(cap_mask, calls, n, 0);
}
