/* SPDX-License-Identifier: Apache-2.0 */
/* Clones of mounts: what a container gets of the host. */
#ifndef JAIL_CLONE_H
#define JAIL_CLONE_H

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

/*
 * A private, detached clone of what is at @path, with @recursive of all mounts below it as well: an fd or -errno. The
 * process that serves files can make device nodes, so a clone lets no device be opened, and no set-user-id program of it
 * runs as another user. *@ret_words (may be NULL) gets the flags that the mount had before, as statvfs(3) has them.
 */
must_check int clone_tree(const char *path, bool recursive, unsigned long *ret_words);

/*
 * Whether mount @m is an overlay of directories of the host: one with "lowerdir=". Engines make volumes of it (Podman's
 * ":O"), so it is mounted on the host, and the container gets it as it gets a bind.
 */
bool clone_is_overlay(const struct spec_mount *m);

/*
 * Mounts the overlay @m where nobody sees it, over the directory @at, and makes two clones of it as clone_tree() does:
 * 0, or -errno with an error that begins with @what.
 */
must_check int clone_overlay(
	const struct spec_mount *m, const char *at, const char *what, int *ret_jail, int *ret_export, struct err *err);

#endif
