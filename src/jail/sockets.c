/* SPDX-License-Identifier: Apache-2.0 */
/* Unix sockets of the host that are sources of bind mounts: see sockets.h. */
#include "jail/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "channel/proto.h"
#include "jail/policy.h"

void sockets_done(struct sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		fd_close(s->fd[i]);
	free(s->fd);
	free(s->sockets);
	*s = (struct sockets)SOCKETS_NONE;
}

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

/* The answer of connect(2) with a socket of @type to the socket @fd: 0 or -errno. */
static int try_type(int fd, int type)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	autoclose int sock = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (sock < 0)
		return -errno;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d", fd); /* fits */
	return connect(sock, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? -errno : 0;
}

/*
 * The type of the socket @fd: SOCK_STREAM or one of its like; -ECONNREFUSED if no process has it any more, -EACCES if the
 * caller may not connect. The kernel tells by refusing other types (EPROTOTYPE); a datagram socket notices nothing of
 * being connected to, and a stream socket is never tried.
 */
static int socket_type(int fd)
{
	int r = try_type(fd, SOCK_DGRAM);

	if (r == 0 || r == -EPERM) /* it is connected, to somebody else */
		return SOCK_DGRAM;
	if (r != -EPROTOTYPE)
		return r;
	return try_type(fd, SOCK_SEQPACKET) == -EPROTOTYPE ? SOCK_STREAM : SOCK_SEQPACKET;
}

/* As socket_type(), by what the container of @spec may do. -errno with an error: the question could not be asked. */
static int socket_type_for(
	const struct spec *spec, const struct ns_set *ns, int fd, const struct stat *st, int *ret_type, struct err *err)
{
	struct identity old = { .caps = NULL };
	int r;

	if (policy_overrides(spec, ns, st->st_uid, st->st_gid)) {
		*ret_type = socket_type(fd);
		return 0;
	}
	r = become(spec, ns, &old);
	if (r == 0)
		*ret_type = socket_type(fd);
	if (restore(&old) < 0 || r < 0)
		return err_sys(err, r < 0 ? r : -EPERM, "cannot ask for the rights of the container's user");
	return 0;
}

/* Says of a socket that it is not reached, and why. */
static void warn(const struct spec *spec, const struct bind *bind, const char *why, struct warnings *warnings)
{
	warnings_add(warnings,
		"mounts[%zu].source: \"%s\" is a unix socket, and the container cannot connect to it: %s", bind->mount,
		spec->mounts.v[bind->mount].source, why);
}

/* Adds the socket of @bind, if the container may reach it. 0, or -errno with an error. */
static int add(const struct spec *spec, const struct ns_set *ns, const struct bind *bind, struct warnings *warnings,
	struct sockets *s, struct err *err)
{
	struct stat st;
	int r, type = 0, fd;

	if (fstat(bind->export_fd, &st) < 0)
		return err_sys(err, errno, "mounts[%zu].source", bind->mount);
	r = socket_type_for(spec, ns, bind->export_fd, &st, &type, err);
	if (r < 0)
		return r;
	if (s->n == PROTO_RELAYS_MAX)
		warn(spec, bind, "there are too many sockets in the config", warnings);
	else if (type == -ECONNREFUSED)
		warn(spec, bind, "no process of the host listens on it (ECONNREFUSED)", warnings);
	else if (type == -EACCES)
		warn(spec, bind, "its mode and owner forbid that (EACCES)", warnings);
	else if (type != SOCK_STREAM)
		warn(spec, bind, type < 0 ? "it cannot be asked for its type" : "it is no stream socket", warnings);
	if (s->n == PROTO_RELAYS_MAX || type != SOCK_STREAM)
		return 0;
	fd = fcntl(bind->export_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_sys(err, errno, "mounts[%zu].source", bind->mount);
	s->sockets[s->n] = (struct guest_socket){
		.mount = bind->mount,
		.relay = { .name = bind->name,
			.type = (uint32_t)type,
			.mode = st.st_mode & 07777,
			.uid = st.st_uid,
			.gid = st.st_gid },
	};
	s->fd[s->n++] = fd;
	return 0;
}

int sockets_find(const struct spec *spec, const struct ns_set *ns, const struct binds *binds, struct warnings *warnings,
	struct sockets *s, struct err *err)
{
	int r = 0;

	s->fd = calloc(PROTO_RELAYS_MAX, sizeof(*s->fd));
	s->sockets = calloc(PROTO_RELAYS_MAX, sizeof(*s->sockets));
	if (!s->fd || !s->sockets)
		return err_sys(err, ENOMEM, "mounts");
	for (size_t i = 0; r == 0 && i < binds->n; i++) {
		if (binds->v[i].type == S_IFSOCK)
			r = add(spec, ns, &binds->v[i], warnings, s, err);
	}
	return r;
}
