/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a directory's content into a new tmpfs (mount option tmpcopyup). */
#ifndef AGENT_LAUNCH_COPYUP_H
#define AGENT_LAUNCH_COPYUP_H

#include <stdbool.h>

#include "base/base.h"

/*
 * Copies what is below the directory @from into the directory @to, with owners, modes, the times of regular files, and
 * symlinks; special files are made anew. @to itself gets @from's owner, and with @with_mode its mode. 0 or -errno.
 */
must_check int copyup_tree(int from, int to, bool with_mode);

#endif
