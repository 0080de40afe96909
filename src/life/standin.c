/* SPDX-License-Identifier: Apache-2.0 */
/* Processes on the host that stand for the guest's: see standin.h. */
#include "life/standin.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "app/log.h"
#include "app/proctitle.h"
#include "base/clock.h"
#include "base/fd.h"
#include "host/confine.h"

#define MAGIC 0x7374616e64696e31ull /* of this layout of the file */
/* How long another ps may hold the file, and how long the new ones may take to be what they are to be. */
#define LOCK_TIMEOUT_MS 5000
#define LOCK_PAUSE_MS 10
#define READY_TIMEOUT_MS 30000
/* FNV-1a */
#define HASH_START 0xcbf29ce484222325ull
#define HASH_PRIME 0x100000001b3ull

/* One call of standin_make(). */
struct casting {
	struct standins file;
	struct standin_cast cast;
	int fd;    /* of the file, locked */
	int own;   /* of the file, for the stand-ins: a lock is an open file's, and theirs must not outlive us */
	int pidfd; /* the monitor's */
	int ready; /* the pipe's end that each of them closes when it stands */
};

/* --- who plays whom --- */

static void hash(uint64_t *h, const void *data, size_t len)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < len; i++)
		*h = (*h ^ at[i]) * HASH_PRIME;
}

/* A hash of all that a stand-in for @e shows. */
static uint64_t looks_of(const struct proto_ps_entry *e)
{
	uint64_t h = HASH_START;

	hash(&h, &e->uid, sizeof(e->uid));
	hash(&h, &e->gid, sizeof(e->gid));
	hash(&h, e->comm, strlen(e->comm) + 1);
	hash(&h, e->args, strlen(e->args) + 1);
	return h;
}

/* The place in @s of the stand-in of @e, which nobody else has got; STANDINS_MAX: it has none. */
static uint32_t place_of(const struct standins *s, const struct proto_ps_entry *e, const bool *kept)
{
	const uint64_t looks = looks_of(e);

	for (uint32_t i = 0; i < STANDINS_MAX; i++) {
		const struct standin *one = &s->at[i];

		if (one->pid && !kept[i] && one->guest_pid == e->pid && one->guest_start == e->start_ticks &&
			one->looks == looks)
			return i;
	}
	return STANDINS_MAX;
}

/*
 * Gives each one that is to be made a place, and puts it below its parent if that is to be made, too. GUEST: parents that are
 * each other's children are below nobody, and so they are never made.
 */
static void place_new(struct standin_cast *c)
{
	uint32_t place = 0;

	for (size_t i = c->n; i-- > 0;) {
		int32_t *list = &c->first;

		if (!c->at[i].make)
			continue;
		for (size_t k = 0; k < c->n; k++) {
			if (c->at[k].make && c->at[k].entry->pid == c->at[i].entry->ppid) {
				list = &c->at[k].child;
				break;
			}
		}
		c->at[i].next = *list;
		*list = (int32_t)i;
	}
	for (size_t i = 0; i < c->n; i++) {
		if (!c->at[i].make)
			continue;
		while (c->kept[place])
			place++; /* there are as many places as parts */
		c->at[i].place = place++;
	}
}

void standin_cast(const struct standins *s, const struct proto_ps *list, struct standin_cast *ret)
{
	*ret = (struct standin_cast){ .first = -1 };
	for (uint32_t i = 0; i < list->len; i++) {
		const struct proto_ps_entry *e = &list->at[i];
		struct standin_part *part = &ret->at[ret->n];

		if (e->held)
			continue;
		if (ret->n == STANDINS_MAX) {
			ret->left_out++;
			continue;
		}
		*part = (struct standin_part){ .entry = e, .child = -1, .next = -1 };
		part->place = place_of(s, e, ret->kept);
		part->make = part->place == STANDINS_MAX;
		if (!part->make)
			ret->kept[part->place] = true;
		ret->n++;
	}
	place_new(ret);
}

/* --- the stand-ins' side --- */

/* Where in the file the stand-in of @part is. */
static off_t offset_of(const struct standin_part *part)
{
	return (off_t)(offsetof(struct standins, at) + part->place * sizeof(struct standin));
}

/*
 * Ends at the deadline, which is put off while somebody asks again; with the monitor; or if somebody else has got the place,
 * because the ps that has made @me was killed.
 */
