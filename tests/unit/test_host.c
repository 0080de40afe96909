/* SPDX-License-Identifier: Apache-2.0 */
/* What the life cycle does on the host without a VM: log, settings, timeline, hooks. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/log.h"
#include "app/settings.h"
#include "app/timeline.h"
#include "base/fd.h"
#include "container/hooks.h"
#include "container/state.h"
#include "life/turn.h"
#include "tests/unit/group.h"
#include "tests/unit/tempdir.h"

static char tmp[64];

static int make_tmp(void **state)
{
	(void)state;
	(void)strcpy(tmp, "/tmp/test_host.XXXXXX");
	return mkdtemp(tmp) ? 0 : -1;
}

static int remove_tmp(void **state)
{
	(void)state;
	return rmdir(tmp);
}

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", tmp, name);
	return path;
}

static void put_file(const char *name, const char *text)
{
	assert_int_equal(fd_write_file_atomic(AT_FDCWD, path_of(name), text, strlen(text), 0644), 0);
}

static char *get_file(const char *name)
{
	char *text = NULL;

	assert_int_equal(fd_read_file(AT_FDCWD, path_of(name), 16 * MIB, &text, NULL), 0);
	return text;
}

/* Engines parse the file of a failed call as one JSON object: no warning may be in it. */
static void test_log(void **state)
{
	struct err err = ERR_INIT;
	autofree char *text = NULL;

	(void)state;
	assert_int_equal(log_open(NULL, "xml", NULL, &err), -EINVAL);
	assert_int_equal(log_open(NULL, NULL, "loud", &err), -EINVAL);
	assert_int_equal(log_open(path_of("log"), "json", NULL, &err), 0);
	log_warning("a warning");
	log_debug("not asked for");
	log_error("a \"quote\", a \\, a\nline, a \x01");
	log_finish(true);
	text = get_file("log");
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_non_null(strstr(text, "{\"level\":\"error\",\"msg\":\"a \\\"quote\\\", a \\\\, "
				     "a\\nline, a \\u0001\",\"time\":\"2"));
	assert_string_equal(text + strlen(text) - 4, "Z\"}\n");
	free(steal_ptr(text));

	/* of a call that succeeded, warnings are in it */
	assert_int_equal(log_open(path_of("log"), "text", NULL, &err), 0);
	log_warning("kept, and \xff");
	log_finish(false);
	text = get_file("log");
	assert_non_null(strstr(text, "Z\" level=warning msg=\"kept, and \xef\xbf\xbd\"\n"));
	assert_null(strstr(text, "a warning"));
	assert_int_equal(unlink(path_of("log")), 0);
}

static int load_settings(struct settings *s, const char *text, struct err *err)
{
	struct settings_words words = { .config = NULL };

	put_file("s.json", text);
	words.config = path_of("s.json");
	*err = (struct err)ERR_INIT;
	return settings_load(s, &words, NULL, err);
}

static void test_settings(void **state)
{
	static const struct {
		const char *text, *want;
	} wrong[] = {
		{ "[]", "not a JSON object" },
		{ "{", "s.json:1: parse error: premature EOF" },
		{ "{\"engine\": \"xen\"}", "engine: \"xen\"" },
		{ "{\"engine\": 1}", "engine: not a string" },
		{ "{\"memory\": \"512\"}", "memory: not a number" },
		{ "{\"memory\": 1}", "memory: \"1\"" },
		{ "{\"memory\": 5.5}", "memory: \"5.5\"" },
		{ "{\"memory\": -512}", "memory: \"-512\"" },
		{ "{\"vcpus\": 65}", "vcpus: \"65\"" },
		{ "{\"spare-interfaces\": 20}", "spare-interfaces: \"20\" is not a number from 0 to 19" },
		{ "{\"kernel\": \"relative\"}", "kernel: \"relative\"" },
		{ "{\"annotations\": \"memory\"}", "annotations: not an array" },
		{ "{\"annotations\": [1]}", "annotations: not an array of strings" },
		{ "{\"annotations\": [\"memory\", \"disk\"]}", "annotations: \"disk\"" },
	};
	struct settings s;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		int r = load_settings(&s, wrong[i].text, &err);

		if (r != -EINVAL || !strstr(err.msg, wrong[i].want))
			fail_msg("%s: wanted '%s', got %d '%s'", wrong[i].text, wrong[i].want, r, err.msg);
	}
	assert_int_equal(
		load_settings(&s,
			"// a comment\n{\"engine\": \"qemu\", /* and */ \"memory\": 1024, "
			"\"annotations\": [\"memory\", \"org.vmrunc.kernel\"], \"vcpus\": 2, \"spare-interfaces\": 0}",
			&err),
		0);
	assert_int_equal(s.engine, VM_ENGINE_QEMU);
	assert_int_equal(s.memory_mib, 1024);
	assert_int_equal(s.vcpus, 2);
	assert_int_equal(s.spare_interfaces, 0);
	assert_true(s.annotations[SETTINGS_ANNOTATION_MEMORY] && s.annotations[SETTINGS_ANNOTATION_KERNEL]);
	assert_false(s.annotations[SETTINGS_ANNOTATION_ENGINE] || s.annotations[SETTINGS_ANNOTATION_PARAMETERS] ||
		     s.annotations[SETTINGS_ANNOTATION_VCPUS]);
	assert_false(s.engine_forced);
	assert_int_equal(unlink(path_of("s.json")), 0);
	{
		struct settings_words words = { .config = "/no/such/file" };

		assert_int_equal(settings_load(&s, &words, NULL, &err), -ENOENT);
		words = (struct settings_words){ .config = "/dev/null", .root = "rel", .engine = "kvm" };
		assert_int_equal(settings_load(&s, &words, NULL, &err), -EINVAL); /* an empty file is no JSON */
	}
}

