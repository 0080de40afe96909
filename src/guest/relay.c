/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of relays: connections of the guest to sockets of the host. agent/init/relay.h has the drawing.
 *
 * The guest names a relay by its number, which the host gave it; what that number stands for was decided before the
 * guest ran, and it never gives a path. A connection (`conn`) has two streams, each with a descriptor of the socket, and
 * is freed when both have ended. One whose socket has a full queue of connections waits for its turn, as connect(2)
 * would, and has no streams yet.
 */
#include "guest/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "channel/packets.h"
#include "channel/records.h"
#include "guest/stdio.h"

/* Connections that may be open at a time: more than an honest agent opens, which sees the end of some earlier. */
#define RELAY_CONNS_MAX (2 * PROTO_LINKS_MAX)
/* A socket whose queue is full is tried again after this time: the kernel tells nobody when there is room. */
#define RELAY_RETRY_MS 20

struct relay {
	LIST_ENTRY(relay) link;
	struct guest *g;
	uint32_t id;
	uint32_t owner; /* the first process of its container, or the one that has the descriptor; 0: not made yet */
	int fd;         /* an O_PATH descriptor of the socket, borrowed; or the listening socket */
	bool listening; /* the latter, which is owned */
	struct watch *watch; /* of that one; or of @sock while it takes nothing */
	const char *entry; /* @fd is a directory, and this the socket's name in it; NULL: it is the socket; borrowed */
	int sock;          /* DGRAM: connected to the host's; -1: not yet, or not any more */
	struct record_sink *records; /* DGRAM: what the guest sends; NULL: nothing any more */
	int type;
	struct sockaddr_in inet;        /* of TCP, where it stands for no unix socket; else its family is 0 */
	struct sockaddr_storage target; /* of a port: where the container listens */
	socklen_t target_len;           /* 0: it is none */
};

struct relay_conn {
	LIST_ENTRY(relay_conn) link;
	struct guest *g;
	uint32_t owner;
	bool patient; /* the owner's exit waits for the reader of @out without a bound, as for one of standard output */
	const struct relay *relay; /* of a connection that was dialled; else NULL */
	uint32_t token;            /* of the same */
	struct source *in;         /* from the host's socket to the guest */
	struct sink *out;
	struct packets *packets; /* instead of both, of a descriptor that keeps messages apart */
	struct watch *retry;     /* the timer of the next attempt to connect; NULL: it is connected */
};

int guest_relay_new(struct guest *g, int fd, const char *entry, int type, uint32_t *ret_id)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*r = (struct relay){ .g = g, .id = ++g->next_relay, .fd = fd, .entry = entry, .sock = -1, .type = type };
	LIST_INSERT_HEAD(&g->relays, r, link);
	*ret_id = r->id;
	return 0;
}

int guest_relay_inet(struct guest *g, uint32_t process, const struct sockaddr_in *to, uint32_t *ret_id)
{
	int r = guest_relay_new(g, -1, NULL, SOCK_STREAM, ret_id);

	if (r < 0)
		return r;
	LIST_FIRST(&g->relays)->owner = process;
	LIST_FIRST(&g->relays)->inet = *to;
	return 0;
}

static struct relay *relay_find(struct guest *g, uint32_t id)
{
	struct relay *r;

	LIST_FOREACH (r, &g->relays, link) {
		if (r->id == id)
			return r;
	}
	return NULL;
}

/* --- the host's sockets --- */

/* Connects a new socket to the TCP address of @r; that it goes on is seen by whoever reads or writes. As relay_connect(). */
static int relay_connect_inet(const struct relay *r)
{
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&r->inet, sizeof(r->inet)) < 0 && errno != EINPROGRESS)
		return errno == EAGAIN ? -ECONNREFUSED : -errno;
	return steal_fd(&fd);
}

/*
 * Connects a new socket to that of @r: the descriptor, -EAGAIN if its queue is full, or another -errno.
 *
 * GUEST: connect(2) takes a path only, and none that the guest could make lead elsewhere may be used: so this is that of
 * the descriptor in the monitor's own /proc/self/fd, relative to a descriptor of it.
 */
