/* SPDX-License-Identifier: Apache-2.0 */
/* The cache directory: see cache.h. */
#include "host/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "host/privilege.h"

#define SEAL_LEN_MAX 128
#define ENTRY_NAME_MAX (CACHE_KIND_MAX + 1 + CACHE_ID_LEN + sizeof(".seal"))
#define LOCK_NAME ".lock"
#define LOCK_PAUSE_MS 10
/* Temporary files that processes with the same number, in as many PID namespaces, may have without the lock. */
#define TMP_NAMES 8

void cache_id_add(struct cache_id *id, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t a = id->a ^ len, b = id->b + len;

	while (len > 0) {
		uint64_t word = 0;
		size_t n = MIN(len, sizeof(word));

		memcpy(&word, p, n);
		a = (a ^ word) * 0x9e3779b97f4a7c15ull;
		a ^= a >> 29;
		b = (b + word) * 0xd6e8feb86659fd93ull;
		b ^= b >> 32;
		p += n;
		len -= n;
	}
	id->a = a * 0xff51afd7ed558ccdull;
	id->b = b ^ (b >> 31);
}

void cache_id_add_str(struct cache_id *id, const char *text)
{
	cache_id_add(id, text, strlen(text));
}

void cache_id_add_u64(struct cache_id *id, uint64_t v)
{
	cache_id_add(id, &v, sizeof(v));
}

void cache_id_add_stat(struct cache_id *id, const struct stat *st)
{
	cache_id_add_u64(id, st->st_dev);
	cache_id_add_u64(id, st->st_ino);
	cache_id_add_u64(id, (uint64_t)st->st_size);
	cache_id_add_u64(id, (uint64_t)st->st_mtim.tv_sec);
	cache_id_add_u64(id, (uint64_t)st->st_mtim.tv_nsec);
}

/* Makes the directory @path and its parents where they are missing: 0 or -errno. */
static int make_dirs(const char *path)
{
	char part[PATH_MAX];

	for (size_t i = 1; path[i - 1] != '\0'; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST && errno != EISDIR) {
			int error = errno;

			/* A read-only file system or a forbidden parent does no harm where the directory exists. */
			if (access(part, F_OK) < 0)
				return -error;
		}
	}
	return 0;
}

