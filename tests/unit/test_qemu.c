/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The qemu engine with a false QEMU: the command line, staging, the life of a VM, and each way in which it can go
 * wrong.
 *
 * The false QEMU is this program again, under a name that says how it behaves (fake_main() below). Tests that need root
 * and mounts are skipped without them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "tests/unit/qemu_bench.h"
#include "vm/choose/choose.h"
#include "vm/engine.h"
#include "vm/guestlog.h"
#include "vm/qemu/argv.h"
#include "vm/qemu/process.h"
#include "vm/qemu/program.h"
#include "vm/qemu/tsc.h"

/* ---- the false QEMU ---- */

/* Whether what stands behind the option @name can be opened for writing. */
static const char *fake_write(char **argv, const char *name)
{
	for (; argv[0] && argv[1]; argv++) {
		if (!strcmp(argv[0], name))
			return open(argv[1], O_RDWR | O_CLOEXEC) < 0 ? strerror(errno) : "yes";
	}
	return "no such option";
}

/* Lists, after the boot, what it sees of the file system over the agent's channel. */
static void fake_look(int agent, char **argv)
{
	static const char *const seen[] = { "/", "/etc", "/private/c/rootfs/marker", "/shared/c/0/file",
		"/proc/self/fd/0", "/proc/1", NULL };
	struct rlimit core = { 1, 1 };
	struct stat st;

	(void)getrlimit(RLIMIT_CORE, &core);
	dprintf(agent, "dumpable %d, core %d\n", prctl(PR_GET_DUMPABLE), (int)core.rlim_max);
	dprintf(agent, "kill %d, owner %d, limit %d\n", kill(getppid(), 0), fcntl(agent, F_SETOWN, getppid()),
		prlimit(getppid(), RLIMIT_CPU, NULL, &core));
	dprintf(agent, "kernel %s\ninitrd %s\n", fake_write(argv, "-kernel"), fake_write(argv, "-initrd"));
	for (int i = 0; seen[i]; i++)
		dprintf(agent, "%s %s\n", seen[i], stat(seen[i], &st) == 0 ? "yes" : "no");
	dprintf(agent, "mkdir %s\n", mkdirat(AT_FDCWD, "/private/x", 0700) < 0 ? strerror(errno) : "yes");
	dprintf(agent, "write %s\n",
		open("/private/c/rootfs/new", O_CREAT | O_WRONLY, 0600) < 0 ? strerror(errno) : "yes");
	dprintf(agent, "read-only %s\n",
		open("/shared/c/1/new", O_CREAT | O_WRONLY, 0600) < 0 ? strerror(errno) : "yes");
	dprintf(agent, "mount %s\n", mount("x", "/private", "tmpfs", 0, NULL) < 0 ? strerror(errno) : "yes");
}

static int fake_main(const char *how, char **argv)
{
	int qmp = fake_fd(argv, "id=qmp"), agent = fake_fd(argv, "id=agent");
	int serial = fake_fd(argv, "id=serial");

	if (!strcmp(how, "dies")) {
		fprintf(stderr, "first line\nqemu-system-x86_64: -accel kvm: no \033[31mluck\n\n");
		return 1;
	}
	if (!strcmp(how, "silent"))
		return 5;
	if (!strcmp(how, "garbage")) {
		fake_say(qmp, "hello\n");
		pause();
	}
	if (!strcmp(how, "refuses")) {
		fake_say(qmp, GREETING);
		fake_hear(qmp, "qmp_capabilities");
		fake_say(qmp, "{\"id\": 1, \"error\": {\"class\": \"GenericError\", \"desc\": \"not today\"}}\n");
		pause();
	}
	if (!strcmp(how, "mute")) {
		(void)close(STDERR_FILENO);
		(void)usleep(300000); /* so long that waiting for it would be seen */
	}
	fake_boot(qmp);
	if (!strcmp(how, "looks"))
		fake_look(agent, argv);
	else if (!strcmp(how, "crashes"))
		(void)raise(SIGKILL);
	else if (!strcmp(how, "panics"))
		fake_say(serial, "[    0.1] Kernel panic - not syncing: Oh dear\r\n[    0.2] ---[ end ]---\r\n");
	else if (!strcmp(how, "stops"))
		fake_say(qmp, STOPPED);
	else if (!strcmp(how, "babbles"))
		fake_say(qmp, "{\"event\": ]\n");
	if (!strcmp(how, "reboots") || !strcmp(how, "panics"))
		fake_say(qmp, EVENT("SHUTDOWN", "guest-reset"));
	else if (!strcmp(how, "looks") || !strcmp(how, "offs"))
		fake_say(qmp, EVENT("SHUTDOWN", "guest-shutdown"));
	else if (!strcmp(how, "told"))
		fake_say(qmp, EVENT("SHUTDOWN", "host-signal"));
	for (;;)
		pause();
}

