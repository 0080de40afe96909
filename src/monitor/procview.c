/* SPDX-License-Identifier: Apache-2.0 */
/* The container's processes as a /proc: see procview.h. */
#include "monitor/procview.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "fuse/fuse.h"
#include "guest/guest.h"
#include "guest/procs.h"
#include "monitor/proctext.h"

#define PID_MAX 4194304 /* the kernel's PID_MAX_LIMIT */
#define KIND_BITS 8     /* a node is a process's number and, in the lowest bits, which of its files */

/* What there is of each process; and, of number 0, beside the processes. */
enum kind {
	KIND_PROCESS,
	KIND_ROOT = FUSE_ROOT,
	KIND_BOOT,
	KIND_UPTIME,
	KIND_STAT,
	KIND_STATUS,
	KIND_CMDLINE,
	KIND_COMM,
	KIND_UID_MAP,
	KIND_GID_MAP,
	KIND_ATTR,
	KIND_LABEL,
	KIND_NS,
	KIND_NS_PID,
	KIND_COUNT
};

static const struct file {
	enum kind dir;
	const char *name;
	uint32_t mode;
} files[KIND_COUNT] = {
	[KIND_PROCESS] = { .dir = KIND_ROOT, .mode = S_IFDIR | 0555 },
	[KIND_ROOT] = { .dir = KIND_COUNT, .mode = S_IFDIR | 0555 },
	[KIND_BOOT] = { KIND_ROOT, "stat", S_IFREG | 0444 },
	[KIND_UPTIME] = { KIND_ROOT, "uptime", S_IFREG | 0444 },
	[KIND_STAT] = { KIND_PROCESS, "stat", S_IFREG | 0444 },
	[KIND_STATUS] = { KIND_PROCESS, "status", S_IFREG | 0444 },
	[KIND_CMDLINE] = { KIND_PROCESS, "cmdline", S_IFREG | 0444 },
	[KIND_COMM] = { KIND_PROCESS, "comm", S_IFREG | 0444 },
	[KIND_UID_MAP] = { KIND_PROCESS, "uid_map", S_IFREG | 0444 },
	[KIND_GID_MAP] = { KIND_PROCESS, "gid_map", S_IFREG | 0444 },
	[KIND_ATTR] = { KIND_PROCESS, "attr", S_IFDIR | 0555 },
	[KIND_LABEL] = { KIND_ATTR, "current", S_IFREG | 0444 },
	[KIND_NS] = { KIND_PROCESS, "ns", S_IFDIR | 0555 },
	[KIND_NS_PID] = { KIND_NS, "pid", S_IFLNK | 0777 },
};

/* One process of the list. */
struct shown {
	const struct proto_proc *proc;
	uint32_t ticks_per_second;
	uint64_t start_ticks; /* since the host's boot */
};

struct procview {
	struct procview_config config;
	struct fuse *fuse;
	struct guest_procs procs; /* what the list's entries point into */
	struct shown *list;       /* by their numbers, each once */
	size_t len;
	int64_t read_ms; /* when the list was made; 0: there is none yet */
	struct proto_proc first;
	char *first_words;
	struct guest_procs coming; /* the parts of the next list */
	struct watch *timer;
	uint64_t asked; /* the ticket of the last question */
	bool asking;    /* it is under way */
	bool again;     /* somebody waits for the next one */
	bool armed;     /* the timer */
};

/* --- nodes --- */

static uint64_t node_of(uint32_t pid, enum kind kind)
{
	return ((uint64_t)pid << KIND_BITS) | kind;
}

static uint32_t pid_of(uint64_t node)
{
	return (uint32_t)(node >> KIND_BITS);
}

/* What @node is, or KIND_COUNT: nothing. */
static enum kind kind_of(uint64_t node)
{
	uint64_t kind = node & ((1u << KIND_BITS) - 1);

	return node >> KIND_BITS > PID_MAX || kind >= KIND_COUNT ? KIND_COUNT : (enum kind)kind;
}

static int compare_shown(const void *a, const void *b)
{
	uint32_t x = ((const struct shown *)a)->proc->pid, y = ((const struct shown *)b)->proc->pid;

	return (x > y) - (x < y);
}

