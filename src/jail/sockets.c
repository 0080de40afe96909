/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets of the host that are sources of bind mounts: see sockets.h. */
#include "jail/sockets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "channel/proto.h"
#include "jail/policy.h"

/* Entries of a directory that are looked at: one that holds sockets holds little else. */
#define SCAN_MAX 4096

void sockets_done(struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		fd_close(s->fd[i]);
		free(s->sockets[i].entry);
		free(s->sockets[i].destination);
		free((void *)(uintptr_t)s->sockets[i].relay.name);
	}
	free(s->fd);
	free(s->sockets);
	*s = (struct sockets)SOCKETS_NONE;
}

/* What the search is about; all borrowed. */
struct search {
	const struct spec *spec;
	const struct ns_set *ns;
	const char *cid;
	struct warnings *warnings;
	struct sockets *s;
	struct err *err;
};

/* --- whom the kernel lets connect --- */

/* What the process is again after the question. */
struct identity {
	cap_t caps;
	gid_t *groups;
	int groups_len;
};

/* Becomes, as far as files are concerned, the user of @spec without capabilities. 0 or -errno; then end with restore(). */
static int become(const struct spec *spec, const struct ns_set *ns, struct identity *old)
{
	static const cap_value_t overriding[] = { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH };
	const struct spec_user *user = &spec->process->user;
	autofree gid_t *groups = calloc(user->additional_gids.n + 1, sizeof(*groups));
	cap_t caps = cap_get_proc();
	int r = 0;

	old->groups_len = getgroups(0, NULL);
	old->groups = calloc((size_t)MAX(old->groups_len, 0) + 1, sizeof(*old->groups));
	old->caps = cap_get_proc();
	if (!groups || !caps || !old->caps || !old->groups || getgroups(old->groups_len, old->groups) < 0)
		r = -ENOMEM;
	for (size_t i = 0; groups && i < user->additional_gids.n; i++)
		groups[i] = policy_host_gid(ns, user->additional_gids.v[i]);
	if (r == 0 && (setgroups(user->additional_gids.n, groups) < 0 ||
			      cap_set_flag(caps, CAP_EFFECTIVE, ARRAY_LEN(overriding), overriding, CAP_CLEAR) < 0 ||
			      cap_set_proc(caps) < 0))
		r = -errno;
	(void)cap_free(caps);
	if (r == 0) { /* neither call says whether it has worked; root's always does */
		(void)setfsgid(policy_host_gid(ns, user->gid));
		(void)setfsuid(policy_host_uid(ns, user->uid));
	}
	return r;
}

/* Becomes what the process was before become(). 0 or -errno. */
static int restore(struct identity *old)
{
	int r = 0;

	(void)setfsuid(geteuid());
	(void)setfsgid(getegid());
	if (!old->caps || !old->groups || cap_set_proc(old->caps) < 0 ||
		setgroups((size_t)old->groups_len, old->groups) < 0)
		r = -EPERM;
	(void)cap_free(old->caps);
	free(old->groups);
	return r;
}

/* --- what a socket is --- */

/* Where a socket is: a descriptor of it, or its name in the directory @fd. */
struct place {
	int fd;
	const char *entry; /* NULL: the former */
};

/* The answer of connect(2) with a socket of @type to the socket at @at: 0 or -errno. */
static int try_type(const struct place *at, int type)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	autoclose int sock = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int n = snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d%s%s", at->fd, at->entry ? "/" : "",
		at->entry ? at->entry : "");

	if (sock < 0)
		return -errno;
	if (n >= (int)sizeof(sun.sun_path))
		return -ENAMETOOLONG; /* as for any program that is to connect to it */
	return connect(sock, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? -errno : 0;
}

/*
 * The type of the socket at @at: SOCK_STREAM or one of its like; -ECONNREFUSED if no process has it any more, -EACCES if
 * the caller may not connect. The kernel tells by refusing other types (EPROTOTYPE); a datagram socket notices nothing of
 * being connected to, and a stream socket is never tried.
 */
