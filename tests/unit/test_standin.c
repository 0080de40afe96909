/* SPDX-License-Identifier: Apache-2.0 */
/* Stand-ins: who plays whom, and processes that look like the guest's, stand again, and leave nobody behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/proctitle.h"
#include "base/exit.h"
#include "base/fd.h"
#include "life/standin.h"
#include "tests/unit/filter.h"
#include "tests/unit/group.h"

#define MANY 600
#define WAIT_S 60
/* How many are really made: a fork of a process with a sanitizer's memory takes 20 ms and more. */
#define MADE (SANITIZED ? 60 : MANY)
#define CHAIN 30 /* so many of them are each other's children: each has to wait for its turn on the processor */
#define STANDING MIN(MADE, STANDINS_MAX)

static char root[] = "/tmp/test_standin.XXXXXX";
static struct statedir dir;
static struct state container; /* of a monitor that only waits */

static struct standin_cast cast; /* too big for a stack */
static struct standins standing;
static struct proto_ps_entry many[MANY];

static char called[16]; /* of all processes: this test's alone */

static struct proto_ps_entry a_process(uint32_t pid, uint32_t ppid, const char *args)
{
	return (struct proto_ps_entry){ .pid = pid,
		.ppid = ppid,
		.uid = getuid() ? getuid() : 4321,
		.gid = getuid() ? getgid() : 4322,
		.start_ticks = 100 + pid,
		.comm = called,
		.args = args };
}

static struct proto_ps list_of(struct proto_ps_entry *at, uint32_t len)
{
	return (struct proto_ps){ .ticks_per_second = 100, .len = len, .at = at };
}

/* --- who plays whom --- */

/* Has everybody who is to be made stand, as @first + place. */
static void let_stand(const struct standin_cast *c, struct standins *s)
{
	for (size_t i = 0; i < STANDINS_MAX; i++) {
		if (!c->kept[i])
			s->at[i] = (struct standin){ .pid = 0 };
	}
	for (size_t i = 0; i < c->n; i++) {
		const struct proto_ps_entry *e = c->at[i].entry;

		if (c->at[i].make)
			s->at[c->at[i].place] = (struct standin){
				.pid = 1000 + (int)c->at[i].place, .guest_pid = e->pid, .guest_start = e->start_ticks
			};
	}
}

static void whoever_has_somebody_on_the_host_needs_nobody(void **state)
{
	struct proto_ps_entry at[] = { a_process(5, 1, "init"), a_process(6, 5, "a"), a_process(7, 6, "b"),
		a_process(8, 1, "exec"), a_process(9, 8, "c") };
	const struct proto_ps list = list_of(at, ARRAY_LEN(at));

	(void)state;
	at[0].held = at[3].held = true;
	standing = (struct standins){ .magic = 0 };
	standin_cast(&standing, &list, &cast);
	assert_int_equal(cast.n, 3);
	assert_int_equal(cast.left_out, 0);
	/* those below nobody who is made: 6 and 9; 7 is 6's child */
	assert_int_equal(cast.first, 0);
	assert_int_equal(cast.at[0].entry->pid, 6);
	assert_int_equal(cast.at[0].child, 1);
	assert_int_equal(cast.at[0].next, 2);
	assert_int_equal(cast.at[1].entry->pid, 7);
	assert_int_equal(cast.at[1].child, -1);
	assert_int_equal(cast.at[1].next, -1);
	assert_int_equal(cast.at[2].entry->pid, 9);
	assert_int_equal(cast.at[2].next, -1);
	for (size_t i = 0; i < cast.n; i++) {
		assert_true(cast.at[i].make);
		assert_int_equal(cast.at[i].place, i);
	}
}

static void a_guest_that_lies_about_parents_gets_nobody_for_them(void **state)
{
	struct proto_ps_entry at[] = { a_process(5, 6, "a"), a_process(6, 5, "b"), a_process(7, 7, "c"),
		a_process(8, 1, "d"), a_process(8, 1, "twice") };
	const struct proto_ps list = list_of(at, ARRAY_LEN(at));
	size_t n = 0;

	(void)state;
	standing = (struct standins){ .magic = 0 };
	standin_cast(&standing, &list, &cast);
	assert_int_equal(cast.n, 5);
	for (int32_t i = cast.first; i >= 0; i = cast.at[i].next) {
		assert_int_equal(cast.at[i].entry->pid, 8);
		n++;
	}
	assert_int_equal(n, 2);
}

