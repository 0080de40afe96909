/* SPDX-License-Identifier: Apache-2.0 */
/* The sign of an out-of-memory kill: see oomsign.h. */
#include "monitor/oomsign.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "cgroup/oom.h"
#include "monitor/beside.h"
#include "spec/resources.h"

/* How long the kernel may take to run out of a cgroup's memory. */
#define STRIKE_S 5

/* Sees nothing of the host's files, and gives up all rights but to wait, and to take memory: 0 or -errno. */
static int drop(const struct ns_set *ns)
{
	static const int calls[] = { SYS_read, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_setitimer, SYS_pread64,
		SYS_pwrite64, SYS_mmap, SYS_exit_group };

	return beside_drop(ns, 0, calls, ARRAY_LEN(calls));
}

/* The process's own main: nothing of what it has inherited but @socket and @files stays. */
static _Noreturn void wait_and_strike(int socket, const struct cgroup_oom *files, const struct ns_set *ns)
{
	const struct itimerval deadline = { .it_value.tv_sec = STRIKE_S };
	int keep[] = { socket, files->limit, files->usage, ns->user_fd, files->swap };
	sigset_t alarm_only;
	char byte;

	/* signals of a terminal or of the container's are not for this process; the others are blocked already */
	(void)sigemptyset(&alarm_only);
	(void)sigaddset(&alarm_only, SIGALRM);
	if (fd_write_existing(AT_FDCWD, "/proc/self/oom_score_adj", "1000") < 0 ||
		beside_begin("vmrunc-oom", keep, ARRAY_LEN(keep)) < 0 || drop(ns) < 0)
		_exit(1);
	if (read(socket, &byte, 1) == 1) {
		(void)signal(SIGALRM, SIG_DFL);
		(void)sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
		(void)setitimer(ITIMER_REAL, &deadline, NULL);
		cgroup_oom_strike(files);
	}
	_exit(1);
}

int oomsign_start(const struct cgroups *c, const struct ns_set *ns)
{
	struct cgroup_oom files = CGROUP_OOM_NONE;
	int ends[2] = { -1, -1 };
	pid_t pid;

	if (cgroup_oom_open(c, &files) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		cgroup_oom_close(&files);
		return -1;
	}
	pid = fork();
	if (pid == 0)
		wait_and_strike(ends[1], &files, ns);
	cgroup_oom_close(&files);
	fd_close(ends[1]);
	if (pid < 0)
		fd_close(steal_fd(&ends[0]));
	return ends[0];
}

void oomsign_give(int socket)
{
	char byte = 1;

	/* it answers nothing: its end is what is waited for */
	if (socket >= 0 && write(socket, &byte, 1) == 1)
		(void)!read(socket, &byte, 1);
}

int oomsign_explain(const struct spec *spec, uint64_t memory_bytes, struct err *err)
{
	if (resources_memory_limit(spec->linux_ ? spec->linux_->resources : NULL) < memory_bytes)
		return 0;
	return err_set(err, ENOMEM,
		"the container's virtual machine ran out of its %llu MiB of memory, and its kernel killed a process: set linux.resources.memory.limit, or \"memory\" in vmrunc.json, to what the container needs",
		(unsigned long long)(memory_bytes / MIB));
}
