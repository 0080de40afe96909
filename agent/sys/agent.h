/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent: PID 1 of the guest, which does there what the monitor asks.
 *
 * It has one thread and one loop. What may take long, or needs other namespaces,
 * is done by children, which report over a socket (launch/launch.h):
 *
 *   agent (loop) --fork--> joiner: enters namespaces to be shared --clone3-->
 *       process: its own set-up, then execve; a child of the agent (CLONE_PARENT)
 *
 * The agent never exits: it powers the machine off when the channel is gone.
 */
#ifndef AGENT_SYS_AGENT_H
#define AGENT_SYS_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "channel/mux.h"
#include "channel/proto.h"

struct container;
struct link;
struct process;
struct resolver;
struct relay;
struct sync_job;

/* What the guest's clock is kept right with (init/timekeeper.c). */
struct timekeeper {
	struct watch *timer; /* of the next question; NULL: the clock is left alone */
	uint64_t asked_ns;   /* CLOCK_MONOTONIC of the last question */
	unsigned int tries;  /* questions in a row whose answers came too late to be exact */
	bool settled;        /* the first of these rows is over, and programs may rely on the clock */
};

#define NETWORK_DEVICES_MAX 24 /* more than a machine has */

/* A network device that is an interface of a container now; of none where device is 0. */
struct network_device {
	uint64_t device;      /* as guest_nic has it */
	uint32_t host, guest; /* the interface's number on the host and here */
};

/* The machine's network devices (init/network.c). */
struct network {
	int park;    /* a netlink socket where the spare ones are; -1: they are nowhere */
	int park_ns; /* that namespace; -1 */
	struct network_device devices[NETWORK_DEVICES_MAX];
};

/* Everything that PID 1 knows. No file of the agent has state of its own. */
struct agent {
	struct loop *loop;
	struct mux *mux; /* the channel; NULL: not open yet, or lost */
	int channel_fd;
	bool native;         /* a test on the host: no virtual machine, and not the machine's init */
	bool shares_mounted; /* SANDBOX has been done */
	bool batch;          /* the agent is a batch task for now (agent/init/pace.h) */
	const char *shares;  /* the directory in which those of sandbox.h lie */
	const char *cgroup;  /* mount point of cgroup v2; NULL: there is none */
	int reaper_fd;       /* signalfd of SIGCHLD (reaper.c) */
	struct watch *reaper_watch;
	struct timekeeper time;
	struct network net;
	LIST_HEAD(, container) containers;
	LIST_HEAD(, process) processes;
	LIST_HEAD(, sync_job) syncs;
	LIST_HEAD(, relay) relays; /* of all containers (relay.c) */
	LIST_HEAD(, link) links;
	unsigned int links_len;
	LIST_HEAD(, resolver) resolvers; /* of all containers (resolver.c) */
	unsigned int questions_len;      /* that wait for an answer there */
	uint32_t last_token;             /* of the links */
	int place_ns; /* a network namespace for sockets that have names of the host's (agent/init/place.h); -1: not made yet */
	unsigned int gone_names; /* how many names were given to what the host has moved (init/forget.c) */
};

#endif