static int relay_connect(const struct guest *g, const struct relay *r)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	autoclose int dir = g->proc_fd >= 0 ? fcntl(g->proc_fd, F_DUPFD_CLOEXEC, 3)
					    : open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int at = -1, fd = -1;
	struct stat st;

	if (r->inet.sin_family)
		return relay_connect_inet(r);
	/* The working directory is the loop's alone: threads that serve files have one each (fs_thread_init()). */
	if (dir < 0 || fchdir(dir) < 0)
		return -errno;
	/* GUEST: a file of a volume may have become anything, such as a symbolic link, which is not followed */
	if (r->entry) {
		at = openat(r->fd, r->entry, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (at < 0 || fstat(at, &st) < 0 || !S_ISSOCK(st.st_mode))
			return -ECONNREFUSED;
	}
	fd = socket(AF_UNIX, r->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%d", r->entry ? at : r->fd); /* fits */
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* --- datagrams --- */

static void relay_on_room(void *arg, uint32_t events unused)
{
	struct relay *r = arg;

	watch_free(r->watch);
	r->watch = NULL;
	if (r->records)
		record_sink_resume(r->records);
}

/* Lets go of the host's socket, and does not wait for it any more. */
static void relay_disconnect(struct relay *r)
{
	watch_free(r->watch); /* before its descriptor may be another's */
	r->watch = NULL;
	fd_close(steal_fd(&r->sock));
}

/*
 * As record_fn: sends one datagram to the host's socket. One that nobody can get any more is lost, as its sender has gone
 * on; a socket that has been replaced in its directory is found anew.
 */
static int relay_on_record(void *arg, const void *data, size_t len)
{
	struct relay *r = arg;

	for (int i = 0; i < 2; i++) {
		if (r->sock < 0)
			r->sock = relay_connect(r->g, r);
		if (r->sock < 0) {
			r->sock = -1;
			return 0;
		}
		if (send(r->sock, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EMSGSIZE)
			return 0;
		if (errno == EAGAIN &&
			(r->watch || watch_new(r->g->loop, r->sock, EPOLLOUT, relay_on_room, r, &r->watch) == 0))
			return -EAGAIN;
		relay_disconnect(r);
	}
	return 0;
}

/* The guest sends nothing more: the exit of the container's process may wait for that. */
static void relay_on_records_end(void *arg, int error unused)
{
	struct relay *r = arg;

	r->records = NULL;
	r->g->on_drained(r->g, r->owner);
}

int relay_own(struct guest *g, struct guest_relays *relays, uint32_t owner, struct err *err)
{
	for (uint32_t i = 0; i < relays->len; i++) {
		struct relay *r = relay_find(g, relays->at[i].id);
		int e = 0;

		if (!r || r->owner || r->listening)
			return err_set(err, EINVAL, "relay \"%s\" has no socket", relays->at[i].name);
		r->owner = owner;
		if (r->type == SOCK_DGRAM) {
			relays->at[i].to_host = ++g->next_stream;
			e = record_sink_new(
				g->mux, relays->at[i].to_host, relay_on_record, relay_on_records_end, r, &r->records);
		}
		if (e < 0)
			return err_sys(err, e, "cannot open a stream to the guest");
	}
	return 0;
}

/* --- connections --- */

static void relay_balance(struct guest *g);

static void conn_free(struct relay_conn *c)
{
	struct guest *g = c->g;

	watch_free(c->retry);
	source_free(c->in);
	sink_free(c->out);
	packets_free(c->packets);
	LIST_REMOVE(c, link);
	free(c);
	g->conns_len--;
	relay_balance(g);
}

/* A connection of process @owner, or NULL without memory. */
static struct relay_conn *conn_new(struct guest *g, uint32_t owner)
{
	struct relay_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct relay_conn){ .g = g, .owner = owner };
	LIST_INSERT_HEAD(&g->conns, c, link);
	g->conns_len++;
	return c;
}

static void conn_on_in_end(void *arg, int error unused)
{
	struct relay_conn *c = arg;

	c->in = NULL;
	if (!c->out)
		conn_free(c);
}

/* What the guest has sent is with the host's peer, or lost: the exit of the container's process may wait for it. */
static void conn_on_out_end(void *arg, int error unused)
{
	struct relay_conn *c = arg;
	uint32_t owner = c->owner;
	struct guest *g = c->g;

	c->out = NULL;
	if (!c->in)
		conn_free(c);
	g->on_drained(g, owner);
}

/* A direction of such a descriptor has ended. */
static void conn_on_packets_end(void *arg)
{
	struct relay_conn *c = arg;
	uint32_t owner = c->owner;
	struct guest *g = c->g;

	if (packets_over(c->packets))
		conn_free(c);
	g->on_drained(g, owner);
}

/* Answers DIAL. 0 or -errno, which closes the channel. */
static int conn_answer(struct guest *g, const struct proto_link *msg)
{
	autobuf out = BUF_INIT;
	int r;

	proto_put_link(&out, msg);
	r = buf_error(&out) < 0 ? buf_error(&out) : mux_send(g->mux, out.data, out.len);
	/* GUEST: one that dials and does not read gets no answer for which there is no room */
	return r == -ENOBUFS ? 0 : r;
}

/* The host's socket cannot be reached, or no more connections are possible. 0 or -errno, which closes the channel. */
static int conn_refuse(struct guest *g, uint32_t token, int error)
{
	const struct proto_link msg = { .token = token, .errnum = (uint32_t)-error };

	return conn_answer(g, &msg);
}

/* Opens the streams of @c for the connected socket @fd (then the streams'), and names them. 0 or -errno. */
static int conn_open(struct relay_conn *c, int fd, uint32_t *ret_to_guest, uint32_t *ret_to_host)
{
	struct guest *g = c->g;
	int other = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int r = other < 0 ? -errno : 0;

	if (r < 0) {
		fd_close(fd);
		return r;
	}
	*ret_to_guest = ++g->next_stream;
	*ret_to_host = ++g->next_stream;
	r = source_new(g->loop, g->mux, *ret_to_guest, fd, PUMP_CONN, conn_on_in_end, c, &c->in);
	if (r < 0) {
		fd_close(other);
		return r;
	}
	return sink_new(g->loop, g->mux, *ret_to_host, other, PUMP_CONN, conn_on_out_end, c, &c->out);
}

/* Tries to connect @c, and frees it if that fails. 0 or -errno, which closes the channel. */
static int conn_try(struct relay_conn *c)
{
	struct proto_link msg = { .token = c->token };
	struct guest *g = c->g;
	int fd = relay_connect(g, c->relay), r;

	if (fd == -EAGAIN)
		return timer_set(c->retry, RELAY_RETRY_MS);
	watch_free(c->retry);
	c->retry = NULL;
	r = fd < 0 ? fd : conn_open(c, fd, &msg.to_guest, &msg.to_host);
	if (r == 0)
		return conn_answer(g, &msg);
	conn_free(c);
	return conn_refuse(g, msg.token, r);
}

static void conn_on_retry(void *arg)
{
	struct relay_conn *c = arg;

	(void)conn_try(c); /* without memory for the answer, the guest's connection waits for ever */
}

int relay_take_dial(struct guest *g, const void *msg, size_t len)
{
	struct proto_dial dial;
	struct relay_conn *c;
	struct relay *relay;
	int r;

	/* GUEST: a relay of a container that is there, and not more connections than are possible */
	if (proto_get_dial(msg, len, &dial) < 0)
		return -EPROTO;
	relay = relay_find(g, dial.relay);
	if (!relay || !relay->owner || relay->type != SOCK_STREAM || relay->listening)
		return conn_refuse(g, dial.token, -ECONNREFUSED);
	if (g->conns_len >= RELAY_CONNS_MAX)
		return conn_refuse(g, dial.token, -EMFILE);
	c = conn_new(g, relay->owner);
	if (!c)
		return conn_refuse(g, dial.token, -ENOMEM);
	c->relay = relay;
	c->token = dial.token;
	r = timer_new(g->loop, 0, conn_on_retry, c, &c->retry);
	if (r < 0) {
		conn_free(c);
		return conn_refuse(g, dial.token, r);
	}
	return conn_try(c);
}

/* --- descriptors that a process is given --- */

/* Whether a connection waits in the listening socket of @r: others may accept it as well. */
static bool relay_has_connection(const struct relay *r)
{
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* Accepts one connection for the guest. False if none waits, or no more can be taken. */
static bool relay_accept(struct relay *r)
{
	struct sockaddr_storage addr, peer;
	socklen_t addr_len = sizeof(addr), peer_len = sizeof(peer);
	struct proto_link msg = { .relay = r->id };
	struct guest *g = r->g;
	struct relay_conn *c;
	int fd;

	if (g->conns_len >= PROTO_LINKS_MAX || !relay_has_connection(r))
		return false;
	fd = accept4(r->fd, (struct sockaddr *)&peer, &peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	if (getsockname(fd, (struct sockaddr *)&addr, &addr_len) < 0)
		addr_len = 0;
	msg.addr = (struct guest_blob){ .len = MIN(addr_len, (socklen_t)sizeof(addr)), .at = &addr };
	if (r->target_len) {
		msg.relay = PROTO_RELAY_PORT;
		msg.addr = (struct guest_blob){ .len = r->target_len, .at = &r->target };
	}
	msg.peer = (struct guest_blob){ .len = MIN(peer_len, (socklen_t)sizeof(peer)), .at = &peer };
	c = conn_new(g, r->owner);
	if (!c)
		fd_close(fd);
	else if (conn_open(c, fd, &msg.to_guest, &msg.to_host) < 0 || conn_answer(g, &msg) < 0)
		conn_free(c); /* what has been opened is reset */
	return true;
}

static void relay_on_connection(void *arg, uint32_t events unused)
{
	struct relay *r = arg;

	while (relay_accept(r))
		;
	relay_balance(r->g);
}

/* Lets the listening sockets be accepted from, or wait, as the number of connections says. */
static void relay_balance(struct guest *g)
{
	uint32_t events = g->conns_len < PROTO_LINKS_MAX ? EPOLLIN : 0;
	struct relay *r;

	LIST_FOREACH (r, &g->relays, link) {
		if (r->listening && r->watch && watch_set_events(r->watch, events) < 0) {
			watch_free(r->watch); /* it is not watched any more: nothing else can be done with it */
			r->watch = NULL;
		}
	}
}

/* The listening socket @fd: its connections are the guest's from now on. 0 or -errno. */
static int relay_listen(struct guest *g, uint32_t owner, struct guest_fd *fd)
{
	int own = fcntl(fd->fd, F_DUPFD_CLOEXEC, 3);
	struct relay *r;
	int e;

	if (own < 0)
		return -errno;
	e = guest_relay_new(g, own, NULL, SOCK_STREAM, &fd->relay);
	if (e < 0) {
		fd_close(own);
		return e;
	}
	r = relay_find(g, fd->relay);
	r->listening = true;
	r->owner = owner;
	return watch_new(g->loop, own, EPOLLIN, relay_on_connection, r, &r->watch);
}

/* --- ports --- */

/* Where the agent connects to: the socket's address, or, if it listens on all, the loopback interface's. */
static void relay_target(struct relay *r, const struct proto_port *port)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port->port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port->port) };

	memset(&r->target, 0, sizeof(r->target));
	if (port->version == 4) {
		memcpy(&four.sin_addr, port->addr, sizeof(four.sin_addr));
		if (four.sin_addr.s_addr == htonl(INADDR_ANY))
			four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		memcpy(&r->target, &four, sizeof(four));
		r->target_len = sizeof(four);
	} else {
		memcpy(&six.sin6_addr, port->addr, sizeof(six.sin6_addr));
		if (IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr))
			six.sin6_addr = in6addr_loopback;
		memcpy(&r->target, &six, sizeof(six));
		r->target_len = sizeof(six);
	}
}

