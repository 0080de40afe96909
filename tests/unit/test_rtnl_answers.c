/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of rtnetlink, as a kernel of the test's own gives them: whatever comes, the socket serves on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include "net/rtnl.h"
#include "net/usermode.h"

#define PIECES_MAX 32
#define LATE 2 /* as many requests ago an answer's was that nobody has read */

struct piece {
	int error; /* of recvmsg(2) instead of a piece */
	size_t len;
	_Alignas(struct nlmsghdr) char bytes[512];
};

/* The kernel: what stands in the socket, and what it answers to the next request. */
static struct {
	struct piece ready[PIECES_MAX], answer[PIECES_MAX];
	size_t ready_n, answer_n;
	bool endless; /* the socket never gets empty */
	unsigned int requests;
	void (*on_request)(uint16_t type); /* makes an answer; NULL: it is there already */
} kernel;

static struct rtnl rtnl = RTNL_INIT;

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *s, const void *request, size_t len);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *s, void *to, size_t size);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *s, const void *request, size_t len)
{
	(void)s;
	if (kernel.on_request)
		kernel.on_request(((const struct nlmsghdr *)request)->nlmsg_type);
	memcpy(kernel.ready + kernel.ready_n, kernel.answer, kernel.answer_n * sizeof(*kernel.answer));
	kernel.ready_n += kernel.answer_n;
	kernel.answer_n = 0;
	kernel.requests++;
	return (ssize_t)len;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *s, void *to, size_t size)
{
	struct piece p = kernel.ready[0];

	(void)s;
	assert_true(kernel.ready_n > 0); /* else the caller would wait for ever */
	memmove(kernel.ready, kernel.ready + 1, --kernel.ready_n * sizeof(*kernel.ready));
	errno = p.error;
	if (p.error)
		return -1;
	assert_true(p.len <= size);
	memcpy(to, p.bytes, p.len);
	return (ssize_t)p.len;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
	char bytes[sizeof(kernel.ready[0].bytes)];

	(void)m;
	assert_int_equal(fd, rtnl_fd(&rtnl));
	assert_true(flags & MSG_DONTWAIT);
	if (kernel.endless)
		return 1;
	if (kernel.ready_n > 0)
		return __wrap_mnl_socket_recvfrom(rtnl.sock, bytes, sizeof(bytes));
	errno = EAGAIN;
	return -1;
}

/* The next piece of the next request's answer: a message put() adds to the last one that there is. */
static void piece(int error)
{
	kernel.answer[kernel.answer_n++] = (struct piece){ .error = error };
}

/* A message of the request after the @late last ones, with a number in it. */
static struct nlmsghdr *put(uint16_t type, uint16_t flags, int number, uint32_t late)
{
	struct piece *p = &kernel.answer[kernel.answer_n - 1];
	struct nlmsghdr *h = mnl_nlmsg_put_header(p->bytes + p->len);

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	h->nlmsg_seq = rtnl.seq + 1 - late;
	h->nlmsg_pid = mnl_socket_get_portid(rtnl.sock);
	*(int *)mnl_nlmsg_put_extra_header(h, sizeof(number)) = number;
	p->len += h->nlmsg_len;
	return h;
}

/* What a dump has handed on: the sum of the numbers, and how many; the @fail_at th is refused. */
struct got {
	int sum, n, fail_at;
};

/* As rtnl_take_fn. */
static int take(void *arg, const struct nlmsghdr *message)
{
	struct got *g = arg;

	assert_int_equal(message->nlmsg_type, RTM_NEWLINK);
	g->sum += *(const int *)mnl_nlmsg_get_payload(message);
	return ++g->n == g->fail_at ? -ENOMEM : 0;
}

/* Puts a dump of three pieces, the @changed th message of which says that it has changed (0: none does). */
static void put_dump(int changed)
{
	for (int i = 1; i <= 6; i++) {
		if (i % 2)
			piece(0);
		(void)put(RTM_NEWLINK, NLM_F_MULTI | (i == changed ? NLM_F_DUMP_INTR : 0), i, 0);
	}
	(void)put(NLMSG_DONE, NLM_F_MULTI, 0, 0);
}