/* Whether the directory that @st is about can have been written by us and root alone. */
static bool is_ours(const struct stat *st)
{
	return (st->st_uid == geteuid() || st->st_uid == 0) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

bool cache_trusted(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && is_ours(&st);
}

bool cache_trusted_system(const char *path)
{
	struct stat st, root;

	if (cache_trusted(path))
		return true;
	/* in a user namespace, whom it does not map looks like whom it does not map, and so do the owners of "/" */
	return !privilege_is_root() && stat(path, &st) == 0 && stat("/", &root) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == root.st_uid && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

int cache_open(struct cache *c, const char *path, struct err *err)
{
	struct stat st;
	int r;

	c->dirfd = -1;
	c->lock_lost = false;
	if (path[0] != '/' || strlen(path) >= sizeof(c->path))
		return err_set(err, EINVAL, "cache directory \"%s\": not an absolute path of sensible length", path);
	(void)snprintf(c->path, sizeof(c->path), "%s", path);
	r = make_dirs(path);
	if (r < 0)
		return err_sys(err, r, "cannot make the cache directory \"%s\"", path);

	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot open the cache directory \"%s\"", path);
	if (!is_ours(&st))
		return err_set(err, EPERM, "cache directory \"%s\": other users may write to it", path);
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return err_sys(err, errno, "cannot write the cache directory \"%s\"", path);
	c->dirfd = steal_fd(&fd);
	return 0;
}

void cache_done(struct cache *c)
{
	fd_close(c->dirfd);
	c->dirfd = -1;
}

static void entry_name(char name[ENTRY_NAME_MAX], const char *kind, const struct cache_id *id)
{
	(void)snprintf(name, ENTRY_NAME_MAX, "%.*s-%016" PRIx64 "%016" PRIx64, CACHE_KIND_MAX, kind, id->a, id->b);
}

static void seal_name(char name[ENTRY_NAME_MAX], const char *entry)
{
	(void)snprintf(name, ENTRY_NAME_MAX, "%.*s.seal", (int)(ENTRY_NAME_MAX - sizeof(".seal")), entry);
}

static void seal_text(char text[SEAL_LEN_MAX], const struct stat *st)
{
	(void)snprintf(text, SEAL_LEN_MAX,
		"vmrunc 1 size %" PRIu64 " mtime %" PRIu64 ".%09" PRIu64 " inode %" PRIu64 "\n", (uint64_t)st->st_size,
		(uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_ino);
}

/* Whether the entry @entry, open as @fd, is still the file that its seal was made for. */
static bool seal_fits(struct cache *c, const char *entry, int fd)
{
	char name[ENTRY_NAME_MAX], want[SEAL_LEN_MAX];
	autofree char *got = NULL;
	struct stat st;

	seal_name(name, entry);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (fd_read_regular(c->dirfd, name, SEAL_LEN_MAX, &got, NULL) < 0)
		return false;
	seal_text(want, &st);
	return strcmp(got, want) == 0;
}

static void entry_path(const struct cache *c, const char *name, char *ret_path)
{
	if (ret_path)
		(void)snprintf(ret_path, PATH_MAX, "%.*s/%s", PATH_MAX - (int)ENTRY_NAME_MAX - 2, c->path, name);
}

/* Opens an entry as cache_get() does, but leaves a damaged one (-ESTALE) to the caller, who may hold the lock. */
static int entry_open(struct cache *c, const char *name, char *ret_path)
{
	autoclose int fd = openat(c->dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (!seal_fits(c, name, fd))
		return -ESTALE;
	entry_path(c, name, ret_path);
	return steal_fd(&fd);
}

static void entry_remove(struct cache *c, const char *name)
{
	char seal[ENTRY_NAME_MAX];

	seal_name(seal, name);
	/*
	 * The seal goes first: without it the file is no entry. A file that cannot be removed is replaced when one is
	 * made.
	 */
	(void)unlinkat(c->dirfd, seal, 0);
	(void)unlinkat(c->dirfd, name, 0);
}

/*
 * Opens the file of the lock, or returns -1. Nobody else may open it: flock(2) asks for no permission to write, so whoever
 * can read the file can hold the lock for ever. One that others can open, as versions before this made it, may be held
 * already; a new one takes its place. Two commands that do this at once may hold a lock each, which is as if they had none.
 */
static int lock_open(struct cache *c)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	autoclose int fd = openat(c->dirfd, LOCK_NAME, flags, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!(st.st_mode & (S_IRWXG | S_IRWXO)) || unlinkat(c->dirfd, LOCK_NAME, 0) < 0)
		return steal_fd(&fd);
	/* a file system without modes makes it as before: there the lock keeps nobody out, which does no harm either */
	return openat(c->dirfd, LOCK_NAME, flags, 0600);
}

/*
 * Locks the directory: a descriptor to be closed for it; or -1 if that is not possible, or if somebody has held the lock for
 * CACHE_LOCK_MS. Without it several may do the same work, each in a file of its own, and the file that is renamed last may lie
 * beside another's seal. It is complete all the same, so whoever has its path gets what is in it, and is damaged to those
 * that come later, who make it again.
 */
static int lock_dir(struct cache *c)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	const int64_t until_ms = clock_now_ms() + (c->lock_lost ? 0 : CACHE_LOCK_MS);
	autoclose int fd = lock_open(c);

	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || clock_now_ms() >= until_ms) {
			c->lock_lost = true;
			return -1;
		}
		(void)nanosleep(&pause, NULL);
	}
	return steal_fd(&fd);
}

int cache_get(struct cache *c, const char *kind, const struct cache_id *id, char *ret_path)
{
	char name[ENTRY_NAME_MAX];
	int fd;

	entry_name(name, kind, id);
	fd = entry_open(c, name, ret_path);
	if (fd != -ESTALE)
		return fd < 0 ? -ENOENT : fd;

	/*
	 * Somebody may be between the renames of the file and of its seal: look again when they have let go of the
	 * lock. Without the lock they may still be there, so the entry stays.
	 */
	autoclose int lock = lock_dir(c);
	fd = entry_open(c, name, ret_path);
	if (fd == -ESTALE && lock >= 0)
		entry_remove(c, name);
	return fd < 0 ? -ENOENT : fd;
}

