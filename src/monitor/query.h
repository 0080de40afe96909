/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions that commands have for the guest: they are passed on, and so is the answer, unread.
 *
 *   command                                     monitor                          guest
 *     | --- control_request, a file of memory --> | query_begin() -- PS ... ------> |
 *     |     (with the question, if it has one)    |                                 |
 *     | <-- struct err -------------------------- | on_answer() <----- RESULT ----- |
 *     |     (the file has the answer)             |                                 |
 *
 * The answer lies in the command's own file, which takes any number of bytes without waiting: no caller that does not
 * read can hold up the monitor. A question stays with the guest when its caller has gone (control.h), but the file does not.
 */
#ifndef MONITOR_QUERY_H
#define MONITOR_QUERY_H

#include "base/base.h"
#include "base/err.h"
#include "guest/guest.h"
#include "monitor/control.h"

/* The descriptors of a question: the file. */
#define QUERY_FDS_MAX 1

/* Questions of a kind that a guest has whose callers have gone. A guest that answers none of them is asked no more. */
#define QUERY_ORPHANS_MAX 64

/*
 * Passes a CONTROL_PS, CONTROL_READ_CGROUP or CONTROL_UPDATE about container @cid on to the guest. The file of an UPDATE
 * has the message, as proto_put_update() writes it. 0, and @client is answered later; or -errno with an error, and it
 * is not. The file is taken from @fds if need be.
 */
must_check int query_begin(struct guest *guest, const char *cid, const struct control_request *request,
	struct control_fds *fds, struct control_client *client, struct err *err);

/*
 * The commands' side of one that has a text or bytes for an answer: asks @request of the monitor of @dir, and waits for
 * @timeout_ms at most. @question (NULL: none) with @question_len bytes goes along. 0 with *@ret_answer (NULL: it is
 * dropped), which the caller frees and behind which is a NUL, and *@ret_len; or -errno with an error, as control_call().
 */
must_check int query_ask(const struct statedir *dir, const struct control_request *request, const void *question,
	size_t question_len, int timeout_ms, char **ret_answer, size_t *ret_len, struct err *err);

#endif
