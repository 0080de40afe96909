/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled seccomp programs in the cache directory: see filter_store.h. */
#include "app/filter_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/wire.h"
#include "host/cache.h"

#define KIND "seccomp"
/* Enough for the largest program (32768 instructions of 8 bytes) with its profile. A larger entry is not kept. */
#define ENTRY_MAX MIB

/* The name of the entry in the cache: the hash of its key. */
static struct cache_id entry_id(const struct buf *key)
{
	struct cache_id id = CACHE_ID_INIT;

	cache_id_add(&id, key->data, key->len);
	return id;
}

/*
 * Reads an entry's file, which has the key and the value, each with its length before it, and appends the value to
 * @ret. Returns 0 or -errno (-ENOENT: the entry is damaged, or another key's).
 */
static int entry_read(int fd, const struct buf *key, struct buf *ret)
{
	autobuf entry = BUF_INIT;
	const void *got_key, *value;
	size_t key_len, value_len;
	struct wire w;
	struct stat st;
	char *room;

	if (fstat(fd, &st) < 0 || st.st_size > (off_t)ENTRY_MAX)
		return -ENOENT;
	room = buf_extend(&entry, (size_t)st.st_size);
	if (!room)
		return -ENOMEM;
	if (fd_read_full(fd, room, entry.len) != (ssize_t)entry.len)
		return -ENOENT;
	wire_init(&w, room, entry.len);
	got_key = wire_get_blob(&w, &key_len);
	value = wire_get_blob(&w, &value_len);
	if (wire_finish(&w) < 0 || key_len != key->len || memcmp(got_key, key->data, key_len) != 0)
		return -ENOENT;
	buf_put(ret, value, value_len);
	return buf_error(ret);
}

/* struct seccomp_store: appends the value kept for @key to @ret. 0 or -errno. */
static int store_get(const void *dir, const struct buf *key, struct buf *ret)
{
	struct cache_id id = entry_id(key);
	struct err ignored = ERR_INIT; /* without a cache there is no entry, whatever the reason */
	struct cache cache;
	int r = cache_open(&cache, dir, &ignored);

	if (r == 0) {
		autoclose int fd = cache_get(&cache, KIND, &id, NULL);

		r = fd < 0 ? fd : entry_read(fd, key, ret);
	}
	cache_done(&cache);
	return r;
}

/* Writes the entry @arg, a struct buf, to the new file that cache_make() has opened. */
static int entry_write(int fd, void *arg, struct err *err)
{
	const struct buf *entry = arg;
	int r = fd_write_full(fd, entry->data, entry->len);

	return r < 0 ? err_sys(err, r, "cannot write a compiled seccomp filter") : 0;
}

/* struct seccomp_store: keeps @value for @key, if it can. */
static void store_put(const void *dir, const struct buf *key, const struct buf *value)
{
	struct cache_id id = entry_id(key);
	struct err ignored = ERR_INIT; /* a program that cannot be kept is compiled again next time */
	autobuf entry = BUF_INIT;
	struct cache cache;

	wire_put_blob(&entry, key->data, key->len);
	wire_put_blob(&entry, value->data, value->len);
	if (buf_error(&entry) < 0 || entry.len > ENTRY_MAX)
		return;
	if (cache_open(&cache, dir, &ignored) == 0) {
		autoclose unused int fd = cache_make(&cache, KIND, &id, entry_write, &entry, NULL, &ignored);
	}
	cache_done(&cache);
}

struct seccomp_store filter_store(const char *cache_dir)
{
	return (struct seccomp_store){ .get = store_get, .put = store_put, .arg = cache_dir };
}
