/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: IDs, uniqueness, what survives writing and reading, what a crash looks like. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "container/state.h"
#include "tests/unit/group.h"

static char root[64];

static int make_root(void **state)
{
	(void)state;
	(void)strcpy(root, "/tmp/test_state.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return rmdir(root);
}

static void test_ids(void **unused_state)
{
	static const struct {
		const char *id;
		int want;
	} cases[] = {
		{ "a", 0 },
		{ "A-b_c.d+e,9", 0 },
		{ "...", 0 },
		{ "", -EINVAL },
		{ ".", -EINVAL },
		{ "..", -EINVAL },
		{ "a/b", -EINVAL },
		{ "a b", -EINVAL },
		{ "\xc3\xa4", -EINVAL },
		{ "a\n", -EINVAL },
		{ "/", -EINVAL },
	};
	char longest[STATEDIR_ID_MAX + 2];
	struct err err;

	(void)unused_state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int got = statedir_check_id(cases[i].id, &err);

		if (got != cases[i].want)
			fail_msg("\"%s\": wanted %d, got %d", cases[i].id, cases[i].want, got);
	}
	memset(longest, 'x', sizeof(longest));
	longest[STATEDIR_ID_MAX + 1] = '\0';
	assert_int_equal(statedir_check_id(longest, &err), -EINVAL);
	longest[STATEDIR_ID_MAX] = '\0';
	assert_int_equal(statedir_check_id(longest, &err), 0);
}

static void fill(struct state *s)
{
	*s = (struct state){ .pid = getpid(), .pid_start = state_pid_start(getpid()), .owner = 12 };
	s->id = strdup("c1");
	s->oci_version = strdup("1.0.2");
	s->bundle = strdup("/b/\"quoted\"\n");
	s->rootfs = strdup("/b/rootfs");
	s->created = strdup("2024-01-02T03:04:05.000000006Z");
	s->engine = strdup("qemu");
	assert_int_equal(state_annotate(s, "org.x", "y\xc3\xa4"), 0);
	s->cgroups.unit = strdup("vmrunc-x.scope");
	assert_non_null(s->cgroups.unit);
	assert_int_equal(strv_add(&s->cgroups.dirs, "/sys/fs/cgroup/x"), 0);
	assert_int_equal(strv_add(&s->cgroups.made, "/sys/fs/cgroup/x"), 0);
}

/* What `state` prints, byte for byte: engines parse it, and people read it. */
static void test_document(void **unused_state)
{
	autofree char *indented = NULL, *compact = NULL;
	struct err err = ERR_INIT;
	struct state s;

	(void)unused_state;
	fill(&s);
	s.pid = 42;
	assert_int_equal(state_json(&s, STATUS_RUNNING, true, &indented, &err), 0);
	assert_string_equal(indented, "{\n"
				      "  \"ociVersion\": \"1.0.2\",\n"
				      "  \"id\": \"c1\",\n"
				      "  \"pid\": 42,\n"
				      "  \"status\": \"running\",\n"
				      "  \"bundle\": \"/b/\\\"quoted\\\"\\n\",\n"
				      "  \"rootfs\": \"/b/rootfs\",\n"
				      "  \"created\": \"2024-01-02T03:04:05.000000006Z\",\n"
				      "  \"annotations\": {\n"
				      "    \"org.x\": \"y\xc3\xa4\"\n"
				      "  },\n"
				      "  \"owner\": \"\"\n"
				      "}\n");
	s.owner = 0;
	s.bundle[0] = '\xff';
	assert_int_equal(state_json(&s, STATUS_STOPPED, false, &compact, &err), 0);
	assert_string_equal(compact,
		"{\"ociVersion\":\"1.0.2\",\"id\":\"c1\",\"pid\":0,\"status\":\"stopped\","
		"\"bundle\":\"\xef\xbf\xbd"
		"b/\\\"quoted\\\"\\n\",\"rootfs\":\"/b/rootfs\","
		"\"created\":\"2024-01-02T03:04:05.000000006Z\",\"annotations\":{\"org.x\":\"y\xc3\xa4\"},"
		"\"owner\":\"root\"}");
	state_done(&s);
}

/* A reader that sees another pid gets the same document otherwise. */
static void test_without_pid(void **unused_state)
{
	autofree char *whole = NULL, *head = NULL, *tail = NULL;
	struct err err = ERR_INIT;
	struct state s;
	char joined[1024];

	(void)unused_state;
	fill(&s);
	assert_int_equal(state_annotate(&s, "pid", "\"pid\":7"), 0);
	assert_int_equal(state_json_without_pid(&s, STATUS_CREATED, &head, &tail, &err), 0);
	s.pid = 17;
	assert_int_equal(state_json(&s, STATUS_CREATED, false, &whole, &err), 0);
	(void)snprintf(joined, sizeof(joined), "%s%d%s", head, 17, tail);
	assert_string_equal(joined, whole);
	state_done(&s);
}

