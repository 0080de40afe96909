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
#include "channel/pump.h"
#include "sys/log.h"
#include "sys/sandbox.h"

#define RELAY_BACKLOG 128
/* The name that a socket is bound to before it gets its own: addresses are short, names need not be. */
#define RELAY_BIRTH_NAME "s"
#define RELAY_PATH_MAX 1024

struct relay {
	LIST_ENTRY(relay) link;
	struct agent *agent;
	struct container *container;
	uint32_t id;
	int fd;
	struct watch *watch;
	char path[RELAY_PATH_MAX]; /* of the socket; "": not made */
};

/* A connection; see the drawing. It is freed when LINK has come and both its streams have ended. */
struct link {
	LIST_ENTRY(link) link;
	struct agent *agent;
	struct container *container;
	uint32_t token;
	int fd; /* until LINK comes; then the pumps have it */
	struct sink *in;
	struct source *out;
};

/* --- links --- */

/* Lets the relays accept, or has them wait, as the number of links says. */
static void relay_balance(struct agent *agent)
{
	uint32_t events = agent->links_len < PROTO_LINKS_MAX ? EPOLLIN : 0;
	struct relay *r;

	LIST_FOREACH (r, &agent->relays, link) {
		if (watch_set_events(r->watch, events) < 0)
			log_write(agent, PROTO_LOG_WARN, "a relay cannot be watched");
	}
}

static void link_free(struct link *l)
{
	struct agent *agent = l->agent;

	sink_free(l->in);
	source_free(l->out);
	fd_close(l->fd);
	LIST_REMOVE(l, link);
	free(l);
	agent->links_len--;
	relay_balance(agent);
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

/* Opens the streams of a link that is not there any more, and ends them: the monitor has opened its ends. */
static void link_decline(struct agent *agent, const struct proto_link *msg)
{
	struct link none = { .agent = agent, .fd = -1 };

	if (sink_new(agent->loop, agent->mux, msg->to_guest, -1, PUMP_CONN, link_on_in_end, &none, &none.in) == 0)
		sink_free(none.in);
	if (source_new(agent->loop, agent->mux, msg->to_host, -1, PUMP_CONN, link_on_out_end, &none, &none.out) == 0)
		source_free(none.out);
}

/* Gives the connection to its two streams. 0 or -errno; then those that were opened are @l's all the same. */
static int link_open(struct link *l, const struct proto_link *msg)
{
	struct agent *agent = l->agent;
	int fd = steal_fd(&l->fd);
	int other = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int r = other < 0 ? -errno : 0;
	int in = sink_new(agent->loop, agent->mux, msg->to_guest, fd, PUMP_CONN, link_on_in_end, l, &l->in);
	int out = source_new(agent->loop, agent->mux, msg->to_host, other, PUMP_CONN, link_on_out_end, l, &l->out);

	return r < 0 ? r : in < 0 ? in : out;
}

void relay_link(struct agent *agent, const struct proto_link *msg)
{
	struct link *l = link_find(agent, msg->token);

	if (msg->errnum == 0 && !l)
		link_decline(agent, msg);
	else if (l && (msg->errnum || link_open(l, msg) < 0))
		link_free(l);
}

/* --- relays --- */

/* Accepts one connection and has it dialled. False if none waits, or no more may be taken. */
static bool relay_accept(struct relay *r)
{
	struct agent *agent = r->agent;
	struct link *l;
	int fd;

	if (agent->links_len >= PROTO_LINKS_MAX)
		return false;
	fd = accept4(r->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	l = calloc(1, sizeof(*l));
	if (!l) {
		fd_close(fd);
		return true;
	}
	*l = (struct link){ .agent = agent, .container = r->container, .token = ++agent->last_token, .fd = fd };
	LIST_INSERT_HEAD(&agent->links, l, link);
	agent->links_len++;
	if (link_dial(l, r->id) < 0)
		link_free(l);
	else if (agent->links_len == PROTO_LINKS_MAX)
		relay_balance(agent);
	return true;
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

/* Makes the socket of @r and listens on it. 0 or -errno. */
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
	if (e == 0 && listen(r->fd, RELAY_BACKLOG) < 0)
		e = -errno;
	return e < 0 ? e : watch_new(agent->loop, r->fd, EPOLLIN, relay_on_connection, r, &r->watch);
}

int relay_begin(struct agent *agent, struct container *k, const struct guest_relays *relays, struct err *err)
{
	for (uint32_t i = 0; i < relays->len; i++) {
		const struct guest_relay *from = &relays->at[i];
		struct relay *r = calloc(1, sizeof(*r));
		int e;

		if (!r)
			return err_set(err, ENOMEM, "no memory for a relay");
		*r = (struct relay){ .agent = agent, .container = k, .id = from->id, .fd = -1 };
		LIST_INSERT_HEAD(&agent->relays, r, link);
		/* the name is an export's, of at most some 640 bytes, and shares is short */
		(void)snprintf(r->path, sizeof(r->path), "%s/" SANDBOX_RELAYS "/%s", agent->shares, from->name);
		e = relay_listen(r, from);
		if (e < 0)
			return err_sys(err, e, "cannot listen in the place of the socket \"%s\"", from->name);
	}
	return 0;
}

void relay_finish(struct agent *agent, struct container *k)
{
	struct relay *r;

	LIST_FOREACH (r, &agent->relays, link) {
		if (r->container == k)
			relay_on_connection(r, EPOLLIN);
	}
}

static void relay_free(struct relay *r)
{
	watch_free(r->watch);
	fd_close(r->fd);
	LIST_REMOVE(r, link);
	/* its directory is its own; that of the container goes with the last relay */
	(void)unlink(r->path);
	for (int i = 0; i < 2; i++) {
		*strrchr(r->path, '/') = '\0';
		(void)rmdir(r->path);
	}
	free(r);
}

void relay_end(struct agent *agent, struct container *k)
{
	struct relay *r, *next;
	struct link *l, *after;

	for (r = LIST_FIRST(&agent->relays); r; r = next) {
		next = LIST_NEXT(r, link);
		if (r->container == k)
			relay_free(r);
	}
	for (l = LIST_FIRST(&agent->links); l; l = after) {
		after = LIST_NEXT(l, link);
		if (l->container == k)
			link_free(l);
	}
}