static int socket_type(const struct place *at)
{
	int r = try_type(at, SOCK_DGRAM);

	if (r == 0 || r == -EPERM) /* it is connected, to somebody else */
		return SOCK_DGRAM;
	if (r != -EPROTOTYPE)
		return r;
	return try_type(at, SOCK_SEQPACKET) == -EPROTOTYPE ? SOCK_STREAM : SOCK_SEQPACKET;
}

/* As socket_type(), by what the container of @spec may do. -errno with an error: the question could not be asked. */
static int socket_type_for(const struct search *search, const struct place *at, const struct stat *st, int *ret_type)
{
	struct identity old = { .caps = NULL };
	int r;

	if (policy_overrides(search->spec, search->ns, st->st_uid, st->st_gid)) {
		*ret_type = socket_type(at);
		return 0;
	}
	r = become(search->spec, search->ns, &old);
	if (r == 0)
		*ret_type = socket_type(at);
	if (restore(&old) < 0 || r < 0)
		return err_sys(search->err, r < 0 ? r : -EPERM, "cannot ask for the rights of the container's user");
	return 0;
}

/* Says of a socket that it is not reached, and why. */
static void warn(const struct search *search, const struct bind *bind, const char *entry, const char *why)
{
	warnings_add(search->warnings,
		"mounts[%zu].source: \"%s%s%s\" is a unix socket, and the container cannot connect to it: %s",
		bind->mount, search->spec->mounts.v[bind->mount].source, entry ? "/" : "", entry ? entry : "", why);
}

/* --- the list --- */

/* Fills in @to the socket of @bind, or the one that has the name @entry in it. 0 or -ENOMEM. */
static int describe(const struct search *search, const struct bind *bind, const char *entry, struct guest_socket *to)
{
	const char *destination = search->spec->mounts.v[bind->mount].destination;
	char *name = NULL;

	to->mount = bind->mount;
	if (!entry)
		return (to->relay.name = strdup(bind->name)) ? 0 : -ENOMEM;
	to->entry = strdup(entry);
	if (asprintf(&to->destination, "%s/%s", destination, entry) < 0)
		to->destination = NULL;
	if (asprintf(&name, "%s/%zu.%zu/%s", search->cid, bind->mount, search->s->n, entry) < 0)
		name = NULL;
	to->relay.name = name;
	return to->entry && to->destination && name ? 0 : -ENOMEM;
}

