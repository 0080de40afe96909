/* SPDX-License-Identifier: Apache-2.0 */
/* The ports that a container listens on: see ports.h. */
#include "init/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/container.h"
#include "init/process.h"
#include "init/relay.h"

#define TEXT_MAX (4 * 1024 * 1024) /* of /proc/net/tcp: some 25,000 sockets */
#define STATE_LISTEN 0x0a

/* Reads the line of one socket, as proc_net_tcp has it. True with *@ret if it listens. */
static bool take_line(const char *line, uint8_t version, struct proto_port *ret)
{
	unsigned int port, state, word[4] = { 0 };
	int n;

	memset(ret, 0, sizeof(*ret));
	ret->version = version;
	if (version == 4)
		n = sscanf(line, " %*u: %8x:%4x %*x:%*x %x", &word[0], &port, &state) + 3;
	else
		n = sscanf(line, " %*u: %8x%8x%8x%8x:%4x %*32[0-9A-F]:%*x %x", &word[0], &word[1], &word[2], &word[3],
			&port, &state);
	if (n != 6 || state != STATE_LISTEN || port == 0 || port > UINT16_MAX)
		return false;
	ret->port = (uint16_t)port;
	memcpy(ret->addr, word,
		version == 4 ? sizeof(word[0]) : sizeof(word)); /* in the order of the network already */
	return true;
}

/* Adds those of one file to @out. 0, also where the kernel has no such protocol, or -errno. */
static int add_file(pid_t pid, const char *name, uint8_t version, size_t *n, struct buf *out)
{
	autofree char *text = NULL;
	struct proto_port port;
	char path[64], *line, *rest = NULL;
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, name);
	r = fd_read_file(AT_FDCWD, path, TEXT_MAX, &text, &len);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (line = strtok_r(text, "\n", &rest); line && *n < PROTO_PORTS_MAX; line = strtok_r(NULL, "\n", &rest)) {
		if (!take_line(line, version, &port))
			continue;
		proto_put_port(out, &port);
		(*n)++;
	}
	return 0;
}

int ports_list(struct agent *agent, const char *cid, struct buf *out, struct err *err)
{
	const struct container *k = container_find(agent, cid);
	size_t n = 0;
	int r;

	if (!container_is_running(k))
		return err_set(err, ESRCH, "container not running");
	r = add_file(k->init->pid, "tcp", 4, &n, out);
	if (r == 0)
		r = add_file(k->init->pid, "tcp6", 6, &n, out);
	return r < 0 ? err_sys(err, r, "cannot list the ports") : 0;
}

/* A socket that connects to @addr, where the agent is now: a descriptor or -errno. */
static int dial(const struct guest_blob *addr)
{
	struct sockaddr_storage a;
	autoclose int fd = -1;

	memset(&a, 0, sizeof(a));
	if (addr->len < sizeof(a.ss_family) || addr->len > sizeof(a))
		return -EINVAL;
	memcpy(&a, addr->at, addr->len);
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&a, (socklen_t)addr->len) < 0 && errno != EINPROGRESS)
		return -errno;
	return steal_fd(&fd);
}

/* The same in the network namespace of @k. */
static int dial_in(const struct container *k, const struct guest_blob *addr)
{
	autoclose int own = -1;
	int fd;

	if (!k->own_ns[GUEST_NS_NET])
		return dial(addr);
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0 || setns(k->init_pidfd, CLONE_NEWNET) < 0)
		return -errno;
	fd = dial(addr);
	/* it cannot fail: nothing is taken from PID 1 that it had when it opened its own */
	if (setns(own, CLONE_NEWNET) < 0 && fd >= 0) {
		fd_close(fd);
		return -errno;
	}
	return fd;
}

void ports_link(struct agent *agent, const struct proto_link *msg)
{
	const struct container *k = LIST_FIRST(&agent->containers);

	if (container_is_running(k))
		relay_join(agent, k->init->id, msg, dial_in(k, &msg->addr));
	else
		relay_join(agent, 0, msg, -1);
}
