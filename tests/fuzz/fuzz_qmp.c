/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a QEMU that a guest has taken over, and that says what it likes on its control socket.
 *
 * The first byte says into how large pieces the rest is cut on its way through the socket (0: one piece); commands are
 * sent in between, and the end may ask for faults of calls (kernel.h). What must hold: the same messages come however the bytes were cut, each text ends within its room, no
 * more is held than a line may have, and after an error that is not of one line alone nothing more is taken.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "tests/fuzz/kernel.h"
#include "tests/fuzz/replay.h"
#include "vm/qemu/qmp.h"

#define HELD_MAX (QMP_LINE_MAX + 8192) /* a whole line, and what one more read can bring */
#define PIECE 4096
#define PIECES_MAX 32 /* more take long, and show nothing that these do not */

const struct fuzz_target fuzz_target = { .corpus = "qmp", .variants = 100 };

/* Whether the text of @size bytes ends within them. */
static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static void check_message(const struct qmp_msg *msg)
{
	require(msg->kind <= QMP_OTHER, "a kind of message that does not exist");
	require(ends(msg->event, sizeof(msg->event)) && ends(msg->reason, sizeof(msg->reason)) &&
			ends(msg->text, sizeof(msg->text)),
		"a text without an end");
}

/* Takes what has come, and compares it with the lines from *@at on. False: the conversation is over. */
static bool take(struct qmp *q, const char **at, const char *end)
{
	struct qmp_msg got, want;
	int r, parsed;

	for (;;) {
		const char *nl = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

		memset(&got, 0, sizeof(got));
		memset(&want, 0, sizeof(want));
		r = qmp_next(q, &got);
		require(q->in.len <= HELD_MAX, "more is held than a line may have");
		if (r == 0)
			return true;
		if (r == -EPIPE)
			return false;
		if (r == 1) {
			check_message(&got);
			require(nl != NULL, "a message that was not sent");
		}
		if (!nl)
			return false; /* a line that is too long already */
		parsed = qmp_parse(*at, (size_t)(nl - *at), &want);
		require(r == 1 ? parsed == 0 : parsed == r || r == -EBADMSG, "the same line gave two results");
		if (r != 1 && parsed != r)
			return false;
		require(r != 1 || memcmp(&got, &want, sizeof(got)) == 0, "the same line gave two messages");
		*at = nl + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data + (size > 0), data + size };
	size_t step = MAX(size > 0 && data[0] ? data[0] * 16u : PIECE, size / PIECES_MAX);
	const char *at = (const char *)data + 1, *end = (const char *)data + size;
	unsigned int id, last = 0;
	struct qmp q;
	int sv[2];
	bool goes_on = true;

	if (size == 0)
		return 0;
	kernel_begin();
	kernel_take_faults(&in);
	size = (size_t)(in.end - data);
	end = (const char *)in.end;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0, "socketpair");
	qmp_init(&q, sv[0]);
	for (size_t sent = 1; sent < size && goes_on; sent += MIN(step, size - sent)) {
		ssize_t n = send(sv[1], data + sent, MIN(step, size - sent), MSG_NOSIGNAL);

		require(n == (ssize_t)MIN(step, size - sent), "send");
		kernel_faults(true);
		goes_on = take(&q, &at, end);
		if (sent % 3 == 0 && qmp_send(&q, "query-status", &id) == 0) {
			require(id > last && (id == last + 1 || kernel_faulty()), "the number of a command");
			last = id;
		}
		kernel_faults(false);
	}
	(void)shutdown(sv[1], SHUT_WR);
	if (goes_on)
		require(!take(&q, &at, end), "a conversation that goes on behind its end");
	close(sv[1]);
	qmp_done(&q);
	qmp_done(&q); /* which it may be told twice */
	kernel_end();
	return 0;
}
