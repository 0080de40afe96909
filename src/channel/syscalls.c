/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of src/channel: see syscalls.h. */
#include "channel/syscalls.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/ioctl.h>
#include <stddef.h>

const char *const channel_syscalls[] = {
	"poll",     /* careful sources and sinks */
	"ppoll",    /* what poll(3) is where a kernel has only that */
	"recvfrom", /* recv(3) of a source that is a socket */
	"sendto",   /* send(3) of a sink that is a socket */
	"shutdown", /* the end of one direction of a socket */
	NULL,
};

const unsigned long channel_ioctls[] = {
	FIONREAD, /* source_finish() */
	TCGETS,   /* isatty(3) */
	TCGETS2,  /* isatty(3) from glibc 2.42 on */
	0,
};
