/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second wall around files, where the host's kernel has Landlock: threads that serve files open, make and remove nothing
 * but what lies in an export, whatever paths and descriptors they come by; and the loop's thread makes, removes, lists and
 * executes nothing at all. It matters most where the jail is a chroot only.
 *
 * Rules are added while the exports are handed over, and each thread restricts itself as its first step, before it loads
 * its filter (host/thread.h). Without Landlock, or with its first version, which lets nothing be renamed from one directory
 * to another, there is no such wall.
 */
#ifndef JAIL_LANDLOCK_H
#define JAIL_LANDLOCK_H

#include "base/base.h"
#include "base/err.h"

struct landlock {
	int files; /* the ruleset of threads that serve files; -1: this kernel has none */
	int loop;  /* that of the loop's thread */
};

#define LANDLOCK_NONE                    \
	{                                \
		.files = -1, .loop = -1, \
	}

/* Makes the rulesets, as far as this kernel has them: 0, or -errno with an error. landlock_done() ends *ret. */
must_check int landlock_new(struct landlock *ret, struct err *err);

/* Lets threads that serve files reach what is below @fd, or the file @fd: 0, or -errno with an error. */
must_check int landlock_add(const struct landlock *l, int fd, struct err *err);

/* From now on threads that are started get the rulesets, which belong to src/host/thread.c then. */
void landlock_enforce(struct landlock *l);

/* Closes what landlock_enforce() has not taken. */
void landlock_done(struct landlock *l);

#endif
