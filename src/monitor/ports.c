/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of a container in user mode: see ports.h. */
#include "monitor/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "monitor/lender.h"
#include "monitor/opener.h"

#define DNS_PORT 53

struct open_port {
	struct proto_port port;
	uint32_t relay; /* guest_port_open(); 0: it could not be had */
	bool seen;      /* the guest still listens */
	bool said;      /* that it could not be had has been told */
};

struct ports {
	const char *id;
	const struct resolvers *resolvers;
	int opener;
	const char *whose; /* borrowed: the network that they are of */
	struct loop *loop;
	struct guest *guest;
	struct guestlog *log;
	uint32_t process;
	struct watch *timer;
	size_t len;
	struct open_port at[PORTS_MAX];

	/* of the machine whose network namespace it is */
	bool joined;       /* there may be one */
	int owner;         /* the connection; < 0: there is none now */
	bool owner_silent; /* it has not said yet which ports it has */
	struct watch *owner_watch;
	size_t taken_len;
	struct proto_port taken[PROTO_PORTS_MAX];
	char list[LENDER_BYTES_MAX];
};

/* Whether a process of the container could have ports below 1024 in a namespace of the host. */
static bool may_have_low_ports(const struct spec *spec)
{
	const struct spec_capabilities *caps = spec->process->capabilities;

	return caps && (caps->bounding & (UINT64_C(1) << CAP_NET_BIND_SERVICE)) != 0 &&
	       !spec_namespace_find(spec, SPEC_NS_USER);
}

int ports_new(const char *id, const struct spec *spec, const struct resolvers *resolvers, bool joined,
	const char *whose, struct ports **ret, struct err *err)
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
	p->whose = whose;
	p->joined = joined;
	p->owner = joined ? opener_ask_owner(p->opener) : -1;
	p->owner_silent = p->owner >= 0;
	*ret = p;
	return 0;
}

void ports_free(struct ports *p)
{
	if (!p)
		return;
	watch_free(p->timer);
	watch_free(p->owner_watch);
	fd_close(p->owner);
	fd_close(p->opener);
	free(p);
}

/* --- the ports of the namespace's owner --- */

/* What an address of a socket that listens is. */
enum reach { REACH_ONE, REACH_ALL4, REACH_ALL, REACH_LOOPBACK };

static enum reach reach_of(const struct proto_port *p)
{
	static const uint8_t zeros[sizeof(p->addr)];
	struct in6_addr six;

	if (p->version == 4)
		return p->addr[0] == 127 ? REACH_LOOPBACK : memcmp(p->addr, zeros, 4) == 0 ? REACH_ALL4 : REACH_ONE;
	memcpy(&six, p->addr, sizeof(six));
	return IN6_IS_ADDR_LOOPBACK(&six) ? REACH_LOOPBACK : IN6_IS_ADDR_UNSPECIFIED(&six) ? REACH_ALL : REACH_ONE;
}

/* Whether two sockets could not both have their ports under one kernel. Loopback interfaces are two. */
static bool collides(const struct proto_port *a, const struct proto_port *b)
{
	enum reach of_a = reach_of(a), of_b = reach_of(b);

	if (a->port != b->port || of_a == REACH_LOOPBACK || of_b == REACH_LOOPBACK)
		return false;
	if (of_a == REACH_ALL || of_b == REACH_ALL)
		return true;
	if (a->version != b->version)
		return false;
	return of_a == REACH_ALL4 || of_b == REACH_ALL4 || memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

static bool is_taken(const struct ports *p, const struct proto_port *port)
{
	for (size_t i = 0; i < p->taken_len; i++) {
		if (collides(&p->taken[i], port))
			return true;
	}
	return false;
}

/* The loop's callback: the owner's list, or its end, with which its ports are free. */
static void on_owner(void *arg, uint32_t events)
{
	struct ports *p = arg;
	size_t none;
	ssize_t n = fd_recv(p->owner, p->list, sizeof(p->list), NULL, 0, &none);

	(void)events;
	if (n == -EAGAIN || n == -EINTR)
		return;
	p->owner_silent = false;
	p->taken_len = 0;
	if (n <= 0 || p->list[0] != LENDER_LIST) {
		watch_free(p->owner_watch);
		p->owner_watch = NULL;
		fd_close(steal_fd(&p->owner));
		return;
	}
	while (p->taken_len < PROTO_PORTS_MAX &&
		proto_get_port(p->list + 1, (size_t)n - 1, p->taken_len, &p->taken[p->taken_len]) == 0)
		p->taken_len++;
}

/* Takes the connection to the owner into the loop: 0 or -errno. */
static int watch_owner(struct ports *p)
{
	return p->owner < 0 ? 0 : watch_new(p->loop, p->owner, EPOLLIN, on_owner, p, &p->owner_watch);
}

/* Looks for a machine whose namespace this has become since. Without a connection, the next look tries again. */
static void find_owner(struct ports *p)
{
	if (!p->joined || p->owner >= 0)
		return;
	p->owner = opener_ask_owner(p->opener);
	if (watch_owner(p) < 0)
		fd_close(steal_fd(&p->owner));
}

/* --- one port --- */

/* Says in the guest's log that @port cannot be had: in bind(2)'s words. */
static void say_refused(const struct ports *p, const struct proto_port *port, int error)
{
	char text[INET6_ADDRSTRLEN] = "?";

	(void)inet_ntop(port->version == 4 ? AF_INET : AF_INET6, port->addr, text, sizeof(text));
	guestlog_say(p->log, "vmrunc: network: cannot listen on %s port %u of %s: %s", text, port->port, p->whose,
		strerror(-error));
}

/*
 * Opens the port of @o if it is not open, or closes it for the namespace's owner. A guest that cannot have it hears of it once.
 */
static void open_one(struct ports *p, struct open_port *o)
{
	bool taken = is_taken(p, &o->port);
	int r = 0;

	if (p->owner_silent || (o->relay && !taken))
		return;
	if (o->relay) {
		guest_port_close(p->guest, o->relay);
		o->relay = 0;
	}
	r = taken ? -EADDRINUSE : opener_ask(p->opener, &o->port);
	if (r >= 0)
		r = guest_port_open(p->guest, p->process, r, &o->port, &o->relay);
	if (r < 0 && !o->said)
		say_refused(p, &o->port, r);
	o->said = r < 0;
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
	}
	open_one(p, o);
	o->seen = true;
}

/* --- the list --- */

/* Has the guest asked once more after a while. */
static void watch_on(struct ports *p)
{
	if (timer_set(p->timer, PORTS_INTERVAL_MS) < 0)
		guestlog_say(p->log, "vmrunc: network: ports are not watched any more");
}

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
	if (err->errnum == 0)
		watch_on(p);
}

/* The timer: asks the guest. */
static void ask(void *arg)
{
	struct ports *p = arg;
	struct err ignored = ERR_INIT; /* the channel is at its end, which is told elsewhere, or full for now */

	find_owner(p);
	if (guest_list_ports(p->guest, p->id, on_list, p, &ignored) < 0)
		watch_on(p);
}

int ports_begin(struct ports *p, struct loop *loop, struct guest *guest, struct guestlog *log, uint32_t process)
{
	int r;

	p->loop = loop;
	p->guest = guest;
	p->log = log;
	p->process = process;
	r = p->owner_watch ? 0 : watch_owner(p);
	return r < 0 ? r : timer_new(loop, PORTS_INTERVAL_MS, ask, p, &p->timer);
}
