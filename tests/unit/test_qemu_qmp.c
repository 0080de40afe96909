/* SPDX-License-Identifier: Apache-2.0 */
/* QMP: messages as QEMU sends them, hostile ones, and how they arrive in pieces. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vm/qemu/qmp.h"

struct parse_case {
	const char *line;
	int result;
	struct qmp_msg msg;
};

static const struct parse_case parse_cases[] = {
	{ "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22}}, \"capabilities\": [\"oob\"]}}\r", 0,
		{ .kind = QMP_GREETING } },
	{ "{\"return\": {}, \"id\": 7}", 0, { .kind = QMP_RETURN, .id = 7 } },
	{ "{\"return\": []}", 0, { .kind = QMP_RETURN, .id = 0 } },
	{ "{\"id\": 3, \"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}", 0,
		{ .kind = QMP_ERROR, .id = 3, .text = "no" } },
	{ "{\"error\": {\"desc\": 5}}", 0, { .kind = QMP_ERROR, .text = "" } },
	{ "{\"timestamp\": {\"seconds\": 1}, \"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, "
	  "\"reason\": \"guest-reset\"}}",
		0, { .kind = QMP_EVENT, .event = "SHUTDOWN", .reason = "guest-reset" } },
	{ "{\"event\": \"STOP\"}", 0, { .kind = QMP_EVENT, .event = "STOP" } },
	{ "{\"event\": \"STOP\", \"data\": 1}", 0, { .kind = QMP_EVENT, .event = "STOP" } },
	/* Nothing is taken from members of a wrong type. */
	{ "{\"event\": 1}", 0, { .kind = QMP_OTHER } },
	{ "{\"return\": {}, \"id\": \"7\"}", 0, { .kind = QMP_RETURN, .id = 0 } },
	{ "{\"return\": {}, \"id\": -1}", 0, { .kind = QMP_RETURN, .id = 0 } },
	{ "{\"return\": {}, \"id\": 4294967297}", 0, { .kind = QMP_RETURN, .id = 0 } },
	{ "{\"return\": {}, \"id\": 1e400}", 0, { .kind = QMP_RETURN, .id = 0 } },
	{ "{}", 0, { .kind = QMP_OTHER } },
	{ "[]", -EBADMSG, { 0 } },
	{ "\"QMP\"", -EBADMSG, { 0 } },
	{ "", -EBADMSG, { 0 } },
	{ "{\"event\": \"STOP\"", -EBADMSG, { 0 } },
	{ "{\"event\": \"\xff\"}", -EBADMSG, { 0 } },
};

static void parses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parse_cases); i++) {
		const struct parse_case *c = &parse_cases[i];
		struct qmp_msg msg;
		int r = qmp_parse(c->line, strlen(c->line), &msg);

		if (r != c->result)
			fail_msg("case %zu: wanted %d, got %d", i, c->result, r);
		if (r < 0)
			continue;
		if (msg.kind != c->msg.kind || msg.id != c->msg.id)
			fail_msg("case %zu: wanted kind %d id %u, got %d %u", i, (int)c->msg.kind, c->msg.id,
				(int)msg.kind, msg.id);
		assert_string_equal(msg.event, c->msg.event);
		assert_string_equal(msg.reason, c->msg.reason);
		assert_string_equal(msg.text, c->msg.text);
	}
}

static void refuses_what_is_too_long_or_deep(void **state)
{
	size_t len = QMP_LINE_MAX + 1;
	char *line = malloc(len);
	struct qmp_msg msg;

	(void)state;
	assert_non_null(line);
	memset(line, ' ', len);
	assert_int_equal(qmp_parse(line, len, &msg), -EBADMSG);
	memset(line, '[', len);
	assert_int_equal(qmp_parse(line, QMP_LINE_MAX, &msg), -EBADMSG);
	for (size_t i = 0; i + 5 < QMP_LINE_MAX; i += 5)
		memcpy(line + i, "{\"a\":", 5);
	assert_int_equal(qmp_parse(line, QMP_LINE_MAX - QMP_LINE_MAX % 5, &msg), -EBADMSG);
	assert_int_equal(qmp_parse("{\0}", 3, &msg), -EBADMSG);
	free(line);
}

