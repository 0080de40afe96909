/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's system call filter, loaded as it is with the kvm engine, and what an intruder would try under it. Each
 * call is made in a process of its own.
 */
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
#include <string.h>
#include <cmocka.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/fs.h"
#include "host/thread.h"
#include "jail/jail.h"
#include "monitor/syscalls.h"
#include "p9/p9.h"
#include "tests/unit/filter.h"
#include "vm/kvm/devices.h"
#include "vm/kvm/syscalls.h"
#include "vm/virtio/balloon.h"
#include "vm/virtio/console.h"
#include "vm/virtio/device.h"
#include "vm/virtio/net.h"
#include "vm/virtio/p9dev.h"
#include "vm/virtio/rng.h"

/* Those of the machine: its room's, its devices', what several pairs of queues take; one without names at the end. */
#define MACHINE_CALLS_MAX (KVM_ROOM_CALLS + DEVICES_CALLS_MAX + KVM_NET_CALLS + 1)
static struct vm_calls machine_calls[MACHINE_CALLS_MAX];
static const struct vm_calls *const sets[] = { monitor_calls, machine_calls, NULL };
static const struct vm_calls *const all_sets[] = { monitor_calls, machine_calls, monitor_relay_calls,
	monitor_resolver_calls, NULL };

/* Makes one device of each kind, and gathers the lists of the machine as the kvm engine does. */
static int gather(void **state)
{
	static const struct mem mem;
	static const struct p9_limits limits;
	struct vm_nic nic = { .pairs = 1 };
	struct devices devices = { .len = 5 };
	struct p9_server *server;
	struct err err = ERR_INIT;
	size_t n = KVM_ROOM_CALLS;
	int channel[2], net[2];
	struct fs *fs;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, channel), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, net), 0);
	assert_int_equal(fs_new(-1, &fs, &err), 0);
	assert_int_equal(p9_server_new(fs, &limits, &server, &err), 0);
	assert_int_equal(virtio_console_new(&mem, channel[0], "port", NULL, NULL, &devices.list[0], &err), 0);
	assert_int_equal(virtio_rng_new(&mem, &devices.list[1], &err), 0);
	assert_int_equal(virtio_balloon_new(&mem, &devices.list[2], &err), 0);
	nic.fds[0] = net[0];
	assert_int_equal(virtio_net_new(&mem, &nic, NULL, &devices.list[3], &err), 0);
	assert_int_equal(virtio_p9dev_new(&mem, server, "tag", &devices.list[4], &err), 0);
	memcpy(machine_calls, kvm_room_calls, sizeof(kvm_room_calls));
	n += devices_calls(&devices, machine_calls + n);
	memcpy(machine_calls + n, kvm_net_calls, sizeof(kvm_net_calls));
	for (unsigned int i = 0; i < devices.len; i++)
		virtio_free(devices.list[i]);
	p9_server_free(server);
	fs_free(fs);
	(void)close(channel[1]);
	(void)close(net[1]);
	return 0;
}

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
	int r = thread_start(THREAD_FILES, &thread, nothing, NULL);

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

/* ---- roles ---- */

/* What each role may call is bounded, so that somebody thinks before it grows. */
#define ROLE_CALLS_MAX 60