/* Removes entries of @kind, the oldest first, until CACHE_KEEP are left, @keep included. */
static void prune(struct cache *c, const char *kind, const char *keep)
{
	size_t kind_len = strlen(kind);

	for (;;) {
		char oldest[ENTRY_NAME_MAX] = "";
		struct timespec oldest_at = { 0 };
		size_t found = 0;
		struct dirent *de;
		DIR *dir;
		int fd = openat(c->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		dir = fd < 0 ? NULL : fdopendir(fd);
		if (!dir) {
			fd_close(fd);
			return;
		}
		while ((de = readdir(dir))) {
			struct stat st;

			if (strncmp(de->d_name, kind, kind_len) != 0 || de->d_name[kind_len] != '-' ||
				strlen(de->d_name) != kind_len + 1 + CACHE_ID_LEN || strcmp(de->d_name, keep) == 0 ||
				fstatat(c->dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
				continue;
			found++;
			if (oldest[0] == '\0' || st.st_mtim.tv_sec < oldest_at.tv_sec ||
				(st.st_mtim.tv_sec == oldest_at.tv_sec && st.st_mtim.tv_nsec < oldest_at.tv_nsec)) {
				oldest_at = st.st_mtim;
				(void)snprintf(oldest, sizeof(oldest), "%.*s", (int)sizeof(oldest) - 1, de->d_name);
			}
		}
		closedir(dir);
		if (found < CACHE_KEEP)
			return;
		entry_remove(c, oldest);
		if (faccessat(c->dirfd, oldest, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return; /* it cannot be removed: do not try for ever */
	}
}

/* Lets @fill write the new file @fd, whose name is @tmp, and puts it and its seal in place. */
static int entry_write(
	struct cache *c, const char *name, const char *tmp, int fd, cache_fill_fn *fill, void *arg, struct err *err)
{
	char seal[ENTRY_NAME_MAX], text[SEAL_LEN_MAX];
	struct stat st;
	int r;

	r = fill(fd, arg, err);
	if (r < 0)
		return r;
	if (fsync(fd) < 0 || fchmod(fd, 0644) < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "cannot write \"%s/%s\"", c->path, name);
	seal_name(seal, name);
	seal_text(text, &st);
	if (renameat(c->dirfd, tmp, c->dirfd, name) < 0)
		return err_sys(err, errno, "cannot write \"%s/%s\"", c->path, name);
	r = fd_write_file_atomic(c->dirfd, seal, text, strlen(text), 0644);
	if (r < 0)
		return err_sys(err, r, "cannot write \"%s/%s\"", c->path, seal);
	return 0;
}

/*
 * Makes the temporary file for the entry @name, whose own name is @tmp then: a descriptor for writing, or -errno. @locked says
 * whether we hold the lock. A file that no other process can be about to write has the first name: what is there is of one
 * that had our number and was killed.
 */
static int tmp_open(struct cache *c, const char *name, bool locked, char *tmp, size_t size)
{
	int fd = -1;

	for (int i = locked ? 0 : 1; i <= TMP_NAMES; i++) {
		(void)snprintf(tmp, size, ".%s.%ld.%d", name, (long)getpid(), i);
		if (locked)
			(void)unlinkat(c->dirfd, tmp, 0);
		fd = openat(c->dirfd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0 || locked || errno != EEXIST)
			break;
	}
	return fd < 0 ? -errno : fd;
}

int cache_make(struct cache *c, const char *kind, const struct cache_id *id, cache_fill_fn *fill, void *arg,
	char *ret_path, struct err *err)
{
	char name[ENTRY_NAME_MAX], tmp[ENTRY_NAME_MAX + 32];
	int fd, r;

	entry_name(name, kind, id);
	fd = entry_open(c, name, ret_path);
	if (fd >= 0)
		return fd;

	autoclose int lock = lock_dir(c);
	fd = entry_open(c, name, ret_path);
	if (fd >= 0)
		return fd;

	autoclose int out = tmp_open(c, name, lock >= 0, tmp, sizeof(tmp));
	if (out < 0)
		return err_sys(err, out, "cannot create a file in the cache directory \"%s\"", c->path);
	/* what is returned is the file that was made, whatever another maker without the lock does at its name */
	autoclose int in = openat(c->dirfd, tmp, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	r = in < 0 ? err_sys(err, errno, "cannot open \"%s/%s\"", c->path, tmp)
		   : entry_write(c, name, tmp, out, fill, arg, err);
	if (r < 0) {
		/* If only the seal failed, the file has its name already; without a seal it is no entry. */
		(void)unlinkat(c->dirfd, tmp, 0);
		return r;
	}
	prune(c, kind, name);
	entry_path(c, name, ret_path);
	return steal_fd(&in);
}
