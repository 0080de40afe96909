/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a fuzz target of the file service works on: in/, which is exported, and out/ beside it, which nobody may
 * reach. As root they are a tmpfs of their own that is mounted nowhere, so that whatever gets out finds nothing there.
 */
#ifndef TESTS_FUZZ_TREE_H
#define TESTS_FUZZ_TREE_H

#include <stdbool.h>
#include <stddef.h>

#define TREE_SECRET "nobody may read this" /* what out/secret holds */

struct tree {
	int top;      /* the directory that has in/ and out/; -1: not open */
	char dir[64]; /* its path, if it has one */
};

#define TREE_INIT         \
	{                 \
		.top = -1 \
	}

/* Makes the tree, with in/ empty. A failure here and below ends the process. */
void tree_open(struct tree *t);

/* Removes it. */
void tree_close(struct tree *t);

/* Fills in/: file, dir/a, fifo, and symlinks that lead out of it and in circles. */
void tree_make(const struct tree *t);

/* Writes @text to the file @path. */
void tree_write(const struct tree *t, const char *path, const char *text);

/* Removes what is in the directory @name of @dir_fd; what is not there is fine. */
void tree_clean(int dir_fd, const char *name);

/* Whether the @len bytes at @data have TREE_SECRET in them. Quick where they are mostly zeros. */
bool tree_secret_in(const void *data, size_t len);

/* Requires that out/ is what it was. */
void tree_check(const struct tree *t);

#endif
