/* SPDX-License-Identifier: Apache-2.0 */
/* A machine whose QEMU is false: see qemu_bench.h. */
#include "qemu_bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "vm/choose/choose.h"
#include "vm/guestlog.h"

#define TEST_TIMEOUT_S 120
#define HEAR_MS 20000 /* that a false QEMU waits for a command */
#define FAKE "/fake-" /* in front of how a false QEMU behaves, in its name */

/* ---- the false QEMU ---- */

int fake_fd(char **argv, const char *chardev)
{
	for (; *argv; argv++) {
		const char *fd;

		if (!strncmp(*argv, "socket,", 7) && strstr(*argv, chardev) && (fd = strstr(*argv, "fd=")))
			return atoi(fd + 3);
	}
	return -1;
}

void fake_say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(9);
}

void fake_hear(int fd, const char *word)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char line[256];
	size_t n = 0;

	(void)poll(&pfd, 1, HEAR_MS);
	while (pfd.revents && n < sizeof(line) - 1 && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	if (!strstr(line, word)) {
		fprintf(stderr, "wanted %s, heard %s\n", word, line);
		_exit(9);
	}
}

void fake_boot(int qmp)
{
	fake_say(qmp, GREETING);
	fake_hear(qmp, "qmp_capabilities");
	fake_say(qmp, OK(1));
	fake_hear(qmp, "cont");
	fake_say(qmp, OK(2));
}

/* ---- the test's side ---- */

static char self_path[4096];

static bool may_mount(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void touch(const char *dir, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd_close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}

void bench_open(struct bench *b, const char *fake)
{
	*b = (struct bench){ .dir = "/tmp/test-qemu.XXXXXX" };
	if (!may_mount())
		skip();
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->program, sizeof(b->program), "%s" FAKE "%s", b->dir, fake);
	(void)snprintf(b->runtime, sizeof(b->runtime), "%s/runtime, with comma", b->dir);
	(void)snprintf(b->exports, sizeof(b->exports), "%s/exports", b->dir);
	assert_int_equal(symlink(self_path, b->program), 0);
	assert_int_equal(mkdir(b->runtime, 0700), 0);
	assert_int_equal(mkdir(b->exports, 0755), 0);
	touch(b->exports, "marker");
	b->cfg = (struct vm_config){ .engine = VM_ENGINE_QEMU,
		.kernel_path = "/dev/null",
		.initrd_path = "/dev/null",
		.cmdline = "quiet",
		.vcpus = 1,
		.mem_bytes = VM_MEM_MIN,
		.qemu_path = b->program,
		.runtime_dir = b->runtime };
	assert_int_equal(guestlog_new(-1, SIZE_MAX, &b->cfg.log), 0);
	assert_int_equal(loop_new(&b->loop), 0);
}

void bench_close(struct bench *b)
{
	char path[256];

	guestlog_free(b->cfg.log);
	loop_free(b->loop);
	assert_int_equal(rmdir(b->runtime), 0); /* nothing was left in it, and nothing mounted on it */
	for (const char *const *name = (const char *const[]){ "marker", "new", NULL }; *name; name++) {
		(void)snprintf(path, sizeof(path), "%s/%s", b->exports, *name);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(b->exports), 0);
	assert_int_equal(unlink(b->program), 0);
	assert_int_equal(rmdir(b->dir), 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
	assert_int_equal(errno, ECHILD);
}

void bench_on_exit(void *arg, enum vm_exit how, const char *detail)
{
	struct bench *b = arg;

	b->exits++;
	b->how = how;
	(void)snprintf(b->detail, sizeof(b->detail), "%s", detail);
	loop_stop(b->loop);
}

struct vm *bench_new(struct bench *b)
{
	struct err err = ERR_INIT;
	struct vm *vm;

	if (vm_new(&b->cfg, &vm, &err) < 0)
		fail_msg("vm_new: %s", err.msg);
	return vm;
}

void bench_start(struct bench *b, struct vm *vm)
{
	const struct vm_events events = { .on_exit = bench_on_exit, .arg = b };
	struct err err = ERR_INIT;

	if (vm_start(vm, b->loop, &events, &err) < 0)
		fail_msg("vm_start: %s", err.msg);
	assert_int_equal(b->exits, 0); /* on_exit is never called from within vm_start() */
}

void bench_run(struct bench *b, struct vm *vm)
{
	bench_start(b, vm);
	assert_int_equal(loop_run(b->loop), 0);
	assert_int_equal(b->exits, 1);
}

void bench_begin(char **argv, fake_fn *fake)
{
	const char *how = strstr(argv[0], FAKE);

	/* Without exit(3): a leak checker would have its say there, since the false QEMU is traced for a moment. */
	if (how)
		_exit(fake(how + strlen(FAKE), argv));
	(void)alarm(TEST_TIMEOUT_S); /* a process that hangs makes the test fail */
	if (readlink("/proc/self/exe", self_path, sizeof(self_path) - 1) < 0)
		_exit(1);
}
