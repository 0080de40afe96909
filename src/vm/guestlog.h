/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's console as a log: what its serial port and its virtio console say.
 *
 * Text goes by lines into a log fd, cleaned of control characters, up to
 * GUESTLOG_MAX bytes; the last GUESTLOG_TAIL bytes are kept for the report of a
 * panic. One lock guards it, as any vCPU may write at any time.
 */
#ifndef VM_GUESTLOG_H
#define VM_GUESTLOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

#define GUESTLOG_MAX (4 * MIB) /* a stock kernel's whole boot log is some 60 KiB */
#define GUESTLOG_LINE 256      /* longer lines are written in pieces */
#define GUESTLOG_TAIL 4096     /* holds a panic with its call trace */

struct guestlog {
	int fd; /* borrowed; -1: only the tail is kept */
	pthread_mutex_t lock;
	/* LOCK: lock, all below */
	uint64_t written; /* bytes meant for fd, to GUESTLOG_MAX */
	char line[GUESTLOG_LINE];
	size_t line_len;
	char tail[GUESTLOG_TAIL]; /* ring */
	uint64_t tail_end;        /* bytes ever put into it */
};

void guestlog_init(struct guestlog *log, int fd);
void guestlog_done(struct guestlog *log); /* writes an unfinished line out */

/* GUEST: any bytes. Never blocks on fd: what it does not take at once is lost. */
void guestlog_put(struct guestlog *log, const void *data, size_t len);
void guestlog_flush(struct guestlog *log); /* writes an unfinished line out */

/*
 * The last line in the tail that contains @needle ("": that is not empty),
 * without the kernel's time stamp, into @line (cut to @len - 1). False: none.
 */
bool guestlog_find(struct guestlog *log, const char *needle, char *line, size_t len);

#endif