static void there_are_bounds_and_places_are_used_again(void **state)
{
	struct proto_ps list = list_of(many, MANY);
	bool used[STANDINS_MAX] = { false };

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		many[i] = a_process(10 + i, 1, "x");
	standing = (struct standins){ .magic = 0 };
	standin_cast(&standing, &list, &cast);
	assert_int_equal(cast.n, STANDINS_MAX);
	assert_int_equal(cast.left_out, MANY - STANDINS_MAX);
	let_stand(&cast, &standing);
	/* they look like nobody: all are made anew, in places that are all different */
	standin_cast(&standing, &list, &cast);
	for (size_t i = 0; i < cast.n; i++) {
		assert_true(cast.at[i].make);
		assert_true(cast.at[i].place < STANDINS_MAX);
		assert_false(used[cast.at[i].place]);
		used[cast.at[i].place] = true;
	}
}

/* --- processes --- */

static void pause_ms(long ms)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

/* Waits until @pid has ended; it may be a zombie of ours. */
static void wait_gone(pid_t pid)
{
	for (int i = 0; i < WAIT_S * 100 && state_pid_start(pid); i++)
		pause_ms(10);
	assert_int_equal(state_pid_start(pid), 0);
}

/* The file @name of process @pid, with blanks for NULs and none at its end. */
static const char *of_process(pid_t pid, const char *name)
{
	static char text[4096];
	autofree char *data = NULL;
	char path[64];
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	assert_int_equal(fd_read_file(AT_FDCWD, path, sizeof(text) - 1, &data, &len), 0);
	while (len > 0 && (data[len - 1] == '\0' || data[len - 1] == '\n'))
		len--;
	for (size_t i = 0; i < len; i++)
		text[i] = data[i] ? data[i] : ' ';
	text[len] = '\0';
	return text;
}

/* The numbers behind "@name:" in the process's status. */
static int of_status(pid_t pid, const char *name)
{
	char key[32];
	const char *line;

	(void)snprintf(key, sizeof(key), "\n%s:", name);
	line = strstr(of_process(pid, "status"), key);
	assert_non_null(line);
	return (int)strtol(line + strlen(key), NULL, 10);
}

static pid_t pids[STANDINS_MAX];

/* Has somebody stand for the @len processes at @at; the pids are in @pids. Returns how many there are. */
static size_t make(struct proto_ps_entry *at, uint32_t len, size_t *ret_left_out)
{
	const struct proto_ps list = list_of(at, len);
	struct err err = ERR_INIT;
	size_t n = 0;

	if (standin_make(&dir, &container, &list, pids, &n, ret_left_out, &err) < 0)
		fail_msg("%s", err.msg);
	return n;
}

static int begin(void **state)
{
	struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	container = (struct state){ .pid = pid, .pid_start = state_pid_start(pid) };
	return statedir_create(root, "c", &dir, &err);
}