/* su(1) keeps $XDG_CONFIG_HOME: root must not obey a file there that a user may write. */
static void test_settings_of_others(void **state)
{
	static const struct {
		mode_t dir, file;
		uid_t owner;
		bool obeyed;
	} cases[] = {
		{ 0700, 0644, 0, true },
		{ 0755, 0600, 0, true },
		{ 0755, 0666, 0, false },
		{ 0755, 0664, 0, false },
		{ 0777, 0644, 0, false },
		{ 0755, 0644, 1000, false },
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	put_file("vmrunc.json", "{\"memory\": 777}");
	assert_int_equal(setenv("XDG_CONFIG_HOME", tmp, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct settings_words words = { .config = NULL };
		struct warnings warnings = WARNINGS_INIT;
		struct err err = ERR_INIT;
		struct settings s;

		assert_int_equal(chmod(tmp, cases[i].dir), 0);
		assert_int_equal(chmod(path_of("vmrunc.json"), cases[i].file), 0);
		assert_int_equal(chown(path_of("vmrunc.json"), cases[i].owner, 0), 0);
		assert_int_equal(settings_load(&s, &words, &warnings, &err), 0);
		assert_int_equal(s.memory_mib == 777, cases[i].obeyed);
		assert_int_equal(warnings.n, cases[i].obeyed ? 0 : 1);
		warnings_done(&warnings);
	}
	assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
	assert_int_equal(chmod(tmp, 0700), 0);
	assert_int_equal(unlink(path_of("vmrunc.json")), 0);
}

static void test_timeline(void **state)
{
	struct timeline *t;
	struct err err = ERR_INIT;
	autofree char *text = NULL;

	(void)state;
	timeline_mark(NULL, "nothing");
	assert_int_equal(timeline_new(&t, &err), 0);
	timeline_mark(t, "first");
	if (fork() == 0) {
		timeline_mark(t, "in-a-child");
		_exit(0);
	}
	assert_true(wait(NULL) > 0);
	for (int i = 0; i < TIMELINE_MARKS_MAX * 2; i++)
		timeline_mark(t, "many");
	assert_int_equal(timeline_write(t, path_of("t.json"), &err), 0);
	text = get_file("t.json");
	assert_int_equal(strncmp(text, "{\"start\": ", 10), 0);
	assert_non_null(strstr(text, ", \"marks\": [\n  {\"name\": \"first\", \"ns\": "));
	assert_non_null(strstr(text, "},\n  {\"name\": \"many\", \"ns\": "));
	assert_string_equal(text + strlen(text) - 5, "}\n]}\n");
	assert_non_null(strstr(text, "in-a-child"));
	timeline_free(t);
	assert_int_equal(unlink(path_of("t.json")), 0);
}

static void test_hooks(void **state)
{
	char script[256];
	char *cat_args[] = { (char *)"sh", (char *)"-c", script, NULL };
	char *fail_args[] = { (char *)"sh", (char *)"-c", (char *)"echo first >&2; echo last >&2; exit 7", NULL };
	char *sleep_args[] = { (char *)"sh", (char *)"-c", (char *)"exec sleep 100", NULL };
	char *env[] = { (char *)"A=b", NULL };
	struct spec_hook hook = { .path = (char *)"/bin/sh", .args = { 3, cat_args }, .env = { 1, env } };
	struct spec_hook_list list = { 1, &hook };
	struct state s = { .id = (char *)"id", .bundle = tmp, .pid = 42 };
	struct hook_place place = { .dir = tmp, .mount_ns = -1, .cancel_fd = -1 };
	struct err err = ERR_INIT;
	autofree char *text = NULL;
	int pipe_fds[2];

	(void)state;
	(void)snprintf(script, sizeof(script), "{ pwd; env; cat; } > %s", path_of("hook"));
	assert_int_equal(hooks_run(&list, "prestart", &s, STATUS_CREATING, &place, &err), 0);
	text = get_file("hook");
	assert_non_null(strstr(text, tmp));
	assert_non_null(strstr(text, "A=b\n"));
	assert_null(strstr(text, "HOME=")); /* the caller's environment stays with the caller */
	assert_non_null(strstr(text, "\"pid\":42,\"status\":\"creating\""));
	assert_int_equal(unlink(path_of("hook")), 0);

	hook.args.v = fail_args;
	assert_int_equal(hooks_run(&list, "prestart", &s, STATUS_CREATING, &place, &err), -ECANCELED);
	assert_string_equal(err.msg,
		"error running prestart hook #0: hooks.prestart[0]: \"/bin/sh\" failed with exit status 7: first last");
	hook.args.v = sleep_args;
	hook.timeout_s = (struct opt_i64){ .set = true, .v = 1 };
	assert_int_equal(hooks_run(&list, "prestart", &s, STATUS_CREATING, &place, &err), -ETIMEDOUT);
	hook.timeout_s.set = false;
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], "", 1), 1);
	place.cancel_fd = pipe_fds[0];
	assert_int_equal(hooks_run(&list, "prestart", &s, STATUS_CREATING, &place, &err), -EINTR);
	place.cancel_fd = -1;
	fd_close(pipe_fds[0]);
	fd_close(pipe_fds[1]);
	hook.path = (char *)"/no/such/hook";
	assert_int_equal(hooks_run(&list, "prestart", &s, STATUS_CREATING, &place, &err), -ECANCELED);
	assert_non_null(strstr(err.msg, "/no/such/hook: No such file or directory"));
}

