/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Having the guest forget what the host has changed of the files that it may have cached.
 *
 * One request is under way at a time. What comes meanwhile is collected by the VM, so that a guest which never answers
 * costs nothing.
 */
#ifndef MONITOR_FORGETTING_H
#define MONITOR_FORGETTING_H

#include <stdbool.h>

#include "guest/guest.h"
#include "jail/binds.h"
#include "jail/sockets.h"
#include "vm/guestlog.h"
#include "vm/vm.h"

/* All of it is borrowed, and must outlive the guest. */
struct forgetting {
	struct vm *vm;
	struct guest *guest;
	struct guestlog *log;
	const struct binds *binds;
	const struct sockets *sockets; /* their places are never forgotten: what stands there is the guest's own */
	bool asked;                    /* the guest has not answered yet */
	bool told;                     /* the log knows that the guest was asked for names that it does not use */
};

/* The VM has something to forget: the guest is told, now or when it has answered. From the loop. */
void forgetting_go(struct forgetting *f);

#endif
