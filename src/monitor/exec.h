/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that exec has added to a member, and the connection of each.
 *
 * CONTROL_EXEC brings a file with the process, as guest_translation_put_exec() has encoded it, and its standard streams.
 * The connection on which it came is the process's handle: whoever holds it hears of the process, and may send it signals
 * and sizes; when it is closed, the process is killed.
 *
 *   holder                                   monitor                              guest
 *     | --- control_request, descriptors ---> | execs_begin() -- guest_exec() ---> |
 *     | <-- struct err ---------------------- | on_started() <------ RESULT ------ |
 *     | --- exec_word: signal, size --------> | on_word() -- guest_signal() -----> |
 *     | <-- exec_word: what went wrong ------ | execs_stream_broken()              |
 *     | <-- exec_word: exit status ---------- | execs_exited() <---- EXITED ------ |
 *
 * Invariants:
 * 1. A process has a record here from guest_exec() until it has ended, or could not be made, whether somebody holds its
 *    connection or not.
 * 2. The exit status is the last message. It is sent when all output is written (guest.h, "Order").
 * 3. A connection that ends without one means that the container has ended, and the process with it.
 * 4. A holder that does not read costs the socket's buffer: what does not fit in there is dropped, but for the end of
 *    the connection.
 */
#ifndef MONITOR_EXEC_H
#define MONITOR_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "guest/guest.h"
#include "monitor/control.h"
#include "vm/guestlog.h"

/* Processes of exec at a time: more than the channel has streams for, so that its bound is the one that is met. */
#define EXECS_MAX 1024
/* The descriptors of a CONTROL_EXEC: the process, three streams, and those of --preserve-fds. */
#define EXEC_FDS_MAX CONTROL_FDS_MAX
#define EXEC_GIVEN_MAX (EXEC_FDS_MAX - 4)

enum exec_word_kind {
	EXEC_SIGNAL = 1, /* to the monitor: @value is the signal */
	EXEC_SIZE,       /* to the monitor: @rows and @cols of the terminal */
	EXEC_BROKEN,     /* to the holder: @text says which stream broke, and why */
	EXEC_EXITED,     /* to the holder: @value is the exit status, as wait(2) gives it */
};

#define EXEC_TEXT_MAX 160

/* A message on the connection, behind the answer. */
struct exec_word {
	uint32_t kind; /* enum exec_word_kind */
	int32_t value;
	uint16_t rows, cols;
	char text[EXEC_TEXT_MAX]; /* ends with NUL */
};

struct execs;

/* Makes the empty set of one container's; all is borrowed, @cid and @log until execs_free(). 0 or -ENOMEM. */
must_check int execs_new(
	struct loop *loop, struct guest *guest, const char *cid, struct guestlog *log, struct execs **ret);

/* Closes all connections. The guest must have been freed, which answers what was under way. Accepts NULL. */
void execs_free(struct execs *execs);

/*
 * Carries out a CONTROL_EXEC: 0, and @client is answered later; or -errno with an error, and it is not. Descriptors that
 * are needed are duplicated.
 */
must_check int execs_begin(struct execs *execs, const struct control_request *request, const struct control_fds *fds,
	struct control_client *client, struct err *err);

/* Whether the number @process of the channel is one of theirs. @execs may be NULL. */
bool execs_has(const struct execs *execs, uint32_t process);

/* Whether all have ended. */
bool execs_none(const struct execs *execs);

/* Process @process, one of theirs, has ended with @status, as wait(2) gives it. */
void execs_exited(struct execs *execs, uint32_t process, int status);

/* A stream of process @process, one of theirs, broke; @text says which one and why. */
void execs_stream_broken(struct execs *execs, uint32_t process, const char *text);

#endif
