/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for children: see reaper.h. */
#include "init/reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/process.h"
#include "init/sync.h"

struct reaper {
	struct agent *agent;
	int fd;
	struct watch *watch;
};

static struct reaper reaper; /* one, as there is one SIGCHLD */

static void reaper_on_signal(void *arg, uint32_t events unused)
{
	struct reaper *r = arg;
	struct signalfd_siginfo info;
	siginfo_t child = { .si_pid = 0 };
	int status;
	pid_t pid;

	while (read(r->fd, &info, sizeof(info)) > 0)
		; /* several children may share one signal: what counts is waitpid(2) */
	/* Between the death of a child and its end here all that it has told is read; WNOWAIT keeps its pid from others. */
	while (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid > 0) {
		process_read_all(r->agent);
		pid = waitpid(child.si_pid, &status, 0);
		if (pid > 0 && !process_on_exit(r->agent, pid, status))
			(void)sync_on_exit(r->agent, pid); /* else an orphan of some container */
		child.si_pid = 0;
	}
}

int reaper_start(struct agent *agent)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	reaper.agent = agent;
	reaper.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (reaper.fd < 0)
		return -errno;
	return watch_new(agent->loop, reaper.fd, EPOLLIN, reaper_on_signal, &reaper, &reaper.watch);
}
