/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the machine ended: written once, by whichever vCPU thread saw it, and read by the main loop.
 *
 * The first report is the one that counts, because whatever other vCPUs run into afterwards is its consequence.
 */
#ifndef VM_MACHINE_END_H
#define VM_MACHINE_END_H

#include <pthread.h>
#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/vm.h"

#define END_DETAIL_MAX 512 /* bytes of a report's message with its NUL; what is longer is cut */

struct end {
	int fd; /* eventfd, readable once a report is in; owned */
	pthread_mutex_t lock;
	/* LOCK: lock */
	bool reported;
	enum vm_exit how;
	char detail[END_DETAIL_MAX];
};

/* Makes it, with no report in. 0 or -errno; on error end_done() has nothing to do. */
must_check int end_init(struct end *end, struct err *err);

/* Frees it; nobody may report any more. Accepts one whose fd is -1. */
void end_done(struct end *end);

/* Reports the end with a message for the log (lower case, no full stop). Later reports are dropped. On any thread. */
void end_report(struct end *end, enum vm_exit how, const char *fmt, ...) printf_like(3, 4);

/* True if a report is in: copies it to *@ret_how and @detail, which has END_DETAIL_MAX bytes. On any thread. */
bool end_get(struct end *end, enum vm_exit *ret_how, char *detail);

#endif
