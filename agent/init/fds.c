/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptors that a process gets beside its standard streams: see fds.h. */
#include "init/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/place.h"
#include "init/relay.h"

#define FDS_FIRST 3 /* the number that the first of them has in the process */

/* Makes the two ends of @from: the agent's, -1 if it has none, and the process's. 0 or -errno. */
static int fds_make(struct agent *agent, const struct guest_fd *from, int *ret_ours, int *ret_theirs)
{
	int fds[2] = { -1, -1 };
	int type, r = 0;

	switch (from->kind) {
	case GUEST_FD_NULL:
		fds[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
		r = fds[1] < 0 ? -errno : 0;
		break;
	case GUEST_FD_IN:
	case GUEST_FD_OUT:
		r = pipe2(fds, O_CLOEXEC) < 0 ? -errno : 0;
		break;
	case GUEST_FD_CONN:
		r = place_pair(agent, &from->addr, &from->peer, fds);
		break;
	case GUEST_FD_DGRAM: /* the names are lost, as those of unix sockets: a pair has none */
	case GUEST_FD_PACKETS:
		type = from->kind == GUEST_FD_DGRAM ? SOCK_DGRAM : SOCK_SEQPACKET;
		r = socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
		break;
	case GUEST_FD_LISTENER:
		fds[1] = place_listen(agent, from->relay, &from->addr);
		r = fds[1] < 0 ? fds[1] : fd_set_nonblock(fds[1], false);
		break;
	default:
		r = -EINVAL;
	}
	*ret_ours = fds[from->kind == GUEST_FD_IN];
	*ret_theirs = fds[from->kind != GUEST_FD_IN];
	return r == 0 && *ret_ours >= 0 ? fd_set_nonblock(*ret_ours, true) : r;
}

int fds_open(struct agent *agent, const struct guest_process *gp, int *ret_fds, struct err *err)
{
	int r = 0;

	for (uint32_t i = 0; i < gp->fds.len; i++) {
		const struct guest_fd *from = &gp->fds.at[i];
		autoclose int theirs = -1;
		int ours = -1, made, opened;

		made = fds_make(agent, from, &ours, &theirs);
		ret_fds[i] = made < 0 ? -1 : fcntl(theirs, F_DUPFD_CLOEXEC, FDS_FIRST + PROTO_FDS_MAX);
		if (made == 0 && ret_fds[i] < 0)
			made = -errno;
		opened = relay_attach(agent, gp->id, from, ours);
		if (made < 0 || opened < 0)
			r = err_sys(err, made < 0 ? made : opened, "cannot make descriptor %u of the process",
				i + FDS_FIRST);
	}
	return r;
}
