/* SPDX-License-Identifier: Apache-2.0 */
/* User mode, in a network namespace of the test's own: which interface is chosen, what is told of it, and passt itself. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "net/usermode.h"
#include "net/view.h"

#define FRAME 42 /* of ARP, without padding */

static struct rtnl rtnl = RTNL_INIT;

static void sh(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static int setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	if (rtnl_open(-1, 0, &rtnl, &err) < 0)
		fail_msg("%s", err.msg);
	sh("ip link add h0 type veth peer name up0 && ip link set h0 up && ip link set up0 up mtu 1400");
	sh("ip link add other type veth peer name o1 && ip link set o1 up && ip link set other up && ip addr add "
	   "10.7.0.1/24 dev other");
	sh("ip addr add 10.9.0.2/24 dev up0 && ip addr add fd09::2/64 dev up0 nodad");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rtnl_done(&rtnl);
	sh("ip link del up0; ip link del other");
	return 0;
}

static const char *chosen(void)
{
	static struct link l;
	struct err err = ERR_INIT;
	int r = usermode_choose(&rtnl, &l, &err);

	if (r < 0)
		fail_msg("%s", err.msg);
	return r > 0 ? l.name : "";
}

static void another_machines_network_is_told(void **state)
{
	struct err why = ERR_INIT;

	(void)state;
	sh("ip route add default via 10.9.0.1");
	assert_int_equal(usermode_look(-1, &why), USERMODE_ALONE);
	sh("ip tuntap add t9 mode tap && ip link set t9 alias 'vmrunc abc'"); /* spare */
	assert_int_equal(usermode_look(-1, &why), USERMODE_SHARED);
	sh("ip link set t9 group $(ip -o link show other | cut -d: -f1)"); /* beside one that is not chosen */
	assert_int_equal(usermode_look(-1, &why), USERMODE_SHARED);
	sh("ip link set t9 group $(ip -o link show up0 | cut -d: -f1)");
	assert_int_equal(usermode_look(-1, &why), USERMODE_CUT_OFF);
	assert_string_equal(why.msg, "interface \"up0\" of the network namespace is led to the virtual machine of "
				     "container \"abc\" whole, since "
				     "the kernel has no filters by BPF, or did not allow its owner any");
	/* with a filter of that preference it is not led there whole */
	sh("tc qdisc add dev up0 ingress && tc filter add dev up0 ingress pref 30316 bpf bytecode '1,6 0 0 0'");
	assert_int_equal(usermode_look(-1, &why), USERMODE_SHARED);
	sh("ip link del t9; ip route del default");
}

static void the_default_route_chooses(void **state)
{
	(void)state;
	sh("ip route add default via 10.9.0.1");
	assert_string_equal(chosen(), "up0");
	sh("ip route add default via 10.7.0.9 metric 5"); /* the other one has none, which comes before */
	assert_string_equal(chosen(), "up0");
	sh("ip route del default via 10.9.0.1");
	assert_string_equal(chosen(), "other");
	sh("ip route del default && ip -6 route add default via fd09::1");
	assert_string_equal(chosen(), "up0");
	sh("ip -6 route del default");
	assert_string_not_equal(chosen(), ""); /* one that is up */
	sh("ip link set h0 down && ip link set up0 down && ip link set other down && ip link set o1 down");
	assert_string_equal(chosen(), "");
}

/* How many messages of @type @v has. */
static unsigned int count(const struct view *v, uint16_t type)
{
	unsigned int n = 0;

	for (size_t i = 0; i < v->messages_n; i++)
		n += v->messages[i].type == type;
	return n;
}