static void cuts_long_words(void **state)
{
	char line[QMP_LINE_MAX];
	struct qmp_msg msg;
	size_t n;

	(void)state;
	n = (size_t)snprintf(line, sizeof(line), "{\"event\": \"%0*d\", \"data\": {\"reason\": \"%0*d\"}}",
		QMP_WORD_MAX * 2, 0, QMP_WORD_MAX * 3, 0);
	assert_int_equal(qmp_parse(line, n, &msg), 0);
	assert_int_equal(strlen(msg.event), QMP_WORD_MAX - 1);
	assert_int_equal(strlen(msg.reason), QMP_WORD_MAX - 1);
}

static void put(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void takes_messages_in_pieces(void **state)
{
	struct qmp_msg msg;
	struct qmp q;
	int socks[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
	qmp_init(&q, socks[0]);
	assert_int_equal(qmp_next(&q, &msg), 0);
	put(socks[1], "{\"event\": \"A");
	assert_int_equal(qmp_next(&q, &msg), 0);
	put(socks[1], "\"}\r\n{\"return\": {}, \"id\": 1}\r\n{\"ev");
	assert_int_equal(qmp_next(&q, &msg), 1);
	assert_string_equal(msg.event, "A");
	assert_int_equal(qmp_next(&q, &msg), 1);
	assert_int_equal(msg.kind, QMP_RETURN);
	assert_int_equal(qmp_next(&q, &msg), 0);
	put(socks[1], "ent\": \"B\"}\n");
	close(socks[1]);
	assert_int_equal(qmp_next(&q, &msg), 1);
	assert_string_equal(msg.event, "B");
	assert_int_equal(qmp_next(&q, &msg), -EPIPE);
	qmp_done(&q);
}

static void bounds_a_line_without_end(void **state)
{
	char junk[4096];
	struct qmp_msg msg;
	struct qmp q;
	int socks[2], r = 0;

	(void)state;
	memset(junk, ' ', sizeof(junk));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
	qmp_init(&q, socks[0]);
	for (int i = 0; i < 16 && r == 0; i++) {
		assert_int_equal(write(socks[1], junk, sizeof(junk)), (ssize_t)sizeof(junk));
		r = qmp_next(&q, &msg);
	}
	assert_int_equal(r, -EBADMSG);
	assert_true(q.in.len <= QMP_LINE_MAX + sizeof(junk));
	qmp_done(&q);
	close(socks[1]);
}

static void sends_commands(void **state)
{
	unsigned int first, second, third;
	char got[128];
	struct qmp q;
	int socks[2];
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
	qmp_init(&q, socks[0]);
	assert_int_equal(qmp_send(&q, "cont", &first), 0);
	assert_int_equal(qmp_send(&q, "quit", &second), 0);
	assert_int_equal(qmp_send_number(&q, "balloon", "value", 1ull << 33, &third), 0);
	assert_int_equal(second, first + 1);
	n = read(socks[1], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, "{\"execute\":\"cont\",\"id\":1}\n{\"execute\":\"quit\",\"id\":2}\n"
				 "{\"execute\":\"balloon\",\"arguments\":{\"value\":8589934592},\"id\":3}\n");
	close(socks[1]);
	assert_int_equal(qmp_send(&q, "cont", &first), -EPIPE);
	qmp_done(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses_what_is_too_long_or_deep),
		cmocka_unit_test(cuts_long_words),
		cmocka_unit_test(takes_messages_in_pieces),
		cmocka_unit_test(bounds_a_line_without_end),
		cmocka_unit_test(sends_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
