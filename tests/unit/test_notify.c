/* SPDX-License-Identifier: Apache-2.0 */
/* sd_notify(3) of a container that says more than it should: READY is heard, and nobody is kept from anything else. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "life/interrupt.h"
#include "life/life.h"
#include "life/notify.h"
#include "tests/unit/tempdir.h"

#define JUNK "STATUS=READY=1" /* which no line begins with READY of */
#define AT_ONCE 64            /* messages that one call looks at */

static char dir[] = "/tmp/vmrunc-test-notify-XXXXXX";
static int manager = -1, container = -1; /* the service manager's socket; the container's end */
static pid_t monitor;
static struct notify *notify;

/* What the container has sent: so many messages of junk, then perhaps READY; as the socket itself holds only few. */
static struct {
	unsigned int junk, taken;
	bool ready;
} sent;

int __wrap_container_load(
	const struct settings *settings, const char *id, struct state *s, enum status *ret_status, struct err *err);
int __wrap_statedir_open(const char *root, const char *id, struct statedir *ret, struct err *err);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);
ssize_t __real_recv(int fd, void *to, size_t size, int flags);
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms);
int __real_poll(struct pollfd *p, nfds_t n, int timeout_ms);

int __wrap_container_load(
	const struct settings *settings, const char *id, struct state *s, enum status *ret_status, struct err *err)
{
	(void)settings;
	(void)id;
	(void)err;
	s->pid = monitor;
	*ret_status = STATUS_CREATED;
	return 0;
}

int __wrap_statedir_open(const char *root, const char *id, struct statedir *ret, struct err *err)
{
	(void)root;
	(void)id;
	(void)err;
	ret->fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

ssize_t __wrap_recv(int fd, void *to, size_t size, int flags)
{
	const char *text = sent.junk > 0 ? JUNK : "A=1\nREADY=1\nB=2";

	if (fd != notify_fd(notify))
		return __real_recv(fd, to, size, flags);
	if (sent.junk == 0 && !sent.ready)
		return __real_recv(fd, to, size, flags);
	if (sent.junk > 0)
		sent.junk--;
	else
		sent.ready = false;
	sent.taken++;
	assert_true(strlen(text) <= size);
	memcpy(to, text, strlen(text));
	return (ssize_t)strlen(text);
}

/* The service manager knows no barrier, and ends the wait for it. */
int __wrap_poll(struct pollfd *p, nfds_t n, int timeout_ms)
{
	return n == 1 ? 0 : __real_poll(p, n, timeout_ms);
}

/* A datagram socket that is bound to @name in the directory, or, if @connected, connected to it. */
static int socket_at(const char *name, bool connected)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", dir, name);
	assert_int_equal((connected ? connect : bind)(fd, (const struct sockaddr *)&sun, (socklen_t)sizeof(sun)), 0);
	return fd;
}

static int setup(void **state)
{
	char path[128];
	struct err err = ERR_INIT;
	struct settings settings = { .root = "" };

	(void)state;
	memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/" NOTIFY_DIR, dir);
	assert_int_equal(mkdir(path, 0700), 0);
	manager = socket_at("manager", false);
	(void)snprintf(path, sizeof(path), "%s/manager", dir);
	assert_int_equal(setenv(NOTIFY_ENV, path, 1), 0);
	monitor = fork();
	if (monitor == 0) {
		(void)pause();
		_exit(0);
	}
	memset(&sent, 0, sizeof(sent));
	(void)snprintf(settings.root, sizeof(settings.root), "%s", dir);
	assert_int_equal(notify_new(&settings, "one", &notify, &err), 0);
	assert_non_null(notify);
	container = socket_at(NOTIFY_DIR "/" NOTIFY_NAME, true);
	return 0;
}

static void end_monitor(void)
{
	if (monitor > 0) {
		(void)kill(monitor, SIGKILL);
		(void)waitid(P_PID, (id_t)monitor, NULL, WEXITED | WNOWAIT);
	}
}

static int teardown(void **state)
{
	(void)state;
	end_monitor();
	(void)waitpid(monitor, NULL, 0);
	notify_free(notify);
	fd_close(container);
	fd_close(manager);
	tempdir_remove(dir);
	return 0;
}

