/* SPDX-License-Identifier: Apache-2.0 */
/* Owners of files on both sides of a user namespace: see owners.h. */
#include "host/owners.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "host/userns.h"

bool owner_inside(const struct owner_map *map, uint32_t outside, uint32_t *ret_inside)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct owner_range *m = &map->v[i];

		if (outside >= m->outside && outside - m->outside < m->count) {
			*ret_inside = m->inside + (outside - m->outside);
			return true;
		}
	}
	return false;
}

/* A number that means nobody outside: the usual one, unless the map has given it to somebody. */
static uint32_t nobody_outside(const struct owner_map *map)
{
	uint32_t inside;

	/* of two numbers, the second is the last that an id can be: a map has hardly both */
	return owner_inside(map, OWNER_NOBODY, &inside) ? UINT32_MAX - 1 : OWNER_NOBODY;
}

uint32_t owner_outside(const struct owner_map *map, uint32_t inside)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct owner_range *m = &map->v[i];

		if (inside >= m->inside && inside - m->inside < m->count)
			return m->outside + (inside - m->inside);
	}
	return nobody_outside(map);
}

/* Writes @map to @file ("uid_map", "gid_map") of the new namespace @u: 0 or -errno. */
static int write_map(const struct userns *u, const char *file, const struct owner_map *map, bool same)
{
	autobuf text = BUF_INIT;
	int r;

	for (size_t i = 0; i < map->n; i++)
		buf_printf(&text, "%u %u %u\n", same ? map->v[i].outside : map->v[i].inside, map->v[i].outside,
			map->v[i].count);
	r = buf_error(&text);
	return r < 0 ? r : userns_write_map(u, file, text.data ? text.data : "");
}

int owners_new_namespace(const struct owner_maps *maps, bool same)
{
	struct userns u;
	int r = userns_hold(-1, 0, &u);

	if (r < 0)
		return r;
	r = write_map(&u, "uid_map", &maps->users, same);
	if (r == 0)
		r = write_map(&u, "gid_map", &maps->groups, same);
	if (r == 0)
		r = userns_open(&u, "user");
	userns_done(&u);
	return r;
}

bool owners_keep_groups(void)
{
	autofree char *text = NULL;

	return fd_read_file(AT_FDCWD, "/proc/self/setgroups", 16, &text, NULL) == 0 && strncmp(text, "deny", 4) == 0;
}

/*
 * Becomes @user and @group, without the kernel's care that who is root no more has no capabilities: 0 or -errno. @stay: groups
 * that cannot be set stay what they are.
 */
static int become(uid_t user, gid_t group, const gid_t *more, size_t more_len, bool stay)
{
	int bits = prctl(PR_GET_SECUREBITS);

	if (bits < 0 || prctl(PR_SET_SECUREBITS, (unsigned long)bits | SECBIT_NO_SETUID_FIXUP) < 0)
		return -errno;
	if (setgroups(more_len, more) < 0 && (errno != EPERM || !stay))
		return -errno;
	if (setresgid(group, group, group) < 0 || setresuid(user, user, user) < 0)
		return -errno;
	return prctl(PR_SET_SECUREBITS, (unsigned long)bits) < 0 ? -errno : 0;
}

int owners_enter(const struct owner_maps *maps, bool same, int fd)
{
	const struct owner_map *groups = &maps->groups;
	uid_t user = same ? owner_outside(&maps->users, maps->user) : maps->user;
	gid_t group = same ? owner_outside(groups, maps->group) : maps->group;
	autofree gid_t *more = calloc(maps->more_len + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < maps->more_len; i++)
		more[i] = same ? owner_outside(groups, maps->more[i]) : maps->more[i];
	return setns(fd, CLONE_NEWUSER) < 0 ? -errno : become(user, group, more, maps->more_len, maps->groups_stay);
}

void owners_done(struct owner_maps *maps)
{
	free(maps->users.v);
	free(maps->groups.v);
	free(maps->more);
	*maps = (struct owner_maps){ .user = 0 };
}
