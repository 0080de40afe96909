/* SPDX-License-Identifier: Apache-2.0 */
/* The notes of a call of src/life: see notes.h. */
#include "cli/notes.h"

#include "app/log.h"

void notes_say(struct life_notes *notes)
{
	log_warnings(&notes->warnings);
	for (size_t i = 0; i < notes->details.n; i++)
		log_debug("%s", notes->details.v[i]);
	life_notes_done(notes);
}
