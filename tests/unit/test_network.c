/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest is told of changes in its network namespace, one of the test's own, when telling it fails. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/rtnetlink.h>

#include "base/fd.h"
#include "monitor/network.h"
#include "net/link.h"
#include "net/rtnl.h"
#include "net/tap.h"
#include "net/view.h"

#define LO 1
#define PROCESS 1
#define TIMEOUT_MS 60000 /* whatever hangs, the test fails */
#define QUIET_MS 150     /* more than any delay here */
#define RESTLESS_MS 5    /* less than what is taken for rest */
#define FASTER 500       /* the time between two tries is so much shorter here */
#define RESOLVER "127.0.0.11"
#define ADDRESS "10.9.9.9"
#define SAID "no memory for this message"

/* The guest: what it is told, and how often that fails before. */
static struct {
	unsigned int calls, fails;
	unsigned int added, removed,
		resolvers; /* of the last call: the test's address, and how many resolvers there are */
	guest_done_fn *done;
	void *arg;
} guest;

static unsigned int read_fails, relay_fails;
static uint64_t delays[16]; /* the last ones that a timer has got, the newest first */

static struct rtnl rtnl = RTNL_INIT;
static struct loop *loop;
static struct network *network;
static struct guestlog *guest_log;
static int log_fd = -1, conf_fd = -1, proc_fd = -1, listener = -1;

int __wrap_tap_make(
	struct rtnl *r, const char *id, unsigned int queues, int ret_fds[], uint32_t *ret_ifindex, struct err *err);
int __wrap_guest_net(struct guest *g, const struct guest_net *net, guest_done_fn *done, void *arg, struct err *err);
int __wrap_guest_relay_inet(struct guest *g, uint32_t process, const struct sockaddr_in *to, uint32_t *ret_id);
int __wrap_view_read(struct rtnl *r, const char *id, bool all, struct view *ret, struct err *err);
int __real_view_read(struct rtnl *r, const char *id, bool all, struct view *ret, struct err *err);
int __wrap_timer_set(struct watch *w, uint64_t delay_ms);
int __real_timer_set(struct watch *w, uint64_t delay_ms);

/* The machine has no device: what is told is of the loopback interface. */
int __wrap_tap_make(
	struct rtnl *r, const char *id, unsigned int queues, int ret_fds[], uint32_t *ret_ifindex, struct err *err)
{
	(void)r;
	(void)id;
	(void)queues;
	(void)ret_fds;
	(void)ret_ifindex;
	return err_set(err, ENODEV, "the test makes no tap");
}

int __wrap_guest_net(struct guest *g, const struct guest_net *net, guest_done_fn *done, void *arg, struct err *err)
{
	const struct in_addr address = { .s_addr = inet_addr(ADDRESS) };

	(void)g;
	guest.calls++;
	guest.added = guest.removed = 0;
	guest.resolvers = net->resolvers.len;
	for (uint32_t i = 0; i < net->messages.len; i++) {
		const struct guest_net_message *m = &net->messages.at[i];

		if (!memmem(m->body.at, m->body.len, &address, sizeof(address)))
			continue;
		guest.added += m->type == RTM_NEWADDR;
		guest.removed += m->type == RTM_DELADDR;
	}
	loop_stop(loop);
	if (guest.fails > 0) {
		guest.fails--;
		return err_set(err, ENOMEM, SAID);
	}
	guest.done = done;
	guest.arg = arg;
	return 0;
}

int __wrap_guest_relay_inet(struct guest *g, uint32_t process, const struct sockaddr_in *to, uint32_t *ret_id)
{
	(void)g;
	(void)to;
	assert_int_equal(process, PROCESS);
	if (relay_fails > 0) {
		relay_fails--;
		return -ENOMEM;
	}
	*ret_id = 7;
	return 0;
}

int __wrap_view_read(struct rtnl *r, const char *id, bool all, struct view *ret, struct err *err)
{
	if (read_fails > 0) {
		read_fails--;
		return err_set(err, ENOBUFS, SAID);
	}
	return __real_view_read(r, id, all, ret, err);
}

int __wrap_timer_set(struct watch *w, uint64_t delay_ms)
{
	memmove(delays + 1, delays, sizeof(delays) - sizeof(*delays));
	delays[0] = delay_ms;
	return __real_timer_set(w, delay_ms >= FASTER ? delay_ms / FASTER : delay_ms);
}

