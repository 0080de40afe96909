/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs share, see inside.h; and container_load(), which only reads. */
#include "life/life.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/progress.h"
#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "host/sock.h"
#include "life/inside.h"

/* What comes with the pidfd of --pidfd-socket: a message of at least a byte has to, and receivers ignore which. */
#define PIDFD_MESSAGE "pidfd"

/* How long a killed monitor may take to be gone: the memory of its VM is given back page by page. */
#define DEATH_TIMEOUT_MS 60000

void life_notes_done(struct life_notes *notes)
{
	warnings_done(&notes->warnings);
	warnings_done(&notes->details);
}

int life_open(const struct settings *settings, const char *id, bool lock, struct statedir *dir, struct state *s,
	enum status *ret_status, struct err *err)
{
	int r = statedir_check_id(id, err);

	/* A container whose name cannot be an ID is an unknown container: engines look for these words. */
	if (r < 0)
		return err_set(err, ENOENT, "container does not exist: %s", err->msg);
	r = statedir_open(settings->root, id, dir, err);
	if (r == 0 && lock)
		r = statedir_lock(dir, err);
	if (r == 0)
		r = state_load(dir, s, err);
	if (r == 0)
		r = state_status(dir, s, ret_status, err);
	return r;
}

int container_load(
	const struct settings *settings, const char *id, struct state *s, enum status *ret_status, struct err *err)
{
	autostatedir dir = STATEDIR_NONE;

	*s = (struct state){ .id = NULL };
	return life_open(settings, id, false, &dir, s, ret_status, err);
}

const struct spec_hooks *life_hooks(const struct statedir *dir, struct spec **ret_spec, struct life_notes *notes)
{
	struct err err = ERR_INIT;

	if (spec_load(dir->fd, LIFE_CONFIG, ret_spec, NULL, &err) < 0) {
		warnings_add(&notes->warnings, "hooks are not run: %s", err.msg);
		return NULL;
	}
	return (*ret_spec)->hooks;
}

int life_write_pid_file(const char *path, pid_t pid, struct err *err)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%ld", (long)pid), r;

	r = fd_write_file_atomic(AT_FDCWD, path, text, (size_t)len, 0644);
	return r < 0 ? err_sys(err, r, "--pid-file: cannot write \"%s\"", path) : 0;
}

int life_send_pidfd(const char *path, pid_t pid, struct err *err)
{
	autoclose int sock = sock_connect_path(path, SOCK_STREAM);
	autoclose int pidfd = -1;
	int r;

	if (sock < 0)
		return err_sys(err, sock, "--pidfd-socket: cannot connect to \"%s\"", path);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return err_sys(err, errno, "--pidfd-socket: cannot open process %ld", (long)pid);
	r = fd_send(sock, PIDFD_MESSAGE, strlen(PIDFD_MESSAGE), &pidfd, 1);
	return r < 0 ? err_sys(err, r, "--pidfd-socket: cannot send the pidfd") : 0;
}

/* Waits for the end of the process: > 0 when it has ended, 0 after @timeout_ms. */
static int wait_end(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int r;

	do
		r = poll(&p, 1, timeout_ms);
	while (r < 0 && errno == EINTR);
	return r;
}

int life_kill(int pidfd, const struct cgroups *cgroups, struct err *err)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return err_sys(err, errno, "cannot kill the monitor");
	cgroup_thaw(cgroups);
	if (wait_end(pidfd, DEATH_TIMEOUT_MS) == 0)
		return err_set(err, ETIMEDOUT,
			"the killed monitor does not end: has somebody frozen its cgroup, or does a file system not answer?");
	return 0;
}

int life_kill_monitor(const struct state *s, int grace_ms, struct err *err)
{
	autoclose int pidfd = state_pidfd(s);
	int r;

	if (pidfd == -ESRCH)
		return 0;
	if (pidfd < 0)
		return err_sys(err, pidfd, "cannot reach the monitor, process %ld", (long)s->pid);
	progress_say("waiting for the end of the virtual machine");
	if (grace_ms && wait_end(pidfd, grace_ms) > 0)
		return 0;
	r = life_kill(pidfd, &s->cgroups, err);
	return r < 0 ? err_prefix(err, "process %ld", (long)s->pid) : 0;
}
