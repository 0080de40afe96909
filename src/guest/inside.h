/* SPDX-License-Identifier: Apache-2.0 */
/* What guest.c (life, records, what the guest says) and ask.c (what it is asked) share. Only they include this. */
#ifndef GUEST_INSIDE_H
#define GUEST_INSIDE_H

#include <sys/queue.h>
#include <time.h>

#include "channel/mux.h"
#include "channel/pump.h"
#include "guest/guest.h"

struct relay;
struct relay_conn;

struct guest_request {
	LIST_ENTRY(guest_request) link;
	uint32_t seq;
	uint32_t process; /* of CREATE and EXEC: the process, which is forgotten if the request fails; else 0 */
	guest_done_fn *done;
	void *arg;
};

struct guest_proc {
	LIST_ENTRY(guest_proc) link;
	struct guest *g;
	uint32_t id;
	struct source *in;
	struct sink *out[2];
	bool made; /* RESULT has come: the guest has made it */
	bool exited, oom;
	bool lingered;        /* its relays had their time */
	struct watch *linger; /* the timer of that */
	int status;
};

struct guest {
	struct loop *loop;
	struct mux *mux;
	int proc_fd; /* of guest_use_proc(); -1: none */
	struct guest_events events;
	LIST_HEAD(, guest_request) requests;
	unsigned int requests_len;
	LIST_HEAD(, guest_proc) procs;
	LIST_HEAD(, relay) relays; /* of relay.c, with the next two */
	LIST_HEAD(, relay_conn) conns;
	unsigned int conns_len;
	/* The relays of the container of @owner may have nothing on its way any more. */
	void (*on_drained)(struct guest *g, uint32_t owner);
	uint32_t next_seq, next_process, next_stream, next_relay;
	bool ready;             /* HELLO has come */
	bool closed;            /* the channel is gone */
	time_t log_second;      /* the second, by CLOCK_MONOTONIC, in which ... */
	unsigned int log_count; /* ... that many log messages have come */
	time_t time_second;     /* likewise of the questions for the time */
	unsigned int time_count;
	unsigned int busy; /* calls of guest_enter() without guest_leave(): callbacks on the stack */
	bool free_me;      /* guest_free() was called during one of them */
};

/*
 * Makes the record of process @p, opens its streams for @stdio and writes their
 * numbers into @p. The message that names them must be sent next. 0, or -errno
 * with @err set. If the process will not be, the caller frees *@ret, which is NULL
 * if not even the record was made.
 */
must_check int guest_attach(
	struct guest *g, struct guest_process *p, const int stdio[3], struct guest_proc **ret, struct err *err);

/* Forgets the process @p and resets its streams. */
void guest_proc_free(struct guest_proc *p);

#endif