/* ---- how it ends ---- */

struct end_case {
	const char *fake;
	enum vm_exit how;
	const char *detail;
};

static const struct end_case end_cases[] = {
	{ "offs", VM_EXIT_POWEROFF, "the guest powered off" },
	{ "reboots", VM_EXIT_RESET, "guest reset" },
	{ "panics", VM_EXIT_RESET, "guest kernel panicked: Kernel panic - not syncing: Oh dear" },
	{ "crashes", VM_EXIT_FAILED, "qemu: killed by signal 9" },
	{ "stops", VM_EXIT_FAILED, "qemu: stopped the guest on an internal error" },
	{ "babbles", VM_EXIT_FAILED, "qemu: sent something that is not QMP" },
	{ "told", VM_EXIT_FAILED, "qemu: shut down from outside" },
};

static void reports_each_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(end_cases); i++) {
		const struct end_case *c = &end_cases[i];
		struct bench b;
		struct vm *vm;

		bench_open(&b, c->fake);
		vm = bench_new(&b);
		bench_run(&b, vm);
		if (b.how != c->how || strcmp(b.detail, c->detail))
			fail_msg("%s: wanted %d \"%s\", got %d \"%s\"", c->fake, (int)c->how, c->detail, (int)b.how,
				b.detail);
		assert_true(vm_end(vm, 60000)); /* it waits no longer than it must */
		assert_true(vm_end(vm, 0));
		vm_free(vm);
		bench_close(&b);
	}
}

/* As poll(2), which is counted. */
static unsigned int polls;
int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	polls++;
	return __real_poll(fds, n, timeout);
}

/* A QEMU that has closed its stderr, and takes its time, is waited for without asking all the time. */
static void a_closed_stderr_is_not_waited_for(void **state)
{
	struct err err = ERR_INIT;
	struct bench b;
	const struct vm_events events = { .on_exit = bench_on_exit, .arg = &b };
	struct vm *vm;

	(void)state;
	bench_open(&b, "mute");
	vm = bench_new(&b);
	polls = 0;
	if (vm_start(vm, b.loop, &events, &err) < 0)
		fail_msg("vm_start: %s", err.msg);
	assert_in_range(polls, 1, 50); /* it was some 100,000 */
	vm_free(vm);
	bench_close(&b);
}

static void on_turn(void *arg)
{
	loop_stop(arg);
}

/* As recv(2), of a QEMU that says more whenever it is read from. */
static bool flood;
ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
	if (!flood)
		return __real_recv(fd, buf, len, flags);
	for (size_t i = 0; i < len; i++)
		((char *)buf)[i] = "{}\n"[i % 3];
	return (ssize_t)(len / 3 * 3);
}