/* As timer_fn. */
static void stop(void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* Runs the loop for some @ms, or until the guest is told something: whether it was. */
static bool told_within(uint64_t ms)
{
	unsigned int before = guest.calls;
	struct watch *timer;

	assert_int_equal(timer_new(loop, ms, stop, NULL, &timer), 0);
	assert_int_equal(loop_run(loop), 0);
	watch_free(timer);
	return guest.calls > before;
}

/* The guest is told something, in which the test's address comes and goes so often, and has so many resolvers. */
static void tells(unsigned int added, unsigned int removed, unsigned int resolvers)
{
	assert_true(told_within(TIMEOUT_MS));
	assert_int_equal(guest.added, added);
	assert_int_equal(guest.removed, removed);
	assert_int_equal(guest.resolvers, resolvers);
}

/* The guest has done it. */
static void answer(void)
{
	const struct err ok = ERR_INIT;

	guest.done(guest.arg, &ok, NULL, 0);
	assert_false(told_within(QUIET_MS));
}

/* Gives the loopback interface the test's address, or takes it away. */
static void change_address(bool add)
{
	const struct in_addr address = { .s_addr = inet_addr(ADDRESS) };
	struct rtnl_request q;
	struct ifaddrmsg *h =
		rtnl_begin(&q, add ? RTM_NEWADDR : RTM_DELADDR, add ? NLM_F_CREATE | NLM_F_EXCL : 0, sizeof(*h));

	*h = (struct ifaddrmsg){ .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = LO };
	mnl_attr_put_u32(&q.head, IFA_LOCAL, address.s_addr);
	assert_int_equal(rtnl_ask(&rtnl, &q), 0);
}

/* A notice of something that the guest is not told of. */
static void change_nothing(void)
{
	static uint32_t group = 1;

	assert_int_equal(link_set_group(&rtnl, LO, group++, true), 0);
}

/* How often the guest's log has @text. */
static unsigned int said(const char *text)
{
	char log[16384];
	ssize_t len = pread(log_fd, log, sizeof(log) - 1, 0);
	unsigned int n = 0;

	assert_true(len >= 0);
	log[len] = '\0';
	for (const char *at = log; (at = strstr(at, text)); at++)
		n++;
	return n;
}

/* As guest_done_fn, of the first telling. */
static void on_first(void *arg, const struct err *err, const void *payload, size_t len)
{
	(void)payload;
	(void)len;
	assert_int_equal(err->errnum, 0);
	++*(int *)arg;
}

static int setup(void **state)
{
	struct spec_mount mount = { .destination = (char[]){ "/etc/resolv.conf" } };
	struct spec spec = { .mounts = { .n = 1, .v = &mount } };
	struct bind bind = { .jail_fd = -1 };
	struct binds binds = { .n = 1, .v = &bind };
	struct vm_config vm = { .vcpus = 1 };
	struct monitor_job job = { .id = "one", .spec = &spec, .binds = &binds, .vm = &vm, .own_network = true };
	struct err err = ERR_INIT;
	int started = 0;

	(void)state;
	memset(&guest, 0, sizeof(guest));
	assert_int_equal(rtnl_open(-1, 0, &rtnl, &err), 0);
	assert_int_equal(link_set_group(&rtnl, LO, 0, true), 0);
	conf_fd = memfd_create("resolv.conf", MFD_CLOEXEC);
	log_fd = memfd_create("guest.log", MFD_CLOEXEC);
	vm.proc_fd = proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bind.jail_fd = conf_fd;
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(guestlog_new(fcntl(log_fd, F_DUPFD_CLOEXEC, 3), GUESTLOG_FILE_MIN, &guest_log), 0);
	assert_int_equal(network_new(&job, &network, &err), 0);
	assert_int_equal(network_follow(network, loop, NULL, guest_log, &err), 0);
	/* a first telling that fails leaves everything to be told to the next one */
	guest.fails = 1;
	assert_int_equal(network_tell(network, PROCESS, on_first, &started, &err), -ENOMEM);
	assert_int_equal(network_tell(network, PROCESS, on_first, &started, &err), 1);
	assert_int_equal(guest.calls, 2);
	assert_false(told_within(QUIET_MS));
	answer();
	assert_int_equal(started, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	network_free(network);
	guestlog_free(guest_log);
	loop_free(loop);
	rtnl_done(&rtnl);
	fd_close(log_fd);
	fd_close(conf_fd);
	fd_close(proc_fd);
	return 0;
}

/* The same difference comes again, after longer and longer times; why it did not come is said once. */
static void a_change_that_cannot_be_told_is_told_later(void **state)
{
	(void)state;
	change_address(true);
	guest.fails = 2;
	tells(1, 0, 0);
	tells(1, 0, 0);
	tells(1, 0, 0);
	answer();
	assert_int_equal(said(SAID), 1);
	assert_int_equal(delays[0], 2000);
	assert_int_equal(delays[1], 1000);

	change_address(false);
	guest.fails = 1;
	tells(0, 1, 0);
	assert_int_equal(delays[0], 1000);
	tells(0, 1, 0);
	answer();
	assert_int_equal(said(SAID), 2);
}

/* As timer_fn: a notice each so often, and no rest. */
static void be_restless(void *arg)
{
	struct watch **timer = arg;

	change_nothing();
	assert_int_equal(__real_timer_set(*timer, RESTLESS_MS), 0);
}

static void a_namespace_without_rest_is_told_of(void **state)
{
	struct watch *timer;

	(void)state;
	change_address(true);
	assert_int_equal(timer_new(loop, 1, be_restless, &timer, &timer), 0);
	tells(1, 0, 0);
	guest.done(guest.arg, &(const struct err)ERR_INIT, NULL, 0);
	change_address(false);
	tells(0, 1, 0);
	watch_free(timer);
	answer();
}

/* What is undone before it could be told is not told. */
static void what_is_undone_meanwhile_is_not_told(void **state)
{
	(void)state;
	guest.fails = 1;
	change_address(true);
	tells(1, 0, 0);
	change_address(false);
	assert_false(told_within(QUIET_MS));
}

/* What goes on failing is tried ever more seldom; a change of the namespace is tried at once. */
static void the_rate_has_a_bound(void **state)
{
	(void)state;
	guest.fails = 9;
	change_address(true);
	for (int i = 0; i < 9; i++)
		tells(1, 0, 0);
	assert_int_equal(delays[0], 60000);
	assert_int_equal(delays[1], 60000);
	assert_int_equal(delays[2], 60000);
	assert_int_equal(delays[3], 32000);
	assert_int_equal(said(SAID), 1);
	guest.fails = 1;
	change_nothing();
	tells(1, 0, 0);
	assert_int_equal(delays[0], 1000);
	tells(1, 0, 0);
	answer();
	change_address(false);
	tells(0, 1, 0);
	answer();
}

/* A namespace that cannot be read is read again. */
static void a_look_that_fails_is_made_again(void **state)
{
	(void)state;
	read_fails = 2;
	change_address(true);
	tells(1, 0, 0);
	assert_int_equal(read_fails, 0);
	answer();
	assert_int_equal(said(SAID), 1);
	change_address(false);
	tells(0, 1, 0);
	answer();
}

/* So do resolvers, where nothing else has changed. */
static void resolvers_that_cannot_be_told_are_told_later(void **state)
{
	static const char conf[] = "nameserver " RESOLVER "\n";

	(void)state;
	assert_int_equal(pwrite(conf_fd, conf, sizeof(conf) - 1, 0), sizeof(conf) - 1);
	guest.fails = 1;
	change_nothing();
	tells(0, 0, 1);
	tells(0, 0, 1);
	answer();
	assert_int_equal(ftruncate(conf_fd, 0), 0);
	guest.fails = 1;
	change_nothing();
	tells(0, 0, 0);
	tells(0, 0, 0);
	answer();
}

/* One that has got no relay for lack of memory is found again. */
static void a_relay_that_fails_is_made_again(void **state)
{
	static const char conf[] = "nameserver " RESOLVER "\n";

	(void)state;
	assert_int_equal(pwrite(conf_fd, conf, sizeof(conf) - 1, 0), sizeof(conf) - 1);
	relay_fails = 1;
	change_nothing();
	tells(0, 0, 1);
	assert_int_equal(relay_fails, 0);
	assert_int_equal(said("Cannot allocate memory"), 1);
	answer();
}

/* Brings the loopback interface up, and has something answer on the resolver's port: 0, or the namespace allows neither. */
static int prepare(void)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = { inet_addr(RESOLVER) }
	};
	struct err err = ERR_INIT;
	autortnl r = RTNL_INIT;

	if (unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0 ||
		rtnl_open(-1, 0, &r, &err) < 0 || link_set_group(&r, LO, 0, true) < 0)
		return -1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(listener, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -1 : listen(listener, 16);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_change_that_cannot_be_told_is_told_later),
		test(a_namespace_without_rest_is_told_of),
		test(what_is_undone_meanwhile_is_not_told),
		test(the_rate_has_a_bound),
		test(a_look_that_fails_is_made_again),
		test(resolvers_that_cannot_be_told_are_told_later),
		test(a_relay_that_fails_is_made_again),
	};

	if (prepare() < 0) {
		(void)fprintf(stderr, "no network namespace of our own\n");
		return getenv("VMRUNC_MUST_WORK") ? 1 : 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
