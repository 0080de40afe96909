/* SPDX-License-Identifier: Apache-2.0 */
/* The list of a guest's processes: its way over the channel, what a hostile guest writes into it, and ps's options. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/pstable.h"
#include "guest/ps.h"

static struct proto_ps_entry entries[] = {
	{ .pid = 7,
		.ppid = 1,
		.pgid = 7,
		.sid = 7,
		.uid = 1000,
		.gid = 1001,
		.state = 'S',
		.held = true,
		.tty = 0x8803,
		.priority = -2,
		.nice = -20,
		.threads = 3,
		.cpu_ticks = 1ull << 40,
		.start_ticks = 5,
		.vsize = 1ull << 41,
		.rss = 4096,
		.comm = "sh",
		.args = "sh -c x" },
	{ .pid = 8, .state = '\033', .threads = 1, .comm = "a\033[2Jb", .args = "c\nd\x80" },
};

static const struct proto_ps list = {
	.uptime_ticks = 1000, .ticks_per_second = 100, .memory_bytes = 1ull << 30, .cut = true, .len = 2, .at = entries
};

/* The list as the guest sends it, in memory of its own. */
static char *encoded(const struct proto_ps *ps, size_t *ret_len)
{
	autobuf out = BUF_INIT;

	proto_put_ps(&out, ps);
	assert_int_equal(buf_error(&out), 0);
	*ret_len = out.len;
	return buf_steal(&out);
}

static void a_list_comes_through_and_is_cleaned(void **state)
{
	struct guest_ps ps;
	size_t len;
	char *text = encoded(&list, &len);

	(void)state;
	assert_int_equal(guest_ps_decode(text, len, &ps), 0);
	assert_int_equal(ps.list.len, 2);
	assert_true(ps.list.cut);
	assert_int_equal(ps.list.uptime_ticks, 1000);
	assert_int_equal(ps.list.memory_bytes, 1ull << 30);
	assert_int_equal(ps.list.at[0].pid, 7);
	assert_int_equal(ps.list.at[0].uid, 1000);
	assert_int_equal(ps.list.at[0].gid, 1001);
	assert_true(ps.list.at[0].held);
	assert_false(ps.list.at[1].held);
	assert_int_equal(ps.list.at[0].state, 'S');
	assert_int_equal(ps.list.at[0].tty, 0x8803);
	assert_int_equal(ps.list.at[0].priority, -2);
	assert_int_equal(ps.list.at[0].nice, -20);
	assert_int_equal(ps.list.at[0].cpu_ticks, 1ull << 40);
	assert_int_equal(ps.list.at[0].rss, 4096);
	assert_string_equal(ps.list.at[0].args, "sh -c x");
	assert_int_equal(ps.list.at[1].state, '?');
	assert_string_equal(ps.list.at[1].comm, "a [2Jb");
	assert_string_equal(ps.list.at[1].args, "c d?");
	guest_ps_done(&ps);
}

static void a_list_that_is_none_is_refused(void **state)
{
	struct proto_ps wrong = list;
	struct guest_ps ps;
	size_t len;
	char *text = encoded(&list, &len);

	(void)state;
	for (size_t n = 0; n < len; n++)
		assert_int_equal(guest_ps_decode(text, n, &ps), -EBADMSG);
	memset(text + 21, 0xff, 4); /* the count */
	assert_int_equal(guest_ps_decode(text, len, &ps), -EBADMSG);
	free(text);
	wrong.ticks_per_second = 0; /* it would be divided by */
	text = encoded(&wrong, &len);
	assert_int_equal(guest_ps_decode(text, len, &ps), -EBADMSG);
	free(text);
}

/* The headings that the options @words choose, each with a '|' behind it. */
static const char *headings(const char *const *words)
{
	static char text[256];
	struct err err = ERR_INIT;
	struct pstable table;

	text[0] = '\0';
	if (pstable_parse(&table, words, &err) < 0)
		return err.msg[0] ? "error" : "no word";
	for (size_t i = 0; i < table.n; i++) {
		(void)strcat(text, table.headings[i]);
		(void)strcat(text, "|");
	}
	return text;
}

#define HEADINGS(...) headings((const char *const[]){ __VA_ARGS__, NULL })

static void options_choose_columns(void **state)
{
	static const char full[] = "UID|PID|PPID|C|STIME|TTY|TIME|CMD|";

	(void)state;
	assert_string_equal(HEADINGS(NULL), full);
	assert_string_equal(HEADINGS("-ef"), full);
	assert_string_equal(HEADINGS("-e", "-f"), full);
	assert_string_equal(HEADINGS("-e"), "PID|TTY|TIME|CMD|");
	assert_string_equal(HEADINGS("-e", "-x"), "PID|TTY|STAT|TIME|COMMAND|");
	assert_string_equal(HEADINGS("ax"), "PID|TTY|STAT|TIME|COMMAND|");
	assert_string_equal(HEADINGS("aux"), "USER|PID|%CPU|%MEM|VSZ|RSS|TTY|STAT|START|TIME|COMMAND|");
	assert_string_equal(HEADINGS("-o", "pid,args"), "PID|CMD|");
	assert_string_equal(HEADINGS("-eopid", "-o", "ppid=P,Q"), "PID|P,Q|");
	assert_string_equal(HEADINGS("--format=rss ni"), "RSS|NI|");
	assert_string_equal(HEADINGS("o", "user,pid="), "USER||");
	assert_string_equal(HEADINGS("-o"), "error");
	assert_string_equal(HEADINGS("--format"), "error");
	assert_string_equal(HEADINGS("-o", "pid,nonsense"), "error");
	assert_string_equal(HEADINGS("-C"), "error");
	assert_string_equal(HEADINGS("--ppid", "1"), "error");
	assert_string_equal(HEADINGS("o", "pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,"
					  "pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid,pid"),
		"error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_comes_through_and_is_cleaned),
		cmocka_unit_test(a_list_that_is_none_is_refused),
		cmocka_unit_test(options_choose_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
