/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache directory: unpacked kernels, initramfs files, what is known of a kernel.
 *
 * An entry is a file KIND-ID with a seal beside it (KIND-ID.seal) that holds
 * the file's size, modification time and inode at the end of its making. ID
 * is a hash of everything that the entry is made from, so an entry is never
 * wrong, only missing; one whose seal does not fit (cut short, changed,
 * half-deleted) counts as missing and is made again. Everything in the directory may be
 * deleted at any time.
 *
 * Makers write to a temporary file and rename it, under a lock (flock) of the
 * directory, so that of several processes that want the same entry one makes
 * it and the others find it.
 */
#ifndef HOST_CACHE_H
#define HOST_CACHE_H

#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

#define CACHE_ID_LEN 32 /* hex digits */
#define CACHE_KIND_MAX 16
#define CACHE_KEEP 8 /* entries of a kind that outlive the making of a new one */

/* A hash of what an entry is made from. Not cryptographic: only the cache's owner could gain by a collision. */
struct cache_id {
	uint64_t a, b;
};

#define CACHE_ID_INIT                                                  \
	{                                                              \
		.a = 0x243f6a8885a308d3ull, .b = 0x13198a2e03707344ull \
	}

void cache_id_add(struct cache_id *id, const void *data, size_t len); /* the length counts too */
void cache_id_add_str(struct cache_id *id, const char *text);
void cache_id_add_u64(struct cache_id *id, uint64_t v);
/* The file's identity: device, inode, size, modification time in ns, not its contents. */
void cache_id_add_stat(struct cache_id *id, const struct stat *st);

struct cache {
	int dirfd;
	char path[PATH_MAX];
};

/*
 * Opens the cache @path, making it (0755) and its parents as needed. Refused:
 * a directory that cannot be written (-EACCES, -EROFS ...), that belongs to
 * somebody else than us or root or that others may write (-EPERM).
 */
must_check int cache_open(struct cache *c, const char *path, struct err *err);
void cache_done(struct cache *c); /* accepts one whose opening failed */

/*
 * Opens an entry for reading: its fd, -ENOENT if it is missing or damaged
 * (a damaged one is removed). @ret_path (NULL: not wanted) gets its path, PATH_MAX bytes.
 */
must_check int cache_get(struct cache *c, const char *kind, const struct cache_id *id, char *ret_path);

/* Writes an entry's contents to @fd (empty, at 0, readable too): 0 or -errno with @err set. */
typedef int cache_fill_fn(int fd, void *arg, struct err *err);

/*
 * The entry, made by @fill if it is missing: a read-only fd, or -errno. Entries of the same
 * kind beyond the CACHE_KEEP least recently made ones are removed.
 */
must_check int cache_make(struct cache *c, const char *kind, const struct cache_id *id, cache_fill_fn *fill, void *arg,
	char *ret_path, struct err *err);

#endif
