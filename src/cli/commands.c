/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: see commands.h, where its rows stand. */
#include "cli/commands.h"

#define COMMANDS_POINTER(name) &command_##name,

const struct command *const commands[] = { COMMANDS(COMMANDS_POINTER) NULL };
