/* SPDX-License-Identifier: Apache-2.0 */
/* A user namespace for an idmapped mount: see idmap.h. */
#include "idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "sys.h"

static int idmap_write(pid_t pid, const char *file, const struct guest_idmaps *map)
{
	autobuf text = BUF_INIT;
	char path[64];

	for (uint32_t i = 0; i < map->len; i++)
		buf_printf(&text, "%u %u %u\n", map->at[i].container, map->at[i].host, map->at[i].size);
	if (buf_error(&text) < 0 || text.len == 0)
		return buf_error(&text);
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file); /* fits */
	return fd_write_existing(AT_FDCWD, path, text.data);
}

/* The number that the VM's /proc has for a process of our pid namespace; -1 if it has none. */
static pid_t idmap_proc_pid(int pidfd)
{
	autofree char *text = NULL;
	char path[64];
	char *line;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd); /* fits */
	if (fd_read_file(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return -1;
	line = strstr(text, "\nPid:");
	return line ? (pid_t)strtol(line + 5, NULL, 10) : -1;
}

int idmap_open(const struct launch *l, const struct guest_mount *m, struct err *err)
{
	const struct guest_idmaps *uids = m->uids.len ? &m->uids : &l->container->uids;
	const struct guest_idmaps *gids = m->gids.len ? &m->gids : &l->container->gids;
	int pidfd = -1;
	struct clone_args args = { .flags = CLONE_NEWUSER | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD };
	char path[64];
	pid_t pid, proc_pid;
	int fd = -1, r;

	pid = sys_clone3(&args);
	if (pid == 0) {
		for (;;)
			(void)pause(); /* until it is killed below */
	}
	if (pid < 0)
		return err_sys(err, errno, "mount \"%s\": cannot make a user namespace", m->destination);
	proc_pid = idmap_proc_pid(pidfd);
	r = proc_pid > 0 ? idmap_write(proc_pid, "uid_map", uids) : -ESRCH;
	if (r == 0)
		r = idmap_write(proc_pid, "gid_map", gids);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)proc_pid); /* fits */
	if (r == 0) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? -errno : 0;
	}
	fd_close(pidfd);
	(void)kill(pid, SIGKILL); /* it is our child: it is there */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? err_sys(err, r, "mount \"%s\": cannot map ids", m->destination) : fd;
}