/* The service manager has been told exactly this. */
static void manager_has(const char *const lines[])
{
	char msg[128];
	ssize_t len;

	for (; *lines; lines++) {
		len = __real_recv(manager, msg, sizeof(msg) - 1, 0);
		assert_true(len > 0);
		msg[len] = '\0';
		assert_string_equal(msg, *lines);
	}
	assert_int_equal(__real_recv(manager, msg, sizeof(msg), 0), -1);
}

/* One call takes so many messages and no more, whatever comes. */
static void a_call_has_a_bound(void **state)
{
	static const char *const nothing[] = { NULL }, *const ready[] = { "READY=1\n", NULL };

	(void)state;
	sent.junk = 2 * AT_ONCE + 1;
	sent.ready = true;
	for (unsigned int i = 1; i <= 2; i++) {
		assert_false(notify_take(notify));
		assert_int_equal(sent.taken, i * AT_ONCE);
	}
	manager_has(nothing);
	assert_true(notify_take(notify));
	manager_has(ready);
}

/* What a container has said before its end is heard, however much it is; the rest is a message of the socket's own. */
static void what_was_said_before_the_end_is_heard(void **state)
{
	char pid[64];
	const char *const told[] = { "READY=1\n", pid, "BARRIER=1", NULL };
	struct err err = ERR_INIT;

	(void)state;
	sent.junk = 3 * AT_ONCE;
	sent.ready = true;
	assert_int_equal(send(container, JUNK, sizeof(JUNK) - 1, 0), sizeof(JUNK) - 1);
	end_monitor();
	assert_int_equal(notify_wait(notify, -1, &err), 0);
	(void)snprintf(pid, sizeof(pid), "MAINPID=%ld\n", (long)monitor);
	manager_has(told);
}

/* A container that ends without READY is waited for no longer. */
static void an_end_without_it_is_an_end(void **state)
{
	static const char *const nothing[] = { NULL };
	struct err err = ERR_INIT;

	(void)state;
	sent.junk = 3 * AT_ONCE;
	assert_int_equal(send(container, JUNK, sizeof(JUNK) - 1, 0), sizeof(JUNK) - 1);
	end_monitor();
	assert_int_equal(notify_wait(notify, -1, &err), 0);
	assert_int_equal(sent.taken, 3 * AT_ONCE);
	manager_has(nothing);
}

/* One that goes on and never says READY is waited for until a signal comes, whatever it sends meanwhile. */
static void a_signal_ends_the_waiting(void **state)
{
	static const char *const nothing[] = { NULL };
	struct err err = ERR_INIT;
	int cancel = interrupt_open(&err);

	(void)state;
	assert_true(cancel >= 0);
	sent.junk = UINT_MAX;
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(notify_wait(notify, cancel, &err), -EINTR);
	assert_int_equal(err.exit_status, 128 + SIGTERM);
	assert_string_equal(err.msg, "interrupted by signal 15");
	manager_has(nothing);
	assert_int_equal(interrupt_take(cancel, &err), 0);
	assert_int_equal(interrupt_take(-1, &err), 0);
	sent.junk = 0; /* and now from poll(2) */
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	assert_int_equal(notify_wait(notify, cancel, &err), -EINTR);
	assert_int_equal(err.exit_status, 128 + SIGHUP);
	fd_close(cancel);
}

/* READY counts before a signal, which waits for whoever collects them next. */
static void a_signal_after_ready_is_kept(void **state)
{
	char pid[64];
	const char *const told[] = { "READY=1\n", pid, "BARRIER=1", NULL };
	struct err err = ERR_INIT;
	int cancel = interrupt_open(&err);

	(void)state;
	sent.ready = true;
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(notify_wait(notify, cancel, &err), 0);
	(void)snprintf(pid, sizeof(pid), "MAINPID=%ld\n", (long)monitor);
	manager_has(told);
	fd_close(cancel);
	cancel = interrupt_open(&err);
	assert_int_equal(interrupt_take(cancel, &err), -EINTR);
	fd_close(cancel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_call_has_a_bound, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_said_before_the_end_is_heard, setup, teardown),
		cmocka_unit_test_setup_teardown(an_end_without_it_is_an_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_ends_the_waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(a_signal_after_ready_is_kept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
