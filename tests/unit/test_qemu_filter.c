/* SPDX-License-Identifier: Apache-2.0 */
/* The system call filter that QEMU starts with: what it lets through, and what who breaks into QEMU would try. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "vm/qemu/filter.h"

#define ALLOWED 0 /* whatever else the call says to its arguments */

struct trial {
	const char *what;
	long call;
	long args[4];
	int want; /* errno, or ALLOWED: anything but ENOSYS */
};

/* Makes the call in a process of its own, under the filter: errno. */
static int try_one(const struct trial *t)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || qemu_filter_load() < 0)
			_exit(255);
		errno = 0;
		_exit(syscall(t->call, t->args[0], t->args[1], t->args[2], t->args[3]) < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 255);
	return WEXITSTATUS(status);
}

static void try_all(const struct trial *trials, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int e = try_one(&trials[i]);

		if ((trials[i].want == ALLOWED) != (e != ENOSYS))
			fail_msg("%s: errno %d", trials[i].what, e);
	}
}

static void an_intruder_gets_nothing(void **state)
{
	const long me = getpid();
	static struct rlimit limit = { 0, 0 };
	static struct clone_args args = { .exit_signal = SIGCHLD };
	const struct trial trials[] = {
		{ "a signal", SYS_kill, { me, 0 }, ENOSYS },
		{ "a signal to a thread of another", SYS_tgkill, { me, me, 0 }, ENOSYS },
		{ "a signal to any thread", SYS_tkill, { me, 0 }, ENOSYS },
		{ "a queued signal", SYS_rt_sigqueueinfo, { me, 0, 0 }, ENOSYS },
		{ "a process's descriptor", SYS_pidfd_open, { me, 0 }, ENOSYS },
		{ "tracing", SYS_ptrace, { 16, me, 0, 0 }, ENOSYS },
		{ "another's memory", SYS_process_vm_readv, { me, 0, 0, 0 }, ENOSYS },
		{ "another's limits", SYS_prlimit64, { me, RLIMIT_CPU, 0, (long)(uintptr_t)&limit }, ENOSYS },
		{ "a process", SYS_clone, { SIGCHLD, 0, 0, 0 }, ENOSYS },
		{ "a process, the newer way", SYS_clone3, { (long)(uintptr_t)&args, sizeof(args) }, ENOSYS },
		{ "a thread in new namespaces", SYS_clone, { CLONE_THREAD | CLONE_NEWUSER, 0, 0, 0 }, ENOSYS },
#ifdef SYS_fork
		{ "fork", SYS_fork, { 0 }, ENOSYS },
		{ "vfork", SYS_vfork, { 0 }, ENOSYS },
#endif
		{ "a namespace", SYS_unshare, { CLONE_NEWUSER }, ENOSYS },
		{ "another's namespace", SYS_setns, { 0, 0 }, ENOSYS },
		{ "a mount", SYS_mount, { 0, 0, 0, 0 }, ENOSYS },
		{ "a mount, the newer way", SYS_move_mount, { 0, 0, 0, 0 }, ENOSYS },
		{ "a root", SYS_chroot, { 0 }, ENOSYS },
		{ "a file by its handle", SYS_open_by_handle_at, { 0, 0, 0 }, ENOSYS },
		{ "a socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, ENOSYS },
		{ "a packet socket", SYS_socket, { AF_PACKET, SOCK_RAW, 0 }, ENOSYS },
		{ "a connection", SYS_connect, { 0, 0, 0 }, ENOSYS },
		{ "a listener", SYS_listen, { 0, 1 }, ENOSYS },
		{ "a file that sends signals", SYS_fcntl, { 0, F_SETOWN, me }, ENOSYS },
		{ "a terminal's input", SYS_ioctl, { 0, TIOCSTI, 0 }, ENOSYS },
		{ "a tap of its own", SYS_ioctl, { 0, TUNSETIFF, 0 }, ENOSYS },
		{ "another user", SYS_setuid, { 1 }, ENOSYS },
		{ "another file system user", SYS_setfsuid, { 1 }, ENOSYS },
		{ "capabilities", SYS_capset, { 0, 0 }, ENOSYS },
		{ "securebits", SYS_prctl, { PR_SET_SECUREBITS, 0 }, ENOSYS },
		{ "to be dumpable", SYS_prctl, { PR_SET_DUMPABLE, 1 }, ENOSYS },
		{ "a signal at its parent's end", SYS_prctl, { PR_SET_PDEATHSIG, 0 }, ENOSYS },
		{ "io_uring", SYS_io_uring_setup, { 1, 0 }, ENOSYS },
		{ "BPF", SYS_bpf, { 0, 0, 0 }, ENOSYS },
		{ "performance counters", SYS_perf_event_open, { 0, 0, 0, 0 }, ENOSYS },
		{ "page faults", SYS_userfaultfd, { 0 }, ENOSYS },
		{ "keys", SYS_keyctl, { 0, 0 }, ENOSYS },
		{ "shared memory", SYS_shmget, { 1, 4096, 0 }, ENOSYS },
		{ "a message queue", SYS_msgget, { 1, 0 }, ENOSYS },
		{ "a module", SYS_finit_module, { 0, 0, 0 }, ENOSYS },
		{ "the clock", SYS_clock_settime, { 0, 0 }, ENOSYS },
		{ "the host's name", SYS_sethostname, { 0, 0 }, ENOSYS },
	};

	(void)state;
	try_all(trials, ARRAY_LEN(trials));
}

static void qemu_gets_what_it_needs(void **state)
{
	const struct trial trials[] = {
		{ "its program", SYS_execve, { 0, 0, 0 }, ALLOWED },
		{ "its own limits", SYS_prlimit64, { 0, RLIMIT_CPU, 0, 0 }, ALLOWED },
		{ "KVM", SYS_ioctl, { 0, KVM_GET_API_VERSION, 0 }, ALLOWED },
		{ "an interface", SYS_ioctl, { 0, TUNGETIFF, 0 }, ALLOWED },
		{ "a terminal?", SYS_ioctl, { 0, TCGETS, 0 }, ALLOWED },
		{ "a copy of a descriptor", SYS_fcntl, { 0, F_DUPFD_CLOEXEC, 3 }, ALLOWED },
		{ "a thread's name", SYS_prctl, { PR_SET_NAME, 0 }, ALLOWED },
		{ "its filter", SYS_seccomp, { 2, 0, 0 }, ALLOWED },
		{ "no dumps", SYS_prctl, { PR_SET_DUMPABLE, 0 }, ALLOWED },
		{ "a file", SYS_openat, { -1, 0, 0 }, ALLOWED },
		{ "a mode, by a path", SYS_chmod, { 0, 0 }, ALLOWED },
		{ "a device node", SYS_mknodat, { -1, 0, 0, 0 }, ALLOWED },
	};

	(void)state;
	try_all(trials, ARRAY_LEN(trials));
}

static void *thread(void *arg)
{
	return arg;
}

/* libc makes threads by clone where it gets ENOSYS for clone3, and abort(3) ends the process by a signal to itself. */
static void threads_run_and_abort_ends(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		static int seven = 7;
		void *ret = NULL;
		pthread_t t;

		(void)signal(SIGABRT, SIG_DFL);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || qemu_filter_load() < 0 ||
			pthread_create(&t, NULL, thread, &seven) != 0 || pthread_join(t, &ret) != 0 || ret != &seven)
			_exit(1);
		abort();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_intruder_gets_nothing),
		cmocka_unit_test(qemu_gets_what_it_needs),
		cmocka_unit_test(threads_run_and_abort_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
