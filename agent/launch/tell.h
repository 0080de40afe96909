/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent and a process that is being made tell each other, over a socket of their own; launch.h has the
 * drawing. The process sends messages, the agent single letters.
 */
#ifndef AGENT_LAUNCH_TELL_H
#define AGENT_LAUNCH_TELL_H

#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

enum tell_kind {
	TELL_PID = 1, /* by the joiner: the process exists, under this pid */
	TELL_TTY,     /* the master of its terminal, as a descriptor */
	TELL_PLACE,   /* a tmpfs into which the host looks, as a descriptor; without one, it is not to be seen */
	TELL_READY,   /* all that comes before START is done */
	TELL_EXEC,    /* only the seccomp filter and execve(2) are left */
	TELL_ERROR    /* it failed; the process, or the joiner, exits */
};

struct tell {
	uint32_t kind;  /* enum tell_kind */
	uint32_t pid;   /* of TELL_PID: as the agent's pid namespace counts */
	struct err err; /* of TELL_ERROR */
};

#define TELL_GO 'g'    /* the joiner is gone and the id maps are written: the process may begin */
#define TELL_START 's' /* the process may execute its program */

/* Makes the socket (CLOEXEC): the agent's end does not block, the process's does. The caller owns both. 0 or -errno. */
must_check int tell_pair(int *ret_agent, int *ret_process);

/* --- the process's end --- */

/* Sends @msg, with descriptor @fd if it is >= 0 (it stays the caller's). 0, or -errno if the agent is gone. */
int tell_send(int sock, const struct tell *msg, int fd);

/* Sends a message that is no more than its @kind, with @fd as above. 0 or -errno. */
must_check int tell_say(int sock, enum tell_kind kind, int fd);

/* Waits until the agent sends a letter: 0 if it is @letter, -EPIPE if the agent has given the process up. */
must_check int tell_wait(int sock, char letter);

/* --- the agent's end --- */

/* Sends @letter. 0, or -EPIPE if the process has died, which tell_next() says as well: it may be ignored. */
int tell_letter(int sock, char letter);

/*
 * Takes the next message: 1 with *@ret and *@ret_fd (-1 if none came with it, else the caller's); 0 if there is none
 * now; -EPIPE if none will come, since the other end is closed: by execve(2), or by death.
 */
must_check int tell_next(int sock, struct tell *ret, int *ret_fd);

#endif