static void test_round_trip(void **unused_state)
{
	struct statedir dir, second;
	struct err err = ERR_INIT;
	struct state s, t;

	(void)unused_state;
	fill(&s);
	assert_int_equal(statedir_create(root, "c1", &dir, &err), 0);
	assert_int_equal(statedir_create(root, "c1", &second, &err), -EEXIST);
	assert_non_null(strstr(err.msg, "already exists"));
	assert_int_equal(state_save(&dir, &s, &err), 0);
	assert_int_equal(state_load(&dir, &t, &err), 0);
	assert_string_equal(t.id, s.id);
	assert_string_equal(t.bundle, s.bundle);
	assert_string_equal(t.created, s.created);
	assert_string_equal(t.engine, s.engine);
	assert_int_equal(t.pid, s.pid);
	assert_true(t.pid_start == s.pid_start && t.pid_start != 0);
	assert_int_equal(t.owner, 12);
	assert_int_equal(t.annotations_len, 1);
	assert_string_equal(t.annotations[0].value, "y\xc3\xa4");
	assert_string_equal(t.cgroups.unit, "vmrunc-x.scope");
	assert_int_equal(t.cgroups.dirs.n, 1);
	assert_string_equal(t.cgroups.made.v[0], "/sys/fs/cgroup/x");
	state_done(&t);
	state_done(&s);
	assert_int_equal(statedir_remove(&dir, &err), 0);
	statedir_close(&dir);
	assert_int_equal(statedir_open(root, "c1", &dir, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "container does not exist"));
}

static enum status status_of(const struct statedir *dir, const struct state *s)
{
	enum status status = STATUS_PAUSED;
	struct err err = ERR_INIT;

	assert_int_equal(state_status(dir, s, &status, &err), 0);
	return status;
}

/* Which status shows in each combination of word, lock and living process. */
static void test_status(void **unused_state)
{
	struct statedir dir = STATEDIR_NONE, other = STATEDIR_NONE;
	struct err err = ERR_INIT;
	struct state s;
	int fd;

	(void)unused_state;
	fill(&s);
	assert_int_equal(statedir_create(root, "c2", &dir, &err), 0);
	assert_int_equal(statedir_open(root, "c2", &other, &err), 0);
	/* there is no word yet, and the creator holds the lock */
	assert_int_equal(status_of(&other, &s), STATUS_CREATING);
	fd_close(steal_fd(&dir.lock_fd));
	assert_int_equal(status_of(&other, &s), STATUS_STOPPED);
	fd = state_status_open(&dir);
	assert_true(fd >= 0);
	assert_int_equal(state_status_write(fd, STATUS_CREATED), 0);
	assert_int_equal(status_of(&other, &s), STATUS_CREATED);
	assert_int_equal(state_status_write(fd, STATUS_RUNNING), 0);
	assert_int_equal(status_of(&other, &s), STATUS_RUNNING);
	/* the same pid with another start time is another process */
	s.pid_start++;
	assert_int_equal(status_of(&other, &s), STATUS_STOPPED);
	assert_int_equal(state_pidfd(&s), -ESRCH);
	close(fd);
	state_done(&s);
	assert_int_equal(statedir_remove(&other, &err), 0);
	statedir_close(&other);
	statedir_close(&dir);
}

/* A zombie counts as gone: its parent has not waited for it yet, but the container has ended. */
static void test_zombie(void **unused_state)
{
	pid_t pid = fork();
	siginfo_t info;

	(void)unused_state;
	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(state_pid_start(pid) == 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A directory without state.json, which a killed create leaves, can be opened and removed. */
static void test_wreck(void **unused_state)
{
	struct statedir dir = STATEDIR_NONE;
	struct err err = ERR_INIT;
	struct state s;
	int fd;

	(void)unused_state;
	assert_int_equal(statedir_create(root, "c3", &dir, &err), 0);
	assert_int_equal(state_load(&dir, &s, &err), -ENODATA);
	fd = openat(dir.fd, "state.json", O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "{\"id\": ", 7), 7);
	close(fd);
	assert_int_equal(state_load(&dir, &s, &err), -ENODATA);
	assert_int_equal(mkdirat(dir.fd, "vm", 0700), 0);
	assert_int_equal(mkdirat(dir.fd, "vm/deeper", 0700), 0);
	assert_int_equal(symlinkat("/etc", dir.fd, "vm/link"), 0);
	assert_int_equal(statedir_remove(&dir, &err), 0);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	statedir_close(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_document),
		cmocka_unit_test(test_without_pid),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_zombie),
		cmocka_unit_test(test_wreck),
	};

	return run_counted_tests(tests, make_root, remove_root);
}
