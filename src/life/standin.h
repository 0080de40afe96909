/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stand-ins: for some seconds, a process on the host for each process of the guest that has none there.
 *
 * Engines let the host's ps(1) describe the pids that the runtime gives them (docker top). A process of the guest is none of
 * the host's kernel. So whoever asks for pids has a stand-in made for it: a process that has its command line as the title,
 * its name, its user and its group, that is the child of its parent's stand-in if both are made at once, and that does
 * nothing. What else ps(1) shows (times, memory, terminal, state) is the stand-in's own.
 *
 *   ps --format json                                   stand-ins
 *     | the guest's list                                 |
 *     | which stand already? the file STANDINS_FILE      |
 *     | those whose process has ended, or is another: SIGKILL
 *     | fork, each a subtree --------------------------> | its line in the file, its title, ids; gives up all rights
 *     | <------------------------ closes the pipe ------ |
 *     | prints the pids, exits                           | orphaned, as the monitor is
 *                                                        | ends STANDINS_LIFE_MS after the last ps, or with the monitor
 *
 * They hold nothing of the caller's, and are in the caller's cgroup, not in the container's: what the container may use is
 * the virtual machine's alone, and a frozen container does not keep them. A signal to one is not passed on to the guest.
 *
 * GUEST: the list is a guest's. At most STANDINS_MAX stand for one container, whatever it says.
 */
#ifndef LIFE_STANDIN_H
#define LIFE_STANDIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "container/state.h"
#include "container/statedir.h"
#include "guest/ps.h"

/* In the state directory: a struct standins. */
#define STANDINS_FILE "standins"
/* How many there are of one container; each takes some 100 KiB of the host's memory. */
#define STANDINS_MAX 512
/* How long they stand: an engine runs ps(1) with the pids as soon as it has them, on a machine under load perhaps. */
#define STANDINS_LIFE_MS 10000
/* Those that are to end sooner than this are not relied on any more. */
#define STANDINS_MARGIN_MS 1000

/* A stand-in, as it writes itself into the file. All zeros: a free place. */
struct standin {
	int32_t pid;          /* on the host */
	uint32_t guest_pid;   /* of the process it stands for */
	uint64_t start;       /* of @pid: field 22 of /proc/PID/stat */
	uint64_t guest_start; /* the same of @guest_pid, in its guest */
	uint64_t looks;       /* a hash of what it shows */
};

/* The file. Whatever it says is only believed of processes that are there. */
struct standins {
	uint64_t magic;
	int64_t deadline_ms; /* of CLOCK_MONOTONIC: when all of them end */
	struct standin at[STANDINS_MAX];
};

/* Which stand-in an entry of the list gets. */
struct standin_part {
	const struct proto_ps_entry *entry;
	uint32_t place;      /* in standins.at */
	bool make;           /* it does not stand yet */
	int32_t child, next; /* its first child among those to be made, and its next sibling; -1: none */
};

struct standin_cast {
	size_t n;        /* of @at, in the list's order */
	size_t left_out; /* processes for which no place is left */
	int32_t first;   /* of those to be made whose parent is not to be made; the others are its .next; -1: none */
	bool kept[STANDINS_MAX]; /* by place: it goes on; each other one has to end */
	struct standin_part at[STANDINS_MAX];
};

/*
 * Decides who plays whom: each process of @list that nothing on the host stands for is paired with the one in @s that looks
 * like it, or gets a free place. Those of @s stand, each of them, but for free places. Pure.
 */
void standin_cast(const struct standins *s, const struct proto_ps *list, struct standin_cast *ret);

/*
 * Has a stand-in for each process of @list, which lies in container @state of @dir, and appends their pids to @pids, an
 * array of *@n with room for STANDINS_MAX more. *@ret_left_out processes have none: there are too many, or a fork has failed.
 * Forks, so the caller has one thread and nothing in a buffer of stdio; returns when all of them are what they are to be. 0,
 * or -errno with an error, and @pids is as it was.
 */
must_check int standin_make(const struct statedir *dir, const struct state *state, const struct proto_ps *list,
	pid_t *pids, size_t *n, size_t *ret_left_out, struct err *err);

#endif
