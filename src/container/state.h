/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a container: state.json, the word in `status`, and whether its monitor lives. The files are in the
 * container's state directory (statedir.h).
 *
 * The word in `status` says how far the container has come. The monitor overwrites it: the monitor has this file open
 * and nothing else of the directory, so it can stay in its jail. Whether the container still lives is asked of the
 * kernel each time (the monitor's pid and start time), so that no crash leaves a container that seems to run; and so is
 * whether its cgroup is frozen, since then it is paused, whoever has frozen it. A
 * container that is "creating" while nobody holds its lock has lost its creator, and counts as stopped. Where
 * state.json is missing or damaged, create was killed; only `delete --force` removes what it left.
 */
#ifndef CONTAINER_STATE_H
#define CONTAINER_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/err.h"
#include "cgroup/set.h"
#include "container/statedir.h"

struct gen;

enum status { STATUS_CREATING, STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };

/* The word for @status in runtime-spec's runtime.md, "State": "creating" ... */
const char *status_name(enum status status);

struct state_pair {
	char *key, *value;
};

/* The content of state.json. All strings are owned. */
struct state {
	char *id;
	char *oci_version;  /* the config's */
	char *bundle;       /* absolute path */
	char *rootfs;       /* absolute path */
	char *created;      /* time in RFC 3339, UTC */
	char *engine;       /* "kvm", "qemu" */
	pid_t pid;          /* the monitor's; 0: there is none yet */
	uint64_t pid_start; /* the start time of @pid, field 22 of /proc/PID/stat */
	uid_t owner;
	uint64_t vm_memory;   /* bytes of RAM that the guest has */
	uint64_t vm_overhead; /* bytes that the VM takes on the host beside those */
	size_t annotations_len;
	struct state_pair *annotations;
	struct cgroups cgroups;
};

/* Frees what @s owns and makes it all zeros. */
void state_done(struct state *s);
#define autostate __attribute__((cleanup(state_done))) struct state

/* Adds an annotation, as copies of @key and @value: 0 or -ENOMEM. */
must_check int state_annotate(struct state *s, const char *key, const char *value);

/* Replaces state.json in @dir: 0, or -errno with an error. */
must_check int state_save(const struct statedir *dir, const struct state *s, struct err *err);

/*
 * Reads state.json of @dir into @s, whose old content is not freed: 0, or -errno with an error (-ENODATA: it was never
 * written, or is damaged). The caller calls state_done(@s) in any case.
 */
must_check int state_load(const struct statedir *dir, struct state *s, struct err *err);

/* Opens `status` for writing, and makes it if need be. Returns a descriptor that the caller closes, or -errno. */
must_check int state_status_open(const struct statedir *dir);

/*
 * Overwrites the word in the open file `status`. Needs no disk block once there is one word in it. Returns 0 or
 * -errno.
 */
must_check int state_status_write(int fd, enum status status);

/* Tells what the container is now. @s is what state_load() has read; its pid may be 0. Returns 0 as things are. */
must_check int state_status(const struct statedir *dir, const struct state *s, enum status *ret, struct err *err);

/* The start time of @pid in clock ticks since boot, or 0 if there is no such process or it is a zombie. */
uint64_t state_pid_start(pid_t pid);

/*
 * Opens a pidfd of the container's monitor, which the caller closes. Returns -errno (-ESRCH: the monitor is gone). The
 * start time is compared after opening, so that the descriptor never names another process that got the same pid.
 */
must_check int state_pidfd(const struct state *s);

/* Writes the document that `state` prints and that hooks read (runtime.md, "State"), as a value of @g. */
void state_gen(struct gen *g, const struct state *s, enum status status);

/* Makes the same document as a text of its own, which the caller frees; @beautify: in indented lines. 0, or -errno. */
must_check int state_json(const struct state *s, enum status status, bool beautify, char **ret_text, struct err *err);

/*
 * Makes the same document, not beautified, in two parts for a reader that sees the monitor under another pid: it puts
 * its number between *@ret_head and *@ret_tail. The caller frees both. Returns 0, or -errno with an error.
 */
must_check int state_json_without_pid(
	const struct state *s, enum status status, char **ret_head, char **ret_tail, struct err *err);

#endif
