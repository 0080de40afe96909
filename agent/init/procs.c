/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's processes, as it sees them: see procs.h.
 *
 * The guest's own /proc is read, with its numbers. A process's line NSpid in `status` has its numbers in all pid namespaces
 * from the guest's down to its own (proc_pid_status(5)); the container's is the second of them, if it has one.
 */
#include "init/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/wire.h"
#include "channel/proto.h"
#include "init/cgroup.h"
#include "init/proclist.h"

#define COMM_MAX 64 /* the kernel has 15, and as many more of a kernel thread */
#define LABEL_MAX 256
#define PATH_LEN 64
/* What a message holds beside the list: the fields of its RESULT, and those before the processes. */
#define ROOM (PROTO_TO_HOST_MAX - 1024)

/* A process with what its entry points to. */
struct one {
	struct proto_proc entry;
	uint32_t groups[PROTO_PROC_GROUPS_MAX];
	char comm[COMM_MAX], label[LABEL_MAX], cmdline[PROTO_PROC_CMDLINE_MAX];
};

/* The text behind "KEY:" at the start of a line of @status; "" without. */
static const char *value_of(const char *status, const char *key)
{
	char line[32];
	const char *at;

	(void)snprintf(line, sizeof(line), "\n%s:", key); /* fits: keys are short */
	at = strstr(status, line);
	return at ? at + strlen(line) : "";
}

/* Reads at most @max numbers of a line, and returns how many there were. */
static uint32_t numbers_of(const char *status, const char *key, uint32_t *ret, uint32_t max)
{
	const char *at = value_of(status, key);
	uint32_t n = 0;

	while (n < max) {
		char *end;

		at += strspn(at, " \t");
		ret[n] = (uint32_t)strtoul(at, &end, 10);
		if (end == at)
			break;
		at = end;
		n++;
	}
	return n;
}

/* The number of a process, group or session in the container, whose pid namespace is at @level; 0: it is not in that. */
static uint32_t number_of(const char *status, const char *key, unsigned int level)
{
	uint32_t numbers[2] = { 0, 0 };

	return numbers_of(status, key, numbers, ARRAY_LEN(numbers)) > level ? numbers[level] : 0;
}

/* The text of @file of process @pid, which the caller frees; NULL: it has ended. */
static char *read_text(uint32_t pid, const char *file)
{
	char path[PATH_LEN], *text;

	(void)snprintf(path, sizeof(path), "/proc/%u/%s", pid, file); /* fits */
	return fd_read_file(AT_FDCWD, path, PROC_STATUS_MAX, &text, NULL) < 0 ? NULL : text;
}

/* The start of @file of process @pid, at most @size bytes, as it is: how many bytes that are. */
static size_t read_start(uint32_t pid, const char *file, char *ret, size_t size)
{
	char path[PATH_LEN];
	autoclose int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%u/%s", pid, file); /* fits */
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, ret, size);
	return n < 0 ? 0 : (size_t)n;
}

/* The container's number of process @pid, the parent of one of its processes; 0: it is outside. */
static uint32_t number_of_parent(uint32_t pid, unsigned int level)
{
	autofree char *status = pid ? read_text(pid, "status") : NULL;

	return status ? number_of(status, "NSpid", level) : 0;
}

/* What `status` says of a process's users, groups and rights. */
static void read_identity(const char *status, struct one *one)
{
	static const char *const sets[GUEST_CAP_SETS] = {
		[GUEST_CAP_BOUNDING] = "CapBnd",
		[GUEST_CAP_EFFECTIVE] = "CapEff",
		[GUEST_CAP_INHERITABLE] = "CapInh",
		[GUEST_CAP_PERMITTED] = "CapPrm",
		[GUEST_CAP_AMBIENT] = "CapAmb",
	};
	struct proto_proc *e = &one->entry;

	(void)numbers_of(status, "Uid", e->uids, ARRAY_LEN(e->uids));
	(void)numbers_of(status, "Gid", e->gids, ARRAY_LEN(e->gids));
	e->groups.at = one->groups;
	e->groups.len = numbers_of(status, "Groups", one->groups, PROTO_PROC_GROUPS_MAX);
	for (size_t i = 0; i < GUEST_CAP_SETS; i++)
		e->caps[i] = strtoull(value_of(status, sets[i]), NULL, 16);
	e->no_new_privs = strtoul(value_of(status, "NoNewPrivs"), NULL, 10) != 0;
	e->seccomp = (uint8_t)strtoul(value_of(status, "Seccomp"), NULL, 10);
}

