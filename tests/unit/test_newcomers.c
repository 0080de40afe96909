/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interfaces of the host that a config names; those that come and go beside a machine's taps, in a network namespace of
 * the test's own; and resolv.conf(5).
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/rtnetlink.h>

#include "base/fd.h"
#include "monitor/newcomers.h"
#include "monitor/resolvers.h"
#include "net/attach.h"
#include "net/hostlink.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/share.h"
#include "net/tap.h"
#include "tests/unit/filter.h"

#define TAPS 2
#define TIMEOUT_MS 60000 /* whatever hangs, the test fails */

static struct rtnl rtnl = RTNL_INIT, notices = RTNL_INIT;
static uint32_t taps[TAPS];
static int tap_fds[TAPS][2] = { { -1, -1 }, { -1, -1 } }; /* the second has two queues */

/* Makes a namespace with taps, or skips the test where that cannot be. */
static void make_namespace(void)
{
	struct err err = ERR_INIT;

	if (geteuid() != 0 || access(TAP_DEVICE, R_OK | W_OK) < 0 || system("command -v ip tc >/dev/null") != 0 ||
		unshare(CLONE_NEWNET) < 0) {
		print_message("needs root, " TAP_DEVICE " and iproute2\n");
		skip();
	}
	assert_int_equal(rtnl_open(-1, 0, &rtnl, &err), 0);
	assert_int_equal(rtnl_open(-1, RTMGRP_LINK, &notices, &err), 0);
	for (int i = 0; i < TAPS; i++) {
		assert_int_equal(tap_make(&rtnl, "one", i == 0 ? 1 : 2, tap_fds[i], &taps[i], &err), 0);
	}
}

static void end_namespace(void)
{
	for (int i = 0; i < TAPS; i++)
		for (int k = 0; k < 2; k++)
			fd_close(tap_fds[i][k]);
	rtnl_done(&rtnl);
	rtnl_done(&notices);
}

/* The interface called @name, as it is now; ifindex 0: there is none. */
static struct link link_of(const char *name)
{
	autolinks list = LINKS_NONE;
	struct link found = { .ifindex = 0 };

	assert_int_equal(links_read(&rtnl, &list), 0);
	for (size_t i = 0; i < list.n; i++) {
		if (strcmp(list.v[i].name, name) == 0)
			found = list.v[i];
	}
	return found;
}

/* How many taps stand beside the interface @ifindex; 0: how many are spare. */
static size_t taps_beside(uint32_t ifindex)
{
	autolinks list = LINKS_NONE;
	size_t n = 0;

	assert_int_equal(links_read(&rtnl, &list), 0);
	for (int i = 0; i < TAPS; i++)
		n += links_find(&list, taps[i])->group == ifindex;
	return n;
}

/* Waits until so many taps stand beside @ifindex. */
static void wait_taps(uint32_t ifindex, size_t n)
{
	struct pollfd p = { .fd = rtnl_fd(&notices), .events = POLLIN };

	while (taps_beside(ifindex) != n) {
		assert_int_equal(poll(&p, 1, TIMEOUT_MS), 1);
		rtnl_drop(&notices, 64);
	}
}

/* How many lines with @text there are of the filters at the ingress of @name. */
static size_t lines_of(const char *name, const char *text)
{
	char command[128], line[256];
	size_t n = 0;
	FILE *f;

	(void)snprintf(command, sizeof(command), "tc filter show dev %s ingress", name);
	f = popen(command, "r"); /* NOLINT(cert-env33-c): the test's own words */
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, text) != NULL;
	(void)pclose(f);
	return n;
}

static size_t filters_of(const char *name)
{
	return lines_of(name, "mirred");
}

/*
 * An interface that comes up gets a tap and one that goes gives it back, again and again; what is too much has none
 * until there is room.
 */
