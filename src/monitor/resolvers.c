/* SPDX-License-Identifier: Apache-2.0 */
/* Resolvers on a loopback address: see resolvers.h. */
#include "monitor/resolvers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX 8192 /* bytes of it that are read */
#define DNS_PORT 53
/* How long a resolver may take to accept a connection over the loopback interface. */
#define ANSWER_MS 100

/* The bind source that is the container's resolv.conf, or NULL. The last one covers those before it. */
static const struct bind *find_bind(const struct monitor_job *job)
{
	const struct bind *found = NULL;

	for (size_t i = 0; i < job->binds->n; i++) {
		const struct bind *b = &job->binds->v[i];

		if (strcmp(job->spec->mounts.v[b->mount].destination, RESOLV_CONF) == 0)
			found = b;
	}
	return found && !found->dir ? found : NULL;
}

bool resolvers_possible(const struct monitor_job *job)
{
	return (job->own_network || job->usermode) && find_bind(job);
}

int resolvers_open(const struct monitor_job *job, struct resolvers *ret)
{
	const struct bind *b = find_bind(job);

	*ret = (struct resolvers){ .file = -1, .proc_fd = job->vm->proc_fd };
	if (!b || b->jail_fd < 0)
		return 0;
	ret->file = fcntl(b->jail_fd, F_DUPFD_CLOEXEC, 3);
	return ret->file < 0 ? -errno : 0;
}

void resolvers_done(struct resolvers *r)
{
	fd_close(r->file);
	r->file = -1;
}

/* --- resolv.conf(5) --- */

size_t resolvers_parse(const char *text, uint32_t ret[PROTO_RESOLVERS_MAX])
{
	static const char word[] = "nameserver";
	char address[INET_ADDRSTRLEN];
	size_t n = 0;

	for (const char *line = text; line && n < PROTO_RESOLVERS_MAX; line = strchr(line, '\n')) {
		struct in_addr in;
		bool known = false;
		size_t len;

		line += *line == '\n';
		if (strncmp(line, word, sizeof(word) - 1) != 0)
			continue;
		line += sizeof(word) - 1;
		line += strspn(line, " \t");
		len = strcspn(line, " \t\r\n#;");
		(void)snprintf(address, sizeof(address), "%.*s", (int)MIN(len, sizeof(address)), line);
		if (inet_pton(AF_INET, address, &in) != 1 || ntohl(in.s_addr) >> IN_CLASSA_NSHIFT != IN_LOOPBACKNET)
			continue;
		for (size_t i = 0; i < n; i++)
			known = known || ret[i] == in.s_addr;
		if (!known)
			ret[n++] = in.s_addr;
	}
	return n;
}

/* Reads the file anew: how many addresses, or -errno. */
static int read_addresses(const struct resolvers *r, uint32_t ret[PROTO_RESOLVERS_MAX])
{
	char name[16], text[RESOLV_CONF_MAX + 1];
	autoclose int fd = -1;
	ssize_t n;

	(void)snprintf(name, sizeof(name), "%d", r->file); /* fits */
	fd = openat(r->proc_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	n = fd < 0 ? -1 : read(fd, text, RESOLV_CONF_MAX);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return (int)resolvers_parse(text, ret);
}

/* Whether something accepts connections there. */
static bool answers(const struct sockaddr_in *at)
{
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (fd < 0)
		return false;
	if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0)
		return true;
	if (errno != EINPROGRESS || poll(&p, 1, ANSWER_MS) <= 0)
		return false;
	return connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno == EISCONN;
}

/*
 * Finds the relay to @address, which is made if there is none and something answers there. 1 with *@ret; 0: there is none; or
 * -ENOMEM.
 */
static int relay_to(
	struct resolvers *r, struct guest *g, uint32_t process, uint32_t address, struct guest_resolver *ret)
{
	const struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT), .sin_addr = { address } };
	size_t i = 0;
	int e;

	if (!answers(&at))
		return 0;
	while (i < r->known_len && r->known[i].address != address)
		i++;
	if (i == RESOLVERS_KNOWN_MAX)
		return 0;
	if (i == r->known_len) {
		e = guest_relay_inet(g, process, &at, &r->known[i].relay);
		if (e < 0)
			return e;
		r->known[i].address = address;
		r->known_len++;
	}
	*ret = r->known[i];
	return 1;
}

int resolvers_find(struct resolvers *r, struct guest *g, uint32_t process)
{
	struct guest_resolver found[PROTO_RESOLVERS_MAX];
	uint32_t addresses[PROTO_RESOLVERS_MAX];
	int n = r->file < 0 ? -1 : read_addresses(r, addresses);
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		int e = relay_to(r, g, process, addresses[i], &found[len]);

		if (e < 0)
			return e;
		len += (size_t)e;
	}
	if (n >= 0) {
		memcpy(r->now, found, len * sizeof(*found));
		r->now_len = len;
	}
	return r->now_len != r->told_len || memcmp(r->now, r->told, r->now_len * sizeof(*r->now)) != 0;
}

void resolvers_told(struct resolvers *r)
{
	memcpy(r->told, r->now, r->now_len * sizeof(*r->now));
	r->told_len = r->now_len;
}
