/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands on the control socket ask of the monitor: each operation of control.h is carried out here, by a member,
 * the VM, the guest or the network, and answered.
 */
#ifndef MONITOR_COMMANDS_H
#define MONITOR_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"
#include "base/err.h"
#include "base/loop.h"
#include "guest/guest.h"
#include "monitor/control.h"
#include "monitor/member.h"
#include "monitor/network.h"
#include "vm/guestlog.h"
#include "vm/vm.h"

/* What they act on is borrowed, and filled in before commands_listen(), but @guest and @serving. */
struct commands {
	const char *id; /* of the container */
	struct loop *loop;
	struct vm *vm;
	struct guest *guest; /* set before @serving is */
	struct guestlog *log;
	struct network *network;       /* NULL: the container has none of its own */
	struct member *const *members; /* [0]: the one that commands are for */
	size_t members_len;
	bool serving; /* the first member stands ready, and nothing has ended yet */
	void (*on_broken)(void *arg, const struct err *err); /* the machine cannot go on */
	void (*on_paused)(void *arg); /* the VM stands still, and the monitor may be frozen as soon as this returns */
	void *arg;
	/* their own */
	struct control *control;
	struct control_client *starter; /* waits for a start whose network is being set up, or NULL */
	bool paused;                    /* the VM's vCPUs stand still */
};

/*
 * Serves the commands that come by @listen_fd (control_new()), on the loop's thread, until commands_done(). @c must stay
 * where it is. 0 or -errno.
 */
must_check int commands_listen(struct commands *c, int listen_fd);

/* Ends the connections, after the guest has been freed, which answers some of them. @c may be all zeros. */
void commands_done(struct commands *c);

#endif
