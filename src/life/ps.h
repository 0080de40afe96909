/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container: those that stand for it on the host, and those that it has in its guest. */
#ifndef LIFE_PS_H
#define LIFE_PS_H

#include <sys/types.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"
#include "guest/ps.h"

/*
 * The host's pids that stand for the container's processes: first the monitor, which is its init, then what exec has
 * started; nothing that the monitor itself is made of (QEMU). *@ret is an array of *@ret_n, which the caller frees; a
 * stopped container has none. Works while it is paused. 0, or -errno with an error.
 */
must_check int container_pids(
	const struct settings *settings, const char *id, pid_t **ret, size_t *ret_n, struct err *err);

/*
 * The container's processes in its guest; a stopped one has none. 0 with @ret, which the caller ends with
 * guest_ps_done(), or -errno with an error (-EAGAIN: it is paused).
 */
must_check int container_ps(const struct settings *settings, const char *id, struct guest_ps *ret, struct err *err);

#endif
