/* SPDX-License-Identifier: Apache-2.0 */
/* Relays: see relay.h. */
#include "init/relay.h"

#include <errno.h>
#include <fcntl.h>
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
#include "channel/pump.h"
#include "channel/records.h"
#include "init/place.h"
#include "sys/log.h"
#include "sys/sandbox.h"

#define RELAY_BACKLOG 128
/* The name that a socket is bound to before it gets its own: addresses are short, names need not be. */
#define RELAY_BIRTH_NAME "s"
#define RELAY_PATH_MAX 1024
/* A socket whose queue of connections is full is tried again after this time: the kernel tells nobody when there is room. */
#define RELAY_RETRY_MS 20

struct relay {
	LIST_ENTRY(relay) link;
	struct agent *agent;
	uint32_t owner;
	uint32_t id;
	int fd;                        /* -1: the process has the socket, and the host's connections come to it */
	struct watch *watch;           /* NULL: likewise, or it is a datagram socket */
	struct record_source *records; /* of a datagram socket; NULL: over, or it is none */
	bool inet;                     /* a socket of relay_listen_inet()'s */
	char path[RELAY_PATH_MAX];     /* of the socket; "": of the process's, or of inet */
};

/* A connection; see the drawing. It is freed when LINK has come and its streams have ended. */
struct link {
	LIST_ENTRY(link) link;
	struct agent *agent;
	uint32_t owner;
	uint32_t token;               /* of a connection that was dialled; 0: it is the host's */
	uint32_t relay;               /* of one of the host's that is not connected yet; else 0 */
	int fd;                       /* until LINK comes; then the pumps have it */
	struct watch *retry;          /* the timer of the next attempt to connect; may be NULL */
	struct guest_blob addr, peer; /* of such a connection; owned */
	struct sink *in;
	struct source *out;
	struct packets *packets; /* instead of both, of a descriptor that keeps messages apart */
};

/* --- links --- */

/* Lets the relays accept, or has them wait, as the number of links says. */
static void relay_balance(struct agent *agent)
{
	uint32_t events = agent->links_len < PROTO_LINKS_MAX ? EPOLLIN : 0;
	struct relay *r;

	LIST_FOREACH (r, &agent->relays, link) {
		if (r->watch && watch_set_events(r->watch, events) < 0)
			log_write(agent, PROTO_LOG_WARN, "a relay cannot be watched");
	}
}

/* Ends the streams of a link that have not ended, and forgets it; another may be accepted then. */
static void link_free(struct link *l)
{
	struct agent *agent = l->agent;
	bool dialled = l->token != 0;

	watch_free(l->retry);
	free((void *)(uintptr_t)l->addr.at);
	free((void *)(uintptr_t)l->peer.at);
	sink_free(l->in);
	source_free(l->out);
	packets_free(l->packets);
	fd_close(l->fd);
	LIST_REMOVE(l, link);
	free(l);
	if (!dialled)
		return;
	agent->links_len--;
	relay_balance(agent);
}

/* A link of process @owner, or NULL without memory. */
static struct link *link_new(struct agent *agent, uint32_t owner)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct link){ .agent = agent, .owner = owner, .fd = -1 };
	LIST_INSERT_HEAD(&agent->links, l, link);
	return l;
}

static void link_on_in_end(void *arg, int error unused)
{
	struct link *l = arg;

	l->in = NULL;
	if (!l->out)
		link_free(l);
}

static void link_on_out_end(void *arg, int error unused)
{
	struct link *l = arg;

	l->out = NULL;
	if (!l->in)
		link_free(l);
}

static void link_on_packets_end(void *arg)
{
	struct link *l = arg;

	if (packets_over(l->packets))
		link_free(l);
}

/* Tells the monitor of a new connection, which @l stands for. 0 or -errno. */
static int link_dial(const struct link *l, uint32_t relay)
{
	struct proto_dial dial = { .relay = relay, .token = l->token };
	autobuf out = BUF_INIT;

	proto_put_dial(&out, &dial);
	return buf_error(&out) < 0 ? buf_error(&out) : mux_send(l->agent->mux, out.data, out.len);
}

static struct link *link_find(struct agent *agent, uint32_t token)
{
	struct link *l;

