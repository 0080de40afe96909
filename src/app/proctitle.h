/* SPDX-License-Identifier: Apache-2.0 */
/* The title that ps(1) shows for this process. It is written over the memory of argv and of the environment. */
#ifndef APP_PROCTITLE_H
#define APP_PROCTITLE_H

#include <stddef.h>

#include "base/base.h"
#include "spec/spec.h"

/* Bytes of a command line in a title, with its NUL. */
#define PROCTITLE_ARGS_MAX 256

/*
 * Called by main() before anything else: copies the arguments and the environment, so that their memory is free for a
 * title. Returns the copy of @argv that the program uses from then on and never frees, or NULL if memory is short.
 */
char **proctitle_init(int argc, char **argv);

/* Overwrites and drops the environment, for a process that needs it no more. Nothing may hold a pointer from getenv(3). */
void proctitle_clear_environment(void);

/*
 * Writes the words of a command line with blanks between them into @text, which has room for @size bytes (>= 1) with a NUL,
 * as one line that a terminal shows and does not obey. What there is no room for is cut.
 */
void proctitle_join(const struct spec_strv *words, char *text, size_t size);

/* Sets the title, which is cut to the memory that argv and the environment had. One thread. */
void proctitle_set(const char *fmt, ...) printf_like(1, 2);

#endif
