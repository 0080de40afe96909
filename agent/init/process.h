/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that the monitor asked for: a container's init, or an exec.
 */
#ifndef AGENT_INIT_PROCESS_H
#define AGENT_INIT_PROCESS_H

#include <sys/types.h>

#include "channel/pump.h"
#include "init/container.h"
#include "sys/agent.h"

enum process_state {
	PROCESS_SETTING_UP, /* waits for READY */
	PROCESS_CREATED,    /* waits for START */
	PROCESS_STARTING,   /* waits for execve */
	PROCESS_RUNNING,
	PROCESS_FAILED, /* refused; waits to be reaped */
	PROCESS_ENDED   /* reaped; waits for the write-back and for its output to be sent */
};

struct process {
	LIST_ENTRY(process) link;
	struct agent *agent;
	struct container *container;
	enum process_state state;
	uint32_t id;
	bool is_init, terminal;
	bool at_exec; /* STARTING: nothing but execve is left */
	bool told;    /* the monitor has a result that says it exists: EXITED will come */
	uint32_t seq; /* the request to be answered in this state */
	pid_t pid;    /* 0: not known yet */
	pid_t joiner; /* 0: reaped */
	int sync;     /* socket to it; -1: closed */
	struct watch *sync_watch;
	int tty; /* the master, for its size; -1: none */
	uint16_t rows, cols;
	bool maps;                  /* the container's id maps are to be written for it */
	int64_t settled_at_ms;      /* signals.c: until then signals may wait for a handler */
	uint64_t waiting;           /* these do */
	unsigned int rested;        /* how often in a row the process was seen asleep meanwhile */
	struct watch *signal_timer; /* looks after them; NULL: none has waited yet */
	struct sink *in;
	struct source *out[2];
	int status;
	bool oom, synced;
	bool refused; /* FAILED: the answer is @failure, given when nothing of it is left */
	struct err failure;
};

/* Each answers @seq, later or at once. The messages' memory is not needed after the return. */
void process_create(struct agent *agent, const struct guest_container *c, uint32_t seq);
void process_exec(struct agent *agent, const char *cid, const struct guest_process *p, uint32_t seq);
void process_start(struct agent *agent, uint32_t id, uint32_t seq);

/* Sends a signal to the process, or with @all to everything in its container. 0 or -errno with @err set. */
must_check int process_signal(struct agent *agent, uint32_t id, int signo, bool all, struct err *err);
void process_winsize(struct agent *agent, uint32_t id, uint16_t rows, uint16_t cols);

/* @k is being deleted: those of its processes that wait only for their output to be sent wait no longer. */
void process_settle_all(struct container *k);

/* From the reaper: reads what the processes have told so far, so that an exit is not seen before it. */
void process_read_all(struct agent *agent);

/* From the reaper: @pid has ended. Returns whether it was a process or a joiner. */
bool process_on_exit(struct agent *agent, pid_t pid, int status);

#endif
