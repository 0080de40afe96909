/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of a container: what the guest's files say, what is missing in them, and a guest that does not answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "life/inside.h"
#include "life/stats.h"
#include "monitor/query.h"

/* What the guest answers. */
static struct {
	const char *stuck_at; /* the first question that gets an error; NULL: none does */
	const char *missing;  /* a file that there is not */
	int error;            /* of that question and all later ones */
	int asked;
} guest;

int __wrap_life_open(const struct settings *settings, const char *id, bool lock, struct statedir *dir, struct state *s,
	enum status *ret_status, struct err *err);
int __wrap_query_ask(const struct statedir *dir, const struct control_request *request, const void *question,
	size_t question_len, int timeout_ms, char **ret_answer, size_t *ret_len, struct err *err);

int __wrap_life_open(const struct settings *settings, const char *id, bool lock, struct statedir *dir, struct state *s,
	enum status *ret_status, struct err *err)
{
	(void)settings;
	(void)id;
	(void)lock;
	(void)dir;
	(void)s;
	(void)err;
	*ret_status = STATUS_RUNNING;
	return 0;
}

int __wrap_query_ask(const struct statedir *dir, const struct control_request *request, const void *question,
	size_t question_len, int timeout_ms, char **ret_answer, size_t *ret_len, struct err *err)
{
	const char *text = strcmp(request->file, "cpu.stat") == 0 ? "usage_usec 7\nuser_usec 4\n" : "9\n";

	(void)dir;
	(void)question;
	(void)question_len;
	(void)timeout_ms;
	guest.asked++;
	if (guest.stuck_at && strcmp(request->file, guest.stuck_at) == 0)
		return err_set(err, guest.error, "no answer about %s", request->file);
	if (guest.missing && strcmp(request->file, guest.missing) == 0)
		return err_set(err, ENOENT, "no file %s", request->file);
	*ret_len = strlen(text);
	*ret_answer = strdup(text);
	return 0;
}

static void figures_are_those_of_the_files(void **state)
{
	static const struct settings settings;
	autobuf out = BUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	guest.stuck_at = NULL;
	guest.missing = "memory.peak"; /* as in a kernel before 5.19 */
	assert_int_equal(container_stats(&settings, "c", &out, &err), 0);
	assert_non_null(strstr(out.data, "\"cpu\":{\"usage\":{\"total\":7000,\"kernel\":0,\"user\":4000}"));
	assert_non_null(strstr(out.data, "\"usage\":{\"limit\":9,\"usage\":9,\"max\":0,"));
	assert_non_null(strstr(out.data, "\"pids\":{\"current\":9,\"limit\":9}"));
	assert_string_equal(err.msg, "");
}

/* Zeros would be false, and each further question would take as long. */
static void the_first_question_without_an_answer_ends_it(void **state)
{
	static const struct {
		const char *stuck_at;
		int error, asked;
	} cases[] = {
		{ "cpu.stat", ETIMEDOUT, 1 },
		{ "cpu.stat", ECONNRESET, 1 },
		{ "memory.stat", ETIMEDOUT, 2 },
		{ "pids.max", ECONNREFUSED, 10 },
	};
	static const struct settings settings;

	(void)state;
	guest.missing = NULL;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autobuf out = BUF_INIT;
		struct err err = ERR_INIT;

		guest.stuck_at = cases[i].stuck_at;
		guest.error = cases[i].error;
		guest.asked = 0;
		assert_int_equal(container_stats(&settings, "c", &out, &err), -cases[i].error);
		assert_int_equal(guest.asked, cases[i].asked);
		assert_int_equal(err.errnum, cases[i].error);
		assert_non_null(strstr(err.msg, "no answer about"));
	}
}

static void every_container_has_a_cpu_stat(void **state)
{
	static const struct settings settings;
	autobuf out = BUF_INIT;
	struct err err = ERR_INIT;

	(void)state;
	guest.stuck_at = NULL;
	guest.missing = "cpu.stat";
	assert_int_equal(container_stats(&settings, "c", &out, &err), -ESRCH);
}

static void the_oom_killer_is_asked_for_again_after_no_answer(void **state)
{
	static const struct settings settings;
	struct err err = ERR_INIT;
	uint64_t kills = 5;

	(void)state;
	guest.missing = NULL;
	guest.stuck_at = "memory.events";
	guest.error = ETIMEDOUT;
	assert_int_equal(container_oom_kills(&settings, "c", &kills, &err), -EAGAIN);
	assert_non_null(strstr(err.msg, "no answer about memory.events"));
	guest.stuck_at = NULL;
	guest.missing = "memory.events";
	assert_int_equal(container_oom_kills(&settings, "c", &kills, &err), -EAGAIN);
	assert_int_equal(kills, 5);
	guest.missing = NULL;
	assert_int_equal(container_oom_kills(&settings, "c", &kills, &err), 0);
	assert_int_equal(kills, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_those_of_the_files),
		cmocka_unit_test(the_first_question_without_an_answer_ends_it),
		cmocka_unit_test(every_container_has_a_cpu_stat),
		cmocka_unit_test(the_oom_killer_is_asked_for_again_after_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
