/* SPDX-License-Identifier: Apache-2.0 */
/* The notes of a call of src/life, for the command's log. */
#ifndef CLI_NOTES_H
#define CLI_NOTES_H

#include "life/life.h"

/* Says the warnings of @notes, and its details as debug messages, and makes it empty again. */
void notes_say(struct life_notes *notes);

#endif
