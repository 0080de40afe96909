/* SPDX-License-Identifier: Apache-2.0 */
/* What is open of a tree: see handle.h. */
#include "fuse/handle.h"

#include <errno.h>
#include <string.h>

#include "fuse/kernel.h"

#define TYPE_SHIFT 12 /* from a mode to a type of directory entries, as IFTODT() has it */

void fuse_list_add(struct fuse_list *list, const char *name, uint64_t node, uint32_t mode)
{
	size_t len = strlen(name);
	const struct fuse_dirent entry = {
		.ino = node, .off = ++list->len, .namelen = (uint32_t)len, .type = mode >> TYPE_SHIFT
	};

	buf_put(&list->entries, &entry, FUSE_NAME_OFFSET);
	buf_put(&list->entries, name, len);
	(void)buf_extend(&list->entries, FUSE_DIRENT_SIZE(&entry) - FUSE_NAME_OFFSET - len); /* the error is sticky */
}

void handle_done(struct handles *h)
{
	for (size_t i = 0; i < FUSE_HANDLES_MAX; i++)
		buf_done(&h->at[i].data);
}

int handle_open(struct handles *h, struct buf *data, bool dir, uint64_t *ret_number)
{
	for (size_t i = 0; i < FUSE_HANDLES_MAX; i++) {
		if (h->at[i].open)
			continue;
		h->at[i] = (struct handle){ .open = true, .dir = dir, .data = *data };
		*data = (struct buf)BUF_INIT;
		*ret_number = i;
		return 0;
	}
	return -ENFILE;
}

void handle_close(struct handles *h, uint64_t number)
{
	if (number >= FUSE_HANDLES_MAX)
		return;
	buf_done(&h->at[number].data);
	h->at[number].open = false;
}

/* The length of the entry at @at of the entries @b, which are our own. */
static size_t entry_len(const struct buf *b, size_t at)
{
	struct fuse_dirent entry;

	memcpy(&entry, b->data + at, FUSE_NAME_OFFSET);
	return FUSE_DIRENT_SIZE(&entry);
}

/* Whole entries of the directory from number @first on: those that @size bytes have room for. */
static void read_entries(const struct buf *b, uint64_t first, size_t size, size_t *ret_start, size_t *ret_len)
{
	size_t at = 0, start;

	for (; first > 0 && at < b->len; first--)
		at += entry_len(b, at);
	start = at;
	while (at < b->len && at - start + entry_len(b, at) <= size)
		at += entry_len(b, at);
	*ret_start = start;
	*ret_len = at - start;
}

int handle_read(const struct handles *h, uint64_t number, bool dir, uint64_t offset, size_t size, const char **ret_data,
	size_t *ret_len)
{
	const struct buf *b;
	size_t start;

	if (number >= FUSE_HANDLES_MAX || !h->at[number].open || h->at[number].dir != dir)
		return -EBADF;
	b = &h->at[number].data;
	if (dir) {
		read_entries(b, offset, size, &start, ret_len);
	} else {
		start = (size_t)MIN(offset, b->len);
		*ret_len = MIN(size, b->len - start);
	}
	*ret_data = b->data ? b->data + start : "";
	return 0;
}