/* The process with the number @pid, or NULL. */
static const struct shown *find_shown(const struct procview *v, uint32_t pid)
{
	const struct proto_proc wanted = { .pid = pid };
	const struct shown key = { .proc = &wanted };

	return v->len ? bsearch(&key, v->list, v->len, sizeof(key), compare_shown) : NULL;
}

/* --- the list --- */

/* GUEST: what a process of a list is shown as: it started when the guest says, but not in the future. */
static struct shown show(const struct proto_procs *list, const struct proto_proc *p)
{
	uint64_t host = (uint64_t)sysconf(_SC_CLK_TCK), now = proctext_ticks();
	uint64_t age = p->start_ticks > list->uptime_ticks ? 0 : list->uptime_ticks - p->start_ticks;

	if (list->ticks_per_second != host) /* no more than makes it start with the host */
		age = MIN(age / list->ticks_per_second, now / host + 1) * host;
	return (struct shown){
		.proc = p, .ticks_per_second = list->ticks_per_second, .start_ticks = age > now ? 0 : now - age
	};
}

/* Makes the list of v->coming, which is whole: 0 or -ENOMEM. */
static int make_list(struct procview *v)
{
	size_t n = 0, len = 0;
	struct shown *list;

	for (size_t i = 0; i < v->coming.parts_len; i++)
		n += v->coming.parts[i].list.len;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < v->coming.parts_len; i++) {
		const struct proto_procs *part = &v->coming.parts[i].list;

		for (uint32_t j = 0; j < part->len; j++) {
			if (part->at[j].pid > 0 && part->at[j].pid <= PID_MAX) /* GUEST: it becomes a node */
				list[n++] = show(part, &part->at[j]);
		}
	}
	qsort(list, n, sizeof(*list), compare_shown);
	for (size_t i = 0; i < n; i++) { /* GUEST: no number twice */
		if (len == 0 || list[len - 1].proc->pid != list[i].proc->pid)
			list[len++] = list[i];
	}
	free(v->list);
	guest_procs_done(&v->procs);
	v->list = list;
	v->len = len;
	v->procs = v->coming;
	v->coming = (struct guest_procs){ .parts = NULL };
	v->read_ms = clock_now_ms();
	return 0;
}

/* The list before the guest has told one: the container's first process, as the config has it. */
static int make_first(struct procview *v)
{
	const struct guest_process *c = &v->config.container->process;
	struct proto_proc *p = &v->first;
	autobuf words = BUF_INIT;
	const char *name = c->args.len ? c->args.at[0] : "";

	v->list = calloc(1, sizeof(*v->list));
	for (uint32_t i = 0; i < c->args.len; i++)
		buf_put(&words, c->args.at[i], strlen(c->args.at[i]) + 1);
	if (!v->list || buf_error(&words) < 0)
		return -ENOMEM;
	*p = (struct proto_proc){ .pid = 1, .pgid = 1, .sid = 1, .state = 'S', .priority = 20, .threads = 1 };
	for (size_t i = 0; i < ARRAY_LEN(p->uids); i++) {
		p->uids[i] = c->uid;
		p->gids[i] = c->gid;
	}
	p->groups =
		(struct guest_ids){ .len = MIN(c->groups.len, (uint32_t)PROTO_PROC_GROUPS_MAX), .at = c->groups.at };
	memcpy(p->caps, c->caps, sizeof(p->caps));
	p->no_new_privs = c->no_new_privs;
	p->seccomp = c->seccomp.len ? 2 : 0;
	p->comm = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	p->label = "";
	p->cmdline = (struct guest_blob){ .len = MIN(words.len, (size_t)PROTO_PROC_CMDLINE_MAX) };
	p->cmdline.at = v->first_words = buf_steal(&words);
	v->list[0] = (struct shown){
		.proc = p, .ticks_per_second = (uint32_t)sysconf(_SC_CLK_TCK), .start_ticks = proctext_ticks()
	};
	v->len = 1;
	return 0;
}

/* --- asking the guest --- */