static void interfaces_come_and_go(void **state)
{
	struct err err = ERR_INIT;
	struct link first;
	char text[NEWCOMERS_TEXT_MAX];
	autolinks list = LINKS_NONE;
	autoshare share = SHARE_NONE; /* what the process has, where the kernel allows it */
	int socket, status;

	(void)state;
	make_namespace();
	assert_int_equal(links_read(&rtnl, &list), 0);
	(void)!share_load(&list, "one", &share);
	socket = newcomers_start("one", NULL, &err);
	assert_true(socket >= 0);
	assert_int_equal(system("ip link add name early type veth peer name p0 && ip link set early up"), 0);
	assert_int_equal(newcomers_begin(socket), 0);
	first = link_of("early");
	wait_taps(first.ifindex, 1);
	assert_int_equal(filters_of("early"), 1);
	for (int i = 0; i < 5; i++) {
		struct link l;

		assert_int_equal(system("ip link add name late type veth peer name p1"), 0);
		l = link_of("late");
		assert_int_equal(taps_beside(l.ifindex), 0); /* it is down */
		assert_int_equal(system("ip link set late up"), 0);
		wait_taps(l.ifindex, 1);
		assert_int_equal(filters_of("late"), 1);
		assert_int_equal(lines_of("late", "vmrunc direct-action"), share.n ? 1 : 0);
		assert_int_equal(system("ip link del late"), 0);
		wait_taps(0, 1);
	}
	/* two more than there are taps: the second waits until the first has gone */
	assert_int_equal(system("ip link add name third type veth peer name p2 && ip link set third up"), 0);
	first = link_of("third");
	wait_taps(first.ifindex, 1);
	assert_int_equal(system("ip link add name fourth type veth peer name p3 && ip link set fourth up"), 0);
	assert_int_equal(system("ip link del third"), 0);
	wait_taps(link_of("fourth").ifindex, 1);
	/* it says nothing, and ends when the socket does */
	assert_int_equal(newcomers_hear(socket, text), -EAGAIN);
	fd_close(socket);
	assert_true(wait(&status) > 0);
	if (!SANITIZED) /* its runtime makes calls of its own at the end of a process */
		assert_true(WIFEXITED(status));
	end_namespace();
}

/*
 * Which interfaces get a tap: Ethernet that is up and no port; also a tap of somebody else's. A kernel without macvlan
 * tests less.
 */
static void what_fits(void **state)
{
	static const struct {
		const char *make, *name;
		bool fits;
	} kinds[] = {
		{ "ip link add name v0 type veth peer name q0 && ip link set v0 up", "v0", true },
		{ "ip link add name v1 type veth peer name q1", "v1", false },
		{ "ip link add name br0 type bridge && ip link set v0 master br0", "v0", false },
		{ "ip link set br0 up", "br0", true },
		{ "ip tuntap add dev other mode tap && ip link set other up", "other", true },
		{ "ip tuntap add dev other3 mode tun && ip link set other3 up", "other3", false },
		{ "ip link add name mv0 link q0 type macvlan mode bridge && ip link set mv0 up", "mv0", true },
		{ "ip link add name iv0 link q1 type ipvlan mode l2 && ip link set iv0 up", "iv0", true },
		{ "ip link add name vlan7 link br0 type vlan id 7 && ip link set vlan7 up", "vlan7", true },
		{ "ip link add name wg0 type wireguard && ip link set wg0 up", "wg0", false },
	};

	(void)state;
	make_namespace();
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct link l;

		if (system(kinds[i].make) != 0) {
			assert_true(i > 5); /* the kernel has not got this one */
			continue;
		}
		l = link_of(kinds[i].name);
		assert_true(l.ifindex > 0);
		assert_int_equal(attach_fits(&l), kinds[i].fits);
	}
	/* those of a machine do not */
	for (int i = 0; i < TAPS; i++) {
		autolinks list = LINKS_NONE;

		assert_int_equal(links_read(&rtnl, &list), 0);
		assert_false(attach_fits(links_find(&list, taps[i])));
		assert_true(tap_is(links_find(&list, taps[i]), "one"));
		assert_false(tap_is(links_find(&list, taps[i]), "two"));
	}
	end_namespace();
}

