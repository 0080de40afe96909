/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options: the words of mounts[].options, and what they mean to the kernel.
 *
 * The table of words is that of config.md, "Linux mount options", which is runc's. A word that is not in it is an
 * option of the file system, and goes into the data string.
 */
#ifndef SPEC_MOUNTOPT_H
#define SPEC_MOUNTOPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/err.h"

/* A mount can have this many words of propagation; they are applied one after the other. */
#define MOUNTOPT_PROPAGATIONS_MAX 16
/* mount(2) takes one page of data, including its NUL. */
#define MOUNTOPT_DATA_MAX 4095

enum mountopt_idmap {
	MOUNTOPT_IDMAP_NONE,
	MOUNTOPT_IDMAP, /* "idmap": IDs are mapped on the mount itself */
	MOUNTOPT_RIDMAP /* "ridmap": and on the mounts below it */
};

struct mountopts {
	uint32_t flags;       /* MS_* to set: MS_BIND (| MS_REC), MS_RDONLY, MS_REMOUNT ... */
	uint32_t flags_clear; /* MS_* that a word takes back ("rw", "dev"); disjoint from flags */
	uint32_t propagation[MOUNTOPT_PROPAGATIONS_MAX]; /* MS_SHARED ... with MS_REC, in order */
	size_t n_propagation;
	uint64_t rec_set, rec_clear; /* MOUNT_ATTR_* for mount_setattr(AT_RECURSIVE) */
	bool tmpcopyup;              /* a tmpfs starts with a copy of what it covers */
	enum mountopt_idmap idmap;
	char *data; /* comma-separated, NULL if there is none; mountopts_done() frees it */
};

/*
 * Reads @n words into *@ret, which mountopts_done() frees. 0, or with a message and *@ret untouched: -EINVAL (an option
 * that vmrunc cannot carry out, or too many words of propagation), -E2BIG (data too long) or -ENOMEM.
 */
must_check int mountopts_parse(char *const *options, size_t n, struct mountopts *ret, struct err *err);

/* Frees what mountopts_parse() has made, and leaves no options. @o may be zeroed memory. */
void mountopts_done(struct mountopts *o);

/*
 * The flags of a mount, MS_*, that statfs(2) tells: @words is f_flags, as it has them or statvfs(3). Of the modes of access
 * times there is exactly one of MS_NOATIME, MS_RELATIME and MS_STRICTATIME.
 */
uint32_t mountopts_of_statfs(unsigned long words);

/* The mode of access times, one of MOUNT_ATTR_NOATIME, _STRICTATIME and _RELATIME, that @flags, MS_*, come to. */
uint64_t mountopts_atime(uint32_t flags);

/*
 * The flags that a bind mount gets, in the form of mountopts_of_statfs(): those of the mount that its source is in,
 * @source, if @o has no word for any flag; else those of @o alone, but for the access times, which stay where @o has no
 * word for them. @locked: a user namespace of the container's holds the flags that @source has. Then they stay where @o
 * says nothing of them, and what @o would take away is -EPERM with an error. 0 with *@ret. This is runc's and mount(2)'s.
 */
must_check int mountopts_bind(const struct mountopts *o, uint32_t source, bool locked, uint32_t *ret, struct err *err);

/* Word @index of the table, in the order of names, or NULL behind the last: for `features`. */
const char *mountopt_name(size_t index);

#endif
