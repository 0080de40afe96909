/* SPDX-License-Identifier: Apache-2.0 */
/* The host's end of relays, without an agent: sockets of the host that take datagrams of the guest's. */
#include "guest/relay.h"

#include <endian.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "channel/mux.h"
#include "guest/guest.h"

static void put_data(struct buf *b, uint32_t stream, const void *data, size_t len)
{
	uint8_t head[MUX_HEADER] = { MUX_DATA };
	uint32_t id = htole32(stream), n = htole32((uint32_t)len);

	memcpy(head + 4, &id, 4);
	memcpy(head + 8, &n, 4);
	buf_put(b, head, sizeof(head));
	buf_put(b, data, len);
}

#define DATAGRAMS 300 /* more than a socket's queue holds */

struct taker {
	struct loop *loop;
	int fd, got;
	bool late;
};

static int taker_bind(int dir_fd)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)unlinkat(dir_fd, "s", 0);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/s", dir_fd);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void taker_on_datagram(void *arg, uint32_t events)
{
	struct taker *t = arg;
	char c;

	(void)events;
	while (recv(t->fd, &c, 1, 0) == 1)
		t->got++;
	if (t->got >= DATAGRAMS)
		loop_stop(t->loop);
}

static void taker_on_time(void *arg)
{
	struct taker *t = arg;

	t->late = true;
	loop_stop(t->loop);
}

/* Goes round until the loop has nothing to do. */
static void loop_settle(struct loop *loop)
{
	struct taker t = { .loop = loop };
	struct watch *timer;

	assert_int_equal(timer_new(loop, 50, taker_on_time, &t, &timer), 0);
	assert_int_equal(loop_run(loop), 0);
	watch_free(timer);
}

static void send_datagrams(int fd, unsigned int n)
{
	static const uint8_t record[] = { 1, 0, 0, 0, 'x' };
	autobuf b = BUF_INIT;

	while (n--)
		put_data(&b, 1, record, sizeof(record));
	assert_int_equal(fd_write_full(fd, b.data, b.len), 0);
}

/* A guest whose channel is @sv[0], with a relay to the socket "s" in @dir_fd: stream 1. */
static struct guest *guest_begin(struct loop *loop, int sv[2], int dir_fd)
{
	static const char *args[] = { "x" };
	struct guest_relay relay = { .name = "r", .type = SOCK_DGRAM };
	struct guest_container c = { .cid = "c", .rootfs = "c/rootfs", .process = { .args = { 1, args } } };
	const struct guest_events events = { .arg = NULL }; /* none of them comes */
	struct err err = ERR_INIT;
	struct guest *guest;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(fd_set_nonblock(sv[0], 1), 0);
	assert_int_equal(guest_new(loop, sv[0], &events, &guest, &err), 0);
	assert_int_equal(guest_relay_new(guest, dir_fd, "s", SOCK_DGRAM, &relay.id), 0);
	c.process.id = guest_next_process(guest);
	c.relays = (struct guest_relays){ 1, &relay };
	assert_int_equal(guest_create(guest, &c, (int[3]){ -1, -1, -1 }, NULL, NULL, &err), 0);
	return guest;
}

/*
 * A socket is full, and then fails before it had room, so that nobody hears of it; another takes its place in the directory and
 * is full, too. What waited for the first must not be taken for what waits for this one.
 */
static void datagrams_after_a_full_socket_that_failed(void **state)
{
	int sv[2], cwd = open(".", O_PATH | O_CLOEXEC), dir_fd;
	char dir[] = "/tmp/test-guest.XXXXXX";
	struct watch *watch, *timer;
	struct taker t;
	struct guest *guest;

	(void)state;
	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	t = (struct taker){ .fd = taker_bind(dir_fd) };
	assert_int_equal(loop_new(&t.loop), 0);
	guest = guest_begin(t.loop, sv, dir_fd);
	send_datagrams(sv[1], DATAGRAMS);
	loop_settle(t.loop);
	assert_int_equal(shutdown(t.fd, SHUT_RD), 0);
	send_datagrams(sv[1], 1);
	loop_settle(t.loop); /* all are lost */
	fd_close(t.fd);

	t.fd = taker_bind(dir_fd);
	send_datagrams(sv[1], DATAGRAMS);
	loop_settle(t.loop);
	assert_int_equal(watch_new(t.loop, t.fd, EPOLLIN, taker_on_datagram, &t, &watch), 0);
	assert_int_equal(timer_new(t.loop, 60000, taker_on_time, &t, &timer), 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_false(t.late);
	assert_true(t.got >= DATAGRAMS);

	watch_free(watch);
	watch_free(timer);
	guest_free(guest);
	loop_free(t.loop);
	fd_close(sv[0]);
	fd_close(sv[1]);
	fd_close(t.fd);
	assert_int_equal(fchdir(cwd), 0); /* relay_connect() has changed it */
	fd_close(cwd);
	assert_int_equal(unlinkat(dir_fd, "s", 0), 0);
	fd_close(dir_fd);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_after_a_full_socket_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
