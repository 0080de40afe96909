/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the machine ended: written once by whichever vCPU saw it, read by the main loop.
 *
 * The first report wins: what other vCPUs run into after that is its consequence.
 */
#ifndef VM_MACHINE_END_H
#define VM_MACHINE_END_H

#include <pthread.h>
#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "vm/vm.h"

#define END_DETAIL_MAX 512

struct end {
	int fd; /* eventfd, readable once a report is in; owned */
	pthread_mutex_t lock;
	/* LOCK: lock */
	bool reported;
	enum vm_exit how;
	char detail[END_DETAIL_MAX];
};

must_check int end_init(struct end *end, struct err *err);
void end_done(struct end *end);

/* Reports the end, on any thread; the message is a sentence part for the log. */
void end_report(struct end *end, enum vm_exit how, const char *fmt, ...) printf_like(3, 4);

/* Copies the report out and returns true, or false if there is none. @detail: END_DETAIL_MAX bytes. */
bool end_get(struct end *end, enum vm_exit *ret_how, char *detail);

#endif
