/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ps shows for this process: written over argv and the environment.
 */
#ifndef APP_PROCTITLE_H
#define APP_PROCTITLE_H

#include "base/base.h"

/*
 * In main(), before anything else: moves the arguments and the environment
 * elsewhere. Returns the copy of @argv that the program is to use (never freed),
 * or NULL without memory.
 */
char **proctitle_init(int argc, char **argv);

/* Cut to the space that argv and the environment had. */
void proctitle_set(const char *fmt, ...) printf_like(1, 2);

#endif