int guest_port_open(struct guest *g, uint32_t process, int fd, const struct proto_port *port, uint32_t *ret_id)
{
	struct relay *r;
	uint32_t id;
	int e = guest_relay_new(g, fd, NULL, SOCK_STREAM, &id);

	if (e < 0) {
		fd_close(fd);
		return e;
	}
	r = relay_find(g, id);
	r->listening = true;
	r->owner = process;
	relay_target(r, port);
	e = watch_new(g->loop, fd, EPOLLIN, relay_on_connection, r, &r->watch);
	if (e < 0) {
		guest_port_close(g, id);
		return e;
	}
	relay_balance(g); /* there may be as many connections already as there can be */
	*ret_id = id;
	return 0;
}

/* A pipe or a file, which the process reads or writes (@out). 0 or -errno. */
static int relay_pipe(struct relay_conn *c, struct guest_fd *fd, bool out)
{
	struct guest *g = c->g;
	enum pump_kind kind;
	int own, r = stdio_open(g->proc_fd, fd->fd, out, &own, &kind);

	if (r < 0)
		return r;
	c->patient = true;
	if (out) {
		fd->to_host = ++g->next_stream;
		return sink_new(g->loop, g->mux, fd->to_host, own, kind, conn_on_out_end, c, &c->out);
	}
	fd->to_guest = ++g->next_stream;
	return source_new(g->loop, g->mux, fd->to_guest, own, kind, conn_on_in_end, c, &c->in);
}

