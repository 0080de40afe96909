/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the shares back: see sync.h. */
#include "init/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/log.h"
#include "sys/sandbox.h"

struct sync_job {
	LIST_ENTRY(sync_job) link;
	pid_t pid;
	sync_fn *done;
	void *arg;
	uint32_t number;
};

/* Writes both shares back: in the child, or in the agent itself where no child can be made. */
static void sync_now(const struct agent *agent)
{
	static const char *const names[] = { SANDBOX_PRIVATE, SANDBOX_SHARED };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[256];
		autoclose int fd = -1;

		(void)snprintf(path, sizeof(path), "%s/%s", agent->shares, names[i]); /* shares is short */
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || syncfs(fd) < 0)
			log_write(agent, PROTO_LOG_ERROR, "cannot write the share \"%s\" back: %s", names[i],
				strerror(errno));
	}
}

bool sync_by_child(
	struct agent *agent, sync_work_fn *work, const void *work_arg, sync_fn *done, void *arg, uint32_t number)
{
	struct sync_job *job = malloc(sizeof(*job));

	if (!job)
		return false;
	*job = (struct sync_job){ .done = done, .arg = arg, .number = number, .pid = fork() };
	if (job->pid == 0) {
		agent->mux = NULL; /* the channel is the parent's: what the child logs goes to the kernel's log */
		work(agent, work_arg);
		_exit(0);
	}
	if (job->pid < 0) {
		free(job);
		return false;
	}
	LIST_INSERT_HEAD(&agent->syncs, job, link);
	return true;
}

static void sync_work(struct agent *agent, const void *arg unused)
{
	sync_now(agent);
}

void sync_shares(struct agent *agent, sync_fn *done, void *arg, uint32_t number)
{
	if (agent->native || !agent->shares_mounted) {
		done(arg, number);
	} else if (!sync_by_child(agent, sync_work, NULL, done, arg, number)) {
		sync_now(agent);
		done(arg, number);
	}
}

bool sync_on_exit(struct agent *agent, pid_t pid)
{
	struct sync_job *job;

	LIST_FOREACH (job, &agent->syncs, link) {
		if (job->pid == pid) {
			LIST_REMOVE(job, link);
			job->done(job->arg, job->number);
			free(job);
			return true;
		}
	}
	return false;
}