	LIST_FOREACH (l, &agent->links, link) {
		if (l->token == token && l->fd >= 0)
			return l;
	}
	return NULL;
}

/*
 * Opens the streams that the monitor has opened its ends of, @to_guest and @to_host (0: none), and joins them to @fd (then
 * the streams', or closed; -1: it comes later, or never). 0 or -errno; then those that were opened are @l's all the same.
 */
static int link_open(struct link *l, uint32_t to_guest, uint32_t to_host, int fd, enum pump_kind kind)
{
	struct agent *agent = l->agent;
	int other = fd >= 0 && to_guest && to_host ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : fd;
	int r = fd >= 0 && other < 0 ? -errno : 0, in = 0, out = 0;

	if (to_guest)
		in = sink_new(agent->loop, agent->mux, to_guest, fd, kind, link_on_in_end, l, &l->in);
	if (to_host)
		out = source_new(agent->loop, agent->mux, to_host, other, kind, link_on_out_end, l, &l->out);
	if (!to_guest && !to_host)
		fd_close(fd);
	return r < 0 ? r : in < 0 ? in : out;
}

/* Opens the streams of a link that cannot be, and ends them. */
static void link_decline(struct agent *agent, uint32_t to_guest, uint32_t to_host)
{
	struct link none = { .agent = agent, .fd = -1 };

	(void)link_open(&none, to_guest, to_host, -1, PUMP_CONN);
	sink_free(none.in);
	source_free(none.out);
}

/* --- connections of the host --- */

static int blob_copy(const struct guest_blob *from, struct guest_blob *to)
{
	void *copy = malloc(from->len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, from->len ? from->at : "", from->len);
	*to = (struct guest_blob){ .len = from->len, .at = copy };
	return 0;
}

/* Connects @l, whose streams are open, to the process's socket; frees it if that fails. */
static void link_connect(void *arg)
{
	struct link *l = arg;
	int fd = place_connect(l->agent, l->relay, &l->addr, &l->peer);
	int other = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int r = fd < 0 ? fd : other < 0 ? -EMFILE : 0;

	if (fd == -EAGAIN && timer_set(l->retry, RELAY_RETRY_MS) == 0)
		return;
	if (r == 0 && l->out)
		r = source_attach(l->out, steal_fd(&other), PUMP_CONN);
	if (r == 0 && l->in) /* this comes last: it may end the link */
		r = sink_attach(l->in, steal_fd(&fd), PUMP_CONN);
	fd_close(fd);
	fd_close(other);
	if (r < 0)
		link_free(l);
}

/* LINK of a connection to a listening descriptor of the host. */
static void link_arrive(struct agent *agent, const struct proto_link *msg)
{
	struct relay *r;
	struct link *l;

	LIST_FOREACH (r, &agent->relays, link) {
		if (r->id == msg->relay)
			break;
	}
	l = r ? link_new(agent, r->owner) : NULL;
	if (!l) {
		link_decline(agent, msg->to_guest, msg->to_host);
		return;
	}
	l->relay = msg->relay;
	if (link_open(l, msg->to_guest, msg->to_host, -1, PUMP_CONN) < 0 || blob_copy(&msg->addr, &l->addr) < 0 ||
		blob_copy(&msg->peer, &l->peer) < 0 || timer_new(agent->loop, 0, link_connect, l, &l->retry) < 0)
		link_free(l);
	else
		link_connect(l);
}

void relay_link(struct agent *agent, const struct proto_link *msg)
{
	struct link *l = msg->token ? link_find(agent, msg->token) : NULL;

	if (msg->relay)
		link_arrive(agent, msg);
	else if (msg->errnum == 0 && !l)
		link_decline(agent, msg->to_guest, msg->to_host);
	else if (l && (msg->errnum || link_open(l, msg->to_guest, msg->to_host, steal_fd(&l->fd), PUMP_CONN) < 0))
		link_free(l);
}

void relay_join(struct agent *agent, uint32_t owner, const struct proto_link *msg, int fd)
{
	struct link *l = fd >= 0 ? link_new(agent, owner) : NULL;

	if (!l) {
		fd_close(fd);
		link_decline(agent, msg->to_guest, msg->to_host);
	} else if (link_open(l, msg->to_guest, msg->to_host, fd, PUMP_CONN) < 0) {
		link_free(l);
	}
}