static _Noreturn void wait_deadline(const struct casting *c, const struct standin_part *part, const struct standin *me)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };

	for (;;) {
		struct standin there;
		int64_t deadline_ms, left_ms;
		struct timespec left;

		if (pread(c->own, &there, sizeof(there), offset_of(part)) != (ssize_t)sizeof(there) ||
			there.pid != me->pid ||
			pread(c->own, &deadline_ms, sizeof(deadline_ms), offsetof(struct standins, deadline_ms)) !=
				(ssize_t)sizeof(deadline_ms))
			_exit(0);
		left_ms = deadline_ms - clock_now_ms();
		if (left_ms <= 0 || left_ms > STANDINS_LIFE_MS)
			_exit(0);
		left = (struct timespec){ .tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000 };
		if (ppoll(&p, 1, &left, NULL) > 0)
			_exit(0);
	}
}

/* Looks like the guest's process @e. */
static void dress(const struct proto_ps_entry *e)
{
	/* of an ordinary user, who can become nobody else, they stay */
	(void)!setgroups(0, NULL);
	(void)!setresgid(e->gid, e->gid, e->gid);
	(void)!setresuid(e->uid, e->uid, e->uid);
	if (*e->args)
		proctitle_set("%s", e->args);
	else
		proctitle_set("[%s]", e->comm);
	(void)prctl(PR_SET_NAME, e->comm, 0, 0, 0); /* cannot fail: what is too long is cut */
}

/* Forks each that is on the list which begins with part @first. Those that cannot be forked are missed where they are counted. */
static void fork_all(struct casting *c, int32_t first);

/* The life of the stand-in of part @i: its children come first, since it has no right to make any later. */
static _Noreturn void stand(struct casting *c, int32_t i)
{
	static const int calls[] = {
		SYS_close, SYS_pread64, SYS_ppoll, SYS_clock_gettime, SYS_exit_group,
		SYS_restart_syscall, /* of a ppoll(2) that SIGSTOP has interrupted */
	};
	const struct standin_part *part = &c->cast.at[i];
	const struct standin me = { .pid = getpid(),
		.guest_pid = part->entry->pid,
		.start = state_pid_start(getpid()),
		.guest_start = part->entry->start_ticks,
		.looks = looks_of(part->entry) };

	log_detach();
	/* a child that ends leaves no zombie */
	if (confine_leave((int[]){ c->own, c->pidfd, c->ready }, 3) < 0 || signal(SIGCHLD, SIG_IGN) == SIG_ERR)
		_exit(1);
	fork_all(c, part->child);
	dress(part->entry);
	if (pwrite(c->own, &me, sizeof(me), offset_of(part)) != (ssize_t)sizeof(me) ||
		confine_self(calls, ARRAY_LEN(calls), 0) < 0)
		_exit(1);
	fd_close(c->ready);
	wait_deadline(c, part, &me);
}

static void fork_all(struct casting *c, int32_t first)
{
	for (int32_t i = first; i >= 0; i = c->cast.at[i].next) {
		pid_t pid = fork();

		if (pid == 0)
			stand(c, i);
		if (pid < 0)
			return;
	}
}

/* --- the command's side --- */

/* Opens the file of @dir, and waits until no other ps works on it. 0 or -errno with an error. */
static int open_file(const struct statedir *dir, struct casting *c, struct err *err)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	int tries = LOCK_TIMEOUT_MS / LOCK_PAUSE_MS;

	c->fd = openat(dir->fd, STANDINS_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->fd >= 0)
		c->own = openat(dir->fd, STANDINS_FILE, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (c->own < 0)
		return err_sys(err, errno, "cannot open \"%s/" STANDINS_FILE "\"", dir->path);
	while (flock(c->fd, LOCK_EX | LOCK_NB) < 0) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || tries-- == 0)
			return err_sys(err, errno, "cannot lock \"%s/" STANDINS_FILE "\"", dir->path);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

/* Reads who stands; places of those that do not are free then. */
static void read_file(struct casting *c)
{
	ssize_t n = pread(c->fd, &c->file, sizeof(c->file), 0);

	if (n != (ssize_t)sizeof(c->file) || c->file.magic != MAGIC)
		c->file = (struct standins){ .magic = MAGIC };
	for (size_t i = 0; i < STANDINS_MAX; i++) {
		const struct standin *one = &c->file.at[i];

		if (one->pid && state_pid_start(one->pid) != one->start)
			c->file.at[i] = (struct standin){ .pid = 0 };
	}
}

