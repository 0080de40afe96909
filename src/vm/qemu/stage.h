/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount namespace in which QEMU runs, and the tree of exports in it.
 *
 * A small process (the stager) makes the namespace and stays in it until the
 * guest may run: QEMU joins it by the stager's pidfd, sees the whole host
 * while it starts (libraries, firmware, /dev/kvm), and is then locked in.
 */
#ifndef VM_QEMU_STAGE_H
#define VM_QEMU_STAGE_H

#include <sys/types.h>

#include "base/err.h"
#include "vm/vm.h"

struct stage {
	pid_t pid; /* 0: none */
	int pidfd; /* for setns(2) CLONE_NEWNS */
	int sock;
};

#define STAGE_INIT                                \
	{                                         \
		.pid = 0, .pidfd = -1, .sock = -1 \
	}

/*
 * Forks the stager: a mount namespace where @dir (an existing directory; seen
 * by nobody else) is a tmpfs with a directory for each share, named by its tag.
 */
must_check int stage_open(struct stage *st, const char *dir, struct err *err);

/* As vm_share_add(), also before QEMU has started. @fd stays the caller's. */
must_check int stage_add(
	struct stage *st, enum vm_share share, const char *name, int fd, unsigned int flags, struct err *err);

/*
 * Makes the tree the root of every process in the namespace and detaches the
 * host's, so that nothing but the exports can be reached any more; the tree's
 * own directories become read-only. @qemu keeps its /proc/self/fd. The stager ends.
 */
must_check int stage_seal(struct stage *st, pid_t qemu, struct err *err);

/* Ends the stager where it still runs. Accepts STAGE_INIT. */
void stage_done(struct stage *st);

#endif
