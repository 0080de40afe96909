/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's system call filter, loaded as it is with the kvm engine, and what an intruder would try under it. Each
 * call is made in a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel/syscalls.h"
#include "fs/fs.h"
#include "guest/syscalls.h"
#include "host/thread.h"
#include "jail/jail.h"
#include "monitor/syscalls.h"
#include "p9/p9.h"
#include "vm/guestlog.h"
#include "vm/virtio/device.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true /* their runtime makes calls of its own */
#else
#define SANITIZED false
#endif

static const struct vm_calls calls[] = {
	{ .names = monitor_syscalls, .ioctls = monitor_ioctls, .rules = monitor_syscall_rules },
	{ .names = guestlog_syscalls },
	{ .names = guest_syscalls },
	{ .names = channel_syscalls, .ioctls = channel_ioctls },
	{ .names = base_syscalls, .rules = base_syscall_rules },
	{ .names = virtio_syscalls },
	{ .names = thread_syscalls, .rules = thread_syscall_rules },
	{ .names = fs_syscalls, .rules = fs_syscall_rules },
	{ .names = p9_syscalls },
	{ .names = NULL },
};

/* The result of a system call as the kernel gives it. */
static long call(long result)
{
	return result < 0 ? -errno : result;
}

static int file, victim;
static void *page;

static long own(void)
{
	struct f_owner_ex ex = { .type = F_OWNER_PID, .pid = victim };

	return call(fcntl(file, F_SETOWN_EX, &ex));
}

static long set_owner(void)
{
	return call(fcntl(file, F_SETOWN, victim));
}
static long set_sig(void)
{
	return call(fcntl(file, F_SETSIG, SIGKILL));
}
static long notify(void)
{
	return call(fcntl(file, F_NOTIFY, DN_ACCESS));
}
static long set_lease(void)
{
	return call(fcntl(file, F_SETLEASE, F_RDLCK));
}
static long pipe_size(void)
{
	return call(fcntl(file, F_SETPIPE_SZ, 1 << 20));
}
static long get_flags(void)
{
	return call(fcntl(file, F_GETFL)) < 0;
}
static long dup_fd(void)
{
	return call(fcntl(file, F_DUPFD_CLOEXEC, 3)) < 0;
}
static long lock(void)
{
	struct flock fl = { .l_type = F_RDLCK };

	return call(fcntl(file, F_OFD_SETLK, &fl));
}

static long limit_of_other(void)
{
	struct rlimit none = { 0, 0 };

	return call(syscall(SYS_prlimit64, victim, RLIMIT_CPU, &none, NULL));
}

static long kill_other(void)
{
	return call(kill(victim, 0));
}
static long kill_thread(void)
{
	return call(syscall(SYS_tgkill, victim, victim, 0));
}
static long kill_all(void)
{
	return call(kill(-1, 0));
}
static long queue_signal(void)
{
	return call(syscall(SYS_rt_sigqueueinfo, victim, SIGTERM, page));
}
static long open_pidfd(void)
{
	return call(syscall(SYS_pidfd_open, victim, 0));
}
static long kill_pidfd(void)
{
	return call(syscall(SYS_pidfd_send_signal, file, SIGKILL, NULL, 0));
}
static long kill_self(void)
{
	return call(syscall(SYS_tgkill, getpid(), getpid(), SIGCONT));
}

static long set_dumpable(void)
{
	return call(prctl(PR_SET_DUMPABLE, 1));
}
static long set_ptracer(void)
{
	return call(prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY));
}
static long set_no_death(void)
{
	return call(prctl(PR_SET_PDEATHSIG, 0));
}
static long get_securebits(void)
{
	return call(prctl(PR_GET_SECUREBITS)) < 0;
}

