/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `vmrunc spec`: a config.json to start from. It runs as it is, with a rootfs that has a shell.
 */
#ifndef SPEC_DEFAULT_H
#define SPEC_DEFAULT_H

#include <stdbool.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Appends the text. @rootless: for a caller without privilege, whose own uid
 * and gid become root's in a user namespace, and whose network is kept.
 * 0 or a negative errno with a message.
 */
must_check int spec_default_json(struct buf *out, bool rootless, struct err *err);

#endif
