/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest kernel's messages: from a pipe into guest.log, bounded.
 *
 * The file never gets longer than it was told: at the limit it starts
 * again with the last GUESTLOG_TAIL_MAX bytes. The same tail is kept in memory,
 * for the error of a guest that dies. A full disk loses lines, never the container.
 * GUEST: control characters are replaced, since people read the file in terminals.
 */
#ifndef MONITOR_LOGFILE_H
#define MONITOR_LOGFILE_H

#include <stddef.h>

#include "base/base.h"
#include "base/loop.h"

#define GUESTLOG_TAIL_MAX (32 * 1024)

struct guestlog;

/* @file_fd: guest.log, open for writing; owned on success. @file_max: bytes, more than GUESTLOG_TAIL_MAX. 0 or -errno. */
must_check int guestlog_new(int file_fd, size_t file_max, struct guestlog **ret);
void guestlog_free(struct guestlog *log);

/* Where the VM writes: a non-blocking pipe, borrowed. */
int guestlog_fd(const struct guestlog *log);

must_check int guestlog_watch(struct guestlog *log, struct loop *loop);

/* Takes what is in the pipe now. */
void guestlog_drain(struct guestlog *log);

/* Adds a line of our own. */
void guestlog_say(struct guestlog *log, const char *fmt, ...) printf_like(2, 3);

/* The last @lines lines, cut to @len - 1 bytes, separated by "; ", as text for an error. */
void guestlog_last(const struct guestlog *log, int lines, char *text, size_t len);

#endif