/*
 * Of two turns a third is waited for, until somebody gives one back or whoever waits is to end; without a directory
 * nobody waits.
 */
static void test_turns(void **state)
{
	int ends[2], none[2], first, second, third;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(none, O_CLOEXEC), 0);
	first = turn_take(path_of("turns"), 2, none[0]);
	second = turn_take(path_of("turns"), 2, none[0]);
	assert_true(first >= 0 && second >= 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(turn_take(path_of("turns"), 2, ends[0]), -EINTR);
	close(first);
	third = turn_take(path_of("turns"), 2, ends[0]);
	assert_true(third >= 0);
	assert_int_equal(turn_take(path_of("turns"), 2, ends[0]), -EINTR);
	assert_int_equal(turn_take("/proc/none", 2, none[0]), -1);
	close(second);
	close(third);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(none[i]);
	}
	tempdir_remove(path_of("turns"));
}

/* What a turn was waited for is not there for the boot: with the container's 50 s, create ends within Podman's 240 s. */
static void test_turn_boot(void **state)
{
	(void)state;
	assert_int_equal(turn_boot_ms(0), 180000);
	assert_int_equal(turn_boot_ms(100000), 85000);
	assert_int_equal(turn_boot_ms(TURN_WAIT_MS), 65000);
	assert_int_equal(turn_boot_ms(INT64_C(1) << 40), 60000);
}

/* A line on a terminal that is raw goes back to the first column; on one that does so itself it is as it is. */
static void test_log_on_raw_terminal(void **state)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlock = 0, kept = dup(STDERR_FILENO), slave;
	struct err err = ERR_INIT;
	struct termios modes;
	char text[64] = "";

	(void)state;
	assert_true(master >= 0 && kept >= 0 && ioctl(master, TIOCSPTLCK, &unlock) == 0);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0 && tcgetattr(slave, &modes) == 0);
	cfmakeraw(&modes);
	assert_int_equal(tcsetattr(slave, TCSANOW, &modes), 0);
	assert_int_equal(log_open(NULL, NULL, NULL, &err), 0);
	assert_int_equal(dup2(slave, STDERR_FILENO), STDERR_FILENO);
	log_notice("one");
	assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	log_finish(false);
	assert_true(read(master, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "vmrunc: warning: one\r\n");
	close(slave);
	close(master);
	close(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_log_on_raw_terminal),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_turn_boot),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_settings_of_others),
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_hooks),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as main.c has it: a hook need not read its input */
	return run_counted_tests(tests, make_tmp, remove_tmp);
}
