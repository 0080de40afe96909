/* SPDX-License-Identifier: Apache-2.0 */
/* The agent without a virtual machine (tests/unit/agent_rig.h): the ports that a container listens on, opened elsewhere. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent_rig.h"
#include "base/fd.h"
#include "base/netif.h"

#define LISTS_MAX 10000 /* questions until the server listens */

static struct proto_port found;

/* As guest_done_fn: looks for port 8080 in the list. */
static void on_list(void *arg, const struct err *err, const void *payload, size_t len)
{
	struct proto_port port;

	for (size_t i = 0; proto_get_port(payload, len, i, &port) == 0; i++) {
		if (port.port == 8080)
			found = port;
	}
	rig_on_done(arg, err, payload, len);
}

static void ask(void)
{
	struct err err = ERR_INIT;

	found.port = 0;
	assert_int_equal(guest_list_ports(rig.guest, "c", on_list, &rig, &err), 0);
	assert_int_equal(rig_answer(), 0);
}

/* A socket that listens on a port of its own, which *@ret says. */
static int listener(struct sockaddr_in *ret)
{
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)ret, sizeof(*ret)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &len), 0);
	return fd;
}

/* A connection to @to, which sends "x"; or -1. */
static int client(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		close(fd);
		return -1;
	}
	assert_int_equal(write(fd, "x", 1), 1);
	return fd;
}

static void a_port_is_reached_elsewhere(void **state)
{
	const struct proto_port silent = { .version = 4, .port = 9, .addr = { 127, 0, 0, 1 } };
	struct sockaddr_in at, nobody;
	struct pollfd p = { .events = POLLIN };
	char text[16] = "";
	uint32_t id, other;
	int fd, lost;

	(void)state;
	rig_need_root();
	box_init(&box, "echo hello | busybox nc -l -p 8080; echo");
	assert_int_equal(box_create(&box, false), 0);
	box_start(&box);
	for (int i = 0; i < LISTS_MAX && found.port == 0; i++)
		ask();
	assert_int_equal(found.port, 8080);
	assert_int_equal(guest_port_open(rig.guest, box.c.process.id, listener(&nobody), &silent, &other), 0);
	lost = client(&nobody);
	assert_true(lost >= 0);
	assert_int_equal(guest_port_open(rig.guest, box.c.process.id, listener(&at), &found, &id), 0);
	fd = client(&at);
	assert_true(fd >= 0);
	/* nc(1) ends when it reads the connection's end, whatever it has not sent yet: that comes after its answer */
	p.fd = fd;
	for (int i = 0; i < LISTS_MAX && poll(&p, 1, 10) == 0; i++)
		ask();
	assert_int_equal(read(fd, text, sizeof(text)), 6);
	assert_memory_equal(text, "hello\n", 6);
	close(fd);
	box_wait_exit(&box);
	/* where nothing listens in the container, the connection is closed */
	assert_true(fd_read_full(lost, text, sizeof(text)) <= 0);
	close(lost);
	box_read(&box);
	box_expect_out(&box, "x\n");
	/* the end of the process is the end of its ports */
	guest_port_close(rig.guest, id);
	assert_int_equal(client(&at), -1);
	assert_int_equal(client(&nobody), -1);
	box_delete(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = { in_a_rig(a_port_is_reached_elsewhere) };

	struct err err = ERR_INIT;

	/* nobody else's ports; without root the test is skipped */
	if (geteuid() == 0 && (unshare(CLONE_NEWNET) < 0 || netif_loopback_up(&err) < 0)) {
		print_message("no network namespace of our own: %s %s\n", strerror(errno), err.msg);
		return 77;
	}
	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
