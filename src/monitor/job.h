/* SPDX-License-Identifier: Apache-2.0 */
/* What create has prepared for the monitor. */
#ifndef MONITOR_JOB_H
#define MONITOR_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "app/timeline.h"
#include "base/err.h"
#include "container/state.h"
#include "guest/translate.h"
#include "jail/binds.h"
#include "jail/ns.h"
#include "jail/sockets.h"
#include "spec/spec.h"
#include "vm/vm.h"

/*
 * What create does with the process that will be the monitor's parent, before that process joins the
 * cgroups. @fn runs in create, with that process's @pid: 0, or -errno with an error.
 */
struct monitor_settle {
	int (*fn)(void *arg, pid_t pid, struct err *err); /* NULL: nothing is to be done */
	void *arg;
};

/*
 * All of it is create's, and the monitor gets its own copy by fork(2); create ends its copies itself. The
 * descriptors here are the only ones that the monitor keeps, besides the standard streams.
 */
struct monitor_job {
	const char *id;
	const char *rootfs; /* absolute */
	const struct spec *spec;
	const struct state *state; /* with the cgroups to join */
	struct monitor_settle settle;
	const struct ns_set *ns;
	struct binds *binds;
	const struct sockets *sockets;
	struct vm_config *vm; /* the monitor fills in the descriptors that are its own */
	struct guest_translation *translation;
	struct timeline *timeline;     /* may be NULL */
	int boot_ms;                   /* how long the guest may take to boot to its agent */
	bool own_network;              /* the container has a network namespace whose interfaces are its own */
	unsigned int spare_interfaces; /* network devices beyond those of the interfaces that there are at create */
	bool inner_ports;              /* what it listens on is opened there for processes of the host, too (ports.h) */
	bool usermode;                 /* it has one of others', on which it is by user mode (net/usermode.h) */
	int status_fd;                 /* the file `status` */
	int listen_fd;                 /* control.sock, bound and listening */
	int log_fd;                    /* guest.log */
	size_t log_max;                /* how many bytes guest.log may have */
	int console_fd;                /* the connected console socket; -1: none */
	int view_fd;                   /* jail_open_view()'s: birth.c opens it, before the cgroup that may forbid it */
	int tmpfs_fds
		[PROTO_FILE_PLACES_MAX]; /* likewise, for the first tmpfs mounts of the config; -1: there is none */
	const struct guest_fds *given;   /* the caller's descriptors that the process gets */
	int cancel_fd; /* create's alone: readable when the monitor's birth is to be given up; -1: never */
};

#endif
