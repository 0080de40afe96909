/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command has to say: stderr in words, and the file of --log.
 *
 * Engines read the file of a failed call as one JSON object and nothing else.
 * So warnings wait until the command has succeeded: log_finish() writes them
 * then, and drops them from the file (not from stderr) after an error.
 */
#ifndef APP_LOG_H
#define APP_LOG_H

#include <stdbool.h>

#include "base/base.h"
#include "base/err.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* @path: the file to append to, or NULL; @format: "text", "json" or NULL (text). */
must_check int log_open(const char *path, const char *format, const char *level, struct err *err);

void log_error(const char *message);
void log_warning(const char *fmt, ...) printf_like(1, 2);
void log_debug(const char *fmt, ...) printf_like(1, 2);

/* Ends the log of a command that has or has not succeeded. */
void log_finish(bool failed);

/* In a child that outlives the command: from now on nothing goes to stderr or the file. */
void log_detach(void);

#endif
