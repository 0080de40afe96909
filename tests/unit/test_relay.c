/* SPDX-License-Identifier: Apache-2.0 */
/* The agent without a virtual machine (tests/unit/agent_rig.h): sockets of the host, and descriptors of the caller. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
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
#include "base/netif.h"
#include "tests/unit/openfds.h"

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

static void a_thousand_connections_leave_nothing(void **state)
{
	struct guest_relay relay;
	int before;

	(void)state;
	rig_need_root();
	box_init(&box, "peer connect stream /s hello 1000; busybox ls /proc/self/fd | busybox wc -l");
	relay_begin(&box, &relay);
	assert_int_equal(box_create(&box, false), 0);
	before = open_fds();
	box_start(&box);
	box_wait_exit(&box);
	assert_true(open_fds() <= before);
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

/* --- a resolver of the host's --- */

#define BIG 100 /* records of what is asked for "big" */

/* Answers each question with 192.0.2.9, by TCP, one connection after the other; one for "big" with many such. */
static _Noreturn void resolve(int listener)
{
	static const unsigned char record[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 9 };
	unsigned char m[2 + 512 + BIG * sizeof(record)];

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		size_t len, n;

		if (fd < 0 || fd_read_full(fd, m, 2) != 2)
			_exit(1);
		len = (size_t)m[0] << 8 | m[1];
		if (len < 12 || len > 512 || fd_read_full(fd, m + 2, len) != (ssize_t)len)
			_exit(2);
		m[4] |= 0x80; /* an answer */
		n = memcmp(m + 2 + 12, "\3big", 4) == 0 ? BIG : 1;
		m[9] = (unsigned char)n; /* with so many records */
		m[12] = m[13] = 0;
		for (; n > 0; n--, len += sizeof(record))
			memcpy(m + 2 + len, record, sizeof(record));
		m[0] = (unsigned char)(len >> 8);
		m[1] = (unsigned char)len;
		if (fd_write_full(fd, m, 2 + len) < 0)
			_exit(3);
		close(fd);
	}
}

/* In a network namespace of the test's own, which the agent inherits. */
static int setup_alone(void **state)
{
	struct err err = ERR_INIT;

	if (geteuid() == 0 && (unshare(CLONE_NEWNET) < 0 || netif_loopback_up(&err) < 0))
		return -1;
	return rig_setup(state);
}

static void stop_loop(void *arg, uint32_t events)
{
	(void)events;
	loop_stop(arg);
}

/* Asks the agent for "big", with or without a word on how much is taken (RFC 6891): how many bytes come, with the two of flags in @flags. */
static ssize_t ask_big(bool much, unsigned char flags[2])
{
	static const unsigned char question[] = { 1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'b', 'i', 'g', 0, 0, 1, 0, 1,
		/* OPT, 4096 bytes */ 0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0 };
	const struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = { htonl(0x7f00000b) }
	};
	unsigned char asked[sizeof(question)], answer[4096];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t len = much ? sizeof(question) : sizeof(question) - 11;
	struct watch *w;
	ssize_t n;

	memcpy(asked, question, sizeof(question));
	asked[11] = much;
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(send(fd, asked, len, 0), len);
	assert_int_equal(watch_new(rig.loop, fd, EPOLLIN, stop_loop, rig.loop, &w), 0);
	assert_int_equal(loop_run(rig.loop), 0);
	watch_free(w);
	n = recv(fd, answer, sizeof(answer), 0);
	assert_true(n > 12);
	memcpy(flags, answer + 2, 2);
	assert_int_equal(answer[7], n > 512 ? BIG : 0);
	close(fd);
	return n;
}

