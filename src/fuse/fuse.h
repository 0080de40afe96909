/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small read-only tree that this process serves to the host's kernel over /dev/fuse (the kernel's
 * Documentation/filesystems/fuse.rst, and linux/fuse.h, protocol 7.23 and later).
 *
 *   /dev/fuse -- LOOKUP, OPENDIR, OPEN --> fuse_tree.ask(): 0: what the tree knows will do
 *                       |                                   a ticket: the request is held
 *                       |                                        |
 *                       v            <--- fuse_continue() -------+
 *                  find(), list(), read() --> the reply
 *
 * The numbers of nodes are the tree's own and mean the same for ever, so that nothing is remembered for the kernel, and
 * FORGET needs no work. What a file or a directory has is taken when it is opened, and its reader gets that to the end.
 * The kernel keeps neither names nor attributes nor pages.
 *
 * Requests come from the kernel, made of what processes of the host do that may reach the mount: their sizes are checked,
 * and what they can make this process hold is bounded by FUSE_HELD_MAX and FUSE_HANDLES_MAX. One thread: the loop's.
 */
#ifndef FUSE_FUSE_H
#define FUSE_FUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/loop.h"

#define FUSE_ROOT 1 /* the number of the root: the kernel's FUSE_ROOT_ID */

#define FUSE_HELD_MAX 64    /* requests that wait for the tree: a thread of a reader has one at a time */
#define FUSE_HANDLES_MAX 64 /* files and directories that are open */

struct fuse;
struct fuse_list;

/* What is served. Each call has the @arg of fuse_new(), and an error of it is the reader's. */
struct fuse_tree {
	/*
	 * The names in @node, or what is in it, are about to be asked for; @anew: as they are from now on. 0: the calls
	 * below may come at once. Else a ticket, larger than those before or the last one again: the request is held
	 * until fuse_continue() has it.
	 */
	uint64_t (*ask)(void *arg, uint64_t node, bool anew);
	/* Finds @name in the directory @dir: 0 with *@ret, or -errno. */
	int (*find)(void *arg, uint64_t dir, const char *name, uint64_t *ret);
	/* The type and the permissions of @node, as stat(2) has them, or 0: there is none. */
	uint32_t (*mode)(void *arg, uint64_t node);
	/* Appends what the file @node has, or where the link @node leads to, to @out: 0 or -errno. */
	int (*read)(void *arg, uint64_t node, struct buf *out);
	/* Adds what is in the directory @node to @out by fuse_list_add(): 0 or -errno. */
	int (*list)(void *arg, uint64_t node, struct fuse_list *out);
};

/*
 * Serves @tree on @fd, a non-blocking descriptor of /dev/fuse that has been mounted, or whatever keeps messages apart as it
 * does (both borrowed until fuse_free()). 0 or -errno.
 */
must_check int fuse_new(struct loop *loop, int fd, const struct fuse_tree *tree, void *arg, struct fuse **ret);

/* Ends the service; requests under way are not answered, which the end of the descriptor does. Accepts NULL. */
void fuse_free(struct fuse *f);

/* Goes on with the requests that hold a ticket up to @ticket, or, if @error is a -errno, answers them with that. */
void fuse_continue(struct fuse *f, uint64_t ticket, int error);

/* Adds an entry to a list: its name, its number, and its mode, of which the type counts. */
void fuse_list_add(struct fuse_list *list, const char *name, uint64_t node, uint32_t mode);

#endif
