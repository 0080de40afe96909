/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory of a container: ROOT/ID.
 *
 *   lock          flock(2)ed exclusively while create, start or delete work on the container
 *   config.json   the config as it was at create
 *   state.json    what create has decided (state.h); replaced as a whole
 *   status        one word, which the monitor overwrites (state.h)
 *   control.sock  the monitor listens here
 *   guest.log     the messages of the guest's kernel and agent, bounded
 *   standins      who stands on the host for the guest's processes, once somebody has asked for pids (life/standin.h)
 *   notify/       the socket of the container's sd_notify(3), if anybody is to be told
 *   vm/           the engine's sockets
 *
 * Making the directory is what reserves an ID.
 */
#ifndef CONTAINER_STATEDIR_H
#define CONTAINER_STATEDIR_H

#include <limits.h>

#include "base/base.h"
#include "base/err.h"

#define STATEDIR_ID_MAX 255 /* an ID is the name of a file */

/* An open state directory. */
struct statedir {
	int fd;
	int lock_fd;         /* the lock that we hold; -1: we do not hold it */
	char path[PATH_MAX]; /* absolute */
};

#define STATEDIR_NONE                   \
	{                               \
		.fd = -1, .lock_fd = -1 \
	}

/* Closes the directory and gives up the lock. */
void statedir_close(struct statedir *dir);
#define autostatedir __attribute__((cleanup(statedir_close))) struct statedir

/*
 * Whether @id has runc's form: letters, digits, _ + , - . and neither "." nor "..". Returns 0, or -EINVAL with an
 * error.
 */
must_check int statedir_check_id(const char *id, struct err *err);

/*
 * Makes the directory of @id below @root (with @root if need be), opens and locks it: 0, or -errno with an error
 * (-EEXIST: the ID is taken). The caller closes @dir.
 */
must_check int statedir_create(const char *root, const char *id, struct statedir *dir, struct err *err);

/*
 * Opens the directory of @id below @root without locking it: 0, or -errno with an error (-ENOENT, with runc's words
 * "container does not exist": there is none). The caller closes @dir.
 */
must_check int statedir_open(const char *root, const char *id, struct statedir *dir, struct err *err);

/*
 * Waits until we hold the lock, for some minutes at most: 0, or -errno with an error (-ENOENT: the directory was removed
 * meanwhile; -EBUSY: another command holds it for too long).
 */
must_check int statedir_lock(struct statedir *dir, struct err *err);

/*
 * Removes everything in the directory and then the directory itself; @dir is still to be closed. Symbolic links are not
 * followed and mounts not crossed. Returns 0, or -errno with an error.
 */
must_check int statedir_remove(struct statedir *dir, struct err *err);

#endif
