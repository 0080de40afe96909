/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile guest takes of its host until there is no more: see dry.c. */
#ifndef HOSTILE_DRY_H
#define HOSTILE_DRY_H

/* Takes what can be counted of the container's root file system and keeps it; says on stdout how much it got. */
void dry_attack(void);

#endif