/* A QEMU that the guest has broken into may write faster than it is read: the loop serves others nevertheless. */
static void a_flood_does_not_keep_the_loop(void **state)
{
	struct err err = ERR_INIT;
	struct bench b;
	const struct vm_events events = { .on_exit = bench_on_exit, .arg = &b };
	struct watch *turn;
	struct vm *vm;

	(void)state;
	bench_open(&b, "idles");
	vm = bench_new(&b);
	if (vm_start(vm, b.loop, &events, &err) < 0)
		fail_msg("vm_start: %s", err.msg);
	flood = true;
	assert_int_equal(timer_new(b.loop, 20, on_turn, b.loop, &turn), 0);
	for (int n = 0; n < 3; n++) {
		assert_int_equal(loop_run(b.loop), 0);
		assert_int_equal(timer_set(turn, 20), 0);
	}
	flood = false;
	assert_int_equal(b.exits, 0);
	watch_free(turn);
	assert_true(vm_end(vm, 60000));
	vm_free(vm);
	bench_close(&b);
}

/* The same of its standard error. */
static void complaints_without_an_end(void **state)
{
	struct qemu_process p = QEMU_PROCESS_INIT;

	(void)state;
	p.stderr_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	assert_true(p.stderr_fd >= 0);
	assert_int_equal(qemu_process_read_stderr(&p), 0);
	assert_int_equal(p.tail_len, sizeof(p.tail));
	qemu_process_done(&p);
}

struct start_case {
	const char *fake;
	const char *message;
};

static const struct start_case start_cases[] = {
	{ "dies", "qemu: -accel kvm: no  [31mluck" },
	{ "silent", "qemu: ended with status 5" },
	{ "garbage", "qemu: its control socket: Bad message" },
	{ "refuses", "qmp_capabilities: qemu: not today" },
};

static void reports_a_failing_start(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(start_cases); i++) {
		const struct start_case *c = &start_cases[i];
		const struct vm_events events = { .on_exit = bench_on_exit };
		struct err err = ERR_INIT;
		struct bench b;
		struct vm *vm;

		bench_open(&b, c->fake);
		vm = bench_new(&b);
		assert_true(vm_start(vm, b.loop, &events, &err) < 0);
		if (strcmp(err.msg, c->message))
			fail_msg("%s: wanted \"%s\", got \"%s\"", c->fake, c->message, err.msg);
		vm_free(vm);
		assert_int_equal(b.exits, 0);
		bench_close(&b);
	}
}

static void ends_before_the_start(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, "offs");
	vm_free(bench_new(&b));
	bench_close(&b);
}

static void refuses_bad_configurations(void **state)
{
	struct err err = ERR_INIT;
	struct bench b;
	struct vm *vm = NULL;

	(void)state;
	bench_open(&b, "offs");
	b.cfg.kernel_path = "/nonexistent/vmlinux";
	assert_int_equal(vm_new(&b.cfg, &vm, &err), -ENOENT);
	assert_string_equal(err.msg, "vm: kernel \"/nonexistent/vmlinux\": No such file or directory");
	b.cfg.kernel_path = "/dev/null";
	b.cfg.qemu_path = "/nonexistent/qemu";
	assert_int_equal(vm_new(&b.cfg, &vm, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "qemu-system-x86"));
	b.cfg.qemu_path = b.program;
	b.cfg.vcpus = VM_VCPUS_MAX + 1;
	assert_int_equal(vm_new(&b.cfg, &vm, &err), -EINVAL);
	b.cfg.vcpus = 1;
	b.cfg.mem_bytes = VM_MEM_MIN + 4096;
	assert_int_equal(vm_new(&b.cfg, &vm, &err), -EINVAL);
	b.cfg.mem_bytes = VM_MEM_MIN;
	b.cfg.runtime_dir = "/nonexistent/runtime";
	assert_int_equal(vm_new(&b.cfg, &vm, &err), -ENOENT);
	assert_null(vm);
	bench_close(&b);
}

static int clone_tree(const char *path)
{
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		fail_msg("open_tree %s: %s", path, strerror(errno));
	return fd;
}