/* How many routes of table "local" @v has to @address, by its last interface. */
static unsigned int loopbacks(const struct view *v, const char *address)
{
	uint8_t wanted[16];
	bool six = inet_pton(AF_INET, address, wanted) != 1;
	size_t len = six ? 16 : 4;
	unsigned int n = 0;

	if (six)
		assert_int_equal(inet_pton(AF_INET6, address, wanted), 1);
	for (size_t i = 0; i < v->messages_n; i++) {
		const struct rtmsg *h = v->messages[i].body;
		const struct rtattr *a = (const struct rtattr *)(h + 1), *out = NULL;

		if (v->messages[i].type != RTM_NEWROUTE || h->rtm_table != RT_TABLE_LOCAL)
			continue;
		assert_int_equal(a->rta_type, RTA_DST);
		out = (const struct rtattr *)((const char *)a + RTA_ALIGN(a->rta_len));
		assert_int_equal(out->rta_type, RTA_OIF);
		assert_memory_equal(RTA_DATA(out), &v->nics[v->nics_n - 1].link.ifindex, sizeof(uint32_t));
		assert_int_equal(h->rtm_type, RTN_UNICAST);
		n += h->rtm_dst_len == 8 * len && memcmp(RTA_DATA(a), wanted, len) == 0;
	}
	return n;
}

static void one_interface_is_told_of(void **state)
{
	struct err err = ERR_INIT;
	struct usermode passt = USERMODE_NONE;
	autoview view = VIEW_NONE;

	(void)state;
	passt.ip4 = passt.ip6 = true;
	sh("ip route add default via 10.9.0.1 && ip -6 route add default via fd09::1 proto ra");
	sh("ip route add 192.0.2.0/24 via 10.9.0.1 table 77 && ip rule add from 10.9.0.2 table 77");
	sh("ip route add 198.51.100.0/24 nexthop via 10.9.0.1 nexthop via 10.7.0.9");
	sh("ip neigh add 10.9.0.77 lladdr 02:00:00:00:00:77 dev up0 nud permanent");
	if (view_read_usermode(&rtnl, &passt, &view, &err) < 0)
		fail_msg("%s", err.msg);
	sh("ip rule del from 10.9.0.2 table 77");
	assert_int_equal(view.nics_n, 2);
	assert_string_equal(view.nics[0].link.name, "lo");
	assert_string_equal(view.nics[1].link.name, "up0");
	assert_int_equal(view.nics[1].link.mtu, 1400);
	assert_int_equal(view.nics[1].tap.ifindex, VIEW_USERMODE_TAP);
	assert_int_equal(count(&view, RTM_NEWADDR), 3); /* with the link's own */
	/* 10.9.0.0/24, default; fd09::/64, fe80::/64, default; and those to what stands for 127.0.0.1 and ::1 */
	assert_int_equal(count(&view, RTM_NEWROUTE), 7);
	assert_int_equal(count(&view, RTM_NEWNEIGH), 0);
	assert_int_equal(count(&view, RTM_NEWRULE), 0);
	assert_int_equal(loopbacks(&view, USERMODE_LOOPBACK4), 1);
	assert_int_equal(loopbacks(&view, USERMODE_LOOPBACK6), 1);
	/* of a family that passt does not speak there is none, nor where the interface has no address of it, nor if it is down */
	passt.ip6 = false;
	assert_int_equal(view_read_usermode(&rtnl, &passt, &view, &err), 0);
	assert_int_equal(loopbacks(&view, USERMODE_LOOPBACK4), 1);
	assert_int_equal(loopbacks(&view, USERMODE_LOOPBACK6), 0);
	passt.ip6 = true;
	sh("ip addr del 10.9.0.2/24 dev up0");
	assert_int_equal(view_read_usermode(&rtnl, &passt, &view, &err), 0);
	assert_int_equal(loopbacks(&view, USERMODE_LOOPBACK4), 0);
	assert_int_equal(loopbacks(&view, USERMODE_LOOPBACK6), 1);
	sh("ip link set up0 down");
	assert_int_equal(view_read_usermode(&rtnl, &passt, &view, &err), 0);
	assert_int_equal(loopbacks(&view, USERMODE_LOOPBACK6), 0);
}

/* Asks passt by ARP who has @who: whether it answers. */
static bool asks(int fd, const char *who)
{
	static const uint8_t head[] = { 0, 0, 0, FRAME, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 2, 8, 6, 0,
		1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 9, 0, 2 };
	uint8_t frame[4 + FRAME] = { 0 }, answer[4 + FRAME];
	struct pollfd p = { .fd = fd, .events = POLLIN };

	memcpy(frame, head, sizeof(head));
	assert_int_equal(inet_pton(AF_INET, who, frame + 4 + FRAME - 4), 1);
	assert_int_equal(send(fd, frame, sizeof(frame), MSG_NOSIGNAL), sizeof(frame));
	if (poll(&p, 1, strcmp(who, "10.9.0.2") == 0 ? 200 : 60000) <= 0)
		return false;
	return recv(fd, answer, sizeof(answer), MSG_WAITALL) == (ssize_t)sizeof(answer) && answer[4 + 21] == 2 &&
	       memcmp(answer + 4 + 28, frame + 4 + FRAME - 4, 4) == 0;
}

