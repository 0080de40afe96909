/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the control side: a number, and a sentence for a person.
 *
 * A struct err has a fixed size and no pointers, so that it lives on the caller's stack and crosses a pipe or a socket
 * whole (the monitor reports to `create` with it, a process in the guest to the agent). The message is made where the
 * fact is known: it is in lower case, names the thing in quotes and a field of config.json by its path, and has no full
 * stop. Only the program's main function prints it.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

#define ERR_MSG_MAX 1008

struct err {
	int errnum;      /* positive errno; 0: no error was set */
	int exit_status; /* what the process should exit with; 0: the command's default */
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT                                         \
	{                                                \
		.errnum = 0, .exit_status = 0, .msg = "" \
	}

/*
 * Sets @err (may be NULL) to @errnum (positive) and the formatted message, cut to ERR_MSG_MAX - 1 bytes. Returns
 * -errnum, so that callers can `return err_set(err, ENOENT, "...")`.
 */
int err_set(struct err *err, int errnum, const char *fmt, ...) printf_like(3, 4);

/* As err_set(), and appends ": " and strerror(@errnum) to the message. @errnum may be negative. */
int err_sys(struct err *err, int errnum, const char *fmt, ...) printf_like(3, 4);

/* Puts the formatted text and ": " before @err's message. Returns -err->errnum, or -EIO if no error was set. */
int err_prefix(struct err *err, const char *fmt, ...) printf_like(2, 3);

#endif
