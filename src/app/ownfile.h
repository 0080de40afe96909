/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This program's own file, as /proc/PID/exe of a monitor shows it.
 *
 * A monitor works with the rights of root on files, and a /proc may be within its reach. What broke into it could
 * change the host's vmrunc through /proc/self/exe: chmod(2) makes it set-user-ID and writable. So a command that makes
 * a monitor executes itself once more from a read-only clone of the mount that the file is on, which is attached
 * nowhere, and which all its processes keep: the file is the same, and nothing can be changed through them. A copy in a
 * sealed memfd would do too, and cost the memory of the file for each container.
 */
#ifndef APP_OWNFILE_H
#define APP_OWNFILE_H

#include "base/base.h"

/*
 * Executes this program again with @argv, from a read-only mount, unless it is on one. Returns 0 if it is; -errno if that
 * cannot be done, and all is as it was. Descriptors that are close-on-exec are closed, as by any execve(2).
 */
must_check int ownfile_protect(char **argv);

#endif
