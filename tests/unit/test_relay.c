/* SPDX-License-Identifier: Apache-2.0 */
/* The agent without a virtual machine (tests/unit/agent_rig.h): sockets of the host, and descriptors of the caller. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_rig.h"
#include "base/fd.h"

#define CONNS 256 /* that the server can hold */

/* --- a server of the host --- */

static char socket_path[128];
static pid_t server;

/* Greets each connection by "x", and answers its end by "bye". Exits with more than it may have seen at a time. */
static _Noreturn void serve(int listener)
{
	struct pollfd p[CONNS + 1] = { { .fd = listener, .events = POLLIN } };
	nfds_t n = 1;
	char buf[4096];

	for (;;) {
		if (poll(p, n, -1) < 0)
			_exit(2);
		if (p[0].revents) {
			int fd = accept(listener, NULL, NULL);

			if (fd < 0 || n > PROTO_LINKS_MAX * 2 || write(fd, "x", 1) != 1)
				_exit(3);
			p[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
			continue;
		}
		for (nfds_t i = 1; i < n; i++) {
			if (!p[i].revents || read(p[i].fd, buf, sizeof(buf)) > 0)
				continue;
			(void)!write(p[i].fd, "bye", 3); /* the peer may have gone */
			close(p[i].fd);
			p[i--] = p[--n];
			p[n].revents = 0;
		}
	}
}

/* Starts the server, and gives the box its socket at /s. */
static void relay_begin(struct box *b, struct guest_relay *relay)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	(void)snprintf(socket_path, sizeof(socket_path), "%s/host.sock", rig.dir);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%.100s", socket_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 4), 0); /* which is soon full */
	server = fork();
	if (server == 0) {
		(void)signal(SIGPIPE, SIG_IGN);
		(void)alarm(120);
		serve(listener);
	}
	close(listener);
	fd = open(socket_path, O_PATH | O_CLOEXEC);
	assert_true(fd >= 0);
	*relay = (struct guest_relay){ .name = "c/9/s", .type = SOCK_STREAM, .mode = 0700 };
	assert_int_equal(guest_relay_new(rig.guest, fd, NULL, SOCK_STREAM, &relay->id), 0);
	b->c.relays = (struct guest_relays){ 1, relay };
	box_mount(b, (struct guest_mount){ .kind = GUEST_MOUNT_BIND_RELAY,
			     .source = "c/9/s",
			     .destination = "/s",
			     .fstype = "",
			     .data = "" });
	rig_in_rootfs("cp " BUILDDIR "/tests/sockets/peer bin/");
}

static void relay_end(void)
{
	int status;

	assert_int_equal(kill(server, SIGKILL), 0);
	assert_int_equal(waitpid(server, &status, 0), server);
	assert_true(WIFSIGNALED(status));
}

/* How many descriptors this process has. */
static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void a_thousand_connections_leave_nothing(void **state)
{
	struct guest_relay relay;
	int before;

	(void)state;
	rig_need_root();
	box_init(&box, "peer connect stream /s hello 1000; busybox ls /proc/self/fd | busybox wc -l");
	relay_begin(&box, &relay);
	assert_int_equal(box_create(&box, false), 0);
	before = count_fds();
	box_start(&box);
	box_wait_exit(&box);
	assert_true(count_fds() <= before);
	box_read(&box);
	rig_expect_in(box.text[0], "xbye");
	box_delete(&box);
	relay_end();
}

/* More than are possible at a time wait for their turn, and all get it. */
static void a_storm_waits(void **state)
{
	struct guest_relay relay;

	(void)state;
	rig_need_root();
	box_init(&box, "ulimit -n 400; peer hold /s 200");
	relay_begin(&box, &relay);
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	box_expect_out(&box, "all\n");
	relay_end();
}

/* A connection that is open when the container ends or its server dies keeps neither. */
static void open_connections_keep_nobody(void **state)
{
	struct guest_relay relay;

	(void)state;
	rig_need_root();
	box_init(&box, "(peer connect stream /s one; busybox sleep 100) & busybox sleep 1; exit 3");
	relay_begin(&box, &relay);
	assert_int_equal(WEXITSTATUS(box_run(&box)), 3);
	relay_end();
}

/* Nobody listens any more: the connection ends without a byte. */
static void a_server_that_has_gone(void **state)
{
	struct guest_relay relay;

	(void)state;
	rig_need_root();
	box_init(&box, "peer connect stream /s one; echo over");
	relay_begin(&box, &relay);
	relay_end();
	assert_int_equal(WEXITSTATUS(box_run(&box)), 0);
	rig_expect_in(box.text[0], "over\n");
	assert_null(strstr(box.text[0], "bye"));
}

static void descriptors_of_the_caller(void **state)
{
	struct guest_fd fds[3] = { { .kind = GUEST_FD_IN }, { .kind = GUEST_FD_OUT }, { .kind = GUEST_FD_CONN } };
	int in[2], out[2], conn[2];
	char text[16] = "";

	(void)state;
	rig_need_root();
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, conn), 0);
	assert_int_equal(write(in[1], "read", 4), 4);
	assert_int_equal(write(conn[0], "ping", 4), 4);
	assert_int_equal(shutdown(conn[0], SHUT_WR), 0);
	close(in[1]);
	fds[0].fd = in[0];
	fds[1].fd = out[1];
	fds[2].fd = conn[1];
	box_init(&box,
		"cat <&3; echo; echo written >&4; cat <&5; echo pong >&5; busybox ls /proc/self/fd | busybox wc -l");
	box.c.process.fds = (struct guest_fds){ 3, fds };
	assert_int_equal(box_create(&box, false), 0);
	close(in[0]);
	close(out[1]);
	close(conn[1]);
	box_start(&box);
	box_wait_exit(&box);
	box_read(&box);
	box_expect_out(&box, "read\nping7\n"); /* 0 to 5, and that of ls */
	assert_int_equal(fd_read_full(out[0], text, sizeof(text)), 8);
	assert_memory_equal(text, "written\n", 8);
	assert_int_equal(fd_read_full(conn[0], text, sizeof(text)), 5);
	assert_memory_equal(text, "pong\n", 5);
	close(out[0]);
	close(conn[0]);
	box_delete(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_rig(a_thousand_connections_leave_nothing),
		in_a_rig(a_storm_waits),
		in_a_rig(open_connections_keep_nobody),
		in_a_rig(a_server_that_has_gone),
		in_a_rig(descriptors_of_the_caller),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