/* linux.netDevices: an interface goes into another namespace with its addresses, or stays as it was. */
static void an_interface_is_moved(void **state)
{
	struct err err = ERR_INIT;
	char command[256];
	int go[2], status;
	pid_t pid;

	(void)state;
	make_namespace();
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		(void)!(unshare(CLONE_NEWNET) == 0 && read(go[0], &status, 1)); /* until the test has ended */
		_exit(0);
	}
	(void)snprintf(command, sizeof(command),
		"until [ \"$(readlink /proc/%d/ns/net)\" != \"$(readlink /proc/self/ns/net)\" ]; do :; done", (int)pid);
	assert_int_equal(system(command), 0);
	assert_int_equal(
		system("ip link add name host0 mtu 1400 address 02:00:00:00:00:77 type veth peer name p4 && "
		       "ip addr add 10.1.1.1/24 brd + dev host0 && ip addr add 10.2.2.2/24 scope link dev host0 && "
		       "ip addr add fd01::1/64 dev host0 nodad && ip link set host0 up"),
		0);
	assert_int_equal(hostlink_move(pid, "none0", "in0", &err), -ENODEV);
	assert_string_equal(err.msg, "linux.netDevices: there is no network interface \"none0\" on the host");
	/* a name that is taken: nothing has changed */
	err = (struct err)ERR_INIT;
	assert_true(hostlink_move(pid, "host0", "lo", &err) < 0);
	assert_non_null(
		strstr(err.msg, "cannot move interface \"host0\" into the container's network namespace as \"lo\""));
	assert_true(link_of("host0").flags & IFF_UP);
	assert_int_equal(hostlink_move(pid, "host0", "in0", &err), 0);
	assert_int_equal(link_of("host0").ifindex, 0);
	(void)snprintf(command, sizeof(command),
		"test \"$(nsenter -t %d -n ip -o addr show dev in0 scope global | awk '{ print $4 }' | tr '\\n' ' ')\" "
		"= '10.1.1.1/24 fd01::1/64 '",
		(int)pid);
	assert_int_equal(system(command), 0);
	(void)snprintf(command, sizeof(command),
		"nsenter -t %d -n ip link show in0 | tr '\\n' ' ' | grep -q '[<,]UP[,>].* mtu 1400 "
		".*02:00:00:00:00:77'",
		(int)pid);
	assert_int_equal(system(command), 0);
	close(go[1]);
	close(go[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	end_namespace();
}

static void resolvers_of_a_file(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *want[PROTO_RESOLVERS_MAX];
	} files[] = {
		{ "", 0, { NULL } },
		{ "nameserver 127.0.0.11", 1, { "127.0.0.11" } },
		{ "# x\nsearch a\nnameserver\t 127.0.0.11 \t# docker\noptions ndots:0\n", 1, { "127.0.0.11" } },
		{ "nameserver 8.8.8.8\nnameserver ::1\nnameserver 127.1.2.3\r\n", 1, { "127.1.2.3" } },
		{ "nameserver 127.0.0.1\nnameserver 127.0.0.1\nnameserver 127.0.0.2\n", 2,
			{ "127.0.0.1", "127.0.0.2" } },
		{ "nameserver 127.0.0.1\nnameserver 127.0.0.2\nnameserver 127.0.0.3\nnameserver 127.0.0.4\n", 3,
			{ "127.0.0.1", "127.0.0.2", "127.0.0.3" } },
		{ "#nameserver 127.0.0.1\n nameserver 127.0.0.1\nnameserver 127.0.0.1.1\nnameserver "
		  "127.0.0.111111111111\n"
		  "nameserver\n",
			0, { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		uint32_t got[PROTO_RESOLVERS_MAX];
		char address[INET_ADDRSTRLEN];

		assert_int_equal(resolvers_parse(files[i].text, got), files[i].n);
		for (size_t k = 0; k < files[i].n; k++) {
			assert_non_null(inet_ntop(AF_INET, &got[k], address, sizeof(address)));
			assert_string_equal(address, files[i].want[k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolvers_of_a_file),
		cmocka_unit_test(interfaces_come_and_go),
		cmocka_unit_test(an_interface_is_moved),
		cmocka_unit_test(what_fits),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