static void shows_exports_and_nothing_else(void **state)
{
	static const char wanted[] =
		"dumpable 0, core 0\nkill -1, owner -1, limit -1\nkernel Read-only file system\ninitrd Read-only file "
		"system\n/ yes\n/etc no\n/private/c/rootfs/marker yes\n/shared/c/0/file yes\n"
		"/proc/self/fd/0 yes\n/proc/1 no\nmkdir Read-only file system\nwrite yes\n"
		"read-only Read-only file system\nmount Function not implemented\n";
	struct err err = ERR_INIT;
	char got[1024], file[256];
	struct bench b;
	struct vm *vm;
	ssize_t n;

	(void)state;
	bench_open(&b, "looks");
	(void)snprintf(file, sizeof(file), "%s/marker", b.exports);
	b.cfg.kernel_path = b.cfg.initrd_path = file;
	vm = bench_new(&b);
	assert_int_equal(vm_share_add(vm, VM_SHARE_PRIVATE, "c/rootfs", clone_tree(b.exports), 0, &err), 0);
	assert_int_equal(vm_share_add(vm, VM_SHARE_SHARED, "c/0/file", clone_tree(file), 0, &err), 0);
	assert_int_equal(vm_share_add(vm, VM_SHARE_SHARED, "c/1", clone_tree(b.exports), VM_SHARE_READ_ONLY, &err), 0);
	assert_int_equal(vm_share_add(vm, VM_SHARE_SHARED, "c/1", clone_tree(b.exports), 0, &err), -EEXIST);
	for (const char *const *bad =
			(const char *const[]){ "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.", NULL };
		*bad; bad++)
		assert_int_equal(vm_share_add(vm, VM_SHARE_SHARED, *bad, clone_tree(b.exports), 0, &err), -EINVAL);
	bench_run(&b, vm);
	/* All of it was written before the event that ended the run. */
	n = recv(vm_channel_fd(vm), got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, wanted);
	assert_true(vm_share_add(vm, VM_SHARE_SHARED, "late", clone_tree(b.exports), 0, &err) < 0);
	vm_free(vm);
	bench_close(&b);
}

