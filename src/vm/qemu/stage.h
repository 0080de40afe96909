/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount namespace in which QEMU runs, and the tree of exports in it.
 *
 * A small process, the stager, makes the namespace and stays in it until the guest may run. QEMU joins the namespace by
 * the stager's pidfd. While QEMU starts it sees the whole host (libraries, firmware, /dev/kvm); then it is locked into
 * the tree of exports.
 */
#ifndef VM_QEMU_STAGE_H
#define VM_QEMU_STAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "vm/vm.h"

struct stage {
	pid_t pid; /* of the stager; 0: there is none */
	int pidfd; /* of the stager, for setns(2) CLONE_NEWNS */
	int sock;  /* requests and replies */
};

#define STAGE_INIT                                \
	{                                         \
		.pid = 0, .pidfd = -1, .sock = -1 \
	}

/*
 * Forks the stager, which makes a mount namespace where a tmpfs covers @dir, an existing directory, and has a directory
 * for each share, named by the share's tag. @open_kvm: /dev/kvm can be opened by any user there. 0, or -errno with *st as STAGE_INIT.
 */
must_check int stage_open(struct stage *st, const char *dir, bool open_kvm, struct err *err);

/* Adds an export as vm_share_add() does, whether QEMU has started or not: 0 or -errno. @fd stays the caller's. */
must_check int stage_add(
	struct stage *st, enum vm_share share, const char *name, int fd, unsigned int flags, struct err *err);

/*
 * Makes the tree the root of every process in the namespace and detaches the host's, so that nothing but the exports
 * can be reached any more; the tree's own directories become read-only. The process @qemu keeps its /proc/self/fd. The
 * stager ends, whatever comes of it. 0 or -errno.
 */
must_check int stage_seal(struct stage *st, pid_t qemu, struct err *err);

/* Ends the stager if it still runs. Accepts STAGE_INIT. */
void stage_done(struct stage *st);

#endif
