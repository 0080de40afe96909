/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs this program: the machine's root, the root of a user namespace, as rootless engines make one, or an ordinary
 * user.
 *
 * A container needs mounts and namespaces, which an ordinary user may make only in a user namespace of his own. A rootless
 * engine calls us in one. For a user who calls us himself, privilege_enter() makes one, in which every id is the one that
 * it is outside: the user's own, and those that /etc/subuid and /etc/subgid give him. So the ids of the config and the
 * owners of files mean there what they mean to the user.
 */
#ifndef HOST_PRIVILEGE_H
#define HOST_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"

/* Whether this process is root, and in no user namespace but that which the machine has started with. */
bool privilege_is_root(void);

/* The user's number outside the user namespace of a rootless engine; elsewhere the effective one of this process. */
uid_t privilege_uid(void);

/*
 * Of an ordinary user's process, single-threaded: makes and enters a user namespace and a mount namespace, where it has
 * all capabilities, which execve(2) keeps. A process that has CAP_SYS_ADMIN stays where it is. 0, or -errno with an error
 * that says what is missing. Without newuidmap(1) and ranges of subordinate ids the user's own ids are the only ones.
 */
must_check int privilege_enter(struct err *err);

/* Whether privilege_enter() would do: 0, or -errno with its error. This process stays where it is. */
must_check int privilege_try(struct err *err);

/*
 * Reads what @file (as /etc/subuid, subuid(5)) gives to the user called @name (NULL: no name), whose number is @id, as
 * arguments of newuidmap(1): FIRST FIRST COUNT for each range. @args has room for @max of them, of 3 texts each, which the
 * caller frees; returns how many ranges there are, or -errno.
 */
must_check int privilege_ranges(const char *file, const char *name, uid_t id, char **args, size_t max);

#endif
