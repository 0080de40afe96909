/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command has to say: errors on stderr and in the file of --log, the rest in that file or, without one, on stderr.
 * Only commands log (src/cli, src/life, main.c): libraries return errors and warnings.
 *
 * The stderr of create and run becomes the container's, and engines keep that as the container's own output. So these
 * commands write no warning there unless it is a terminal, or the user has asked for messages by naming a level; only if
 * the command fails, and there is no container, what was held back is written before the error.
 *
 * Engines read the file of a failed call as one JSON object and nothing else. So warnings wait until the command has
 * succeeded: then log_finish() writes them to the file, and after an error it drops them (they have been on stderr).
 */
#ifndef APP_LOG_H
#define APP_LOG_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"
#include "json/warnings.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/*
 * Begins the command's log. @path: the file to append to, which is made where it is missing, or NULL for stderr alone.
 * @format: "text", "json" or NULL, which means text. @level: the name of the lowest level that is written, by logrus'
 * names, or NULL, which means warnings. Returns 0, or -errno with an error. Called once, while there is one thread.
 */
must_check int log_open(const char *path, const char *format, const char *level, struct err *err);

/* From now on stderr is one that a container gets: unless it is a terminal, warnings stay away from it. */
void log_share_stderr(void);

/* Says what has made the command fail: on stderr, and at once in the file. */
void log_error(const char *message);

/* Says what the user should know although the command goes on. Messages are cut like an error's (ERR_MSG_MAX). */
void log_warning(const char *fmt, ...) printf_like(1, 2);

/*
 * Says, at once and on stderr whatever that is, what the user of a command in the foreground must know of it; and in the
 * file like a warning.
 */
void log_notice(const char *fmt, ...) printf_like(1, 2);

/* Says each sentence that a library has returned, and how many it could not keep. */
void log_warnings(const struct warnings *w);

/* Says what only somebody who asked for --debug wants to know. */
void log_debug(const char *fmt, ...) printf_like(1, 2);

/* Ends the log of a command. @failed: the warnings that have waited for the file are dropped instead. */
void log_finish(bool failed);

/* For a child that outlives the command: from now on nothing goes to stderr or to the file, which is closed. */
void log_detach(void);

#endif
