/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a fuzz target of the file service works on: in/, which is exported, and out/ beside it, which nobody may
 * reach. As root they are a tmpfs of their own that is mounted nowhere, so that whatever gets out finds nothing there.
 *
 * To make all of it for each input takes longer than the input does. So what is there stays, and only what has changed
 * is made anew: each entry is held open, and what fstat(2) says of it is compared with what it said.
 */
#ifndef TESTS_FUZZ_TREE_H
#define TESTS_FUZZ_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

#define TREE_SECRET "nobody may read this" /* what out/secret holds */

#define TREE_ENTRIES 7 /* in/ and what is in it */

struct tree {
	int top;                       /* the directory that has in/ and out/; -1: not open */
	char dir[64];                  /* its path, if it has one */
	int secret_fd;                 /* out/secret */
	struct stat out, secret;       /* what out/ and out/secret were like at first */
	int fds[TREE_ENTRIES];         /* of each entry in in/; -1: not made yet */
	struct stat was[TREE_ENTRIES]; /* what each was like when it was made */
	unsigned int changed;          /* those that are not, as tree_changed() found: a bit for each */
	bool doubt;            /* attributes (xattr(7)) may have been set since tree_make(), so the caller says */
	struct timespec began; /* when tree_make() returned, in ticks of the kernel's clock */
};

#define TREE_INIT         \
	{                 \
		.top = -1 \
	}

/* Makes the tree, with in/ empty. A failure here and below ends the process. */
void tree_open(struct tree *t);

/* Removes it. */
void tree_close(struct tree *t);

/*
 * Fills in/: file, dir/a, fifo, and symlinks that lead out of it and in circles. What there is of these already stays, as
 * far as it is what it was; everything else in in/ is removed.
 */
void tree_make(struct tree *t);

/* Whether anything in in/ is not what tree_make() made. */
bool tree_changed(struct tree *t);

/* Writes @text to the file @path. */
void tree_write(const struct tree *t, const char *path, const char *text);

/* Removes what is in the directory @name of @dir_fd; what is not there is fine. */
void tree_clean(int dir_fd, const char *name);

/* Whether the @len bytes at @data have TREE_SECRET in them. Quick where they are mostly zeros. */
bool tree_secret_in(const void *data, size_t len);

/* Requires that out/secret is what it was. */
void tree_check(const struct tree *t);

/* The same, and that nothing has been put beside it; for where the host itself does not work through symlinks. */
void tree_check_all(const struct tree *t);

#endif
