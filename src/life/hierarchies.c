/* SPDX-License-Identifier: Apache-2.0 */
/* The host's cgroup hierarchies among the bind mounts: see hierarchies.h. */
#include "life/hierarchies.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "jail/binds.h"
#include "json/arena.h"

#define CGROUPS "/sys/fs/cgroup"

/* Of types that the members of a spec have. */
static char cgroup_type[] = "cgroup", remount_option[] = "remount";

static bool is_cgroup_fs(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && (st.f_type == CGROUP_SUPER_MAGIC || st.f_type == CGROUP2_SUPER_MAGIC);
}

static bool is_removed(const char *option, const char *const *removed)
{
	for (; *removed; removed++) {
		if (strcmp(option, *removed) == 0)
			return true;
	}
	return false;
}

/* Takes the options that are in @removed, which ends with NULL, away from @m. */
static void remove_options(struct spec_mount *m, const char *const *removed)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->options.n; i++) {
		if (!is_removed(m->options.v[i], removed))
			m->options.v[kept++] = m->options.v[i];
	}
	if (kept < m->options.n)
		m->options.v[kept] = NULL;
	m->options.n = kept;
}

/*
 * Makes @m, a bind at /sys/fs/cgroup, a mount of the guest's own hierarchy. On a host with cgroup v1 the hierarchies are
 * mounts below the source: there a plain "ro" left them writable.
 */
static void become_cgroup(struct spec_mount *m)
{
	static const char *const bind[] = { "bind", "rbind", NULL };
	static const char *const ro[] = { "ro", NULL };

	if (!is_cgroup_fs(m->source) && !spec_mount_has(m, "bind"))
		remove_options(m, ro);
	remove_options(m, bind);
	m->type = cgroup_type;
	m->source = cgroup_type;
}

/* Makes @m, a bind below /sys/fs/cgroup, a remount of the file system there, with its options. 0 or -ENOMEM. */
static int become_remount(struct spec *spec, struct spec_mount *m)
{
	char **options = arena_array(spec->arena, m->options.n + 2, sizeof(*options));
	char *destination = arena_strndup(spec->arena, CGROUPS, strlen(CGROUPS));

	if (!options || !destination)
		return -ENOMEM;
	if (m->options.n)
		memcpy(options, m->options.v, m->options.n * sizeof(*options));
	options[m->options.n] = remount_option;
	m->options.v = options;
	m->options.n++;
	m->destination = destination;
	return 0;
}

/* Whether one of the first @n mounts is the container's own cgroup file system, where programs look for it. */
static bool has_cgroups(const struct spec *spec, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct spec_mount *m = &spec->mounts.v[i];

		if (strcmp(m->destination, CGROUPS) == 0 && m->type && strcmp(m->type, cgroup_type) == 0)
			return true;
	}
	return false;
}

int hierarchies_to_guest(struct spec *spec, struct warnings *warnings, struct err *err)
{
	for (size_t i = 0; i < spec->mounts.n; i++) {
		struct spec_mount *m = &spec->mounts.v[i];
		const char *destination = m->destination, *source = m->source;

		if (!binds_is_bind(m) || !source || source[0] != '/')
			continue;
		if (strcmp(destination, CGROUPS) == 0 && (is_cgroup_fs(source) || strcmp(source, CGROUPS) == 0))
			become_cgroup(m);
		else if (strncmp(destination, CGROUPS "/", strlen(CGROUPS "/")) != 0 || !is_cgroup_fs(source) ||
			 !has_cgroups(spec, i))
			continue;
		else if (become_remount(spec, m) < 0)
			return err_sys(err, ENOMEM, "mounts[%zu]", i);
		warnings_add(warnings,
			"mounts[%zu]: \"%s\" is a cgroup hierarchy of the host, in which the container's processes are not: instead of it at \"%s\" the container has the cgroup v2 of its virtual machine at \"" CGROUPS
			"\"",
			i, source, destination);
	}
	return 0;
}