/* Adds the socket of @bind, or the one that has the name @entry in it. 0, or -errno with an error. */
static int add(const struct search *search, const struct bind *bind, const char *entry, const struct stat *st, int type)
{
	struct sockets *s = search->s;
	struct guest_socket *to = &s->sockets[s->n];
	int fd = fcntl(bind->export_fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_sys(search->err, errno, "mounts[%zu].source", bind->mount);
	s->fd[s->n] = fd;
	to->relay = (struct guest_relay){
		.type = (uint32_t)type, .mode = st->st_mode & 07777, .uid = st->st_uid, .gid = st->st_gid
	};
	if (describe(search, bind, entry, to) < 0) {
		s->n++;
		return err_sys(search->err, ENOMEM, "mounts");
	}
	s->n++;
	return 0;
}

/*
 * Adds the socket @st that is the source of @bind, or that has the name @entry in it, if the container may reach it. One
 * in a directory gets no warning for being dead: servers leave such files behind. 0, or -errno with an error.
 */
static int take(const struct search *search, const struct bind *bind, const char *entry, const struct stat *st)
{
	const struct place at = { .fd = bind->export_fd, .entry = entry };
	int type = 0, r = socket_type_for(search, &at, st, &type);

	if (r < 0)
		return r;
	if (type == SOCK_STREAM || type == SOCK_DGRAM) {
		if (search->s->n < PROTO_RELAYS_MAX)
			return add(search, bind, entry, st, type);
		warn(search, bind, entry, "there are too many sockets in the config");
	} else if (type == SOCK_SEQPACKET) {
		warn(search, bind, entry, "it is of the type SOCK_SEQPACKET, which is not relayed");
	} else if (!entry && type == -ECONNREFUSED) {
		warn(search, bind, entry, "no process of the host listens on it (ECONNREFUSED)");
	} else if (!entry && type == -EACCES) {
		warn(search, bind, entry, "its mode and owner forbid that (EACCES)");
	} else if (!entry) {
		warn(search, bind, entry, "it cannot be asked for its type");
	}
	return 0;
}

/* Whether mount number @later covers @path, or the directory that it is in. */
static bool covers(const struct spec *spec, size_t later, const char *dir, const char *entry)
{
	const char *by = spec->mounts.v[later].destination;
	size_t len = strlen(by), dir_len = strlen(dir);

	while (len > 1 && by[len - 1] == '/')
		len--;
	while (dir_len > 1 && dir[dir_len - 1] == '/')
		dir_len--;
	if (len <= dir_len)
		return strncmp(by, dir, len) == 0 && (len == 1 || dir[len] == '/' || !dir[len]);
	return strncmp(by, dir, dir_len) == 0 && by[dir_len] == '/' && len - dir_len - 1 == strlen(entry) &&
	       strncmp(by + dir_len + 1, entry, strlen(entry)) == 0;
}

/* Whether what @bind has under the name @entry is not seen, for another mount of the config is there. */
static bool is_covered(const struct spec *spec, const struct bind *bind, const char *entry)
{
	for (size_t i = bind->mount + 1; i < spec->mounts.n; i++) {
		if (!spec_mount_has(&spec->mounts.v[i], "remount") &&
			covers(spec, i, spec->mounts.v[bind->mount].destination, entry))
			return true;
	}
	return false;
}

/* Takes the sockets that lie in the directory of @bind itself. 0, or -errno with an error. */
static int take_entries(const struct search *search, const struct bind *bind)
{
	int fd = openat(bind->export_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) { /* such as a file system that has gone; its users see that */
		fd_close(fd);
		return 0;
	}
	for (int n = 0; r == 0 && n < SCAN_MAX && (e = readdir(dir)); n++) {
		struct stat st;

		if (e->d_type != DT_SOCK || is_covered(search->spec, bind, e->d_name) ||
			fstatat(bind->export_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode))
			continue;
		r = take(search, bind, e->d_name, &st);
	}
	(void)closedir(dir);
	return r;
}

int sockets_find(const struct spec *spec, const struct ns_set *ns, const struct binds *binds, const char *cid,
	struct warnings *warnings, struct sockets *s, struct err *err)
{
	const struct search search = { spec, ns, cid, warnings, s, err };
	int r = 0;

	s->fd = calloc(PROTO_RELAYS_MAX, sizeof(*s->fd));
	s->sockets = calloc(PROTO_RELAYS_MAX, sizeof(*s->sockets));
	if (!s->fd || !s->sockets)
		return err_sys(err, ENOMEM, "mounts");
	for (size_t i = 0; r == 0 && i < binds->n; i++) {
		const struct bind *bind = &binds->v[i];
		struct stat st;

		if (bind->type == S_IFSOCK && fstat(bind->export_fd, &st) == 0)
			r = take(&search, bind, NULL, &st);
		else if (bind->dir && !bind->inside)
			r = take_entries(&search, bind);
	}
	return r;
}

int sockets_add(struct sockets *s, const char *cid, const char *entry, const char *destination, size_t *ret_index,
	struct err *err)
{
	struct guest_socket *to = &s->sockets[s->n];
	char *name = NULL;

	if (s->n == PROTO_RELAYS_MAX)
		return err_set(err, E2BIG, "\"%s\": there are too many sockets in the config", destination);
	to->mount = SOCKET_NO_MOUNT;
	to->entry = strdup(entry);
	to->destination = strdup(destination);
	if (asprintf(&name, "%s/own.%zu/%s", cid, s->n, entry) < 0)
		name = NULL;
	to->relay = (struct guest_relay){ .name = name, .type = SOCK_DGRAM, .mode = 0777 };
	s->fd[s->n] = -1;
	*ret_index = s->n++;
	return to->entry && to->destination && name ? 0 : err_sys(err, ENOMEM, "mounts");
}