/* Ends the container: with the monitor go the stand-ins, at once. */
static int finish(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	if (container.pid > 0) {
		(void)kill(container.pid, SIGKILL);
		(void)exit_wait(container.pid, NULL);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return statedir_remove(&dir, &err) < 0 ? -1 : (statedir_close(&dir), 0);
}

static void they_look_like_the_guests(void **state)
{
	struct proto_ps_entry at[] = { a_process(5, 1, "init"), a_process(6, 5, "sleep 1000"), a_process(7, 6, "") };
	size_t left_out;

	(void)state;
	at[0].held = true;
	assert_int_equal(make(at, 3, &left_out), 2);
	assert_int_equal(left_out, 0);
	assert_string_equal(of_process(pids[0], "cmdline"), "sleep 1000");
	assert_string_equal(of_process(pids[0], "comm"), called);
	assert_int_equal(of_process(pids[1], "cmdline")[0], '[');
	assert_int_equal(of_status(pids[1], "PPid"), pids[0]);
	assert_int_equal(of_status(pids[0], "Uid"), (int)at[1].uid);
	assert_int_equal(of_status(pids[0], "Gid"), (int)at[1].gid);
	/* no rights: no capabilities, a filter of system calls */
	assert_int_equal(of_status(pids[0], "Seccomp"), 2);
	assert_non_null(strstr(of_process(pids[0], "status"), "\nCapPrm:\t0000000000000000"));
}

static void who_stands_is_not_made_again(void **state)
{
	struct proto_ps_entry at[] = { a_process(6, 5, "a"), a_process(7, 6, "b"), a_process(8, 6, "c") };
	pid_t before[3];
	size_t left_out;

	(void)state;
	assert_int_equal(make(at, 3, &left_out), 3);
	memcpy(before, pids, sizeof(before));
	assert_int_equal(make(at, 3, &left_out), 3);
	assert_memory_equal(before, pids, sizeof(before));
	/* one executes something else; one ends, and its number is another one's */
	at[1].args = "B";
	at[2].start_ticks++;
	assert_int_equal(make(at, 3, &left_out), 3);
	assert_int_equal(pids[0], before[0]);
	assert_int_not_equal(pids[1], before[1]);
	assert_int_not_equal(pids[2], before[2]);
	assert_string_equal(of_process(pids[1], "cmdline"), "B");
	wait_gone(before[1]);
	wait_gone(before[2]);
	/* the file was damaged: those that nobody knows end when their time is over, and new ones stand */
	assert_int_equal(unlinkat(dir.fd, STANDINS_FILE, 0), 0);
	memcpy(before, pids, sizeof(before));
	assert_int_equal(make(at, 1, &left_out), 1);
	assert_int_not_equal(pids[0], before[0]);
}

static void however_many_a_guest_has(void **state)
{
	size_t left_out;

	(void)state;
	for (uint32_t i = 0; i < MADE; i++)
		many[i] = a_process(10 + i, i < CHAIN ? 9 + i : 1, "x");
	assert_int_equal(make(many, MADE, &left_out), STANDING);
	assert_int_equal(left_out, MADE - STANDING);
	assert_int_equal(of_status(pids[CHAIN - 1], "PPid"), pids[CHAIN - 2]);
	/* nothing stands for a container that has ended */
	(void)kill(container.pid, SIGKILL);
	(void)exit_wait(container.pid, NULL);
	for (size_t i = 0; i < STANDING; i++)
		wait_gone(pids[i]);
	assert_int_equal(make(many, MADE, &left_out), 0);
	assert_int_equal(left_out, 0);
	container.pid = 0;
}

/* How many processes are called as all those of this test are. */
static int count_all(void)
{
	autofree char *text = NULL;
	struct dirent *e;
	char path[300];
	int n = 0;
	DIR *proc = opendir("/proc");

	assert_non_null(proc);
	while ((e = readdir(proc))) {
		const pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		(void)snprintf(path, sizeof(path), "%s/comm", e->d_name);
		if (pid > 0 && pid != getpid() && pid != container.pid && state_pid_start(pid) &&
			fd_read_file(dirfd(proc), path, 64, &text, NULL) == 0) {
			text[strcspn(text, "\n")] = '\0';
			n += strcmp(text, called) == 0;
		}
		free(steal_ptr(text));
	}
	(void)closedir(proc);
	return n;
}

/* Whoever made them was killed in the middle: the next one finds those that stand, and nobody is left in the end. */
static void a_ps_that_is_killed_leaves_nobody(void **state)
{
	size_t left_out;

	(void)state;
	for (uint32_t i = 0; i < MADE; i++)
		many[i] = a_process(10 + i, i < CHAIN ? 9 + i : 1, "x");
	for (int round = 0; round < 4; round++) {
		pid_t pid;

		(void)fflush(NULL);
		pid = fork();
		if (pid == 0) {
			(void)make(many, MADE, &left_out);
			_exit(0);
		}
		for (int i = 0; i < WAIT_S * 100 && count_all() < 1 + MADE / 15 * round; i++)
			pause_ms(10);
		(void)kill(pid, SIGKILL);
		(void)exit_wait(pid, NULL);
	}
	assert_int_equal(make(many, MADE, &left_out), STANDING);
	(void)kill(container.pid, SIGKILL);
	(void)exit_wait(container.pid, NULL);
	container.pid = 0;
	for (int i = 0; i < WAIT_S * 100 && count_all(); i++)
		pause_ms(10);
	assert_int_equal(count_all(), 0);
}

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) && chmod(root, 0700) == 0 ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return rmdir(root);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_has_somebody_on_the_host_needs_nobody),
		cmocka_unit_test(a_guest_that_lies_about_parents_gets_nobody_for_them),
		cmocka_unit_test(there_are_bounds_and_places_are_used_again),
		cmocka_unit_test_setup_teardown(they_look_like_the_guests, begin, finish),
		cmocka_unit_test_setup_teardown(who_stands_is_not_made_again, begin, finish),
		cmocka_unit_test_setup_teardown(however_many_a_guest_has, begin, finish),
		cmocka_unit_test_setup_teardown(a_ps_that_is_killed_leaves_nobody, begin, finish),
	};

	(void)snprintf(called, sizeof(called), "tsi%d", getpid());
	if (!proctitle_init(argc, argv))
		return 1;
	return run_counted_tests(tests, make_root, remove_root);
}
