/* SPDX-License-Identifier: Apache-2.0 */
/* sd_notify(3) of a container: see notify.h. */
#include "life/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/sock.h"
#include "life/interrupt.h"
#include "life/life.h"

/* A message of sd_notify(3) is some lines; runc reads as many bytes. */
#define NOTIFY_MAX 4096
/* Messages that are looked at in one go: a container that sends without end keeps nobody from its signals. */
#define NOTIFY_AT_ONCE 64
/* How long the service manager may take to read what it was told: runc's time. */
#define BARRIER_TIMEOUT_MS 30000

struct notify {
	int fd, host; /* the container's messages; connected to the service manager's socket */
	pid_t pid;    /* of the monitor */
	int pidfd;
};

const char *notify_wanted(void)
{
	const char *path = getenv(NOTIFY_ENV);

	return path && *path ? path : NULL;
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	fd_close(n->fd);
	fd_close(n->host);
	fd_close(n->pidfd);
	free(n);
}

int notify_fd(const struct notify *n)
{
	return n->fd;
}

/* Connects to the socket @path; "@" begins an abstract name. A descriptor or -errno. */
static int connect_host(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	autoclose int fd = -1;

	if (*path != '@')
		return sock_connect_path(path, SOCK_DGRAM);
	if (len >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, len);
	sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
		connect(fd, (struct sockaddr *)&sun, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -errno;
	return steal_fd(&fd);
}

/* A datagram socket in the directory @dir, in the place of one that an earlier command has left. A descriptor or -errno. */
static int listen_in(int dir)
{
	struct sockaddr_un sun;
	autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = sock_address_at(dir, NOTIFY_NAME, &sun);

	if (fd < 0)
		return -errno;
	if (r < 0)
		return r;
	if (unlinkat(dir, NOTIFY_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	return bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? -errno : steal_fd(&fd);
}

int notify_new(const struct settings *settings, const char *id, struct notify **ret, struct err *err)
{
	const char *wanted = notify_wanted();
	autostatedir dir = STATEDIR_NONE;
	autostate s = { .id = NULL };
	autoclose int place = -1;
	enum status status;
	struct notify *n;
	int r;

	*ret = NULL;
	if (!wanted)
		return 0;
	r = container_load(settings, id, &s, &status, err);
	if (r == 0)
		r = statedir_open(settings->root, id, &dir, err);
	if (r < 0)
		return r;
	place = openat(dir.fd, NOTIFY_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0)
		return errno == ENOENT ? 0 : err_sys(err, errno, "cannot open \"%s/" NOTIFY_DIR "\"", dir.path);
	n = calloc(1, sizeof(*n));
	if (!n)
		return err_sys(err, ENOMEM, NOTIFY_ENV);
	*n = (struct notify){ .fd = -1, .host = connect_host(wanted), .pid = s.pid, .pidfd = fd_open_pid(s.pid) };
	if (n->host < 0)
		r = err_sys(err, n->host, NOTIFY_ENV ": cannot connect to \"%s\"", wanted);
	else if ((n->fd = listen_in(place)) < 0)
		r = err_sys(err, n->fd, NOTIFY_ENV ": cannot listen in \"%s/" NOTIFY_DIR "\"", dir.path);
	if (r < 0)
		notify_free(n);
	else
		*ret = n;
	return r;
}

/* Sends the line @text, of @len bytes, to the service manager: 0 or -errno. */
static int say(const struct notify *n, const char *text, size_t len)
{
	return send(n->host, text, len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/*
 * The line of @msg that says READY, or NULL. GUEST: nothing else of what the container says is told on: the service
 * manager would take it for vmrunc's word.
 */
static const char *ready_line(const char *msg)
{
	const char *line = msg;

	while (line && strncmp(line, "READY=", 6) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line;
}

bool notify_take(struct notify *n)
{
	char msg[NOTIFY_MAX + 1], line[64];
	const char *ready;
	ssize_t len;

	for (int i = 0; i < NOTIFY_AT_ONCE && (len = recv(n->fd, msg, NOTIFY_MAX, MSG_DONTWAIT)) >= 0; i++) {
		msg[len] = '\0';
		ready = ready_line(msg);
		if (!ready)
			continue;
		len = snprintf(line, sizeof(line), "%.*s\n", (int)MIN(strcspn(ready, "\n"), sizeof(line) - 2), ready);
		(void)say(n, line, (size_t)len); /* a service manager that has gone is told nothing */
		return true;
	}
	return false;
}

/* Waits until the service manager has read everything: the pipe that it is sent is closed then (sd_notify_barrier(3)). */
static void wait_read(const struct notify *n)
{
	static const char text[] = "BARRIER=1";
	struct pollfd p = { .events = 0 };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	p.fd = ends[0];
	if (fd_send(n->host, text, sizeof(text) - 1, &ends[1], 1) == 0) {
		fd_close(steal_fd(&ends[1]));
		(void)poll(&p, 1, BARRIER_TIMEOUT_MS); /* one that knows no barrier closes what it does not know */
	}
	fd_close(ends[0]);
	fd_close(ends[1]);
}

int notify_wait(struct notify *n, int cancel_fd, struct err *err)
{
	struct pollfd p[3];
	char text[64];
	int len;

	if (!n)
		return 0;
	p[0] = (struct pollfd){ .fd = n->fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = n->pidfd, .events = POLLIN };
	p[2] = (struct pollfd){ .fd = cancel_fd, .events = POLLIN };
	while (!notify_take(n)) {
		if (n->pidfd < 0 || (p[1].revents && !p[0].revents))
			return 0; /* it has ended, and all that it has said has been read: it can get ready no more */
		if (interrupt_take(cancel_fd, err) < 0)
			return -EINTR;
		if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
			return err_sys(err, errno, "cannot wait for the container to be ready");
	}
	len = snprintf(text, sizeof(text), "MAINPID=%ld\n", (long)n->pid);
	if (say(n, text, (size_t)len) == 0)
		wait_read(n);
	return 0;
}
