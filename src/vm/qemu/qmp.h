/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QMP, QEMU's control protocol: JSON objects, one a line, over a socket.
 *
 * Only what a VM's life needs: the greeting, commands without arguments, their
 * replies, events. QEMU is not trusted further than needed (a guest may have
 * broken into it): lines have a bound, types are checked, surplus is ignored.
 */
#ifndef VM_QEMU_QMP_H
#define VM_QEMU_QMP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define QMP_LINE_MAX (16 * 1024) /* longest message taken; the greeting and our events have < 1 KiB */
#define QMP_WORD_MAX 64          /* event names and reasons; what is longer is cut */
#define QMP_TEXT_MAX 256         /* an error's description; cut too */

enum qmp_kind { QMP_GREETING, QMP_RETURN, QMP_ERROR, QMP_EVENT, QMP_OTHER };

struct qmp_msg {
	enum qmp_kind kind;
	unsigned int id;           /* RETURN, ERROR: of the command; 0 if it has none */
	char event[QMP_WORD_MAX];  /* EVENT: its name, "SHUTDOWN" */
	char reason[QMP_WORD_MAX]; /* EVENT: data.reason, or "" */
	char text[QMP_TEXT_MAX];   /* ERROR: its description */
};

/* Parses one message of @len bytes. 0, -EBADMSG if it is no JSON object or too long, or -ENOMEM. */
must_check int qmp_parse(const char *line, size_t len, struct qmp_msg *ret_msg);

struct qmp {
	int fd; /* owned: a connected, non-blocking stream socket */
	unsigned int last_id;
	struct buf in;
	bool eof;
};

void qmp_init(struct qmp *q, int fd);
void qmp_done(struct qmp *q);

/*
 * The next message that has arrived: 1 and *ret_msg; 0: none for now; -EPIPE:
 * QEMU has closed its end; -EBADMSG; -errno. Never waits.
 */
must_check int qmp_next(struct qmp *q, struct qmp_msg *ret_msg);

/* Sends a command without arguments; *ret_id is what its reply will carry. 0 or -errno. */
must_check int qmp_send(struct qmp *q, const char *command, unsigned int *ret_id);

#endif
