/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a test's directory. */
#ifndef TESTS_UNIT_TEMPDIR_H
#define TESTS_UNIT_TEMPDIR_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static inline int tempdir_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* Removes the directory @dir with everything in it, as far as that can be; symbolic links are not followed. */
static inline void tempdir_remove(const char *dir)
{
	(void)nftw(dir, tempdir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