static void dies_with_its_monitor(void **state)
{
	struct bench b;
	int alive[2];
	char byte;
	pid_t pid;

	(void)state;
	bench_open(&b, "reboots");
	/* Every process of the VM inherits the pipe's write end, so its read end shows when all of them have gone. */
	assert_int_equal(pipe2(alive, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		b.cfg.nics_len = 1;
		b.cfg.nics[0] = (struct vm_nic){ .fds = { alive[1] }, .pairs = 1 };
		(void)bench_new(&b);
		(void)raise(SIGKILL);
	}
	close(alive[1]);
	assert_int_equal(read(alive[0], &byte, 1), 0);
	close(alive[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	bench_close(&b);
}

/* ---- the command line ---- */

static bool has_pair(char **argv, const char *option, const char *value)
{
	for (; argv[0] && argv[1]; argv++) {
		if (!strcmp(argv[0], option) && !strcmp(argv[1], value))
			return true;
	}
	return false;
}

static void makes_the_command_line(void **state)
{
	struct vm_config cfg = { .cmdline = "quiet,x=y --flag",
		.vcpus = 3,
		.mem_bytes = 256 * MIB,
		.nics_len = 3,
		.nics = { { .fds = { 40 }, .pairs = 1, .mac = { 2, 0, 0, 0xa, 0xb, 0xc }, .mtu = 1400 },
			{ .fds = { 41, 43, 44 }, .pairs = 3, .mtu = 1500 },
			{ .fds = { 42 }, .pairs = 1, .stream = true } } };
	struct qemu_plan plan = { .program = "/usr/bin/q",
		.cfg = &cfg,
		.tsc_khz = 2600000,
		.kernel_fd = 10,
		.initrd_fd = 11,
		.qmp_fd = 12,
		.agent_fd = 13,
		.serial_fd = 14 };
	char **argv = qemu_argv_make(&plan);

	(void)state;
	assert_non_null(argv);
	assert_string_equal(argv[0], "/usr/bin/q");
	assert_true(has_pair(argv, "-accel", "tcg"));
	assert_true(has_pair(argv, "-cpu", "max"));
	assert_true(has_pair(argv, "-smp", "3"));
	assert_true(has_pair(argv, "-m", "262144K"));
	assert_true(has_pair(argv, "-append",
		"console=ttyS0 reboot=t quiet,x=y --flag no_timer_check tsc_early_khz=2600000 tsc=reliable"));
	assert_true(has_pair(argv, "-kernel", "/proc/self/fd/10"));
	assert_true(has_pair(argv, "-netdev", "tap,id=net1,fds=41:43:44"));
	assert_true(has_pair(argv, "-netdev", "tap,id=net0,fd=40"));
	assert_true(has_pair(argv, "-netdev", "socket,id=net2,fd=42"));
	assert_true(has_pair(argv, "-device", "virtio-net-device,netdev=net0,mac=02:00:00:0a:0b:0c,host_mtu=1400"));
	assert_true(
		has_pair(argv, "-device", "virtio-net-device,netdev=net1,mac=00:00:00:00:00:00,mq=on,host_mtu=1500"));
	assert_true(has_pair(argv, "-device", "virtio-net-device,netdev=net2,mac=00:00:00:00:00:00"));
	free(argv);

	plan.kvm = true;
	argv = qemu_argv_make(&plan);
	assert_non_null(argv);
	assert_true(has_pair(argv, "-accel", "kvm"));
	assert_true(has_pair(argv, "-cpu", "host"));
	assert_true(has_pair(argv, "-append", "console=ttyS0 reboot=t quiet,x=y --flag"));
	free(argv);
}

static void finds_the_program(void **state)
{
	char dir[] = "/tmp/test-qemu.XXXXXX", path[4096], wanted[128];
	char *saved = strdup(getenv("PATH") ? getenv("PATH") : "");

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(wanted, sizeof(wanted), "%s/qemu-fake", dir);
	assert_int_equal(symlink("/bin/sh", wanted), 0);
	assert_int_equal(setenv("PATH", dir, 1), 0);
	assert_int_equal(qemu_program_find("qemu-fake", path, sizeof(path)), 0);
	assert_string_equal(path, wanted);
	assert_int_equal(qemu_program_find(wanted, path, sizeof(path)), 0);
	assert_int_equal(qemu_program_find("sh", path, sizeof(path)), 0); /* it is in a usual directory, not in $PATH */
	assert_int_equal(qemu_program_find("qemu-none", path, sizeof(path)), -ENOENT);
	assert_int_equal(qemu_program_find("qemu-fake", path, 8), -ENAMETOOLONG);
	/* Empty and relative entries are not searched. */
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(setenv("PATH", ":.:", 1), 0);
	assert_int_equal(qemu_program_find("qemu-fake", path, sizeof(path)), -ENOENT);
	assert_int_equal(setenv("PATH", saved, 1), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(unlink(wanted), 0);
	assert_int_equal(rmdir(dir), 0);
	free(saved);
}

static void measures_the_counter(void **state)
{
	struct tsc_sample from = tsc_sample();
	unsigned int first = tsc_khz_since(from), second = tsc_khz_since(from);

	(void)state;
	assert_true(first > 0);
	/* Two spans from the same start must agree to 0.1 %, or neither is worth telling a kernel. */
	assert_in_range(second, first - first / 1000, first + first / 1000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_command_line),
		cmocka_unit_test(finds_the_program),
		cmocka_unit_test(measures_the_counter),
		cmocka_unit_test(reports_each_end),
		cmocka_unit_test(a_closed_stderr_is_not_waited_for),
		cmocka_unit_test(a_flood_does_not_keep_the_loop),
		cmocka_unit_test(complaints_without_an_end),
		cmocka_unit_test(reports_a_failing_start),
		cmocka_unit_test(ends_before_the_start),
		cmocka_unit_test(refuses_bad_configurations),
		cmocka_unit_test(shows_exports_and_nothing_else),
		cmocka_unit_test(dies_with_its_monitor),
	};

	(void)argc;
	bench_begin(argv, fake_main);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