/* Asks for a dump, the @fail_at th message of which is refused. */
static int dump(struct got *g, int fail_at)
{
	struct rtnl_request q;

	*g = (struct got){ .fail_at = fail_at };
	(void)rtnl_begin(&q, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	return rtnl_dump(&rtnl, &q, take, g);
}

static int ask(void)
{
	struct rtnl_request q;

	(void)rtnl_begin(&q, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	return rtnl_ask(&rtnl, &q);
}

/* A dump and a request that are answered as they should be. */
static void serves_on(void)
{
	struct got g;

	put_dump(0);
	assert_int_equal(dump(&g, 0), 0);
	assert_int_equal(g.n, 6);
	assert_int_equal(g.sum, 21);
	piece(0);
	(void)put(NLMSG_ERROR, 0, 0, 0);
	assert_int_equal(ask(), 0);
	assert_int_equal(kernel.ready_n, 0);
}

static int setup(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	rtnl.seq = 0;
	return rtnl_open(-1, 0, &rtnl, &err);
}

static int teardown(void **state)
{
	(void)state;
	rtnl_done(&rtnl);
	return 0;
}

/* Wherever it says so: all of it is taken, and the socket is empty. */
static void a_dump_that_changes_is_read_to_its_end(void **state)
{
	struct got g;

	(void)state;
	for (int i = 1; i <= 6; i++) {
		put_dump(i);
		assert_int_equal(dump(&g, 0), -EINTR);
		assert_int_equal(g.sum, 21);
		assert_int_equal(kernel.ready_n, 0);
		serves_on();
	}
	/* an end may say so as well */
	piece(0);
	(void)put(NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 0, 0);
	assert_int_equal(dump(&g, 0), -EINTR);
	serves_on();
}

static void a_dump_that_is_refused_is_read_to_its_end(void **state)
{
	struct got g;

	(void)state;
	put_dump(1);
	assert_int_equal(dump(&g, 2), -ENOMEM);
	assert_int_equal(g.n, 2);
	serves_on();
}

/* What another request was answered, and what is somebody else's. */
static void what_is_not_the_answer_is_passed_over(void **state)
{
	struct got g;

	(void)state;
	serves_on();
	piece(0);
	(void)put(RTM_NEWLINK, NLM_F_MULTI, 100, LATE);
	(void)put(NLMSG_DONE, NLM_F_MULTI, 0, LATE);
	piece(0);
	(void)put(NLMSG_ERROR, 0, -EPERM, LATE);
	piece(0);
	put(NLMSG_ERROR, 0, -EPERM, 0)->nlmsg_pid++;
	piece(0); /* not even a header */
	put_dump(0);
	assert_int_equal(dump(&g, 0), 0);
	assert_int_equal(g.sum, 21);
	serves_on();
}

/* What is left of an answer whose end could not be read is taken away before the next request. */
static void an_error_in_the_middle_is_survived(void **state)
{
	struct got g;

	(void)state;
	piece(0);
	(void)put(RTM_NEWLINK, NLM_F_MULTI, 1, 0);
	piece(ENOMEM);
	put_dump(0);
	piece(ENOBUFS);
	put_dump(0);
	assert_int_equal(dump(&g, 0), -ENOMEM);
	assert_int_equal(g.n, 1);
	assert_true(kernel.ready_n > 0);
	serves_on();
	/* a dump that the kernel has not ended, either: the request that it is too busy for has it go on */
	piece(ENOMEM);
	assert_int_equal(dump(&g, 0), -ENOMEM);
	piece(0);
	(void)put(NLMSG_ERROR, 0, -EBUSY, 0);
	piece(0);
	(void)put(RTM_NEWLINK, NLM_F_MULTI, 100, 1);
	(void)put(NLMSG_DONE, NLM_F_MULTI, 0, 1);
	assert_int_equal(dump(&g, 0), -EBUSY);
	assert_int_equal(kernel.ready_n, 1);
	serves_on();
}

/* Who fills the socket faster than it is emptied keeps nobody in it. */
static void a_socket_that_is_never_empty_is_an_error(void **state)
{
	unsigned int before;
	struct got g;

	(void)state;
	piece(ENOBUFS);
	assert_int_equal(dump(&g, 0), -ENOBUFS);
	kernel.endless = true;
	before = kernel.requests;
	assert_int_equal(dump(&g, 0), -EBUSY);
	assert_int_equal(kernel.requests, before);
	kernel.endless = false;
	serves_on();
}

/* A dump's end may say that it is not whole. */
static void the_end_says_what_has_failed(void **state)
{
	struct got g;

	(void)state;
	piece(0);
	(void)put(RTM_NEWLINK, NLM_F_MULTI, 1, 0);
	(void)put(NLMSG_DONE, NLM_F_MULTI, -EMSGSIZE, 0);
	assert_int_equal(dump(&g, 0), -EMSGSIZE);
	piece(0);
	(void)put(NLMSG_ERROR, 0, -EPERM, 0);
	assert_int_equal(dump(&g, 0), -EPERM);
	piece(0);
	(void)put(NLMSG_ERROR, 0, -EPERM, 0);
	assert_int_equal(ask(), -EPERM);
	piece(0);
	put(NLMSG_ERROR, 0, 0, 0)->nlmsg_len = NLMSG_HDRLEN;
	assert_int_equal(ask(), -EBADMSG);
	piece(0);
	put(NLMSG_DONE, NLM_F_MULTI, 0, 0)->nlmsg_len = NLMSG_HDRLEN;
	assert_int_equal(dump(&g, 0), 0);
	serves_on();
}

static unsigned int routes_asked;

/* A link or a default route by @ifindex in the answer to the request that has just been sent. */
static void put_of(uint16_t type, uint16_t flags, uint32_t ifindex)
{
	struct nlmsghdr *h = put(type, NLM_F_MULTI | flags, 0, 1);

	h->nlmsg_len = NLMSG_HDRLEN;
	if (type == RTM_NEWLINK) {
		*(struct ifinfomsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct ifinfomsg)) =
			(struct ifinfomsg){ .ifi_index = (int)ifindex, .ifi_flags = IFF_UP };
	} else {
		*(struct rtmsg *)mnl_nlmsg_put_extra_header(h, sizeof(struct rtmsg)) =
			(struct rtmsg){ .rtm_family = AF_INET, .rtm_type = RTN_UNICAST, .rtm_table = RT_TABLE_MAIN };
		mnl_attr_put_u32(h, RTA_OIF, ifindex);
		mnl_attr_put_u32(h, RTA_PRIORITY, ifindex);
	}
	kernel.answer[kernel.answer_n - 1].len += h->nlmsg_len - NLMSG_HDRLEN - sizeof(int);
}

/* Two interfaces, whose list goes on changing, and a default route that has just gone from the first to the second. */
static void answer_restless(uint16_t type)
{
	piece(0);
	if (type == RTM_GETLINK) {
		put_of(RTM_NEWLINK, NLM_F_DUMP_INTR, 2);
		put_of(RTM_NEWLINK, NLM_F_DUMP_INTR, 3);
	} else if (++routes_asked == 1) {
		put_of(RTM_NEWROUTE, NLM_F_DUMP_INTR, 2);
	} else {
		put_of(RTM_NEWROUTE, 0, 3);
	}
	(void)put(NLMSG_DONE, NLM_F_MULTI, 0, 1);
}

/* User mode has no time to wait for rest: it takes what there is, but the default route it reads until it is whole. */
static void a_restless_namespace_has_a_default_route(void **state)
{
	struct err err = ERR_INIT;
	struct link l;

	(void)state;
	kernel.on_request = answer_restless;
	assert_int_equal(usermode_choose(&rtnl, &l, &err), 1);
	assert_int_equal(l.ifindex, 3);
	assert_int_equal(routes_asked, 2);
	assert_int_equal(kernel.ready_n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_dump_that_changes_is_read_to_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dump_that_is_refused_is_read_to_its_end, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_the_answer_is_passed_over, setup, teardown),
		cmocka_unit_test_setup_teardown(an_error_in_the_middle_is_survived, setup, teardown),
		cmocka_unit_test_setup_teardown(a_socket_that_is_never_empty_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_says_what_has_failed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_restless_namespace_has_a_default_route, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