static bool can_ask(const struct procview *v)
{
	return v->config.commands->serving && !v->config.commands->paused;
}

static void on_answer(void *arg, const struct err *err, const void *payload, size_t len);

/* Asks for the part of the list behind @after: 0 or -errno. */
static int ask_part(struct procview *v, uint32_t after)
{
	struct err ignored;

	return guest_procs(v->config.commands->guest, v->config.container->cid, after, on_answer, v, &ignored);
}

/* Bounds how long somebody waits, if nobody has been waiting. False: nobody may. */
static bool arm(struct procview *v)
{
	unsigned int ms = v->config.answer_ms ? v->config.answer_ms : PROCVIEW_ANSWER_MS;

	v->armed = v->armed || timer_set(v->timer, ms) == 0;
	return v->armed;
}

/* Asks for a list. If that cannot be, whoever waits for it gets what there is. */
static void begin(struct procview *v)
{
	v->again = false;
	v->asked++;
	v->asking = can_ask(v) && arm(v) && ask_part(v, 0) == 0;
	if (!v->asking)
		fuse_continue(v->fuse, v->asked, 0);
}

/* The question under way is over, with @error. */
static void end(struct procview *v, int error)
{
	guest_procs_done(&v->coming);
	v->asking = v->armed = false;
	(void)!timer_set(v->timer, 0); /* if this fails, it finds nobody who waits */
	fuse_continue(v->fuse, v->asked, can_ask(v) ? error : 0);
	if (v->again)
		begin(v);
}

/* The guest's answer: one part of the list. GUEST: it cannot make them more than they may be. */
static void on_answer(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct procview *v = arg;
	uint32_t after = 0;
	int r = err->errnum ? -EIO : guest_procs_add(&v->coming, payload, len, &after);

	if (!v->asking)
		return;
	if (r == 0 && after && v->coming.parts_len < PROCVIEW_PARTS_MAX && v->coming.bytes < PROCVIEW_BYTES_MAX) {
		r = can_ask(v) ? ask_part(v, after) : -EAGAIN;
		if (r == 0)
			return;
	} else if (r == 0) {
		r = make_list(v);
	}
	end(v, r < 0 ? -EIO : 0);
}

/* The guest does not answer: nobody waits any longer. Its answer may come yet, and is the next reader's. */
static void on_timeout(void *arg)
{
	struct procview *v = arg;

	v->again = v->armed = false;
	fuse_continue(v->fuse, UINT64_MAX, can_ask(v) ? -EIO : 0);
}

/* --- the tree --- */

/* Names of processes and what they have come from the guest; what is always the same needs no question. */
static uint64_t view_ask(void *arg, uint64_t node, bool anew)
{
	struct procview *v = arg;

	if (pid_of(node) == 0 && node != FUSE_ROOT)
		return 0;
	if (node != FUSE_ROOT)
		anew = false; /* the files of a process are always the same */
	if (!can_ask(v) || (!anew && v->read_ms && clock_now_ms() - v->read_ms < PROCVIEW_FRESH_MS))
		return 0;
	if (!v->asking) {
		begin(v);
		return v->asking ? v->asked : 0;
	}
	/* what is under way may have been read in the guest before this was asked */
	if (!arm(v))
		return 0;
	v->again = v->again || anew;
	return v->asked + (anew ? 1 : 0);
}

/* The number that @name is, or 0: it is none. */
static uint32_t parse_pid(const char *name)
{
	uint32_t pid = 0;

	if (*name == '0')
		return 0;
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || pid > PID_MAX)
			return 0;
		pid = pid * 10 + (uint32_t)(*name - '0');
	}
	return pid > PID_MAX ? 0 : pid;
}

/* A number is a process of the list; all other names are in `files`. */
static int view_find(void *arg, uint64_t dir, const char *name, uint64_t *ret)
{
	const struct procview *v = arg;
	uint32_t pid = pid_of(dir);
	enum kind kind = kind_of(dir);

	if (kind == KIND_COUNT || !S_ISDIR(files[kind].mode))
		return -ENOTDIR;
	if (dir == FUSE_ROOT && parse_pid(name) && find_shown(v, parse_pid(name))) {
		*ret = node_of(parse_pid(name), KIND_PROCESS);
		return 0;
	}
	if (dir != FUSE_ROOT && !find_shown(v, pid))
		return -ENOENT;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (files[i].dir == kind && files[i].name && strcmp(files[i].name, name) == 0) {
			*ret = node_of(pid, (enum kind)i);
			return 0;
		}
	}
	return -ENOENT;
}

