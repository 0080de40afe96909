/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state directory of a container: ROOT/ID.
 *
 *   lock          flock(2)ed exclusively while create, start or delete work on it
 *   config.json   the config as it was at create
 *   state.json    what create has decided; replaced as a whole
 *   status        one word that the monitor overwrites: it has this file open
 *                 and nothing else of the directory, so it stays in its jail
 *   control.sock  the monitor listens here
 *   guest.log     the guest kernel's messages, bounded
 *   vm/           the engine's sockets
 *
 * Theory: making the directory is what reserves an ID. The word in `status`
 * says how far the container came; whether it still lives is asked of the
 * kernel each time (pid and start time), so no crash can leave a container
 * that seems to run. A container that is "creating" and whose lock nobody
 * holds has lost its creator, and counts as stopped. Anything less than a whole
 * state.json is what a killed create left, and only delete --force removes it.
 */
#ifndef CONTAINER_STATE_H
#define CONTAINER_STATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"

#define STATE_ID_MAX 255 /* a file name's */

enum status { STATUS_CREATING, STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };

const char *status_name(enum status status);

struct state_pair {
	char *key, *value;
};

struct state_strv {
	size_t n;
	char **v;
};

/* state.json. Strings are owned. */
struct state {
	char *id;
	char *oci_version;
	char *bundle; /* absolute */
	char *rootfs;
	char *created; /* RFC 3339, UTC */
	char *engine;
	pid_t pid;          /* the monitor's; 0: none yet */
	uint64_t pid_start; /* its start time, field 22 of /proc/PID/stat */
	uid_t owner;
	size_t annotations_len;
	struct state_pair *annotations;
	char *unit;                     /* the transient unit of systemd that holds the cgroup; "" or NULL: cgroupfs */
	struct state_strv cgroups;      /* the container's directories, to be joined or killed in */
	struct state_strv cgroups_made; /* those that vmrunc made, parents first: removed by delete */
};

void state_done(struct state *s);
#define autostate __attribute__((cleanup(state_done))) struct state

/* Appends copies; 0 or -ENOMEM. */
must_check int state_strv_add(struct state_strv *strv, const char *text);
must_check int state_annotate(struct state *s, const char *key, const char *value);

/* An open state directory. */
struct statedir {
	int fd;
	int lock_fd; /* -1: not locked */
	char path[PATH_MAX];
};

#define STATEDIR_NONE                   \
	{                               \
		.fd = -1, .lock_fd = -1 \
	}

void statedir_close(struct statedir *dir);
#define autostatedir __attribute__((cleanup(statedir_close))) struct statedir

/* runc's rule: letters, digits, _ + - . and neither "." nor "..". */
must_check int state_check_id(const char *id, struct err *err);

/* Reserves @id: -EEXIST where it is taken. The directory comes locked. */
must_check int statedir_create(const char *root, const char *id, struct statedir *dir, struct err *err);

/* -ENOENT with runc's words ("container does not exist") where there is none. */
must_check int statedir_open(const char *root, const char *id, struct statedir *dir, struct err *err);

/* Waits for the lock. */
must_check int statedir_lock(struct statedir *dir, struct err *err);

/* Removes all that is in the directory, then itself. Never follows symlinks or crosses mounts. */
must_check int statedir_remove(struct statedir *dir, struct err *err);

must_check int state_save(const struct statedir *dir, const struct state *s, struct err *err);

/* -ENODATA where state.json was never written. */
must_check int state_load(const struct statedir *dir, struct state *s, struct err *err);

/* The monitor's handle on `status`: an open file, or -errno. */
must_check int state_status_open(const struct statedir *dir);
must_check int state_status_write(int fd, enum status status); /* 0 or -errno */

/* What the container is now. @s may be a state with pid 0. */
must_check int state_status(const struct statedir *dir, const struct state *s, enum status *ret, struct err *err);

/* The start time of @pid, or 0 if there is no such process or it is a zombie. */
uint64_t state_pid_start(pid_t pid);

/*
 * A pidfd of the container's monitor: -ESRCH if it is gone. The start time
 * is compared after opening, so the fd never names another process.
 */
must_check int state_pidfd(const struct state *s);

/* Writes the document that `state` prints and hooks read (runtime.md, "State"), as a value of @g. */
struct gen;
void state_gen(struct gen *g, const struct state *s, enum status status);

/* The same as a text of its own, which the caller frees; @beautify: in indented lines. 0 or -ENOMEM. */
must_check int state_json(const struct state *s, enum status status, bool beautify, char **ret_text, struct err *err);

/*
 * The same, not beautified, for readers who see another pid: @ret_head, their
 * number, @ret_tail. The caller frees both.
 */
must_check int state_json_without_pid(
	const struct state *s, enum status status, char **ret_head, char **ret_tail, struct err *err);

#endif
