/* SPDX-License-Identifier: Apache-2.0 */
/* The QEMU process: started with few rights, its last words kept, ended and reaped. */
#ifndef VM_QEMU_PROCESS_H
#define VM_QEMU_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define QEMU_TAIL_MAX 2048 /* of stderr: some lines, the last of which say why it died */

struct qemu_process {
	pid_t pid; /* 0: none */
	int pidfd; /* readable when it has ended */
	int stderr_fd;
	bool reaped;
	int status; /* reaped: as of waitpid(2) */
	size_t tail_len;
	char tail[QEMU_TAIL_MAX]; /* the end of what it wrote to stderr */
};

#define QEMU_PROCESS_INIT                              \
	{                                              \
		.pid = 0, .pidfd = -1, .stderr_fd = -1 \
	}

/*
 * Forks and executes argv[0] in the mount namespace of the process behind
 * @ns_pidfd, working directory @dir there, and in the user namespace @user_ns (<= 0: the
 * caller's), with the @keep descriptors open under
 * their numbers and no others. It is killed when the calling thread dies. That it could
 * not be executed is seen as its death, with its last words.
 */
must_check int qemu_process_start(struct qemu_process *p, char *const argv[], int *keep, size_t keep_len, int ns_pidfd,
	int user_ns, const char *dir, struct err *err);

/* Takes what stderr has, without waiting: 0, or -EPIPE when it is closed. */
int qemu_process_read_stderr(struct qemu_process *p);

/* Waits for the process's end, which is under way, and keeps its status. */
void qemu_process_reap(struct qemu_process *p);

/* Sets @err to a sentence on the end of a reaped, or the trouble of a running, process. Returns -EIO. */
int qemu_process_last_words(struct qemu_process *p, struct err *err);

/* The same for one that has closed its sockets and must be dead or dying: kills and reaps it first. */
int qemu_process_wait_last_words(struct qemu_process *p, struct err *err);

/* Kills, reaps, closes. Accepts QEMU_PROCESS_INIT. */
void qemu_process_done(struct qemu_process *p);

#endif