static uint32_t view_mode(void *arg, uint64_t node)
{
	enum kind kind = kind_of(node);

	(void)arg;
	return kind == KIND_COUNT ? 0 : files[kind].mode;
}

/* What file @kind of the process @s has. */
static int read_process(const struct procview *v, const struct shown *s, enum kind kind, struct buf *out)
{
	const struct proto_proc *p = s->proc;

	switch (kind) {
	case KIND_STAT:
		proctext_stat(out, p, s->ticks_per_second, s->start_ticks);
		return 0;
	case KIND_STATUS:
		proctext_status(out, p);
		return 0;
	case KIND_CMDLINE:
		buf_put(out, p->cmdline.at, p->cmdline.len);
		return 0;
	case KIND_COMM:
		buf_printf(out, "%s\n", p->comm);
		return 0;
	case KIND_UID_MAP:
		proctext_idmaps(out, &v->config.container->uids);
		return 0;
	case KIND_GID_MAP:
		proctext_idmaps(out, &v->config.container->gids);
		return 0;
	case KIND_LABEL:
		if (!*p->label)
			return -EINVAL; /* as procfs without a security module */
		buf_printf(out, "%s\n", p->label);
		return 0;
	case KIND_NS_PID:
		/* who looks for the process's number on the host finds the monitor, which stands for the first one alone */
		buf_puts(out, p->pid == 1 ? v->config.pid_ns : "pid:[0]");
		return 0;
	default:
		return -EISDIR;
	}
}

static int view_read(void *arg, uint64_t node, struct buf *out)
{
	const struct procview *v = arg;
	enum kind kind = kind_of(node);
	const struct shown *s = find_shown(v, pid_of(node));

	if (kind == KIND_BOOT)
		proctext_boot(out);
	else if (kind == KIND_UPTIME)
		proctext_uptime(out);
	else
		return s ? read_process(v, s, kind, out) : -ENOENT;
	return 0;
}

/* In the root the processes, by their numbers; and in each directory what `files` has for it. */
static int view_list(void *arg, uint64_t node, struct fuse_list *out)
{
	const struct procview *v = arg;
	enum kind kind = kind_of(node);
	char name[16];

	for (size_t i = 0; node == FUSE_ROOT && i < v->len; i++) {
		(void)snprintf(name, sizeof(name), "%u", v->list[i].proc->pid); /* fits */
		fuse_list_add(out, name, node_of(v->list[i].proc->pid, KIND_PROCESS), S_IFDIR);
	}
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (files[i].dir == kind && files[i].name)
			fuse_list_add(out, files[i].name, node_of(pid_of(node), (enum kind)i), files[i].mode);
	}
	return 0;
}

static const struct fuse_tree tree = {
	.ask = view_ask, .find = view_find, .mode = view_mode, .read = view_read, .list = view_list
};

int procview_new(const struct procview_config *config, struct procview **ret)
{
	struct procview *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	v->config = *config;
	r = make_first(v);
	if (r == 0)
		r = timer_new(config->loop, 0, on_timeout, v, &v->timer);
	if (r == 0)
		r = fuse_new(config->loop, config->fd, &tree, v, &v->fuse);
	if (r < 0) {
		procview_free(v);
		return r;
	}
	*ret = v;
	return 0;
}

void procview_abandon(struct procview *v)
{
	if (!v)
		return;
	v->again = false;
	fuse_continue(v->fuse, UINT64_MAX, 0);
}

void procview_free(struct procview *v)
{
	if (!v)
		return;
	fuse_free(v->fuse);
	watch_free(v->timer);
	guest_procs_done(&v->coming);
	guest_procs_done(&v->procs);
	free(v->list);
	free(v->first_words);
	free(v);
}
