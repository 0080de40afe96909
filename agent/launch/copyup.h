/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying a directory's content into a fresh tmpfs (mount option tmpcopyup).
 */
#ifndef AGENT_LAUNCH_COPYUP_H
#define AGENT_LAUNCH_COPYUP_H

#include <stdbool.h>

#include "base/base.h"

/*
 * Copies what is below @from into @to with owners, modes, times of files and
 * symlinks; @to itself gets @from's owner, and its mode if @with_mode. Special files
 * are made anew. 0 or -errno.
 */
must_check int copyup_tree(int from, int to, bool with_mode);

#endif
