/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holder: the process on the host that stands for a detached exec.
 *
 * Engines wait for its end, take its exit status, and send it signals; so it lives exactly as long as the process in the
 * guest, ends with its code (128 + n after signal n), and passes every signal on. If it is killed, its connection to the
 * monitor is closed, and the process in the guest is killed (monitor/exec.h).
 *
 *   command                                            holder (orphaned when the command exits)
 *     | holder_new(): fork, before anything is read ---> | a session of its own; nothing of the caller's is kept
 *     |   (the process is prepared)                      |
 *     | holder_terminal(): the pty's slave ------------> | its controlling terminal, for SIGWINCH
 *     |   (the process runs in the guest)                |
 *     | holder_hold(): the connection -----------------> | gives up all rights
 *     | <------------------------------- it holds it --- |
 *     |   (--pid-file)                                   |
 *     | holder_go() -----------------------------------> | passes on, until the exit status comes
 *
 * It is forked before the command has read anything, so that it is small. If the command ends before holder_go(), the
 * holder ends as well, and with it the process.
 */
#ifndef LIFE_HOLDER_H
#define LIFE_HOLDER_H

#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "spec/spec.h"

struct holder {
	pid_t pid;
	int sock; /* to it; -1: it goes its own way, or there is none */
};

/* Forks the holder of a process in container @id: 0, or -errno with an error. The caller ends @h with holder_done(). */
must_check int holder_new(const char *id, struct holder *h, struct err *err);

/* Makes the terminal @slave (borrowed) the holder's: 0, or -errno with an error. */
must_check int holder_terminal(struct holder *h, int slave, struct err *err);

/*
 * Gives it the connection @handle (borrowed), and the process's command line @args for its title, and waits until it holds
 * the connection: 0, or -errno with an error.
 */
must_check int holder_hold(struct holder *h, int handle, const struct spec_strv *args, struct err *err);

/* From here on it lives without the command: 0, or -errno with an error. */
must_check int holder_go(struct holder *h, struct err *err);

/* Ends the command's part; without holder_go(), the holder ends too, and is waited for. */
void holder_done(struct holder *h);

#endif