/* A socket that keeps messages apart. 0 or -errno. */
static int relay_packets(struct relay_conn *c, struct guest_fd *fd)
{
	struct guest *g = c->g;
	int own = fcntl(fd->fd, F_DUPFD_CLOEXEC, 3);

	if (own < 0)
		return -errno;
	fd->to_guest = ++g->next_stream;
	fd->to_host = ++g->next_stream;
	return packets_new(g->loop, g->mux, fd->to_guest, fd->to_host, own,
		fd->kind == GUEST_FD_DGRAM ? SOCK_DGRAM : SOCK_SEQPACKET, conn_on_packets_end, c, &c->packets);
}

int relay_give(struct guest *g, uint32_t owner, struct guest_fd *fd)
{
	struct relay_conn *c;
	int own, r;

	fd->to_guest = fd->to_host = fd->relay = 0;
	if (fd->kind == GUEST_FD_NULL)
		return 0;
	if (fd->kind == GUEST_FD_LISTENER)
		return relay_listen(g, owner, fd);
	c = conn_new(g, owner);
	if (!c)
		return -ENOMEM;
	if (fd->kind == GUEST_FD_DGRAM || fd->kind == GUEST_FD_PACKETS) {
		r = relay_packets(c, fd);
	} else if (fd->kind != GUEST_FD_CONN) {
		r = relay_pipe(c, fd, fd->kind == GUEST_FD_OUT);
	} else {
		own = fcntl(fd->fd, F_DUPFD_CLOEXEC, 3);
		r = own < 0 ? -errno : conn_open(c, own, &fd->to_guest, &fd->to_host);
	}
	if (r < 0)
		conn_free(c);
	return r;
}