/* Ends the stand-in, which is no child of ours. */
static void end(const struct standin *one)
{
	const struct state s = { .pid = one->pid, .pid_start = one->start };
	autoclose int pidfd = state_pidfd(&s);

	if (pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0); /* else it has ended */
}

/* Ends those that play nobody any more, and frees their places. */
static void end_others(struct casting *c)
{
	for (size_t i = 0; i < STANDINS_MAX; i++) {
		struct standin *one = &c->file.at[i];

		if (c->cast.kept[i] || !one->pid)
			continue;
		end(one);
		*one = (struct standin){ .pid = 0 };
	}
}

/* Writes the first @len bytes of the file, with a deadline that is all of the time away. 0 or -errno. */
static int put_off(struct casting *c, size_t len)
{
	c->file.deadline_ms = clock_now_ms() + STANDINS_LIFE_MS;
	return pwrite(c->fd, &c->file, len, 0) == (ssize_t)len ? 0 : -EIO;
}

/* Makes those that do not stand yet, and waits until they do: until each has closed its end of a pipe, or has ended. */
static int make_others(struct casting *c, struct err *err)
{
	const int64_t until_ms = clock_now_ms() + READY_TIMEOUT_MS;
	struct pollfd p = { .events = POLLIN };
	autoclose int done = -1;
	int ends[2], r = 0;

	if (c->cast.first < 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "cannot make a pipe");
	p.fd = done = ends[0];
	c->ready = ends[1];
	fork_all(c, c->cast.first);
	fd_close(c->ready);
	do {
		/* on a machine under load the first ones may have to stand for long before the last ones do */
		if (put_off(c, offsetof(struct standins, at)) < 0)
			return err_sys(err, EIO, "cannot write \"" STANDINS_FILE "\"");
		r = poll(&p, 1, STANDINS_LIFE_MS / 4);
	} while (r <= 0 && clock_now_ms() < until_ms); /* if somebody has stopped one, those that stand are counted */
	return 0;
}

/* Appends the pids of those that stand now. */
static void count(struct casting *c, pid_t *pids, size_t *n, size_t *ret_left_out)
{
	read_file(c);
	*ret_left_out = c->cast.left_out;
	for (size_t i = 0; i < c->cast.n; i++) {
		const struct standin *one = &c->file.at[c->cast.at[i].place];

		if (one->pid)
			pids[(*n)++] = one->pid;
		else
			++*ret_left_out;
	}
}

/* All of standin_make() but the counting, once the file is open. 0 or -errno with an error. */
static int perform(struct casting *c, const struct proto_ps *list, struct err *err)
{
	int r;

	read_file(c);
	if (c->file.deadline_ms - clock_now_ms() < STANDINS_MARGIN_MS)
		end_others(c); /* nobody is kept yet */
	standin_cast(&c->file, list, &c->cast);
	end_others(c);
	r = put_off(c, sizeof(c->file));
	if (r < 0)
		return err_sys(err, r, "cannot write \"" STANDINS_FILE "\"");
	r = make_others(c, err);
	if (r == 0 && put_off(c, offsetof(struct standins, at)) < 0)
		r = err_sys(err, EIO, "cannot write \"" STANDINS_FILE "\"");
	return r;
}

int standin_make(const struct statedir *dir, const struct state *state, const struct proto_ps *list, pid_t *pids,
	size_t *n, size_t *ret_left_out, struct err *err)
{
	autofree struct casting *c = calloc(1, sizeof(*c));
	int r = 0;

	*ret_left_out = 0;
	if (!c)
		return err_sys(err, ENOMEM, "stand-ins");
	c->fd = c->own = -1;
	c->pidfd = state_pidfd(state);
	if (c->pidfd >= 0) { /* else the container has ended meanwhile */
		r = open_file(dir, c, err);
		if (r == 0)
			r = perform(c, list, err);
		if (r == 0)
			count(c, pids, n, ret_left_out);
	}
	fd_close(c->own);
	fd_close(c->fd);
	fd_close(c->pidfd);
	return r;
}