/* More questions than may wait at a time get their answers, from a loopback address where only the agent listens. */
static void a_resolver_on_the_loopback(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct guest_resolver resolver = { .address = htonl(0x7f00000b) };
	struct guest_net net = { .cid = "c", .resolvers = { 1, &resolver } };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	socklen_t len = sizeof(at);
	unsigned char flags[2];
	struct err err = ERR_INIT;
	pid_t pid;

	(void)state;
	rig_need_root();
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 128), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	pid = fork();
	if (pid == 0) {
		(void)alarm(120);
		resolve(listener);
	}
	close(listener);
	box_init(&box, "i=0; while [ $i -lt 100 ]; do busybox nslookup -type=a n$i 127.0.0.11; i=$((i + 1)); done | "
		       "busybox grep -c 192.0.2.9; echo end");
	assert_int_equal(box_create(&box, false), 0);
	assert_int_equal(guest_relay_inet(rig.guest, box.c.process.id, &at, &resolver.relay), 0);
	assert_int_equal(guest_net(rig.guest, &net, rig_on_done, &rig, &err), 0);
	assert_int_equal(rig_answer(), 0);
	assert_int_equal(ask_big(false, flags), 21); /* the question, and that there is more */
	assert_int_equal(flags[0], 0x83);
	assert_int_equal(ask_big(true, flags), 21 + 11 + BIG * 16);
	assert_int_equal(flags[0], 0x81);
	box_start(&box);
	box_wait_exit(&box);
	box_read(&box);
	box_expect_out(&box, "100\nend\n");
	box_delete(&box);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* Whether the next message that comes to @fd is @wanted. */
static bool next_is(int fd, const char *wanted)
{
	char text[16];
	ssize_t n = recv(fd, text, sizeof(text), 0);

	return n == (ssize_t)strlen(wanted) && memcmp(text, wanted, (size_t)n) == 0;
}

/* Messages stay apart in both directions, and the end of a SOCK_SEQPACKET crosses. */
static void messages_of_the_caller(void **state)
{
	struct guest_fd fds[2] = { { .kind = GUEST_FD_DGRAM }, { .kind = GUEST_FD_PACKETS } };
	int dgram[2], seq[2], status;
	pid_t pid;

	(void)state;
	rig_need_root();
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, dgram), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, seq), 0);
	assert_int_equal(send(dgram[0], "first", 5, 0), 5);
	assert_int_equal(send(dgram[0], "second", 6, 0), 6);
	assert_int_equal(send(seq[0], "packet", 6, 0), 6);
	assert_int_equal(shutdown(seq[0], SHUT_WR), 0);
	fds[0].fd = dgram[1];
	fds[1].fd = seq[1];
	box_init(&box, "m() { busybox dd bs=100 count=1 <&3 2>/dev/null; echo; }; m; m; echo one >&3; echo two >&3; "
		       "cat <&4; echo; echo last >&4; exec 4>&-; m");
	box.c.process.fds = (struct guest_fds){ 2, fds };
	assert_int_equal(box_create(&box, false), 0);
	close(dgram[1]);
	close(seq[1]);
	pid = fork();
	if (pid == 0) {
		(void)alarm(120);
		if (!next_is(dgram[0], "one\n") || !next_is(dgram[0], "two\n") || !next_is(seq[0], "last\n") ||
			!next_is(seq[0], ""))
			_exit(1);
		_exit(send(dgram[0], "done", 4, 0) == 4 ? 0 : 2); /* which the process waits for */
	}
	close(seq[0]);
	box_start(&box);
	box_wait_exit(&box);
	box_read(&box);
	box_expect_out(&box, "first\nsecond\npacket\ndone\n");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(dgram[0]);
	box_delete(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_rig(a_thousand_connections_leave_nothing), in_a_rig(a_storm_waits),
		in_a_rig(open_connections_keep_nobody), in_a_rig(a_server_that_has_gone),
		in_a_rig(descriptors_of_the_caller), in_a_rig(messages_of_the_caller),
		cmocka_unit_test_setup_teardown(
			a_resolver_on_the_loopback, setup_alone, rig_teardown), /* the last one: it stays there */
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
