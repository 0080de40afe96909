/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: see statedir.h. */
#include "container/statedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/progress.h"
#include "base/fd.h"

/* vm/ is the only directory in a state directory: a deeper tree is not ours. */
#define REMOVE_DEPTH_MAX 4
/*
 * How long a command waits for another that works on the same container. A create takes that long at most before
 * engines give it up.
 */
#define LOCK_TIMEOUT_MS 240000
#define LOCK_PAUSE_MS 10
/* After this somebody at a terminal is told. */
#define LOCK_TELL_MS 1000

void statedir_close(struct statedir *dir)
{
	fd_close(dir->fd);
	fd_close(dir->lock_fd);
	dir->fd = dir->lock_fd = -1;
}

int statedir_check_id(const char *id, struct err *err)
{
	size_t len = strlen(id);
	bool good = len > 0 && len <= STATEDIR_ID_MAX && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;

	for (size_t i = 0; good && i < len; i++) {
		char c = id[i];

		/* the comma is in the range "+-." of runc's regular expression */
		good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("_+-.,", c);
	}
	if (!good)
		return err_set(err, EINVAL,
			"invalid container ID format: \"%.64s\": letters, digits and _ + , - . only, at most %d", id,
			STATEDIR_ID_MAX);
	return 0;
}

/* Makes @root and its parents where they are missing. Others may pass through them, but not list them. */
static int make_root(const char *root, struct err *err)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s", root);
	for (char *slash = path; slash;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0711) < 0 && errno != EEXIST)
			return err_sys(err, errno, "cannot make \"%s\"", path);
		if (slash)
			*slash = '/';
	}
	return 0;
}

/* Sets dir->path and opens it: 0 or -errno. */
static int open_dir(const char *root, const char *id, struct statedir *dir)
{
	if (snprintf(dir->path, sizeof(dir->path), "%s/%s", root, id) >= (int)sizeof(dir->path))
		return -ENAMETOOLONG;
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return dir->fd < 0 ? -errno : 0;
}

int statedir_lock(struct statedir *dir, struct err *err)
{
	autoclose int fd = openat(dir->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };
	const int tries = LOCK_TIMEOUT_MS / LOCK_PAUSE_MS;
	int tried = 0, r;

	if (fd < 0 && errno == ENOENT) /* the directory was removed after we had opened it */
		return err_set(err, ENOENT, "container does not exist: \"%s\"", dir->path);
	if (fd < 0)
		return err_sys(err, errno, "cannot open \"%s/lock\"", dir->path);
	while ((r = flock(fd, LOCK_EX | LOCK_NB)) < 0 && (errno == EINTR || errno == EWOULDBLOCK) && tried++ < tries) {
		if (tried == LOCK_TELL_MS / LOCK_PAUSE_MS)
			progress_say_late("waiting for another vmrunc that works on this container", LOCK_TELL_MS);
		(void)nanosleep(&pause, NULL);
	}
	if (tried >= LOCK_TELL_MS / LOCK_PAUSE_MS)
		progress_end();
	if (r < 0 && errno == EWOULDBLOCK)
		return err_set(err, EBUSY,
			"another vmrunc works on this container, and has not ended within %d s: it holds \"%s/lock\"",
			LOCK_TIMEOUT_MS / 1000, dir->path);
	if (r < 0)
		return err_sys(err, errno, "cannot lock \"%s/lock\"", dir->path);
	dir->lock_fd = steal_fd(&fd);
	return 0;
}

int statedir_create(const char *root, const char *id, struct statedir *dir, struct err *err)
{
	int r = make_root(root, err);

	*dir = (struct statedir)STATEDIR_NONE;
	if (r < 0)
		return r;
	if (snprintf(dir->path, sizeof(dir->path), "%s/%s", root, id) >= (int)sizeof(dir->path))
		return err_set(err, ENAMETOOLONG, "\"%s\" and the ID are too long together", root);
	if (mkdir(dir->path, 0700) < 0) {
		if (errno == EEXIST)
			return err_set(err, EEXIST, "container with given ID already exists: \"%s\"", id);
		return err_sys(err, errno, "cannot make \"%s\"", dir->path);
	}
	r = open_dir(root, id, dir);
	if (r < 0)
		r = err_sys(err, r, "cannot open \"%s\"", dir->path);
	else
		r = statedir_lock(dir, err);
	if (r < 0) {
		(void)rmdir(dir->path); /* the user hears of the first error */
		statedir_close(dir);
	}
	return r;
}

int statedir_open(const char *root, const char *id, struct statedir *dir, struct err *err)
{
	int r;

	*dir = (struct statedir)STATEDIR_NONE;
	r = open_dir(root, id, dir);
	if (r == -ENOENT)
		return err_set(err, ENOENT, "container does not exist: \"%s\"", id);
	if (r < 0)
		return err_sys(err, r, "cannot open \"%s\"", dir->path);
	return 0;
}

/*
 * Removes everything in the directory @dirfd, which is on the device @dev, @depth levels below the state directory. 0
 * or -errno (-EBUSY: a mount, or a tree that is too deep).
 */
static int remove_below(int dirfd, dev_t dev, int depth)
{
	int copy = fcntl(dirfd, F_DUPFD_CLOEXEC, 3), r = 0;
	DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;

	if (!stream) {
		r = -errno;
		fd_close(copy);
		return r;
	}
	rewinddir(stream);
	while (r == 0 && (entry = readdir(stream))) {
		autoclose int sub = -1;
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			r = errno == ENOENT ? 0 : -errno;
			continue;
		}
		if (S_ISDIR(st.st_mode)) {
			sub = openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
			if (sub < 0 || st.st_dev != dev || depth >= REMOVE_DEPTH_MAX)
				r = sub < 0 ? -errno : -EBUSY;
			else
				r = remove_below(sub, dev, depth + 1);
		}
		if (r == 0 && unlinkat(dirfd, entry->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0 &&
			errno != ENOENT)
			r = -errno;
	}
	(void)closedir(stream);
	return r;
}

int statedir_remove(struct statedir *dir, struct err *err)
{
	struct stat st;
	int r = fstat(dir->fd, &st) < 0 ? -errno : remove_below(dir->fd, st.st_dev, 0);

	if (r == 0 && rmdir(dir->path) < 0 && errno != ENOENT)
		r = -errno;
	if (r < 0)
		return err_sys(err, r, "cannot remove \"%s\"", dir->path);
	return 0;
}
