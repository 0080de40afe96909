/* SPDX-License-Identifier: Apache-2.0 */
/* A container's processes: see proclist.h. The files are those of proc_pid_stat(5) and its like. */
#include "init/proclist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/wire.h"
#include "channel/proto.h"
#include "init/cgroup.h"
#include "init/process.h"

#define STAT_MAX (16 * 1024) /* bytes of a process's stat, and of what else has some lines */
#define RSS_LAG 64           /* the kernel's TASK_RSS_EVENTS_THRESH */
#define COMM_MAX 64          /* the kernel has 15, and as many more of a kernel thread */
/* What a message holds beside the list: the fields of its RESULT, and those before the processes. */
#define ROOM (PROTO_TO_HOST_MAX - 1024)

/* A process with the strings that its entry points to. */
struct one {
	struct proto_ps_entry entry;
	char comm[COMM_MAX], args[PROTO_PS_ARGS_MAX];
};

/* The second number, which is the effective one, behind @name in the status @text of a process; 0 if there is none. */
static uint32_t effective_id(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	unsigned int id = 0;

	if (line && sscanf(line + strlen(name), "%*u %u", &id) != 1)
		id = 0;
	return id;
}

/* Sets the effective user and group of the process; 0 if it has gone. */
static void read_ids(const char *dir, struct proto_ps_entry *e)
{
	autofree char *text = NULL;
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/status", dir);
	if (fd_read_file(AT_FDCWD, path, PROC_STATUS_MAX, &text, NULL) < 0)
		return;
	e->uid = effective_id(text, "\nUid:");
	e->gid = effective_id(text, "\nGid:");
}

/* Reads the start of the command line, whose words end with NUL, as one text with blanks between them. */
static void read_args(const char *dir, char *args)
{
	char path[64];
	autoclose int fd = -1;
	ssize_t n;

	*args = '\0';
	(void)snprintf(path, sizeof(path), "%s/cmdline", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, args, PROTO_PS_ARGS_MAX - 1);
	if (n < 0)
		return;
	while (n > 0 && args[n - 1] == '\0')
		n--;
	for (ssize_t i = 0; i < n; i++) {
		if (args[i] == '\0')
			args[i] = ' ';
	}
	args[n] = '\0';
}

/* Kernels before 6.2 bring the count in a process's stat up to date at every 64th page of a thread. */
uint64_t proclist_rss(const char *dir, long pages, long threads)
{
	autofree char *text = NULL;
	unsigned long long kib;
	char path[64], *line;

	(void)snprintf(path, sizeof(path), "%s/smaps_rollup", dir);
	if (pages < RSS_LAG * threads && fd_read_file(AT_FDCWD, path, STAT_MAX, &text, NULL) == 0) {
		line = strstr(text, "\nRss:");
		if (line && sscanf(line, "\nRss: %llu", &kib) == 1)
			return kib * KIB;
	}
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Reads all of @pid into @one. False: it has ended meanwhile. */
static bool read_one(uint32_t pid, struct one *one)
{
	struct proto_ps_entry *e = &one->entry;
	unsigned long long user, system, start, vsize;
	autofree char *text = NULL;
	char dir[32], path[64], *name, *behind;
	long priority, nice, threads, rss;
	int tty;

	(void)snprintf(dir, sizeof(dir), "/proc/%u", pid);
	(void)snprintf(path, sizeof(path), "%s/stat", dir);
	if (fd_read_file(AT_FDCWD, path, STAT_MAX, &text, NULL) < 0)
		return false;
	name = strchr(text, '(');
	behind = strrchr(text, ')'); /* the name may have brackets and blanks in it */
	*one = (struct one){ .entry = { .pid = pid, .comm = one->comm, .args = one->args } };
	if (!name || !behind ||
		sscanf(behind,
			") %c %u %u %u %d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %ld %ld %ld %*d %llu %llu %ld",
			(char *)&e->state, &e->ppid, &e->pgid, &e->sid, &tty, &user, &system, &priority, &nice,
			&threads, &start, &vsize, &rss) != 13)
		return false;
	*behind = '\0';
	(void)snprintf(one->comm, sizeof(one->comm), "%s", name + 1); /* cutting is meant */
	e->tty = (uint32_t)tty;
	e->priority = (int32_t)priority;
	e->nice = (int32_t)nice;
	e->threads = (uint32_t)threads;
	e->cpu_ticks = user + system;
	e->start_ticks = start;
	e->vsize = vsize;
	e->rss = proclist_rss(dir, rss, threads);
	read_ids(dir, e);
	read_args(dir, one->args);
	return true;
}

/* Reads the processes of @pids until there are @max of them or the message is full. */
static void read_all(struct buf *pids, uint32_t n, struct one *ones, struct proto_ps *list)
{
	size_t room = ROOM;
	struct wire w;

	wire_init(&w, pids->data, pids->len);
	for (uint32_t i = 0; i < n; i++) {
		struct one *one = &ones[list->len];
		size_t need;

		if (!read_one(wire_get_u32(&w), one))
			continue;
		need = PROTO_PS_ENTRY_MIN + strlen(one->comm) + strlen(one->args);
		if (need > room) {
			list->cut = true;
			return;
		}
		room -= need;
		list->at[list->len++] = one->entry;
	}
}

/* Whether a process of the host stands for the guest's process @pid. */
static bool is_held(const struct agent *agent, uint32_t pid)
{
	const struct process *p;

	LIST_FOREACH (p, &agent->processes, link) {
		if (p->pid == (pid_t)pid)
			return p->is_init || p->held;
	}
	return false;
}

int proclist_put(const struct agent *agent, int cgroup_fd, struct buf *out)
{
	struct proto_ps list = { .ticks_per_second = (uint32_t)sysconf(_SC_CLK_TCK) };
	autofree struct proto_ps_entry *entries = NULL;
	autofree struct one *ones = NULL;
	autobuf pids = BUF_INIT;
	struct sysinfo info;
	struct timespec up;
	uint32_t n = cgroup_pids(cgroup_fd, &pids);

	if (buf_error(&pids) < 0)
		return buf_error(&pids);
	list.cut = n > PROTO_PS_MAX;
	n = MIN(n, (uint32_t)PROTO_PS_MAX);
	ones = calloc(n + 1, sizeof(*ones));
	entries = calloc(n + 1, sizeof(*entries));
	if (!ones || !entries)
		return -ENOMEM;
	(void)clock_gettime(CLOCK_BOOTTIME, &up); /* cannot fail for this clock */
	list.uptime_ticks =
		((uint64_t)up.tv_sec * 1000 + (uint64_t)up.tv_nsec / 1000000) * list.ticks_per_second / 1000;
	if (sysinfo(&info) == 0)
		list.memory_bytes = (uint64_t)info.totalram * info.mem_unit;
	list.at = entries;
	read_all(&pids, n, ones, &list);
	for (uint32_t i = 0; i < list.len; i++)
		entries[i].held = is_held(agent, entries[i].pid);
	proto_put_ps(out, &list);
	return buf_error(out);
}
