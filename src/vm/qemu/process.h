/* SPDX-License-Identifier: Apache-2.0 */
/* The QEMU process: it is started with few rights, its last words are kept, and it is ended and reaped. */
#ifndef VM_QEMU_PROCESS_H
#define VM_QEMU_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "host/file_policy.h"
#include "host/owners.h"

#define QEMU_TAIL_MAX 2048 /* bytes kept of its stderr: some lines, the last of which say why it died */

struct qemu_process {
	pid_t pid;        /* 0: there is none */
	int pidfd;        /* readable when it has ended */
	int stderr_fd;    /* our end of its standard error; -1: closed */
	int undump_error; /* -errno: why its memory is not closed to others (undump.h); 0: it is */
	bool reaped;
	int status; /* once it is reaped: of waitpid(2) */
	size_t tail_len;
	char tail[QEMU_TAIL_MAX]; /* the end of what it wrote to stderr */
};

#define QEMU_PROCESS_INIT                              \
	{                                              \
		.pid = 0, .pidfd = -1, .stderr_fd = -1 \
	}

/* What QEMU may do on the host. All borrowed. */
struct qemu_rights {
	int user_ns;                     /* the user namespace that it enters; -1: the caller's */
	const struct owner_maps *owners; /* as whom it does so; NULL if and only if there is none */
	const struct file_policy *files; /* what its capabilities are for; NULL: all that a file server can do */
};

/*
 * Forks and executes argv[0] in the mount namespace of the process behind @ns_pidfd, with the working directory @dir of
 * that mount namespace and @rights. It inherits the @keep_len descriptors @keep under their numbers and no others. It is killed when the calling thread dies. 0 with *p for
 * qemu_process_done(), also after -errno; it waits until the program is executed, and makes it undumpable if it can
 * (p->undump_error). That the program could not be executed shows as its death, with last words.
 */
must_check int qemu_process_start(struct qemu_process *p, char *const argv[], int *keep, size_t keep_len, int ns_pidfd,
	const char *dir, const struct qemu_rights *rights, struct err *err);

/*
 * Takes what has come from stderr, without waiting, and from a flood a part of it: 0, or -EPIPE when it is closed. Of a process
 * that has ended it is all.
 */
int qemu_process_read_stderr(struct qemu_process *p);

/* Waits for the end of the process, without a bound: on the loop only when p->pidfd is readable. Keeps its status. */
void qemu_process_reap(struct qemu_process *p);

/* Sets @err to the last words of a process that has died or is in trouble, or to how it ended. Returns -EIO. */
int qemu_process_last_words(struct qemu_process *p, struct err *err);

/*
 * Does the same for a process that has closed its sockets: gives it time to end by itself, kills it then, and reaps it. One
 * that has not ended 2 s later is not waited for, as by qemu_process_kill().
 */
int qemu_process_wait_last_words(struct qemu_process *p, struct err *err);

/*
 * Kills the process, if there is one, and waits for its end for @timeout_ms at most: false, it has not ended, because it is in
 * a system call from which nothing wakes it. It is still to be reaped, also by qemu_process_done().
 */
bool qemu_process_kill(const struct qemu_process *p, int timeout_ms);

/* Kills and reaps the process if it still runs, and closes the descriptors. Accepts QEMU_PROCESS_INIT. */
void qemu_process_done(struct qemu_process *p);

#endif
