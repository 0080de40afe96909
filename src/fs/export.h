/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of all exports. fs_export_add() and fs_export_remove() are in fs.h.
 */
#ifndef FS_EXPORT_H
#define FS_EXPORT_H

#include "fs/inside.h"

/* Removes all exports and synthetic directories below @dir. Nobody else uses the service any more: no lock is taken. */
void fs_exports_clear(struct fs_node *dir);

#endif
