/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's log: what its consoles say and what we add, cleaned, in a bounded file and in memory.
 *
 *   vCPU, serial socket ── guestlog_put ──> line ── a whole line ──> ring ──eventfd──> the loop: guest.log
 *   monitor             ── guestlog_say ───────────────────────────> ring ── at once ─────────────> guest.log
 *
 * The ring holds the last GUESTLOG_RING bytes: what the file has not got yet, and the tail that errors quote. A writer
 * only copies into it, so a vCPU never waits for a disk. The loop's thread alone writes the file. A guest that is
 * faster than the file loses its oldest messages, never its newest, and so does the file at its limit: there it starts
 * again with the GUESTLOG_KEEP bytes that came last. A full disk loses messages, never the container.
 *
 * Everything is made by guestlog_new(), so that nothing has to be opened in the jail.
 */
#ifndef VM_GUESTLOG_H
#define VM_GUESTLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/loop.h"

#define GUESTLOG_LINE 256                     /* bytes of a line; what is longer comes in pieces */
#define GUESTLOG_TAIL 4096                    /* bytes at the end that errors quote from: a panic with its call trace */
#define GUESTLOG_RING (64ull * 1024)          /* a stock kernel's whole boot log is some 60 KiB */
#define GUESTLOG_KEEP (32ull * 1024)          /* what a file that has reached its limit starts again with */
#define GUESTLOG_FILE_MIN (2 * GUESTLOG_KEEP) /* the least limit of a file */

struct guestlog;

/*
 * Makes a log that writes to @file_fd (owned on success; -1: no file, the ring alone). The file never has more than
 * @file_max bytes, at least GUESTLOG_FILE_MIN (SIZE_MAX: no limit). 0 with *ret_log for guestlog_free(), or -errno.
 */
must_check int guestlog_new(int file_fd, size_t file_max, struct guestlog **ret_log);

/* Writes out what is left, closes the file and frees the log. Nobody may write any more. Accepts NULL. */
void guestlog_free(struct guestlog *log);

/* Lets @loop write the file from now on, as lines come: 0 or -errno. Both must live until guestlog_free(). */
must_check int guestlog_watch(struct guestlog *log, struct loop *loop);

/*
 * GUEST: takes @len bytes of the guest's console, whatever they are. Any thread; never blocks. A NULL @log drops them.
 */
void guestlog_put(struct guestlog *log, const void *data, size_t len);

/* Adds a line of our own and writes it out. The loop's thread. */
void guestlog_say(struct guestlog *log, const char *fmt, ...) printf_like(2, 3);

/* Writes out all that has been put, an unfinished line too. The loop's thread. Accepts NULL. */
void guestlog_flush(struct guestlog *log);

/*
 * Finds the last line of the tail that contains @needle ("": that is not empty), and copies it, without the kernel's
 * time stamp and cut to @len - 1 bytes, to @line. False: there is none, or @log is NULL. Any thread.
 */
bool guestlog_find(struct guestlog *log, const char *needle, char *line, size_t len);

/*
 * Makes @detail, a text of at most @size bytes that says that the guest was reset, say why: with the guest's words on
 * its panic if it had one, else with its last line. Any thread.
 */
void guestlog_explain_reset(struct guestlog *log, char *detail, size_t size);

/*
 * Copies the last @lines lines of the tail to @text for an error, separated by "; ", cut to @len - 1 bytes. Any thread.
 */
void guestlog_last(struct guestlog *log, int lines, char *text, size_t len);

/* The system calls of these functions after guestlog_watch(), beside base_syscalls; NULL is the last. */
extern const char *const guestlog_syscalls[];

#endif
