/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache directory: it keeps what takes long to make, as unpacked kernels and initramfs files.
 *
 * An entry is a file KIND-ID. Beside it is its seal (KIND-ID.seal), which holds the size, the modification time and the
 * inode that the file had when it was complete. ID is a hash of everything that the entry is made from, so an entry is
 * never wrong, only missing. A file that its seal does not fit, since it was cut short, changed or half deleted, counts
 * as missing and is made again. Everything in the directory may be deleted at any time.
 *
 * Whoever makes an entry writes a temporary file and renames it, under a lock (flock) of the directory, which nobody but the
 * cache's owner can open: if several processes want the same entry, one makes it and the others find it. The lock only saves
 * work. Who does not get it within CACHE_LOCK_MS makes the entry all the same.
 */
#ifndef HOST_CACHE_H
#define HOST_CACHE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

#define CACHE_ID_LEN 32   /* hex digits */
#define CACHE_KIND_MAX 16 /* bytes of a kind, without NUL; what is longer is cut */
#define CACHE_KEEP 8      /* entries of a kind that outlive the making of a new one */
/* How long others are waited for that make entries: several times what unpacking a kernel takes on a busy host. */
#define CACHE_LOCK_MS 30000

/* A hash of what an entry is made from. Not cryptographic: only the cache's owner could gain by a collision. */
struct cache_id {
	uint64_t a, b;
};

#define CACHE_ID_INIT                                                  \
	{                                                              \
		.a = 0x243f6a8885a308d3ull, .b = 0x13198a2e03707344ull \
	}

/* Adds @len bytes to the hash, and their number: "ab" and "c" hash otherwise than "a" and "bc". */
void cache_id_add(struct cache_id *id, const void *data, size_t len);

/* Adds a text to the hash, without its NUL. */
void cache_id_add_str(struct cache_id *id, const char *text);

/* Adds a number to the hash. */
void cache_id_add_u64(struct cache_id *id, uint64_t v);

/* Adds a file's identity to the hash: device, inode, size and modification time in ns, but not its contents. */
void cache_id_add_stat(struct cache_id *id, const struct stat *st);

struct cache {
	int dirfd;      /* -1: not open */
	bool lock_lost; /* somebody has held the lock for CACHE_LOCK_MS: it is not waited for again */
	char path[PATH_MAX];
};

/*
 * Whether @path is a directory that belongs to us or root and that nobody else may write. Nothing is taken from any
 * other cache directory.
 */
bool cache_trusted(const char *path);

/*
 * As cache_trusted(), of a directory of the system's, which nobody but root can have made at that path. To the root of a
 * user namespace, the machine's root is one of many users without a number.
 */
bool cache_trusted_system(const char *path);

/*
 * Opens the cache directory @path (absolute), and makes it (0755) and its parents as needed: 0 or -errno. A directory
 * is refused if we cannot write it (-EACCES, -EROFS ...), and if it belongs to neither us nor root or others may write
 * it (-EPERM).
 */
must_check int cache_open(struct cache *c, const char *path, struct err *err);

/* Closes the directory. Accepts a cache that could not be opened. */
void cache_done(struct cache *c);

/*
 * Opens an entry for reading: a descriptor of the caller's, or -ENOENT if the entry is missing or damaged; a damaged
 * one is removed, unless another process has held the lock for CACHE_LOCK_MS. @ret_path (NULL: not wanted) gets the
 * entry's path, PATH_MAX bytes.
 */
must_check int cache_get(struct cache *c, const char *kind, const struct cache_id *id, char *ret_path);

/* Writes an entry's contents to @fd, a new file that can be read too: 0, or -errno with @err set (NULL: not wanted). */
typedef int cache_fill_fn(int fd, void *arg, struct err *err);

/*
 * Opens an entry for reading, after @fill(@arg) has made it if it is missing: a descriptor of the caller's, or -errno.
 * When one is made, only the CACHE_KEEP entries of its kind that were made last stay beside it. @ret_path as above.
 */
must_check int cache_make(struct cache *c, const char *kind, const struct cache_id *id, cache_fill_fn *fill, void *arg,
	char *ret_path, struct err *err);

#endif
