/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for children: see reaper.h. */
#include "init/reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sig.h"
#include "init/birth.h"
#include "init/process.h"
#include "init/sync.h"

/* Hands the end of @pid to the file that knows it; a pid that none knows was an orphan of some container. */
static void reaper_tell(struct agent *agent, pid_t pid, int status)
{
	if (!process_on_exit(agent, pid, status) && !birth_on_exit(agent, pid, status))
		(void)sync_on_exit(agent, pid);
}

/* Reaps every child that has ended. */
static void reaper_on_signal(void *arg, uint32_t events unused)
{
	struct agent *agent = arg;
	struct signalfd_siginfo info;
	siginfo_t child = { .si_pid = 0 };
	int status;
	pid_t pid;

	while (read(agent->reaper_fd, &info, sizeof(info)) > 0)
		; /* several children may share one signal: waitid(2) tells how many there are */
	/*
	 * What a child has told is read after its death and before it is reaped;
	 * WNOWAIT keeps its pid from being given to another process meanwhile.
	 */
	while (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0 && child.si_pid > 0) {
		birth_read_all(agent, child.si_pid);
		pid = waitpid(child.si_pid, &status, 0);
		if (pid > 0)
			reaper_tell(agent, pid, status);
		child.si_pid = 0;
	}
}

int reaper_start(struct agent *agent)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	agent->reaper_fd = sig_open(SIG_BLOCK, &set);
	if (agent->reaper_fd < 0)
		return agent->reaper_fd;
	return watch_new(agent->loop, agent->reaper_fd, EPOLLIN, reaper_on_signal, agent, &agent->reaper_watch);
}
