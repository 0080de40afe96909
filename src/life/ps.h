/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container: those that stand for it on the host, and those that it has in its guest. */
#ifndef LIFE_PS_H
#define LIFE_PS_H

#include <sys/types.h>

#include "app/settings.h"
#include "base/base.h"
#include "base/err.h"
#include "guest/ps.h"
#include "json/warnings.h"

/*
 * The host's pids that stand for the container's processes: first the monitor, which is its init, then what exec has
 * started, then stand-ins for the others (standin.h), which are made if need be; nothing that the monitor itself is made of
 * (QEMU). A container that is paused, or whose guest does not answer in time, has no stand-ins, and a stopped one no pids.
 * *@ret is an array of *@ret_n, which the caller frees. Adds to @warnings what is not listed. Forks: one thread. 0, or
 * -errno with an error.
 */
must_check int container_pids(const struct settings *settings, const char *id, pid_t **ret, size_t *ret_n,
	struct warnings *warnings, struct err *err);

/*
 * The container's processes in its guest; a stopped one has none. 0 with @ret, which the caller ends with
 * guest_ps_done(), or -errno with an error (-EAGAIN: it is paused).
 */
must_check int container_ps(const struct settings *settings, const char *id, struct guest_ps *ret, struct err *err);

#endif
