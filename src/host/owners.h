/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owners of files that a container may act as: the mappings of its user namespace, as the host applies them.
 *
 * An owner has two numbers. Outside is what the caller's user namespace calls it, and what a guest's kernel says in its
 * requests, since it maps the ids of its processes itself. Inside is what it is called in the user namespace of the
 * process that serves the files. Whoever has no number inside is nobody that the container may act as: the host's kernel
 * lets its files be touched as those of strangers only.
 */
#ifndef HOST_OWNERS_H
#define HOST_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* What an owner without a number inside looks like there: the kernel's overflow id, if nobody has changed it. */
#define OWNER_NOBODY 65534u

struct owner_range {
	uint32_t inside, outside, count;
};

struct owner_map {
	struct owner_range *v; /* no two overlap, on either side */
	size_t n;
};

struct owner_maps {
	struct owner_map users, groups;
	/* who the process is in the namespace, and its further groups: numbers inside, each mapped */
	uint32_t user, group;
	uint32_t *more;
	size_t more_len;
	bool groups_stay; /* owners_keep_groups(), as it was where the namespace was made */
};

/* The number inside of @outside: true with *ret_inside, or false if it has none. */
bool owner_inside(const struct owner_map *map, uint32_t outside, uint32_t *ret_inside);

/* The number outside of @inside; for one that is not mapped, one that nobody has outside of those in @map. */
uint32_t owner_outside(const struct owner_map *map, uint32_t inside);

/*
 * Whether setgroups(2) is denied (user_namespaces(7)), as to an ordinary user who has his own ids alone: in this user namespace, and
 * so in each that is made in it. Reads /proc, which owners_enter() does not: its caller may have a root without one.
 */
bool owners_keep_groups(void);

/*
 * Makes a user namespace with @maps: a descriptor of it, which is the caller's, or -errno. @same: owners keep their
 * numbers from outside in it, for programs that cannot translate. Single-threaded.
 */
must_check int owners_new_namespace(const struct owner_maps *maps, bool same);

/*
 * Enters the namespace @fd of owners_new_namespace(), and becomes there the user and the groups of @maps; the process has
 * all capabilities there then. Opens nothing. 0 or -errno. Single-threaded.
 */
must_check int owners_enter(const struct owner_maps *maps, bool same, int fd);

/* Frees the arrays. */
void owners_done(struct owner_maps *maps);

#endif