/* How many bytes passt can send before they are read, by its one stream socket of AF_UNIX; 0: it is not ours to see. */
static int send_room(int pidfd)
{
	int room = 0;

	for (int theirs = 3; theirs < 64 && room == 0; theirs++) {
		int fd = (int)syscall(SYS_pidfd_getfd, pidfd, theirs, 0), type = 0;
		socklen_t len = sizeof(int);

		if (fd < 0)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &type, &len) == 0 && type == AF_UNIX &&
			getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM)
			assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len), 0);
		close(fd);
	}
	return room;
}

static void passt_speaks_for_the_guest(void **state)
{
	const int bytes = 1 << 20;
	struct usermode u = USERMODE_NONE;
	struct err err = ERR_INIT;
	struct pollfd p;
	struct link l;

	(void)state;
	if (!usermode_program()) {
		print_message("no passt\n");
		skip();
	}
	/* with a default route and without one, which passt by itself would not take */
	for (int i = 0; i < 2; i++) {
		if (i == 1)
			sh("ip route add default via 10.9.0.1");
		else
			sh("ip link set other down");
		assert_int_equal(usermode_choose(&rtnl, &l, &err), 1);
		if (usermode_start(&rtnl, &l, &u, &err) < 0)
			fail_msg("%s", err.msg);
		if (!asks(u.fd, "10.9.0.1")) {
			usermode_last_words(&u, &err);
			fail_msg("%s", err.msg);
		}
		assert_true(asks(u.fd, USERMODE_LOOPBACK4));
		/* what does not fit is lost: see usermode.c */
		if (setsockopt(u.fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) == 0)
			assert_true(send_room(u.pidfd) >= 16 << 20);
		/* the end of the socket is its end */
		close(u.fd);
		u.fd = -1;
		p = (struct pollfd){ .fd = u.pidfd, .events = POLLIN };
		assert_int_equal(poll(&p, 1, 60000), 1);
		usermode_done(&u);
	}
}

static void last_words_are_a_sentence(void **state)
{
	struct usermode u = USERMODE_NONE;
	struct err err = ERR_INIT;
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(fd_set_nonblock(pipes[0], true), 0);
	u.stderr_fd = pipes[0];
	usermode_last_words(&u, &err);
	assert_non_null(strstr(err.msg, "passt has ended"));
	assert_null(strstr(err.msg, ": \x01"));
	assert_int_equal(
		write(pipes[1], "one\nthe \x1b[31mreason\nDon't run as root. Changing to nobody...\n", 61), 61);
	usermode_last_words(&u, &err);
	assert_non_null(strstr(err.msg, ": the  [31mreason"));
	close(pipes[1]);
	usermode_done(&u);
}

/* Whoever else has passt's standard error and says ever more keeps nobody waiting. */
static void last_words_have_an_end(void **state)
{
	struct usermode u = { .fd = -1, .pidfd = -1, .stderr_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC) };
	struct err err = ERR_INIT;

	(void)state;
	assert_true(u.stderr_fd >= 0);
	(void)alarm(60);
	usermode_last_words(&u, &err);
	(void)alarm(0);
	assert_non_null(strstr(err.msg, "passt has ended"));
	usermode_done(&u);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(another_machines_network_is_told),
		test(the_default_route_chooses),
		test(one_interface_is_told_of),
		test(passt_speaks_for_the_guest),
		cmocka_unit_test(last_words_are_a_sentence),
		cmocka_unit_test(last_words_have_an_end),
	};

	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 || system("ip link set lo up") != 0) {
		(void)fprintf(stderr, "no network namespace of our own, or no ip (package iproute2)\n");
		return getenv("VMRUNC_MUST_WORK") ? 1 : 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
