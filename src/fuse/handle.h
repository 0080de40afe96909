/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is open of a tree: the text of a file, or the entries of a directory in the kernel's form, as they were when it was
 * opened. A handle is a number that the kernel repeats; a wrong one is -EBADF.
 */
#ifndef FUSE_HANDLE_H
#define FUSE_HANDLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/buf.h"
#include "fuse/fuse.h"

/* The entries of a directory: struct fuse_dirent, one behind the other; @off of each is the number of the next one. */
struct fuse_list {
	struct buf entries;
	uint64_t len;
};

struct handles {
	struct handle {
		bool open, dir;
		struct buf data;
	} at[FUSE_HANDLES_MAX];
};

/* Frees all of them. */
void handle_done(struct handles *h);

/* Opens a handle that takes over @data. 0 with *@ret_number, or -ENFILE, and @data stays the caller's. */
must_check int handle_open(struct handles *h, struct buf *data, bool dir, uint64_t *ret_number);

/* Closes handle @number, if it is open. */
void handle_close(struct handles *h, uint64_t number);

/*
 * What is at @offset of the handle @number, at most @size bytes: *@ret_data and *@ret_len, which are the handle's. Of a
 * directory @offset is the number of an entry, and only whole entries are given. 0 or -EBADF.
 */
must_check int handle_read(const struct handles *h, uint64_t number, bool dir, uint64_t offset, size_t size,
	const char **ret_data, size_t *ret_len);

#endif
