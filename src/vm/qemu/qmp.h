/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QMP, QEMU's control protocol: JSON objects, one a line, over a socket.
 *
 * This has only what a VM's life needs: the greeting, commands with one argument at most, their replies, and events. A guest
 * may have broken into QEMU, so QEMU is not trusted: lines have a bound, types are checked, what is not known is
 * ignored.
 */
#ifndef VM_QEMU_QMP_H
#define VM_QEMU_QMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define QMP_LINE_MAX (16 * 1024) /* longest message taken; the greeting and our events have < 1 KiB */
#define QMP_WORD_MAX 64          /* event names and reasons; what is longer is cut */
#define QMP_TEXT_MAX 256         /* an error's description; what is longer is cut */

enum qmp_kind { QMP_GREETING, QMP_RETURN, QMP_ERROR, QMP_EVENT, QMP_OTHER };

struct qmp_msg {
	enum qmp_kind kind;
	unsigned int id;           /* RETURN, ERROR: of the command that it answers; 0: it has none */
	char event[QMP_WORD_MAX];  /* EVENT: its name, as "SHUTDOWN" */
	char reason[QMP_WORD_MAX]; /* EVENT: data.reason, or "" */
	char text[QMP_TEXT_MAX];   /* ERROR: its description */
};

/* Parses one message of @len bytes. 0, -EBADMSG if it is no JSON object or too long, or -ENOMEM. */
must_check int qmp_parse(const char *line, size_t len, struct qmp_msg *ret_msg);

struct qmp {
	int fd;               /* owned: a connected, non-blocking stream socket; -1: none */
	unsigned int last_id; /* of the last command */
	struct buf in;        /* what has arrived and was not taken yet */
	bool eof;             /* QEMU has closed its end */
};

/* Begins a conversation over @fd, which *q owns from then on; -1: it is set later. */
void qmp_init(struct qmp *q, int fd);

/* Closes the socket and frees what has arrived. Accepts one that is done already. */
void qmp_done(struct qmp *q);

/*
 * Takes the next message that has arrived: 1 with *ret_msg, or 0 if there is none for now; -EPIPE: QEMU has closed its
 * end; -EBADMSG: it is no QMP; or another -errno. Never waits.
 */
must_check int qmp_next(struct qmp *q, struct qmp_msg *ret_msg);

/* Sends @command with one argument, the number @value called @name: as qmp_send(). */
must_check int qmp_send_number(
	struct qmp *q, const char *command, const char *name, uint64_t value, unsigned int *ret_id);

/* Sends a command without arguments: 0 with *ret_id, which its reply will carry, or -errno. Never waits. */
must_check int qmp_send(struct qmp *q, const char *command, unsigned int *ret_id);

#endif