static void a_role_has_few_calls(void **state)
{
	static const char *const names[THREAD_ROLES] = { "loop", "vCPU", "files", "watch", "network" };
	int failed = 0;

	(void)state;
	for (int role = 0; role < THREAD_ROLES; role++) {
		int n = jail_seccomp_count(all_sets, (enum thread_role)role);

		print_message("%s: %d calls\n", names[role], n);
		if (n <= 0 || n > ROLE_CALLS_MAX) {
			print_error("%s: wanted at most %d calls, got %d\n", names[role], ROLE_CALLS_MAX, n);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

static long open_below(void)
{
	return call(openat(1 << 20, "x", O_PATH | O_CLOEXEC)) < 0 ? -errno : 0;
}
/* As free(3) asks how much memory the kernel promises, when an arena shrinks: src/base/syscalls.h. */
static long open_for_libc(void)
{
	return call(openat(AT_FDCWD, "/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC)) < 0 ? -errno : 0;
}
/* As fs_reopen() does. */
static long open_again(void)
{
	return call(openat(AT_FDCWD, "/", O_PATH | O_CLOEXEC | O_NOCTTY)) < 0 ? -errno : 0;
}
static long make_directory(void)
{
	return call(mkdirat(-1, "x", 0700));
}
static long change_user(void)
{
	return call(syscall(SYS_capset, NULL, NULL));
}
static long receive(void)
{
	return call(recvmsg(-1, page, 0));
}
static long accept_one(void)
{
	return call(accept4(-1, NULL, NULL, 0));
}
static long run_guest(void)
{
	return call(ioctl(-1, KVM_RUN, 0));
}
static long use_queue(void)
{
	return call(ioctl(-1, TUNSETQUEUE, page));
}
static long read_packet(void)
{
	struct iovec iov = { .iov_base = page, .iov_len = 1 };

	return call(readv(-1, &iov, 1));
}
static long leave_umask(void)
{
	return call(unshare(CLONE_FS));
}
static long write_nowhere(void)
{
	return call(write(-1, "", 1));
}

static const struct {
	const char *name;
	long (*fn)(void);
	long wanted[THREAD_ROLES]; /* loop, vCPU, files, watch, network */
} role_tries[] = {
	{ "openat of an entry", open_below, { -EBADF, -EPERM, -EBADF, -EBADF, -EPERM } },
	{ "openat for libc", open_for_libc, { -EPERM, -EPERM, -EPERM, -EPERM, -EPERM } },
	{ "openat of what is open", open_again, { -EPERM, -EPERM, 0, 0, -EPERM } },
	{ "mkdirat", make_directory, { -EPERM, -EPERM, -EBADF, -EPERM, -EPERM } },
	{ "capset", change_user, { -EPERM, -EPERM, -EFAULT, -EFAULT, -EPERM } },
	{ "recvmsg", receive, { -EBADF, -EPERM, -EPERM, -EPERM, -EPERM } },
	{ "accept4", accept_one, { -EBADF, -EPERM, -EPERM, -EPERM, -EPERM } },
	{ "KVM_RUN", run_guest, { -EPERM, -EBADF, -EPERM, -EPERM, -EPERM } },
	{ "TUNSETQUEUE", use_queue, { -EBADF, -EBADF, -EPERM, -EPERM, -EPERM } },
	{ "readv", read_packet, { -EBADF, -EPERM, -EPERM, -EPERM, -EBADF } },
	{ "unshare(CLONE_FS)", leave_umask, { -EPERM, -EPERM, 0, 0, -EPERM } },
	{ "a thread", make_thread, { -EPERM, -EPERM, 0, -EPERM, -EPERM } },
	{ "write", write_nowhere, { -EBADF, -EBADF, -EBADF, -EBADF, -EBADF } },
	{ "tgkill of itself", kill_self, { 0, 0, 0, 0, 0 } },
};

static void *try_all(void *results)
{
	long *to = results;

	for (size_t i = 0; i < ARRAY_LEN(role_tries); i++)
		to[i] = role_tries[i].fn();
	return NULL;
}

/* What threads of each role get, from a child with the filter that writes @results. */
static int try_roles(long results[THREAD_ROLES][ARRAY_LEN(role_tries)])
{
	struct err err = ERR_INIT;

	if (jail_seccomp(sets, &err) < 0)
		return 1;
	for (int role = THREAD_VCPU; role < THREAD_ROLES; role++) {
		pthread_t thread;

		if (thread_start((enum thread_role)role, &thread, try_all, results[role]) < 0 ||
			pthread_join(thread, NULL) != 0)
			return 2;
	}
	if (jail_seccomp_loop(&err) < 0)
		return 3;
	(void)try_all(results[THREAD_LOOP]);
	return 0;
}

static void a_thread_has_the_calls_of_its_role(void **state)
{
	long(*results)[ARRAY_LEN(role_tries)];
	int status, failed = 0;
	pid_t pid;

	(void)state;
	if (SANITIZED)
		skip();
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	results = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(page != MAP_FAILED && results != MAP_FAILED);
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(try_roles(results));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int role = 0; role < THREAD_ROLES; role++) {
		for (size_t i = 0; i < ARRAY_LEN(role_tries); i++) {
			if (results[role][i] == role_tries[i].wanted[role])
				continue;
			print_error("%s in role %d: wanted %ld, got %ld\n", role_tries[i].name, role,
				role_tries[i].wanted[role], results[role][i]);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* Whether any list names the call. */
static bool is_named(const char *call_name)
{
	for (const struct vm_calls *const *set = all_sets; *set; set++) {
		for (const struct vm_calls *c = *set; c->names; c++) {
			for (const char *const *name = c->names; *name; name++) {
				if (strcmp(*name, call_name) == 0)
					return true;
			}
		}
	}
	return false;
}

/* A name in a list allows all arguments: it would make the rules for the same call worth nothing. */
static void no_call_is_named_that_has_rules(void **state)
{
	(void)state;
	for (const struct vm_calls *const *set = all_sets; *set; set++) {
		for (const struct vm_calls *with = *set; with->names; with++) {
			for (const struct syscall_rule *rule = with->rules; rule && rule->name; rule++) {
				/* file service puts a dead descriptor over one of its own */
				if (strcmp(rule->name, "dup3") != 0 && is_named(rule->name))
					fail_msg("%s", rule->name);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_intruder_tries),
		cmocka_unit_test(a_role_has_few_calls),
		cmocka_unit_test(a_thread_has_the_calls_of_its_role),
		cmocka_unit_test(no_call_is_named_that_has_rules),
	};

	return cmocka_run_group_tests(tests, gather, NULL);
}
