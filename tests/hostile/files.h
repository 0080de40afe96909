/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile guest does to files: see files.c. */
#ifndef HOSTILE_FILES_H
#define HOSTILE_FILES_H

/* Mounts both shares and tries everything on each export; says on stdout what it got. */
void files_attack(void);

#endif
