/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that the monitor asked for, as the agent remembers it: a container's first process, or one more in it
 * (EXEC).
 *
 *   SETTING_UP --READY--> CREATED --START--> STARTING --execve--> RUNNING
 *       |ERROR               |                  |ERROR               |
 *       v                    v                  v                    v
 *     FAILED --reaped--> (freed)             ENDED <-----reaped------+
 *                                            ENDED --written back, output sent--> EXITED, freed
 *
 * birth.c makes the steps to RUNNING, and process_refuse() those by ERROR; process_on_exit() is "reaped",
 * process_settle() the last step.
 *
 * The order that the monitor relies on: all output of a process has been put into its streams, and they have ended,
 * before its record is freed; and what it wrote into files is on the host before EXITED.
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
	PROCESS_FAILED, /* could not be made; waits to be reaped */
	PROCESS_ENDED   /* reaped; waits for the write-back and for its output to be sent */
};

struct process {
	LIST_ENTRY(process) link;
	struct agent *agent;
	struct container *container; /* NULL until it is known that there is one */
	enum process_state state;
	uint32_t id; /* the monitor's number for it */
	bool is_init, terminal;
	bool held;    /* guest_process.held */
	bool at_exec; /* STARTING: nothing but execve is left */
	bool told;    /* the monitor has a RESULT that says it exists: EXITED will come */
	uint32_t seq; /* the request to be answered in this state */
	pid_t pid;    /* 0: not known yet */
	pid_t joiner; /* the process that forks it (launch.h); 0: reaped */
	int sync;     /* the agent's end of the socket to it (tell.h); -1: closed */
	struct watch *sync_watch;
	int tty; /* its terminal's master, kept to set the size; -1: none */
	uint16_t rows, cols;
	bool maps; /* the container's id maps are to be written for it */

	/* Of signals.c alone. */
	int64_t settled_at_ms;      /* until then signals may wait for a handler */
	uint64_t waiting;           /* the signals that do: bit n - 1 for signal n */
	int ended_by;               /* the signal that ended it before START; 0: none */
	unsigned int rested;        /* how often in a row the process was seen asleep meanwhile */
	struct watch *signal_timer; /* looks after them; NULL: none has waited yet */

	struct sink *in; /* its standard input, as the agent writes it; NULL: none, or over */
	struct source *out[2];
	int status; /* ENDED: signals_status() */
	bool oom;
	bool synced;  /* ENDED: what it wrote is on the host */
	bool refused; /* FAILED: @failure is the answer to @seq, given when nothing of the process is left */
	struct err failure;
};

/*
 * Makes the record of a process that is to be as @gp says, for request @seq, and adds it to the agent's. NULL without
 * memory.
 */
struct process *process_new(struct agent *agent, const struct guest_process *gp, uint32_t seq);

/* The process with the monitor's number @id, or NULL. */
struct process *process_find(struct agent *agent, uint32_t id);

/*
 * Opens the streams that @gp names, and without a terminal a pipe for each, whose other end goes to @child_fds (the
 * caller's; -1: none). 0 or -errno with @err set. After a failure every stream is open all the same, because the
 * monitor has opened its ends by now; process_refuse() resets them.
 */
must_check int process_open_stdio(struct process *p, const struct guest_process *gp, int child_fds[3], struct err *err);

/* Makes @p one of container @k's, as its first process if p->is_init. */
void process_attach(struct process *p, struct container *k);

/* Gives the terminal the size in @p, if it has a terminal and a size is known. */
void process_apply_winsize(const struct process *p);

/* Closes the agent's end of the socket to the process, which it takes for being given up. */
void process_close_sync(struct process *p);

/*
 * The process cannot be, or cannot start, for the reason in @err. A START that fails is answered at once, since the
 * process was created, and its exit is told like any other. Else the process is killed; the answer comes when it has
 * been reaped and a container that it was to begin is forgotten, so that the id is free again. May free @p.
 */
void process_refuse(struct process *p, const struct err *err);

/* Frees the record of a process that is gone, or never was; gives the answer that process_refuse() owes. */
void process_free(struct process *p);

/* Sends a signal to the process, or with @all to everything in its container. 0 or -errno with @err set. */
must_check int process_signal(struct agent *agent, uint32_t id, int signo, bool all, struct err *err);

/* WINSIZE: the terminal of process @id gets @rows and @cols, now or when it is there. */
void process_winsize(struct agent *agent, uint32_t id, uint16_t rows, uint16_t cols);

/* @k is being deleted: those of its processes that wait only for their output to be sent wait no longer. */
void process_settle_all(struct container *k);

/* From the reaper: @pid has ended with @status, as wait(2) gives it. False if that was no process of a record. */
bool process_on_exit(struct agent *agent, pid_t pid, int status);

#endif
