/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of a container in user mode: see ports.h. */
#include "monitor/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "monitor/opener.h"

#define DNS_PORT 53

struct open_port {
	struct proto_port port;
	uint32_t relay; /* guest_port_open(); 0: it could not be had, which has been said */
	bool seen;      /* the guest still listens */
};

struct ports {
	const char *id;
	const struct resolvers *resolvers;
	int opener;
	struct loop *loop;
	struct guest *guest;
	struct guestlog *log;
	uint32_t process;
	struct watch *timer;
	size_t len;
	struct open_port at[PORTS_MAX];
};

/* Whether a process of the container could have ports below 1024 in a namespace of the host. */
static bool may_have_low_ports(const struct spec *spec)
{
	const struct spec_capabilities *caps = spec->process->capabilities;

	return caps && (caps->bounding & (UINT64_C(1) << CAP_NET_BIND_SERVICE)) != 0 &&
	       !spec_namespace_find(spec, SPEC_NS_USER);
}

int ports_new(
	const char *id, const struct spec *spec, const struct resolvers *resolvers, struct ports **ret, struct err *err)
{
	struct ports *p = calloc(1, sizeof(*p));

	if (!p)
		return err_sys(err, ENOMEM, "network");
	p->id = id;
	p->resolvers = resolvers;
	p->opener = opener_start(may_have_low_ports(spec));
	if (p->opener < 0) {
		int r = p->opener;

		free(p);
		return err_sys(err, r, "network: cannot start the process that opens ports");
	}
	*ret = p;
	return 0;
}

void ports_free(struct ports *p)
{
	if (!p)
		return;
	watch_free(p->timer);
	fd_close(p->opener);
	free(p);
}

/* --- one port --- */

/* Says in the guest's log that @port cannot be had: in bind(2)'s words. */
static void say_refused(const struct ports *p, const struct proto_port *port, int error)
{
	char text[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(port->version == 4 ? AF_INET : AF_INET6, port->addr, text, sizeof(text));
	guestlog_say(p->log, "vmrunc: network: cannot listen on %s port %u of the network that the container joins: %s",
		text, port->port, strerror(-error));
}

/* Opens the port of @o if it is not open. A guest that cannot have it hears of it as often as it begins to listen. */
static void open_one(struct ports *p, struct open_port *o, bool is_new)
{
	int fd = o->relay ? 0 : opener_ask(p->opener, &o->port), r;

	if (o->relay)
		return;
	r = fd < 0 ? fd : guest_port_open(p->guest, p->process, fd, &o->port, &o->relay);
	if (r < 0 && is_new)
		say_refused(p, &o->port, r);
}

/* Whether the agent listens there in the place of a resolver that the namespace has. */
static bool is_resolver(const struct ports *p, const struct proto_port *port)
{
	for (size_t i = 0; i < p->resolvers->known_len; i++) {
		if (port->version == 4 && port->port == DNS_PORT &&
			memcmp(port->addr, &p->resolvers->known[i].address, sizeof(uint32_t)) == 0)
			return true;
	}
	return false;
}

/* Takes one port of the guest's list: it is known, or new, or one too many. */
static void take(struct ports *p, const struct proto_port *port)
{
	struct open_port *o = p->at;

	while (o < p->at + p->len && memcmp(&o->port, port, sizeof(*port)) != 0)
		o++;
	if (o == p->at + PORTS_MAX || is_resolver(p, port))
		return;
	if (o == p->at + p->len) {
		*o = (struct open_port){ .port = *port };
		p->len++;
		open_one(p, o, true);
	} else {
		open_one(p, o, false);
	}
	o->seen = true;
}

/* --- the list --- */

/* As guest_done_fn: the guest's list. An error is its end, or the next list's. */
static void on_list(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct ports *p = arg;
	struct proto_port port;

	for (size_t i = 0; i < p->len; i++)
		p->at[i].seen = false;
	for (size_t i = 0; err->errnum == 0 && proto_get_port(payload, len, i, &port) == 0; i++)
		take(p, &port);
	for (size_t i = p->len; err->errnum == 0 && i > 0; i--) {
		struct open_port *o = &p->at[i - 1];

		if (o->seen)
			continue;
		if (o->relay)
			guest_port_close(p->guest, o->relay);
		*o = p->at[--p->len];
	}
	if (err->errnum == 0 && timer_set(p->timer, PORTS_INTERVAL_MS) < 0)
		guestlog_say(p->log, "vmrunc: network: ports are not watched any more");
}

/* The timer: asks the guest. */
static void ask(void *arg)
{
	struct ports *p = arg;
	struct err ignored = ERR_INIT; /* the channel is at its end, which is told elsewhere */

	(void)!guest_list_ports(p->guest, p->id, on_list, p, &ignored);
}

int ports_begin(struct ports *p, struct loop *loop, struct guest *guest, struct guestlog *log, uint32_t process)
{
	p->loop = loop;
	p->guest = guest;
	p->log = log;
	p->process = process;
	return timer_new(loop, PORTS_INTERVAL_MS, ask, p, &p->timer);
}
