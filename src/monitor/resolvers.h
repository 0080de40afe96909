/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolvers of names on a loopback address of the container's network namespace, as Docker's 127.0.0.11 is: the guest's
 * loopback is another one, and so the monitor, which is in that namespace, leads connections to them there.
 *
 * Which there are says the container's resolv.conf, where that is a file of the host's: the engine writes it when it
 * knows the networks, which may be after create, and again with each that is connected. One counts where something answers
 * on its port: a resolver of the container's own, which runs in the guest, does not.
 */
#ifndef MONITOR_RESOLVERS_H
#define MONITOR_RESOLVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "channel/proto.h"
#include "guest/guest.h"
#include "monitor/job.h"

/* Addresses that the monitor remembers: more than a container was ever seen to have. */
#define RESOLVERS_KNOWN_MAX 8

struct resolvers {
	int file;    /* an O_PATH descriptor of resolv.conf, owned; -1: there is none */
	int proc_fd; /* borrowed */
	size_t known_len;
	struct guest_resolver known[RESOLVERS_KNOWN_MAX]; /* those that have a relay */
	size_t now_len;
	struct guest_resolver now[PROTO_RESOLVERS_MAX]; /* those that there are */
	size_t told_len;
	struct guest_resolver told[PROTO_RESOLVERS_MAX]; /* those that the guest has been told of */
};

/* Whether the container of @job may have any: else its monitor needs no right to connect. */
bool resolvers_possible(const struct monitor_job *job);

/* Opens what says which there are. Before the jail. 0 or -errno; @ret is resolvers_done()'s in any case. */
must_check int resolvers_open(const struct monitor_job *job, struct resolvers *ret);

/* Closes it. */
void resolvers_done(struct resolvers *r);

/*
 * Finds those that there are now, makes relays of @g to them for the container whose first process is @process, and puts them
 * into r->now. 1: they are others than those that the guest has been told of; 0: they are not; or -ENOMEM. What cannot be read
 * leaves what there was.
 */
must_check int resolvers_find(struct resolvers *r, struct guest *g, uint32_t process);

/* The guest has been told of r->now. */
void resolvers_told(struct resolvers *r);

/* Reads the loopback addresses of a resolv.conf(5), the text @text, into @ret: how many. */
size_t resolvers_parse(const char *text, uint32_t ret[PROTO_RESOLVERS_MAX]);

#endif
