/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user namespace by way of a process that stands in it.
 *
 * The mappings of a user namespace can be read and written only as files of a process in it (/proc/PID/uid_map), and a
 * new one comes only with a process. So a child of ours enters or makes the namespace, and waits there until it is no
 * longer needed. A descriptor of userns_open() keeps the namespace beyond it.
 */
#ifndef HOST_USERNS_H
#define HOST_USERNS_H

#include <sys/types.h>

#include "base/base.h"

struct userns {
	pid_t pid; /* of the process in the namespace */
	int sock;  /* the process ends when this is closed */
};

/*
 * Forks a process that joins the user namespace @join_fd (borrowed), or makes a new one (-1), and there the namespaces
 * @fresh (CLONE_NEWx; 0: none), which belong to it. Waits until it stands there: 0, or -errno of setns(2), unshare(2) or of
 * the fork. The caller ends *ret with userns_done(). Single-threaded.
 */
must_check int userns_hold(int join_fd, int fresh, struct userns *ret);

/* Ends the process and waits for its end; the namespace goes with it unless something else holds it. */
void userns_done(struct userns *u);

/* Writes the mappings @text ("INSIDE OUTSIDE SIZE\n" each) to @file ("uid_map", "gid_map"): 0 or -errno. */
must_check int userns_write_map(const struct userns *u, const char *file, const char *text);

/*
 * Reads @file ("uid_map", "gid_map") of the namespace of @u (NULL: that of the caller), at most @max bytes: 0 with
 * *ret_text, which the caller frees, or -errno.
 */
must_check int userns_read_map(const struct userns *u, const char *file, size_t max, char **ret_text);

/*
 * Opens the process's namespace @type, as below /proc/PID/ns ("user", "net"), for setns(2) and mount_setattr(2): a descriptor
 * of the caller's, or -errno.
 */
must_check int userns_open(const struct userns *u, const char *type);

#endif
