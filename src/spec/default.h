/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config.json that `vmrunc spec` writes for a start. It runs as it is if the rootfs has a shell.
 */
#ifndef SPEC_DEFAULT_H
#define SPEC_DEFAULT_H

#include <stdbool.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Appends the text to @out. With @rootless it is one for a caller without privilege: the caller's own uid and gid
 * become root's in a user namespace, and the container keeps the caller's network. 0, or -ENOMEM with a message.
 */
must_check int spec_default_json(struct buf *out, bool rootless, struct err *err);

#endif