/* What `stat` says, but for the numbers of processes. False: it is not as it should be. */
static bool read_stat(uint32_t pid, char *text, struct one *one)
{
	unsigned long long user, system, start, vsize;
	struct proto_proc *e = &one->entry;
	char *name = strchr(text, '('), *behind = strrchr(text, ')'); /* the name may have brackets and blanks in it */
	long priority, nice, threads, rss;
	char dir[PATH_LEN];
	int tty;

	if (!name || !behind ||
		sscanf(behind,
			") %c %*u %*u %*u %d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %ld %ld %ld %*d %llu %llu %ld",
			(char *)&e->state, &tty, &user, &system, &priority, &nice, &threads, &start, &vsize,
			&rss) != 10)
		return false;
	*behind = '\0';
	(void)snprintf(one->comm, sizeof(one->comm), "%s", name + 1); /* cutting is meant */
	(void)snprintf(dir, sizeof(dir), "/proc/%u", pid);
	e->tty = (uint32_t)tty;
	e->priority = (int32_t)priority;
	e->nice = (int32_t)nice;
	e->threads = (uint32_t)threads;
	e->user_ticks = user;
	e->system_ticks = system;
	e->start_ticks = start;
	e->vsize = vsize;
	e->rss = proclist_rss(dir, rss, threads);
	return true;
}

/* Reads all of process @pid of the guest into @one. False: it has ended meanwhile, or is not in the container's namespace. */
static bool read_one(uint32_t pid, unsigned int level, struct one *one)
{
	autofree char *status = read_text(pid, "status"), *stat = read_text(pid, "stat");
	struct proto_proc *e = &one->entry;
	uint32_t parent = 0;
	size_t len;

	*e = (struct proto_proc){ .comm = one->comm, .label = one->label };
	if (!status || !stat || !read_stat(pid, stat, one))
		return false;
	e->pid = number_of(status, "NSpid", level);
	if (e->pid == 0)
		return false;
	(void)numbers_of(status, "PPid", &parent, 1);
	e->ppid = number_of_parent(parent, level);
	e->pgid = number_of(status, "NSpgid", level);
	e->sid = number_of(status, "NSsid", level);
	read_identity(status, one);
	e->cmdline.at = one->cmdline;
	e->cmdline.len = read_start(pid, "cmdline", one->cmdline, sizeof(one->cmdline));
	len = read_start(pid, "attr/current", one->label, sizeof(one->label) - 1);
	one->label[len] = '\0';
	one->label[strcspn(one->label, "\n")] = '\0';
	return true;
}

/* The bytes that @e takes in a message. */
static size_t size_of(const struct proto_proc *e)
{
	return PROTO_PROC_MIN + strlen(e->comm) + strlen(e->label) + e->cmdline.len + 4 * (size_t)e->groups.len;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The numbers in @pids, in order, of which there are @n, as an array that the caller frees; NULL: no memory. */
static uint32_t *sorted(const struct buf *pids, uint32_t n)
{
	uint32_t *ret = calloc((size_t)n + 1, sizeof(*ret));
	struct wire w;

	if (!ret)
		return NULL;
	wire_init(&w, pids->data, pids->len);
	for (uint32_t i = 0; i < n; i++)
		ret[i] = wire_get_u32(&w);
	qsort(ret, n, sizeof(*ret), compare);
	return ret;
}

/*
 * Reads the processes of @pids behind list->after until the message is full. Those that it has no room for are for the next
 * one, which list->after says then.
 */
static void read_all(const uint32_t *pids, uint32_t n, unsigned int level, struct one *ones, struct proto_procs *list)
{
	uint32_t after = list->after, last = 0;
	size_t room = ROOM;

	list->after = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct one *one = &ones[list->len];

		if (pids[i] <= after || !read_one(pids[i], level, one))
			continue;
		if (list->len == PROTO_PROCS_MAX || size_of(&one->entry) > room) {
			list->after = last;
			return;
		}
		room -= size_of(&one->entry);
		list->at[list->len++] = one->entry;
		last = pids[i];
	}
}

int procs_put(int cgroup_fd, bool own_pids, uint32_t after, struct buf *out)
{
	struct proto_procs list = { .ticks_per_second = (uint32_t)sysconf(_SC_CLK_TCK), .after = after };
	autofree struct proto_proc *entries = NULL;
	autofree uint32_t *numbers = NULL;
	autofree struct one *ones = NULL;
	autobuf pids = BUF_INIT;
	struct timespec up;
	uint32_t n = cgroup_pids(cgroup_fd, &pids);

	if (buf_error(&pids) < 0)
		return buf_error(&pids);
	numbers = sorted(&pids, n);
	ones = calloc(MIN(n, (uint32_t)PROTO_PROCS_MAX) + 1, sizeof(*ones));
	entries = calloc(MIN(n, (uint32_t)PROTO_PROCS_MAX) + 1, sizeof(*entries));
	if (!numbers || !ones || !entries)
		return -ENOMEM;
	(void)clock_gettime(CLOCK_BOOTTIME, &up); /* cannot fail for this clock */
	list.uptime_ticks =
		((uint64_t)up.tv_sec * 1000 + (uint64_t)up.tv_nsec / 1000000) * list.ticks_per_second / 1000;
	list.at = entries;
	read_all(numbers, n, own_pids ? 1 : 0, ones, &list);
	proto_put_procs(out, &list);
	return buf_error(out);
}
