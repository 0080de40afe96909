/* SPDX-License-Identifier: Apache-2.0 */
/* A hook's end: its words, and a child of it that goes on writing them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/hook.h"

#define HANG_S 20
#define READS_MAX 2048 /* of 512 bytes each: all that a pipe may hold */

/* A child of the hook that writes without end to its standard error, once the hook itself has ended. */
static struct {
	bool on, begun;
	unsigned int reads;
} flood;

int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms);
int __real_poll(struct pollfd *p, nfds_t n, int timeout_ms);
ssize_t __wrap_read(int fd, void *to, size_t size);
ssize_t __real_read(int fd, void *to, size_t size);

int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms)
{
	flood.begun = flood.on && n == 1; /* which is what a look at the rest of the words is */
	return flood.begun ? 1 : __real_poll(p, n, timeout_ms);
}

ssize_t __wrap_read(int fd, void *to, size_t size)
{
	if (!flood.begun)
		return __real_read(fd, to, size);
	if (++flood.reads > 2 * READS_MAX)
		fail_msg("more than %u reads", flood.reads);
	memcpy(to, "words ", 6);
	return 6;
}

/* What became of a hook that is @script. */
static int run(const char *script, struct err *err)
{
	char name[] = "sh", flag[] = "-c", text[256], path[] = "PATH=/usr/bin:/bin";
	char *args[] = { name, flag, text, NULL }, *env[] = { path, NULL };
	autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct hook hook = { .what = "hooks.test[0]",
		.path = "/bin/sh",
		.exec_fd = -1,
		.args = args,
		.env = env,
		.state = "{}",
		.null_fd = null_fd };

	assert_true(strlen(script) < sizeof(text));
	(void)strcpy(text, script);
	(void)alarm(HANG_S);
	return hook_run(&hook, err);
}

static void the_words_of_a_hook_are_in_its_error(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(run("exit 0", &err), 0);
	assert_int_equal(run("echo why >&2; exit 3", &err), -ECANCELED);
	assert_string_equal(err.msg, "hooks.test[0]: \"/bin/sh\" failed with exit status 3: why");
}

/* The child is as fast as who reads: there is always more in the pipe. */
static void a_child_that_goes_on_writing_is_not_waited_for(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	flood.on = true;
	assert_int_equal(run("sleep 1 & exit 3", &err), -ECANCELED);
	assert_non_null(strstr(err.msg, "failed with exit status 3: "));
	assert_non_null(strstr(err.msg, "words words"));
	assert_in_range(flood.reads, 1, READS_MAX);
	flood.on = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_words_of_a_hook_are_in_its_error),
		cmocka_unit_test(a_child_that_goes_on_writing_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