/* --- descriptors --- */

int relay_attach(struct agent *agent, uint32_t owner, const struct guest_fd *fd, int ours)
{
	bool packets;
	struct link *l;
	struct relay *r;
	int e;

	if (fd->kind == GUEST_FD_LISTENER) {
		r = calloc(1, sizeof(*r));
		if (!r)
			return -ENOMEM;
		*r = (struct relay){ .agent = agent, .owner = owner, .id = fd->relay, .fd = -1 };
		LIST_INSERT_HEAD(&agent->relays, r, link);
		return 0;
	}
	if (!fd->to_guest && !fd->to_host)
		return 0;
	packets = fd->kind == GUEST_FD_DGRAM || fd->kind == GUEST_FD_PACKETS;
	l = packets && ours < 0 ? NULL : link_new(agent, owner);
	if (!l) {
		fd_close(ours);
		link_decline(agent, fd->to_guest, fd->to_host);
		return -ENOMEM;
	}
	if (packets)
		e = packets_new(agent->loop, agent->mux, fd->to_host, fd->to_guest, ours,
			fd->kind == GUEST_FD_DGRAM ? SOCK_DGRAM : SOCK_SEQPACKET, link_on_packets_end, l, &l->packets);
	else
		e = link_open(
			l, fd->to_guest, fd->to_host, ours, fd->kind == GUEST_FD_CONN ? PUMP_CONN : PUMP_NONBLOCK);
	if (e < 0)
		link_free(l);
	return e;
}

/* --- relays --- */

int relay_dial(struct agent *agent, uint32_t owner, uint32_t relay, int fd)
{
	struct link *l = agent->links_len < PROTO_LINKS_MAX ? link_new(agent, owner) : NULL;
	int r;

	if (!l) {
		fd_close(fd);
		return -EAGAIN;
	}
	l->token = ++agent->last_token;
	l->fd = fd;
	agent->links_len++;
	r = link_dial(l, relay);
	if (r < 0)
		link_free(l);
	else if (agent->links_len == PROTO_LINKS_MAX)
		relay_balance(agent);
	return r;
}

/* Accepts one connection and has it dialled. False if none waits, or no more may be taken. */
static bool relay_accept(struct relay *r)
{
	int fd;

	if (r->agent->links_len >= PROTO_LINKS_MAX)
		return false;
	fd = accept4(r->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		(void)!relay_dial(r->agent, r->owner, r->id, fd); /* or it is closed */
	return fd >= 0;
}

static void relay_on_connection(void *arg, uint32_t events unused)
{
	while (relay_accept(arg))
		;
}

/* Makes the directory of the relay's socket, with those above it. Returns an O_PATH descriptor, or -errno. */
static int relay_make_dir(char *path)
{
	char *end = strrchr(path, '/');
	int fd;

	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST) {
			*p = '/';
			return -errno;
		}
		*p = '/';
	}
	*end = '\0';
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*end = '/';
	return fd < 0 ? -errno : fd;
}

/* Binds the socket, which is made in @dir as what @from describes. 0 or -errno. */
static int relay_bind(struct relay *r, int dir, const struct guest_relay *from)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *name = strrchr(r->path, '/') + 1;

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/" RELAY_BIRTH_NAME, dir); /* fits */
	if (bind(r->fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
		fchownat(dir, RELAY_BIRTH_NAME, from->uid, from->gid, 0) < 0 ||
		fchmodat(dir, RELAY_BIRTH_NAME, from->mode & 07777, 0) < 0 ||
		renameat(dir, RELAY_BIRTH_NAME, dir, name) < 0)
		return -errno;
	return 0;
}

static void relay_on_records_end(void *arg, int error unused)
{
	struct relay *r = arg;

	r->records = NULL;
}

/* Opens the stream of a datagram socket's records. 0 or -errno. */
static int relay_read(struct relay *r, const struct guest_relay *from)
{
	int own = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);

	if (own < 0)
		return -errno;
	return record_source_new(
		r->agent->loop, r->agent->mux, from->to_host, own, false, relay_on_records_end, r, &r->records);
}

