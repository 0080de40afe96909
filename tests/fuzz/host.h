/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For fuzz targets whose input is what a guest says on the channel: the host that listens to it, with the guest's end in the
 * target's hand. What a host may never be told, and may never do twice, ends the run.
 */
#ifndef TESTS_FUZZ_HOST_H
#define TESTS_FUZZ_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "guest/guest.h"

struct fuzz_host {
	struct loop *loop;
	struct guest *guest;
	struct watch *watch; /* of @tick, which is always readable: it ends each run of the loop */
	int tick;
	int own, channel;   /* the ends of the channel: the host's, and the guest's, from which nobody reads */
	uint32_t processes; /* that there are at most */
	int answers;        /* that came through fuzz_host_answered() */
	bool closed;
};

/* Makes the channel and a host at it, which knows of processes 1 to @processes. The caller ends it with fuzz_host_end(). */
void fuzz_host_begin(struct fuzz_host *h, uint32_t processes);

/* What becomes of a request, as guest_done_fn: counts it in the struct fuzz_host @arg. */
void fuzz_host_answered(void *arg, const struct err *err, const void *payload, size_t len);

/* Lets the host do what it can do now. */
void fuzz_host_turns(struct fuzz_host *h);

/* Sends bytes, and lets the host go on while there is no room for them. False: the host has not taken them all. */
bool fuzz_host_bytes(struct fuzz_host *h, const void *data, size_t len);

/* Sends a frame (mux.h) with @data, and lets the host go on; what it does not read in time is lost with it. */
void fuzz_host_frame(struct fuzz_host *h, uint32_t type, uint32_t stream, const void *data, size_t len);

/* Sends the message in @b, which is freed. */
void fuzz_host_message(struct fuzz_host *h, struct buf *b);

/* Sends the greeting of an honest agent. */
void fuzz_host_greet(struct fuzz_host *h);

/*
 * Ends the guest's half of the channel, upon which the host must close it, and frees the host's; @requests must have been
 * answered by then, each once. The caller calls fuzz_host_free() when what the host has borrowed is no longer needed.
 */
void fuzz_host_end(struct fuzz_host *h, int requests);

/* Frees the loop, and closes both ends. */
void fuzz_host_free(struct fuzz_host *h);

#endif