static long map_code(void)
{
	return call((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ? -1 : 0);
}
static long map_data(void)
{
	return call((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ? -1 : 0);
}
static long make_code(void)
{
	return call(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}
static long make_code_and_data(void)
{
	return call(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC));
}
static long make_data(void)
{
	return call(mprotect(page, 4096, PROT_READ));
}

static long set_option(void)
{
	int one = 1;

	return call(setsockopt(file, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
}
static long make_socket(void)
{
	return call(socket(AF_INET, SOCK_STREAM, 0));
}
static long connect_out(void)
{
	return call(connect(file, page, 2));
}

static long make_process(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return call(pid);
}
static long make_user_ns(void)
{
	return call(unshare(CLONE_NEWUSER));
}
static long cover_fd(void)
{
	return call(dup2(file, 9));
}
static long replace_stdin(void)
{
	return call(dup2(file, 0));
}

static void *nothing(void *arg)
{
	return arg;
}
static long make_thread(void)
{
	pthread_t thread;
	int r = thread_start(&thread, nothing, NULL);

	return r < 0 ? r : -pthread_join(thread, NULL);
}

/* What each call gives under the filter: 0, or -EPERM. */
static const struct {
	const char *name;
	long (*fn)(void);
	long wanted;
} tries[] = {
	{ "F_SETOWN_EX", own, -EPERM },
	{ "F_SETOWN", set_owner, -EPERM },
	{ "F_SETSIG", set_sig, -EPERM },
	{ "F_NOTIFY", notify, -EPERM },
	{ "F_SETLEASE", set_lease, -EPERM },
	{ "F_SETPIPE_SZ", pipe_size, -EPERM },
	{ "F_GETFL", get_flags, 0 },
	{ "F_DUPFD_CLOEXEC", dup_fd, 0 },
	{ "F_OFD_SETLK", lock, 0 },
	{ "prlimit64 of another process", limit_of_other, -EPERM },
	{ "kill", kill_other, -EPERM },
	{ "kill of all", kill_all, -EPERM },
	{ "tgkill of another process", kill_thread, -EPERM },
	{ "tgkill of itself", kill_self, 0 },
	{ "rt_sigqueueinfo", queue_signal, -EPERM },
	{ "pidfd_open", open_pidfd, -EPERM },
	{ "pidfd_send_signal", kill_pidfd, -EPERM },
	{ "PR_SET_DUMPABLE", set_dumpable, -EPERM },
	{ "PR_SET_PTRACER", set_ptracer, -EPERM },
	{ "PR_SET_PDEATHSIG", set_no_death, -EPERM },
	{ "PR_GET_SECUREBITS", get_securebits, 0 },
	{ "mmap of code", map_code, -EPERM },
	{ "mmap of data", map_data, 0 },
	{ "mprotect to code", make_code, -EPERM },
	{ "mprotect to code and data", make_code_and_data, -EPERM },
	{ "mprotect to data", make_data, 0 },
	{ "setsockopt", set_option, -EPERM },
	{ "socket", make_socket, -EPERM },
	{ "connect", connect_out, -EPERM },
	{ "a process", make_process, -EPERM },
	{ "a user namespace", make_user_ns, -EPERM },
	{ "a thread", make_thread, 0 },
	{ "dup2 over any descriptor", cover_fd, -EPERM },
	{ "dup2 over standard input", replace_stdin, 0 },
};

/* Makes the call @i under the filter: what it gave. */
static long try(size_t i)
{
	const struct vm_calls *const sets[] = { calls, NULL };
	int status = 0, ends[2];
	long result = 1;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct err err = ERR_INIT;

		if (jail_seccomp(sets, &err) == 0)
			result = tries[i].fn();
		_exit(write(ends[1], &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 1);
	}
	assert_true(pid > 0);
	(void)close(ends[1]);
	if (read(ends[0], &result, sizeof(result)) != (ssize_t)sizeof(result))
		result = 1;
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return result;
}

static void what_an_intruder_tries(void **state)
{
	int failed = 0;

	(void)state;
	if (SANITIZED)
		skip();
	victim = getpid();
	file = open("/proc/self/stat", O_RDONLY);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(file >= 0 && page != MAP_FAILED);
	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		long got = try(i);

		if (got == tries[i].wanted)
			continue;
		print_error("%s: wanted %ld, got %ld\n", tries[i].name, tries[i].wanted, got);
		failed++;
	}
	assert_int_equal(failed, 0);
}

/* A name in a list allows all arguments: it would make the rules for the same call worth nothing. */
static void no_call_is_named_that_has_rules(void **state)
{
	(void)state;
	for (const struct vm_calls *with = calls; with->names; with++) {
		for (const struct syscall_rule *rule = with->rules; rule && rule->name; rule++) {
			for (const struct vm_calls *c = calls; c->names; c++) {
				for (const char *const *name = c->names; *name; name++) {
					/* file service puts a dead descriptor over one of its own */
					if (strcmp(rule->name, "dup3") != 0)
						assert_string_not_equal(*name, rule->name);
				}
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_intruder_tries),
		cmocka_unit_test(no_call_is_named_that_has_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