/* Makes the socket of @r and listens on it, or reads it. 0 or -errno. */
static int relay_listen(struct relay *r, const struct guest_relay *from)
{
	struct agent *agent = r->agent;
	autoclose int dir = relay_make_dir(r->path);
	int e;

	if (dir < 0)
		return dir;
	r->fd = socket(AF_UNIX, (int)from->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0)
		return -errno;
	e = relay_bind(r, dir, from);
	if (e < 0)
		return e;
	if (from->type == SOCK_DGRAM)
		return relay_read(r, from);
	if (listen(r->fd, RELAY_BACKLOG) < 0)
		return -errno;
	return watch_new(agent->loop, r->fd, EPOLLIN, relay_on_connection, r, &r->watch);
}

int relay_listen_inet(struct agent *agent, uint32_t owner, uint32_t id, int fd)
{
	struct relay *r = calloc(1, sizeof(*r));
	int e;

	if (!r) {
		fd_close(fd);
		return -ENOMEM;
	}
	*r = (struct relay){ .agent = agent, .owner = owner, .id = id, .fd = fd, .inet = true };
	LIST_INSERT_HEAD(&agent->relays, r, link);
	e = listen(fd, RELAY_BACKLOG) < 0 ? -errno : 0;
	if (e == 0)
		e = watch_new(agent->loop, fd, EPOLLIN, relay_on_connection, r, &r->watch);
	if (e < 0)
		relay_close_inet(agent, id);
	return e;
}

int relay_begin(struct agent *agent, uint32_t owner, const struct guest_relays *relays, struct err *err)
{
	for (uint32_t i = 0; i < relays->len; i++) {
		const struct guest_relay *from = &relays->at[i];
		struct relay *r = calloc(1, sizeof(*r));
		int e;

		if (!r)
			return err_set(err, ENOMEM, "no memory for a relay");
		*r = (struct relay){ .agent = agent, .owner = owner, .id = from->id, .fd = -1 };
		LIST_INSERT_HEAD(&agent->relays, r, link);
		/* the name is an export's, of at most some 640 bytes, and shares is short */
		(void)snprintf(r->path, sizeof(r->path), "%s/" SANDBOX_RELAYS "/%s", agent->shares, from->name);
		e = relay_listen(r, from);
		if (e < 0)
			return err_sys(err, e, "cannot listen in the place of the socket \"%s\"", from->name);
	}
	return 0;
}

void relay_finish(struct agent *agent, uint32_t owner)
{
	struct relay *r;
	struct link *l;

	LIST_FOREACH (r, &agent->relays, link) {
		if (r->owner == owner && r->watch)
			relay_on_connection(r, EPOLLIN);
		if (r->owner == owner && r->records)
			record_source_finish(r->records);
	}
	LIST_FOREACH (l, &agent->links, link) {
		if (l->owner == owner && l->out)
			source_finish(l->out);
		if (l->owner == owner && l->packets)
			packets_finish(l->packets);
	}
}

/* Closes a relay's socket, and removes it with the directories that are its own. */
static void relay_free(struct relay *r)
{
	watch_free(r->watch);
	record_source_free(r->records);
	fd_close(r->fd);
	LIST_REMOVE(r, link);
	/* its directory is its own; that of the container goes with the last relay */
	if (!*r->path && !r->inet)
		place_forget(r->agent, r->id);
	else if (*r->path)
		(void)unlink(r->path);
	for (int i = 0; i < 2 && *r->path; i++) {
		*strrchr(r->path, '/') = '\0';
		(void)rmdir(r->path);
	}
	free(r);
}

void relay_close_inet(struct agent *agent, uint32_t id)
{
	struct relay *r;

	LIST_FOREACH (r, &agent->relays, link) {
		if (r->id == id && r->inet) {
			relay_free(r);
			return;
		}
	}
}

void relay_end(struct agent *agent, uint32_t owner)
{
	struct relay *r, *next;
	struct link *l, *after;

	for (r = LIST_FIRST(&agent->relays); r; r = next) {
		next = LIST_NEXT(r, link);
		if (r->owner == owner)
			relay_free(r);
	}
	for (l = LIST_FIRST(&agent->links); l; l = after) {
		after = LIST_NEXT(l, link);
		if (l->owner == owner)
			link_free(l);
	}
}
