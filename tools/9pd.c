/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmrunc-9pd: the file service on a unix socket, for developers.
 *
 *   vmrunc-9pd [-m BYTES] SOCKET NAME=PATH[:ro|:private]...
 *
 * Exports each PATH under NAME (":private": as the root file system of a container, which nobody else changes), and serves any 9P2000.L client that connects (Linux: mount -t 9p -o
 * trans=unix,version=9p2000.L,aname=NAME SOCKET DIR). It is not installed, since it is not confined as the runtime is.
 * A thread for each connection reads; the server's workers do the rest. With -m, what clients make the service hold is
 * bounded as in the monitor (fs_memory_bound()), and each time that a guest would be asked to give up names it says "press"
 * and how many bytes are held.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "fs/fs.h"
#include "host/thread.h"
#include "p9/p9.h"
#include "p9/socket.h"

struct client {
	struct p9_server *server;
	int fd;
};

static void *client_run(void *arg)
{
	struct client *client = arg;
	int r = p9_socket_serve(client->server, client->fd);

	if (r < 0)
		fprintf(stderr, "vmrunc-9pd: connection ended: %s\n", strerror(-r));
	fd_close(client->fd);
	free(client);
	return NULL;
}

/* Serves the client at the other end of @fd, which is the thread's on success: 0 or -errno. */
static int client_start(struct p9_server *server, int fd)
{
	struct client *client = malloc(sizeof(*client));
	pthread_t thread;
	int r;

	if (client == NULL)
		return -ENOMEM;
	*client = (struct client){ .server = server, .fd = fd };
	r = thread_start(THREAD_FILES, &thread, client_run, client);
	if (r < 0) {
		free(client);
		return r;
	}
	pthread_detach(thread);
	return 0;
}

/* Takes SUFFIX off the end of the string PATH: whether it was there, behind at least one byte. */
static bool suffix_take(char *path, const char *suffix)
{
	size_t len = strlen(path), n = strlen(suffix);

	if (len <= n || strcmp(path + len - n, suffix) != 0)
		return false;
	path[len - n] = '\0';
	return true;
}

/* Adds the export that the argument NAME=PATH[:ro|:private] describes: 0 or -errno. */
static int export_add(struct fs *fs, char *arg, struct err *err)
{
	char *path = strchr(arg, '=');
	unsigned int flags = 0;
	int fd, r;

	if (path == NULL)
		return err_set(err, EINVAL, "'%s' is not NAME=PATH", arg);
	*path++ = '\0';
	if (suffix_take(path, ":ro"))
		flags = FS_EXPORT_READONLY;
	else if (suffix_take(path, ":private"))
		flags = FS_EXPORT_EXCLUSIVE;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open '%s'", path);
	r = fs_export_add(fs, arg, fd, flags, err);
	if (r < 0)
		fd_close(fd);
	return r;
}

static int listen_at(const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, errno, "socket");
	if (strlen(path) >= sizeof(addr.sun_path))
		return err_set(err, ENAMETOOLONG, "socket path '%s' is too long", path);
	strcpy(addr.sun_path, path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 16) < 0)
		return err_sys(err, errno, "listen at '%s'", path);
	return steal_fd(&fd);
}

/* Accepts clients until that fails: -errno. */
static int serve(const char *socket_path, struct p9_server *server, struct err *err)
{
	autoclose int listener = listen_at(socket_path, err);

	if (listener < 0)
		return listener;
	printf("listening\n");
	fflush(stdout);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), r;

		if (fd < 0 && errno == EINTR)
			continue;
		if (fd < 0)
			return err_sys(err, errno, "accept");
		r = client_start(server, fd);
		if (r < 0) {
			fd_close(fd);
			return err_sys(err, r, "thread");
		}
	}
}

static void raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* if this fails, clients can hold fewer nodes */
	}
}

/* As fs_memory_fn: on any thread. */
static void on_press(void *arg unused)
{
	printf("press %" PRIu64 "\n", fs_memory_held());
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct p9_server *server;
	struct fs *fs;
	int r;

	if (argc > 2 && strcmp(argv[1], "-m") == 0) {
		fs_memory_bound(strtoull(argv[2], NULL, 10), on_press, NULL);
		argv += 2;
		argc -= 2;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: vmrunc-9pd [-m BYTES] SOCKET NAME=PATH[:ro|:private]...\n");
		return 2;
	}
	raise_nofile();
	r = fs_new(-1, &fs, &err);
	for (int i = 2; r == 0 && i < argc; i++)
		r = export_add(fs, argv[i], &err);
	if (r == 0)
		r = p9_server_new(fs, NULL, &server, &err);
	if (r == 0)
		r = serve(argv[1], server, &err);
	fprintf(stderr, "vmrunc-9pd: %s\n", err.msg);
	return 1;
}