/* --- the end --- */

enum relay_debt relay_owes(const struct guest *g, uint32_t owner)
{
	enum relay_debt debt = RELAY_OWES_NOTHING;
	const struct relay_conn *c;
	const struct relay *r;

	LIST_FOREACH (r, &g->relays, link) {
		if (r->owner == owner && r->records)
			debt = RELAY_OWES_PEER;
	}

	LIST_FOREACH (c, &g->conns, link) {
		if (c->owner != owner || !(c->out || c->retry || (c->packets && packets_owe(c->packets))))
			continue;
		if (c->patient)
			return RELAY_OWES_READER;
		debt = RELAY_OWES_PEER;
	}
	return debt;
}

static void relay_free(struct relay *r)
{
	LIST_REMOVE(r, link);
	watch_free(r->watch);
	record_sink_free(r->records);
	fd_close(r->sock);
	if (r->listening)
		fd_close(r->fd);
	free(r);
}

void guest_port_close(struct guest *g, uint32_t id)
{
	struct relay *r = relay_find(g, id);

	if (r && r->target_len)
		relay_free(r);
}

void relay_drop(struct guest *g, uint32_t owner)
{
	struct relay *r, *next;
	struct relay_conn *c, *after;

	for (c = LIST_FIRST(&g->conns); c; c = after) {
		after = LIST_NEXT(c, link);
		if (c->owner == owner || owner == 0)
			conn_free(c);
	}
	for (r = LIST_FIRST(&g->relays); r; r = next) {
		next = LIST_NEXT(r, link);
		if (r->owner != owner && owner != 0)
			continue;
		relay_free(r);
	}
}
