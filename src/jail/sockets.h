/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets of the host that the config makes sources of bind mounts, and which the container may therefore reach.
 *
 * A socket lives in the host's kernel, so that a guest which connects to the file finds nobody. The monitor connects in
 * its place (guest_relay_new()), to the socket that is named here: an open descriptor, like the source of any bind mount,
 * so that a file which takes its path later is not meant. What it may reach is what the container's process could under
 * runc, which is asked of the kernel when the container is created: the ids of the process, what its capabilities
 * override, the mode of the socket.
 *
 * A directory that is a bind source stands for the sockets that lie in it at create, not deeper, and on which a process
 * of the host listens then: such as /run/notify or /tmp/.X11-unix. These are meant by name, as a path through the
 * directory is, so that a server that has been started anew is found. Files of sockets that nobody has open are left
 * alone: in a volume with a database's files the next to bind there may be a server of the container.
 */
#ifndef JAIL_SOCKETS_H
#define JAIL_SOCKETS_H

#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "guest/translate.h"
#include "jail/binds.h"
#include "jail/ns.h"
#include "json/warnings.h"
#include "spec/spec.h"

struct sockets {
	size_t n;
	int *fd;                      /* of each an O_PATH descriptor; owned */
	struct guest_socket *sockets; /* the same in the form of guest_translate() */
};

#define SOCKETS_NONE    \
	{               \
		.n = 0, \
	}

/* Closes and frees what @s has, and makes it empty again. */
void sockets_done(struct sockets *s);

/*
 * Finds the sockets among @binds, the bind sources of @spec, for container @cid. A source that cannot be reached gets a warning. @s:
 * SOCKETS_NONE; the caller ends it with sockets_done() in any case, and the bind sources must outlive it. Changes the calling
 * process's ids for files for a moment: it must be single-threaded. 0, or -errno with an error.
 */
must_check int sockets_find(const struct spec *spec, const struct ns_set *ns, const struct binds *binds,
	const char *cid, struct warnings *warnings, struct sockets *s, struct err *err);

/*
 * Adds a datagram socket that anybody in the container may send to, at @destination, where it is made. @entry is its name
 * in the directory of the host that the caller puts into s->fd[*@ret_index], which is @s's then. After sockets_find(). 0,
 * or -errno with an error.
 */
must_check int sockets_add(struct sockets *s, const char *cid, const char *entry, const char *destination,
	size_t *ret_index, struct err *err);

#endif
